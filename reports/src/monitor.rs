//! What the design's own monitor saw of the web servers, beside what the generator counted.

use std::ops::Range;

use model::Curve;
use record::derived::MonitoredFile;
use record::{MonitorSample, Run};

use crate::findings::grid::{Grid, whole};
use crate::findings::windows::measured_from;
use crate::findings::{tidy, tidy_share};

/// Most stretches that a drawing shows.
const MOST_RATES: usize = 300;

/// Answers per second of the web servers between two looks of the monitor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MonitorRate {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) hz: f64,
}

/// The monitor's counts on the time axis of the measured load.
pub(crate) struct Monitored<'a> {
    samples: &'a [MonitorSample],
    zero_s: f64,
    all: Curve,
}

impl<'a> Monitored<'a> {
    /// `None` where the design has no monitor.
    pub(crate) fn new(run: &'a Run) -> Option<Self> {
        let samples = &run.monitor.as_ref()?.samples[..];
        let zero_s = measured_from(run);
        let all = samples.iter().map(|sample| (sample.at_s - zero_s, sample.requests)).collect();
        Some(Self { samples, zero_s, all })
    }

    /// Answers per second from look to look in `time`.
    pub(crate) fn rates(&self, time: &Range<f64>) -> Vec<MonitorRate> {
        let points = self.all.points();
        let after = points.partition_point(|(at_s, _)| *at_s <= time.start).saturating_sub(1);
        let until = (points.partition_point(|(at_s, _)| *at_s < time.end) + 1).min(points.len());
        let within = points.get(after..until).unwrap_or_default();
        let step = within.len().div_ceil(MOST_RATES).max(1);
        let edges: Vec<f64> = within.iter().step_by(step).map(|(at_s, _)| *at_s).collect();
        let rate = |pair: &[f64]| {
            let (from_s, to_s) = (pair[0], pair[1]);
            MonitorRate { from_s, to_s, hz: growth(&self.all, &(from_s..to_s)) / (to_s - from_s) }
        };
        edges.windows(2).map(rate).collect()
    }

    /// Both counts over the measured load, or over as much of it as the monitor saw; `None` when it saw nothing of it.
    pub(crate) fn file(&self, grid: &Grid) -> Option<MonitoredFile> {
        let (first, last) = (self.all.points().first()?.0, self.all.points().last()?.0);
        // The generator counts by bin: less than a thousandth of one is rounding, not time.
        let bin_at = |at_s: f64| (at_s - grid.from_s) / grid.bin_s;
        let from = whole((bin_at(first.max(0.0)) - 1e-3).ceil());
        let to = whole((bin_at(last.min(grid.measured_s)) + 1e-3).floor()).min(grid.columns());
        let cells = grid.all.get(from..to).filter(|cells| !cells.is_empty())?;
        let answered = cells.iter().map(|cell| cell.done.answered).sum::<u64>();
        let stretch = grid.start_of(from)..grid.start_of(to);
        let length_s = stretch.end - stretch.start;
        let requests = growth(&self.all, &stretch);
        let mut servers: Vec<&String> = self.samples.iter().flat_map(|s| s.by_server.keys()).collect();
        servers.sort();
        servers.dedup();
        let of_server = |server: &String| {
            let count = |s: &MonitorSample| s.by_server.get(server).copied().unwrap_or(0.0);
            let curve = self.samples.iter().map(|s| (s.at_s - self.zero_s, count(s))).collect();
            (server.clone(), tidy(growth(&curve, &stretch)))
        };
        Some(MonitoredFile {
            from_s: tidy(stretch.start),
            to_s: tidy(stretch.end),
            requests: tidy(requests),
            requests_hz: tidy(requests / length_s),
            by_server: servers.into_iter().map(of_server).collect(),
            answered,
            answered_hz: tidy(answered as f64 / length_s),
            ratio: (answered > 0).then(|| tidy_share(requests / answered as f64)),
        })
    }
}

fn growth(curve: &Curve, stretch: &Range<f64>) -> f64 {
    curve.at(stretch.end) - curve.at(stretch.start)
}
