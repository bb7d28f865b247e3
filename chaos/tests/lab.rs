//! Faults of the network, in real network namespaces that the tests make. Needs root, if only that of a user
//! namespace (`unshare --user --map-root-user --net`), and nft and ip on the PATH; a missing tool is a failure.

#![expect(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod net;
mod stack;

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use model::{Node, Reach};
use net::{LEFT, Lab, MIDDLE_LEFT, Path, SILENCE};
use stack::{AT_LAST, await_that, resolved, run};

/// Whether these tests can run at all: not without root. With root, everything they need must be there.
fn can_run() -> bool {
    if !nix::unistd::geteuid().is_root() {
        eprintln!(
            "not run: needs root, or `unshare --user --map-root-user --net cargo test -p brownout-chaos --test lab`"
        );
        return false;
    }
    for (tool, package) in [("nft", "nftables"), ("ip", "iproute2"), ("unshare", "util-linux")] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(found.is_ok(), "there is no {tool} on the PATH: install {package}, or run in the lab");
    }
    true
}

fn broken(paths: &[Path]) -> Vec<&'static str> {
    paths.iter().filter(|path| !path.carries()).map(|path| path.name).collect()
}

/// Neighbours have to find each other first, also after they were cut off.
#[track_caller]
fn all_carry(paths: &[Path]) {
    for path in paths {
        await_that(path.name, || path.carries());
    }
}

/// Drops as `lines` say on `middle` and returns which paths were broken meanwhile.
#[track_caller]
fn broken_by(lab: &Lab, paths: &[Path], lines: &str) -> Vec<&'static str> {
    all_carry(paths);
    let inventory = lab.inventory();
    let lines = format!("fault = \"drop\"\nselect = {{ node = \"middle\" }}\n{lines}");
    let injections = resolved(&inventory, &[("0s", "1h", &lines)]);
    let seen = Mutex::new(Vec::new());
    let told = run(&inventory, &injections, |word, stop| {
        if word == "injected 0" {
            *seen.lock().unwrap() = broken(paths);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(told.story(), ["injected 0", "healed 0"]);
    assert!(told.outcome.unhealed.is_empty(), "{:?}", told.outcome);
    assert_eq!(lab.middle.run("nft list ruleset"), "", "nothing is left in the kernel");
    all_carry(paths);
    seen.into_inner().unwrap()
}

const TO_MIDDLE: [&str; 4] =
    ["left to middle", "left's second address to middle", "left to middle, IPv6", "right to middle"];
const FROM_MIDDLE: [&str; 3] = ["middle to left", "middle to left, IPv6", "middle to right"];

fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names
}

#[test]
fn all_traffic_is_dropped_both_ways_but_none_inside_the_node() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let broken = broken_by(&lab, &lab.paths(), "");
    assert_eq!(sorted(broken), sorted([&TO_MIDDLE[..], &FROM_MIDDLE[..]].concat()));
}

#[test]
fn a_node_that_is_cut_off_does_not_say_either_which_addresses_are_its_own() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    // What ARP (RFC 826) finds of a neighbour that has just been forgotten.
    let found = || {
        lab.left.run("ip -4 neigh flush all");
        let _ = lab.paths()[0].carries();
        lab.left.run(&format!("ip -4 neigh show to {}", MIDDLE_LEFT[0])).contains("lladdr")
    };
    assert!(found());
    let inventory = lab.inventory();
    for (lines, expected) in
        [("", false), ("peer = \"left\"", false), ("direction = \"in\"", true), ("port = 1", true)]
    {
        let lines = format!("fault = \"drop\"\nselect = {{ node = \"middle\" }}\n{lines}");
        let seen = Mutex::new(None);
        run(&inventory, &resolved(&inventory, &[("0s", "1h", &lines)]), |word, stop| {
            if word == "injected 0" {
                *seen.lock().unwrap() = Some(found());
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
        assert_eq!(seen.into_inner().unwrap(), Some(expected), "{lines}");
        assert_eq!(lab.middle.run("nft list ruleset"), "", "nothing is left in the kernel");
        await_that("neighbours find each other", found);
    }
}

#[test]
fn one_way_is_one_way() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    assert_eq!(sorted(broken_by(&lab, &lab.paths(), "direction = \"in\"")), sorted(TO_MIDDLE));
    assert_eq!(sorted(broken_by(&lab, &lab.paths(), "direction = \"out\"")), sorted(FROM_MIDDLE));
}

#[test]
fn a_peer_is_cut_off_at_all_of_its_addresses_and_nobody_else() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let broken = broken_by(&lab, &lab.paths(), "peer = \"left\"");
    let expected = [&TO_MIDDLE[..3], &FROM_MIDDLE[..2]].concat();
    assert_eq!(sorted(broken), sorted(expected));
    let broken = broken_by(&lab, &lab.paths(), "peer = \"right\"\ndirection = \"out\"");
    assert_eq!(broken, ["middle to right"]);
}

#[test]
fn the_node_as_its_own_peer_is_the_traffic_inside_it() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    assert_eq!(broken_by(&lab, &lab.paths(), "peer = \"middle\""), ["inside middle"]);
}

#[test]
fn a_port_is_meant_at_either_end_over_tcp_and_udp() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let to = |port: u16| format!("{}:{port}", MIDDLE_LEFT[0]);
    let from = |port: u16| format!("{}:{port}", LEFT[0]);
    let paths = [
        Path::port("to the port", &lab.left, &from(0), &lab.middle, &to(3306)),
        Path::port("to the next", &lab.left, &from(0), &lab.middle, &to(3307)),
        Path::port("from the port", &lab.left, &from(3306), &lab.middle, &to(0)),
        Path::port("out to the port", &lab.middle, &to(0), &lab.left, &from(3308)),
    ];
    let listener = reach::within(&lab.middle.reach(), || TcpListener::bind(to(3306))).unwrap().unwrap();
    assert_eq!(broken_by(&lab, &paths, "port = 3306"), ["to the port", "from the port"]);
    assert_eq!(broken_by(&lab, &paths, "port = 3308\ndirection = \"out\""), ["out to the port"]);
    let inventory = lab.inventory();
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }\nport = 3306";
    let connect = || {
        let address = to(3306).parse().unwrap();
        reach::within(&lab.left.reach(), || TcpStream::connect_timeout(&address, SILENCE)).unwrap()
    };
    connect().unwrap();
    let told = run(&inventory, &resolved(&inventory, &[("0s", "1h", lines)]), |word, stop| {
        if word == "injected 0" {
            assert_eq!(connect().unwrap_err().kind(), ErrorKind::TimedOut);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(told.story(), ["injected 0", "healed 0"]);
    connect().unwrap();
    drop(listener);
}

#[test]
fn an_established_connection_stands_still_and_then_goes_on() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let listener =
        reach::within(&lab.middle.reach(), || TcpListener::bind((MIDDLE_LEFT[0], 0))).unwrap().unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = reach::within(&lab.left.reach(), || TcpStream::connect(address)).unwrap().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(SILENCE)).unwrap();
    let stream = Mutex::new((&mut client, &mut server));
    let inventory = lab.inventory();
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }";
    let told = run(&inventory, &resolved(&inventory, &[("0s", "1h", lines)]), |word, stop| {
        if word == "injected 0" {
            let (client, server) = &mut *stream.lock().unwrap();
            client.write_all(b"x").unwrap();
            let error = server.read(&mut [0]).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(told.story(), ["injected 0", "healed 0"]);
    server.set_read_timeout(Some(AT_LAST)).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 1, "what was sent meanwhile arrives");
}

#[test]
fn a_drop_that_no_packet_met_is_void() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let inventory = lab.inventory();
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }\nport = 4444";
    let told = run(&inventory, &resolved(&inventory, &[("0s", "100ms", lines)]), |_, _| {});
    assert_eq!(told.story(), ["injected 0", "void 0", "healed 0"]);
    assert_eq!(told.void(), "no packet met the rules: there was no such traffic");
    assert_eq!((told.outcome.injected, told.outcome.void), (0, 1));
}

#[test]
fn a_firewall_of_the_nodes_own_hides_nothing_and_is_left_alone() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    lab.middle.run(
        "nft 'add table inet filter
              add chain inet filter input { type filter hook input priority -10; policy accept; }
              add rule inet filter input tcp dport 9 reject with tcp reset
              add rule inet filter input accept
              add table ip nat'",
    );
    // What the firewall answers itself is told apart from silence.
    let knock = || {
        let address = format!("{}:9", MIDDLE_LEFT[0]).parse().unwrap();
        let knocked = reach::within(&lab.left.reach(), || TcpStream::connect_timeout(&address, SILENCE));
        knocked.unwrap().unwrap_err().kind()
    };
    assert_eq!(knock(), ErrorKind::ConnectionRefused);
    let firewall = lab.middle.run("nft list ruleset");
    let paths = lab.paths();
    let inventory = lab.inventory();
    // One way, so that a refusal of the firewall's would get out.
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }\ndirection = \"in\"";
    let told = run(&inventory, &resolved(&inventory, &[("0s", "1h", lines)]), |word, stop| {
        if word == "injected 0" {
            assert!(!paths[0].carries());
            assert_eq!(knock(), ErrorKind::TimedOut, "the drop comes before the firewall");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(told.story(), ["injected 0", "healed 0"]);
    assert_eq!(lab.middle.run("nft list ruleset"), firewall);
}

#[test]
fn two_drops_on_one_node_heal_each_on_its_own() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let paths = lab.paths();
    let inventory = lab.inventory();
    let from = |peer: &str| format!("fault = \"drop\"\nselect = {{ node = \"middle\" }}\npeer = \"{peer}\"");
    let (left, right) = (from("left"), from("right"));
    let seen = Mutex::new(Vec::new());
    let injections = resolved(&inventory, &[("0s", "6s", &left), ("2s", "1h", &right)]);
    let told = run(&inventory, &injections, |word, stop| {
        let (left, right) = (paths[0].carries(), paths[5].carries());
        seen.lock().unwrap().push((word.to_owned(), left, right));
        if word == "healed 0" {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(told.story(), ["injected 0", "injected 1", "healed 0", "healed 1"]);
    let expected = [
        ("injected 0", false, true),
        ("injected 1", false, false),
        ("healed 0", true, false),
        ("healed 1", true, true),
    ];
    assert_eq!(
        seen.into_inner().unwrap(),
        expected.map(|(word, left, right)| (word.to_owned(), left, right))
    );
}

/// The harness that other tests kill: the namespace is in the environment.
#[test]
#[ignore = "started by other tests, to be killed"]
fn harness_to_be_killed() {
    let (Some(net), Some(hold)) = (env::var_os("CHAOS_TEST_NET"), env::var("CHAOS_TEST_HOLD").ok()) else {
        return;
    };
    let reach = Reach::Namespace { net: net.into(), cgroup_procs: Vec::new() };
    let node = Node { name: "middle".into(), addresses: Vec::new(), reach, processes: Vec::new() };
    let inventory = stack::inventory(vec![node]);
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }";
    run(&inventory, &resolved(&inventory, &[("0s", &hold, lines)]), |_, _| {});
}

/// A lab on whose middle a harness drops all traffic for `hold`, and was killed meanwhile.
fn cut_by_a_harness_that_dies(hold: &str) -> Lab {
    let lab = Lab::new();
    let mut harness = Command::new(env::current_exe().unwrap())
        .args(["--exact", "harness_to_be_killed", "--ignored"])
        .env("CHAOS_TEST_NET", lab.middle.path())
        .env("CHAOS_TEST_HOLD", hold)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    await_that("the rules are there", || lab.middle.run("nft list ruleset").contains("brownout_0"));
    harness.kill().unwrap();
    harness.wait().unwrap();
    lab
}

#[test]
fn the_kernel_ends_a_drop_when_the_harness_is_killed() {
    if !can_run() {
        return;
    }
    let lab = cut_by_a_harness_that_dies("3s");
    let path = &lab.paths()[0];
    assert!(!path.carries(), "it is in force after the harness has died");
    await_that("the traffic flows again", || path.carries());
    assert!(lab.middle.run("nft list ruleset").contains("brownout_0"), "and nobody has deleted the rules");
}

#[test]
fn the_next_run_begins_by_deleting_what_a_killed_harness_left() {
    if !can_run() {
        return;
    }
    let lab = cut_by_a_harness_that_dies("1h");
    assert!(!lab.paths()[0].carries());
    let inventory = lab.inventory();
    let told = run(&inventory, &resolved(&inventory, &[("0s", "0s", "fault = \"noop\"")]), |_, _| {});
    assert_eq!(
        told.warnings(),
        ["inet", "arp"].map(|family| format!(
            "left by an earlier run: middle had the nft table {family} brownout_0, which is deleted"
        ))
    );
    await_that("the traffic flows again", || lab.paths()[0].carries());
    assert_eq!(lab.middle.run("nft list ruleset"), "");
}

#[test]
fn the_check_before_the_run_names_a_node_that_is_gone() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let mut inventory = lab.inventory();
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }";
    let injections = resolved(&inventory, &[("0s", "1s", lines)]);
    chaos::precheck(&injections, &inventory).unwrap();
    inventory.nodes[1].reach = Reach::Namespace { net: "/no/such/net".into(), cgroup_procs: Vec::new() };
    let errors = chaos::precheck(&injections, &inventory).unwrap_err();
    assert!(
        errors[0].to_string().contains("cannot join the network namespace /no/such/net"),
        "{}",
        errors[0]
    );
}

/// What is seen where there is no nft: run with an empty PATH.
#[test]
#[ignore = "started by another test, with an empty PATH"]
fn check_without_nft() {
    let lab = stack::inventory(vec![Node {
        name: "middle".into(),
        addresses: Vec::new(),
        reach: Reach::Local,
        processes: Vec::new(),
    }]);
    let lines = "fault = \"drop\"\nselect = { node = \"middle\" }";
    let injections = resolved(&lab, &[("0s", "1s", lines)]);
    let errors = chaos::precheck(&injections, &lab).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "injection \"drop-middle\": middle: there is no nft; install nftables there"
    );
}

#[test]
fn the_check_before_the_run_says_what_to_install() {
    let mut check = Command::new(env::current_exe().unwrap());
    check.args(["--exact", "check_without_nft", "--ignored"]).env("PATH", "/nonexistent");
    let output = check.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
