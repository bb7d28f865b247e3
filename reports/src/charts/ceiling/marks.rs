//! How a trial is marked: filled when it passed, hollow when it failed, a cross when it does not count.

use plotters::prelude::*;

use super::super::ink::FINE;
use super::super::paint::Paint;
use super::super::panels::{Chart, Drawn};

const SIZE: i32 = 4 * FINE;

/// A point to draw.
pub(super) struct Point {
    pub(super) at: (f64, f64),
    pub(super) verdict: String,
    pub(super) paint: Paint,
}

/// The colour of a verdict.
pub(super) fn paint(verdict: &str) -> Paint {
    match verdict {
        "pass" => Paint::Passed,
        "fail" => Paint::Failed,
        _ => Paint::Invalid,
    }
}

/// Draws the points, those that passed below the others, which would be hidden.
pub(super) fn draw<Y: Ranged<ValueType = f64>>(chart: &mut Chart<'_, Y>, points: &[Point]) -> Drawn {
    let of = |verdict: &'static str| points.iter().filter(move |point| point.verdict == verdict);
    chart.draw_series(of("pass").map(|point| Circle::new(point.at, SIZE, point.paint.filled())))?;
    let hollow = |point: &Point| Circle::new(point.at, SIZE, point.paint.line(FINE.unsigned_abs() * 3 / 2));
    chart.draw_series(of("fail").map(hollow))?;
    let others = points.iter().filter(|point| !["pass", "fail"].contains(&point.verdict.as_str()));
    let cross = |point: &Point| Cross::new(point.at, SIZE, point.paint.line(FINE.unsigned_abs() * 3 / 2));
    chart.draw_series(others.map(cross))?;
    Ok(())
}

/// The three marks, with a colour for each.
pub(super) fn legend(paint: impl Fn(&str) -> Paint) -> Vec<(String, String)> {
    let [passed, failed, invalid] = ["pass", "fail", "invalid"].map(paint);
    vec![
        (
            format!("<circle class=\"{}\" cx=\"8\" cy=\"6\" r=\"4\"/>", passed.fill_class()),
            "passed".to_owned(),
        ),
        (
            format!(
                "<circle class=\"{}\" stroke-width=\"1.5\" cx=\"8\" cy=\"6\" r=\"4\"/>",
                failed.stroke_class()
            ),
            "failed".to_owned(),
        ),
        (
            format!(
                "<path class=\"{}\" stroke-width=\"1.5\" d=\"M4 2l8 8M12 2l-8 8\"/>",
                invalid.stroke_class()
            ),
            "does not count".to_owned(),
        ),
    ]
}

/// A line in the legend.
pub(super) fn line(paint: Paint, text: &str) -> (String, String) {
    (format!("<path class=\"{}\" stroke-width=\"2\" d=\"M0 6h16\"/>", paint.stroke_class()), text.to_owned())
}

/// An area in the legend.
pub(super) fn area(paint: Paint, text: &str) -> (String, String) {
    (format!("<path class=\"{}\" d=\"M0 0h16v12h-16z\"/>", paint.fill_class()), text.to_owned())
}
