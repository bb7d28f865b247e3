//! A stall of the target is seen as its users saw it. These tests have the machine to themselves.

mod common;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{drive_from, plan};
use model::{Arrivals, new_histogram};
use testserver::{Behaviour, TestServer};

/// A server that answers in 1 ms and stops answering for 1 s, at 1,000/s for 10 s. 1,000 of 10,000 arrivals fall due
/// during the stall and wait from 1 s down to nothing, evenly: 900 of them, 9.0 % of all, wait longer than 100 ms. The
/// slowest 5 % of all are the 500 that fell due in its first half, so p95 is 500 ms, and p99 is 900 ms in the same way.
#[test]
fn a_stall_is_seen_by_every_arrival_that_fell_due_during_it() {
    let start = Instant::now() + Duration::from_millis(300);
    let stall = Some((start + Duration::from_secs(5), start + Duration::from_secs(6)));
    let server = TestServer::start(Behaviour {
        service_time: Duration::from_millis(1),
        stall,
        ..Behaviour::default()
    });
    let mut plan = plan(Arrivals::Constant { rate: 1000.0 }, 10.0);
    // Room for all that fall due during the stall, so that the time to drain a queue adds nothing to the answer.
    plan.connections = 1_200;
    let said = drive_from(start, &plan, server.address(), 1, &AtomicBool::new(false));
    assert_eq!(said.counts().due(), 10_000);
    let latency = said.latency();
    let above = 100.0 - latency.percentile_below(100_000);
    assert!((above - 9.0).abs() <= 0.3, "{above} % above 100 ms");
    for (percentile, expected_us) in [(95.0, 500_000.0), (99.0, 900_000.0)] {
        let measured = latency.value_at_percentile(percentile) as f64;
        assert!((measured / expected_us - 1.0).abs() <= 0.03, "p{percentile} is {measured} us");
    }
}

#[test]
fn a_stall_is_seen_with_poisson_arrivals_two_workers_and_few_connections() {
    let start = Instant::now() + Duration::from_millis(300);
    let stall = Some((start + Duration::from_secs(2), start + Duration::from_secs(3)));
    let server = TestServer::start(Behaviour {
        service_time: Duration::from_millis(1),
        stall,
        ..Behaviour::default()
    });
    let plan = plan(Arrivals::Poisson { rate: 1000.0 }, 5.0);
    let said = drive_from(start, &plan, server.address(), 2, &AtomicBool::new(false));
    // 900 of 5,000 with a standard deviation of 30: 18 % within 2.5 points is four of them.
    let above = 100.0 - said.latency().percentile_below(100_000);
    assert!((above - 18.0).abs() <= 2.5, "{above} % above 100 ms");
    // Service time hides it: only the requests that were on their way have waited.
    let mut service = new_histogram();
    said.intervals.iter().for_each(|interval| service.add(&interval.requests[0].service).unwrap());
    let above = 100.0 - service.percentile_below(100_000);
    assert!(above < 2.0, "{above} % of service times above 100 ms");
}
