//! A template made ready: names are looked up once, before the load.

use std::io::Write as _;
use std::sync::Arc;

use model::{Order, Piece, Plan, Session, Table, Template};

use super::values::Values;
use crate::arrivals::Arrival;
use crate::sessions::Memory;

/// Where a text stands: values from files and answers must not break out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the request line, where blanks and control characters are percent-encoded.
    Path,
    /// In a header field, where control characters become blanks.
    Field,
    /// In the body, where anything may stand.
    Body,
}

/// A template whose values are found without looking for their names.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pieces: Vec<Ready>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Ready {
    Bytes(Arc<[u8]>),
    Sequence,
    Random(u64, u64),
    Uuid,
    Cell { table: Arc<Table>, column: usize, seed: u64 },
    Captured(usize),
}

/// What the values of one request are drawn from.
pub(super) struct Draw<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) values: Values,
    /// Of its session, after the first step.
    pub(super) memory: Option<&'a Memory>,
}

impl Text {
    /// Makes `template` ready. A captured value is found by its place among those of `session`.
    pub(super) fn new(template: &Template, place: Place, plan: &Plan, session: Option<&Session>) -> Self {
        let captured = session.map(Session::captured).unwrap_or_default();
        let ready = |piece: &Piece| match piece {
            Piece::Text(text) => Ready::Bytes(text.as_bytes().into()),
            Piece::Bytes(bytes) => Ready::Bytes(Arc::clone(bytes)),
            Piece::Sequence => Ready::Sequence,
            Piece::Random(low, high) => Ready::Random(*low, *high),
            Piece::Uuid => Ready::Uuid,
            Piece::Column { table, column } => {
                let seed = plan.seed.stream(&format!("data {table}"));
                let known = plan.scenario.tables.iter().find(|known| known.name == *table);
                let place = |known: &Arc<Table>| known.columns().iter().position(|other| other == column);
                match known.and_then(|known| Some((Arc::clone(known), place(known)?))) {
                    Some((table, column)) if table.rows() > 0 => Ready::Cell { table, column, seed },
                    _ => Ready::Bytes([].into()),
                }
            }
            Piece::Captured(name) => match captured.iter().position(|other| other == name) {
                Some(place) => Ready::Captured(place),
                None => Ready::Bytes([].into()),
            },
        };
        Self { pieces: template.0.iter().map(ready).collect(), place }
    }

    /// Writes the text for one request.
    pub(super) fn write(&self, draw: &mut Draw<'_>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Ready::Bytes(bytes) => out.extend_from_slice(bytes),
                Ready::Sequence => {
                    // Writing to a vector cannot fail.
                    let _ = write!(out, "{}", draw.arrival.sequence);
                }
                Ready::Random(low, high) => {
                    let value = draw.values.within(*low, *high);
                    let _ = write!(out, "{value}");
                }
                Ready::Uuid => draw.values.uuid(out),
                Ready::Cell { table, column, seed } => {
                    let row = row(table, *seed, draw.arrival);
                    self.insert(table.cell(row, *column).as_bytes(), out);
                }
                Ready::Captured(place) => {
                    let value = draw.memory.and_then(|memory| memory.values.get(*place));
                    self.insert(value.map_or(&[][..], Vec::as_slice), out);
                }
            }
        }
    }

    fn insert(&self, value: &[u8], out: &mut Vec<u8>) {
        match self.place {
            Place::Body => out.extend_from_slice(value),
            Place::Field => {
                out.extend(value.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }));
            }
            Place::Path => {
                for byte in value {
                    if byte.is_ascii_graphic() && *byte != b'#' {
                        out.push(*byte);
                    } else {
                        let _ = write!(out, "%{byte:02X}");
                    }
                }
            }
        }
    }
}

/// The row that an arrival draws: the same for all values of a request, and for all steps of a session.
fn row(table: &Table, seed: u64, arrival: &Arrival) -> usize {
    let rows = table.rows() as u64;
    let row = match table.order {
        Order::InOrder => arrival.sequence % rows,
        Order::Random => Values::new(seed, arrival.number).within(0, rows - 1),
    };
    usize::try_from(row).unwrap_or(0)
}
