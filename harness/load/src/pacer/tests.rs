use super::*;
use proptest::prelude::*;
use std::f64::consts::TAU;

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
    let due: Vec<f64> = Pacer::new(&[stage(2.0), stage(1.0)], Seed(1)).map(|due| due.as_secs_f64()).collect();
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
        let (at_s, hold_s) = (0.25 * seconds, 0.5 * seconds);
        let spiked = from * (t.min(at_s) + (t - at_s - hold_s).max(0.0)) + to * (t - at_s).clamp(0.0, hold_s);
        let (at, hold) = (Duration::from_secs_f64(at_s), Duration::from_secs_f64(hold_s));
        let spike = Arrivals::Spike { base: from, peak: to, at, hold };
        let (mean, amplitude, period) = (to, to.min(from), seconds / 3.0);
        let swung = mean * t + amplitude * period / TAU * (1.0 - (TAU * t / period).cos());
        let sine = Arrivals::Sine { mean, amplitude, period: Duration::from_secs_f64(period) };
        for (arrivals, expected) in [
            (Arrivals::Constant { rate: to }, to * t),
            (Arrivals::Ramp { from, to }, ramp),
            (Arrivals::Step { from, to, steps }, stepped),
            (spike, spiked),
            (sine, swung),
        ] {
            let due = due(arrivals.clone(), seconds);
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|t| *t <= seconds));
            let so_far = due.iter().filter(|due| **due < t).count() as f64;
            prop_assert!((so_far - expected.ceil()).abs() <= 1.0, "{arrivals:?}: {so_far} for {expected} at {t} s");
        }
    }

    #[test]
    fn the_due_times_of_any_stages_never_go_back(
        kinds in prop::collection::vec((0u32..7, 0.1f64..300.0, 0.0f64..300.0, 0.05f64..3.0), 1..5), seed in any::<u64>(),
    ) {
        let stages: Vec<Stage> = kinds.iter().map(|(kind, rate, from, seconds)| Stage {
            duration: Duration::from_secs_f64(*seconds),
            arrivals: match kind {
                0 => Arrivals::Constant { rate: *rate },
                1 => Arrivals::Poisson { rate: *rate },
                2 => Arrivals::Ramp { from: *from, to: *rate },
                3 => Arrivals::Step { from: *from, to: *rate, steps: 3 },
                4 => Arrivals::Spike { base: *from, peak: *rate, at: Duration::ZERO, hold: Duration::from_secs_f64(seconds / 2.0) },
                5 => Arrivals::Sine { mean: *rate, amplitude: from.min(*rate), period: Duration::from_secs(1) },
                _ => Arrivals::Closed { think: Duration::ZERO },
            },
        }).collect();
        let length: Duration = stages.iter().map(|stage| stage.duration).sum();
        let due: Vec<Duration> = Pacer::new(&stages, Seed(seed)).collect();
        prop_assert!(due.is_sorted());
        prop_assert!(due.iter().all(|due| *due <= length));
    }
}
