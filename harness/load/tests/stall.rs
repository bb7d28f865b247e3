//! A stall of the target is seen as its users saw it.
//!
//! The machine that runs these tests may stall by itself. The server's own log tells: it has the time of every answer,
//! and the due times are those of the plan, so what users really waited is known without asking the generator. What it
//! says may never be less than that, on any machine. That it is also what the analysis says must be seen once in a few
//! attempts, for only a quiet machine can show it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{Said, drive_from, plan, request};
use load::ArrivalStream;
use model::{Arrivals, Plan, new_histogram};
use testserver::{Pace, SteadyServer};

const ATTEMPTS: usize = 5;

/// Two such tests at once would stall one another.
static ALONE: Mutex<()> = Mutex::new(());

struct Stalled {
    /// What every user really waited, from the server's log, in us, in order.
    truth: Vec<f64>,
    said: Said,
}

/// A server that answers in 1 ms and answers nothing from `from` to `to`.
fn stalled(plan: &Plan, from: u64, to: u64, workers: usize) -> Stalled {
    let start = Instant::now() + Duration::from_millis(300);
    let stall = Some((start + Duration::from_secs(from), start + Duration::from_secs(to)));
    let service_time = Duration::from_millis(1);
    let server = SteadyServer::start(Pace { service_time, stall, log: true, ..Pace::default() });
    let said = drive_from(start, plan, server.address(), workers, &AtomicBool::new(false));
    let due: Vec<Duration> =
        ArrivalStream::new(&plan.stages, &plan.scenario, plan.seed).map(|arrival| arrival.due).collect();
    let waited = server.finish().into_iter().map(|answered| {
        let due = due[usize::try_from(answered.number).unwrap()];
        answered.at.saturating_duration_since(start + due).as_secs_f64() * 1e6
    });
    let mut truth: Vec<f64> = waited.collect();
    truth.sort_by(f64::total_cmp);
    assert_eq!((said.counts().good, truth.len()), (due.len() as u64, due.len()));
    Stalled { truth, said }
}

/// The nearest-rank percentile of sorted values.
#[expect(clippy::cast_sign_loss, reason = "a percentile of a length is not negative")]
fn value_at(sorted: &[f64], percentile: f64) -> f64 {
    let rank = (percentile / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.max(1) - 1]
}

impl Stalled {
    /// The generator's percentile in us; never below what the server knows, but for the histogram's 0.1 %.
    fn percentile(&self, percentile: f64) -> f64 {
        let said = self.said.latency().value_at_percentile(percentile) as f64;
        let truth = value_at(&self.truth, percentile);
        assert!(said >= truth * 0.998, "p{percentile} is said to be {said} us and was {truth} us");
        said
    }

    /// The share of all arrivals that waited longer than 100 ms, in percent.
    fn above_100_ms(&self) -> f64 {
        100.0 - self.said.latency().percentile_below(100_000)
    }
}

/// Repeats until the figures of one attempt are within their tolerances: (what, measured, expected, tolerance).
fn once(mut attempt: impl FnMut() -> Vec<(&'static str, f64, f64, f64)>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failed = Vec::new();
    for _ in 0..ATTEMPTS {
        let figures = attempt();
        if figures.iter().all(|(_, measured, expected, tolerance)| (measured - expected).abs() <= *tolerance)
        {
            return;
        }
        failed.push(figures);
    }
    panic!("no attempt of {ATTEMPTS} was right (what, measured, expected, tolerance): {failed:#?}");
}

/// 1,000/s for 10 s, and a stall of 1 s. 1,000 of 10,000 arrivals fall due during the stall and wait from 1 s down to
/// nothing, evenly: 900 of them, 9.0 % of all, wait longer than 100 ms. The slowest 5 % of all are the 500 that fell
/// due in its first half, the fastest of which waits 500 ms, and p99 is 900 ms in the same way. With a connection for
/// each of them nothing queues behind the stall and adds to this.
#[test]
fn a_stall_is_seen_by_every_arrival_that_fell_due_during_it() {
    let mut plan = plan(Arrivals::Constant { rate: 1000.0 }, 10.0);
    plan.scenario.requests = vec![request("get", 1.0, "/{{sequence}}")];
    plan.connections = 1_200;
    once(|| {
        let stalled = stalled(&plan, 5, 6, 1);
        // Service time hides it: only what was on its way waited. With this many connections that is all of it, so
        // what is checked is that each is kept under its own name.
        let mut service = new_histogram();
        stalled.said.intervals.iter().for_each(|window| service.add(&window.requests[0].service).unwrap());
        assert!(service.value_at_percentile(99.0) as f64 <= stalled.percentile(99.0) * 1.002);
        vec![
            ("% above 100 ms", stalled.above_100_ms(), 9.0, 0.3),
            ("p95", stalled.percentile(95.0), 500_000.0, 15_000.0),
            ("p99", stalled.percentile(99.0), 900_000.0, 27_000.0),
        ]
    });
}

/// The same with 64 connections: 64 requests are on their way and the others wait for a connection. After the stall they
/// drain 64 at a time, each taking the server 1 ms, so the arrival that fell due x seconds into the stall waits
/// 1 - x + (1000 x / 64) * 1 ms = 1 - 0.984 x seconds: above 100 ms for x < 0.914; 508 ms at p95, 902 ms at p99. Only
/// the 64 have a service time that shows it: 0.64 % of all, which is how it is missed.
#[test]
fn a_stall_is_seen_by_those_who_wait_for_a_connection_too() {
    let mut plan = plan(Arrivals::Constant { rate: 1000.0 }, 10.0);
    plan.scenario.requests = vec![request("get", 1.0, "/{{sequence}}")];
    once(|| {
        let stalled = stalled(&plan, 5, 6, 1);
        let mut service = new_histogram();
        stalled.said.intervals.iter().for_each(|window| service.add(&window.requests[0].service).unwrap());
        vec![
            ("% above 100 ms", stalled.above_100_ms(), 9.14, 0.3),
            ("p95", stalled.percentile(95.0), 507_800.0, 15_200.0),
            ("p99", stalled.percentile(99.0), 901_600.0, 27_000.0),
            ("% of service times above 100 ms", 100.0 - service.percentile_below(100_000), 0.64, 0.1),
        ]
    });
}

/// Poisson arrivals are random but known: what waits is computed from their due times.
#[test]
fn a_stall_is_seen_with_poisson_arrivals_and_two_workers() {
    let mut plan = plan(Arrivals::Poisson { rate: 1000.0 }, 5.0);
    plan.scenario.requests = vec![request("get", 1.0, "/{{sequence}}")];
    plan.connections = 1_200;
    let due =
        ArrivalStream::new(&plan.stages, &plan.scenario, plan.seed).map(|arrival| arrival.due.as_secs_f64());
    let mut waits: Vec<f64> =
        due.map(|due| if (2.0..3.0).contains(&due) { 3.0 - due } else { 0.001 }).collect();
    waits.sort_by(f64::total_cmp);
    let expected = |percentile: f64| value_at(&waits, percentile) * 1e6;
    let above = waits.iter().filter(|wait| **wait > 0.1).count() as f64 / waits.len() as f64 * 100.0;
    once(|| {
        let stalled = stalled(&plan, 2, 3, 2);
        vec![
            ("% above 100 ms", stalled.above_100_ms(), above, 0.5),
            ("p95", stalled.percentile(95.0), expected(95.0), 0.03 * expected(95.0)),
            ("p99", stalled.percentile(99.0), expected(99.0), 0.03 * expected(99.0)),
        ]
    });
}
