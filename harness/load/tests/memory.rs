//! Memory does not grow with the number of requests. Each test is alone in its process, whose peak it reads.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{options, plan, soon};
use load::run;
use model::{Arrivals, LoadTotals, NullSink, Plan};
use nix::sys::resource::{Resource, getrlimit};
use testserver::{Pace, SteadyServer};

/// What a few seconds of arrivals that wait may take, should the machine stall: 40 bytes each.
const SLACK: u64 = 2 << 20;

/// Keeps nothing of what the load says, since that would grow with its length.
fn drive(plan: &Plan, server: &SteadyServer, start: Instant) -> LoadTotals {
    run(plan, &options(start, server.address(), 1), &NullSink, &AtomicBool::new(false)).unwrap()
}

#[test]
fn a_load_of_four_times_the_length_takes_no_more_memory() {
    let server = SteadyServer::start(Pace::default());
    let peak = |seconds: f64| {
        drive(&plan(Arrivals::Constant { rate: 5_000.0 }, seconds), &server, soon()).rss_bytes_max
    };
    let short = peak(1.5);
    let long = peak(6.0);
    assert_eq!(server.count(), 37_500);
    // The kernel may have taken pages back meanwhile, so the longer load can well peak below the shorter one.
    assert!(long < short + SLACK, "{short} bytes after 7,500 requests, {long} after 37,500");
}

#[test]
fn ten_thousand_connections_fit_in_50_mb() {
    let server = SteadyServer::start(Pace::default());
    let mut plan = plan(Arrivals::Constant { rate: 2_000.0 }, 2.0);
    // The test server has as many sockets in the same process, and the limit of open files is one for both.
    let files = usize::try_from(getrlimit(Resource::RLIMIT_NOFILE).unwrap().1).unwrap();
    plan.connections = 10_000.min(files / 2 - 300);
    // Time enough to open them all before the first request.
    let totals = drive(&plan, &server, Instant::now() + Duration::from_secs(3));
    assert!(totals.connections_opened >= plan.connections as u64 * 9 / 10);
    let bytes = totals.rss_bytes_max;
    assert!(bytes < 50_000_000, "{bytes} bytes with {} connections", plan.connections);
}
