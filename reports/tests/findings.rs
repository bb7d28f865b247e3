//! The findings of the synthetic runs are what was put into them.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use record::Run;
use record::derived::{InjectionFile, to_json};
use reports::synthetic::Synthetic;
use reports::{Findings, findings};

fn found(synthetic: &Synthetic) -> Findings {
    let dir = tempfile::tempdir().unwrap();
    synthetic.write(dir.path()).unwrap();
    findings(&Run::open(dir.path()).unwrap())
}

fn verdicts(injection: &InjectionFile) -> Vec<(&str, &str)> {
    injection.by_request.iter().map(|(name, of)| (name.as_str(), of.verdict.as_str())).collect()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.15, "{found}, not {expected}");
}

#[test]
fn one_server_is_down_for_as_long_as_its_database_is_dead() {
    let findings = found(&Synthetic::simple());
    let [database, web, server] = findings.injections.as_slice() else { panic!("three faults") };
    assert_eq!(database.verdict, "down-until-healed");
    assert_eq!(
        verdicts(database),
        [("page", "survived"), ("read", "down-until-healed"), ("write", "down-until-healed")]
    );
    near(database.outage_s, 12.7);
    near(database.max_gap_s.unwrap(), 12.7);
    near(database.felt_after_s.unwrap(), 0.0);
    near(database.recovered_s.unwrap(), 20.7);
    near(database.recovery_after_heal_s.unwrap(), 0.7);
    // 36 arrivals a second, of which a tenth of a second is reset.
    assert_eq!(database.requests_failed, 457);
    assert_eq!(database.failed_by_kind.keys().collect::<Vec<_>>(), ["503", "reset"]);
    near(database.goodput_deficit_requests, 457.0);
    assert_eq!(
        database.sentence,
        "read and write: down 12.7 s, until the fault was undone; page: no failure"
    );
    assert_eq!(web.sentence, "all requests: down 10.4 s, until the fault was undone");
    assert_eq!((server.node.as_deref(), server.process.as_deref()), (Some("server1"), None));
    near(server.outage_s, 11.2);
    near(findings.availability.by_time, 1.0 - (12.7 + 10.4 + 11.2) / 75.0);
}

#[test]
fn three_servers_lose_only_writes_and_only_while_the_primary_is_dead() {
    let findings = found(&Synthetic::distributed());
    let [database, web, server] = findings.injections.as_slice() else { panic!("three faults") };
    assert_eq!(
        verdicts(database),
        [("page", "survived"), ("read", "survived"), ("write", "down-until-healed")]
    );
    assert_eq!(
        database.sentence,
        "read and page: no failure; write: down 12.7 s, until the fault was undone"
    );
    assert_eq!(web.verdict, "degraded");
    assert_eq!((web.outage_s, web.requests_failed), (0.0, 12));
    assert_eq!(server.verdict, "degraded");
    near(server.detected_s.unwrap(), 51.0);
    // The whole is degraded while a third of it is down; never down itself.
    assert!(findings.outages.iter().all(|outage| outage.state == "degraded"), "{:?}", findings.outages);
    near(findings.availability_by_request["write"].by_time, 1.0 - 12.7 / 75.0);
    assert_eq!(findings.availability_by_request["read"].by_time, 1.0);
}

#[test]
fn findings_are_the_same_every_time() {
    for (synthetic, golden) in [
        (Synthetic::simple(), include_str!("golden/0-simple.findings.json")),
        (Synthetic::distributed(), include_str!("golden/1-distributed.findings.json")),
    ] {
        let found = to_json(&found(&synthetic)).unwrap();
        let path = format!("tests/golden/{}.findings.json", synthetic.inventory.design);
        if std::env::var_os("BROWNOUT_BLESS").is_some() {
            std::fs::write(&path, &found).unwrap();
        } else {
            assert!(
                found == golden,
                "{path} differs; look at it, then bless it with BROWNOUT_BLESS=1\n{found}"
            );
        }
    }
}
