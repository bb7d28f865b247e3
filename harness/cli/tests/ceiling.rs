//! `brownout ceiling` against servers whose ceiling is known, and what it says of bad input.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use common::Home;
use serde_json::Value;
use testserver::{Capacity, Pace, SteadyServer, refusing_address};

/// Who waits in its queue waits for 30 ms at most; beyond that it refuses at once, so that no latency tells of it.
fn capacity(per_second: f64) -> SteadyServer {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    let queue = (per_second * 0.03) as usize;
    SteadyServer::start(Pace { capacity: Some(Capacity { per_second, queue }), ..Pace::default() })
}

/// A busy machine may spoil a search, which then has to say so; it may not give a wrong answer.
#[test]
fn the_ceiling_of_a_server_with_a_known_capacity_lies_between_the_bounds() {
    const TRUTH: f64 = 1_000.0;
    let mut unsaid = Vec::new();
    for attempt in 1..=3 {
        let server = capacity(TRUTH);
        let home = Home::new();
        let url = format!("http://{}/", server.address());
        let ended = home.run([
            "ceiling",
            &url,
            "--quick",
            "--slo",
            "p99<50ms",
            "--json",
            "--out",
            "out",
            "--deadline",
            "150s",
        ]);
        let found: Value = serde_json::from_str(&ended.stdout).unwrap();
        if found["verdict"] != "found" {
            assert_eq!(ended.code, 4, "attempt {attempt}: {}", ended.stderr);
            unsaid.push(ended.stderr);
            continue;
        }
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let number = |key: &str| found[key].as_f64().unwrap();
        let (lower, upper) = (number("lower_hz"), number("upper_hz"));
        // Evenly spaced arrivals of 2 % more than the capacity pass p99<50ms for the time of a trial.
        assert!(lower <= TRUTH * 1.02 && TRUTH <= upper, "{lower} .. {upper}");
        assert!(number("width") <= 0.051, "{found}");
        // It was asked for latency alone; refusing is not sustaining.
        let trials = found["trials"].as_array().unwrap();
        let refused = |trial: &&Value| trial["reason"].as_str().unwrap().contains("goodput>=99% broken");
        let refused: Vec<f64> =
            trials.iter().filter(refused).map(|trial| trial["rate_hz"].as_f64().unwrap()).collect();
        assert!(!refused.is_empty() && refused.iter().all(|rate| *rate > TRUTH), "{refused:?}");
        let kept: Value =
            serde_json::from_slice(&std::fs::read(home.cwd().join("out/ceiling.json")).unwrap()).unwrap();
        assert_eq!(kept, found);
        assert!(
            home.cwd().join("out/trials/001/summary.json").exists()
                || home.cwd().join("out/trials/001/plan.toml").exists()
        );
        return;
    }
    panic!("three searches in a row could not say: {}", unsaid.join("\n"));
}

/// 59 reads are needed to speak of their p95, and a read is one of four requests.
#[test]
fn an_objective_of_one_request_has_trials_that_are_long_enough_for_it() {
    let server = capacity(400.0);
    let home = Home::new();
    let scenario = "[[request]]\nname = \"page\"\nweight = 3\npath = \"/\"\n\
                    [[request]]\nname = \"read\"\npath = \"/r\"\nobjectives = [\"p95<50ms\"]\n";
    std::fs::write(home.cwd().join("mix.toml"), scenario).unwrap();
    let url = format!("http://{}/", server.address());
    let search = ["ceiling", &url, "--rough", "--scenario", "mix.toml", "--start", "50", "--json"];
    let ended = home.run(search);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let trials = found["trials"].as_array().unwrap();
    assert!(trials.len() > 3, "{found}");
    for trial in trials {
        let reason = trial["reason"].as_str().unwrap();
        assert!(!reason.contains("say nothing about"), "{trial}");
    }
    assert!(found["lower_hz"].as_f64().unwrap() >= 50.0, "{found}");
}

#[test]
fn a_target_that_is_not_there_has_no_passing_load() {
    let home = Home::new();
    let url = format!("http://{}/", refusing_address());
    let ended = home.run(["ceiling", &url, "--quick", "--json"]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(found.get("lower_hz").is_none(), "{found}");
    // It never serves the small load either, so the search ends early and says so.
    assert_eq!((&found["verdict"], ended.code), (&"no_passing_load".into(), 3), "{}", ended.stderr);
    assert!(ended.stderr.contains("did not serve"), "{}", ended.stderr);
}

#[test]
fn a_search_up_to_a_load_that_is_sustained_says_at_least() {
    let server = capacity(5_000.0);
    let home = Home::new();
    let url = format!("http://{}/", server.address());
    let ended = home.run(["ceiling", &url, "--quick", "--start", "100", "--most", "120", "--json"]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    if found["verdict"] == "at_least" {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(found.get("upper_hz").is_none() && found["lower_hz"].as_f64().unwrap() > 110.0, "{found}");
    } else {
        assert_eq!(ended.code, 4, "only noise may be in the way: {}", ended.stderr);
    }
}

#[test]
fn what_a_search_chooses_itself_cannot_be_given() {
    let home = Home::new();
    for (args, said) in [
        (&["--rate", "5"][..], "chooses its own rates"),
        (&["--start", "500", "--most", "100"], "is above --most"),
        (&["--start", "0"], "--start 0"),
        (&["--node-cores", "1"], "--node-cores: an address has no nodes"),
        (&["--source", "192.0.2.1"], "192.0.2.1"),
    ] {
        let ended = home.run([&["ceiling", "http://127.0.0.1:1/"], args].concat());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    for args in [&["--http2"][..], &["--header", "A: b"], &["--insecure"]] {
        let ended = home.run([&["ceiling", "0-simple"], args].concat());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        let said = format!("{}: a design says itself", args[0]);
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}

#[test]
fn a_load_that_is_impossible_says_what_limits_it() {
    let server = capacity(5_000.0);
    let url = format!("http://{}/", server.address());
    let ended = Home::new().run(["ceiling", &url, "--quick", "--start", "5000000", "--most", "5000000"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("more than 1 workers can send"), "{}", ended.stderr);
}

#[test]
fn certificates_that_were_not_checked_are_said_with_the_result() {
    let authority = testserver::Authority::new();
    let tls = Some(authority.server("localhost", false, &["http/1.1"]));
    let server = testserver::TestServer::start(testserver::Behaviour { tls, ..Default::default() });
    let url = format!("https://{}/", server.address());
    let ended = Home::new().run([
        "ceiling",
        &url,
        "--insecure",
        "--rough",
        "--start",
        "50",
        "--most",
        "50",
        "--connections",
        "4",
        "--json",
    ]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("--insecure"), "{found}");
}
