use proptest::prelude::*;
use record::derived::{CeilingFile, PercentilesFile, TrialFile};

use super::ceiling;
use super::plane::tick;
use crate::synthetic::ceiling as sample;

fn load() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(100.0), 0.0..1e4, any::<f64>()]
}

fn trial() -> impl Strategy<Value = TrialFile> {
    let times = proptest::option::of((any::<u64>(), prop_oneof![Just(0), any::<u64>()]));
    let bound = || proptest::option::of(load());
    let verdict = prop_oneof![Just("pass"), Just("fail"), Just("invalid"), Just("")];
    (load(), load(), times, bound(), bound(), verdict).prop_map(
        |(rate_hz, goodput_hz, times, lower_hz, upper_hz, verdict)| TrialFile {
            at_s: 0.0,
            phase: "bracket".to_owned(),
            rate_hz,
            duration_s: 1.0,
            verdict: verdict.to_owned(),
            reason: String::new(),
            goodput_hz,
            latency_us: times.map(|(p50, p99)| percentiles(p50, p99)),
            recovered_s: None,
            lower_hz,
            upper_hz,
        },
    )
}

fn percentiles(p50: u64, p99: u64) -> PercentilesFile {
    PercentilesFile { min: 0, mean: 0.0, p50, p90: p50, p95: p50, p99, p99_9: p99, p99_99: p99, max: p99 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_trials_are_they_can_be_drawn(
        trials in proptest::collection::vec(trial(), 0..12),
        bounds in (proptest::option::of(load()), proptest::option::of(load())),
        objective in prop_oneof![Just("p99<50ms"), Just("errors<1%"), Just("?"), Just("max<1us")],
    ) {
        let file = CeilingFile {
            trials,
            lower_hz: bounds.0,
            upper_hz: bounds.1,
            objectives: vec![objective.to_owned()],
            ..sample()
        };
        let figures = ceiling(&file);
        prop_assert!(figures.is_ok_and(|figures| figures.len() == 3 && figures.iter().all(|f| !f.svg.contains("NaN"))));
        prop_assert!(crate::ceiling_page(&file).is_ok());
        prop_assert!(crate::ceiling_text(&file).ends_with('\n'));
    }
}

#[test]
fn every_trial_is_drawn_in_each_chart() -> Result<(), crate::ReportError> {
    let file = sample();
    let of = |verdict: &str| file.trials.iter().filter(|trial| trial.verdict == verdict).count();
    let figures = ceiling(&file)?;
    for (figure, marks) in figures.iter().zip([2, 1, 1]) {
        let hollow = figure.svg.matches("<circle class=\"s-").count();
        let filled = figure.svg.matches("<circle class=\"f-").count();
        assert_eq!((filled, hollow), (of("pass") * marks, of("fail") * marks), "{}", figure.title);
        assert_eq!(figure.table.rows.len(), file.trials.len());
        assert!(figure.svg.contains("<title>") && figure.svg.contains("<desc>"));
    }
    Ok(())
}

#[test]
fn titles_say_what_was_found() -> Result<(), crate::ReportError> {
    let figures = ceiling(&sample())?;
    let titles: Vec<&str> = figures.iter().map(|figure| figure.title.as_str()).collect();
    assert!(titles[0].starts_with("p99 is ") && titles[0].contains(" at 1,950/s and "), "{titles:?}");
    assert!(titles[1].contains(" good of 1,950/s offered (99."), "{titles:?}");
    assert!(titles[2].contains("closed the bounds to a width of 4.9 % (aimed at 5.0 %)"), "{titles:?}");
    assert!(figures[0].svg.contains(">p99&lt;50ms</text>"));
    assert!(
        figures[0].svg.contains(">sustained 1,950/s</text>")
            && figures[0].svg.contains(">too much 2,050/s</text>")
    );
    Ok(())
}

#[test]
fn labels_of_loads_are_short() {
    assert_eq!(
        [0.0, 42.5, 2500.0, 12_500.0, 250_000.0, 1.2e6].map(tick),
        ["0", "42.5", "2,500", "12.5k", "250k", "1.2M"]
    );
}
