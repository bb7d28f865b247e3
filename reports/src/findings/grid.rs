//! The bins of a run as a grid without holes: one row per request, one column per bin.

use model::{Counts, Done};
use record::Run;

/// Arrivals of one bin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    pub(crate) due: u64,
    /// Due times of the first and the last good one, in seconds from the start of the measured load.
    pub(crate) good_s: Option<(f64, f64)>,
    /// What was done in it, whenever it fell due.
    pub(crate) done: Done,
}

impl Cell {
    pub(crate) fn good(&self) -> u64 {
        self.counts.good
    }

    pub(crate) fn failed(&self) -> u64 {
        self.due - self.counts.good
    }

    pub(crate) fn merge(&mut self, other: &Cell) {
        self.counts.merge(&other.counts);
        self.due += other.due;
        self.done.merge(&other.done);
        self.good_s = match (self.good_s, other.good_s) {
            (Some(left), Some(right)) => Some((left.0.min(right.0), left.1.max(right.1))),
            (one, other) => one.or(other),
        };
    }
}

/// Every bin of the load. Times are in seconds from the start of the measured load; the warm-up lies before 0.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    /// Width of a bin.
    pub(crate) bin_s: f64,
    /// Beginning of the first bin.
    pub(crate) from_s: f64,
    /// End of the measured load, earlier than planned when the run was ended early.
    pub(crate) measured_s: f64,
    /// By request, in the plan's order.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// All requests together.
    pub(crate) all: Vec<Cell>,
}

impl Grid {
    pub(crate) fn new(run: &Run) -> Self {
        let (load_start_s, bin_s) = run.load_started().unwrap_or((0.0, 0.1));
        let from_s = -run.plan.warm_up_s;
        let column = |at_s: f64| whole((at_s - load_start_s) / bin_s);
        let last_bin = run.bins.iter().map(|bin| column(bin.at_s) + 1).max().unwrap_or(0);
        let window_end = |at_s: f64, length_s: f64| column(at_s + length_s);
        let last_window = run.intervals.iter().map(|w| window_end(w.at_s, w.length_s)).max().unwrap_or(0);
        // The last window may reach beyond the load, where nothing was to fall due.
        let planned = whole((run.plan.warm_up_s + run.plan.measure_s() + run.plan.cool_down_s) / bin_s);
        let columns = last_bin.max(last_window.min(planned));
        let mut rows = vec![vec![Cell::default(); columns]; run.plan.requests.len()];
        let mut all = vec![Cell::default(); columns];
        // The load's own zero is the beginning of the warm-up.
        let shift = |at_s: f64| at_s - load_start_s + from_s;
        for bin in &run.bins {
            let good_s = bin.first_good_s.zip(bin.last_good_s);
            let cell = Cell {
                due: bin.counts.due(),
                counts: bin.counts.clone(),
                done: bin.done,
                good_s: good_s.map(|(first, last)| (shift(first), shift(last))),
            };
            let at = column(bin.at_s);
            all[at].merge(&cell);
            rows[bin.request][at].merge(&cell);
        }
        let end_s = from_s + columns as f64 * bin_s;
        Self { bin_s, from_s, measured_s: run.plan.measure_s().min(end_s).max(0.0), rows, all }
    }

    /// Number of bins.
    pub(crate) fn columns(&self) -> usize {
        self.all.len()
    }

    /// End of the last bin.
    pub(crate) fn end_s(&self) -> f64 {
        self.start_of(self.columns())
    }

    /// Beginning of a bin.
    pub(crate) fn start_of(&self, column: usize) -> f64 {
        self.from_s + column as f64 * self.bin_s
    }

    /// The bins that begin in `from_s..to_s`; one that `from_s` cuts belongs to it.
    pub(crate) fn columns_of(&self, from_s: f64, to_s: f64) -> std::ops::Range<usize> {
        // Less than a thousandth of a bin is rounding, not time.
        let from = ((from_s - self.from_s) / self.bin_s + 1e-3).floor();
        let to = ((to_s - self.from_s) / self.bin_s - 1e-3).ceil();
        let to = whole(to).min(self.columns());
        whole(from).min(to)..to
    }

    /// The bins of the measured load.
    pub(crate) fn measured(&self) -> std::ops::Range<usize> {
        self.columns_of(0.0, self.measured_s)
    }
}

/// Good and due arrivals of some bins.
pub(crate) fn tally(cells: &[Cell]) -> (u64, u64) {
    cells.iter().fold((0, 0), |(good, due), cell| (good + cell.good(), due + cell.due))
}

/// The nearest whole number, 0 for what is below.
#[expect(clippy::cast_sign_loss, reason = "clamped to 0 and above")]
pub(crate) fn whole(value: f64) -> usize {
    value.round().max(0.0) as usize
}
