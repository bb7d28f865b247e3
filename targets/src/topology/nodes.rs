//! Nodes and the addresses that move between them: counts are resolved, names and addresses checked.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use model::VirtualAddress;
use toml::Spanned;

use super::file::{File, FileNode, FilePart};
use super::settings::Settings;
use super::{NodePlan, PartPlan, matching};
use crate::input::{InputError, Source};
use crate::part::{DatabaseRole, Part};

/// What has been taken so far.
pub(super) struct Nodes<'a> {
    source: &'a Source<'a>,
    read: &'a File,
    parts: &'a HashMap<String, Part>,
    settings: &'a Settings<'a>,
    networks: Vec<Network>,
    owners: HashMap<IpAddr, String>,
    pub(super) plans: Vec<NodePlan>,
    pub(super) virtuals: Vec<VirtualAddress>,
    /// What the public name leads to.
    pub(super) public: Vec<IpAddr>,
}

impl<'a> Nodes<'a> {
    pub(super) fn read(
        source: &'a Source<'a>,
        read: &'a File,
        parts: &'a HashMap<String, Part>,
        settings: &'a Settings<'a>,
    ) -> Result<Self, InputError> {
        if read.node.is_empty() {
            return Err(source.error(0..0, "a topology needs at least one [[node]]"));
        }
        let network = |text: &Spanned<String>| {
            Network::parse(text.get_ref()).ok_or_else(|| {
                let message = format!("networks: `{}` is not of the form 192.0.2.0/24", text.get_ref());
                source.error(text.span(), message)
            })
        };
        let mut nodes = Self {
            source,
            read,
            parts,
            settings,
            networks: read.networks.iter().map(network).collect::<Result<_, _>>()?,
            owners: HashMap::new(),
            plans: Vec::new(),
            virtuals: Vec::new(),
            public: vec![*read.public_address.get_ref()],
        };
        for node in &read.node {
            if settings.hold(&node.when)? {
                nodes.take(node)?;
            }
        }
        nodes.take_virtuals()?;
        Ok(nodes)
    }

    fn take(&mut self, node: &FileNode) -> Result<(), InputError> {
        let count = match &node.count {
            None => return self.take_one(node, node.name.get_ref(), 0),
            Some(count) => self.settings.count(count.get_ref(), count.span())?,
        };
        for index in 0..count {
            self.take_one(node, &format!("{}{}", node.name.get_ref(), index + 1), index)?;
        }
        Ok(())
    }

    fn take_one(&mut self, node: &FileNode, name: &str, index: usize) -> Result<(), InputError> {
        let span = node.name.span();
        // The name becomes a file name and a host name.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(self.source.error(span, format!("node name `{name}`: use letters, digits and -")));
        }
        if self.plans.iter().any(|plan| plan.name == name) {
            return Err(self.source.error(span, format!("two nodes are called `{name}`")));
        }
        let public = (node.public && index == 0).then_some(&self.read.public_address);
        let mut addresses = Vec::new();
        if let Some(address) = public {
            addresses.push(self.own(*address.get_ref(), address.span(), name)?);
        }
        for address in &node.addresses {
            let ip = higher(*address.get_ref(), index);
            addresses.push(self.own(ip, address.span(), name)?);
        }
        if addresses.is_empty() {
            return Err(self.source.error(span, format!("node `{name}` has no address: set `addresses`")));
        }
        let mut processes = HashSet::new();
        let mut plans = Vec::new();
        for part in &node.part {
            if !self.settings.hold(&part.when)? {
                continue;
            }
            let plan = self.part_plan(part, index)?;
            if !processes.insert(self.parts[&plan.part].process.clone()) {
                let message = format!("node `{name}` has the part `{}` twice", plan.part);
                return Err(self.source.error(part.part.span(), message));
            }
            plans.push(plan);
        }
        self.plans.push(NodePlan {
            name: name.to_owned(),
            addresses,
            parts: plans,
            firewall: node.firewall,
            certificate: node.certificate.clone(),
        });
        Ok(())
    }

    /// Takes an address for `owner`, unless it is no host's, another's or outside the design's networks.
    fn own(&mut self, ip: IpAddr, span: Range<usize>, owner: &str) -> Result<IpAddr, InputError> {
        check_address(ip, &self.networks)
            .map_err(|why| self.source.error(span.clone(), format!("address {ip}: {why}")))?;
        if let Some(other) = self.owners.insert(ip, owner.to_owned()) {
            let message = format!("nodes `{other}` and `{owner}` have the same address {ip}");
            return Err(self.source.error(span, message));
        }
        Ok(ip)
    }

    fn part_plan(&self, read: &FilePart, index: usize) -> Result<PartPlan, InputError> {
        let name = read.part.get_ref();
        if !self.parts.contains_key(name) {
            let mut known: Vec<&str> = self.parts.keys().map(String::as_str).collect();
            known.sort_unstable();
            let message = format!("unknown part `{name}`: use one of {}", known.join(", "));
            return Err(self.source.error(read.part.span(), message));
        }
        let database = if index == 0 { read.database } else { read.database.map(|_| DatabaseRole::Replica) };
        Ok(PartPlan {
            part: name.clone(),
            database,
            supervised: read.supervised,
            settings: read.settings.clone(),
        })
    }

    fn take_virtuals(&mut self) -> Result<(), InputError> {
        for read in &self.read.virtuals {
            if !self.settings.hold(&read.when)? {
                continue;
            }
            let address = match &read.address {
                Some(address) => address,
                None => &self.read.public_address,
            };
            let mut nodes: Vec<String> = Vec::new();
            for pattern in &read.nodes {
                let found = matching(pattern.get_ref(), &self.plans);
                if found.is_empty() {
                    let message = format!("virtual address on `{}`, which is no node", pattern.get_ref());
                    return Err(self.source.error(pattern.span(), message));
                }
                nodes.extend(found.into_iter().map(|node| node.name.clone()));
            }
            let mut seen = HashSet::new();
            nodes.retain(|node| seen.insert(node.clone()));
            let ip = self.own(*address.get_ref(), address.span(), &format!("virtual {}", read.name))?;
            if read.public && !self.public.contains(&ip) {
                self.public.push(ip);
            }
            self.virtuals.push(VirtualAddress { name: read.name.clone(), address: ip, nodes });
        }
        Ok(())
    }
}

fn higher(address: IpAddr, by: usize) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let by = u32::try_from(by).unwrap_or(u32::MAX);
            IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits().saturating_add(by)))
        }
        v6 => v6,
    }
}

/// Nodes share one bridge, so any unicast IPv4 address would do; the documentation ranges of RFC 5737 are the custom.
fn check_address(address: IpAddr, networks: &[Network]) -> Result<(), String> {
    match address {
        IpAddr::V6(_) => Err("labs are IPv4 only".to_owned()),
        IpAddr::V4(ip) if ip.is_loopback() => {
            Err("is a loopback address, which no other node can reach".to_owned())
        }
        IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() || ip == Ipv4Addr::UNSPECIFIED => {
            Err("is not the address of a host".to_owned())
        }
        IpAddr::V4(ip) if networks.is_empty() || networks.iter().any(|network| network.holds(ip)) => Ok(()),
        IpAddr::V4(_) => {
            let list: Vec<&str> = networks.iter().map(|network| network.text.as_str()).collect();
            Err(format!("is outside the design's networks ({})", list.join(", ")))
        }
    }
}

/// `192.0.2.0/24`.
struct Network {
    text: String,
    base: u32,
    mask: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        let base = address.parse::<Ipv4Addr>().ok()?.to_bits();
        (base & !mask == 0).then(|| Self { text: text.to_owned(), base, mask })
    }

    fn holds(&self, ip: Ipv4Addr) -> bool {
        ip.to_bits() & self.mask == self.base
    }
}
