//! Whom a fault of an experiment hits, and how.

use model::Role;
use serde::Deserialize;

use crate::part::parsed;

/// Which of the nodes that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Every one.
    #[default]
    All,
    /// The first of the topology.
    First,
    /// The last of the topology.
    Last,
}

/// What an experiment does to a victim until it is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Killed, and away.
    #[default]
    Kill,
    /// Stopped in the middle of what it does; it keeps its connections.
    Pause,
    /// All traffic of its node is dropped.
    Drop,
    /// Ended in good order, and away until it is started again.
    Restart,
}

/// Whom a fault of an experiment hits, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Victim {
    /// Processes with this role.
    #[serde(deserialize_with = "parsed")]
    pub role: Role,
    /// Only the database that is the primary then.
    #[serde(default)]
    pub primary: bool,
    /// Every process of its node.
    #[serde(default)]
    pub whole_node: bool,
    /// Which of the nodes that fit.
    #[serde(default)]
    pub pick: Which,
    /// What is done to it.
    #[serde(default)]
    pub fault: Harm,
    /// Only the node that has the moving address of this name when the experiment begins.
    #[serde(default)]
    pub has: Option<String>,
    /// Requests (read, write, page), or a newcomer's question for the public `name`, that must be down for as long as it
    /// is away.
    #[serde(default)]
    pub down: Vec<String>,
    /// Requests that must go on, or at least come back long before it does.
    #[serde(default)]
    pub up: Vec<String>,
}

impl Victim {
    /// What it is called in tables: "primary", "web", "web-server", "web-paused".
    #[must_use]
    pub fn name(&self) -> String {
        let role = if self.primary { "primary" } else { self.role.as_str() };
        let whole = if self.whole_node { "-server" } else { "" };
        let harm = match self.fault {
            Harm::Kill => "",
            Harm::Pause => "-paused",
            Harm::Drop => "-cut-off",
            Harm::Restart => "-restarted",
        };
        format!("{role}{whole}{harm}")
    }
}
