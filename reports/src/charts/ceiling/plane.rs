//! The plane that trials are drawn on: its grid, and the offered load along it with the two bounds.

use std::ops::Range;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use record::derived::CeilingFile;

use super::super::axis::{clamp, safe_range};
use super::super::figure::WIDTH;
use super::super::ink::FINE;
use super::super::paint::Paint;
use super::super::panels::{self, Area, Chart, Drawn, LEFT, RIGHT, TITLE};
use crate::search;

/// Far above any load; plotters is not asked to label what lies beyond.
pub(super) const MOST: f64 = 1e12;

/// What stands along an axis.
pub(super) struct Axis<'a> {
    pub(super) description: &'a str,
    pub(super) labels: usize,
    pub(super) format: &'a dyn Fn(&f64) -> String,
}

/// What the axis of loads is.
pub(super) const OFFERED: &str = "offered load, requests per second";

/// A load as it stands at an axis, where there is little room: "2,500", "250k", "1.2M".
pub(super) fn tick(hz: f64) -> String {
    let short = |value: f64, unit: &str| search::load((value * 10.0).round() / 10.0) + unit;
    match hz {
        ..1e4 => search::load(hz),
        ..1e6 => short(hz / 1e3, "k"),
        _ => short(hz / 1e6, "M"),
    }
}

/// The labels of an axis of loads, none so close to its end that it would be cut.
pub(super) fn load_label(loads: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let last = loads.end - (loads.end - loads.start) * 0.012;
    move |hz| if *hz > last { String::new() } else { tick(*hz) }
}

/// Draws the grid, and what the axes mean.
pub(super) fn mesh<Y>(area: &Area, chart: &mut Chart<'_, Y>, x: &Axis<'_>, y: &Axis<'_>) -> Drawn
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64> + AsRangedCoord<Value = f64>,
{
    let text = panels::letters(Paint::Ink, HPos::Left, VPos::Top);
    chart
        .configure_mesh()
        .bold_line_style(Paint::Grid.line(FINE.unsigned_abs()))
        .light_line_style(Paint::nothing())
        .axis_style(Paint::Faint.line(FINE.unsigned_abs()))
        .label_style(text.clone())
        .axis_desc_style(text)
        .set_all_tick_mark_size(4 * FINE)
        .x_labels(x.labels)
        .y_labels(y.labels)
        .x_label_formatter(x.format)
        .y_label_formatter(y.format)
        .x_desc(x.description)
        .draw()?;
    panels::description(area, y.description, true)
}

/// The largest of some values that can be drawn.
pub(super) fn highest(values: impl Iterator<Item = f64>) -> f64 {
    values.filter(|value| value.is_finite()).fold(0.0, f64::max).min(MOST)
}

/// A linear axis of offered load that holds every trial and has room for the name of the upper bound at its right.
pub(super) fn loads(file: &CeilingFile) -> Range<f64> {
    let most = highest(file.trials.iter().map(|trial| trial.rate_hz).chain(file.lower_hz));
    let upper = highest(file.upper_hz.into_iter());
    safe_range(0.0, (most * 1.05).max(upper * 1.22))
}

/// The bounds over the whole height, shaded between, and named above the panel.
pub(super) fn bounds<Y: Ranged<ValueType = f64>>(
    area: &Area,
    chart: &mut Chart<'_, Y>,
    file: &CeilingFile,
    (loads, height): (&Range<f64>, &Range<f64>),
) -> Drawn {
    if let (Some(lower), Some(upper)) = (file.lower_hz, file.upper_hz) {
        let corners = [(clamp(lower, loads), height.start), (clamp(upper, loads), height.end)];
        chart.draw_series([Rectangle::new(corners, Paint::Band.filled())])?;
    }
    for (bound, name, side) in
        [(file.lower_hz, "sustained", HPos::Right), (file.upper_hz, "too much", HPos::Left)]
    {
        let Some(hz) = bound else { continue };
        let at = clamp(hz, loads);
        let line = [(at, height.start), (at, height.end)];
        chart.draw_series([PathElement::new(line, Paint::BandEdge.line(FINE.unsigned_abs()))])?;
        let share = (at - loads.start) / (loads.end - loads.start);
        let room = f64::from(i32::try_from(WIDTH).unwrap_or(0) - LEFT - RIGHT);
        let x = (f64::from(LEFT) + share * room) * f64::from(FINE);
        let x = i32::try_from(crate::findings::grid::whole(x)).unwrap_or(0);
        let text = format!("{name} {}", search::rate(bound));
        let style = panels::letters(Paint::Strong, side, VPos::Bottom);
        area.draw(&Text::new(text, (x, (TITLE - 4) * FINE), style))?;
    }
    Ok(())
}

/// Says that there is nothing to draw.
pub(super) fn nothing<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, Y>,
    middle: (f64, f64),
    text: &str,
) -> Drawn {
    let style = panels::letters(Paint::Ink, HPos::Center, VPos::Center);
    chart.draw_series([Text::new(text.to_owned(), middle, style)])?;
    Ok(())
}
