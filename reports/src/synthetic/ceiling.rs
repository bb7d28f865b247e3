//! A ceiling search made by a program: a target that sustains 2,000 requests/s, asked in 33 trials.

use record::derived::{CeilingFile, PercentilesFile, SCHEMA_VERSION, ScalabilityFile, TrialFile};

/// Load in each trial, its length, and its phase.
const TRIALS: [(f64, f64, &str); 33] = [
    (100.0, 1.0, "bracket"),
    (200.0, 1.0, "bracket"),
    (400.0, 1.0, "bracket"),
    (400.0, 1.0, "bracket"),
    (800.0, 1.0, "bracket"),
    (1600.0, 1.0, "bracket"),
    (3200.0, 1.0, "bracket"),
    (3200.0, 1.0, "bracket"),
    (2260.0, 1.5, "narrow"),
    (2260.0, 1.5, "narrow"),
    (1900.0, 1.5, "narrow"),
    (1900.0, 1.5, "narrow"),
    (2070.0, 1.5, "narrow"),
    (2070.0, 1.5, "narrow"),
    (1950.0, 1.5, "narrow"),
    (1950.0, 1.5, "narrow"),
    (1950.0, 1.5, "narrow"),
    (1950.0, 4.0, "confirm"),
    (2050.0, 4.0, "confirm"),
    (1950.0, 4.0, "confirm"),
    (2050.0, 4.0, "confirm"),
    (1950.0, 4.0, "confirm"),
    (2050.0, 4.0, "confirm"),
    (1950.0, 4.0, "confirm"),
    (2050.0, 4.0, "confirm"),
    (975.0, 1.5, "noise"),
    (975.0, 1.5, "noise"),
    (975.0, 1.5, "noise"),
    (1300.0, 1.5, "noise"),
    (1300.0, 1.5, "noise"),
    (1300.0, 1.5, "noise"),
    (1950.0, 8.0, "soak"),
    (1950.0, 8.0, "soak"),
];
/// Trials in which the machine was in the way, counted from 0.
const SPOILED: [usize; 3] = [3, 16, 23];

/// The result of that search.
#[must_use]
pub fn ceiling() -> CeilingFile {
    let (mut lower_hz, mut upper_hz): (Option<f64>, Option<f64>) = (None, None);
    let mut at_s = 0.0;
    let mut trials = Vec::new();
    for (index, (rate_hz, duration_s, phase)) in TRIALS.into_iter().enumerate() {
        let mut trial = trial(index, rate_hz, duration_s, phase);
        trial.at_s = at_s;
        at_s += duration_s + 0.4;
        match trial.verdict.as_str() {
            "pass" => lower_hz = Some(lower_hz.map_or(rate_hz, |lower| lower.max(rate_hz))),
            "fail" => upper_hz = Some(upper_hz.map_or(rate_hz, |upper| upper.min(rate_hz))),
            _ => {}
        }
        (trial.lower_hz, trial.upper_hz) = (lower_hz, upper_hz);
        trials.push(trial);
    }
    CeilingFile {
        schema_version: SCHEMA_VERSION,
        kind: "ceiling".to_owned(),
        target: "0-simple".to_owned(),
        nodes: Some(1),
        seed: 7,
        mode: "quick".to_owned(),
        objectives: vec!["p99<50ms".to_owned(), "errors<1%".to_owned()],
        verdict: "found".to_owned(),
        reasons: vec!["Most trials at 1,950/s met every objective, and most at 2,050/s did not.".to_owned()],
        warnings: Vec::new(),
        lower_hz: Some(1950.0),
        upper_hz: Some(2050.0),
        width: Some(100.0 / 2050.0),
        goal_width: 0.05,
        regular: true,
        goodput_at_lower_hz: Some(1947.3),
        binding: Some("p99".to_owned()),
        spurious_failures: Some(0.0),
        soaked: Some(true),
        scalability: Some(ScalabilityFile { gamma_hz: 212.0, alpha: 0.031, beta: 0.000_21, points: 18 }),
        knee_hz: Some(1710.0),
        search_s: at_s,
        trials,
    }
}

fn trial(index: usize, rate_hz: f64, duration_s: f64, phase: &str) -> TrialFile {
    // Trials of one load differ a little.
    let jitter = 0.9 + 0.05 * (index * 7 % 5) as f64;
    let load = rate_hz / 2000.0;
    let p50 = jitter * if load < 1.0 { 3e3 * (1.0 + load.powi(8)) } else { 9e3 * load.powi(6) };
    let p99 = jitter * if load < 1.0 { 9e3 * (1.0 + 3.0 * load.powi(8)) } else { 75e3 * load.powi(5) };
    let spoiled = SPOILED.contains(&index);
    let (verdict, reason) = match (spoiled, p99 < 50e3) {
        (true, _) => ("invalid", "another process took the CPU for 210 ms"),
        (false, true) => ("pass", ""),
        (false, false) => ("fail", "p99<50ms"),
    };
    let served = if load < 1.0 { 0.9986 } else { 1.0 / load.powf(1.4) };
    TrialFile {
        at_s: 0.0,
        phase: phase.to_owned(),
        rate_hz,
        duration_s,
        verdict: verdict.to_owned(),
        reason: reason.to_owned(),
        goodput_hz: rate_hz * served * if spoiled { 0.93 } else { 1.0 },
        latency_us: Some(times(p50, if spoiled { p99 * 6.0 } else { p99 })),
        recovered_s: None,
        lower_hz: None,
        upper_hz: None,
    }
}

fn times(p50: f64, p99: f64) -> PercentilesFile {
    let us = |value: f64| crate::findings::grid::whole(value) as u64;
    PercentilesFile {
        min: us(p50 / 2.0),
        mean: p50 * 1.2,
        p50: us(p50),
        p90: us(p50 * 2.0),
        p95: us(p50 * 2.4),
        p99: us(p99),
        p99_9: us(p99 * 1.3),
        p99_99: us(p99 * 1.5),
        max: us(p99 * 1.6),
    }
}
