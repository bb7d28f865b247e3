//! Claims measured on real parts: the capture reads what is sent in clear, the scan finds the database, a replica follows,
//! and a maintenance is felt.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;

use common::{Ended, Home};
use serde_json::Value;

const DESIGNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../targets/designs");
const UNKNOWN: i32 = 4;

/// Measures these claims and gives each by its id. A machine that is too noisy may make one unknown, but never false.
fn claims(design: &str, only: &str) -> (Home, Vec<Value>) {
    let home = Home::new();
    let claims = measured(&home, design, only);
    (home, claims)
}

fn measured(home: &Home, design: &str, only: &str) -> Vec<Value> {
    let ended: Ended = home.run(["claims", design, "--only", only, "--quick", "--json", "--out", "out"]);
    assert!([0, UNKNOWN].contains(&ended.code), "{} {}", ended.stderr, ended.stdout);
    let file: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&file["kind"], &file["schema_version"]), (&"claims".into(), &1.into()));
    let kept = std::fs::read_to_string(home.cwd().join("out/claims.json")).unwrap();
    assert_eq!(kept, ended.stdout);
    file["claims"].as_array().unwrap().clone()
}

/// `0-simple` as one's own design, with fewer ways of deploying to try.
fn own_design(home: &Home) {
    let folder = home.cwd().join("design");
    fs::create_dir(&folder).unwrap();
    for file in ["topology.toml", "claims.toml"] {
        let text = fs::read_to_string(format!("{DESIGNS}/0-simple/{file}")).unwrap();
        let fewer = text.replace(r#"["stop-start", "restart", "reboot"]"#, r#"["restart"]"#);
        assert_eq!(fewer == text, file == "topology.toml", "{file} no longer says what is left out here");
        fs::write(folder.join(file), fewer).unwrap();
    }
}

fn of<'a>(claims: &'a [Value], id: &str) -> &'a Value {
    claims.iter().find(|claim| claim["id"] == id).unwrap_or_else(|| panic!("no {id} in {claims:?}"))
}

fn figure(claim: &Value, name: &str) -> f64 {
    claim["figures"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {claim}"))
}

#[test]
fn a_capture_reads_what_is_posted_in_clear_and_a_scan_reaches_the_database() {
    let (_home, claims) = claims("1-distributed", "no-https,no-firewall");
    let https = of(&claims, "no-https");
    assert_eq!(https["verdict"], "holds", "{https}");
    // Each order carries the secret once on its way there.
    let secrets = figure(https, "leg0_client_lb1_80_secrets_count");
    assert!(secrets >= figure(https, "posted_orders_count"), "{https}");
    let firewall = of(&claims, "no-firewall");
    assert_eq!(firewall["verdict"], "holds", "{firewall}");
    for open in ["open_lb1_80", "open_server1_3306", "open_server2_3306", "open_dns_53"] {
        assert!(figure(firewall, open) > 0.0);
    }
    assert!(figure(firewall, "refused_ports_count") > 10_000.0, "{firewall}");
}

#[test]
fn a_replica_follows_and_refuses_writes_and_nobody_is_told_of_a_dead_server() {
    let (_home, claims) = claims("1-distributed", "replication,no-monitoring");
    let replication = of(&claims, "replication");
    assert_ne!(replication["verdict"], "does not hold", "{replication}");
    assert!((figure(replication, "replica_refuses_writes") - 1.0).abs() < 1e-9);
    assert!(figure(replication, "lag_p50_ms") <= figure(replication, "lag_p99_ms"));
    let (followed, arrived) =
        (figure(replication, "followed_writes_count"), figure(replication, "arrived_writes_count"));
    assert!(followed > 0.0 && (followed - arrived).abs() < 1e-9, "{replication}");
    let monitoring = of(&claims, "no-monitoring");
    assert_ne!(monitoring["verdict"], "does not hold", "{monitoring}");
    let (servers, heard) = (figure(monitoring, "servers_count"), figure(monitoring, "controls_heard_count"));
    assert!((servers - 4.0).abs() < 1e-9 && (servers - heard).abs() < 1e-9, "{monitoring}");
}

#[test]
fn tls_ends_where_it_is_said_to_and_old_versions_are_refused() {
    let (_home, claims) = claims("2-secured", "https");
    let https = of(&claims, "https");
    for (version, accepted) in [("1_0", 0.0), ("1_1", 0.0), ("1_2", 1.0)] {
        assert!(
            (figure(https, &format!("handshake_tls_{version}_accepted")) - accepted).abs() < 1e-9,
            "{https}"
        );
    }
}

#[test]
fn both_active_load_balancers_answer() {
    let (_home, claims) = claims("3-scaled-up", "active-active");
    let spread = of(&claims, "active-active");
    for balancer in ["lb1", "lb2"] {
        let share = figure(spread, &format!("first_{balancer}_share"));
        assert!((0.25..0.75).contains(&share), "{spread}");
    }
}

#[test]
fn any_machine_that_serves_users_may_die() {
    let (_home, claims) = claims("4-resilient", "any-machine");
    let machine = of(&claims, "any-machine");
    assert_ne!(machine["verdict"], "does not hold", "{machine}");
    // On a machine that is too noisy a fault may be void, and has no figures then.
    if machine["verdict"] == "holds" {
        assert!(figure(machine, "dns_server_questions_count") > 1.0, "{machine}");
        assert!(figure(machine, "dns_server_name_down_s") < 1e-9, "{machine}");
    }
}

#[test]
fn a_deploy_on_one_server_after_the_other_is_not_felt() {
    let (_home, claims) = claims("4-resilient", "graceful-deploy");
    let deploy = of(&claims, "graceful-deploy");
    let answers = !deploy["reasons"].to_string().contains("in vain");
    assert!(answers, "the new version answers: {deploy}");
    assert!(figure(deploy, "rolling_down_s") < 1.0, "{deploy}");
}

#[test]
fn no_order_is_lost_and_no_link_shows_one_where_the_database_fails_over() {
    let (_home, claims) = claims("4-resilient", "no-lost-writes,end-to-end-encryption");
    let ledger = of(&claims, "no-lost-writes");
    assert_ne!(ledger["verdict"], "does not hold", "{ledger}");
    let encryption = of(&claims, "end-to-end-encryption");
    assert_eq!(encryption["verdict"], "holds", "{encryption}");
}

#[test]
fn each_part_of_a_lone_server_is_missed_and_a_restart_is_felt_while_a_reload_is_not() {
    let home = Home::new();
    own_design(&home);
    let claims = measured(&home, "./design", "spof,maintenance");
    let spof = of(&claims, "spof");
    assert_ne!(spof["verdict"], "does not hold", "{spof}");
    for part in ["web", "application", "database"] {
        let (away, down) =
            (figure(spof, &format!("{part}_away_s")), figure(spof, &format!("{part}_write_down_s")));
        assert!(away >= 3.0 && down >= away * 0.8, "{part} was away {away} s, writes were down {down} s");
    }
    // Users who are there already do not miss the name server; who comes anew does.
    let (away, names_down) = (figure(spof, "dns_away_s"), figure(spof, "dns_name_down_s"));
    assert!(names_down >= away * 0.8, "the name server was away {away} s, names were down {names_down} s");
    assert!(figure(spof, "dns_page_down_s") < 1e-9, "{spof}");
    let maintenance = of(&claims, "maintenance");
    let answers = !maintenance["reasons"].to_string().contains("in vain");
    assert!(answers, "after each deploy the new version answers: {maintenance}");
    assert!(figure(maintenance, "restart_down_s") > 0.0, "{maintenance}");
    assert!(figure(maintenance, "reload_down_s") < figure(maintenance, "restart_down_s"), "{maintenance}");
    // Each load is a record that can be looked at.
    assert!(home.cwd().join("out/design/spof/load/events.jsonl").is_file());
}
