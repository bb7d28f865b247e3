//! A design with a monitor: what Prometheus counted of the web servers agrees with what the generator counted.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use common::Home;
use serde_json::Value;

/// How far apart both counts may be, as a share.
const AGREEMENT: f64 = 0.02;
const RATE_HZ: f64 = 40.0;
const LENGTH_S: f64 = 20.0;

/// The control, ended early enough for a load of [`LENGTH_S`].
const SCHEDULE: &str = r#"
name = "noop"
teaches = "that nothing happens"
[[injection]]
name = "noop"
at = "2s"
fault = "noop"
for = "1s"
"#;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The rows of a file of comma-separated values by the names of its columns.
fn rows(path: &Path) -> Vec<HashMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines.map(|line| head.iter().cloned().zip(line).collect()).collect()
}

/// Requests of the whole load that were answered, warm-up and cool-down included.
fn answered(run: &Path) -> f64 {
    let count = |pair: &str| pair.split_once(':').unwrap().1.parse::<f64>().unwrap();
    rows(&run.join("bins.csv"))
        .iter()
        .flat_map(|row| row["status"].split(' '))
        .filter(|pair| !pair.is_empty())
        .map(count)
        .sum()
}

/// Requests that may have been on their way at both edges of the measured load: those belong to it by when they fell
/// due and not by when they were answered, or the other way round.
fn on_their_way_at_the_edges(run: &Path) -> f64 {
    let beside_an_edge =
        |at_s: f64| [-1.0, 0.0, LENGTH_S - 1.0, LENGTH_S].iter().any(|edge| (at_s - edge).abs() < 0.5);
    rows(&run.join("intervals.csv"))
        .iter()
        .filter(|row| beside_an_edge(row["at_s"].parse().unwrap()))
        .map(|row| row["latency_us_max"].parse::<f64>().unwrap_or(0.0) / 1e6 * RATE_HZ)
        .sum()
}

#[track_caller]
fn agree(what: &str, monitor: f64, generator: f64, allowed: f64) {
    let apart = (monitor - generator).abs();
    assert!(
        apart <= allowed,
        "{what}: the monitor counted {monitor}, the generator {generator}: {apart} > {allowed}"
    );
}

#[test]
fn the_monitor_and_the_generator_count_the_same_requests() {
    let home = Home::new();
    fs::write(home.cwd().join("schedule.toml"), SCHEDULE).unwrap();
    let (rate, length) = (RATE_HZ.to_string(), format!("{LENGTH_S}s"));
    let args =
        ["rehearse", "2-secured", "--schedule", "schedule.toml", "--rate", &rate, "--duration", &length];
    let ended = home.run(args.into_iter().chain(["--warm-up", "8s", "--out", "run"]));
    // A generator that was the limit changes what is offered, and not that both count what was answered.
    assert!([0, 4].contains(&ended.code), "{}", ended.stderr);
    let run = home.cwd().join("run");

    // Over the whole load nothing is on its way at the edges: the monitor looked once more when the last was answered.
    let counted = json(&run.join("monitor.json"));
    let last = counted["samples"].as_array().unwrap().last().unwrap();
    let all = answered(&run);
    assert!(all > RATE_HZ * LENGTH_S / 2.0, "only {all} requests were answered");
    agree("the whole load", number(&last["requests"]), all, AGREEMENT * all);

    // The figures that the report shows.
    let seen = &json(&run.join("summary.json"))["monitor"];
    assert_eq!((number(&seen["from_s"]), number(&seen["to_s"])), (0.0, LENGTH_S), "{seen}");
    let generator = number(&seen["answered"]);
    let allowed = AGREEMENT * generator + on_their_way_at_the_edges(&run);
    agree("the measured load", number(&seen["requests"]), generator, allowed);
    let [one, other] = ["server1", "server2"].map(|server| number(&seen["by_server"][server]));
    assert!(one > 0.0 && other > 0.0, "both servers answer in turn: {seen}");
    assert!(ended.stdout.contains("by the monitor"), "{}", ended.stdout);

    // The setting of the report.
    let page = || fs::read_to_string(run.join("report.html")).unwrap();
    let with = page();
    assert!(with.contains("as the monitor sees them"));
    home.run(["report", "run", "--monitor", "off"]).expect(0, &[]);
    assert!(!page().contains("as the monitor sees"));
    assert!(json(&run.join("summary.json")).get("monitor").is_none());
    home.run(["report", "run"]).expect(0, &[]);
    assert!(page() == with, "the report of the same record differs");
}
