//! A machine that has run out of local ports, in a network of its own.

use std::fs;
use std::process::Command;

use testserver::{Pace, SteadyServer};

use crate::tool::{Tool, run};

const FIRST_PORT: u64 = 20_000;
const PORTS: u64 = 100;

/// Starts the test below in a network of its own.
#[test]
fn a_machine_without_ports_is_not_taken_for_a_bad_target() {
    let own = std::env::current_exe().unwrap().display().to_string();
    let mut words = vec!["unshare", "--net"];
    if !nix::unistd::geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend([&own, "--exact", "ports::inside", "--ignored", "--nocapture", "--test-threads=1"]);
    let ended = run(&words.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let printed = String::from_utf8_lossy(&ended.stdout);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && printed.contains("1 passed"), "{printed}\n{said}");
    println!("{printed}");
}

/// Without keep-alive the tool closes its connections, and each keeps its port for 60 s: 100 requests find one, and the
/// others none, which is not the target's fault. A server that is asked for too much is not in it: it answers at once.
#[test]
#[ignore = "started by a_machine_without_ports_is_not_taken_for_a_bad_target, in a network of its own"]
fn inside() {
    assert!(
        Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success(),
        "loopback is down"
    );
    // Before the range is set, so that the server has none of its ports.
    let server = SteadyServer::start(Pace::default());
    let last = FIRST_PORT + PORTS - 1;
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", format!("{FIRST_PORT} {last}")).unwrap();
    // By default the kernel gives out loopback's ports again after a second.
    fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "0").unwrap();
    let load = "--rate 200 --duration 3s --connections 8 --timeout 2s --no-keep-alive";
    let said = Tool::of_environment().load(server.address(), load);
    println!("{}", said.summary["requests"]);
    assert_eq!((said.count("due"), said.count("sent")), (600, PORTS), "{said:#?}");
    assert_eq!((said.count("answered"), said.count("no_port")), (PORTS, 600 - PORTS), "{said:#?}");
    assert!(said.unsure() && said.limited(), "{said:#?}");
    let warned = format!("{} {}", said.messages, said.summary["warnings"]);
    assert!(warned.contains("local ports"), "nothing warned of it: {warned}");
}
