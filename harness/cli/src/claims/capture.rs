//! An order with a secret is posted while the packets on the links are looked through for it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use model::{Endpoint, Inventory, Link, Node, Role};
use targets::claims::{Capture, Leg};

use super::figures::Figures;
use super::judge::Judge;
use super::packets;
use super::testbed::{Asked, Testbed, orders_with};
use crate::failure::{Code, Failure};

const RATE: f64 = 10.0;
const LENGTH: Duration = Duration::from_secs(2);
/// What has been sent is on the wire by then.
const LINGER: Duration = Duration::from_millis(300);
/// Fewer posts may all take another way.
const FEWEST: f64 = 10.0;

pub(crate) fn measure(capture: &Capture, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let secret = bed.word("secret");
    let links: Vec<(usize, &Link)> = capture
        .leg
        .iter()
        .enumerate()
        .flat_map(|(index, leg)| bed.inventory.links.iter().map(move |link| (index, leg, link)))
        .filter(|(_, leg, link)| fits(leg, link, bed.inventory))
        .map(|(index, _, link)| (index, link))
        .collect();
    let mut nodes: Vec<&Node> = Vec::new();
    for node in links.iter().filter_map(|(_, link)| bed.inventory.node(&link.to.node)) {
        if !nodes.iter().any(|known| known.name == node.name) {
            nodes.push(node);
        }
    }
    let stop = AtomicBool::new(false);
    let ready: Vec<AtomicBool> = nodes.iter().map(|_| AtomicBool::new(false)).collect();
    let (seen, captures) = thread::scope(|scope| {
        let threads: Vec<_> = nodes
            .iter()
            .zip(&ready)
            .map(|(node, ready)| {
                let (text, stop) = (secret.as_str(), &stop);
                scope.spawn(move || {
                    let work = || packets::Capture::of(text).run(ready, stop);
                    let outcome = reach::within(&node.reach, work)?.context("packets cannot be read");
                    ready.store(true, Ordering::Release);
                    outcome
                })
            })
            .collect();
        while !ready.iter().all(|ready| ready.load(Ordering::Acquire)) {
            thread::sleep(Duration::from_millis(5));
        }
        let asked = Asked { scenario: orders_with(&secret), rate_hz: RATE, ..Asked::usual("posts", LENGTH) };
        let seen = bed.load(&asked, &mut figures);
        thread::sleep(LINGER);
        stop.store(true, Ordering::Release);
        let captures: Vec<anyhow::Result<packets::Capture>> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("the capture panicked"))))
            .collect();
        (seen, captures)
    });
    figures.count("posted_orders_count", seen?.summary.requests.good);
    for (index, link) in links {
        let at = nodes.iter().position(|node| node.name == link.to.node);
        let capture = at.and_then(|at| captures.get(at));
        match capture {
            Some(Ok(capture)) => keep(index, link, capture, bed.inventory, &mut figures)?,
            Some(Err(error)) => figures.doubt(format!("no capture on {}: {error:#}", link.to.node)),
            None => figures.doubt(format!("no capture on {}", link.to.node)),
        }
    }
    Ok(figures)
}

/// Links between nodes over TCP, of these roles.
fn fits(leg: &Leg, link: &Link, inventory: &Inventory) -> bool {
    let is =
        |role: Option<Role>, end: &Endpoint| role.is_none_or(|role| role_of(end, inventory) == Some(role));
    let over_tcp = link.port.is_some() && link.protocol != "dns";
    link.from.node != link.to.node && over_tcp && is(leg.from, &link.from) && is(leg.to, &link.to)
}

fn role_of(end: &Endpoint, inventory: &Inventory) -> Option<Role> {
    if inventory.client.as_ref() == Some(&end.node) {
        return Some(Role::Client);
    }
    let processes = &inventory.node(&end.node)?.processes;
    processes.iter().find(|process| Some(&process.name) == end.process.as_ref()).map(|process| process.role)
}

fn keep(
    leg: usize,
    link: &Link,
    capture: &packets::Capture,
    inventory: &Inventory,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let addresses = |node: &str| -> Vec<IpAddr> {
        let own = inventory.node(node).map(|node| node.addresses.clone()).unwrap_or_default();
        let moving =
            inventory.virtual_addresses.iter().filter(|moving| moving.nodes.iter().any(|n| n == node));
        own.into_iter().chain(moving.map(|moving| moving.address)).collect()
    };
    let (from, to) = (addresses(&link.from.node), addresses(&link.to.node));
    let port = link.port.ok_or_else(|| Failure::new(Code::Bug, anyhow!("a captured link without a port")))?;
    let client = |end: SocketAddr| from.contains(&end.ip());
    let server = |end: SocketAddr| to.contains(&end.ip()) && end.port() == port;
    let there = capture.seen(client, server);
    let back = capture.seen(server, client);
    let name = format!("leg{leg}_{}_{}_{port}", link.from.node, link.to.node);
    figures.count(&format!("{name}_bytes"), there.bytes + back.bytes);
    figures.count(&format!("{name}_tls_records_count"), there.tls + back.tls);
    figures.count(&format!("{name}_secrets_count"), there.hits + back.hits);
    Ok(())
}

pub(crate) fn judge<'a>(capture: &Capture, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    if let Some(posted) = judge.need("posted_orders_count") {
        judge.trust(posted >= FEWEST, format!("only {posted:.0} orders were placed"));
    }
    for (index, leg) in capture.leg.iter().enumerate() {
        one(index, leg, figures, &mut judge);
    }
    judge
}

fn one(index: usize, leg: &Leg, figures: &Figures, judge: &mut Judge<'_>) {
    let before = format!("leg{index}_");
    let sum = |unit: &str| figures.between(&before, unit).iter().map(|(_, value)| value).sum::<f64>();
    let role = |role: Option<Role>| role.map_or("any", Role::as_str);
    let way = format!("from {} to {}", role(leg.from), role(leg.to));
    let (bytes, secrets, tls) = (sum("_bytes"), sum("_secrets_count"), sum("_tls_records_count"));
    // Silence proves nothing: the capture must have seen the requests go by.
    judge.trust(bytes > 0.0, format!("the capture saw nothing {way}"));
    judge.say(format!("{way} the secret was read {secrets:.0} times in {bytes:.0} bytes"));
    if leg.secret {
        judge.expect(secrets > 0.0, format!("the secret was not read {way}"));
    } else {
        judge.expect(secrets == 0.0, format!("the secret was read {secrets:.0} times {way}"));
        judge.trust(tls > 0.0 || secrets > 0.0, format!("nothing that looks like TLS was seen {way}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(secret: bool) -> Capture {
        let leg = Leg { from: Some(Role::Client), to: Some(Role::LoadBalancer), secret };
        Capture { leg: vec![leg] }
    }

    fn figures(bytes: f64, secrets: f64, tls: f64) -> Figures {
        let mut figures = Figures::default();
        figures.set("posted_orders_count", 20.0);
        figures.set("leg0_client_lb1_80_bytes", bytes);
        figures.set("leg0_client_lb1_80_secrets_count", secrets);
        figures.set("leg0_client_lb1_80_tls_records_count", tls);
        figures
    }

    #[test]
    fn what_is_sent_in_clear_is_read() {
        assert_eq!(judge(&plan(true), &figures(4000.0, 20.0, 0.0)).verdict(), "holds");
        assert_eq!(judge(&plan(true), &figures(4000.0, 0.0, 40.0)).verdict(), "does not hold");
    }

    #[test]
    fn that_nothing_was_read_needs_proof_that_there_was_something_to_read() {
        assert_eq!(judge(&plan(false), &figures(9000.0, 0.0, 40.0)).verdict(), "holds");
        assert_eq!(judge(&plan(false), &figures(9000.0, 1.0, 40.0)).verdict(), "does not hold");
        assert_eq!(judge(&plan(false), &figures(0.0, 0.0, 0.0)).verdict(), "unknown");
        assert_eq!(judge(&plan(false), &figures(9000.0, 0.0, 0.0)).verdict(), "unknown");
    }
}
