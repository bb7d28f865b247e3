//! A request costs no allocation. Alone in its process, whose allocations it counts: those of all threads.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::alloc::System;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::{options, plan, soon};
use load::run;
use model::{Arrivals, NullSink, Plan};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use testserver::{Pace, SteadyServer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Good answers of a load, and allocations meanwhile. The server makes none for a request.
fn counted(plan: &Plan) -> (u64, usize) {
    let server = SteadyServer::start(Pace::default());
    let options = options(soon(), server.address(), 1);
    let region = Region::new(ALLOCATOR);
    run(plan, &options, &NullSink, &AtomicBool::new(false)).unwrap();
    let change = region.change();
    (options.live.snapshot().good, change.allocations + change.reallocations)
}

/// Of one second each, so that what is allocated for each second, and for each load, is the same. On a machine that stands
/// still what has to wait takes room too, so the least of three loads counts.
#[test]
fn ten_times_as_many_requests_need_no_more_allocations() {
    let load = |rate: f64| {
        let mut plan = plan(Arrivals::Constant { rate }, 1.0);
        plan.scenario.requests[0] = common::request("read", 1.0, "/orders/{{random 1 1000}}/{{uuid}}");
        plan.timeout = Duration::from_secs(10);
        counted(&plan)
    };
    let (few, base) = load(500.0);
    let (many, all) = (0..3).map(|_| load(5_000.0)).min_by_key(|(_, allocations)| *allocations).unwrap();
    assert_eq!((few, many), (500, 5_000));
    // Distributions grow with the values that they have seen: one allocation for twenty requests would be too many.
    assert!(all < base + 225, "{base} allocations for {few} requests, {all} for {many}");
}
