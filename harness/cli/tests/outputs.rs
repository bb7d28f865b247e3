//! What a load gives to people and programs: the view of the terminal, metrics, files, exit codes.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;

use common::{Background, Home, await_that};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, tcgetattr};
use testserver::{Behaviour, TestServer};

fn url(server: &TestServer) -> String {
    format!("http://{}/", server.address())
}

#[test]
fn q_ends_the_view_with_a_summary_and_gives_the_terminal_back() {
    let server = TestServer::start(Behaviour::default());
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).unwrap();
    let before = tcgetattr(&pty.slave).unwrap().local_flags;
    let home = Home::new();
    let mut command = home.brownout(["load", &url(&server), "--rate", "100", "--duration", "60s"]);
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().unwrap();
    let mut master = fs::File::from(pty.master);
    let mut screen = master.try_clone().unwrap();
    let reader = thread::spawn(move || {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        // The last end that closes shows as an error.
        while let Ok(count @ 1..) = screen.read(&mut part) {
            all.extend_from_slice(&part[..count]);
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    let raw = || !tcgetattr(&pty.slave).unwrap().local_flags.contains(LocalFlags::ICANON);
    await_that("the view takes the terminal and requests arrive", || raw() && server.count() > 100);
    master.write_all(b"q").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(tcgetattr(&pty.slave).unwrap().local_flags, before);
    // Nothing of the command line's may keep an end open.
    drop(command);
    drop(pty.slave);
    let seen = reader.join().unwrap();
    let left = seen.rfind("\x1b[?1049l").expect("the other screen is left");
    assert!(seen[..left].contains("goodput") && seen[..left].contains("latency"), "{seen}");
    for word in ["requests", "latency", "interrupted"] {
        assert!(seen[left..].contains(word), "{word} is not in {}", &seen[left..]);
    }
}

#[test]
fn a_view_that_cannot_be_had_is_refused() {
    let server = TestServer::start(Behaviour::default());
    Home::new().run(["load", &url(&server), "--tui"]).expect(2, &["--tui", "terminal"]);
}

/// One scrape: head and body.
fn scrape(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn metrics_are_scraped_while_the_load_goes_on() {
    let server = TestServer::start(Behaviour { served_by: Some("s1".into()), ..Behaviour::default() });
    let home = Home::new();
    let args = ["--rate", "200", "--duration", "60s", "--metrics", "127.0.0.1:0"];
    let mut load = Background::start(home.brownout([&["load", &url(&server)], &args[..]].concat()));
    let mut first = String::new();
    BufReader::with_capacity(1, load.0.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("metrics at http://").unwrap().strip_suffix("/metrics").unwrap();
    let value = |body: &str, name: &str| -> f64 {
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    };
    let good = "brownout_requests_total{request=\"get\",outcome=\"good\"}";
    await_that("good requests are counted", || value(&scrape(address, "/metrics").1, good) > 100.0);
    let (head, body) = scrape(address, "/metrics");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    assert_eq!(
        value(&body, "brownout_latency_seconds_bucket{le=\"+Inf\"}"),
        value(&body, "brownout_latency_seconds_count")
    );
    assert!(value(&body, "brownout_answers_total{backend=\"s1\"}") > 100.0, "{body}");
    assert!(scrape(address, "/").0.starts_with("http/1.1 404"));
    load.signal(Signal::SIGINT);
    load.finish().expect(130, &["interrupted"]);
}

#[test]
fn an_address_that_cannot_be_bound_is_named() {
    let server = TestServer::start(Behaviour::default());
    let taken = server.address().to_string();
    Home::new().run(["load", &url(&server), "--metrics", &taken]).expect(5, &["--metrics", &taken]);
}

#[test]
fn files_for_other_programs_are_written_whatever_the_verdict() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    let files = ["--csv", "s.csv", "--junit", "j.xml", "--out", "run"];
    let slos = ["--slo", "goodput>=99%", "--slo", "get:max<1us", "--rate", "100", "--duration", "3s"];
    home.run([&["load", &url(&server)], &files[..], &slos[..]].concat()).expect(3, &["get:p100<1us broken"]);
    let csv = fs::read_to_string(home.cwd().join("s.csv")).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|head| *head == name).unwrap();
    assert_eq!(rows.len(), 1 + 3, "{csv}");
    let due: u64 = rows[1..].iter().map(|row| row[column("due")].parse::<u64>().unwrap()).sum();
    assert_eq!(due, 300);
    assert!(rows[1..].iter().all(|row| row.len() == rows[0].len() && row[column("offered_hz")] == "100.00"));
    let junit = fs::read_to_string(home.cwd().join("j.xml")).unwrap();
    assert!(junit.contains("tests=\"2\" failures=\"1\""), "{junit}");
    let hgrm = fs::read_to_string(home.cwd().join("run/latency.hgrm")).unwrap();
    assert!(hgrm.contains("Total count    =          300]"), "{hgrm}");
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let server = TestServer::start(Behaviour::default());
    let address = url(&server);
    let run = |more: &[&str]| {
        let load = ["load", &address, "--rate", "100", "--duration", "1s"];
        Home::new().run([&load[..], more].concat())
    };
    run(&["--slo", "errors<=1%", "--slo", "goodput > 99%"]).expect(0, &[]);
    run(&["--slo", "p99>50ms"]).expect(2, &["p99>50ms", "use < or <="]);
    run(&["--slo", "p99=50ms"]).expect(2, &["write it like"]);
    run(&["--slo", "write:p99<1s"]).expect(2, &["about the request `write`", "get"]);
    run(&["--slo", "p50<1us"]).expect(3, &["p50<1us broken"]);
    run(&["--slo", "p99.9<60s"]).expect(4, &["100 requests say nothing about p99.9"]);
}

#[test]
fn a_load_of_different_rates_is_judged_and_told_by_stage() {
    let server = TestServer::start(Behaviour::default());
    let args = ["--stage", "constant:100:1s", "--stage", "constant:200:1s", "--slo", "p50<10s"];
    let ended = Home::new().run([&["load", &url(&server)], &args[..]].concat());
    ended.expect(0, &[]);
    for word in ["by stage", "stage 1, constant, 100.0/s", "stage 2, constant, 200.0/s", "at worst, in stage"]
    {
        assert!(ended.stdout.contains(word), "{word} is not in {}", ended.stdout);
    }
    assert!(!ended.stdout.lines().any(|line| line.starts_with("latency")), "{}", ended.stdout);
}
