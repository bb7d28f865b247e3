//! The longest gap without a success, and the way back to what was before.

use super::grid::{Cell, Grid, tally};

/// Goodput is back when it is this share of the baseline's ...
const BACK_SHARE: f64 = 0.95;
/// ... and stays for this long.
const HELD_S: f64 = 5.0;
/// Where the load ends sooner, holding for this long must do.
const HELD_LEAST_S: f64 = 2.0;

/// The longest time between the due times of two good arrivals next to each other. A gap that lies mostly in
/// `from_s..to_s` counts in full, of another only the part that does, or the first moment of the next fault's gap would
/// be this one's. When none is good after the last one, the gap lasts to the end of the load. `None` when nothing was
/// due.
pub(crate) fn longest_gap(grid: &Grid, cells: &[Cell], from_s: f64, to_s: f64) -> Option<f64> {
    let columns = grid.columns_of(from_s, to_s);
    if tally(&cells[columns]).1 == 0 {
        return None;
    }
    let mut last = grid.from_s;
    let mut longest: f64 = 0.0;
    let mut consider = |begin: f64, end: f64| {
        let within = end.min(to_s) - begin.max(from_s);
        let mostly = within >= (end - begin).min(to_s - from_s) / 2.0;
        longest = longest.max(if mostly { end - begin } else { within });
    };
    for (first_good, last_good) in cells.iter().filter_map(|cell| cell.good_s) {
        consider(last, first_good);
        last = last_good;
    }
    consider(last, grid.end_s());
    Some(longest)
}

/// The first moment from `from_s` on at which good arrivals are back at 95 % of `share`, the baseline's good share of
/// what is due, and stay there for 5 s: the bin itself, each second that follows (one failure is forgiven, since a rare
/// request has few arrivals in a second) and all 5 s together. Measured against what is due, so that a changing rate is
/// no outage and no recovery.
pub(crate) fn recovered(grid: &Grid, cells: &[Cell], share: f64, from_s: f64, to_s: f64) -> Option<f64> {
    let enough = |(good, due): (u64, u64)| good as f64 >= BACK_SHARE * share * due as f64;
    let columns = grid.columns_of(from_s, to_s);
    columns.clone().map(|column| (column, grid.start_of(column))).find_map(|(column, at_s)| {
        let held = grid.columns_of(at_s, (at_s + HELD_S).min(to_s));
        let long_enough = held.len() as f64 * grid.bin_s >= HELD_LEAST_S - 1e-9;
        let back = cells[column].due > 0 && enough(tally(&cells[column..=column]));
        let second = super::grid::whole(1.0 / grid.bin_s).max(1);
        let each_second = cells[held.clone()].chunks(second).map(tally);
        let steady = || each_second.clone().all(|(good, due)| due - good <= 1 || enough((good, due)));
        (long_enough && back && enough(tally(&cells[held])) && steady()).then_some(at_s)
    })
}

/// Good arrivals missing compared with the baseline over `from_s..to_s`. With an open load the expectation is the
/// baseline's share of what fell due; in a closed loop less falls due while the target stalls, so it is the baseline's
/// goodput over the time.
pub(crate) fn deficit(grid: &Grid, cells: &[Cell], expected: Expected, from_s: f64, to_s: f64) -> f64 {
    let columns = grid.columns_of(from_s, to_s);
    let length_s = columns.len() as f64 * grid.bin_s;
    let (good, due) = tally(&cells[columns]);
    let expected = match expected {
        Expected::Share(share) => share * due as f64,
        Expected::Rate(rate_hz) => rate_hz * length_s,
    };
    (expected - good as f64).max(0.0)
}

/// What goodput would have been without the fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// This share of what is due.
    Share(f64),
    /// This many per second.
    Rate(f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One arrival at the beginning of each bin of 0.1 s; good where `good` says so.
    fn grid(columns: usize, good: impl Fn(usize) -> bool) -> Grid {
        let cell = |at: usize| {
            let is_good = good(at);
            let counts = model::Counts {
                good: u64::from(is_good),
                refused: u64::from(!is_good),
                status: [(200, u64::from(is_good))].into(),
                ..model::Counts::default()
            };
            let at_s = at as f64 * 0.1;
            Cell { counts, due: 1, good_s: is_good.then_some((at_s, at_s)), ..Cell::default() }
        };
        let all: Vec<Cell> = (0..columns).map(cell).collect();
        Grid { bin_s: 0.1, from_s: 0.0, measured_s: columns as f64 * 0.1, rows: vec![all.clone()], all }
    }

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-6), "{found:?}, not {expected}");
    }

    #[test]
    fn the_longest_gap_lies_between_two_good_arrivals() {
        let grid = grid(200, |at| !(50..80).contains(&at));
        near(longest_gap(&grid, &grid.all, 5.0, 20.0), 3.1);
        near(longest_gap(&grid, &grid.all, 10.0, 20.0), 0.1);
        near(longest_gap(&grid, &grid.all, 0.0, 5.0), 0.1);
    }

    #[test]
    fn without_another_success_the_gap_lasts_to_the_end() {
        let grid = grid(200, |at| at < 50);
        near(longest_gap(&grid, &grid.all, 5.0, 20.0), 15.1);
    }

    #[test]
    fn recovery_is_when_goodput_comes_back_to_stay() {
        // Back at 8 s for 2 s, then away again, back for good at 12 s.
        let grid = grid(300, |at| at < 50 || (80..100).contains(&at) || at >= 120);
        near(recovered(&grid, &grid.all, 1.0, 5.0, 30.0), 12.0);
    }

    #[test]
    fn a_few_failures_within_the_five_seconds_are_not_hidden_by_the_others() {
        // Every other one fails from 5 s to 5.4 s: two failures of fifty are less than 5 %.
        let grid = grid(200, |at| !(at == 50 || at == 53));
        near(recovered(&grid, &grid.all, 1.0, 5.0, 20.0), 5.1);
        let grid = self::grid(200, |at| !(at == 50 || at == 53 || at == 55));
        near(recovered(&grid, &grid.all, 1.0, 5.0, 20.0), 5.4);
    }

    #[test]
    fn what_held_for_less_than_two_seconds_before_the_end_did_not_recover() {
        let grid = grid(200, |at| !(50..185).contains(&at));
        assert_eq!(recovered(&grid, &grid.all, 1.0, 5.0, 20.0), None);
    }

    #[test]
    fn the_deficit_is_what_is_missing_from_the_baseline() {
        let grid = grid(200, |at| !(50..80).contains(&at));
        let missing = |expected| deficit(&grid, &grid.all, expected, 5.0, 10.0);
        assert!((missing(Expected::Share(1.0)) - 30.0).abs() < 1e-6);
        assert!((missing(Expected::Rate(8.0)) - 20.0).abs() < 1e-6);
    }
}
