//! A server whose service times are known: so are the percentiles of latency.

use std::time::Duration;

use testserver::{Pace, Spread, SteadyServer};

use crate::attempts::{Figure, settle};
use crate::tool::Tool;

const MEAN: Duration = Duration::from_millis(50);
const REQUESTS: u64 = 10_000;
/// Of the analytic quantile.
const TOLERANCE: f64 = 0.02;
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)];

/// Exponential times with a mean of 50 ms: the quantile q is -ln(1 - q) * 50 ms, from 34.7 ms at p50 to 345 ms at p99.9.
/// Some 50 requests are on their way at a time, 128 at the very most, so 256 connections make none wait.
#[test]
fn percentiles_are_those_of_the_servers_distribution() {
    settle(|| {
        let spread = Spread::Exponential { requests: REQUESTS };
        let server = SteadyServer::start(Pace { service_time: MEAN, spread, ..Pace::default() });
        let said = Tool::of_environment()
            .load(server.address(), "--rate 1000 --duration 10s --connections 256 --timeout 5s");
        assert_eq!(said.count("answered"), REQUESTS, "{said:#?}");
        let figures = PERCENTILES.map(|(name, quantile)| {
            let expected = -(1.0 - quantile).ln() * MEAN.as_secs_f64() * 1e6;
            let (what, measured) = (format!("{name} in us"), said.latency_us(name));
            Figure { what, measured, expected, tolerance: TOLERANCE * expected, quietest: None }
        });
        (said, figures.into())
    });
}
