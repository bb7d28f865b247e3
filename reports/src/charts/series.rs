//! What the panels of a drawing show, as plain numbers.

use std::ops::Range;

use model::Histogram;

use super::paint::Paint;
use crate::findings::effect::failures;
use crate::findings::grid::{Grid, whole};
use crate::findings::windows::Window;

/// Failures that are drawn in one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Answered,
    Refused,
    Reset,
    TimedOut,
    Unsent,
}

impl Failure {
    pub(crate) const ALL: [Failure; 5] =
        [Failure::Answered, Failure::Refused, Failure::Reset, Failure::TimedOut, Failure::Unsent];

    pub(crate) fn paint(self) -> Paint {
        match self {
            Failure::Answered => Paint::Answered,
            Failure::Refused => Paint::Refused,
            Failure::Reset => Paint::Reset,
            Failure::TimedOut => Paint::TimedOut,
            Failure::Unsent => Paint::Unsent,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Failure::Answered => "answered with an error (4xx, 5xx)",
            Failure::Refused => "refused",
            Failure::Reset => "reset or malformed",
            Failure::TimedOut => "timed out",
            Failure::Unsent => "never sent, or another failure",
        }
    }

    fn of(kind: &str) -> Self {
        match kind {
            "refused" => Failure::Refused,
            "reset" | "malformed" => Failure::Reset,
            "timed_out" => Failure::TimedOut,
            "unsent" | "other" => Failure::Unsent,
            _ => Failure::Answered,
        }
    }
}

/// Rates over a few bins, in requests per second.
#[derive(Debug, Clone)]
pub(crate) struct RatePoint {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) offered: f64,
    pub(crate) good: f64,
    /// In the order of [`Failure::ALL`].
    pub(crate) failed: [f64; 5],
}

/// Rates over `from_s..to_s`. A point holds ten arrivals or more on average, so that its height is no accident, and
/// there are three hundred points at most. Points that would be cut by the edges are left out.
/// One of them begins at `origin_s`, so that a fault's first effect is not drawn before the fault.
pub(crate) fn rates(grid: &Grid, from_s: f64, to_s: f64, origin_s: f64) -> Vec<RatePoint> {
    let columns = grid.columns_of(from_s, to_s);
    let due: u64 = grid.all[columns.clone()].iter().map(|cell| cell.due).sum();
    let per_bin = due as f64 / columns.len().max(1) as f64;
    let for_height = whole((10.0 / per_bin.max(0.01)).ceil()).clamp(1, 100);
    let together = for_height.max(columns.len().div_ceil(300)).max(1);
    let origin = grid.columns_of(origin_s, origin_s + grid.bin_s).start;
    let first = columns.start + (origin + together - columns.start % together) % together;
    (first..columns.end)
        .step_by(together)
        .filter(|at| at + together <= columns.end)
        .map(|at| rate_point(grid, at..at + together))
        .collect()
}

fn rate_point(grid: &Grid, columns: Range<usize>) -> RatePoint {
    let length_s = columns.len() as f64 * grid.bin_s;
    let cells = &grid.all[columns.clone()];
    let mut failed = [0.0; 5];
    for (kind, count) in cells.iter().flat_map(|cell| failures(&cell.counts)) {
        let place = Failure::ALL.iter().position(|failure| *failure == Failure::of(&kind)).unwrap_or(0);
        failed[place] += count as f64 / length_s;
    }
    let sum =
        |of: fn(&crate::findings::grid::Cell) -> u64| cells.iter().map(of).sum::<u64>() as f64 / length_s;
    RatePoint {
        from_s: grid.start_of(columns.start),
        to_s: grid.start_of(columns.end),
        offered: sum(|cell| cell.due),
        good: sum(crate::findings::grid::Cell::good),
        failed,
    }
}

/// Latencies of good answers in one window.
pub(crate) struct LatencyColumn {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) good: Histogram,
}

/// The windows in `from_s..to_s`, joined so that there are two hundred at most.
pub(crate) fn latencies(windows: &[Window<'_>], from_s: f64, to_s: f64) -> Vec<LatencyColumn> {
    let within: Vec<&Window<'_>> = windows.iter().filter(|window| window.is_within(from_s, to_s)).collect();
    within
        .chunks(within.len().div_ceil(200).max(1))
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let good: Vec<Histogram> = chunk.iter().map(|window| window.good()).collect();
            Some(LatencyColumn {
                from_s: first.from_s,
                to_s: last.to_s,
                good: crate::findings::windows::merged(&good),
            })
        })
        .collect()
}

/// Cells of a heat map in a decade.
const CELLS: f64 = 10.0;

/// The cells of a column that hold something: latencies from, to, and how many.
pub(crate) fn heat_cells(good: &Histogram, range: &Range<f64>) -> Vec<(f64, f64, u64)> {
    let cells = whole((range.end / range.start).log10() * CELLS).max(1);
    let edge = |index: usize| range.start * 10f64.powf(index as f64 / CELLS);
    let mut counts = vec![0u64; cells];
    for value in good.iter_recorded() {
        let place = ((value.value_iterated_to() as f64 / range.start).max(1.0).log10() * CELLS).floor();
        counts[whole(place).min(cells - 1)] += value.count_since_last_iteration();
    }
    let held = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
    held.map(|(index, count)| (edge(index), edge(index + 1).min(range.end), count)).collect()
}
