//! A design as a person writes it: `topology.toml`, read strictly.

mod file;
mod links;
mod nodes;
mod settings;

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

use model::{Accept, Endpoint, Firewall, Link, VirtualAddress};

use crate::input::{InputError, Source};
use crate::part::{DatabaseRole, Part};
use file::File;
use nodes::Nodes;
pub use settings::Setting;
use settings::Settings;
pub(crate) use settings::plain;

/// Nodes and links intended.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// "1-distributed".
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// The name in users' address bars.
    pub public_name: String,
    /// What that name resolves to.
    pub public_addresses: Vec<IpAddr>,
    /// Port of the public service.
    pub public_port: u16,
    /// Whether the public service speaks TLS.
    pub public_tls: bool,
    /// Nodes whose DNS servers the client asks, in this order.
    pub resolvers: Vec<String>,
    /// Node from which load comes.
    pub client: Option<String>,
    /// Settings of the whole design, for the templates.
    pub settings: toml::Table,
    /// Addresses that move between nodes.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// In the order of the file.
    pub nodes: Vec<NodePlan>,
    /// In the order of the file.
    pub links: Vec<Link>,
    /// Who can only start when whom is ready.
    pub needs: Vec<(Endpoint, Endpoint)>,
}

/// A node intended.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePlan {
    /// Unique.
    pub name: String,
    /// Every address; the first is the one other nodes use.
    pub addresses: Vec<IpAddr>,
    /// What runs on it.
    pub parts: Vec<PartPlan>,
    /// Whether only what its links bring may come in.
    pub firewall: bool,
    /// Names that its certificate vouches for beside its own; `None` when it has no certificate.
    pub certificate: Option<Vec<String>>,
}

/// A part intended on a node.
#[derive(Debug, Clone, PartialEq)]
pub struct PartPlan {
    /// The part's name.
    pub part: String,
    /// For a database: whether it begins as the primary.
    pub database: Option<DatabaseRole>,
    /// Whether it is started again as soon as it dies.
    pub supervised: bool,
    /// Settings of this part on this node, over the design's.
    pub settings: toml::Table,
}

impl Topology {
    /// Reads a topology whose parts must be among `parts`, with the settings that were `given` over its own.
    ///
    /// # Errors
    ///
    /// Names the file, the line and the key of the first thing that is wrong: an unknown key, part or setting, a link
    /// to no node, two nodes with one name or address, an address that is no host's or outside the design's networks,
    /// a circle of processes that wait for each other.
    pub fn parse(
        text: &str,
        file: &str,
        parts: &HashMap<String, Part>,
        given: &[Setting],
    ) -> Result<Self, InputError> {
        let source = Source { file, text };
        let read: File = source.parse()?;
        let settings = Settings::new(&source, &read.settings, &read.choices, given, parts)?;
        let nodes = Nodes::read(&source, &read, parts, &settings)?;
        let known = |key: &str, name: &String, span: Range<usize>| {
            if nodes.plans.iter().any(|node| node.name == *name) {
                return Ok(name.clone());
            }
            Err(source.error(span, format!("{key} = \"{name}\" is no node")))
        };
        let mut resolvers = Vec::new();
        if let Some(asked) = &read.resolver {
            for name in asked.get_ref().all() {
                resolvers.push(known("resolver", name, asked.span())?);
            }
        }
        let client =
            read.client.as_ref().map(|name| known("client", name.get_ref(), name.span())).transpose()?;
        let (links, needs) = links::links(&source, &read.link, &nodes.plans, parts, &settings)?;
        Ok(Self {
            public_addresses: nodes.public,
            virtual_addresses: nodes.virtuals,
            nodes: nodes.plans,
            settings: settings.values,
            name: read.name,
            summary: read.summary,
            public_name: read.public_name,
            public_port: read.public_port,
            public_tls: read.public_tls,
            resolvers,
            client,
            links,
            needs,
        })
    }

    /// What the packet filters let in: what the links bring from other nodes. What comes from the client's node may
    /// come from anybody, as the client stands for the world.
    #[must_use]
    pub fn firewalls(&self) -> Vec<Firewall> {
        let guarded = self.nodes.iter().filter(|node| node.firewall);
        guarded.map(|node| Firewall { node: node.name.clone(), accepts: self.accepts(&node.name) }).collect()
    }

    fn accepts(&self, node: &str) -> Vec<Accept> {
        let mut accepts: Vec<Accept> = Vec::new();
        for link in self.links.iter().filter(|link| link.to.node == node && link.from.node != node) {
            let anybody = self.client.as_ref() == Some(&link.from.node);
            let same = |accept: &&mut Accept| {
                accept.port == link.port
                    && accept.protocol == link.protocol
                    && accept.from.is_empty() == anybody
            };
            let from = if anybody { Vec::new() } else { vec![link.from.node.clone()] };
            match accepts.iter_mut().find(same) {
                Some(accept) if from.iter().all(|node| accept.from.contains(node)) => (),
                Some(accept) => accept.from.extend(from),
                None => accepts.push(Accept { from, protocol: link.protocol.clone(), port: link.port }),
            }
        }
        accepts
    }
}

/// The nodes that `pattern` names: one name, or every name that goes on with a number after `web*`.
fn matching<'a>(pattern: &str, nodes: &'a [NodePlan]) -> Vec<&'a NodePlan> {
    let fits = |name: &str| match pattern.strip_suffix('*') {
        None => name == pattern,
        Some(stem) => name
            .strip_prefix(stem)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit())),
    };
    nodes.iter().filter(|node| fits(&node.name)).collect()
}
