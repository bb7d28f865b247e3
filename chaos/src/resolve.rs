//! Makes every choice of a schedule before anything starts.

use model::{
    FaultKind, Injection, Inventory, Node, Pick, Process, ResolvedInjection, Role, Schedule, Seed, Selector,
    Target,
};
use thiserror::Error;

use crate::fault::{Fault, Scope};
use crate::registry;

/// Why a schedule does not fit what is up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// Nothing fits.
    #[error("injection \"{injection}\" selects nothing: no {wanted}; there is {exists}")]
    Nothing {
        /// The injection's name.
        injection: String,
        /// What was looked for.
        wanted: String,
        /// What there is.
        exists: String,
    },
    /// The other side is not there.
    #[error("injection \"{injection}\": `peer` is no node: {peer}; there is {exists}")]
    Peer {
        /// The injection's name.
        injection: String,
        /// What was looked for.
        peer: String,
        /// What there is.
        exists: String,
    },
    /// Several could be primary, and none can be asked.
    #[error(
        "injection \"{injection}\": none of {candidates} can be asked whether it is the primary; give its node"
    )]
    NobodyToAsk {
        /// The injection's name.
        injection: String,
        /// The databases.
        candidates: String,
    },
    /// The fault could not be applied to it, or not be undone.
    #[error("injection \"{injection}\": {target} lacks {lacks}, which {fault} needs")]
    Lacks {
        /// The injection's name.
        injection: String,
        /// The process.
        target: String,
        /// What the inventory does not say.
        lacks: &'static str,
        /// The fault's name.
        fault: &'static str,
    },
    /// A kind of harm that no fault does.
    #[error("injection \"{injection}\": there is no fault {fault}")]
    NoSuchFault {
        /// The injection's name.
        injection: String,
        /// What was looked for.
        fault: &'static str,
    },
}

/// Finds whom each injection hits. Draws come from the stream "selectors" of `seed`, one per injection by its name, so
/// that one more injection does not change the others.
///
/// An injection with `if_present` that selects nothing is left out.
///
/// Nodes that are there for the client or for names are hit only when a selector says so by node, role or part.
///
/// # Errors
///
/// When an injection selects nothing, names a peer that does not exist, or hits a process that the inventory says too
/// little about.
pub fn resolve(
    schedule: &Schedule,
    inventory: &Inventory,
    seed: Seed,
) -> Result<Vec<ResolvedInjection>, ResolveError> {
    let draws = Seed(seed.stream("selectors"));
    schedule
        .injections
        .iter()
        .filter_map(|injection| match targets(injection, inventory, draws.stream(&injection.name)) {
            Err(ResolveError::Nothing { .. }) if injection.if_present => None,
            Err(error) => Some(Err(error)),
            Ok(targets) => Some(Ok(ResolvedInjection { injection: injection.clone(), targets })),
        })
        .collect()
}

fn targets(injection: &Injection, inventory: &Inventory, draw: u64) -> Result<Vec<Target>, ResolveError> {
    let name = || injection.name.clone();
    let Some(fault) = registry::fault_of(&injection.fault) else {
        return Err(ResolveError::NoSuchFault { injection: name(), fault: injection.fault.as_str() });
    };
    let select = &injection.select;
    if fault.scope() == Scope::Nothing && *select == Selector::default() {
        return Ok(Vec::new());
    }
    let fitting: Vec<(&Node, Vec<&Process>)> = inventory
        .nodes
        .iter()
        .filter(|node| select.node.as_ref().is_none_or(|name| *name == node.name))
        .map(|node| (node, node.processes.iter().filter(|process| fits(process, select)).collect()))
        .filter(|(_, processes): &(&Node, Vec<_>)| !processes.is_empty() || names_a_bare_node(fault, select))
        .collect();
    let nothing =
        || ResolveError::Nothing { injection: name(), wanted: wanted(select), exists: exists(inventory) };
    let picked = pick(&fitting, select.pick, draw).ok_or_else(nothing)?;
    if select.primary {
        check_primary(injection, picked)?;
    }
    let process = |node: &Node, process: &Process| Target {
        node: node.name.clone(),
        process: Some(process.name.clone()),
    };
    let mut targets: Vec<Target> = match fault.scope() {
        Scope::Nothing => Vec::new(),
        Scope::Node => {
            picked.iter().map(|(node, _)| Target { node: node.name.clone(), process: None }).collect()
        }
        Scope::Process if select.whole_node => {
            picked.iter().flat_map(|(node, _)| node.processes.iter().map(|p| process(node, p))).collect()
        }
        Scope::Process => {
            picked.iter().flat_map(|(node, fit)| fit.iter().map(|p| process(node, p))).collect()
        }
    };
    check_peer(injection, inventory, &mut targets)?;
    for (node, process) in inventory.processes() {
        let hit =
            |target: &Target| target.node == node.name && target.process.as_ref() == Some(&process.name);
        if let Some(target) = targets.iter().find(|target| hit(target))
            && let Some(lacks) = fault.lacks(process)
        {
            let (target, fault) = (target.to_string(), fault.name());
            return Err(ResolveError::Lacks { injection: name(), target, lacks, fault });
        }
    }
    Ok(targets)
}

fn fits(process: &Process, select: &Selector) -> bool {
    let named = select.node.is_some() || select.role.is_some() || select.part.is_some();
    let bystander = matches!(process.role, Role::Client | Role::Dns | Role::Exporter | Role::Monitor);
    (named || !bystander)
        && select.role.is_none_or(|role| role == process.role)
        && select.part.as_ref().is_none_or(|part| *part == process.part)
}

/// A network fault hits a node by its name whether anything runs there or not.
fn names_a_bare_node(fault: &dyn Fault, select: &Selector) -> bool {
    fault.scope() != Scope::Process
        && select.node.is_some()
        && select.role.is_none()
        && select.part.is_none()
        && !select.primary
}

fn pick<T>(fitting: &[T], pick: Pick, draw: u64) -> Option<&[T]> {
    if fitting.is_empty() {
        return None;
    }
    let one = |index: usize| &fitting[index..=index];
    Some(match pick {
        Pick::All => fitting,
        Pick::First => one(0),
        Pick::Last => one(fitting.len() - 1),
        Pick::Random => {
            let count = u64::try_from(fitting.len()).unwrap_or(u64::MAX);
            one(usize::try_from(draw % count).unwrap_or(0))
        }
    })
}

/// A lone database is the primary without being asked; of several, at least one must be able to answer.
fn check_primary(injection: &Injection, picked: &[(&Node, Vec<&Process>)]) -> Result<(), ResolveError> {
    let candidates: Vec<(&Node, &Process)> =
        picked.iter().flat_map(|(node, fit)| fit.iter().map(|process| (*node, *process))).collect();
    if candidates.len() == 1 || candidates.iter().any(|(_, process)| !process.is_primary.is_empty()) {
        return Ok(());
    }
    let names: Vec<String> =
        candidates.iter().map(|(node, process)| format!("{}/{}", node.name, process.name)).collect();
    Err(ResolveError::NobodyToAsk { injection: injection.name.clone(), candidates: names.join(", ") })
}

/// The peer must exist. Among several targets it is not its own peer; alone it is: the traffic inside the node.
fn check_peer(
    injection: &Injection,
    inventory: &Inventory,
    targets: &mut Vec<Target>,
) -> Result<(), ResolveError> {
    let FaultKind::Drop { peer: Some(peer), .. } = &injection.fault else { return Ok(()) };
    if inventory.node(peer).is_none() {
        let (injection, peer) = (injection.name.clone(), format!("`{peer}`"));
        return Err(ResolveError::Peer { injection, peer, exists: exists(inventory) });
    }
    if targets.len() > 1 {
        targets.retain(|target| target.node != *peer);
    }
    Ok(())
}

fn wanted(select: &Selector) -> String {
    let mut words = vec![if select.primary { "primary" } else { "process" }.to_owned()];
    words.extend(select.role.map(|role| format!("with role {role}")));
    words.extend(select.part.as_ref().map(|part| format!("of part {part}")));
    words.extend(select.node.as_ref().map(|node| format!("on node {node}")));
    words.join(" ")
}

fn exists(inventory: &Inventory) -> String {
    let mut roles: Vec<&str> = Vec::new();
    let mut parts: Vec<&str> = Vec::new();
    for (_, process) in inventory.processes() {
        if !roles.contains(&process.role.as_str()) {
            roles.push(process.role.as_str());
        }
        if !parts.contains(&process.part.as_str()) {
            parts.push(&process.part);
        }
    }
    let nodes: Vec<&str> = inventory.nodes.iter().map(|node| node.name.as_str()).collect();
    format!("nodes {}; roles {}; parts {}", nodes.join(", "), roles.join(", "), parts.join(", "))
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
