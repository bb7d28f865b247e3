//! Somebody who is no part of the design tries the ports of every server.

use std::net::IpAddr;
use std::thread;

use anyhow::anyhow;
use model::Node;
use targets::claims::Scan;

use super::figures::Figures;
use super::judge::{Judge, list};
use super::ports::{self, Found};
use super::testbed::{STRANGER, Testbed};
use crate::failure::{Code, Failure, OrFail};

/// The ports of every part are below; a full scan takes all.
const QUICK: u16 = 10_240;

pub(crate) fn measure(scan: &Scan, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let stranger = bed.inventory.node(STRANGER);
    let stranger = stranger.ok_or_else(|| Failure::new(Code::Bug, anyhow!("the lab has no stranger")))?;
    let most = if bed.quick { QUICK } else { u16::MAX };
    let servers: Vec<&Node> = bed.inventory.nodes.iter().filter(|node| !node.processes.is_empty()).collect();
    let doors: Vec<(&Node, IpAddr)> =
        servers.iter().flat_map(|node| node.addresses.iter().map(move |address| (*node, *address))).collect();
    let found: Vec<anyhow::Result<Found>> = thread::scope(|scope| {
        let scans: Vec<_> = doors
            .iter()
            .map(|(_, address)| {
                scope.spawn(move || Ok(reach::within(&stranger.reach, || ports::scan(*address, 1..=most))??))
            })
            .collect();
        let joined = scans.into_iter().map(|scan| scan.join());
        joined.map(|scan| scan.unwrap_or_else(|_| Err(anyhow!("the scan panicked")))).collect()
    });
    let (mut refused, mut silent) = (0, 0);
    for ((node, _), found) in doors.iter().zip(found) {
        let found = found.or_fail(Code::Environment)?;
        refused += found.refused;
        silent += found.silent;
        for port in &found.open {
            figures.set(&format!("open_{}_{port}", node.name), 1.0);
        }
    }
    figures.count("refused_ports_count", refused);
    figures.count("silent_ports_count", silent);
    figures.count("ports_tried_count", u64::from(most) * doors.len() as u64);
    for door in &scan.open {
        let nodes: Vec<&&Node> = servers.iter().filter(|node| node.roles().contains(&door.role)).collect();
        let open = |node: &&&Node| figures.get(&format!("open_{}_{}", node.name, door.port)).is_some();
        let reached = nodes.iter().filter(|node| open(node)).count();
        #[expect(clippy::cast_precision_loss, reason = "a handful of nodes")]
        let share = reached as f64 / nodes.len().max(1) as f64;
        figures.set(&format!("{}_{}_reached_share", door.role, door.port), share);
    }
    let guarded =
        servers.iter().filter(|node| bed.inventory.firewalls.iter().any(|wall| wall.node == node.name));
    let mut others = 0;
    for node in guarded {
        let expected = |port: &str| {
            scan.open.iter().any(|door| door.port.to_string() == port && node.roles().contains(&door.role))
        };
        let before = format!("open_{}_", node.name.replace('-', "_"));
        others += figures.between(&before, "").iter().filter(|(port, _)| !expected(port)).count();
    }
    figures.count("guarded_nodes_count", bed.inventory.firewalls.len() as u64);
    figures.count("other_open_ports_count", others as u64);
    Ok(figures)
}

pub(crate) fn judge<'a>(scan: &Scan, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    let open: Vec<String> =
        figures.between("open_", "").iter().map(|(name, _)| name.replacen('_', ":", 1)).collect();
    if let Some(tried) = judge.need("ports_tried_count") {
        judge.say(format!("of {tried:.0} ports tried by a stranger {} are open", list(&open)));
    }
    for door in &scan.open {
        if let Some(share) = judge.need(&format!("{}_{}_reached_share", door.role, door.port)) {
            judge.expect(share >= 1.0, format!("port {} of {} was not reached", door.port, door.role));
        }
    }
    if let Some(others) = judge.need("other_open_ports_count").filter(|_| scan.nothing_else) {
        judge.expect(others == 0.0, format!("{others:.0} other ports of nodes with a firewall are open"));
        let guarded = judge.need("guarded_nodes_count").unwrap_or_default();
        judge.expect(guarded > 0.0, "no node has a firewall");
        // A scan that finds nothing at all would prove only that it does not work.
        judge.trust(!open.is_empty(), "the scan found no port at all");
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Role;
    use targets::claims::Door;

    fn plan(port: u16, nothing_else: bool) -> Scan {
        Scan { open: vec![Door { role: Role::Database, port }], nothing_else }
    }

    fn figures(reached: f64, others: f64) -> Figures {
        let mut figures = Figures::default();
        figures.set("ports_tried_count", 40960.0);
        figures.set("database_3306_reached_share", reached);
        figures.set("other_open_ports_count", others);
        figures.set("guarded_nodes_count", 3.0);
        if reached > 0.0 {
            figures.set("open_server1_3306", 1.0);
        }
        figures
    }

    #[test]
    fn a_database_that_a_stranger_reaches_is_not_behind_a_firewall() {
        let figures = figures(1.0, 3.0);
        let judge = judge(&plan(3306, false), &figures);
        assert_eq!(judge.verdict(), "holds");
        assert_eq!(judge.measured(), "of 40960 ports tried by a stranger server1:3306 are open");
    }

    #[test]
    fn a_door_more_or_less_denies_what_is_said_of_a_firewall() {
        assert_eq!(judge(&plan(3306, true), &figures(1.0, 0.0)).verdict(), "holds");
        assert_eq!(judge(&plan(3306, true), &figures(1.0, 1.0)).verdict(), "does not hold");
        assert_eq!(judge(&plan(3306, false), &figures(0.5, 0.0)).verdict(), "does not hold");
    }

    #[test]
    fn a_scan_that_finds_nothing_at_all_proves_nothing() {
        assert_eq!(judge(&plan(3306, true), &figures(0.0, 0.0)).verdict(), "unknown");
        assert_eq!(judge(&plan(3306, true), &Figures::default()).verdict(), "unknown");
    }
}
