//! The built-in designs come up from real parts, and a part that does not is reported.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;

use common::lab::Lab;
use common::{Background, Home, await_that, await_up};
use nix::sys::signal::Signal;

/// What a program on the client's computer sees of `path`: the answer's head and body.
fn get(home: &Home, lab: &str, path: &str) -> String {
    const GET: &str = r#"
import socket, sys
with socket.create_connection(("203.0.113.8", 80), timeout=5) as s:
    s.sendall(b"GET " + sys.argv[1].encode() + b" HTTP/1.1\r\nHost: www.foobar.com\r\nConnection: close\r\n\r\n")
    while data := s.recv(65536):
        sys.stdout.write(data.decode())
"#;
    let ended = home.run(["exec", "--lab", lab, "client", "--", "/usr/bin/python3", "-c", GET, path]);
    ended.expect(0, &[]);
    ended.stdout.to_lowercase()
}

#[test]
fn the_answers_of_two_servers_name_the_way_they_took() {
    let home = Home::new();
    let mut lab = Background::start(home.brownout(["up", "1-distributed"]));
    await_up(&mut lab);
    // Other labs may be up on this machine.
    let name = lab.0.id().to_string();
    let answers: Vec<String> = (0..4).map(|_| get(&home, &name, "/api/orders/7")).collect();
    for way in ["x-served-by: lb1, server1", "x-served-by: lb1, server2"] {
        assert!(answers.iter().any(|answer| answer.contains(way)), "{way} is not in {answers:?}");
    }
    assert!(get(&home, &name, "/ready").contains("\"read\": \"replica 192.0.2.12:3306\""));
    home.run(["exec", "--lab", &name, "nowhere", "--", "true"]).expect(2, &["nowhere", "server1"]);
    // A failing command's exit code is its own.
    home.run(["exec", "--lab", &name, "server1", "--", "/bin/sh", "-c", "exit 7"]).expect(7, &[]);
    lab.signal(Signal::SIGINT);
    lab.finish().expect(0, &[]);
    home.run(["exec", "--lab", &name, "server1", "--", "true"]).expect(2, &["no lab is up"]);
}

#[test]
fn the_answer_of_a_lone_server_names_it() {
    let home = Home::new();
    let lab = Lab::up(&home, "0-simple");
    let answer = lab.ask("GET", "http://www.foobar.com/api/orders/7", None);
    assert!(answer.lines().any(|line| line.trim_end() == "x-served-by: server1"), "{answer}");
    lab.down().expect(0, &[]);
}

#[test]
fn a_supervised_part_comes_back_at_once() {
    let home = Home::new();
    let design = home.cwd().join("design");
    fs::create_dir(&design).unwrap();
    let topology = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../targets/designs/0-simple/topology.toml"
    ));
    let topology = topology.unwrap().replace("part = \"nginx\"", "part = \"nginx\"\nsupervised = true");
    fs::write(design.join("topology.toml"), topology).unwrap();
    let mut lab = Background::start(home.brownout(["up", "./design"]));
    await_up(&mut lab);
    // Other labs may be up on this machine.
    let name = lab.0.id().to_string();
    let pid_file = "/run/brownout/nodes/server1/nginx.pid";
    let pid =
        || home.run(["exec", "--lab", &name, "server1", "--", "cat", pid_file]).stdout.trim().to_owned();
    let before = pid();
    assert!(!before.is_empty());
    let kill = format!("kill -KILL -{before}");
    home.run(["exec", "--lab", &name, "server1", "--", "/bin/sh", "-c", &kill]).expect(0, &[]);
    await_that("nginx is started again", || {
        let now = pid();
        !now.is_empty() && now != before
    });
    assert!(get(&home, &name, "/").contains("200 ok"));
}

#[test]
fn a_part_whose_port_is_in_use_is_reported_with_its_log_and_nothing_stays_up() {
    let home = Home::new();
    let design = home.cwd().join("design");
    fs::create_dir(&design).unwrap();
    let topology = r#"
name = "crowded"
summary = "two parts that want the same port"
public_name = "www.foobar.com"
public_address = "203.0.113.8"
[[node]]
name = "server1"
public = true
[[node.part]]
part = "haproxy"
[[node.part]]
part = "nginx"
"#;
    fs::write(design.join("topology.toml"), topology).unwrap();
    let lab = Background::start(home.brownout(["up", "./design"]));
    let name = lab.0.id().to_string();
    let ended = lab.finish();
    ended.expect(5, &["on server1 is not ready"]);
    assert!(ended.stderr.to_lowercase().contains("address already in use"), "{}", ended.stderr);
    home.run(["exec", "--lab", &name, "server1", "--", "true"]).expect(2, &["no lab is up"]);
}
