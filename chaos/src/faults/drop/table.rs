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
    nft(["list", "tables"])
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
        if self.with_arp() {
            let _ = writeln!(
                script,
                "add table arp {name}\n\
                 add set arp {name} in_force {{ typeof arp operation; flags timeout; \
                 elements = {{ request timeout {life}ms, reply timeout {life}ms }}; }}\n\
                 add counter arp {name} dropped"
            );
        }
        for (chain, interface, address) in self.chains() {
            let hook = format!("{{ type filter hook {chain} priority -300; policy accept; }}");
            // Writing to a string cannot fail.
            let _ = writeln!(script, "add chain inet {name} {chain} {hook}");
            for matches in self.matches(interface, address) {
                let _ = writeln!(
                    script,
                    "add rule inet {name} {chain} meta nfproto @in_force {matches} counter name dropped drop"
                );
            }
            if self.with_arp() {
                let _ = writeln!(script, "add chain arp {name} {chain} {hook}");
                for matches in self.arp_matches(address) {
                    let _ = writeln!(
                        script,
                        "add rule arp {name} {chain} arp operation @in_force {matches} counter name dropped drop"
                    );
                }
            }
        }
        nft([script.as_str()])
    }

    /// Whether nodes are cut off from each other, and not only some of their traffic. Then they do not hear each other's
    /// ARP either: a node that is cut off and still says that an address is its own would draw to itself what is sent to
    /// the node that the address has moved to. Without ARP a break of one way would soon be one of both.
    fn with_arp(&self) -> bool {
        self.direction == Direction::Both && self.port.is_none() && !self.is_inside()
    }

    /// The families of the tables, for `nft`.
    pub(super) fn families(&self) -> &'static [&'static str] {
        if self.with_arp() { &["inet", "arp"] } else { &["inet"] }
    }

    /// Whether the traffic inside the node is meant.
    fn is_inside(&self) -> bool {
        self.peer.is_some_and(|peer| peer.name == self.node.name)
    }

    /// The ARP packets meant, one text per rule. `address` is the other side's.
    fn arp_matches(&self, address: &str) -> Vec<String> {
        match self.peer {
            Some(peer) => {
                let ipv4 = peer.addresses.iter().filter(|ip| ip.is_ipv4());
                ipv4.map(|ip| format!("arp {address} ip {ip}")).collect()
            }
            None => vec![String::new()],
        }
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
        let inside = self.is_inside();
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

    pub(super) fn list_set(&self, family: &str) -> Vec<String> {
        nft(["list", "set", family, &self.name, "in_force"])
    }

    /// The command that deletes the tables, whether both are there or one.
    pub(super) fn delete(&self) -> Vec<String> {
        let one = |family| format!("add table {family} {0}\ndelete table {family} {0}\n", self.name);
        nft([self.families().iter().map(one).collect::<String>().as_str()])
    }

    /// Packets that met a rule, those of ARP among them: whoever looks for the node in vain sends nothing else. `None` when
    /// the kernel no longer knows.
    pub(super) fn count(&self, deadline: Duration) -> Option<u64> {
        self.families().iter().map(|family| self.count_of(family, deadline)).sum()
    }

    fn count_of(&self, family: &str, deadline: Duration) -> Option<u64> {
        let argv = nft(["list", "counter", family, &self.name, "dropped"]);
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
