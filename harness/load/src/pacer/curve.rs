//! L(t), the cumulative count of each kind of arrivals, and its inverse. Times are in seconds from the beginning of the
//! stage, counts in arrivals.

use std::f64::consts::TAU;
use std::time::Duration;

use model::Arrivals;

/// Half the width of the bracket in which the due time of a sine lies, in seconds.
const HALF_WIDTH: f64 = 0.2e-6;

/// L(length): how many arrivals a stage has in all.
pub(super) fn total(arrivals: &Arrivals, length: Duration) -> f64 {
    let seconds = length.as_secs_f64();
    match arrivals {
        Arrivals::Constant { rate } | Arrivals::Poisson { rate } => rate * seconds,
        Arrivals::Step { from, steps: 1, .. } => from * seconds,
        Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => f64::midpoint(*from, *to) * seconds,
        Arrivals::Spike { base, peak, hold, .. } => {
            let hold = hold.as_secs_f64();
            base * (seconds - hold) + peak * hold
        }
        Arrivals::Sine { mean, amplitude, period } => Sine::new(*mean, *amplitude, *period).count(seconds),
        Arrivals::Replay(replay) => exact(replay.before(length)),
        // Has no arrivals of its own.
        Arrivals::Closed { .. } => 0.0,
    }
}

/// When L(t) reaches `count`, which is below the total.
pub(super) fn when(arrivals: &Arrivals, length: f64, count: f64) -> f64 {
    match arrivals {
        Arrivals::Constant { rate } | Arrivals::Poisson { rate } => count / rate,
        Arrivals::Ramp { from, to } => ramp(*from, *to, length, count),
        Arrivals::Step { from, to, steps } => step(*from, *to, *steps, length, count),
        Arrivals::Spike { base, peak, at, hold } => {
            spike(*base, *peak, at.as_secs_f64(), hold.as_secs_f64(), count)
        }
        Arrivals::Sine { mean, amplitude, period } => Sine::new(*mean, *amplitude, *period).when(count),
        Arrivals::Replay(replay) => replay.due(number(count)).as_secs_f64(),
        // Has no arrivals of its own: the total is 0.
        Arrivals::Closed { .. } => 0.0,
    }
}

/// A count that is a whole number.
#[expect(clippy::cast_sign_loss, reason = "a count of arrivals")]
#[expect(clippy::cast_possible_truncation, reason = "a count of arrivals, below 2^53")]
pub(super) fn number(count: f64) -> usize {
    count as usize
}

#[expect(clippy::cast_precision_loss, reason = "a count of arrivals, below 2^53")]
fn exact(number: usize) -> f64 {
    number as f64
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

/// Three straight pieces: base, peak, base. A piece whose rate is 0 has no arrivals and is never divided by.
fn spike(base: f64, peak: f64, at: f64, hold: f64, count: f64) -> f64 {
    let (before, within) = (base * at, peak * hold);
    if count < before {
        return count / base;
    }
    if count - before < within {
        return at + (count - before) / peak;
    }
    at + hold + (count - before - within) / base
}

/// L(t) = mean t + (amplitude period / 2 pi) (1 - cos(2 pi t / period)): the integral of a rate that begins at the mean
/// and rises.
struct Sine {
    mean: f64,
    amplitude: f64,
    period: f64,
}

impl Sine {
    fn new(mean: f64, amplitude: f64, period: Duration) -> Self {
        Self { mean, amplitude, period: period.as_secs_f64() }
    }

    fn count(&self, t: f64) -> f64 {
        self.mean * t + self.swing() * (1.0 - (TAU * t / self.period).cos())
    }

    fn rate(&self, t: f64) -> f64 {
        self.mean + self.amplitude * (TAU * t / self.period).sin()
    }

    fn swing(&self) -> f64 {
        self.amplitude * self.period / TAU
    }

    /// Solves L(t) = count by Newton's method, held in a bracket (Press et al., Numerical Recipes, section 9.4).
    ///
    /// L never falls, so the solution lies between two times whose counts lie on either side of `count`; these are at
    /// first (count - 2 swing) / mean and count / mean. The search ends when such a pair is no more than 0.4 us apart, which
    /// bounds the error whatever the steps between. Whole periods are taken off first, so that neither the argument
    /// of the cosine nor the number of steps grows with the length of the stage. What is left is the rounding of L
    /// itself: below 1e-6 arrivals for counts up to 1e9, so below 1 us wherever the rate is above 1/s.
    fn when(&self, count: f64) -> f64 {
        let each = self.mean * self.period;
        let periods = (count / each).floor();
        let count = (count - periods * each).clamp(0.0, each);
        let (mut low, mut high) = ((count - 2.0 * self.swing()) / self.mean, count / self.mean);
        low = low.max(0.0);
        let mut t = f64::midpoint(low, high);
        while high - low > 2.0 * HALF_WIDTH {
            let missing = count - self.count(t);
            if missing >= 0.0 {
                low = t;
            } else {
                high = t;
            }
            let newton = t + missing / self.rate(t);
            // Newton comes from one side: a look a little beyond its goal closes the bracket from the other.
            let beyond = newton + if missing >= 0.0 { HALF_WIDTH / 2.0 } else { -HALF_WIDTH / 2.0 };
            t = if low < beyond && beyond < high { beyond } else { f64::midpoint(low, high) };
        }
        periods * self.period + f64::midpoint(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The integral of `rate` over `0..t` by Simpson's rule.
    fn integral(rate: impl Fn(f64) -> f64, t: f64) -> f64 {
        let pieces = 2_000u32;
        let width = t / f64::from(pieces);
        let piece = |index: u32| {
            let (a, b) = (f64::from(index) * width, f64::from(index + 1) * width);
            (rate(a) + 4.0 * rate(f64::midpoint(a, b)) + rate(b)) * (b - a) / 6.0
        };
        (0..pieces).map(piece).sum()
    }

    proptest! {
        /// L(t) of the due time, integrated numerically, is the number of the arrival: the due time is wrong by less than
        /// 1 us.
        #[test]
        fn a_sines_arrival_falls_due_when_the_integral_of_the_rate_is_its_number(
            mean in 1.0f64..5_000.0, depth in 0.0f64..0.95, period in 0.5f64..100.0, at in 0.0f64..1.0,
        ) {
            let amplitude = mean * depth;
            let rate = |t: f64| mean + amplitude * (TAU * t / period).sin();
            let count = (at * mean * period).floor();
            let arrivals = Arrivals::Sine { mean, amplitude, period: Duration::from_secs_f64(period) };
            let t = when(&arrivals, period, count);
            let missing = count - integral(rate, t);
            prop_assert!((missing / rate(t)).abs() < 1e-6, "{missing} arrivals at {t} s, rate {}", rate(t));
        }

        /// The bracket is what is promised, also where the rate is nothing for a moment: half a microsecond before the
        /// due time the count is below the arrival's number and half a microsecond after it above.
        #[test]
        fn a_sines_due_time_is_enclosed(
            mean in 0.1f64..1e5, depth in 0.0f64..=1.0, period in 0.01f64..1e4, at in 0.0f64..1.0,
        ) {
            let sine = Sine { mean, amplitude: mean * depth, period };
            let count = (at * mean * period).floor();
            let t = sine.when(count);
            let rounding = count * 1e-14 + 1e-12;
            prop_assert!(sine.count(t - 0.5e-6) <= count + rounding);
            prop_assert!(sine.count(t + 0.5e-6) >= count - rounding);
        }

        #[test]
        fn a_spike_has_the_integral_of_its_rate(
            base in 0.0f64..100.0, peak in 0.1f64..1_000.0, at in 0.0f64..10.0, hold in 0.1f64..10.0, t in 0.0f64..20.0,
        ) {
            let expected = base * (t.min(at) + (t - at - hold).max(0.0)) + peak * (t - at).clamp(0.0, hold);
            let count = expected.floor();
            let due = spike(base, peak, at, hold, count);
            prop_assert!(due <= t + 1e-9, "{due} for {count} at {t}");
            let next = spike(base, peak, at, hold, count + 1.0);
            prop_assert!(next >= t - 1e-9 || !next.is_finite(), "{next} for {} at {t}", count + 1.0);
        }
    }

    #[test]
    fn a_spike_begins_and_ends_on_time() {
        let due: Vec<f64> = (0..16).map(|n| spike(1.0, 10.0, 2.0, 1.0, f64::from(n))).collect();
        assert_eq!(due[..4], [0.0, 1.0, 2.0, 2.1]);
        assert_eq!((due[11], due[12], due[13]), (2.9, 3.0, 4.0));
    }

    #[test]
    fn a_long_sine_is_as_exact_as_a_short_one() {
        // 1,000 periods of 60 s: 60,000 s, and whole periods have whole counts.
        let sine = Sine { mean: 100.0, amplitude: 90.0, period: 60.0 };
        for periods in [0.0, 1.0, 999.0] {
            let t = sine.when(periods * 6_000.0);
            assert!((t - periods * 60.0).abs() < 1e-6, "{t}");
            // Half a period has swung by 2 swings.
            let half = sine.when((periods * 6_000.0 + 3_000.0 + 2.0 * sine.swing()).floor()) - periods * 60.0;
            assert!((half - 30.0).abs() < 1.0 / 100.0 + 1e-6, "{half}");
        }
        assert!((sine.swing() - 90.0 * 60.0 / TAU).abs() < 1e-9);
    }
}
