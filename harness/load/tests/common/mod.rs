//! What the generator's tests share: a plan, and what a load said of itself.

#![allow(dead_code, reason = "each test target uses a part of it")]
#![allow(unreachable_pub, reason = "shared by several test targets")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use load::{Live, Options, run};
use model::{
    Arrivals, Counts, Event, Histogram, Interval, LoadTotals, Phase, Plan, Request, Scenario, Schedule, Seed,
    Stage, Template, What, new_histogram,
};

pub fn request(name: &str, weight: f64, path: &str) -> Request {
    Request { name: name.into(), weight, path: Template::parse(path).unwrap(), ..Request::default() }
}

pub fn plan(arrivals: Arrivals, seconds: f64) -> Plan {
    Plan {
        name: "test".into(),
        seed: Seed(1),
        base_url: "http://test/".into(),
        scenario: Scenario { requests: vec![request("get", 1.0, "/")], ..Scenario::default() },
        warm_up: Duration::ZERO,
        stages: vec![Stage { duration: Duration::from_secs_f64(seconds), arrivals }],
        cool_down: Duration::ZERO,
        connections: 64,
        keep_alive: true,
        transport: model::Transport::default(),
        timeout: Duration::from_secs(5),
        schedule: Schedule::default(),
        objectives: Vec::new(),
    }
}

/// What a load said of itself.
pub struct Said {
    pub totals: LoadTotals,
    pub intervals: Vec<Interval>,
    pub phases: Vec<(Phase, Instant)>,
    pub warnings: Vec<String>,
}

impl Said {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.intervals.iter().for_each(|interval| counts.merge(&interval.counts()));
        counts
    }

    /// Latency of every due arrival, good or not.
    pub fn latency(&self) -> Histogram {
        let mut all = new_histogram();
        for request in self.intervals.iter().flat_map(|interval| &interval.requests) {
            all.add(&request.good).unwrap();
            all.add(&request.failed).unwrap();
        }
        all
    }
}

pub fn options(start: Instant, address: SocketAddr, workers: usize) -> Options {
    Options {
        targets: Arc::new([address].into_iter().collect()),
        authority: "test".into(),
        workers,
        cpus: Vec::new(),
        precise: false,
        way: "X-Served-By".to_owned(),
        start,
        enter: Arc::new(|| Ok(())),
        live: Arc::new(Live::default()),
    }
}

/// Drives a load and checks what holds for every load, whatever the target does.
pub fn drive_with(options: &Options, plan: &Plan, stop: &AtomicBool) -> Said {
    let seen = Mutex::new((Vec::new(), Vec::new(), Vec::new()));
    let sink = |event: Event| match event.what {
        What::IntervalClosed(interval) => seen.lock().unwrap().0.push(*interval),
        What::PhaseBegan(phase) => seen.lock().unwrap().1.push((phase, event.at)),
        What::Warning(warning) => seen.lock().unwrap().2.push(warning),
        _ => {}
    };
    let totals = run(plan, options, &sink, stop).unwrap();
    let (intervals, phases, warnings) = seen.into_inner().unwrap();
    let said = Said { totals, intervals, phases, warnings };
    let counts = said.counts();
    assert_eq!(counts.due(), counts.sent() + counts.unsent);
    assert_eq!(said.latency().len(), counts.due(), "every due arrival has a latency");
    let live = options.live.snapshot();
    assert_eq!((live.due, live.sent), (counts.due(), counts.sent()));
    assert_eq!((live.good, live.failed), (counts.good, counts.failed()));
    let offsets = said.intervals.iter().map(|interval| interval.offset);
    assert!(offsets.eq((0u32..).take(said.intervals.len()).map(|n| Duration::from_secs(1) * n)));
    said
}

pub fn drive_from(
    start: Instant,
    plan: &Plan,
    address: SocketAddr,
    workers: usize,
    stop: &AtomicBool,
) -> Said {
    drive_with(&options(start, address, workers), plan, stop)
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_millis(100)
}

pub fn drive(plan: &Plan, address: SocketAddr) -> Said {
    drive_from(soon(), plan, address, 1, &AtomicBool::new(false))
}
