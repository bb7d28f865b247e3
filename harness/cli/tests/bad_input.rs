//! Bad input and a bad environment: a clear message, the documented exit code, nothing left behind.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use common::Home;

const INPUT: i32 = 2;
const FAIL: i32 = 3;
const ENVIRONMENT: i32 = 5;

/// An address on which nobody listens.
fn dead_url() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

#[test]
fn bad_usage_is_named_and_nothing_is_started() {
    let cases: [(&[&str], &[&str]); 19] = [
        (&["load", "localhost:8080"], &["no scheme", "write http://"]),
        (&["load", "http://127.0.0.1/", "--rate", "0"], &["rate of 0"]),
        (&["load", "http://127.0.0.1/", "--rate", "-5"], &["rate"]),
        (&["load", "http://127.0.0.1/", "--duration", "0s"], &["--duration"]),
        (&["load", "http://127.0.0.1/", "--connections", "0"], &["--connections"]),
        (&["load", "http://127.0.0.1/", "--slo", "p99<5"], &["p99<5", "us, ms or s"]),
        (&["load", "http://127.0.0.1/", "--stage", "sine:1:2s"], &["sine:MEAN:AMPLITUDE:PERIOD:TIME"]),
        (&["load", "http://127.0.0.1/", "--scenario", "none.toml"], &["none.toml"]),
        (&["load", "http://127.0.0.1:1/", "--rate", "9e6", "--duration", "1s"], &["impossible", "--workers"]),
        (&["up", "9-none"], &["9-none", "0-simple"]),
        (&["up", "0-simple", "--node-cores", "0"], &["--node-cores"]),
        (&["rehearse", "0-simple", "--schedule", "nope"], &["nope", "kill-database"]),
        (&["rehearse", "0-simple", "--schedule", "kill-database", "--duration", "5s"], &["--duration"]),
        (&["compare", "0-simple", "0-simple"], &["named twice"]),
        (&["report", "."], &["plan.toml"]),
        (&["claims", "9-none"], &["9-none", "0-simple"]),
        (&["claims", "0-simple", "0-simple"], &["named twice"]),
        (&["claims", "0-simple", "--only", "spof,nope"], &["no claim `nope`", "spof"]),
        (&["claims"], &["<DESIGNS>"]),
    ];
    for (args, words) in cases {
        let home = Home::new();
        home.run(args).expect(INPUT, words);
        assert_eq!(home.files(), Vec::<std::path::PathBuf>::new(), "{args:?}");
    }
}

#[test]
fn a_schedule_that_selects_nothing_says_what_there_is() {
    let home = Home::new();
    let schedule = "name = \"x\"\nteaches = \"y\"\n[[injection]]\nname = \"a\"\nat = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\n\
                    select = { part = \"haproxy\" }\n";
    fs::write(home.cwd().join("s.toml"), schedule).unwrap();
    home.run(["rehearse", "0-simple", "--schedule", "s.toml"]).expect(INPUT, &["haproxy", "mariadb"]);
    fs::write(home.cwd().join("s.toml"), format!("{schedule}colour = 1\n")).unwrap();
    home.run(["rehearse", "0-simple", "--schedule", "s.toml"]).expect(INPUT, &["s.toml:9", "colour"]);
}

#[test]
fn a_design_that_is_a_file_or_wrong_is_named_with_its_line() {
    let home = Home::new();
    fs::write(home.cwd().join("file"), "x").unwrap();
    home.run(["up", "./file"]).expect(INPUT, &["./file", "is a file"]);
    let design = home.cwd().join("design");
    fs::create_dir(&design).unwrap();
    home.run(["up", "./design"]).expect(INPUT, &["topology.toml"]);
    let head = "name = \"d\"\nsummary = \"s\"\npublic_name = \"w\"\npublic_address = \"203.0.113.8\"\n";
    let node = "[[node]]\nname = \"a\"\naddresses = [\"192.0.2.1\"]\n";
    for (text, words) in [
        (format!("{head}{node}[[node.part]]\npart = \"apache\"\n"), ["topology.toml:9", "apache"]),
        (format!("{head}{node}{}", node.replace("\"a\"", "\"b\"")), ["topology.toml:10", "same address"]),
        (format!("{head}{node}colour = 1\n"), ["topology.toml:8", "colour"]),
        (
            format!("{head}networks = [\"198.51.100.0/24\"]\n{node}"),
            ["topology.toml:8", "address 192.0.2.1: is outside the design's networks"],
        ),
        (
            format!(
                "{head}{node}[[node.part]]\npart = \"nginx\"\n[[node.part]]\npart = \"gunicorn\"\n\
                 [[link]]\nfrom = \"a/nginx\"\nto = \"a/gunicorn\"\nport = 8000\nprotocol = \"http\"\nlabel = \"x\"\n\
                 [[link]]\nfrom = \"a/gunicorn\"\nto = \"a/nginx\"\nport = 80\nprotocol = \"http\"\nlabel = \"x\"\n"
            ),
            ["topology.toml:", "from `a/nginx` to `a/gunicorn` closes a circle"],
        ),
    ] {
        fs::write(design.join("topology.toml"), text).unwrap();
        home.run(["up", "./design"]).expect(INPUT, &words);
        assert_eq!(home.files().len(), 2, "nothing beside the design and `file`: {:?}", home.files());
    }
}

#[test]
fn a_mistake_in_claims_is_named_with_its_line() {
    let home = Home::new();
    let design = home.cwd().join("design");
    fs::create_dir(&design).unwrap();
    let topology = "name = \"d\"\nsummary = \"s\"\npublic_name = \"w\"\npublic_address = \"203.0.113.8\"\n\
                    [[node]]\nname = \"a\"\naddresses = [\"192.0.2.1\"]\n";
    fs::write(design.join("topology.toml"), topology).unwrap();
    home.run(["claims", "./design"]).expect(INPUT, &["./design", "claims.toml"]);
    let head = "[[claim]]\nid = \"a\"\nclaim = \"c\"\nhow = \"h\"\n";
    let scan = "[[claim.experiment]]\nscan.open = [{ role = \"database\", port = 3306 }]\n";
    for (text, words) in [
        (format!("{head}[[claim.experiment]]\nguess = {{}}\n"), ["claims.toml:6", "guess"]),
        (format!("{head}colour = 1\n{scan}"), ["claims.toml:5", "colour"]),
        (format!("{head}settings = {{ nope = 1 }}\n{scan}"), ["topology.toml", "nope"]),
    ] {
        fs::write(design.join("claims.toml"), text).unwrap();
        home.run(["claims", "./design"]).expect(INPUT, &words);
    }
}

#[test]
fn a_dead_target_is_a_broken_objective() {
    let home = Home::new();
    let ended = home.run(["load", &dead_url(), "--rate", "50", "--duration", "1s", "--json"]);
    ended.expect(FAIL, &["fail"]);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&summary["requests"]["refused"], &summary["verdict"]), (&50.into(), &"fail".into()));
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let home = Home::new();
    // RFC 6761 keeps .invalid from ever being a name.
    home.run(["load", "http://nowhere.invalid/", "--duration", "1s"]).expect(FAIL, &["nowhere.invalid"]);
}

#[test]
fn a_record_that_cannot_be_written_is_an_environment_error() {
    let home = Home::new();
    fs::write(home.cwd().join("taken"), "x").unwrap();
    home.run(["load", &dead_url(), "--duration", "1s", "--out", "taken/run"])
        .expect(ENVIRONMENT, &["taken/run"]);
}

#[test]
fn without_parts_and_without_apt_the_missing_ones_are_named() {
    let home = Home::new();
    let mut command = home.brownout(["up", "0-simple"]);
    command.env("BROWNOUT_CACHE", home.path().join("tmp/cache")).env("PATH", home.path());
    let output = command.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(ENVIRONMENT), "{message}");
    // This machine may have some of them by itself.
    let named = ["nginx", "mariadb-server", "gunicorn", "bind9"].iter().any(|part| message.contains(part));
    assert!(named && message.contains("install them"), "{message}");
}
