//! The search itself: which load was tried when, and how the bounds closed in.

use std::ops::Range;

use plotters::prelude::*;
use record::derived::{CeilingFile, TrialFile};

use super::super::axis::{clamp, load_range, load_ticks};
use super::super::ink::FINE;
use super::super::paint::Paint;
use super::super::panels::{self, Area, Drawn};
use super::plane::{self, Axis};
use super::{Caption, marks, table};
use crate::page::Figure;
use crate::search;
use crate::words;
use crate::write::ReportError;

const HEIGHT: u32 = 320;

/// One of the two bounds as it stood after a trial.
type Bound = fn(&TrialFile) -> Option<f64>;

pub(super) fn figure(file: &CeilingFile) -> Result<Figure, ReportError> {
    let mut legend = marks::legend(marks::paint);
    legend.push(marks::line(Paint::Passed, "lower bound"));
    legend.push(marks::line(Paint::Failed, "upper bound"));
    legend.push(marks::area(Paint::Band, "between the bounds"));
    let caption = Caption {
        over: "search",
        title: title(file),
        description: "The offered load of every trial on a logarithmic axis, in the order in which they were made, with \
                      the bounds as they stood after each."
            .to_owned(),
        legend,
        table: table(&["trial", "offered", "verdict", "lower", "upper", "phase"], rows(file)),
    };
    caption.figure(HEIGHT, |area| draw(area, file))
}

fn title(file: &CeilingFile) -> String {
    let made = format!("{} in {}", search::trial_count(file), words::seconds(file.search_s));
    match (file.lower_hz, file.upper_hz) {
        (Some(_), Some(_)) => format!("{made} closed the bounds to a width of {}", search::width(file)),
        (Some(lower), None) => {
            format!("{made}: {} was sustained, nothing was too much", search::rate(Some(lower)))
        }
        (None, Some(upper)) => {
            format!("{made}: {} was too much, nothing was sustained", search::rate(Some(upper)))
        }
        (None, None) => format!("{made} gave no bound"),
    }
}

fn rows(file: &CeilingFile) -> Vec<Vec<String>> {
    let row = |(index, trial): (usize, &TrialFile)| {
        vec![
            (index + 1).to_string(),
            search::rate(Some(trial.rate_hz)),
            trial.verdict.clone(),
            search::rate(trial.lower_hz),
            search::rate(trial.upper_hz),
            trial.phase.clone(),
        ]
    };
    file.trials.iter().enumerate().map(row).collect()
}

/// Holds every load that is more than nothing.
fn range(file: &CeilingFile) -> Range<f64> {
    let loads = || {
        let bounds = file.trials.iter().flat_map(|trial| [trial.lower_hz, trial.upper_hz]).flatten();
        let loads = file.trials.iter().map(|trial| trial.rate_hz).chain(bounds);
        loads.filter(|hz| hz.is_finite() && *hz > 0.0)
    };
    load_range(loads().fold(f64::INFINITY, f64::min) * 0.9, loads().fold(0.0, f64::max))
}

fn draw(area: &Area, file: &CeilingFile) -> Drawn {
    let height = range(file);
    let numbers = 0.0..file.trials.len() as f64 + 1.0;
    let axis = height.clone().log_scale().with_key_points(load_ticks(&height));
    let mut chart = panels::chart(area, &numbers, axis, true)?;
    let steps: Vec<(f64, &TrialFile)> =
        file.trials.iter().enumerate().map(|(index, trial)| (index as f64 + 1.0, trial)).collect();
    let between = steps.iter().filter_map(|(number, trial)| {
        let (lower, upper) = trial.lower_hz.zip(trial.upper_hz)?;
        let corners = [(*number, clamp(lower, &height)), (number + 1.0, clamp(upper, &height))];
        Some(Rectangle::new(corners, Paint::Band.filled()))
    });
    chart.draw_series(between)?;
    // Trials are counted, so only whole numbers stand at the axis.
    let count = |value: &f64| {
        if (value - value.round()).abs() < 1e-6 && *value > 0.5 {
            format!("{value:.0}")
        } else {
            String::new()
        }
    };
    let x = Axis { description: "trial", labels: 12, format: &count };
    let y = Axis { description: "requests per second", labels: 6, format: &|hz| plane::tick(*hz) };
    plane::mesh(area, &mut chart, &x, &y)?;
    if steps.is_empty() {
        plane::nothing(&mut chart, (0.5, (height.start * height.end).sqrt()), "no trial was made")?;
    }
    let bounds: [(Paint, Bound); 2] =
        [(Paint::Passed, |trial| trial.lower_hz), (Paint::Failed, |trial| trial.upper_hz)];
    for (paint, bound) in bounds {
        for line in stairs(&steps, bound, &height) {
            chart.draw_series([PathElement::new(line, paint.line(FINE.unsigned_abs() * 2))])?;
        }
    }
    let point = |(number, trial): &(f64, &TrialFile)| marks::Point {
        at: (*number, clamp(trial.rate_hz, &height)),
        verdict: trial.verdict.clone(),
        paint: marks::paint(&trial.verdict),
    };
    marks::draw(&mut chart, &steps.iter().map(point).collect::<Vec<_>>())
}

/// A bound from each trial to the next one, as stepped lines that are broken where it is not known.
fn stairs(steps: &[(f64, &TrialFile)], bound: Bound, height: &Range<f64>) -> Vec<Vec<(f64, f64)>> {
    let known = steps.chunk_by(|(_, one), (_, other)| bound(one).is_some() == bound(other).is_some());
    let line = |chunk: &[(f64, &TrialFile)]| {
        let ends = |(number, trial): &(f64, &TrialFile)| {
            let hz = clamp(bound(trial)?, height);
            Some([(*number, hz), (number + 1.0, hz)])
        };
        chunk.iter().filter_map(ends).flatten().collect::<Vec<_>>()
    };
    known.map(line).filter(|line| !line.is_empty()).collect()
}
