//! `3-scaled-up`: split tiers behind load balancers that stand in for each other, from real parts.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use common::lab::Lab;
use common::{Home, await_that};

const URL: &str = "https://www.foobar.com";
const PUBLIC: &str = "203.0.113.8";

/// The load balancers that hold an address.
fn holders(lab: &Lab<'_>, address: &str) -> Vec<&'static str> {
    let holds = |node: &&str| !lab.sh(node, &format!("ip -o address show to {address}")).is_empty();
    ["lb1", "lb2"].into_iter().filter(holds).collect()
}

#[test]
fn the_public_address_moves_to_the_load_balancer_that_is_alive_and_stays_there() {
    let home = Home::new();
    let lab = Lab::up(&home, "3-scaled-up");
    let ask = || lab.ask("GET", &format!("{URL}/api/orders/7"), None);
    assert!(ask().contains("x-served-by: lb1, web1"), "{}", ask());
    assert_eq!(holders(&lab, PUBLIC), ["lb1"]);

    lab.kill("lb1", "haproxy");
    await_that("the other load balancer answers", || ask().contains("x-served-by: lb2, web1"));
    assert_eq!(holders(&lab, PUBLIC), ["lb2"]);

    // One that dies without a word leaves the address behind; what starts it again takes the address away there.
    lab.kill("lb2", "keepalived");
    await_that("one load balancer holds the address", || holders(&lab, PUBLIC).len() == 1);
    lab.down().expect(0, &[]);
}

#[test]
fn the_address_moves_in_an_ordinary_users_lab_too() {
    let home = Home::new();
    let lab = Lab::up_without_groups(&home, "3-scaled-up");
    assert_eq!(lab.sh("lb1", "cat /proc/self/setgroups"), "deny");
    lab.kill("lb1", "haproxy");
    await_that("the other load balancer has the address", || holders(&lab, PUBLIC) == ["lb2"]);
    // What is started again from outside is no different.
    lab.sh("lb2", "python3 -c 'import os; os.setgroups([0])'");
    lab.down().expect(0, &[]);
}

#[test]
fn the_databases_are_reached_by_the_application_alone() {
    let home = Home::new();
    let lab = Lab::up(&home, "3-scaled-up");
    let sql = |from: &str| lab.scan(from, "192.0.2.61", &[3306]);
    assert_eq!(sql("app1"), "3306 open\n");
    for stranger in ["client", "lb1", "web1", "monitor"] {
        assert_eq!(sql(stranger), "3306 silent\n", "{stranger}");
    }
    lab.down().expect(0, &[]);
}

#[test]
fn two_active_load_balancers_have_an_address_each_and_one_has_both_when_the_other_dies() {
    let home = Home::new();
    let lab = Lab::up(&home, "3-scaled-up:balancers=active-active,web=2,database=2,app=node");
    let addresses = lab.sh("client", "getent ahostsv4 www.foobar.com | cut -d' ' -f1 | sort -u");
    assert_eq!(addresses.lines().collect::<Vec<_>>(), [PUBLIC, "203.0.113.9"]);
    await_that("each load balancer holds its own address", || {
        holders(&lab, PUBLIC) == ["lb1"] && holders(&lab, "203.0.113.9") == ["lb2"]
    });
    let ways: Vec<String> = (0..4).map(|_| lab.ask("GET", &format!("{URL}/api/orders/7"), None)).collect();
    for web in ["web1", "web2"] {
        assert!(ways.iter().any(|way| way.contains(web)), "{web} is not in {ways:?}");
    }
    assert_eq!(lab.sql("db2", "SELECT @@read_only"), "1");
    // The same application, on Node.js.
    assert_eq!(lab.sh("app1", "ls /run/brownout/nodes/app1/node.pid"), "/run/brownout/nodes/app1/node.pid");

    lab.kill("lb1", "haproxy");
    await_that("the other load balancer has both addresses", || {
        holders(&lab, PUBLIC) == ["lb2"] && holders(&lab, "203.0.113.9") == ["lb2"]
    });
    let ask = || lab.ask("GET", &format!("{URL}/api/orders/7"), None);
    await_that("whoever asks is answered by it", || ask().contains("x-served-by: lb2, web"));
    assert!(ask().starts_with("200"));
    lab.down().expect(0, &[]);
}
