//! Goodput against offered load.

use plotters::prelude::*;
use record::derived::{CeilingFile, TrialFile};

use super::super::axis::{clamp, safe_range};
use super::super::ink::FINE;
use super::super::paint::Paint;
use super::super::panels::{self, Area, Drawn};
use super::latency::by_load;
use super::plane::{self, Axis};
use super::{Caption, marks, table};
use crate::page::Figure;
use crate::search;
use crate::words;
use crate::write::ReportError;

const HEIGHT: u32 = 320;

pub(super) fn figure(file: &CeilingFile) -> Result<Figure, ReportError> {
    let mut legend = marks::legend(marks::paint);
    if file.lower_hz.is_some() && file.upper_hz.is_some() {
        legend.push(marks::area(Paint::Band, "between the bounds"));
    }
    legend.push(marks::line(Paint::Offered, "all that was offered is good"));
    let caption = Caption {
        over: "goodput",
        title: title(file),
        description: "Good answers per second against the offered load, for every trial, with the bounds of the search \
                      and the line on which everything that was offered is good."
            .to_owned(),
        legend,
        table: table(&["offered", "verdict", "goodput", "share", "phase"], rows(file)),
    };
    caption.figure(HEIGHT, |area| draw(area, file))
}

fn share(good_hz: f64, offered_hz: f64) -> String {
    if offered_hz > 0.0 { words::percent((good_hz / offered_hz).min(1.0)) } else { "–".to_owned() }
}

fn title(file: &CeilingFile) -> String {
    let at_upper = file.upper_hz.and_then(|hz| {
        let counted = search::trials_at(file, hz).filter(|trial| trial.verdict != "invalid");
        Some((hz, search::median(counted.map(|trial| trial.goodput_hz))?))
    });
    let told: Vec<String> = [file.lower_hz.zip(file.goodput_at_lower_hz), at_upper]
        .into_iter()
        .flatten()
        .map(|(hz, good_hz)| {
            format!(
                "{} good of {} offered ({})",
                search::rate(Some(good_hz)),
                search::rate(Some(hz)),
                share(good_hz, hz)
            )
        })
        .collect();
    if told.is_empty() {
        let most = plane::highest(file.trials.iter().map(|trial| trial.goodput_hz));
        return format!("No bound is known; at most {} were good", search::rate(Some(most)));
    }
    told.join(", ")
}

fn rows(file: &CeilingFile) -> Vec<Vec<String>> {
    let row = |trial: &TrialFile| {
        vec![
            search::rate(Some(trial.rate_hz)),
            trial.verdict.clone(),
            search::rate(Some(trial.goodput_hz)),
            share(trial.goodput_hz, trial.rate_hz),
            trial.phase.clone(),
        ]
    };
    by_load(file).into_iter().map(row).collect()
}

fn draw(area: &Area, file: &CeilingFile) -> Drawn {
    let loads = plane::loads(file);
    let most = plane::highest(
        file.trials.iter().map(|trial| trial.goodput_hz).chain(file.lower_hz).chain(file.upper_hz),
    );
    let height = safe_range(0.0, most * 1.15);
    let mut chart = panels::chart(area, &loads, height.clone(), true)?;
    let format = plane::load_label(&loads);
    let x = Axis { description: plane::OFFERED, labels: 10, format: &format };
    let y = Axis { description: "good answers per second", labels: 6, format: &|hz| plane::tick(*hz) };
    plane::mesh(area, &mut chart, &x, &y)?;
    plane::bounds(area, &mut chart, file, (&loads, &height))?;
    let end = loads.end.min(height.end);
    let all = PathElement::new([(0.0, 0.0), (end, end)], Paint::Offered.line(FINE.unsigned_abs() * 3 / 2));
    chart.draw_series([all])?;
    if file.trials.is_empty() {
        let middle = (f64::midpoint(loads.start, loads.end), f64::midpoint(height.start, height.end));
        plane::nothing(&mut chart, middle, "no trial was made")?;
    }
    let point = |trial: &TrialFile| marks::Point {
        at: (clamp(trial.rate_hz, &loads), clamp(trial.goodput_hz, &height)),
        verdict: trial.verdict.clone(),
        paint: marks::paint(&trial.verdict),
    };
    marks::draw(&mut chart, &file.trials.iter().map(point).collect::<Vec<_>>())
}
