//! Latency against offered load.

use std::ops::Range;

use model::{Metric, Objective};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use record::derived::{CeilingFile, TrialFile};

use super::super::axis::{clamp, latency_range, latency_ticks};
use super::super::ink::FINE;
use super::super::paint::Paint;
use super::super::panels::{self, Area, Chart, Drawn};
use super::plane::{self, Axis};
use super::{Caption, marks, table};
use crate::findings::grid::whole;
use crate::page::Figure;
use crate::search;
use crate::words;
use crate::write::ReportError;

const HEIGHT: u32 = 360;

pub(super) fn figure(file: &CeilingFile) -> Result<Figure, ReportError> {
    let objectives = objectives(file);
    let mut legend: Vec<(String, String)> =
        vec![marks::area(Paint::P50, "p50 (median)"), marks::area(Paint::P99, "p99")];
    legend.extend(marks::legend(|_| Paint::Ink));
    if file.lower_hz.is_some() && file.upper_hz.is_some() {
        legend.push(marks::area(Paint::Band, "between the bounds"));
    }
    if !objectives.is_empty() {
        legend.push(marks::line(Paint::Objective, "latency that was asked for"));
    }
    let caption = Caption {
        over: "latency",
        title: title(file),
        description: "Latency on a logarithmic axis against the offered load: p50 and p99 of every trial, the bounds of \
                      the search, and the latency that was asked for."
            .to_owned(),
        legend,
        table: table(&["offered", "verdict", "p50", "p99", "phase"], rows(file)),
    };
    caption.figure(HEIGHT, |area| draw(area, file, &objectives))
}

fn title(file: &CeilingFile) -> String {
    let p99 = |hz: f64| {
        let times = search::trials_at(file, hz).filter(|trial| trial.verdict != "invalid");
        search::median(times.filter_map(|trial| Some(trial.latency_us.as_ref()?.p99 as f64)))
            .map(|us| words::latency(whole(us) as u64))
    };
    let said = |hz: Option<f64>| {
        let hz = hz?;
        Some(format!("{} at {}", p99(hz)?, search::rate(Some(hz))))
    };
    let told: Vec<String> = [said(file.lower_hz), said(file.upper_hz)].into_iter().flatten().collect();
    if told.is_empty() {
        let told = file.trials.iter().any(|trial| trial.latency_us.is_some());
        let text = if told { "Latency is known, but no bound" } else { "No trial has a latency" };
        return text.to_owned();
    }
    format!("p99 is {} (median of the trials)", told.join(" and "))
}

fn rows(file: &CeilingFile) -> Vec<Vec<String>> {
    let row = |trial: &TrialFile| {
        let time = |of: &dyn Fn(&record::derived::PercentilesFile) -> u64| {
            trial.latency_us.as_ref().map_or("–".to_owned(), |times| words::latency(of(times)))
        };
        vec![
            search::rate(Some(trial.rate_hz)),
            trial.verdict.clone(),
            time(&|times| times.p50),
            time(&|times| times.p99),
            trial.phase.clone(),
        ]
    };
    by_load(file).into_iter().map(row).collect()
}

/// The trials from the lowest load to the highest.
pub(super) fn by_load(file: &CeilingFile) -> Vec<&TrialFile> {
    let mut trials: Vec<&TrialFile> = file.trials.iter().collect();
    trials.sort_by(|one, other| one.rate_hz.total_cmp(&other.rate_hz));
    trials
}

/// The objectives about latency, as they were written, with their bounds in microseconds.
fn objectives(file: &CeilingFile) -> Vec<(&str, f64)> {
    let bound = |text: &String| {
        let objective = text.parse::<Objective>().ok()?;
        matches!(objective.metric, Metric::Latency(_)).then_some(objective.bound)
    };
    file.objectives.iter().filter_map(|text| Some((text.as_str(), bound(text)?))).collect()
}

fn draw(area: &Area, file: &CeilingFile, objectives: &[(&str, f64)]) -> Drawn {
    let loads = plane::loads(file);
    let times = || file.trials.iter().filter_map(|trial| trial.latency_us.as_ref());
    let asked = || objectives.iter().map(|(_, us)| *us);
    let low = times().map(|times| times.p50 as f64).chain(asked()).fold(f64::INFINITY, f64::min);
    let high = times().map(|times| times.p99.max(times.p50) as f64).chain(asked()).fold(0.0, f64::max);
    let range = latency_range(low * 0.9, high);
    let axis = range.clone().log_scale().with_key_points(latency_ticks(&range));
    let mut chart = panels::chart(area, &loads, axis, true)?;
    let format = plane::load_label(&loads);
    let x = Axis { description: plane::OFFERED, labels: 10, format: &format };
    let y = Axis { description: "latency", labels: 6, format: &|us| words::latency_tick(*us) };
    plane::mesh(area, &mut chart, &x, &y)?;
    plane::bounds(area, &mut chart, file, (&loads, &range))?;
    if times().next().is_none() {
        let middle = (f64::midpoint(loads.start, loads.end), (range.start * range.end).sqrt());
        plane::nothing(&mut chart, middle, "no trial has a latency")?;
    }
    asked_for(&mut chart, objectives, (&loads, &range))?;
    let point = |trial: &TrialFile, us: u64, paint| marks::Point {
        at: (clamp(trial.rate_hz, &loads), clamp(us as f64, &range)),
        verdict: trial.verdict.clone(),
        paint,
    };
    let points: Vec<marks::Point> = (file.trials.iter())
        .filter_map(|trial| Some((trial, trial.latency_us.as_ref()?)))
        .flat_map(|(trial, times)| [point(trial, times.p50, Paint::P50), point(trial, times.p99, Paint::P99)])
        .collect();
    marks::draw(&mut chart, &points)
}

/// The lines of the objectives, and then their names, so that no line crosses one.
fn asked_for<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, Y>,
    objectives: &[(&str, f64)],
    (loads, range): (&Range<f64>, &Range<f64>),
) -> Drawn {
    for (_, us) in objectives {
        let us = clamp(*us, range);
        let line = [(loads.start, us), (loads.end, us)];
        chart.draw_series([PathElement::new(line, Paint::Objective.line(FINE.unsigned_abs() * 3 / 2))])?;
    }
    for (index, (text, us)) in objectives.iter().enumerate() {
        // Side by side, since the lines may lie close to one another.
        let at = loads.end - (loads.end - loads.start) * (0.01 + 0.2 * (index % 4) as f64);
        let style = panels::letters(Paint::Objective, HPos::Right, VPos::Bottom);
        chart.draw_series([Text::new((*text).to_owned(), (at, clamp(*us, range)), style)])?;
    }
    Ok(())
}
