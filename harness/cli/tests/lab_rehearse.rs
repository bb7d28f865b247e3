//! Rehearsals of the designs with real parts: what the report says is what a user would have seen.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::{Background, Home, await_that, children};
use nix::sys::signal::Signal;
use serde_json::Value;

/// A plain loop of requests, one every 20 ms on a connection of its own. It prints the longest time between two
/// successes, in seconds, once a line comes on its standard input.
const PROBE: &str = r#"
import socket, sys, threading, time
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), done.set()), daemon=True).start()
def good():
    try:
        with socket.create_connection(("203.0.113.8", 80), timeout=1) as s:
            s.settimeout(1)
            s.sendall(b"GET /api/orders/7 HTTP/1.1\r\nHost: www.foobar.com\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
last = None
gap = 0.0
print("probing", flush=True)
while not done.is_set():
    began = time.monotonic()
    if good():
        if last is not None:
            gap = max(gap, began - last)
        last = began
    time.sleep(max(0, 0.02 - (time.monotonic() - began)))
print(gap, flush=True)
"#;

/// Writes a schedule of kills: name, selector, begin, length.
fn schedule(home: &Home, kills: &[(&str, &str, u32, u32)]) {
    let mut text = "name = \"test\"\nteaches = \"what the test says\"\n".to_owned();
    for (name, select, at, hold) in kills {
        text += &format!(
            "[[injection]]\nname = \"{name}\"\nfault = \"kill\"\nat = \"{at}s\"\nfor = \"{hold}s\"\nselect = {select}\n"
        );
    }
    fs::write(home.cwd().join("schedule.toml"), text).unwrap();
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_single_server_is_down_for_as_long_as_its_database_and_an_independent_probe_agrees() {
    let home = Home::new();
    schedule(&home, &[("kill-database", "\"primary\"", 4, 5)]);
    let args = [
        "rehearse",
        "0-simple",
        "--schedule",
        "schedule.toml",
        "--rate",
        "60",
        "--duration",
        "18s",
        "--out",
        "run",
    ];
    let rehearsal = Background::start(home.brownout(args));
    // Other labs may be up on this machine.
    let name = rehearsal.0.id().to_string();
    let mut probe = loop {
        // The lab is there once a command can be run in it.
        let mut probe =
            home.brownout(["exec", "--lab", &name, "client", "--", "/usr/bin/python3", "-c", PROBE]);
        let mut child =
            probe.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = [0u8; 8];
        if std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).is_ok() {
            break child;
        }
        child.wait().unwrap();
        assert!(home.cwd().join("run").exists() || home.files().len() < 3, "the lab never came up");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    // The probe is told to end before the lab is taken down.
    let events = home.cwd().join("run/events.jsonl");
    await_that("the cool-down", || fs::read_to_string(&events).unwrap_or_default().contains("cool-down"));
    drop(probe.stdin.take());
    let said = probe.wait_with_output().unwrap();
    rehearsal.finish().expect(0, &[]);
    let text = String::from_utf8(said.stdout).unwrap();
    let seen: f64 = text.trim().lines().last().unwrap().parse().unwrap();
    let findings = json(&home.cwd().join("run/findings.json"));
    let injection = &findings["injections"][0];
    let read = &injection["by_request"]["read"];
    let gap = number(&read["max_gap_s"]);
    assert!((gap - seen).abs() <= 0.2, "the report says {gap} s, the probe saw {seen} s");
    // Down from the kill until the database answers again, which is after its 5 s.
    let (at, healed) = (number(&injection["at_s"]), number(&injection["healed_s"]));
    assert!(healed - at >= 5.0 && (gap - (healed - at)).abs() < 1.5, "gap {gap}, dead from {at} to {healed}");
    assert_eq!(read["verdict"], "down-until-healed");
    assert_eq!(injection["by_request"]["page"]["requests_failed"], 0, "nginx serves its own files");
}

#[test]
fn two_servers_keep_serving_reads_and_lose_writes_only_while_the_primary_is_dead() {
    let home = Home::new();
    let last_server = "{ role = \"web\", pick = \"last\", whole_node = true }";
    schedule(&home, &[("kill-database", "\"primary\"", 4, 5), ("server-death", last_server, 18, 5)]);
    let args = [
        "rehearse",
        "1-distributed",
        "--schedule",
        "schedule.toml",
        "--rate",
        "60",
        "--duration",
        "32s",
        "--out",
        "run",
    ];
    let ended = home.run(args);
    ended.expect(0, &["fault   kill-database", "healed  server-death"]);
    let run = home.cwd().join("run");
    let findings = json(&run.join("findings.json"));
    let [primary, server] = &findings["injections"].as_array().unwrap()[..] else { panic!("{findings}") };
    let failed = |injection: &Value, request: &str| {
        injection["by_request"][request]["requests_failed"].as_u64().unwrap()
    };
    assert_eq!(primary["targets"][0], "server1/mariadbd");
    assert_eq!((failed(primary, "read"), failed(primary, "page")), (0, 0), "{primary}");
    let outage = number(&primary["by_request"]["write"]["outage_s"]);
    assert!((5.0..9.0).contains(&outage), "writes were down for {outage} s");
    // The health check needs a moment; after that nobody notices.
    assert!(number(&server["by_request"]["read"]["max_gap_s"]) < 2.0, "{server}");
    assert_ne!(server["by_request"]["read"]["verdict"], "down-until-healed");
    let summary = json(&run.join("summary.json"));
    let ways = summary["served_by"].as_object().unwrap();
    assert!(ways.contains_key("lb1, server1") && ways.contains_key("lb1, server2"), "{ways:?}");
    for log in ["lb1/haproxy.log", "server1/mariadbd.log", "dns/named.log"] {
        assert!(run.join("logs").join(log).is_file(), "{log}");
    }
    // The passwords of the lab are in no file of the record.
    assert!(!fs::read_to_string(run.join("timeline.json")).unwrap().contains("DB_PASSWORD"));
}

#[test]
fn a_dry_run_prints_the_timeline_and_starts_nothing() {
    let home = Home::new();
    let ended = home.run(["rehearse", "1-distributed", "--schedule", "kill-database", "--dry-run"]);
    ended.expect(0, &[]);
    assert!(ended.stdout.contains("10s") && ended.stdout.contains("kill-database"), "{}", ended.stdout);
    assert!(home.files().is_empty());
}

#[test]
fn nothing_is_injected_into_a_stack_that_is_already_failing() {
    let home = Home::new();
    let scenario = "[[request]]\nname = \"gone\"\npath = \"/no/such/page\"\n";
    fs::write(home.cwd().join("scenario.toml"), scenario).unwrap();
    let ended = home.run([
        "rehearse",
        "0-simple",
        "--schedule",
        "kill-database",
        "--scenario",
        "scenario.toml",
        "--warm-up",
        "2s",
        "--out",
        "run",
    ]);
    ended.expect(3, &["nothing was injected", "failed before any fault"]);
    assert!(!fs::read_to_string(home.cwd().join("run/events.jsonl")).unwrap().contains("fault_injected"));
}

/// The processes of this name below `pid`.
fn below(pid: u32, name: &str) -> Vec<u32> {
    let mut open = vec![pid];
    let mut found = Vec::new();
    while let Some(pid) = open.pop() {
        open.extend(children(pid));
        let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        found.extend((comm.trim() == name).then_some(pid));
    }
    found
}

/// The CPUs that a process may use, as the kernel lists them: "0-1".
fn cpus(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap().trim().to_owned()
}

#[test]
fn ctrl_c_heals_ends_and_keeps_the_partial_record() {
    let home = Home::new();
    schedule(&home, &[("kill-database", "\"primary\"", 1, 30)]);
    let args = ["rehearse", "0-simple", "--schedule", "schedule.toml", "--warm-up", "1s", "--out", "run"];
    let rehearsal = Background::start(home.brownout(args));
    let events = home.cwd().join("run/events.jsonl");
    let said = |what: &str| fs::read_to_string(&events).unwrap_or_default().contains(what);
    await_that("the fault is in force", || said("injected"));
    // The generator has a core for itself where there are two.
    let (ours, labs) = (cpus(std::process::id()), below(rehearsal.0.id(), "nginx"));
    assert!(!labs.is_empty());
    if ours != "0" {
        assert!(labs.iter().all(|pid| cpus(*pid) != ours), "{labs:?} are not kept off any of {ours}");
    }
    rehearsal.signal(Signal::SIGINT);
    rehearsal.finish().expect(130, &["interrupted", "healed  kill-database"]);
    assert!(said("healed"));
    assert!(home.cwd().join("run/report.html").is_file());
}
