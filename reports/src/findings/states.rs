//! Up, degraded, down: what each moment was like, from the arrivals that fell due in it.
//!
//! A moment is *down* when fewer than one in four arrivals is good. The bound is not one half, since with one of two
//! servers dead behind a round-robin balancer exactly one half is good, which is degraded and must not flicker.
//! It is *degraded* when some arrival of it failed or many were slow, and *up* otherwise.
//!
//! A bin of 100 ms holds four arrivals at 40/s and one or none of a rare request. So the share is taken over the
//! smallest stretch around a bin that holds ten arrivals, or five when none of them is good, but no more than a second
//! to each side; the edges of what is found are then moved to where the bins themselves turn from good to bad. Fewer
//! than three failures, or less than 0.3 s, is not called down.

use std::ops::Range;

use super::grid::{Cell, tally};

/// What a moment was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    Degraded,
    Down,
    /// Nothing fell due: the generator's gap, never an outage.
    NoData,
}

impl State {
    /// The word that findings use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Degraded => "degraded",
            State::Down => "down",
            State::NoData => "no-data",
        }
    }
}

const DOWN_BELOW: f64 = 0.25;
const ENOUGH_ARRIVALS: u64 = 10;
/// Five failures and nothing else: where every second one fails by chance, one in 32.
const ENOUGH_FAILURES: u64 = 5;
const FAR_S: f64 = 1.0;
const FEWEST_FAILURES: u64 = 3;
const SHORTEST_DOWN_S: f64 = 0.3;
/// Stretches of one state that are closer than this are one.
const MERGE_S: f64 = 1.0;

/// The state of every bin. `slow` says for each bin whether many of its good arrivals were slow.
pub(crate) fn classify(cells: &[Cell], bin_s: f64, slow: &[bool]) -> Vec<State> {
    let down = merge_down(cells, down_stretches(cells, bin_s), bin_s);
    let mut states: Vec<Option<State>> = cells
        .iter()
        .zip(slow)
        .map(|(cell, slow)| match (cell.due, cell.failed(), slow) {
            (0, ..) => None,
            (_, 0, false) => Some(State::Up),
            _ => Some(State::Degraded),
        })
        .collect();
    for stretch in down {
        states[stretch].fill(Some(State::Down));
    }
    let mut states = fill_blanks(&states, longest_blank(cells, bin_s));
    merge_degraded(&mut states, bin_s);
    states
}

/// Runs of bins in which fewer than one in four arrivals is good, with their edges where the bins themselves turn.
fn down_stretches(cells: &[Cell], bin_s: f64) -> Vec<Range<usize>> {
    let far = super::grid::whole(FAR_S / bin_s).max(1);
    let bad: Vec<bool> = (0..cells.len()).map(|at| is_down_around(cells, at, far)).collect();
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for stretch in runs(&bad) {
        let stretch = sharpen(cells, stretch);
        match stretches.last_mut().filter(|last| last.end >= stretch.start) {
            Some(last) => last.end = last.end.max(stretch.end),
            None => stretches.push(stretch),
        }
    }
    stretches.retain(|stretch| {
        let (good, due) = tally(&cells[stretch.clone()]);
        due - good >= FEWEST_FAILURES && stretch.len() as f64 * bin_s >= SHORTEST_DOWN_S - 1e-9
    });
    stretches
}

fn is_down_around(cells: &[Cell], at: usize, far: usize) -> bool {
    for reach in 1..=far {
        let window = &cells[at.saturating_sub(reach)..(at + reach + 1).min(cells.len())];
        let (good, due) = tally(window);
        if good == 0 && due >= ENOUGH_FAILURES {
            return true;
        }
        if due >= ENOUGH_ARRIVALS || reach == far {
            return due >= FEWEST_FAILURES && (good as f64) < DOWN_BELOW * due as f64;
        }
    }
    false
}

/// The runs of `true`.
fn runs(flags: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..flags.len()).filter(|at| flags[*at]) {
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end += 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

/// Moves the edges of a stretch to where bins turn from mostly good to mostly failed. Empty bins between a good and a
/// failed one are shared by halves: the turn was somewhere in them.
fn sharpen(cells: &[Cell], stretch: Range<usize>) -> Range<usize> {
    let is_good = |cell: &Cell| cell.due > 0 && cell.good() * 2 >= cell.due;
    let is_bad = |cell: &Cell| cell.due > 0 && cell.good() * 2 < cell.due;
    let Some(first_bad) = stretch.clone().find(|at| is_bad(&cells[*at])) else { return stretch };
    let last_bad = stretch.rev().find(|at| is_bad(&cells[*at])).unwrap_or(first_bad);
    let before = (0..first_bad).rev().find(|at| is_good(&cells[*at]));
    let after = (last_bad..cells.len()).find(|at| is_good(&cells[*at])).unwrap_or(cells.len());
    let from = before.map_or(0, |good| good + 1);
    let from_bad = (from..=first_bad).find(|at| is_bad(&cells[*at])).unwrap_or(first_bad);
    let to_bad = (last_bad..after).rev().find(|at| is_bad(&cells[*at])).unwrap_or(last_bad);
    let from = if before.is_some() { from + (from_bad - from) / 2 } else { from_bad };
    let to = if after < cells.len() { after - (after - to_bad - 1) / 2 } else { to_bad + 1 };
    from..to
}

/// Two stretches less than a second apart are one when what lies between is mostly failed too.
fn merge_down(cells: &[Cell], stretches: Vec<Range<usize>>, bin_s: f64) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for stretch in stretches {
        let joins = merged.last().is_some_and(|last| {
            let (good, due) = tally(&cells[last.end..stretch.start]);
            (stretch.start - last.end) as f64 * bin_s < MERGE_S && good * 2 <= due
        });
        match merged.last_mut().filter(|_| joins) {
            Some(last) => last.end = stretch.end,
            None => merged.push(stretch),
        }
    }
    merged
}

/// Bins without arrivals for longer than this are without data: a second, or ten times what lies between two arrivals
/// on average, which chance alone makes once in twenty thousand gaps.
fn longest_blank(cells: &[Cell], bin_s: f64) -> usize {
    let (_, due) = tally(cells);
    let spacing_s = cells.len() as f64 * bin_s / due.max(1) as f64;
    super::grid::whole((10.0 * spacing_s).max(1.0) / bin_s)
}

/// Short blanks go on as it was before; long ones are without data.
fn fill_blanks(states: &[Option<State>], longest: usize) -> Vec<State> {
    let mut filled: Vec<State> = states.iter().map(|state| state.unwrap_or(State::NoData)).collect();
    let blank: Vec<bool> = states.iter().map(Option::is_none).collect();
    for run in runs(&blank).into_iter().filter(|run| run.len() <= longest) {
        let before = run.start.checked_sub(1).map(|at| filled[at]);
        let after = filled.get(run.end).copied();
        if let Some(state) = before.or(after) {
            filled[run].fill(state);
        }
    }
    filled
}

/// Being up for less than a second between two disturbances is no recovery.
fn merge_degraded(states: &mut [State], bin_s: f64) {
    let up: Vec<bool> = states.iter().map(|state| *state == State::Up).collect();
    for run in runs(&up) {
        let short = run.len() as f64 * bin_s < MERGE_S - 1e-9;
        let disturbed = |state: Option<&State>| matches!(state, Some(State::Degraded | State::Down));
        let before = run.start.checked_sub(1).and_then(|at| states.get(at));
        if short && disturbed(before) && disturbed(states.get(run.end)) {
            states[run].fill(State::Degraded);
        }
    }
}

/// Runs of one state within `columns`.
pub(crate) fn stretches(states: &[State], columns: Range<usize>) -> Vec<(Range<usize>, State)> {
    let mut stretches: Vec<(Range<usize>, State)> = Vec::new();
    for at in columns {
        match stretches.last_mut().filter(|(range, state)| range.end == at && *state == states[at]) {
            Some((range, _)) => range.end += 1,
            None => stretches.push((at..at + 1, states[at])),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BIN_S: f64 = 0.1;

    /// One bin per character: `.` nothing due, a digit that many good ones, a letter that many failed ones.
    fn cells(text: &str) -> Vec<Cell> {
        let cell = |c: char| {
            let (good, failed) = match c {
                '0'..='9' => (c as u64 - '0' as u64, 0),
                'a'..='z' => (0, c as u64 - 'a' as u64 + 1),
                'H' => (2, 2),
                _ => (0, 0),
            };
            let mut counts = model::Counts { good, refused: failed, ..model::Counts::default() };
            counts.status.insert(200, good);
            Cell { counts, due: good + failed, ..Cell::default() }
        };
        text.chars().map(cell).collect()
    }

    fn told(text: &str) -> String {
        let cells = cells(text);
        let states = classify(&cells, BIN_S, &vec![false; cells.len()]);
        let letter = |state: &State| match state {
            State::Up => 'u',
            State::Degraded => '~',
            State::Down => 'D',
            State::NoData => '?',
        };
        states.iter().map(letter).collect()
    }

    #[test]
    fn an_outage_is_down_from_its_first_failed_bin_to_its_last() {
        let text = "44444444444444444444dddddddddddddddddddd44444444444444444444";
        assert_eq!(told(text), format!("{0}{1}{0}", "u".repeat(20), "D".repeat(20)));
    }

    #[test]
    fn half_of_two_servers_is_degraded_and_not_down() {
        let text = "4444444444HHHHHHHHHHHHHHHHHHHH4444444444";
        assert_eq!(told(text), format!("{0}{1}{0}", "u".repeat(10), "~".repeat(20)));
    }

    #[test]
    fn one_failed_request_does_not_make_an_outage() {
        assert_eq!(told("1.1.1.1.1.a.1.1.1.1.1."), format!("{}~~{}", "u".repeat(10), "u".repeat(10)));
    }

    #[test]
    fn the_edges_of_a_rare_requests_outage_lie_between_its_good_and_its_failed_arrivals() {
        // One arrival every 0.3 s; ten fail. The outage is ten spacings long.
        let text = format!("{}{}{}", "1..".repeat(10), "a..".repeat(10), "1..".repeat(10));
        let down = told(&text).matches('D').count();
        assert!((29..=31).contains(&down), "{}", told(&text));
    }

    #[test]
    fn what_lies_between_two_near_outages_counts_only_when_it_failed_too() {
        let near = told("4444444444dddddHbddddd4444444444");
        assert_eq!(near.matches('D').count(), 12, "{near}");
        let apart = told("4444444444dddddd44444dddddd4444444444");
        assert_eq!(apart, format!("{0}{1}~~~~~{1}{0}", "u".repeat(10), "D".repeat(6)));
    }

    #[test]
    fn where_nothing_fell_due_there_is_no_data() {
        let text = format!("{}{}{}", "4".repeat(20), ".".repeat(15), "4".repeat(20));
        assert_eq!(told(&text), format!("{0}{1}{0}", "u".repeat(20), "?".repeat(15)));
    }

    proptest! {
        /// At the demo's rates an outage is found to within the distance of two arrivals, whenever it begins.
        #[test]
        fn an_outage_is_as_long_as_it_was(from in 30usize..60, length in 15usize..90, every in 1usize..4) {
            let text: String = (0..200)
                .map(|at| match (at % every, (from..from + length).contains(&at)) {
                    (0, true) => 'a',
                    (0, false) => '1',
                    _ => '.',
                })
                .collect();
            let down = told(&text).matches('D').count();
            prop_assert!(down.abs_diff(length) <= every, "{down} for {length}: {}", told(&text));
        }

        #[test]
        fn a_load_without_failures_is_never_down_or_degraded(counts in prop::collection::vec(0u8..5, 1..200)) {
            let text: String = counts.iter().map(|count| char::from(b'0' + count)).collect();
            prop_assert!(!told(&text).contains(['D', '~']));
        }
    }
}
