//! The stretches of a measured load that have a rate of their own. Latency depends on the rate, so stretches of different
//! rates are never summed into one percentile.

use std::ops::Range;

use record::{Run, StageRecord};

use crate::findings::grid::whole;
use crate::words;

/// Most parts that a ramp is cut into.
const RAMP_PARTS: usize = 10;
/// Arrivals that each of them should hold, so that a p99 can be told of it.
const PART_ARRIVALS: f64 = 300.0;
/// Waves shorter than this cannot be told apart in windows of a second.
const SHORTEST_WAVE_S: f64 = 4.0;

/// A stretch of the measured load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// "stage 2, step 3 of 5, 300/s"
    pub(crate) name: String,
    /// When, in seconds from the start of the measured load; a sine has several crests.
    pub(crate) times: Vec<Range<f64>>,
    /// Told apart from others by what was asked.
    asked: String,
}

impl Stretch {
    fn new(name: String, asked: String, time: Range<f64>) -> Self {
        Self { name, times: vec![time], asked }
    }

    /// Whether a moment belongs to it.
    pub(crate) fn holds(&self, at_s: f64) -> bool {
        self.times.iter().any(|time| time.contains(&at_s))
    }
}

/// The stretches of `run` in order; empty when the rate was the same all the time, so that one percentile describes it.
pub(crate) fn stretches(run: &Run) -> Vec<Stretch> {
    let stages = &run.plan.stages;
    let mut from_s = 0.0;
    let mut found: Vec<Stretch> = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let mut own = of_stage(stage, from_s);
        if stages.len() > 1 {
            own.iter_mut()
                .for_each(|stretch| stretch.name = format!("stage {}, {}", index + 1, stretch.name));
        }
        found.append(&mut own);
        from_s += stage.duration_s;
    }
    let all_the_same = found.iter().all(|stretch| stretch.asked == found[0].asked);
    if all_the_same { Vec::new() } else { found }
}

fn of_stage(stage: &StageRecord, from_s: f64) -> Vec<Stretch> {
    let length_s = stage.duration_s;
    let rate = stage.rate_hz.unwrap_or(0.0);
    let to = stage.to_hz.unwrap_or(rate);
    let named = |name: String, from: f64, to: f64| {
        let at = |share: f64| crate::findings::tidy(from_s + length_s * share);
        Stretch::new(name.clone(), name, at(from)..at(to))
    };
    match stage.arrivals.as_str() {
        "ramp" => {
            let enough = (f64::midpoint(rate, to) * length_s / PART_ARRIVALS).min(length_s).floor();
            let parts = whole(enough).clamp(2, RAMP_PARTS);
            equal(parts, |from, until| {
                let at = |share: f64| words::rate(rate + (to - rate) * share);
                named(format!("ramp {} to {}", at(from), at(until)), from, until)
            })
        }
        "step" => {
            let steps = stage.steps.unwrap_or(1).max(1);
            let one = if steps > 1 { (to - rate) / f64::from(steps - 1) } else { 0.0 };
            let mut number = 0;
            equal(steps as usize, |from, until| {
                number += 1;
                let held = words::rate(rate + one * f64::from(number - 1));
                named(format!("step {number} of {steps}, {held}"), from, until)
            })
        }
        "spike" if length_s > 0.0 => {
            let (begins, ends) = spike(stage);
            let (base, high) = (words::rate(rate), words::rate(to));
            let cut = [
                (format!("before the spike, {base}"), 0.0, begins),
                (format!("spike, {high}"), begins, ends),
                (format!("after the spike, {base}"), ends, 1.0),
            ];
            cut.into_iter()
                .filter(|(_, from, to)| to > from)
                .map(|(name, from, to)| named(name, from, to))
                .collect()
        }
        "sine" if stage.period_s.is_some_and(|period| period >= SHORTEST_WAVE_S) => sine(stage, from_s),
        arrivals => {
            let asked = format!("{arrivals} {:?} {:?} {:?}", stage.rate_hz, stage.log, stage.think_s);
            let at = stage.rate_hz.map_or(String::new(), |rate| format!(", {}", words::rate(rate)));
            vec![Stretch::new(format!("{arrivals}{at}"), asked, from_s..from_s + length_s)]
        }
    }
}

fn equal(parts: usize, mut part: impl FnMut(f64, f64) -> Stretch) -> Vec<Stretch> {
    let share = |index: usize| index as f64 / parts as f64;
    (0..parts).map(|index| part(share(index), share(index + 1))).collect()
}

/// Beginning and end of a spike as shares of its stage.
fn spike(stage: &StageRecord) -> (f64, f64) {
    let begins = (stage.at_s.unwrap_or(0.0) / stage.duration_s).clamp(0.0, 1.0);
    let ends = (begins + stage.for_s.unwrap_or(0.0) / stage.duration_s).clamp(begins, 1.0);
    (begins, ends)
}

/// The half waves above the mean rate, and those below it: a sine begins at its mean and rises.
fn sine(stage: &StageRecord, from_s: f64) -> Vec<Stretch> {
    let half_s = stage.period_s.unwrap_or(stage.duration_s) / 2.0;
    let end_s = from_s + stage.duration_s;
    let mean = words::rate(stage.rate_hz.unwrap_or(0.0));
    let halves = |name: String, first: usize| {
        let count = whole((stage.duration_s / half_s).ceil());
        let begins = (first..count).step_by(2).map(|index| from_s + index as f64 * half_s);
        let times = begins.map(|begin| begin..(begin + half_s).min(end_s)).collect();
        Stretch { asked: name.clone(), name, times }
    };
    let both = [halves(format!("crests, above {mean}"), 0), halves(format!("troughs, below {mean}"), 1)];
    both.into_iter().filter(|stretch| !stretch.times.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(arrivals: &str, duration_s: f64, change: impl Fn(&mut StageRecord)) -> StageRecord {
        let text =
            format!("{{\"arrivals\": \"{arrivals}\", \"duration_s\": {duration_s}, \"rate_hz\": 100}}");
        let mut stage: StageRecord = serde_json::from_str(&text).unwrap();
        change(&mut stage);
        stage
    }

    #[test]
    fn a_ramp_is_cut_into_parts_that_can_have_a_p99() {
        let ramp = stage("ramp", 20.0, |stage| stage.to_hz = Some(300.0));
        let parts = of_stage(&ramp, 5.0);
        assert_eq!(parts.len(), 10);
        assert_eq!((parts[0].name.as_str(), &parts[0].times[0]), ("ramp 100.0/s to 120.0/s", &(5.0..7.0)));
        assert!(parts[9].holds(24.9) && !parts[9].holds(25.0));
        // Too short for ten parts with 300 arrivals each.
        assert_eq!(of_stage(&stage("ramp", 2.0, |stage| stage.to_hz = Some(300.0)), 0.0).len(), 2);
    }

    #[test]
    fn steps_spikes_and_waves_are_told_apart() {
        let step = stage("step", 9.0, |stage| (stage.to_hz, stage.steps) = (Some(300.0), Some(3)));
        let names: Vec<String> = of_stage(&step, 0.0).into_iter().map(|stretch| stretch.name).collect();
        assert_eq!(names, ["step 1 of 3, 100.0/s", "step 2 of 3, 200.0/s", "step 3 of 3, 300.0/s"]);
        let spike = stage("spike", 10.0, |stage| {
            (stage.at_s, stage.for_s, stage.to_hz) = (Some(4.0), Some(2.0), Some(900.0));
        });
        let times: Vec<_> =
            of_stage(&spike, 0.0).into_iter().map(|stretch| stretch.times[0].clone()).collect();
        assert_eq!(times, [0.0..4.0, 4.0..6.0, 6.0..10.0]);
        let sine = stage("sine", 20.0, |stage| stage.period_s = Some(8.0));
        let waves = of_stage(&sine, 0.0);
        assert_eq!(waves[0].times, [0.0..4.0, 8.0..12.0, 16.0..20.0]);
        assert_eq!(waves[1].times, [4.0..8.0, 12.0..16.0]);
    }
}
