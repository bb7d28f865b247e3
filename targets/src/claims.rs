//! What is claimed about a design and how it is measured: `claims.toml` beside the topology, read strictly.
//!
//! Here are the claims as data; whoever has a load generator and faults makes the experiments.

mod victim;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use model::Role;
use serde::Deserialize;
use toml::Spanned;

use crate::design::{DESIGNS, Design, DesignError};
use crate::input::{InputError, Source};
use crate::part::parsed;
use crate::topology::{Setting, plain};

pub use victim::{Harm, Victim, Which};

const FILE: &str = "claims.toml";

/// A sentence about a design, and the experiments that tell whether it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Unique within its design: "spof".
    pub id: String,
    /// The sentence.
    pub claim: String,
    /// How it is measured, in a few words.
    pub how: String,
    /// Settings of the design for these experiments.
    pub settings: Vec<Setting>,
    /// How it is measured: at least one, each of another kind.
    pub experiments: Vec<Experiment>,
}

/// A kind of experiment with its parameters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Parts are taken away in turn, under load.
    Outage(Outage),
    /// A new version of the application is deployed, and the server reboots, under load.
    Maintenance(Maintenance),
    /// The highest load that is sustained, of several designs.
    Ceilings(Ceilings),
    /// How requests are spread over the backends.
    Balance(Balance),
    /// The replica follows, answers without its primary and refuses writes.
    Replication(Replication),
    /// Packets on the links are looked through for what was posted.
    Capture(Capture),
    /// A stranger tries every port.
    Scan(Scan),
    /// How long it takes until someone is told of a fault.
    Alerts(Alerts),
    /// Which versions of TLS are spoken, and whether the certificate is verified.
    Handshake(Handshake),
    /// What TLS costs the load balancer.
    TlsCost(TlsCost),
    /// A stranger opens connections as fast as it can.
    Flood(Flood),
    /// A heavy query runs while static pages are served.
    Neighbour(Neighbour),
    /// Who has an address that moves, while everybody is alive and after its owner was killed.
    SplitBrain(SplitBrain),
    /// How requests are spread over the nodes of a role that a request meets first.
    Spread(Spread),
    /// Acknowledged writes are read back after a fault.
    Ledger(Ledger),
}

impl Experiment {
    /// Its word in `claims.toml`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Experiment::Outage(_) => "outage",
            Experiment::Maintenance(_) => "maintenance",
            Experiment::Ceilings(_) => "ceilings",
            Experiment::Balance(_) => "balance",
            Experiment::Replication(_) => "replication",
            Experiment::Capture(_) => "capture",
            Experiment::Scan(_) => "scan",
            Experiment::Alerts(_) => "alerts",
            Experiment::Handshake(_) => "handshake",
            Experiment::TlsCost(_) => "tls-cost",
            Experiment::Flood(_) => "flood",
            Experiment::Neighbour(_) => "neighbour",
            Experiment::SplitBrain(_) => "split-brain",
            Experiment::Spread(_) => "spread",
            Experiment::Ledger(_) => "ledger",
        }
    }
}

/// Parameters of [`Experiment::Outage`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Harmed one after another.
    pub victim: Vec<Victim>,
    /// Seconds that each is away, where the usual time would be too short for what is to be seen.
    pub away_s: Option<f64>,
}

/// A way to bring a new version of the application into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deploy {
    /// Stopped, installed while it is away, started.
    StopStart,
    /// Installed beside the running one, then stopped and started at once.
    Restart,
    /// Installed beside the running one, which then replaces its workers one by one.
    Reload,
    /// The whole server goes down and comes up again.
    Reboot,
    /// Installed beside the running ones, which are then stopped and started one node after another.
    Rolling,
}

impl Deploy {
    /// Its word in `claims.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Deploy::StopStart => "stop-start",
            Deploy::Restart => "restart",
            Deploy::Reload => "reload",
            Deploy::Reboot => "reboot",
            Deploy::Rolling => "rolling",
        }
    }
}

/// Parameters of [`Experiment::Maintenance`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// What must interrupt the service.
    #[serde(default)]
    pub interrupts: Vec<Deploy>,
    /// What must not.
    #[serde(default)]
    pub spares: Vec<Deploy>,
}

/// Parameters of [`Experiment::Ceilings`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceilings {
    /// Designs that must sustain more than this one.
    #[serde(default)]
    pub above: Vec<String>,
    /// Designs that are measured beside it, whatever they sustain.
    #[serde(default)]
    pub beside: Vec<String>,
}

/// Parameters of [`Experiment::Balance`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Values of the setting `balance`, one lab for each.
    pub algorithms: Vec<Algorithm>,
}

/// How a load balancer chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// The one with the fewest connections.
    LeastConn,
    /// One server for each client's address.
    Source,
}

impl Algorithm {
    /// HAProxy's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::RoundRobin => "roundrobin",
            Algorithm::LeastConn => "leastconn",
            Algorithm::Source => "source",
        }
    }
}

/// Parameters of [`Experiment::Replication`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replication {}

/// Links between nodes, by the roles at their ends, and whether what was posted may be read on them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// Who connects; anyone when absent.
    #[serde(default, deserialize_with = "parsed_if_given")]
    pub from: Option<Role>,
    /// Who accepts; anyone when absent.
    #[serde(default, deserialize_with = "parsed_if_given")]
    pub to: Option<Role>,
    /// Whether the posted secret must be seen (true) or must not (false).
    pub secret: bool,
}

/// Parameters of [`Experiment::Capture`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// What is looked at.
    pub leg: Vec<Leg>,
}

/// A port of the nodes with a role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// What the nodes are for.
    #[serde(deserialize_with = "parsed")]
    pub role: Role,
    /// TCP port.
    pub port: u16,
}

/// Parameters of [`Experiment::Scan`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// What a stranger must reach.
    pub open: Vec<Door>,
    /// Whether nodes with a firewall must have nothing else.
    #[serde(default)]
    pub nothing_else: bool,
}

/// Parameters of [`Experiment::Alerts`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Harmed one after another.
    pub victim: Vec<Victim>,
    /// Whether someone must be told of each (true), or nobody of any (false).
    pub told: bool,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// RFC 2246.
    #[serde(rename = "1.0")]
    V10,
    /// RFC 4346.
    #[serde(rename = "1.1")]
    V11,
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V12,
}

/// Parameters of [`Experiment::Handshake`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// Versions that must be refused. That 1.2 is accepted shows that the question was put well.
    pub refuses: Vec<TlsVersion>,
}

/// Parameters of [`Experiment::TlsCost`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsCost {
    /// A design of the same servers without TLS.
    pub than: String,
}

/// Parameters of [`Experiment::Flood`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// Connections that the stranger tries to hold at a time.
    pub connections: u32,
}

/// Parameters of [`Experiment::Neighbour`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// A design whose database has a server of its own.
    pub apart: String,
}

/// Parameters of [`Experiment::SplitBrain`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitBrain {
    /// The moving address, by name.
    pub address: String,
}

/// Parameters of [`Experiment::Spread`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The role of the nodes.
    #[serde(deserialize_with = "parsed")]
    pub over: Role,
}

/// Parameters of [`Experiment::Ledger`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Killed while orders are placed.
    pub victim: Victim,
}

fn parsed_if_given<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Role>, D::Error> {
    parsed(input).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    claim: Vec<FileClaim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileClaim {
    id: Spanned<String>,
    claim: String,
    how: String,
    #[serde(default)]
    settings: toml::Table,
    experiment: Vec<Spanned<Experiment>>,
}

impl Design {
    /// What is claimed about this design, in the order of its `claims.toml`; nothing when it has none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with the line and key of the first thing in it that is wrong.
    pub fn claims(&self) -> Result<Vec<Claim>, DesignError> {
        let (text, name) = match &self.folder {
            None => {
                // With settings of its own its name says so, but it claims the same.
                let name = self.topology.name.split(':').next().unwrap_or_default();
                let name = format!("{name}/{FILE}");
                let text = DESIGNS.get_file(&name).and_then(|file| file.contents_utf8());
                (text.unwrap_or_default().to_owned(), name)
            }
            Some(folder) => {
                let path: PathBuf = folder.join(FILE);
                match fs::read_to_string(&path) {
                    Ok(text) => (text, path.display().to_string()),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                    Err(source) => return Err(DesignError::Read { path, source }),
                }
            }
        };
        Ok(parse(&text, &name)?)
    }
}

fn parse(text: &str, file: &str) -> Result<Vec<Claim>, InputError> {
    let source = Source { file, text };
    let read: File = source.parse()?;
    let mut ids = HashSet::new();
    for claim in &read.claim {
        let id = claim.id.get_ref();
        // The id becomes a folder's name and a word of the command line.
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            let message = format!("id `{id}`: use lower-case letters, digits and -");
            return Err(source.error(claim.id.span(), message));
        }
        if !ids.insert(id.clone()) {
            return Err(source.error(claim.id.span(), format!("two claims have the id `{id}`")));
        }
        check_experiments(&claim.experiment, id, &source)?;
    }
    let claim = |read: FileClaim| Claim {
        id: read.id.into_inner(),
        claim: read.claim,
        how: read.how,
        settings: read.settings.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        experiments: read.experiment.into_iter().map(Spanned::into_inner).collect(),
    };
    Ok(read.claim.into_iter().map(claim).collect())
}

fn check_experiments(
    experiments: &[Spanned<Experiment>],
    id: &str,
    source: &Source<'_>,
) -> Result<(), InputError> {
    if experiments.is_empty() {
        return Err(source.error(0..0, format!("claim `{id}` needs an [[claim.experiment]]")));
    }
    let mut kinds = HashSet::new();
    for experiment in experiments {
        let kind = experiment.get_ref().kind();
        if !kinds.insert(kind) {
            let message = format!("claim `{id}` has two experiments of the kind {kind}");
            return Err(source.error(experiment.span(), message));
        }
        if let Some(empty) = empty(experiment.get_ref()) {
            return Err(source.error(experiment.span(), format!("`{empty}` is empty: name at least one")));
        }
    }
    Ok(())
}

/// The list of an experiment without which it would measure nothing and hold all the same.
fn empty(experiment: &Experiment) -> Option<&'static str> {
    let lists = match experiment {
        Experiment::Outage(outage) => ("victim", outage.victim.is_empty()),
        Experiment::Maintenance(it) => ("interrupts", it.interrupts.is_empty() && it.spares.is_empty()),
        Experiment::Ceilings(it) => ("above", it.above.is_empty() && it.beside.is_empty()),
        Experiment::Balance(balance) => ("algorithms", balance.algorithms.is_empty()),
        Experiment::Capture(capture) => ("leg", capture.leg.is_empty()),
        Experiment::Scan(scan) => ("open", scan.open.is_empty()),
        Experiment::Alerts(alerts) => ("victim", alerts.victim.is_empty()),
        Experiment::Handshake(handshake) => ("refuses", handshake.refuses.is_empty()),
        Experiment::Replication(_)
        | Experiment::TlsCost(_)
        | Experiment::Flood(_)
        | Experiment::Neighbour(_)
        | Experiment::SplitBrain(_)
        | Experiment::Spread(_)
        | Experiment::Ledger(_) => ("", false),
    };
    lists.1.then_some(lists.0)
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
