//! Benches of the hot paths (`cargo bench -p brownout-benches`) and of the whole engine against a server that does next
//! to nothing (`cargo run --release -p brownout-benches --bin engine`), and beside other load generators (`--bin peers`).

pub mod drive;
pub mod peers;

use std::time::Duration;

use model::{Arrivals, Plan, Request, Scenario, Schedule, Seed, Stage, Template};

/// A plan for one stage with one request.
#[must_use]
pub fn plan(arrivals: Arrivals, duration: Duration, connections: usize, request: Request) -> Plan {
    Plan {
        name: "bench".to_owned(),
        seed: Seed(1),
        base_url: "http://bench/".to_owned(),
        scenario: Scenario { requests: vec![request], ..Scenario::default() },
        warm_up: Duration::ZERO,
        stages: vec![Stage { duration, arrivals }],
        cool_down: Duration::ZERO,
        connections,
        keep_alive: true,
        transport: model::Transport::default(),
        timeout: Duration::from_secs(5),
        schedule: Schedule::default(),
        objectives: Vec::new(),
    }
}

/// A request without a body. `path` may hold values; one that cannot be read is sent as it stands.
#[must_use]
pub fn get(path: &str) -> Request {
    Request {
        name: "get".to_owned(),
        weight: 1.0,
        path: Template::parse(path).unwrap_or_else(|_| Template::fixed(path)),
        ..Request::default()
    }
}
