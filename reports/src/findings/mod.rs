//! What a run says: when each fault was felt, what was down for how long, what was lost, and how it came back.
//!
//! Pure: a record goes in, findings come out. Moments are in seconds from the start of the measured load and are known
//! to one bin, 100 ms as a rule.

pub(crate) mod effect;
pub(crate) mod grid;
mod injection;
pub(crate) mod recovery;
pub(crate) mod states;
pub(crate) mod steady;
pub(crate) mod windows;
mod words;

use std::collections::BTreeMap;

use record::Run;
use record::derived::{AvailabilityFile, FindingsFile, OutageFile, SCHEMA_VERSION, StateFile};

use crate::summary::Measured;
use effect::Row;
use grid::{Cell, Grid, tally};
use recovery::Expected;
use states::{State, classify, stretches};
use steady::{Steady, waited_until};
use windows::windows;

/// What a run says; the same as stands in `findings.json`.
pub type Findings = FindingsFile;

/// Finds what `run` says.
#[must_use]
pub fn findings(run: &Run) -> Findings {
    let study = Study::new(run);
    let names: Vec<&String> = run.plan.requests.iter().map(|request| &request.name).collect();
    let by_request = |of: &dyn Fn(usize) -> Vec<OutageFile>| -> BTreeMap<String, Vec<OutageFile>> {
        names.iter().enumerate().map(|(index, name)| ((*name).clone(), of(index))).collect()
    };
    FindingsFile {
        schema_version: SCHEMA_VERSION,
        kind: if run.injections.is_empty() { "load" } else { "rehearsal" }.to_owned(),
        run_id: run.plan.run_id.clone(),
        design: run.plan.name.clone(),
        generator_limited: !Measured::new(run).limits(run).is_empty(),
        baseline: study.steady.file(),
        injections: injection::all(run, &study),
        outages: study.outages(&study.grid.all, &study.all),
        outages_by_request: by_request(&|index| {
            study.outages(&study.grid.rows[index], &study.rows[index].states)
        }),
        states: study.states(&study.all),
        states_by_request: (names.iter().zip(&study.rows))
            .map(|(name, row)| ((*name).clone(), study.states(&row.states)))
            .collect(),
        availability: study.availability(&study.grid.all, &study.all),
        availability_by_request: (names.iter().enumerate())
            .map(|(index, name)| {
                let states = &study.rows[index].states;
                ((*name).clone(), study.availability(&study.grid.rows[index], states))
            })
            .collect(),
        resolution_s: study.grid.bin_s,
        notes: study.notes(run),
    }
}

/// Everything that findings are made of.
pub(crate) struct Study {
    pub(crate) grid: Grid,
    pub(crate) steady: Steady,
    /// States of all requests together, by bin.
    pub(crate) all: Vec<State>,
    /// By request.
    pub(crate) rows: Vec<StudyRow>,
    open: bool,
}

/// One request's bins.
pub(crate) struct StudyRow {
    pub(crate) states: Vec<State>,
    pub(crate) slow: Vec<bool>,
    pub(crate) waited_until: Vec<Option<f64>>,
}

impl Study {
    pub(crate) fn new(run: &Run) -> Self {
        let grid = Grid::new(run);
        let windows = windows(run);
        let steady = Steady::new(run, &grid, &windows);
        let rows: Vec<StudyRow> = (0..grid.rows.len())
            .map(|index| {
                let slow = steady.slow_bins(&grid, &windows, index);
                let waited_until = waited_until(&grid, &windows, index);
                StudyRow { states: classify(&grid.rows[index], grid.bin_s, &slow), slow, waited_until }
            })
            .collect();
        let slow: Vec<bool> = (0..grid.columns()).map(|at| rows.iter().any(|row| row.slow[at])).collect();
        let all = classify(&grid.all, grid.bin_s, &slow);
        Self { grid, steady, all, rows, open: run.plan.is_open() }
    }

    /// The bins of one request, for a look at what a fault did to it.
    pub(crate) fn row(&self, index: usize) -> Row<'_> {
        let steady = &self.steady.by_request[index];
        let expected =
            if self.open { Expected::Share(steady.good_share) } else { Expected::Rate(steady.goodput_hz) };
        Row {
            cells: &self.grid.rows[index],
            states: &self.rows[index].states,
            slow: &self.rows[index].slow,
            waited_until: &self.rows[index].waited_until,
            good_share: steady.good_share,
            expected,
        }
    }

    fn states(&self, states: &[State]) -> Vec<StateFile> {
        stretches(states, self.grid.measured())
            .into_iter()
            .map(|(range, state)| StateFile {
                from_s: tidy(self.grid.start_of(range.start).max(0.0)),
                to_s: tidy(self.grid.start_of(range.end).min(self.grid.measured_s)),
                state: state.as_str().to_owned(),
            })
            .collect()
    }

    fn outages(&self, cells: &[Cell], states: &[State]) -> Vec<OutageFile> {
        stretches(states, self.grid.measured())
            .into_iter()
            .filter(|(_, state)| matches!(state, State::Down | State::Degraded))
            .map(|(range, state)| {
                let (good, due) = tally(&cells[range.clone()]);
                OutageFile {
                    from_s: tidy(self.grid.start_of(range.start)),
                    to_s: tidy(self.grid.start_of(range.end)),
                    state: state.as_str().to_owned(),
                    requests_failed: due - good,
                }
            })
            .collect()
    }

    fn availability(&self, cells: &[Cell], states: &[State]) -> AvailabilityFile {
        let measured = self.grid.measured();
        let (good, due) = tally(&cells[measured.clone()]);
        let known = states[measured.clone()].iter().filter(|state| **state != State::NoData).count();
        let down = states[measured].iter().filter(|state| **state == State::Down).count();
        let share = |part: f64, of: f64| if of > 0.0 { tidy_share(part / of) } else { 0.0 };
        AvailabilityFile {
            by_request: share(good as f64, due as f64),
            by_time: share((known - down) as f64, known as f64),
        }
    }

    fn notes(&self, run: &Run) -> Vec<String> {
        let mut notes = run.gaps.clone();
        let measured = self.grid.measured();
        let length_s = measured.len() as f64 * self.grid.bin_s;
        for (index, request) in run.plan.requests.iter().enumerate() {
            let (_, due) = tally(&self.grid.rows[index][measured.clone()]);
            let spacing_s = length_s / due.max(1) as f64;
            if due > 0 && spacing_s > self.grid.bin_s {
                notes.push(format!(
                    "{} falls due every {spacing_s:.2} s: its moments are known to about that, and an outage of less than {:.1} s may pass unseen",
                    request.name,
                    spacing_s * 5.0
                ));
            }
        }
        if !self.open {
            notes.push("closed loop: due times waited for answers, so a stall is shorter here than users would see it".to_owned());
        }
        notes
    }
}

/// Seconds and rates to three digits behind the point: bins are wider than that.
pub(crate) fn tidy(value: f64) -> f64 {
    let rounded = (value * 1e3).round() / 1e3;
    // Never "-0".
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Shares to six digits behind the point.
pub(crate) fn tidy_share(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
