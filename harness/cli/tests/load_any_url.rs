//! `brownout load` against any address: what it prints and records, and how it ends.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::{Background, Home, await_that};
use nix::sys::signal::Signal;
use testserver::{Behaviour, TestServer};

fn url(server: &TestServer, path: &str) -> String {
    format!("http://{}{path}", server.address())
}

#[test]
fn a_load_prints_a_summary_whose_counts_add_up() {
    let server = TestServer::start(Behaviour { served_by: Some("s1".into()), ..Behaviour::default() });
    let home = Home::new();
    let address = url(&server, "/x?y=1");
    let ended =
        home.run(["load", &address, "--rate", "200", "--duration", "2s", "--json", "--slo", "errors<1%"]);
    ended.expect(0, &[]);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&summary["schema_version"], &summary["kind"]), (&1.into(), &"load".into()));
    let count = |name: &str| summary["requests"][name].as_u64().unwrap();
    assert_eq!((count("due"), count("good")), (400, 400));
    let ends = ["answered", "timed_out", "refused", "reset", "malformed", "other"];
    assert_eq!(count("sent"), ends.iter().map(|name| count(name)).sum::<u64>());
    assert_eq!(count("due"), count("sent") + count("unsent"));
    assert_eq!(summary["served_by"]["s1"], 400);
    assert!(summary["latency_us"]["p99"].as_u64().unwrap() > 0);
    assert_eq!(server.count(), 400);
    assert!(server.requests().iter().all(|request| request.line == "GET /x?y=1"));
    assert!(home.files().is_empty(), "without --out nothing is kept: {:?}", home.files());
}

/// Answers one request with 200 and gives its head.
fn first_request(listener: TcpListener) -> JoinHandle<String> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8(head).unwrap()
    })
}

#[test]
fn a_host_is_reached_where_it_is_said_to_be_and_asked_by_its_own_name() {
    for option in ["--connect-to", "--resolve"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        // RFC 6761: no name server knows this one.
        let (url, place) = if option == "--connect-to" {
            ("http://shop.invalid/x".to_owned(), address.to_string())
        } else {
            (format!("http://shop.invalid:{}/x", address.port()), address.ip().to_string())
        };
        let head = first_request(listener);
        let args = ["load", &url, option, &place, "--rate", "1", "--duration", "1s", "--connections", "1"];
        Home::new().run(args).expect(0, &[]);
        let (head, host) = (head.join().unwrap(), url[7..].split('/').next().unwrap());
        assert!(head.starts_with("GET /x HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains(&format!("\r\nhost: {host}\r\n")), "{head}");
    }
}

#[test]
fn a_broken_objective_ends_with_3_and_is_named() {
    let server = TestServer::start(Behaviour::default());
    let address = url(&server, "/status/503");
    let args = ["load", &address, "--rate", "100", "--duration", "1s", "--slo", "errors<1%"];
    Home::new().run(args).expect(3, &["errors<1%"]);
}

#[test]
fn a_record_is_kept_where_it_is_asked_for_and_drawn_again_byte_for_byte() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    let address = url(&server, "/");
    home.run(["load", &address, "--rate", "100", "--duration", "1s", "--out", "run"]).expect(0, &[]);
    let dir = home.cwd().join("run");
    for name in ["plan.toml", "machine.json", "timeline.json", "events.jsonl", "bins.csv", "intervals.hlog"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    let derived = ["summary.json", "findings.json", "report.html", "junit.xml"];
    let before = derived.map(|name| fs::read(dir.join(name)).unwrap());
    derived.iter().for_each(|name| fs::remove_file(dir.join(name)).unwrap());
    home.run(["report", "run"]).expect(0, &[]);
    assert!(before == derived.map(|name| fs::read(dir.join(name)).unwrap()));
    // A run is never written over.
    home.run(["load", &address, "--duration", "1s", "--out", "run"]).expect(5, &["run"]);
}

#[test]
fn ctrl_c_ends_the_load_and_keeps_the_partial_record() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let server = TestServer::start(Behaviour::default());
        let home = Home::new();
        let address = url(&server, "/");
        let load = Background::start(home.brownout([
            "load",
            &address,
            "--rate",
            "100",
            "--duration",
            "60s",
            "--out",
            "run",
        ]));
        await_that("requests arrive", || server.count() > 150);
        load.signal(signal);
        load.finish().expect(code, &["interrupted"]);
        let summary = fs::read_to_string(home.cwd().join("run/summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        let due = summary["requests"]["due"].as_u64().unwrap();
        assert!((150..6_000).contains(&due), "{due}");
    }
}

#[test]
fn a_closed_loop_says_that_it_is_one() {
    let service_time = Duration::from_millis(10);
    let server = TestServer::start(Behaviour { service_time, ..Behaviour::default() });
    let address = url(&server, "/");
    let args = ["load", &address, "--closed", "--connections", "2", "--duration", "1s", "--json"];
    let ended = Home::new().run(args);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(summary["loop_kind"], "closed");
    // At most 2 / 10 ms in a second.
    assert!(summary["requests"]["good"].as_u64().unwrap() <= 210);
}

#[test]
fn a_disk_that_fills_up_does_not_end_the_load_and_is_said() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    fs::create_dir(home.cwd().join("small")).unwrap();
    // Room for the files that are written before the load, each of one page, and for two more pages.
    let script = "mount -t tmpfs -o size=20k none small && exec \"$@\"";
    let brownout = home.brownout([
        "load",
        &url(&server, "/"),
        "--rate",
        "100",
        "--duration",
        "6s",
        "--out",
        "small/run",
    ]);
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh"]);
    command.arg(brownout.get_program()).args(brownout.get_args()).current_dir(home.cwd());
    let load = Background::start(command);
    load.finish().expect(5, &["the record is incomplete", "small/run"]);
    assert_eq!(server.count(), 600, "the load went on");
}
