//! The header fields of requests, compressed as far as they are the same each time.
//!
//! A field that never changes is put into the server's dynamic table with the first request of a connection and is one
//! byte from then on, as browsers do it. All of them together are kept below the table's size, so nothing is ever
//! evicted and an index is computed from the order of insertion alone (RFC 7541, section 2.3.3).

use model::{Method, Plan, Request};

use crate::arrivals::replayed;

use super::Draft;
use super::hpack::{ENTRY_COST, STATIC_ENTRIES, TABLE_SIZE, static_index, write_integer, write_string};

const INDEXED: u8 = 0x80;
const LITERAL_KEPT: u8 = 0x40;
const LITERAL: u8 = 0x00;
/// A new size of the dynamic table.
const RESIZE: u8 = 0x20;

/// The fields of a plan's requests.
#[derive(Debug)]
pub(crate) struct Fields {
    fixed: Vec<Fixed>,
    requests: Vec<Prepared>,
    /// Whether all fixed fields fit the table that every server has.
    fits: bool,
}

/// One request of the plan.
#[derive(Debug)]
struct Prepared {
    fixed: Vec<usize>,
    changing_path: bool,
    is_head: bool,
}

#[derive(Debug)]
enum Fixed {
    /// Is in the static table.
    Static(usize),
    /// How it is written when it is to be kept, and when it is not.
    Own { kept: Vec<u8>, passing: Vec<u8> },
}

impl Fields {
    /// Prepares the requests of `plan` for `authority`, over TLS or not.
    pub(crate) fn new(plan: &Plan, authority: &str) -> Self {
        let scheme = if plan.transport.tls.is_some() { "https" } else { "http" };
        let (mut known, mut size) = (Vec::<(String, String)>::new(), 0);
        let mut requests = Vec::new();
        let from_log = replayed(&plan.stages).is_some();
        for request in &plan.scenario.requests {
            let changing_path = from_log || !request.path.is_fixed();
            let fields = fixed_fields(request, authority, scheme, changing_path);
            let ids = fields.into_iter().map(|field| {
                known.iter().position(|other| *other == field).unwrap_or_else(|| {
                    if static_index(&field.0, &field.1).0.is_none() {
                        size += field.0.len() + field.1.len() + ENTRY_COST;
                    }
                    known.push(field);
                    known.len() - 1
                })
            });
            requests.push(Prepared {
                fixed: ids.collect(),
                changing_path,
                is_head: request.method == Method::Head,
            });
        }
        let fixed = known.iter().map(|(name, value)| Fixed::new(name, value)).collect();
        Self { fixed, requests, fits: size <= TABLE_SIZE }
    }

    /// Whether the answer to this request has no body whatever its head says.
    pub(super) fn is_head(&self, request: usize) -> bool {
        self.requests[request].is_head
    }
}

impl Fixed {
    fn new(name: &str, value: &str) -> Self {
        let (whole, named) = static_index(name, value);
        if let Some(index) = whole {
            return Fixed::Static(index);
        }
        let literal = |pattern, bits| {
            let mut out = Vec::new();
            write_integer(&mut out, pattern, bits, named.unwrap_or(0));
            if named.is_none() {
                write_string(&mut out, name.as_bytes());
            }
            write_string(&mut out, value.as_bytes());
            out
        };
        Fixed::Own { kept: literal(LITERAL_KEPT, 6), passing: literal(LITERAL, 4) }
    }
}

/// In the order in which they are sent: pseudo-fields first (RFC 9113, section 8.3).
fn fixed_fields(
    request: &Request,
    authority: &str,
    scheme: &str,
    changing_path: bool,
) -> Vec<(String, String)> {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![
        field(":method", request.method.as_str()),
        field(":scheme", scheme),
        field(":authority", authority),
    ];
    if !changing_path {
        fields.push(field(":path", &request.path.to_string()));
    }
    let has = |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    if !has("user-agent") {
        fields.push(field("user-agent", "brownout"));
    }
    if !has("accept") {
        fields.push(field("accept", "*/*"));
    }
    if let Some(credential) = &request.credential {
        fields.push(field("authorization", credential.value.reveal()));
    }
    let fixed = request.headers.iter().filter(|(_, value)| value.is_fixed());
    fields.extend(fixed.map(|(name, value)| (name.to_ascii_lowercase(), value.to_string())));
    fields
}

/// What one connection's server has in its dynamic table.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// When each fixed field was inserted, counted from 1; 0 when it was not.
    inserted: Vec<usize>,
    count: usize,
    /// The server wants no table, and has yet to be told that it is empty.
    empty_it: bool,
    without_table: bool,
}

impl Encoder {
    /// The server offers a table of `size` bytes.
    pub(super) fn offered(&mut self, size: usize) {
        if size < TABLE_SIZE && !self.without_table {
            self.without_table = true;
            self.empty_it = true;
            self.inserted.clear();
        }
    }

    /// Writes the header block of one request.
    pub(super) fn write(&mut self, fields: &Fields, draft: &Draft<'_>, out: &mut Vec<u8>) {
        let Draft { request, path, .. } = *draft;
        if std::mem::take(&mut self.empty_it) {
            write_integer(out, RESIZE, 5, 0);
        }
        let keep = fields.fits && !self.without_table;
        self.inserted.resize(fields.fixed.len(), 0);
        let Prepared { fixed: ids, changing_path, .. } = &fields.requests[request];
        // The path comes after the first three, which are pseudo-fields as it is.
        for (position, id) in ids.iter().enumerate() {
            if position == 3 && *changing_path {
                write_path(path, out);
            }
            match &fields.fixed[*id] {
                Fixed::Static(index) => write_integer(out, INDEXED, 7, *index),
                Fixed::Own { .. } if self.inserted[*id] > 0 => {
                    let age = self.count - self.inserted[*id];
                    write_integer(out, INDEXED, 7, STATIC_ENTRIES + 1 + age);
                }
                Fixed::Own { kept, .. } if keep => {
                    out.extend_from_slice(kept);
                    self.count += 1;
                    self.inserted[*id] = self.count;
                }
                Fixed::Own { passing, .. } => out.extend_from_slice(passing),
            }
        }
        if *changing_path && ids.len() == 3 {
            write_path(path, out);
        }
        for (name, value) in lines(draft.fields) {
            write_integer(out, LITERAL, 4, 0);
            write_string(out, name);
            write_string(out, value);
        }
        if let Some(length) = draft.body.map(<[u8]>::len) {
            write_integer(out, LITERAL, 4, static_index("content-length", "").1.unwrap_or(0));
            write_string(out, length.to_string().as_bytes());
        }
    }
}

/// Names and values of header lines, `name: value` and a line break each.
fn lines(fields: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

fn write_path(path: &[u8], out: &mut Vec<u8>) {
    write_integer(out, LITERAL, 4, static_index(":path", "").1.unwrap_or(0));
    write_string(out, path);
}
