//! The panels of load and latency.

use std::ops::Range;

use plotters::coord::ranged1d::AsRangedCoord;
use plotters::prelude::*;

use super::axis::{clamp, latency_range, latency_ticks, safe_range};
use super::ink::FINE;
use super::paint::{HEAT_LEVELS, Paint};
use super::panels::{self, Area, Band, Drawn, TIME_DESCRIPTION, time_label};
use super::series::{Failure, LatencyColumn, RatePoint, heat_cells};
use crate::findings::grid::whole;
use crate::monitor::MonitorRate;
use crate::words;
use plotters::style::text_anchor::{HPos, VPos};

/// The axes of value, the same for drawings that are to be compared.
#[derive(Debug, Clone)]
pub(super) struct Scales {
    rate: Range<f64>,
    latency: Range<f64>,
}

impl Scales {
    /// Axes that hold everything of several drawings.
    pub(super) fn over<'a>(
        drawings: impl Iterator<Item = (&'a [RatePoint], &'a [MonitorRate], &'a [LatencyColumn])>,
    ) -> Self {
        let (mut highest, mut low, mut high) = (0.0, f64::INFINITY, 0.0);
        for (points, monitor, columns) in drawings {
            let stacked = |point: &RatePoint| point.good + point.failed.iter().sum::<f64>();
            highest = points.iter().map(|point| point.offered.max(stacked(point))).fold(highest, f64::max);
            highest = monitor.iter().map(|rate| rate.hz).fold(highest, f64::max);
            let held = || columns.iter().filter(|column| !column.good.is_empty());
            low = held().map(|column| column.good.min() as f64).fold(low, f64::min);
            high = held().map(|column| column.good.max() as f64).fold(high, f64::max);
        }
        Self { rate: safe_range(0.0, highest * 1.15), latency: latency_range(low, high) }
    }
}

/// Offered load as a line over good answers and failures stacked by kind, and what the monitor saw where there is one.
pub(super) fn goodput(
    area: &Area,
    time: &Range<f64>,
    bands: &[Band],
    points: &[RatePoint],
    monitor: &[MonitorRate],
    scales: &Scales,
) -> Drawn {
    let dashed = match monitor.is_empty() {
        true => "the dashed line is the offered load",
        false => "dashed are the offered load and the web servers' answers as the monitor sees them",
    };
    panels::title(area, &format!("Good answers and failures, stacked; {dashed}"))?;
    let height = scales.rate.clone();
    let mut chart = panels::chart(area, time, height.clone(), false)?;
    panels::bands(&mut chart, bands, time, &height)?;
    mesh(&mut chart, 5, false, &|value| words::count(whole(*value) as u64))?;
    panels::description(area, "requests per second", false)?;
    let mut base: Vec<f64> = vec![0.0; points.len()];
    let mut layer = |paint: Paint, of: &dyn Fn(&RatePoint) -> f64| -> Drawn {
        let mut shapes = Vec::new();
        for (point, base) in points.iter().zip(&mut base).filter(|(point, _)| of(point) > 0.0) {
            let top = clamp(*base + of(point), &height);
            let corners = [(clamp(point.from_s, time), *base), (clamp(point.to_s, time), top)];
            shapes.push(Rectangle::new(corners, paint.filled()));
            *base = top;
        }
        chart.draw_series(shapes).map(|_| ())
    };
    layer(Paint::Good, &|point| point.good)?;
    for (index, failure) in Failure::ALL.iter().enumerate() {
        layer(failure.paint(), &|point| point.failed[index])?;
    }
    let mut steps = |paint: Paint, levels: &mut dyn Iterator<Item = (f64, f64, f64)>| -> Drawn {
        let step = |(from_s, to_s, hz)| [from_s, to_s].map(|at_s| (clamp(at_s, time), clamp(hz, &height)));
        let line: Vec<(f64, f64)> = levels.flat_map(step).collect();
        chart.draw_series([PathElement::new(line, paint.line(FINE as u32 * 3 / 2))]).map(|_| ())
    };
    steps(Paint::Offered, &mut points.iter().map(|point| (point.from_s, point.to_s, point.offered)))?;
    steps(Paint::Monitor, &mut monitor.iter().map(|rate| (rate.from_s, rate.to_s, rate.hz)))
}

/// How long good answers took: a heat map with the median and the 99th percentile.
pub(super) fn latency(
    area: &Area,
    time: &Range<f64>,
    bands: &[Band],
    columns: &[LatencyColumn],
    scales: &Scales,
) -> Drawn {
    panels::title(
        area,
        "Latency of good answers (logarithmic); a stronger colour is more of them, the lines are p50 and p99",
    )?;
    let held: Vec<&LatencyColumn> = columns.iter().filter(|column| !column.good.is_empty()).collect();
    let range = scales.latency.clone();
    let axis = range.clone().log_scale().with_key_points(latency_ticks(&range));
    let mut chart = panels::chart(area, time, axis, true)?;
    panels::bands(&mut chart, bands, time, &range)?;
    mesh(&mut chart, 5, true, &|value| words::latency_tick(*value))?;
    panels::description(area, "latency", true)?;
    if held.is_empty() {
        let middle = (f64::midpoint(time.start, time.end), (range.start * range.end).sqrt());
        let style = panels::letters(Paint::Ink, HPos::Center, VPos::Center);
        chart.draw_series([Text::new("no good answer in this time", middle, style)])?;
        return Ok(());
    }
    let cells: Vec<(&LatencyColumn, f64, f64, u64)> = held
        .iter()
        .flat_map(|column| {
            heat_cells(&column.good, &range).into_iter().map(|(f, t, count)| (*column, f, t, count))
        })
        .collect();
    let most = cells.iter().map(|(.., count)| *count).max().unwrap_or(1) as f64;
    // By the root of the count: rare slow answers must be seen beside thousands of fast ones.
    let level = |count: u64| whole((count as f64 / most).sqrt() * f64::from(HEAT_LEVELS)).clamp(1, 7);
    for wanted in 1..=HEAT_LEVELS {
        let of_level = cells.iter().filter(|(.., count)| level(*count) == usize::from(wanted));
        let shape = |(column, from, to, _): &(&LatencyColumn, f64, f64, u64)| {
            let corners = [(clamp(column.from_s, time), *from), (clamp(column.to_s, time), *to)];
            Rectangle::new(corners, Paint::Heat(wanted).filled())
        };
        chart.draw_series(of_level.map(shape))?;
    }
    for (percentile, paint) in [(99.0, Paint::P99), (50.0, Paint::P50)] {
        for line in percentile_lines(columns, percentile, time, &range) {
            chart.draw_series([PathElement::new(line.clone(), Paint::Halo.line(FINE as u32 * 4))])?;
            chart.draw_series([PathElement::new(line, paint.line(FINE as u32 * 2))])?;
        }
    }
    Ok(())
}

/// A percentile over time as stepped lines, broken where there was no good answer.
fn percentile_lines(
    columns: &[LatencyColumn],
    percentile: f64,
    time: &Range<f64>,
    range: &Range<f64>,
) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut broken = true;
    for column in columns {
        if column.good.is_empty() {
            broken = true;
            continue;
        }
        if broken {
            lines.push(Vec::new());
            broken = false;
        }
        let value = clamp(column.good.value_at_percentile(percentile) as f64, range);
        if let Some(line) = lines.last_mut() {
            line.extend([(clamp(column.from_s, time), value), (clamp(column.to_s, time), value)]);
        }
    }
    lines
}

fn mesh<Y>(
    chart: &mut panels::Chart<'_, Y>,
    labels: usize,
    last: bool,
    format: &dyn Fn(&f64) -> String,
) -> Drawn
where
    Y: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64> + AsRangedCoord<Value = f64>,
{
    let text = panels::letters(Paint::Ink, HPos::Left, VPos::Top);
    let mut mesh = chart.configure_mesh();
    mesh.bold_line_style(Paint::Grid.line(FINE as u32))
        .light_line_style(Paint::nothing())
        .axis_style(Paint::Faint.line(FINE as u32))
        .label_style(text.clone())
        .axis_desc_style(text)
        .set_all_tick_mark_size(4 * FINE)
        .x_labels(12)
        .y_labels(labels)
        .y_label_formatter(format)
        .x_label_formatter(if last { &time_label } else { &|_| String::new() });
    if last {
        mesh.x_desc(TIME_DESCRIPTION);
    }
    mesh.draw()
}
