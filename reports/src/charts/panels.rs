//! The panels of a drawing. They share one time axis and so one left edge.

use std::convert::Infallible;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::clamp;
use super::ink::{FINE, Ink, text_width};
use super::paint::Paint;

pub(super) type Area = DrawingArea<Ink, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;
pub(super) type Chart<'a, Y> = ChartContext<'a, Ink, Cartesian2d<RangedCoordf64, Y>>;

/// Left of the panels, for names and the labels of axes.
pub(super) const LEFT: i32 = 132;
/// Right of the panels.
pub(super) const RIGHT: i32 = 12;
/// Above a panel, for its title.
pub(super) const TITLE: i32 = 22;
/// Below the last panel, for the time axis.
pub(super) const BOTTOM: i32 = 40;
/// Between panels.
pub(super) const GAP: i32 = 6;
/// Height of one row of a strip.
pub(super) const ROW: i32 = 20;
/// Size of letters, in pixels.
pub(super) const LETTERS: f64 = 12.0;

/// When a fault was in force.
#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) name: String,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

pub(super) fn letters(paint: Paint, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let size = LETTERS * f64::from(FINE);
    ("sans-serif", size).into_font().color(&paint.color()).pos(Pos::new(horizontal, vertical))
}

/// Writes the title of a panel above it, over its left edge.
pub(super) fn title(area: &Area, text: &str) -> Drawn {
    let at = (LEFT * FINE, (TITLE - 6) * FINE);
    area.draw(&Text::new(text.to_owned(), at, letters(Paint::Ink, HPos::Left, VPos::Bottom)))
}

/// What the values of a panel are, upright beside its axis.
pub(super) fn description(area: &Area, text: &str, last: bool) -> Drawn {
    let height = i32::try_from(area.dim_in_pixel().1).unwrap_or(0);
    let below = if last { BOTTOM } else { GAP } * FINE;
    let at = ((LEFT - 68) * FINE, i32::midpoint(TITLE * FINE, height - below));
    let style = letters(Paint::Ink, HPos::Center, VPos::Center).transform(FontTransform::Rotate270);
    area.draw(&Text::new(text.to_owned(), at, style))
}

/// A panel with its time axis; `last` writes the axis' labels.
pub(super) fn chart<'a, Y: plotters::coord::ranged1d::AsRangedCoord<Value = f64>>(
    area: &'a Area,
    time: &Range<f64>,
    values: Y,
    last: bool,
) -> Result<Chart<'a, Y::CoordDescType>, DrawingAreaErrorKind<Infallible>>
where
    Y::CoordDescType: Ranged<ValueType = f64>,
{
    ChartBuilder::on(area)
        .margin_top(TITLE * FINE)
        .margin_right(RIGHT * FINE)
        .set_label_area_size(LabelAreaPosition::Left, LEFT * FINE)
        .set_label_area_size(LabelAreaPosition::Bottom, if last { BOTTOM } else { GAP } * FINE)
        .build_cartesian_2d(time.clone(), values)
}

/// Where the labels of the time axis stand.
pub(super) fn time_label(value: &f64) -> String {
    if (value - value.round()).abs() < 1e-6 { format!("{value:.0}") } else { format!("{value:.1}") }
}

pub(super) const TIME_DESCRIPTION: &str = "seconds from the start of the measured load";

/// Shades the time in which faults were in force, over the whole height.
pub(super) fn bands<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'_, Y>,
    bands: &[Band],
    time: &Range<f64>,
    height: &Range<f64>,
) -> Drawn {
    let visible = |band: &&Band| band.to_s > time.start && band.from_s < time.end;
    for band in bands.iter().filter(visible) {
        let (from, to) = (clamp(band.from_s, time), clamp(band.to_s, time));
        let area = [(from, height.start), (to, height.end)];
        chart.draw_series([Rectangle::new(area, Paint::Band.filled())])?;
        let edges = [band.from_s, band.to_s].into_iter().filter(|edge| time.contains(edge));
        let edge =
            |at| PathElement::new([(at, height.start), (at, height.end)], Paint::BandEdge.line(FINE as u32));
        chart.draw_series(edges.map(edge))?;
    }
    Ok(())
}

/// Text in the middle of a stretch, when it fits; of the `texts`, the first that does.
pub(super) fn fitting<'t>(texts: &[&'t str], width: f64) -> Option<&'t str> {
    texts.iter().find(|text| text_width(text, LETTERS) + 6.0 <= width).copied()
}

/// Pixels that a stretch of the time axis takes on a drawing of `width` pixels.
pub(super) fn stretch_pixels(stretch_s: f64, time: &Range<f64>, width: u32) -> f64 {
    let room = f64::from(width) - f64::from(LEFT + RIGHT);
    stretch_s / (time.end - time.start) * room
}
