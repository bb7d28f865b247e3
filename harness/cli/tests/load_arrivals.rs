//! The arrivals that `brownout load` can be asked for, as the server sees them.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;

use common::{Ended, Home};
use testserver::{Behaviour, Capacity, Pace, SteadyServer, TestServer};

const INPUT: i32 = 2;

fn summary(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Nine requests that can be replayed in four seconds, two lines that cannot, one with a body.
const LOG: &str = r#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:36 +0200] "GET /cart?id=7 HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:36 +0200] "GET /cart?id=8 HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:36 +0200] "POST /order HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:38 +0200] "HEAD /health HTTP/1.1" 200 0 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:37 +0200] "GET / HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:38 +0200] "-" 400 0 "-" "-"
not a line of a log
192.0.2.1 - - [10/Oct/2026:13:55:39 +0200] "GET /a HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:39 +0200] "GET /b HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:39 +0200] "GET /c HTTP/1.1" 200 612 "-" "x"
192.0.2.1 - - [10/Oct/2026:13:55:39 +0200] "GET /d HTTP/1.1" 200 612 "-" "x"
"#;

#[test]
fn an_access_log_is_replayed_with_its_timing_and_bad_lines_are_named() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    fs::write(home.cwd().join("access.log"), LOG).unwrap();
    let url = format!("http://{}/", server.address());
    // Four seconds of log in two.
    let ended = home.run(["load", &url, "--replay", "access.log", "--speed", "2", "--json", "--out", "run"]);
    ended.expect(
        0,
        &["2 of 12 lines of access.log", "access.log:7", "access.log:8: it has no time", "1 POST"],
    );
    let summary = summary(&ended);
    assert_eq!((&summary["requests"]["due"], &summary["requests"]["good"]), (&9.into(), &9.into()));
    assert_eq!(summary["by_request"]["GET /cart"]["requests"]["due"], 2);
    assert_eq!(summary["duration_s"], 2.0);
    let mut seen: Vec<(std::time::Instant, String)> =
        server.requests().into_iter().map(|request| (request.arrived, request.line)).collect();
    seen.sort();
    let lines: Vec<&str> = seen.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /",
            "GET /cart?id=7",
            "GET /cart?id=8",
            "GET /",
            "HEAD /health",
            "GET /a",
            "GET /b",
            "GET /c",
            "GET /d"
        ]
    );
    let plan = fs::read_to_string(home.cwd().join("run/plan.toml")).unwrap();
    assert!(plan.contains("arrivals = \"replay\"") && plan.contains("log = \"access.log\""), "{plan}");
}

#[test]
fn a_duration_ends_a_replay_earlier() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    fs::write(home.cwd().join("access.log"), LOG).unwrap();
    let url = format!("http://{}/", server.address());
    let ended = home.run(["load", &url, "--replay", "access.log", "--duration", "1s", "--json"]);
    assert_eq!(summary(&ended)["requests"]["due"], 3);
}

#[test]
fn a_spike_and_a_sine_have_the_requests_that_they_promise() {
    let server = TestServer::start(Behaviour::default());
    let url = format!("http://{}/", server.address());
    // 10/s for 2 s with 100/s for half a second; one whole period of a sine around 50/s.
    for (stage, due) in [("spike:10:100:500ms:500ms:2s", 15 + 50), ("sine:50:50:1s:1s", 50)] {
        let ended = Home::new().run(["load", &url, "--stage", stage, "--json"]);
        ended.expect(0, &[]);
        assert_eq!(summary(&ended)["requests"]["due"], due, "{stage}");
    }
}

#[test]
fn what_cannot_be_replayed_is_refused_by_name() {
    let home = Home::new();
    fs::write(home.cwd().join("empty.log"), "").unwrap();
    fs::write(home.cwd().join("bad.log"), "x\n").unwrap();
    fs::write(home.cwd().join("good.log"), LOG).unwrap();
    let load = |args: &[&str]| home.run([&["load", "http://127.0.0.1:1/"], args].concat());
    load(&["--replay", "gone.log"]).expect(INPUT, &["gone.log", "No such file"]);
    load(&["--replay", "empty.log"]).expect(INPUT, &["empty.log", "it is empty"]);
    load(&["--replay", "bad.log"]).expect(INPUT, &["bad.log:1", "nginx"]);
    load(&["--replay", "good.log", "--speed", "0"]).expect(INPUT, &["a speed of 0"]);
    load(&["--replay", "good.log", "--rate", "5"]).expect(INPUT, &["--rate"]);
    load(&["--speed", "2"]).expect(INPUT, &["--replay"]);
    load(&["--stage", "sine:10:20:1s:5s"]).expect(INPUT, &["no rate is below 0"]);
}

/// A server that does 500/s is offered 2,000/s for 3 s. What waited is answered for seconds after the last arrival, and that
/// is no throughput of these 3 s.
#[test]
fn throughput_above_the_capacity_is_the_capacity() {
    let capacity = Capacity { per_second: 500.0, queue: 1_000 };
    let server = SteadyServer::start(Pace { capacity: Some(capacity), ..Pace::default() });
    let home = Home::new();
    let url = format!("http://{}/", server.address());
    let load = ["--rate", "2000", "--duration", "3s", "--timeout", "5s", "--json"];
    let ended = home.run([&["load", &url, "--csv", "s.csv"][..], &load].concat());
    let summary = summary(&ended);
    let answered = summary["requests"]["answered"].as_f64().unwrap();
    assert!(answered / 3.0 > 500.0 * 1.5, "most of it came later: {summary}");
    for rate in ["throughput_hz", "goodput_hz"] {
        let rate = summary[rate].as_f64().unwrap();
        assert!((rate / 500.0 - 1.0).abs() < 0.05, "{rate}/s");
    }
    let csv = fs::read_to_string(home.cwd().join("s.csv")).unwrap();
    let second = csv.lines().nth(2).unwrap().split(',').nth(4).unwrap().parse::<f64>().unwrap();
    assert!((second / 500.0 - 1.0).abs() < 0.05, "{csv}");
}
