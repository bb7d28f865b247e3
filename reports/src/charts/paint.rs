//! The colours of drawings, by what they mean. The page's style sheet says what they look like in each theme.

use plotters::style::{Color, RGBAColor, RGBColor, ShapeStyle};

/// A meaning that has a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Ink,
    Faint,
    Grid,
    Band,
    BandEdge,
    Up,
    Degraded,
    Down,
    NoData,
    Offered,
    Good,
    Answered,
    Refused,
    Reset,
    TimedOut,
    Unsent,
    Halo,
    P50,
    P99,
    Gone,
    Died,
    Started,
    Ready,
    Strong,
    Passed,
    Failed,
    Invalid,
    Objective,
    Monitor,
    Heat(u8),
}

/// Levels of the heat map, 1 to this.
pub(crate) const HEAT_LEVELS: u8 = 7;

const NAMES: [(Paint, &str); 29] = [
    (Paint::Ink, "ink"),
    (Paint::Faint, "ink2"),
    (Paint::Grid, "grid"),
    (Paint::Band, "band"),
    (Paint::BandEdge, "edge"),
    (Paint::Up, "up"),
    (Paint::Degraded, "degraded"),
    (Paint::Down, "down-hatched"),
    (Paint::NoData, "nodata"),
    (Paint::Offered, "offered"),
    (Paint::Good, "good"),
    (Paint::Answered, "answered"),
    (Paint::Refused, "refused"),
    (Paint::Reset, "reset"),
    (Paint::TimedOut, "timedout"),
    (Paint::Unsent, "unsent"),
    (Paint::Halo, "halo"),
    (Paint::P50, "p50"),
    (Paint::P99, "p99"),
    (Paint::Gone, "gone"),
    (Paint::Died, "died"),
    (Paint::Started, "started"),
    (Paint::Ready, "ready"),
    (Paint::Strong, "strong"),
    (Paint::Passed, "passed"),
    (Paint::Failed, "failed"),
    (Paint::Invalid, "invalid"),
    (Paint::Objective, "objective"),
    (Paint::Monitor, "monitor"),
];

/// Red and green of every sentinel colour; blue is the index.
const SENTINEL: (u8, u8) = (7, 7);
const FIRST_HEAT: u8 = 100;

impl Paint {
    /// plotters knows colours only as numbers: each meaning has one that stands for nothing else.
    pub(crate) fn color(self) -> RGBColor {
        let index = match self {
            Paint::Heat(level) => FIRST_HEAT + level,
            other => (0u8..).zip(NAMES).find(|(_, (paint, _))| *paint == other).map_or(0, |(index, _)| index),
        };
        RGBColor(SENTINEL.0, SENTINEL.1, index)
    }

    /// The name of its class in the style sheet, without the `f-` of fills and the `s-` of strokes.
    pub(crate) fn name_of(rgb: (u8, u8, u8)) -> String {
        if (rgb.0, rgb.1) != SENTINEL {
            return "ink".to_owned();
        }
        match rgb.2 {
            heat @ FIRST_HEAT.. => format!("h{}", heat - FIRST_HEAT),
            index => NAMES.get(usize::from(index)).map_or("ink", |(_, name)| name).to_owned(),
        }
    }

    /// Its class when it fills.
    pub(crate) fn fill_class(self) -> String {
        let RGBColor(r, g, b) = self.color();
        format!("f-{}", Self::name_of((r, g, b)))
    }

    /// Its class when it draws lines.
    pub(crate) fn stroke_class(self) -> String {
        let RGBColor(r, g, b) = self.color();
        format!("s-{}", Self::name_of((r, g, b)))
    }

    pub(crate) fn filled(self) -> ShapeStyle {
        self.color().filled()
    }

    /// A line this many sheet units wide (see [`super::ink::FINE`]).
    pub(crate) fn line(self, width: u32) -> ShapeStyle {
        self.color().stroke_width(width)
    }

    /// Draws nothing.
    pub(crate) fn nothing() -> RGBAColor {
        Paint::Ink.color().mix(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meaning_has_a_class_of_its_own() {
        let mut classes: Vec<String> = NAMES.iter().map(|(paint, _)| paint.fill_class()).collect();
        classes.extend((1..=HEAT_LEVELS).map(|level| Paint::Heat(level).fill_class()));
        let all = classes.len();
        classes.sort();
        classes.dedup();
        assert_eq!(classes.len(), all);
        assert!(classes.contains(&"f-h7".to_owned()) && classes.contains(&"f-down-hatched".to_owned()));
    }
}
