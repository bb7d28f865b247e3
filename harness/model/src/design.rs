//! What is really up: nodes, roles, processes, links, and how each node is reached.
//!
//! An [`Inventory`] is all that faults need, so they work the same on a design that was brought up here and on a stack
//! that someone else deployed and described.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What a process, and so the node that runs it, is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The user's computer: where load comes from.
    Client,
    /// Answers names.
    Dns,
    /// Distributes requests over servers.
    LoadBalancer,
    /// Serves static files and passes the rest on.
    Web,
    /// Runs the application.
    Application,
    /// Keeps the data.
    Database,
    /// Moves an address to a node that is alive.
    Failover,
    /// Tells a monitor about its node or about a process on it.
    Exporter,
    /// Collects what exporters tell, and raises alerts.
    Monitor,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 9] = [
        Role::Client,
        Role::Dns,
        Role::LoadBalancer,
        Role::Web,
        Role::Application,
        Role::Database,
        Role::Failover,
        Role::Exporter,
        Role::Monitor,
    ];

    /// The word that topologies, schedules and reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Dns => "dns",
            Role::LoadBalancer => "load-balancer",
            Role::Web => "web",
            Role::Application => "application",
            Role::Database => "database",
            Role::Failover => "failover",
            Role::Exporter => "exporter",
            Role::Monitor => "monitor",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
            format!("unknown role `{text}`: use one of {}", known.join(", "))
        })
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a command is run on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// On this machine as it stands.
    Local,
    /// In a network namespace of this machine, as a member of cgroups.
    Namespace {
        /// A file that keeps the network namespace (a bind mount of `/proc/PID/ns/net`).
        net: PathBuf,
        /// The `cgroup.procs` files of the node's cgroups; empty when the node has none.
        cgroup_procs: Vec<PathBuf>,
    },
}

/// A part as it runs on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Unique on its node: "nginx", "mariadbd".
    pub name: String,
    /// The part it comes from: "nginx", "mariadb".
    pub part: String,
    /// What it is for.
    pub role: Role,
    /// Holds the process id while it runs. The id is that of a process group leader: the group is the whole part.
    pub pid_file: PathBuf,
    /// Starts it when run on the node, and returns when the start is under way.
    pub start: Vec<String>,
    /// Stops it in good order when run on the node, and returns when it is gone.
    pub stop: Vec<String>,
    /// Exits with 0 when run on the node while the process does its work: its own protocol's answer.
    pub ready: Vec<String>,
    /// Exits with 0 when run on the node while the process is the primary; empty for what has no primary.
    pub is_primary: Vec<String>,
    /// Whether something starts it again as soon as it dies, as systemd would with `Restart=always`.
    pub supervised: bool,
}

/// A host. In a lab, a network namespace with its own cgroup: one unit of hardware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique: "server1", "lb1".
    pub name: String,
    /// Every address, the one that other nodes use first.
    pub addresses: Vec<IpAddr>,
    /// How a command is run on it.
    pub reach: Reach,
    /// In the order in which they start.
    pub processes: Vec<Process>,
}

impl Node {
    /// What the node is for: the roles of its processes, each once, in their order.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        for process in &self.processes {
            if !roles.contains(&process.role) {
                roles.push(process.role);
            }
        }
        roles
    }
}

/// A directed path that traffic takes. An end is a node (`server1`) or a process on it (`server1/nginx`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who connects.
    pub from: Endpoint,
    /// Who accepts.
    pub to: Endpoint,
    /// Port on the accepting side; `None` for unix sockets.
    pub port: Option<u16>,
    /// "http", "sql", "dns", "replication".
    pub protocol: String,
    /// Place on the request's way, counted from 1; `None` for links that a request does not take.
    pub step: Option<u32>,
    /// What is passed, in a few words, for the diagram.
    pub label: String,
}

/// An end of a [`Link`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A node's name.
    pub node: String,
    /// A process on it.
    pub process: Option<String>,
}

impl Endpoint {
    /// Whether it is this process of this node.
    #[must_use]
    pub fn is(&self, node: &str, process: &str) -> bool {
        self.node == node && self.process.as_deref() == Some(process)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.process {
            Some(process) => write!(f, "{}/{process}", self.node),
            None => f.write_str(&self.node),
        }
    }
}

/// An address that is on one of several nodes at a time and moves between them (VRRP, RFC 9568).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualAddress {
    /// "public", "database".
    pub name: String,
    /// The address.
    pub address: IpAddr,
    /// The nodes that it may be on, the one that it begins on first.
    pub nodes: Vec<String>,
}

/// A node's packet filter: what is not accepted is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// The node.
    pub node: String,
    /// What may come in.
    pub accepts: Vec<Accept>,
}

/// A flow that a [`Firewall`] lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The nodes that it comes from; empty for anybody.
    pub from: Vec<String>,
    /// What is spoken: "http", "sql", "dns", "vrrp".
    pub protocol: String,
    /// Port on this node; `None` for what has no ports.
    pub port: Option<u16>,
}

/// What is really up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// "1-distributed".
    pub design: String,
    /// One sentence about the design.
    pub summary: String,
    /// In the order of the topology.
    pub nodes: Vec<Node>,
    /// Who talks to whom.
    pub links: Vec<Link>,
    /// The name in users' address bars: "www.foobar.com".
    pub public_name: String,
    /// Port of the public service.
    pub public_port: u16,
    /// Whether the public service speaks TLS.
    pub public_tls: bool,
    /// The certificate authority (PEM) that vouches for the design's certificates, where it is not one of the public
    /// ones.
    pub authority: Option<PathBuf>,
    /// Addresses that move between nodes.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// The nodes that have a packet filter.
    pub firewalls: Vec<Firewall>,
    /// The design's own DNS servers, in the order in which they are asked.
    pub resolvers: Vec<SocketAddr>,
    /// The node whose network the load comes from.
    pub client: Option<String>,
}

impl Inventory {
    /// The address of the public service as a person would type it: `https://www.foobar.com`.
    #[must_use]
    pub fn public_url(&self) -> String {
        let (scheme, usual) = if self.public_tls { ("https", 443) } else { ("http", 80) };
        let port = if self.public_port == usual { String::new() } else { format!(":{}", self.public_port) };
        format!("{scheme}://{}{port}", self.public_name)
    }

    /// The node called `name`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Every process with its node, in order.
    pub fn processes(&self) -> impl Iterator<Item = (&Node, &Process)> {
        self.nodes.iter().flat_map(|node| node.processes.iter().map(move |process| (node, process)))
    }
}
