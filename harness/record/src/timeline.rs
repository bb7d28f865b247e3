//! `timeline.json`: what was asked with every choice resolved, and what was up.

use model::{Accept, Firewall, Inventory, Link, Node, Process, ResolvedInjection, Timeline, VirtualAddress};
use serde::{Deserialize, Serialize};

use crate::plan::FaultRecord;
use crate::{FORMAT_VERSION, files, secrets};

/// `timeline.json`. `at_s` counts from the start of the measured load; phases from the start of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimelineRecord {
    pub(crate) format_version: u32,
    pub(crate) phases: Vec<PhaseRecord>,
    pub(crate) injections: Vec<InjectionRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inventory: Option<InventoryRecord>,
}

/// A phase of the load as planned, from the start of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// "warm-up", "measure" or "cool-down".
    pub phase: String,
    /// Its beginning, in seconds.
    pub from_s: f64,
    /// Its end, in seconds.
    pub to_s: f64,
}

/// An injection with every random choice made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectionRecord {
    /// Names it.
    pub name: String,
    /// The kind of harm.
    pub fault: FaultRecord,
    /// When it was to begin, in seconds from the start of the measured load.
    pub at_s: f64,
    /// How long it was to be in force, in seconds.
    pub for_s: f64,
    /// Whom it was to hit: `server1/mariadbd`, `server2`. For the primary, the candidates.
    pub targets: Vec<String>,
}

/// What was up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryRecord {
    /// "1-distributed".
    pub design: String,
    /// One sentence about it.
    pub summary: String,
    /// The name in users' address bars.
    pub public_name: String,
    /// Port of the public service.
    pub public_port: u16,
    /// Whether the public service speaks TLS.
    #[serde(default)]
    pub public_tls: bool,
    /// Addresses that move between nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_addresses: Vec<VirtualAddressRecord>,
    /// The nodes that have a packet filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firewalls: Vec<FirewallRecord>,
    /// Address and port of the design's own DNS server: of several, the one that is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<String>,
    /// The node whose network the load came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// In the order of the topology.
    pub nodes: Vec<NodeRecord>,
    /// Who talks to whom.
    pub links: Vec<LinkRecord>,
}

/// An address that is on one of several nodes at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualAddressRecord {
    /// "public", "database".
    pub name: String,
    /// The address.
    pub address: String,
    /// The nodes that it may be on, the one that it begins on first.
    pub nodes: Vec<String>,
}

/// A node's packet filter: what is not accepted is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRecord {
    /// The node.
    pub node: String,
    /// What may come in.
    pub accepts: Vec<AcceptRecord>,
}

/// A flow that a packet filter lets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptRecord {
    /// The nodes that it comes from; empty for anybody.
    pub from: Vec<String>,
    /// What is spoken: "http", "sql", "dns", "vrrp".
    pub protocol: String,
    /// Port on this node; absent for what has no ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Its addresses, the one that other nodes use first.
    pub addresses: Vec<String>,
    /// Its processes in the order in which they start.
    pub processes: Vec<ProcessRecord>,
}

/// A part as it ran on a node. Its commands are not kept: they may carry passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// Unique on its node.
    pub name: String,
    /// The part it comes from.
    pub part: String,
    /// What it is for.
    pub role: String,
    /// Whether something starts it again as soon as it dies.
    pub supervised: bool,
}

/// A directed path that traffic takes. An end is `node` or `node/process`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRecord {
    /// Who connects.
    pub from: String,
    /// Who accepts.
    pub to: String,
    /// Port on the accepting side; absent for unix sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// "http", "sql", "dns", "replication".
    pub protocol: String,
    /// Place on the request's way, counted from 1; absent for links that a request does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What is passed, in a few words.
    pub label: String,
}

impl TimelineRecord {
    pub(crate) fn new(timeline: &Timeline) -> Self {
        let phases = timeline.plan.phases();
        let phase = |phase: model::Phase, from: std::time::Duration, to: std::time::Duration| PhaseRecord {
            phase: phase.as_str().to_owned(),
            from_s: files::tidy_seconds(from.as_secs_f64()),
            to_s: files::tidy_seconds(to.as_secs_f64()),
        };
        Self {
            format_version: FORMAT_VERSION,
            phases: vec![
                phase(model::Phase::WarmUp, std::time::Duration::ZERO, phases.measure_from),
                phase(model::Phase::Measure, phases.measure_from, phases.measure_to),
                phase(model::Phase::CoolDown, phases.measure_to, phases.load_to),
            ],
            injections: timeline.injections.iter().map(injection).collect(),
            inventory: timeline.inventory.as_ref().map(InventoryRecord::from),
        }
    }
}

fn injection(resolved: &ResolvedInjection) -> InjectionRecord {
    InjectionRecord {
        name: resolved.injection.name.clone(),
        fault: FaultRecord::new(&resolved.injection.fault),
        at_s: resolved.injection.at.as_secs_f64(),
        for_s: resolved.injection.hold.as_secs_f64(),
        targets: resolved.targets.iter().map(ToString::to_string).collect(),
    }
}

impl From<&Inventory> for InventoryRecord {
    fn from(inventory: &Inventory) -> Self {
        Self {
            design: inventory.design.clone(),
            summary: inventory.summary.clone(),
            public_name: inventory.public_name.clone(),
            public_port: inventory.public_port,
            resolver: inventory.resolvers.first().map(ToString::to_string),
            client: inventory.client.clone(),
            nodes: inventory.nodes.iter().map(node).collect(),
            links: inventory.links.iter().map(link).collect(),
            public_tls: inventory.public_tls,
            virtual_addresses: inventory.virtual_addresses.iter().map(virtual_address).collect(),
            firewalls: inventory.firewalls.iter().map(firewall).collect(),
        }
    }
}

fn virtual_address(address: &VirtualAddress) -> VirtualAddressRecord {
    VirtualAddressRecord {
        name: address.name.clone(),
        address: address.address.to_string(),
        nodes: address.nodes.clone(),
    }
}

fn firewall(firewall: &Firewall) -> FirewallRecord {
    let accept = |accept: &Accept| AcceptRecord {
        from: accept.from.clone(),
        protocol: accept.protocol.clone(),
        port: accept.port,
    };
    FirewallRecord { node: firewall.node.clone(), accepts: firewall.accepts.iter().map(accept).collect() }
}

fn node(node: &Node) -> NodeRecord {
    let process = |process: &Process| ProcessRecord {
        name: process.name.clone(),
        part: process.part.clone(),
        role: process.role.as_str().to_owned(),
        supervised: process.supervised,
    };
    NodeRecord {
        name: node.name.clone(),
        addresses: node.addresses.iter().map(ToString::to_string).collect(),
        processes: node.processes.iter().map(process).collect(),
    }
}

fn link(link: &Link) -> LinkRecord {
    LinkRecord {
        from: link.from.to_string(),
        to: link.to.to_string(),
        port: link.port,
        protocol: link.protocol.clone(),
        step: link.step,
        label: secrets::url(&link.label),
    }
}
