//! The measured load as files for other tools: one row a second, and the distribution of latency.

use record::Run;
use record::derived::{SecondRow, hgrm, seconds_csv};

use crate::findings::grid::{Cell, Grid};
use crate::findings::windows::{merged, windows};
use crate::summary::{self, Measured};

/// Name and text of each file.
pub(crate) fn files(run: &Run) -> Vec<(String, String)> {
    let mut files = vec![("intervals.csv".to_owned(), seconds_csv(&seconds(run)))];
    let measured = Measured::new(run);
    if measured.stretches.is_empty() {
        let limited = !measured.whole.limits(run).is_empty();
        files.push(("latency.hgrm".to_owned(), hgrm(&measured.whole.all.latency, limited)));
    }
    for (index, (_, sums)) in measured.stretches.iter().enumerate() {
        let limited = !sums.limits(run).is_empty();
        files.push((format!("latency.{:02}.hgrm", index + 1), hgrm(&sums.all.latency, limited)));
    }
    files
}

fn seconds(run: &Run) -> Vec<SecondRow> {
    let grid = Grid::new(run);
    let row = |window: crate::findings::windows::Window<'_>| {
        let mut all = Cell::default();
        // Windows are recorded to the millisecond: a bin belongs to the one that holds its middle, and to no other.
        let middle = |column: usize| grid.start_of(column) + grid.bin_s / 2.0;
        let own = (0..grid.columns()).filter(|column| window.holds(middle(*column)));
        own.for_each(|column| all.merge(&grid.all[column]));
        let requests = window.of.requests.iter();
        let busiest = summary::busiest_worker(&window);
        let limits = summary::limits(run, &window.of.own_lag, all.counts.no_port, busiest);
        SecondRow {
            at_s: crate::findings::tidy(window.from_s),
            length_s: window.of.length_s,
            phase: match window.from_s {
                before if before < -1e-3 => "warm-up",
                during if during < run.plan.measure_s() - 1e-3 => "measure",
                _ => "cool-down",
            },
            generator_limited: !limits.is_empty(),
            own_lag: window.of.own_lag.clone(),
            done: all.done,
            counts: all.counts,
            latency: merged(requests.flat_map(|request| [&request.good, &request.failed])),
        }
    };
    windows(run).into_iter().map(row).collect()
}
