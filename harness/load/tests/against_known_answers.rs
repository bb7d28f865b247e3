//! The generator against servers whose behaviour is known, so that what it must say is known too.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{drive, drive_from, drive_with, options, plan, request, soon};
use load::Options;
use model::{Arrivals, Counts, Phase};
use testserver::{Answer, Behaviour, Capacity, Pace, RawServer, SteadyServer, TestServer, refusing_address};

#[test]
fn the_server_sees_the_arrivals_that_the_plan_asks_for_whatever_the_workers() {
    let mut plan = plan(Arrivals::Constant { rate: 200.0 }, 1.0);
    plan.scenario.requests =
        vec![request("a", 3.0, "/a/{{sequence}}"), request("b", 1.0, "/b/{{random 1 9}}")];
    let seen = |workers| {
        let server = TestServer::start(Behaviour::default());
        let start = Instant::now() + Duration::from_millis(100);
        let said = drive_from(start, &plan, server.address(), workers, &AtomicBool::new(false));
        assert_eq!(said.counts().good, 200);
        let mut requests: Vec<String> = server.requests().into_iter().map(|request| request.line).collect();
        requests.sort();
        requests
    };
    let one = seen(1);
    assert_eq!(one, seen(3));
    let to_a = one.iter().filter(|request| request.starts_with("GET /a/")).count();
    // Binomial: 150 with a standard deviation of 6; the seed is fixed.
    assert!((130..170).contains(&to_a), "{to_a}");
    assert!(one.contains(&format!("GET /a/{}", to_a - 1)));
}

#[test]
fn phases_begin_on_time_and_windows_follow_one_another() {
    let server = TestServer::start(Behaviour { served_by: Some("s1".into()), ..Behaviour::default() });
    let mut plan = plan(Arrivals::Ramp { from: 100.0, to: 300.0 }, 1.0);
    plan.warm_up = Duration::from_millis(500);
    plan.cool_down = Duration::from_millis(700);
    let start = Instant::now() + Duration::from_millis(100);
    let said = drive_with(&options(start, server.address(), 1), &plan, &AtomicBool::new(false));
    let ms = Duration::from_millis;
    let expected =
        [(Phase::WarmUp, start), (Phase::Measure, start + ms(500)), (Phase::CoolDown, start + ms(1_500))];
    assert_eq!(said.phases, expected);
    let offsets: Vec<u64> = said.intervals.iter().map(|interval| interval.offset.as_secs()).collect();
    assert_eq!(offsets, [0, 1, 2]);
    // 100/s for 0.5 s, 100 to 300/s over 1 s, 300/s for 0.7 s.
    assert!((459..=461).contains(&said.counts().due()), "{}", said.counts().due());
    assert_eq!(said.totals.served_by, BTreeMap::from([("s1".to_owned(), said.counts().good)]));
}

/// Loads without end over 64 connections or fewer against servers each of which can do half as much again as the one
/// before, up to one that does what it can. How often a worker let answers come together, with each of them.
fn moderated_waits(connections: usize, precise: bool, capacities: &[f64]) -> Vec<u64> {
    let mut plan = plan(Arrivals::Closed { think: Duration::ZERO }, 0.3);
    plan.connections = connections;
    let waits = capacities.iter().map(|&per_second| {
        let capacity = per_second.is_finite().then_some(Capacity { per_second, queue: 64 });
        let server = SteadyServer::start(Pace { capacity, ..Pace::default() });
        let options = Options { precise, ..options(soon(), server.address(), 1) };
        let said = drive_with(&options, &plan, &AtomicBool::new(false));
        assert_eq!(said.counts().good, said.counts().due());
        said.totals.moderated_waits
    });
    waits.collect()
}

/// What a worker can do is the machine's. Wherever that is, one of these servers keeps it busy and is slower than it.
#[test]
fn a_busy_worker_lets_answers_come_together_where_many_are_awaited_and_none_is_asked_for_precisely() {
    let capacities: Vec<f64> =
        (0..9).map(|step| 4_000.0 * 1.5_f64.powi(step)).chain([f64::INFINITY]).collect();
    let waits = moderated_waits(64, false, &capacities);
    assert!(waits.iter().any(|&waits| waits > 0), "{waits:?}");
    let there: Vec<f64> = (capacities.iter().zip(&waits).filter(|(_, waits)| **waits > 0))
        .map(|(capacity, _)| *capacity)
        .collect();
    assert!(moderated_waits(31, false, &there).iter().all(|&waits| waits == 0), "few are on their way");
    assert!(moderated_waits(64, true, &there).iter().all(|&waits| waits == 0), "each is to be seen at once");
}

#[test]
fn a_dead_target_is_refused_once_per_arrival_and_never_hammered() {
    let said = drive(&plan(Arrivals::Constant { rate: 100.0 }, 1.0), refusing_address());
    let counts = said.counts();
    assert_eq!((counts.due(), counts.refused, counts.good), (100, 100, 0));
    assert_eq!(said.totals.connections_opened, 0);
}

/// Connections of this network namespace that were refused so far (RFC 4022, tcpAttemptFails).
fn refused_so_far() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:")).map(str::split_whitespace);
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    names.zip(values).find(|(name, _)| *name == "AttemptFails").unwrap().1.parse().unwrap()
}

#[test]
fn a_dead_target_is_asked_again_at_most_every_millisecond_whatever_falls_due() {
    let before = refused_so_far();
    let mut plan = plan(Arrivals::Constant { rate: 20_000.0 }, 1.0);
    plan.connections = 8;
    let counts = drive(&plan, refusing_address()).counts();
    assert_eq!((counts.due(), counts.refused), (20_000, 20_000), "{counts:?}");
    let asked = refused_so_far() - before;
    assert!((1..=1_300).contains(&asked), "{asked} attempts in a second");
}

#[test]
fn what_is_wrong_with_an_answer_has_its_own_count() {
    type Count = fn(&Counts) -> u64;
    let cases: [(Answer, Count); 7] = [
        (Answer::Bytes(b"SSH-2.0-x\r\n\r\n"), |counts| counts.malformed),
        (Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), |counts| counts.malformed),
        (Answer::Bytes(b""), |counts| counts.reset),
        (Answer::Reset, |counts| counts.reset),
        (Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), |counts| counts.reset),
        (Answer::Bytes(b"HTTP/1.1 503 No\r\n\r\nclosed"), |counts| counts.status[&503]),
        (Answer::Drip(b"HTTP/1.1 404 No\r\n\r\n", Duration::from_millis(1)), |counts| counts.status[&404]),
    ];
    for (answer, count) in cases {
        let server = RawServer::start(answer);
        let mut plan = plan(Arrivals::Constant { rate: 50.0 }, 0.5);
        plan.connections = 4;
        let counts = drive(&plan, server.address()).counts();
        assert_eq!((counts.due(), count(&counts)), (25, 25), "{answer:?}: {counts:?}");
    }
}

#[test]
fn an_answer_that_never_ends_is_given_up_with_its_connection() {
    const DRIP: &[u8] = b"HTTP/1.1 200 OK\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let server = RawServer::start(Answer::Drip(DRIP, Duration::from_millis(50)));
    let mut plan = plan(Arrivals::Constant { rate: 20.0 }, 0.5);
    (plan.connections, plan.timeout) = (20, Duration::from_millis(300));
    let said = drive(&plan, server.address());
    assert_eq!(said.counts().timed_out, 10);
    assert!(said.latency().max() < 2_000_000, "it does not wait for the whole of it");
}

#[test]
fn a_server_that_closes_every_connection_is_not_flooded_with_new_ones() {
    let server = RawServer::start(Answer::Close);
    let mut plan = plan(Arrivals::Constant { rate: 50.0 }, 1.0);
    plan.connections = 8;
    let counts = drive(&plan, server.address()).counts();
    assert_eq!(counts.due(), 50);
    // One for each slot before the start, and one at most for each arrival.
    assert!((8..=58).contains(&server.accepted()), "{}", server.accepted());
}

#[test]
fn a_target_that_comes_back_is_used_again() {
    let address = refusing_address();
    let plan = plan(Arrivals::Constant { rate: 100.0 }, 2.0);
    let start = soon();
    let (said, late) = thread::scope(|scope| {
        let server = scope.spawn(move || {
            thread::sleep((start + Duration::from_millis(1_000)).saturating_duration_since(Instant::now()));
            (Instant::now(), TestServer::start_at(address, Behaviour::default()).unwrap())
        });
        let said = drive_from(start, &plan, address, 1, &AtomicBool::new(false));
        let (back, _server) = server.join().unwrap();
        (said, back.saturating_duration_since(start))
    });
    let counts = said.counts();
    assert_eq!(counts.refused + counts.good, 200, "{counts:?}");
    // What fell due while it was away was refused and what fell due afterwards was served.
    let last_refused = said.intervals.iter().flat_map(|window| &window.requests[0].bins).zip(0u32..);
    let last_refused = last_refused.filter(|(bin, _)| bin.counts.refused > 0).map(|(_, index)| index).max();
    let first_good = said.intervals.iter().flat_map(|window| &window.requests[0].bins);
    let first_good = first_good.filter_map(|bin| bin.first_good).min().unwrap();
    assert!(first_good + Duration::from_millis(100) >= late, "{first_good:?} {late:?}");
    let last_refused = Duration::from_millis(100) * last_refused.unwrap();
    assert!(last_refused <= late + Duration::from_millis(500), "{last_refused:?} {late:?}");
}

#[test]
fn a_worker_that_cannot_be_set_up_ends_the_load_at_once() {
    let server = TestServer::start(Behaviour::default());
    let mut options = options(soon(), server.address(), 2);
    let entered = std::sync::atomic::AtomicUsize::new(0);
    let entered = std::sync::Arc::new(entered);
    let counter = std::sync::Arc::clone(&entered);
    options.enter = std::sync::Arc::new(move || match counter.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(()),
        _ => Err(std::io::Error::other("no such namespace")),
    });
    let began = Instant::now();
    let plan = plan(Arrivals::Constant { rate: 10.0 }, 600.0);
    let error = load::run(&plan, &options, &model::NullSink, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("no such namespace"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_plan_that_cannot_be_run_is_refused_with_its_reason() {
    let at = "127.0.0.1:1".parse().unwrap();
    let good = plan(Arrivals::Constant { rate: 1.0 }, 1.0);
    let refused = |plan: &model::Plan| {
        let error = load::run(plan, &options(soon(), at, 1), &model::NullSink, &AtomicBool::new(false));
        error.unwrap_err().to_string()
    };
    let rate = |rate| plan(Arrivals::Constant { rate }, 1.0);
    assert!(refused(&rate(0.0)).contains("rate above 0"));
    assert!(refused(&rate(f64::NAN)).contains("rate above 0"));
    assert!(refused(&model::Plan { connections: 0, ..good.clone() }).contains("connection"));
    assert!(refused(&model::Plan { timeout: Duration::ZERO, ..good.clone() }).contains("timeout"));
    assert!(refused(&model::Plan { stages: Vec::new(), ..good.clone() }).contains("stage"));
    let too_many = refused(&model::Plan { connections: usize::MAX / 2, ..good });
    assert!(too_many.contains("open files"), "{too_many}");
}

#[test]
fn what_is_not_answered_in_time_is_given_up() {
    let start = Instant::now() + Duration::from_millis(100);
    let forever = Some((start, start + Duration::from_secs(60)));
    let server = TestServer::start(Behaviour { stall: forever, ..Behaviour::default() });
    let mut plan = plan(Arrivals::Constant { rate: 100.0 }, 1.0);
    (plan.connections, plan.timeout) = (2, Duration::from_millis(400));
    let said = drive_from(start, &plan, server.address(), 1, &AtomicBool::new(false));
    let counts = said.counts();
    assert_eq!((counts.due(), counts.good, counts.timed_out + counts.unsent), (100, 0, 100));
    assert!(counts.timed_out >= 4, "{counts:?}");
    // Nobody waits longer than the timeout, and nobody is given up before it.
    let latency = said.latency();
    assert!(latency.min() >= 399_000, "{} us", latency.min());
}

#[test]
fn above_its_capacity_the_target_still_gives_what_it_can() {
    let pace = Pace { service_time: Duration::from_millis(10), ..Pace::default() };
    // What 4 connections can carry on this machine at this moment, some 400/s.
    let mut closed = plan(Arrivals::Closed { think: Duration::ZERO }, 2.0);
    closed.connections = 4;
    let capacity = drive(&closed, SteadyServer::start(pace).address()).counts().good / 2;
    let mut open = plan(Arrivals::Constant { rate: 4.0 * capacity as f64 }, 4.0);
    (open.connections, open.timeout) = (4, Duration::from_millis(500));
    let server = SteadyServer::start(pace);
    let said = drive(&open, server.address());
    let counts = said.counts();
    assert!(counts.good * 10 > 4 * capacity * 6, "{counts:?} at a capacity of {capacity}/s");
    assert!(counts.timed_out * 10 < counts.good, "what is sent is answered: {counts:?}");
    assert!(counts.unsent > 2 * capacity, "{counts:?}");
    assert_eq!(said.totals.connections_opened, 4 + counts.timed_out, "{counts:?}");
    // Nobody who was served had waited longer than the timeout.
    let good = said.intervals.iter().map(|interval| interval.requests[0].good.max()).max();
    assert!(good <= Some(510_000), "{good:?} us");
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_requests() {
    let service_time = Duration::from_millis(250);
    let server = SteadyServer::start(Pace { service_time, ..Pace::default() });
    let mut plan = plan(Arrivals::Constant { rate: 10.0 }, 1.0);
    // No answer can come in time, whatever the machine does.
    (plan.connections, plan.timeout) = (1, Duration::from_millis(200));
    let said = drive(&plan, server.address());
    let counts = said.counts();
    assert_eq!((counts.due(), counts.good), (10, 0), "{counts:?}");
    assert!(counts.timed_out >= 2, "{counts:?}");
    assert!(said.totals.connections_opened >= counts.timed_out, "each is closed and replaced");
}

#[test]
fn without_keep_alive_every_request_has_a_connection_of_its_own() {
    // One server closes after each answer and one would go on; the one asks for it, the other is told.
    let closing = TestServer::start(Behaviour { close: true, ..Behaviour::default() });
    let going_on = SteadyServer::start(Pace::default());
    for (address, keep_alive) in
        [(closing.address(), true), (closing.address(), false), (going_on.address(), false)]
    {
        let mut plan = plan(Arrivals::Constant { rate: 100.0 }, 0.5);
        (plan.keep_alive, plan.connections) = (keep_alive, 1);
        let said = drive(&plan, address);
        assert_eq!((said.counts().good, said.totals.connections_opened), (50, 50));
    }
}

#[test]
fn connections_are_as_many_as_asked_for_and_spread_over_the_addresses() {
    let servers = [TestServer::start(Behaviour::default()), TestServer::start(Behaviour::default())];
    let mut plan = plan(Arrivals::Constant { rate: 100.0 }, 0.5);
    plan.connections = 2;
    let mut options = options(soon(), servers[0].address(), 4);
    options.targets = Arc::new(servers.iter().map(TestServer::address).collect());
    let said = drive_with(&options, &plan, &AtomicBool::new(false));
    assert_eq!((said.totals.connections_opened, said.totals.threads), (2, 2));
    assert_eq!(servers.each_ref().map(TestServer::count), [25, 25]);
}

#[test]
fn a_closed_loop_sends_the_next_request_when_the_last_was_answered() {
    let service_time = Duration::from_millis(20);
    let server = TestServer::start(Behaviour { service_time, ..Behaviour::default() });
    let mut plan = plan(Arrivals::Closed { think: Duration::ZERO }, 1.0);
    plan.connections = 4;
    let counts = drive(&plan, server.address()).counts();
    // At most 4 / 20 ms = 200/s; a timer that is late by some milliseconds makes it fewer.
    assert!((80..=204).contains(&counts.good), "{counts:?}");
    let counts = drive(&plan, refusing_address()).counts();
    assert!(counts.refused >= 4 && counts.refused <= 4 * 11, "a dead target is not hammered: {counts:?}");
}

#[test]
fn a_stop_ends_the_load_and_settles_all_that_fell_due() {
    let server = TestServer::start(Behaviour::default());
    let stop = AtomicBool::new(false);
    let plan = plan(Arrivals::Constant { rate: 200.0 }, 60.0);
    let began = Instant::now();
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            while server.count() < 100 {
                thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Relaxed);
        });
        drive_from(Instant::now() + Duration::from_millis(100), &plan, server.address(), 1, &stop)
    });
    assert!(said.totals.interrupted && began.elapsed() < Duration::from_secs(30));
    let counts = said.counts();
    assert!(counts.good >= 100 && counts.due() < 12_000, "{counts:?}");
    assert_eq!(server.count() as u64, counts.sent());
}

#[test]
fn what_found_no_connection_before_the_stop_is_unsent() {
    let start = Instant::now() + Duration::from_millis(100);
    let forever = Some((start, start + Duration::from_secs(60)));
    let server = TestServer::start(Behaviour { stall: forever, ..Behaviour::default() });
    let stop = AtomicBool::new(false);
    let mut plan = plan(Arrivals::Constant { rate: 100.0 }, 60.0);
    plan.connections = 2;
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(600));
            stop.store(true, Ordering::Relaxed);
        });
        drive_from(start, &plan, server.address(), 1, &stop)
    });
    let counts = said.counts();
    assert_eq!((counts.timed_out, counts.good), (2, 0), "{counts:?}");
    assert!(counts.unsent > 10, "{counts:?}");
}
