//! A design as a person writes it: `topology.toml`, read strictly.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use model::{Endpoint, Link};
use serde::Deserialize;
use toml::Spanned;

use crate::input::{InputError, Source};
use crate::part::{DatabaseRole, Part};

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
    pub public_address: IpAddr,
    /// Port of the public service.
    pub public_port: u16,
    /// Node whose DNS server the client asks.
    pub resolver: Option<String>,
    /// Node from which load comes.
    pub client: Option<String>,
    /// Settings of the whole design, for the templates.
    pub settings: toml::Table,
    /// In the order of the file.
    pub nodes: Vec<NodePlan>,
    /// In the order of the file.
    pub links: Vec<Link>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    summary: String,
    public_name: String,
    public_address: Spanned<IpAddr>,
    #[serde(default = "http_port")]
    public_port: u16,
    resolver: Option<Spanned<String>>,
    client: Option<Spanned<String>>,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    node: Vec<FileNode>,
    #[serde(default)]
    link: Vec<FileLink>,
}

fn http_port() -> u16 {
    80
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileNode {
    name: Spanned<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    addresses: Vec<Spanned<IpAddr>>,
    #[serde(default)]
    part: Vec<FilePart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePart {
    part: Spanned<String>,
    database: Option<DatabaseRole>,
    #[serde(default)]
    supervised: bool,
    #[serde(default)]
    settings: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLink {
    from: Spanned<String>,
    to: Spanned<String>,
    port: Option<u16>,
    protocol: String,
    step: Option<u32>,
    #[serde(default)]
    label: String,
}

impl Topology {
    /// Reads a topology whose parts must be among `parts`.
    ///
    /// # Errors
    ///
    /// Names the file, the line and the key of the first thing that is wrong: an unknown key or part, a link to no
    /// node, two nodes with one name or address, an address that is no host's.
    pub fn parse(text: &str, file: &str, parts: &HashMap<String, Part>) -> Result<Self, InputError> {
        let source = Source { file, text };
        let read: File = source.parse()?;
        let topology = Self {
            nodes: nodes(&source, &read, parts)?,
            links: Vec::new(),
            name: read.name,
            summary: read.summary,
            public_name: read.public_name,
            public_address: *read.public_address.get_ref(),
            public_port: read.public_port,
            resolver: read.resolver.as_ref().map(|name| name.get_ref().clone()),
            client: read.client.as_ref().map(|name| name.get_ref().clone()),
            settings: read.settings,
        };
        for (key, name) in [("resolver", &read.resolver), ("client", &read.client)] {
            if let Some(name) = name
                && !topology.nodes.iter().any(|node| node.name == *name.get_ref())
            {
                return Err(source.error(name.span(), format!("{key} = \"{}\" is no node", name.get_ref())));
            }
        }
        let links = links(&source, &read.link, &topology.nodes, parts)?;
        if let Some(index) = first_in_a_cycle(&links) {
            let message = format!(
                "link from `{}` to `{}` closes a circle: a process starts after those its links lead to",
                links[index].from, links[index].to
            );
            return Err(source.error(read.link[index].from.span(), message));
        }
        Ok(Self { links, ..topology })
    }
}

fn nodes(
    source: &Source<'_>,
    read: &File,
    parts: &HashMap<String, Part>,
) -> Result<Vec<NodePlan>, InputError> {
    if read.node.is_empty() {
        return Err(source.error(0..0, "a topology needs at least one [[node]]"));
    }
    let mut names = HashSet::new();
    let mut owners: HashMap<IpAddr, String> = HashMap::new();
    let mut nodes = Vec::new();
    for node in &read.node {
        let name = node.name.get_ref();
        // The name becomes a file name and a host name.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(
                source.error(node.name.span(), format!("node name `{name}`: use letters, digits and -"))
            );
        }
        if !names.insert(name.clone()) {
            return Err(source.error(node.name.span(), format!("two nodes are called `{name}`")));
        }
        let public = node.public.then_some(&read.public_address);
        let mut addresses = Vec::new();
        for address in public.into_iter().chain(&node.addresses) {
            let ip = *address.get_ref();
            check_address(ip).map_err(|why| source.error(address.span(), format!("address {ip}: {why}")))?;
            if let Some(other) = owners.insert(ip, name.clone()) {
                let message = format!("nodes `{other}` and `{name}` have the same address {ip}");
                return Err(source.error(address.span(), message));
            }
            addresses.push(ip);
        }
        if addresses.is_empty() {
            return Err(
                source.error(node.name.span(), format!("node `{name}` has no address: set `addresses`"))
            );
        }
        let mut processes = HashSet::new();
        let mut plans = Vec::new();
        for part in &node.part {
            let plan = part_plan(source, part, parts)?;
            if !processes.insert(parts[&plan.part].process.clone()) {
                return Err(source
                    .error(part.part.span(), format!("node `{name}` has the part `{}` twice", plan.part)));
            }
            plans.push(plan);
        }
        nodes.push(NodePlan { name: name.clone(), addresses, parts: plans });
    }
    Ok(nodes)
}

/// Nodes share one bridge, so any unicast IPv4 address will do; the documentation ranges of RFC 5737 are the custom.
fn check_address(address: IpAddr) -> Result<(), &'static str> {
    match address {
        IpAddr::V6(_) => Err("labs are IPv4 only"),
        IpAddr::V4(ip) if ip.is_loopback() => Err("is a loopback address, which no other node can reach"),
        IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() || ip == Ipv4Addr::UNSPECIFIED => {
            Err("is not the address of a host")
        }
        IpAddr::V4(_) => Ok(()),
    }
}

fn part_plan(
    source: &Source<'_>,
    read: &FilePart,
    parts: &HashMap<String, Part>,
) -> Result<PartPlan, InputError> {
    let name = read.part.get_ref();
    if !parts.contains_key(name) {
        let mut known: Vec<&str> = parts.keys().map(String::as_str).collect();
        known.sort_unstable();
        let message = format!("unknown part `{name}`: use one of {}", known.join(", "));
        return Err(source.error(read.part.span(), message));
    }
    Ok(PartPlan {
        part: name.clone(),
        database: read.database,
        supervised: read.supervised,
        settings: read.settings.clone(),
    })
}

fn links(
    source: &Source<'_>,
    read: &[FileLink],
    nodes: &[NodePlan],
    parts: &HashMap<String, Part>,
) -> Result<Vec<Link>, InputError> {
    let endpoint = |text: &Spanned<String>| -> Result<Endpoint, InputError> {
        let (name, process) = match text.get_ref().split_once('/') {
            Some((node, process)) => (node, Some(process)),
            None => (text.get_ref().as_str(), None),
        };
        let Some(node) = nodes.iter().find(|node| node.name == name) else {
            return Err(source
                .error(text.span(), format!("link to `{}`, but there is no node `{name}`", text.get_ref())));
        };
        let runs = |process: &str| node.parts.iter().any(|plan| parts[&plan.part].process == process);
        if let Some(process) = process
            && !runs(process)
        {
            return Err(source.error(
                text.span(),
                format!("link to `{}`, but `{name}` runs no `{process}`", text.get_ref()),
            ));
        }
        Ok(Endpoint { node: name.to_owned(), process: process.map(str::to_owned) })
    };
    read.iter()
        .map(|link| {
            Ok(Link {
                from: endpoint(&link.from)?,
                to: endpoint(&link.to)?,
                port: link.port,
                protocol: link.protocol.clone(),
                step: link.step,
                label: link.label.clone(),
            })
        })
        .collect()
}

/// The first link whose end leads back to its beginning.
fn first_in_a_cycle(links: &[Link]) -> Option<usize> {
    let mut reached = HashSet::new();
    (0..links.len()).find(|index| {
        reached.clear();
        let mut open = vec![&links[*index].to];
        while let Some(end) = open.pop() {
            if *end == links[*index].from {
                return true;
            }
            if reached.insert(end.to_string()) {
                open.extend(links.iter().filter(|link| link.from == *end).map(|link| &link.to));
            }
        }
        false
    })
}
