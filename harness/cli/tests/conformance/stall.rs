//! A stall of the server, seen by all who fell due in it: what a generator omits that waits for answers before it goes on.

use std::time::Duration;

use testserver::{Pace, Spoiled, SteadyServer};

use crate::attempts::{Figure, settle};
use crate::tool::Tool;

/// 1,000/s for 5 s, of which the server answers nothing for 0.5 s: a tenth of the arrivals wait, evenly from nothing to
/// the whole stall. So q of all wait no longer than (q - 0.9) / 0.1 of it: p99 is 450 ms, p99.9 495 ms, and p50 is short.
#[test]
fn all_who_fall_due_in_a_stall_wait_for_its_end() {
    const STALL_MS: f64 = 500.0;
    settle(|| {
        let spoiled = Spoiled {
            share: 1.0,
            stall: Duration::from_secs_f64(STALL_MS / 1e3),
            within: Duration::from_secs(3),
            seed: 1,
        };
        let server = SteadyServer::start(Pace { spoiled: Some(spoiled), ..Pace::default() });
        let said = Tool::of_environment()
            .load(server.address(), "--rate 1000 --duration 5s --connections 64 --timeout 5s");
        assert_eq!((said.count("due"), said.count("good")), (5_000, 5_000), "{said:#?}");
        let figure = |key: &str, expected: f64, tolerance: f64| Figure {
            what: format!("{key} in ms"),
            measured: said.latency_us(key) / 1e3,
            expected,
            tolerance,
            quietest: None,
        };
        // What waited has to be sent and answered after the stall, some milliseconds for all of it.
        let figures = vec![
            figure("p50", 0.0, 5.0),
            figure("p99", STALL_MS * 0.9, STALL_MS * 0.03),
            figure("p99_9", STALL_MS * 0.99, STALL_MS * 0.03),
        ];
        (said, figures)
    });
}
