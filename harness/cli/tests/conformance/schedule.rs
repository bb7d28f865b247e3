//! When requests arrive, by the clock of the server.

use std::time::Instant;

use testserver::{Pace, SteadyServer};

use crate::attempts::{Figure, settle};
use crate::tool::{Said, Tool};

/// A load against a server that keeps when each request arrived, in order, in seconds after the first.
fn arrivals(load: &str) -> (Said, Vec<f64>) {
    let server = SteadyServer::start(Pace { log: true, ..Pace::default() });
    let said = Tool::of_environment().load(server.address(), load);
    let mut at: Vec<Instant> = server.finish().into_iter().map(|answered| answered.arrived).collect();
    at.sort();
    assert_eq!(
        (at.len() as u64, said.count("answered")),
        (said.count("due"), said.count("due")),
        "{said:#?}"
    );
    let first = at[0];
    (said, at.into_iter().map(|at| (at - first).as_secs_f64()).collect())
}

fn gaps(at: &[f64]) -> Vec<f64> {
    at.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn median(values: &[f64]) -> f64 {
    quarter(values, 2)
}

/// The value below which so many quarters of all lie.
fn quarter(values: &[f64], quarters: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() * quarters / 4]
}

/// 200/s and 2,000/s: three of four gaps are within 100 us of 5 ms and of 0.5 ms, and the rate is within 0.1 % of what was
/// asked for. And no error adds up: half of the arrivals are within 200 us of the place that the first half of them gives them.
/// Where each of the attempts was disturbed, three of four gaps of one half second have to be: a machine that others use
/// wakes its threads late for a while, but a tool whose requests are always uneven has no such half second.
#[test]
fn constant_arrivals_are_evenly_spaced() {
    evenly_spaced(200, 5);
    evenly_spaced(2_000, 3);
}

fn evenly_spaced(rate_hz: u16, seconds: u32) {
    let asked_hz = f64::from(rate_hz);
    settle(|| {
        let (said, at) =
            arrivals(&format!("--rate {asked_hz} --duration {seconds}s --connections 16 --timeout 5s"));
        assert_eq!(at.len() as f64, asked_hz * f64::from(seconds));
        let gap = asked_hz.recip();
        let deviations: Vec<f64> = gaps(&at).iter().map(|seen| (seen - gap).abs() * 1e6).collect();
        let stretches = deviations.chunks_exact(usize::from(rate_hz / 2));
        let quietest = stretches.map(|stretch| quarter(stretch, 3)).fold(f64::INFINITY, f64::min);
        let early: Vec<f64> = at.iter().zip(0u32..).map(|(at, n)| at - f64::from(n) * gap).collect();
        let (first, last) = early.split_at(early.len() / 2);
        let drift = (median(last) - median(first)) * 1e6;
        let rate = (at.len() - 1) as f64 / at[at.len() - 1];
        let figure = |what: &str, measured, expected, tolerance| Figure {
            what: what.to_owned(),
            measured,
            expected,
            tolerance,
            quietest: None,
        };
        let evenness = figure("deviation of a gap in us, p75", quarter(&deviations, 3), 0.0, 100.0);
        let figures = vec![
            figure("arrivals per second", rate, asked_hz, asked_hz / 1e3),
            Figure { quietest: Some(quietest), ..evenness },
            figure("drift from the first half to the second in us", drift, 0.0, 200.0),
        ];
        (said, figures)
    });
}

/// The gaps of Poisson arrivals are exponential. The rate is known, so this is the plain test of Kolmogorov and Smirnov:
/// D * sqrt(n) is above sqrt(-ln(alpha / 2) / 2) = 1.949 with a probability of alpha = 0.001.
#[test]
fn the_gaps_of_poisson_arrivals_are_exponential() {
    settle(|| {
        let (said, at) =
            arrivals("--rate 100 --duration 15s --connections 64 --timeout 5s --arrivals poisson");
        // 1,500 with a standard deviation of 39.
        assert!((1_300..1_700).contains(&at.len()), "{}", at.len());
        let distance = distance(gaps(&at), |gap| 1.0 - (-gap * 100.0).exp());
        let bound = (-(0.001_f64 / 2.0).ln() / 2.0).sqrt();
        let measured = distance * ((at.len() - 1) as f64).sqrt();
        let what = "D * sqrt(n)".to_owned();
        (said, vec![Figure { what, measured, expected: 0.0, tolerance: bound, quietest: None }])
    });
}

/// The greatest distance between the distribution of the values and one that is known.
fn distance(mut values: Vec<f64>, known: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distances = values.iter().enumerate().map(|(below, value)| {
        let known = known(*value);
        (known - below as f64 / count).max((below + 1) as f64 / count - known)
    });
    distances.fold(0.0, f64::max)
}

#[test]
fn the_distance_tells_an_exponential_from_an_even_spacing() {
    let exponential: Vec<f64> = (0u32..1_000).map(|n| -(1.0 - (f64::from(n) + 0.5) / 1_000.0).ln()).collect();
    let known = |gap: f64| 1.0 - (-gap).exp();
    assert!(distance(exponential, known) < 0.001);
    assert!(distance(vec![1.0; 1_000], known) > 0.6);
}
