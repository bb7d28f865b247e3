//! The steady state before the first fault: what everything after it is held against.

use model::Histogram;
use record::Run;
use record::derived::BaselineFile;

use super::grid::{Grid, tally};
use super::windows::{Window, merged};
use super::{tidy, tidy_share};

/// A baseline shorter than this would be an accident, so the warm-up is taken in.
const SHORTEST_S: f64 = 2.0;
/// Latency is felt when it is above this many times the baseline's p99 ...
const SLOW_FACTOR: u64 = 4;
/// ... and by at least this much: four times next to nothing is nothing to a user.
const SLOW_LEAST_US: u64 = 50_000;
/// A window is slow when this share of its good arrivals is ...
const SLOW_SHARE: f64 = 0.05;
/// ... and no fewer than this many.
const SLOW_FEWEST: u64 = 3;
/// Whoever is answered sooner did not wait for something to come back.
const WAITED_S: f64 = 0.3;

/// The steady state.
pub(crate) struct Steady {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    /// Good per due arrival over all requests.
    pub(crate) good_share: f64,
    /// Good answers that came, per second, over all requests.
    pub(crate) goodput_hz: f64,
    pub(crate) latency: Histogram,
    /// By request: good per due arrival, good per second, and the latency above which a good arrival is slow.
    pub(crate) by_request: Vec<SteadyRequest>,
}

pub(crate) struct SteadyRequest {
    pub(crate) good_share: f64,
    pub(crate) goodput_hz: f64,
    pub(crate) slow_us: Option<u64>,
}

impl Steady {
    /// The load before the first injection; the whole measured load when there is none.
    pub(crate) fn new(run: &Run, grid: &Grid, windows: &[Window<'_>]) -> Self {
        let first = run.injections.iter().map(|injection| injection.at_s).fold(f64::INFINITY, f64::min);
        let to_s = first.min(grid.measured_s);
        let from_s = if to_s >= SHORTEST_S { 0.0 } else { grid.from_s };
        let columns = grid.columns_of(from_s, to_s);
        let length_s = (columns.len() as f64 * grid.bin_s).max(grid.bin_s);
        let share = |(good, due): (u64, u64)| if due == 0 { 1.0 } else { good as f64 / due as f64 };
        let within: Vec<&Window<'_>> = windows
            .iter()
            .filter(|window| window.from_s >= from_s - 0.01 && window.to_s <= to_s + 0.01)
            .collect();
        let request = |(index, row): (usize, &Vec<super::grid::Cell>)| {
            let counts = tally(&row[columns.clone()]);
            let good = merged(within.iter().filter_map(|w| w.of.requests.get(index)).map(|r| &r.good));
            let p99 = (!good.is_empty()).then(|| good.value_at_percentile(99.0));
            SteadyRequest {
                good_share: share(counts),
                goodput_hz: counts.0 as f64 / length_s,
                slow_us: p99.map(|p99| (p99 * SLOW_FACTOR).max(p99 + SLOW_LEAST_US)),
            }
        };
        let counts = tally(&grid.all[columns.clone()]);
        let done: u64 = grid.all[columns.clone()].iter().map(|cell| cell.done.good).sum();
        Self {
            from_s,
            to_s,
            good_share: share(counts),
            goodput_hz: done as f64 / length_s,
            latency: merged(within.iter().flat_map(|w| w.of.requests.iter().map(|r| &r.good))),
            by_request: grid.rows.iter().enumerate().map(request).collect(),
        }
    }

    /// Whether many good arrivals of `request` were slow in `window`.
    pub(crate) fn is_slow(&self, window: &Window<'_>, request: usize) -> bool {
        let Some(slow_us) = self.by_request[request].slow_us else { return false };
        let good = &window.of.requests[request].good;
        let slow = good.len() - good.count_between(0, slow_us);
        slow >= SLOW_FEWEST && slow as f64 >= SLOW_SHARE * good.len() as f64
    }

    /// For each bin whether it lies in a slow window of `request`.
    pub(crate) fn slow_bins(&self, grid: &Grid, windows: &[Window<'_>], request: usize) -> Vec<bool> {
        let mut slow = vec![false; grid.columns()];
        for window in windows.iter().filter(|window| self.is_slow(window, request)) {
            // The record keeps the beginning of a window to the millisecond only, so the edges are rounded to bins.
            let (from, to) = (nearest(grid, window.from_s), nearest(grid, window.to_s));
            slow[from..to.max(from)].fill(true);
        }
        slow
    }

    pub(crate) fn file(&self) -> BaselineFile {
        let percentile = |at| (!self.latency.is_empty()).then(|| self.latency.value_at_percentile(at));
        BaselineFile {
            from_s: tidy(self.from_s),
            to_s: tidy(self.to_s),
            goodput_hz: tidy(self.goodput_hz),
            good_share: tidy_share(self.good_share),
            latency_us_p50: percentile(50.0),
            latency_us_p99: percentile(99.0),
        }
    }
}

/// By bin, until when the typical good arrival of its window waited for an answer: the window's end and the median latency.
/// `None` where it hardly waited, or nothing was good.
pub(crate) fn waited_until(grid: &Grid, windows: &[Window<'_>], request: usize) -> Vec<Option<f64>> {
    let mut waited = vec![None; grid.columns()];
    for window in windows {
        let good = &window.of.requests[request].good;
        let median_s = good.value_at_quantile(0.5) as f64 / 1e6;
        if median_s >= WAITED_S {
            let (from, to) = (nearest(grid, window.from_s), nearest(grid, window.to_s));
            waited[from..to.max(from)].fill(Some(window.to_s + median_s));
        }
    }
    waited
}

fn nearest(grid: &Grid, at_s: f64) -> usize {
    super::grid::whole((at_s - grid.from_s) / grid.bin_s).min(grid.columns())
}
