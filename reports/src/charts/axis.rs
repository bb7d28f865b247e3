//! Axes that cannot go wrong: plotters hangs on an infinite end and panics on values far outside of its range.

use std::ops::Range;

/// `from..to` when it is a range that can be drawn, or else one around `from` that can.
pub(crate) fn safe_range(from: f64, to: f64) -> Range<f64> {
    let from = if from.is_finite() { from.clamp(-1e300, 1e300) } else { 0.0 };
    let least = from.abs().max(1.0) * 1e-6;
    if to.is_finite() && to - from > least && (to - from).is_finite() {
        from..to
    } else {
        from..from + least.max(1.0)
    }
}

/// `value` within `range`; its beginning when it is no number.
pub(crate) fn clamp(value: f64, range: &Range<f64>) -> f64 {
    if value.is_nan() { range.start } else { value.clamp(range.start, range.end) }
}

/// A logarithmic axis of latency in microseconds that holds `low..=high`: from a step of 1, 2, 5, 10, ... to another,
/// at least a decade long.
pub(crate) fn latency_range(low: f64, high: f64) -> Range<f64> {
    let low = if low.is_finite() { low.clamp(1.0, 5e8) } else { 1e3 };
    let high = if high.is_finite() { high.clamp(low, 3.6e9) } else { low };
    let from = steps().take_while(|step| *step <= low).last().unwrap_or(1.0);
    // With room above, so that the slowest does not stick to the edge.
    let to = steps().find(|step| *step >= (high * 1.2).max(from * 10.0)).unwrap_or(5e9);
    from..to
}

/// A logarithmic axis of loads per second: as [`latency_range`], a thousandth of a request per second being the least.
pub(crate) fn load_range(low: f64, high: f64) -> Range<f64> {
    let range = latency_range(low * 1e3, high * 1e3);
    range.start / 1e3..range.end / 1e3
}

/// Where an axis of [`load_range`] has its labels.
pub(crate) fn load_ticks(range: &Range<f64>) -> Vec<f64> {
    let ticks = latency_ticks(&(range.start * 1e3..range.end * 1e3));
    ticks.into_iter().map(|tick| tick / 1e3).collect()
}

/// Where a latency axis has its labels. plotters puts them at powers of ten only, and so none at all on an axis from
/// 2 to 9.
pub(crate) fn latency_ticks(range: &Range<f64>) -> Vec<f64> {
    let decades = (range.end / range.start).log10();
    let leading = |step: &f64| {
        let digit = step / 10f64.powf(step.log10().floor() + 1e-9).max(1.0);
        (digit - 1.0).abs() < 0.5 || decades < 2.5
    };
    steps().filter(|step| (range.start..=range.end).contains(step)).filter(leading).collect()
}

/// 1, 2, 5, 10, 20, 50, ... microseconds, to more than an hour.
fn steps() -> impl Iterator<Item = f64> {
    (0..10).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_latency_axis_has_labels_too() {
        assert_eq!(latency_range(3e3, 9e3), 2e3..2e4);
        assert_eq!(latency_ticks(&(2e3..2e4)), [2e3, 5e3, 1e4, 2e4]);
        assert_eq!(latency_ticks(&(1e3..1e6)), [1e3, 1e4, 1e5, 1e6]);
    }

    proptest! {
        #[test]
        fn every_axis_can_be_drawn(from in any::<f64>(), to in any::<f64>()) {
            let range = safe_range(from, to);
            prop_assert!(range.start.is_finite() && range.end.is_finite() && range.end > range.start);
            let range = latency_range(from, to);
            prop_assert!(range.start >= 1.0 && range.end >= range.start * 10.0 * 0.99, "{range:?}");
            prop_assert!(latency_ticks(&range).len() >= 2, "{range:?}");
            let range = load_range(from, to);
            prop_assert!(range.start > 0.0 && range.end >= range.start * 10.0 * 0.99, "{range:?}");
            prop_assert!(load_ticks(&range).len() >= 2, "{range:?}");
        }
    }
}
