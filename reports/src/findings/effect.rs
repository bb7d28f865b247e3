//! What one fault did to one request, or to all of them together.

use std::collections::BTreeMap;
use std::ops::Range;

use super::grid::{Cell, Grid, tally};
use super::recovery::{Expected, deficit, longest_gap, recovered};
use super::states::{State, stretches};

/// One word for what a fault did. The order is that of severity: the worst is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// Nobody noticed.
    Survived,
    /// Some failed or were slow, but it was never down.
    Degraded,
    /// It was down and came back while the fault was in force.
    RecoveredByItself,
    /// It was down until the fault was undone.
    DownUntilHealed,
    /// It did not come back before the next fault or the end of the load.
    NeverRecovered,
    /// The fault did nothing or was never applied, so nothing can be said.
    Void,
}

impl Word {
    /// The word that findings use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Word::Survived => "survived",
            Word::Degraded => "degraded",
            Word::RecoveredByItself => "recovered-by-itself",
            Word::DownUntilHealed => "down-until-healed",
            Word::NeverRecovered => "never-recovered",
            Word::Void => "void",
        }
    }
}

/// When a fault was in force and how far its effects are looked for, in seconds from the start of the measured load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Its effect was seen.
    pub(crate) at_s: f64,
    /// Failures count from here: a moment before, when it was being applied.
    pub(crate) from_s: f64,
    /// Its undo began; `None` when it never did.
    pub(crate) undo_s: Option<f64>,
    /// The next fault, or the end of the load.
    pub(crate) to_s: f64,
}

/// What is known of one request's bins.
pub(crate) struct Row<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) states: &'a [State],
    pub(crate) slow: &'a [bool],
    /// Until when its good arrivals waited, where they did.
    pub(crate) waited_until: &'a [Option<f64>],
    pub(crate) good_share: f64,
    pub(crate) expected: Expected,
}

/// What a fault did to it.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) word: Word,
    pub(crate) outage_s: f64,
    pub(crate) max_gap_s: Option<f64>,
    pub(crate) felt_s: Option<f64>,
    pub(crate) recovered_s: Option<f64>,
    pub(crate) due: u64,
    pub(crate) failed: u64,
    pub(crate) failed_by_kind: BTreeMap<String, u64>,
    pub(crate) deficit: f64,
}

impl Effect {
    pub(crate) fn new(grid: &Grid, row: &Row<'_>, span: Span) -> Self {
        let columns = grid.columns_of(span.from_s, span.to_s);
        let cells = &row.cells[columns.clone()];
        let (good, due) = tally(cells);
        let down: Vec<Range<usize>> = stretches(row.states, columns.clone())
            .into_iter()
            // The edge of an outage lies between two arrivals, so that of the next fault's may reach back into this
            // span, where nothing failed.
            .filter(|(range, state)| *state == State::Down && failed_in(row.cells, range) > 0)
            .map(|(range, _)| range)
            .collect();
        let felt = columns.clone().find(|at| row.cells[*at].failed() > 0 || row.slow[*at]);
        // A bin that the injection cuts may hold the first failure: it is felt at the injection, not before.
        let felt_s = felt.map(|at| grid.start_of(at).max(span.from_s));
        let from_s = down.first().map(|first| grid.start_of(first.start)).or(felt_s);
        let recovered_s =
            from_s.and_then(|from_s| recovered(grid, row.cells, row.good_share, from_s, span.to_s));
        let until_s = recovered_s.unwrap_or(span.to_s);
        let slow_s = columns.filter(|at| row.slow[*at]).count() as f64 * grid.bin_s;
        Self {
            word: word(grid, row, &down, due - good, slow_s, recovered_s, span),
            outage_s: down.iter().map(|range| range.len() as f64 * grid.bin_s).sum(),
            max_gap_s: longest_gap(grid, row.cells, span.from_s, span.to_s),
            felt_s,
            recovered_s,
            due,
            failed: due - good,
            failed_by_kind: kinds(cells),
            deficit: felt_s.map_or(0.0, |felt_s| deficit(grid, row.cells, row.expected, felt_s, until_s)),
        }
    }
}

fn failed_in(cells: &[Cell], columns: &Range<usize>) -> u64 {
    let (good, due) = tally(&cells[columns.clone()]);
    due - good
}

/// Slowness of one window is as likely the machine's as the fault's.
const SLOW_LEAST_S: f64 = 2.0;
/// Undoing begins and is seen within bins.
const EDGE_S: f64 = 0.15;

fn word(
    grid: &Grid,
    row: &Row<'_>,
    down: &[Range<usize>],
    failed: u64,
    slow_s: f64,
    recovered_s: Option<f64>,
    span: Span,
) -> Word {
    let Some(last) = down.last() else {
        return match recovered_s {
            _ if failed == 0 && slow_s < SLOW_LEAST_S => Word::Survived,
            None if failed > 0 => Word::NeverRecovered,
            _ => Word::Degraded,
        };
    };
    // Arrivals that come shortly before the undo may wait for it (in a load balancer's queue) and be good in the end: it
    // did not recover by itself at the first of them.
    let waits = |at: usize, undo_s: f64| {
        row.cells[at].due == 0 || row.waited_until[at].is_some_and(|until_s| until_s >= undo_s)
    };
    let until_undo = |undo_s: f64| grid.columns_of(grid.start_of(last.end), undo_s - EDGE_S);
    match (recovered_s, span.undo_s) {
        (None, _) => Word::NeverRecovered,
        (Some(_), Some(undo_s)) if until_undo(undo_s).all(|at| waits(at, undo_s)) => Word::DownUntilHealed,
        (Some(_), _) => Word::RecoveredByItself,
    }
}

/// Failed arrivals by what became of them; answers by their status.
fn kinds(cells: &[Cell]) -> BTreeMap<String, u64> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.failed() > 0) {
        for (kind, count) in failures(&cell.counts) {
            *kinds.entry(kind).or_insert(0) += count;
        }
    }
    kinds
}

/// The failures of some counts by kind: "503", "refused", ...
pub(crate) fn failures(counts: &model::Counts) -> Vec<(String, u64)> {
    let bad = counts.status.iter().filter(|(status, _)| **status >= 400);
    let answered = bad.map(|(status, count)| (status.to_string(), *count));
    let others = [
        ("refused", counts.refused),
        ("reset", counts.reset),
        ("timed_out", counts.timed_out),
        ("malformed", counts.malformed),
        ("other", counts.other),
        ("unsent", counts.unsent),
    ];
    let others = others.map(|(kind, count)| (kind.to_owned(), count));
    answered.chain(others).filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::states::classify;

    /// A rare request, due every 0.5 s, fails from 10 s on.
    #[test]
    fn the_outage_of_the_next_fault_is_not_this_ones() {
        let cell = |at: usize| {
            let (due, good) = (u64::from(at.is_multiple_of(5)), u64::from(at.is_multiple_of(5) && at < 100));
            let counts = model::Counts {
                good,
                refused: due - good,
                status: [(200, good)].into(),
                ..model::Counts::default()
            };
            let at_s = at as f64 * 0.1;
            Cell { counts, due, good_s: (good > 0).then_some((at_s, at_s)), ..Cell::default() }
        };
        let all: Vec<Cell> = (0..200).map(cell).collect();
        let grid = Grid { bin_s: 0.1, from_s: 0.0, measured_s: 20.0, rows: vec![all.clone()], all };
        let slow = vec![false; 200];
        let states = classify(&grid.all, 0.1, &slow);
        let row = Row {
            cells: &grid.all,
            states: &states,
            slow: &slow,
            waited_until: &[None; 200],
            good_share: 1.0,
            expected: Expected::Share(1.0),
        };
        let before = Span { at_s: 5.0, from_s: 5.0, undo_s: Some(7.0), to_s: 10.0 };
        let effect = Effect::new(&grid, &row, before);
        assert_eq!((effect.word, effect.outage_s, effect.failed), (Word::Survived, 0.0, 0));
        let after = Effect::new(&grid, &row, Span { at_s: 10.0, from_s: 10.0, undo_s: None, to_s: 20.0 });
        assert_eq!((after.word, after.failed), (Word::NeverRecovered, 20));
    }

    /// Ten a second fail from 5 s to 7 s; those of 7 s to 9 s are good, and the fault is undone at 9 s.
    #[test]
    fn who_waits_for_the_undo_has_not_recovered_by_himself() {
        let cell = |at: usize| {
            let good = u64::from(!(50..70).contains(&at));
            let counts = model::Counts {
                good,
                refused: 1 - good,
                status: [(200, good)].into(),
                ..model::Counts::default()
            };
            let at_s = at as f64 * 0.1;
            Cell { counts, due: 1, good_s: (good > 0).then_some((at_s, at_s)), ..Cell::default() }
        };
        let all: Vec<Cell> = (0..200).map(cell).collect();
        let grid = Grid { bin_s: 0.1, from_s: 0.0, measured_s: 20.0, rows: vec![all.clone()], all };
        let slow = vec![false; 200];
        let states = classify(&grid.all, 0.1, &slow);
        let span = Span { at_s: 5.0, from_s: 5.0, undo_s: Some(9.0), to_s: 20.0 };
        let word = |until_s: f64| {
            let waited_until: Vec<_> = (0..200).map(|at| (70..90).contains(&at).then_some(until_s)).collect();
            let row = Row {
                cells: &grid.all,
                states: &states,
                slow: &slow,
                waited_until: &waited_until,
                good_share: 1.0,
                expected: Expected::Share(1.0),
            };
            Effect::new(&grid, &row, span).word
        };
        assert_eq!(word(9.2), Word::DownUntilHealed);
        assert_eq!(word(8.0), Word::RecoveredByItself, "they waited for something, but not for the undo");
    }
}
