//! Where latency begins to rise steeply, by Kneedle (V. Satopaa et al., "Finding a Kneedle in a Haystack", 2011).

use record::derived::TrialFile;

use super::median;

/// Loads below which there is no curve.
const FEWEST: usize = 5;
/// How far the curve has to fall from its farthest point before that is a knee, in mean distances of loads (S).
const SENSITIVITY: f64 = 1.0;

/// The load, per second, above which p99 rises steeply; `None` when it does not. Each load counts with the median of its
/// trials, and never with less than a smaller load, since an overload that was cut short looks better than it is.
#[must_use]
pub fn knee_hz(trials: &[TrialFile]) -> Option<f64> {
    let valid: Vec<TrialFile> = trials.iter().filter(|trial| trial.verdict != "invalid").cloned().collect();
    let mut points = by_load(&valid, &|trial| trial.latency_us.as_ref().map(|latency| latency.p99 as f64));
    let mut highest = 0.0;
    for (_, p99) in &mut points {
        highest = f64::max(highest, *p99);
        *p99 = highest;
    }
    let (first, last) = (*points.first()?, *points.last()?);
    let (width, height) = (last.0 - first.0, last.1 - first.1);
    if points.len() < FEWEST || width <= 0.0 || height <= 0.0 {
        return None;
    }
    // The curve is convex and rises, so its knee is where it lies farthest below the diagonal.
    let below = |point: &(f64, f64)| (point.0 - first.0) / width - (point.1 - first.1) / height;
    let curve: Vec<f64> = points.iter().map(below).collect();
    let mean_step = 1.0 / (points.len() - 1) as f64;
    let mut candidate: Option<usize> = None;
    for index in 1..curve.len() {
        let peak =
            index + 1 < curve.len() && curve[index] > curve[index - 1] && curve[index] >= curve[index + 1];
        if peak {
            candidate = Some(index);
        }
        if let Some(at) = candidate
            && curve[index] < curve[at] - SENSITIVITY * mean_step
        {
            return Some(points[at].0);
        }
    }
    None
}

/// The median of `of` at each load, in order of load; trials without it are left out.
pub(super) fn by_load(trials: &[TrialFile], of: &dyn Fn(&TrialFile) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut found: Vec<(f64, f64)> =
        trials.iter().filter_map(|trial| Some((trial.rate_hz, of(trial)?))).collect();
    found.sort_by(|left, right| left.0.total_cmp(&right.0));
    found
        .chunk_by(|left, right| left.0 == right.0)
        .filter_map(|same| Some((same[0].0, median(same.iter().map(|(_, value)| *value))?)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use record::derived::PercentilesFile;

    pub(in crate::search) fn trial(rate_hz: f64, verdict: &str, mean_us: f64) -> TrialFile {
        let us = crate::findings::grid::whole(mean_us) as u64;
        TrialFile {
            at_s: 0.0,
            phase: "narrow".to_owned(),
            rate_hz,
            duration_s: 4.0,
            verdict: verdict.to_owned(),
            reason: String::new(),
            goodput_hz: rate_hz,
            latency_us: Some(PercentilesFile {
                min: us,
                mean: mean_us,
                p50: us,
                p90: us,
                p95: us,
                p99: us,
                p99_9: us,
                p99_99: us,
                max: us,
            }),
            recovered_s: None,
            lower_hz: None,
            upper_hz: None,
        }
    }

    #[test]
    fn the_knee_is_the_last_load_before_latency_rises() {
        let flat = (1..=8).map(|n| trial(f64::from(n) * 100.0, "pass", 1_000.0 + f64::from(n)));
        let steep = [(900.0, 200_000.0), (1_000.0, 900_000.0)].map(|(rate, us)| trial(rate, "fail", us));
        let trials: Vec<TrialFile> = flat.chain(steep).collect();
        assert_eq!(knee_hz(&trials), Some(800.0));
    }

    #[test]
    fn latency_that_does_not_rise_or_rises_evenly_has_no_knee() {
        let even: Vec<TrialFile> = (1..=9).map(|n| trial(f64::from(n), "pass", 1e3 * f64::from(n))).collect();
        assert_eq!(knee_hz(&even), None);
        let flat: Vec<TrialFile> = (1..=9).map(|n| trial(f64::from(n), "pass", 1e3)).collect();
        assert_eq!(knee_hz(&flat), None);
        assert_eq!(knee_hz(&[]), None);
    }
}
