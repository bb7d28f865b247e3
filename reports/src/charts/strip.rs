//! The state strip (one row for each request) and the lanes of faults and processes.

use std::convert::Infallible;
use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::clamp;
use super::figure::WIDTH;
use super::ink::{FINE, text_width};
use super::paint::Paint;
use super::panels::{self, Area, Band, Drawn, GAP, LEFT, LETTERS, ROW, TITLE};
use crate::findings::states::State;

/// A row of the state strip.
pub(super) struct StripRow {
    pub(super) name: String,
    pub(super) stretches: Vec<(f64, f64, State)>,
}

/// A process and what became of it.
pub(super) struct Lane {
    pub(super) name: String,
    /// In order of time.
    pub(super) marks: Vec<(f64, Mark)>,
}

/// Something that happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Died,
    Started,
    Ready,
}

/// Height of a panel of so many rows, with its title.
pub(super) fn height(rows: usize) -> u32 {
    let rows = i32::try_from(rows).unwrap_or(1).max(1);
    (TITLE + rows * ROW + GAP).unsigned_abs()
}

/// The name of a row, left of it.
fn row_name(area: &Area, name: &str, row: usize) -> Drawn {
    let y = (TITLE + ROW / 2) * FINE + i32::try_from(row).unwrap_or(0) * ROW * FINE;
    let at = ((LEFT - 8) * FINE, y);
    area.draw(&Text::new(
        shortened(name, f64::from(LEFT - 12)),
        at,
        panels::letters(Paint::Ink, HPos::Right, VPos::Center),
    ))
}

/// `text` cut to a width in pixels.
fn shortened(text: &str, width: f64) -> String {
    if text_width(text, LETTERS) <= width {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while text_width(&short, LETTERS) > width - LETTERS && short.pop().is_some() {}
    short + "…"
}

/// Top and bottom of a row on an axis of `rows` rows that counts from below.
fn band_of(rows: usize, row: usize, inset: f64) -> (f64, f64) {
    let bottom = (rows - 1 - row) as f64;
    (bottom + inset, bottom + 1.0 - inset)
}

/// What each moment was like, one row for each request.
pub(super) fn states(area: &Area, time: &Range<f64>, rows: &[StripRow]) -> Drawn {
    panels::title(area, "State of each request")?;
    let mut chart = panels::chart(area, time, 0.0..rows.len() as f64, false)?;
    for (index, row) in rows.iter().enumerate() {
        row_name(area, &row.name, index)?;
        let (bottom, top) = band_of(rows.len(), index, 0.1);
        for (from_s, to_s, state) in &row.stretches {
            let (from, to) = (clamp(*from_s, time), clamp(*to_s, time));
            if to <= from {
                continue;
            }
            let paint = match state {
                State::Up => Paint::Up,
                State::Degraded => Paint::Degraded,
                State::Down => Paint::Down,
                State::NoData => Paint::NoData,
            };
            chart.draw_series([Rectangle::new([(from, bottom), (to, top)], paint.filled())])?;
            let long = format!("down {:.1} s", to_s - from_s);
            let texts: &[&str] = match state {
                State::Down => &[&long, "down", "D"],
                State::NoData => &["no data", "?"],
                State::Up | State::Degraded => &[],
            };
            if let Some(text) = panels::fitting(texts, panels::stretch_pixels(to - from, time, WIDTH)) {
                let style = panels::letters(Paint::Strong, HPos::Center, VPos::Center);
                let middle = (f64::midpoint(from, to), f64::midpoint(bottom, top));
                chart.draw_series([Text::new(text.to_owned(), middle, style)])?;
            }
        }
    }
    Ok(())
}

/// Which faults were in force, and what became of the processes.
pub(super) fn lanes(area: &Area, time: &Range<f64>, bands: &[Band], lanes: &[Lane]) -> Drawn {
    panels::title(area, if lanes.is_empty() { "Faults in force" } else { "Faults in force, and processes" })?;
    let rows = lanes.len() + 1;
    let mut chart = panels::chart(area, time, 0.0..rows as f64, false)?;
    row_name(area, "fault", 0)?;
    panels::bands(&mut chart, bands, time, &(0.0..rows as f64))?;
    let (bottom, top) = band_of(rows, 0, 0.5);
    for (index, band) in bands.iter().enumerate().filter(|(_, band)| time.contains(&band.from_s)) {
        // The name may reach as far as the next fault.
        let next = bands.get(index + 1).map_or(time.end, |next| next.from_s.min(time.end));
        let room = panels::stretch_pixels(next - band.from_s, time, WIDTH) - 8.0;
        let at = (band.from_s + (time.end - time.start) * 0.004, f64::midpoint(bottom, top));
        let style = panels::letters(Paint::Strong, HPos::Left, VPos::Center);
        chart.draw_series([Text::new(shortened(&band.name, room), at, style)])?;
    }
    for (index, lane) in lanes.iter().enumerate() {
        row_name(area, &lane.name, index + 1)?;
        draw_lane(&mut chart, time, lane, band_of(rows, index + 1, 0.38))?;
    }
    Ok(())
}

fn draw_lane(
    chart: &mut panels::Chart<'_, plotters::coord::types::RangedCoordf64>,
    time: &Range<f64>,
    lane: &Lane,
    (bottom, top): (f64, f64),
) -> Result<(), DrawingAreaErrorKind<Infallible>> {
    let middle = f64::midpoint(bottom, top);
    let line =
        |from: f64, to: f64| PathElement::new([(from, middle), (to, middle)], Paint::Grid.line(FINE as u32));
    chart.draw_series([line(time.start, time.end)])?;
    let mut gone_from: Option<f64> = None;
    let mut gone: Vec<(f64, f64)> = Vec::new();
    for (at_s, mark) in &lane.marks {
        match mark {
            Mark::Died => gone_from = gone_from.or(Some(*at_s)),
            Mark::Ready => gone.extend(gone_from.take().map(|from| (from, *at_s))),
            Mark::Started => {}
        }
    }
    gone.extend(gone_from.map(|from| (from, time.end)));
    let bar = |(from, to): (f64, f64)| {
        Rectangle::new([(clamp(from, time), bottom), (clamp(to, time), top)], Paint::Gone.filled())
    };
    chart.draw_series(gone.into_iter().filter(|(from, to)| *to > time.start && *from < time.end).map(bar))?;
    let size = 4 * FINE;
    for (at_s, mark) in lane.marks.iter().filter(|(at_s, _)| time.contains(at_s)) {
        let at = (*at_s, middle);
        match mark {
            Mark::Died => chart.draw_series([Cross::new(at, size, Paint::Died.line(2 * FINE as u32))])?,
            Mark::Started => chart.draw_series([TriangleMarker::new(at, size, Paint::Started.filled())])?,
            Mark::Ready => chart.draw_series([Circle::new(at, size, Paint::Ready.filled())])?,
        };
    }
    Ok(())
}
