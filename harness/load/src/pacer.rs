//! Turns stages into due times, purely.
//!
//! Each open stage has a cumulative count of arrivals L(t). The arrival with number n of the stage falls due when
//! L(t) = n, so a due time is computed from its number and never from the one before: an error cannot add up.

use std::time::Duration;

use model::{Arrivals, Seed, Stage};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stage with its place in the load, in seconds from the start.
#[derive(Debug, Clone, Copy)]
struct Segment {
    from: f64,
    length: f64,
    arrivals: Arrivals,
}

/// The due times of the open stages of a load, in order, from the start of the load.
#[derive(Debug, Clone)]
pub struct Pacer {
    segments: Vec<Segment>,
    current: usize,
    /// How many arrivals the current segment has had: its L(t), which is fractional only for Poisson arrivals.
    count: f64,
    random: ChaCha8Rng,
}

impl Pacer {
    /// The due times of `stages`, one after the other. Closed stages have none.
    #[must_use]
    pub fn new(stages: &[Stage], seed: Seed) -> Self {
        let mut from = 0.0;
        let mut segments = Vec::new();
        for stage in stages {
            let length = stage.duration.as_secs_f64();
            segments.push(Segment { from, length, arrivals: stage.arrivals });
            from += length;
        }
        let mut pacer = Self {
            segments,
            current: 0,
            count: 0.0,
            random: ChaCha8Rng::seed_from_u64(seed.stream("arrivals")),
        };
        pacer.enter(0);
        pacer
    }

    fn enter(&mut self, segment: usize) {
        self.current = segment;
        self.count = 0.0;
        if matches!(
            self.segments.get(segment).map(|segment| segment.arrivals),
            Some(Arrivals::Poisson { .. })
        ) {
            self.count = exponential(&mut self.random);
        }
    }
}

impl Iterator for Pacer {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let segment = *self.segments.get(self.current)?;
            if !segment.has(self.count) {
                self.enter(self.current + 1);
                continue;
            }
            let t = segment.when(self.count).min(segment.length);
            self.count += match segment.arrivals {
                Arrivals::Poisson { .. } => exponential(&mut self.random),
                _ => 1.0,
            };
            return Some(Duration::from_secs_f64(segment.from + t));
        }
    }
}

impl Segment {
    /// L(length): how many arrivals the segment has in all.
    fn total(&self) -> f64 {
        let rate = match self.arrivals {
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => rate,
            Arrivals::Step { from, steps: 1, .. } => from,
            Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => f64::midpoint(from, to),
            Arrivals::Closed { .. } => 0.0,
        };
        rate * self.length
    }

    /// Whether an arrival with this count belongs to the segment and not to the next. Decided by count and not by time,
    /// with room for rounding, so that 10 s at 4.9/s are 49 arrivals and not 50.
    fn has(&self, count: f64) -> bool {
        let total = self.total();
        count < total - total * 1e-12
    }

    /// When L(t) reaches `count`, in seconds from the segment's beginning. `count` is below the total.
    fn when(&self, count: f64) -> f64 {
        match self.arrivals {
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => count / rate,
            Arrivals::Ramp { from, to } => ramp(from, to, self.length, count),
            Arrivals::Step { from, to, steps } => step(from, to, steps, self.length, count),
            // Has no arrivals of its own: the total is 0.
            Arrivals::Closed { .. } => 0.0,
        }
    }
}

/// L(t) = from t + (to - from) t^2 / (2 length), solved for t in the form that does not cancel
/// (Press et al., Numerical Recipes, section 5.6).
fn ramp(from: f64, to: f64, length: f64, count: f64) -> f64 {
    if count == 0.0 {
        // The first arrival is at the beginning, also of a ramp from nothing, where the quotient is 0 / 0.
        return 0.0;
    }
    let slope = (to - from) / length;
    // Below zero only by rounding, at the end of a ramp to nothing.
    let discriminant = (from * from + 2.0 * slope * count).max(0.0);
    2.0 * count / (from + discriminant.sqrt())
}

fn step(from: f64, to: f64, steps: u32, length: f64, count: f64) -> f64 {
    let each = length / f64::from(steps);
    let mut left = count;
    for index in 0..steps {
        let share = if steps == 1 { 0.0 } else { f64::from(index) / f64::from(steps - 1) };
        let rate = from + (to - from) * share;
        if left < rate * each {
            return f64::from(index) * each + left / rate;
        }
        left -= rate * each;
    }
    // Past the last step only by rounding.
    length
}

/// A draw from the exponential distribution with mean 1, by inversion.
fn exponential(random: &mut impl Rng) -> f64 {
    // 1 - u lies in (0, 1], whose logarithm is finite.
    -(1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(arrivals: Arrivals, seconds: f64) -> Vec<f64> {
        let stage = Stage { duration: Duration::from_secs_f64(seconds), arrivals };
        Pacer::new(&[stage], Seed(1)).map(|due| due.as_secs_f64()).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced_and_begin_at_once() {
        assert_eq!(due(Arrivals::Constant { rate: 4.0 }, 1.0), [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn stages_follow_one_another() {
        let stage = |rate| Stage { duration: Duration::from_secs(1), arrivals: Arrivals::Constant { rate } };
        let due: Vec<f64> =
            Pacer::new(&[stage(2.0), stage(1.0)], Seed(1)).map(|due| due.as_secs_f64()).collect();
        assert_eq!(due, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_step_holds_each_rate_for_its_share() {
        let due = due(Arrivals::Step { from: 10.0, to: 30.0, steps: 3 }, 3.0);
        let within = |from: f64, to: f64| due.iter().filter(|t| (from..to).contains(*t)).count();
        assert_eq!((within(0.0, 1.0), within(1.0, 2.0), within(2.0, 3.0)), (10, 20, 30));
    }

    #[test]
    fn a_ramp_has_the_integral_of_its_rate() {
        // From 0 to 100/s over 10 s: L(t) = 5 t^2, so 500 in all and a quarter of them by half time.
        let due = due(Arrivals::Ramp { from: 0.0, to: 100.0 }, 10.0);
        assert_eq!(due.len(), 500);
        assert_eq!(due.iter().filter(|t| **t < 5.0).count(), 125);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        // Kolmogorov-Smirnov: the greatest distance between the gaps' distribution and 1 - exp(-rate t) stays below
        // 1.63 / sqrt(n), the critical value at 1 %. The seed is fixed, so this cannot fail by chance.
        let rate = 1000.0;
        let due = due(Arrivals::Poisson { rate }, 20.0);
        let mut gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = gaps.iter().enumerate().map(|(index, gap)| {
            let expected = 1.0 - (-rate * gap).exp();
            (expected - index as f64 / n).abs().max((expected - (index as f64 + 1.0) / n).abs())
        });
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1.63 / n.sqrt(), "distance {distance} over {n} gaps");
    }

    #[test]
    fn the_number_of_arrivals_is_exact_where_division_is_not() {
        for tenths in 1..2_000u32 {
            let rate = f64::from(tenths) / 10.0;
            assert_eq!(due(Arrivals::Constant { rate }, 10.0).len(), tenths as usize, "{rate}/s for 10 s");
        }
    }

    #[test]
    fn a_ramp_to_nothing_ends_before_its_end() {
        let due = due(Arrivals::Ramp { from: 100.0, to: 0.0 }, 10.0);
        assert_eq!(due.len(), 500);
        assert!(due.is_sorted() && due.last().is_some_and(|last| *last < 10.0));
        // L(5) = 100 * 5 - 5 * 25 = 375.
        assert_eq!(due.iter().filter(|t| **t < 5.0).count(), 375);
    }

    proptest! {
        /// L(t), counted: for any time, as many arrivals have fallen due as the integral of the rate says.
        #[test]
        fn at_any_time_the_arrivals_so_far_are_the_integral_of_the_rate(
            from in 0.0f64..500.0, to in 0.1f64..500.0, seconds in 0.1f64..20.0, steps in 1u32..10, at in 0.0f64..1.0,
        ) {
            let t = at * seconds;
            let ramp = from * t + (to - from) * t * t / (2.0 * seconds);
            let step = |index: u32| if steps == 1 { from } else { from + (to - from) * f64::from(index) / f64::from(steps - 1) };
            let each = seconds / f64::from(steps);
            let stepped: f64 = (0..steps).map(|index| step(index) * (t - f64::from(index) * each).clamp(0.0, each)).sum();
            for (arrivals, expected) in [
                (Arrivals::Constant { rate: to }, to * t),
                (Arrivals::Ramp { from, to }, ramp),
                (Arrivals::Step { from, to, steps }, stepped),
            ] {
                let due = due(arrivals, seconds);
                prop_assert!(due.is_sorted());
                prop_assert!(due.iter().all(|t| *t <= seconds));
                let so_far = due.iter().filter(|due| **due < t).count() as f64;
                prop_assert!((so_far - expected.ceil()).abs() <= 1.0, "{arrivals:?}: {so_far} for {expected} at {t} s");
            }
        }

        #[test]
        fn the_due_times_of_any_stages_never_go_back(
            kinds in prop::collection::vec((0u32..5, 0.1f64..300.0, 0.0f64..300.0, 0.05f64..3.0), 1..5), seed in any::<u64>(),
        ) {
            let stages: Vec<Stage> = kinds.iter().map(|(kind, rate, from, seconds)| Stage {
                duration: Duration::from_secs_f64(*seconds),
                arrivals: match kind {
                    0 => Arrivals::Constant { rate: *rate },
                    1 => Arrivals::Poisson { rate: *rate },
                    2 => Arrivals::Ramp { from: *from, to: *rate },
                    3 => Arrivals::Step { from: *from, to: *rate, steps: 3 },
                    _ => Arrivals::Closed { think: Duration::ZERO },
                },
            }).collect();
            let length: Duration = stages.iter().map(|stage| stage.duration).sum();
            let due: Vec<Duration> = Pacer::new(&stages, Seed(seed)).collect();
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|due| *due <= length));
        }
    }
}
