//! The nftables table of one injection on one node.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use model::{Direction, Node};

use crate::node::run;

/// Begins the name of every table of ours, by which the sweep knows them.
pub(crate) const TABLE_PREFIX: &str = "brownout_";

pub(super) struct Table<'a> {
    pub(super) name: String,
    pub(super) node: &'a Node,
    pub(super) direction: Direction,
    /// The node itself means the traffic inside it.
    pub(super) peer: Option<&'a Node>,
    pub(super) port: Option<u16>,
    /// Packets that met a rule, once they have been counted.
    pub(super) matched: Option<u64>,
}

pub(super) fn list_tables() -> Vec<String> {
    nft(["list", "tables", "inet"])
}

fn nft<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    std::iter::once("nft").chain(words).map(str::to_owned).collect()
}

impl Table<'_> {
    /// The command that adds the table, whose rules match for `life` by the kernel's own clock.
    pub(super) fn add(&self, life: Duration) -> Vec<String> {
        let (name, life) = (&self.name, life.as_millis());
        let mut script = format!(
            "add table inet {name}\n\
             add set inet {name} in_force {{ type nf_proto; flags timeout; \
             elements = {{ ipv4 timeout {life}ms, ipv6 timeout {life}ms }}; }}\n\
             add counter inet {name} dropped\n"
        );
        for (chain, interface, address) in self.chains() {
            // Writing to a string cannot fail.
            let _ = writeln!(
                script,
                "add chain inet {name} {chain} {{ type filter hook {chain} priority -300; policy accept; }}"
            );
            for matches in self.matches(interface, address) {
                let _ = writeln!(
                    script,
                    "add rule inet {name} {chain} meta nfproto @in_force {matches} counter name dropped drop"
                );
            }
        }
        nft([script.as_str()])
    }

    /// The hooks of the direction, with the words for "by this interface" and "the other side's address".
    fn chains(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let input = ("input", "iifname", "saddr");
        let output = ("output", "oifname", "daddr");
        match self.direction {
            Direction::Both => vec![input, output],
            Direction::In => vec![input],
            Direction::Out => vec![output],
        }
    }

    /// The packets meant, one text per rule.
    fn matches(&self, interface: &str, address: &str) -> Vec<String> {
        let inside = self.peer.is_some_and(|peer| peer.name == self.node.name);
        let hosts: Vec<String> = match self.peer {
            Some(_) if inside => vec![format!("{interface} \"lo\"")],
            Some(peer) => peer
                .addresses
                .iter()
                .map(|ip| match ip {
                    IpAddr::V4(ip) => format!("{interface} != \"lo\" ip {address} {ip}"),
                    IpAddr::V6(ip) => format!("{interface} != \"lo\" ip6 {address} {ip}"),
                })
                .collect(),
            None => vec![format!("{interface} != \"lo\"")],
        };
        // Either end of the connection may be the one with the port.
        let ports = match self.port {
            Some(port) => {
                ["sport", "dport"].map(|end| format!(" meta l4proto {{ tcp, udp }} th {end} {port}")).to_vec()
            }
            None => vec![String::new()],
        };
        hosts.iter().flat_map(|host| ports.iter().map(move |port| format!("{host}{port}"))).collect()
    }

    pub(super) fn list_set(&self) -> Vec<String> {
        nft(["list", "set", "inet", &self.name, "in_force"])
    }

    pub(super) fn delete(&self) -> Vec<String> {
        nft(["delete", "table", "inet", &self.name])
    }

    /// Packets that met a rule; `None` when the kernel no longer knows.
    pub(super) fn count(&self, deadline: Duration) -> Option<u64> {
        let argv = nft(["list", "counter", "inet", &self.name, "dropped"]);
        let listed = run(self.node, &argv, deadline).ok().filter(reach::Output::success)?.stdout;
        let mut words = listed.split_whitespace();
        words.find(|word| *word == "packets")?;
        words.next()?.parse().ok()
    }

    pub(super) fn exists(&self, deadline: Duration) -> Result<bool, crate::FaultError> {
        let listed = crate::node::must(self.node, &list_tables(), deadline, "listing nft tables")?;
        Ok(listed.lines().any(|line| line.split_whitespace().last() == Some(&self.name)))
    }
}
