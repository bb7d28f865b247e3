//! The latency windows of a run, on the time axis of the measured load.

use model::{Histogram, new_histogram};
use record::{IntervalRecord, Run};

/// A window of latencies.
pub(crate) struct Window<'a> {
    /// In seconds from the start of the measured load.
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) of: &'a IntervalRecord,
}

impl Window<'_> {
    /// Latency of the good arrivals of all requests.
    pub(crate) fn good(&self) -> Histogram {
        merged(self.of.requests.iter().map(|request| &request.good))
    }

    /// Whether a moment lies in it.
    pub(crate) fn holds(&self, at_s: f64) -> bool {
        (self.from_s..self.to_s).contains(&at_s)
    }

    /// Whether its middle lies in `from_s..to_s`. Windows and phases may be cut differently; a window belongs to the
    /// phase that holds most of it.
    pub(crate) fn is_within(&self, from_s: f64, to_s: f64) -> bool {
        (from_s..to_s).contains(&f64::midpoint(self.from_s, self.to_s))
    }
}

/// When the measured load begins, in seconds from the run's epoch.
pub(crate) fn measured_from(run: &Run) -> f64 {
    run.load_started().map_or(0.0, |(at_s, _)| at_s) + run.plan.warm_up_s
}

/// Every window of the load, in order.
pub(crate) fn windows(run: &Run) -> Vec<Window<'_>> {
    let zero_s = measured_from(run);
    let window = |of: &'_ IntervalRecord| (of.at_s - zero_s, of.at_s - zero_s + of.length_s);
    run.intervals
        .iter()
        .map(|of| {
            let (from_s, to_s) = window(of);
            Window { from_s, to_s, of }
        })
        .collect()
}

/// The sum of histograms: percentiles are never averaged.
pub(crate) fn merged<'a>(parts: impl IntoIterator<Item = &'a Histogram>) -> Histogram {
    let mut sum = new_histogram();
    for part in parts {
        // The sum resizes itself; a part that it cannot hold is of no histogram that a record can contain.
        let _ = sum.add(part);
    }
    sum
}
