//! The first and the last act of a run: whatever faults may have left anywhere is undone, whoever left it.

use model::{Inventory, Node};

use crate::fault::FaultError;
use crate::node::{Site, must, script, service};
use crate::outcome::Unhealed;
use crate::patience::Patience;

const SWEEP: &str = include_str!("node/sweep.sh");

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sweep {
    /// What was there and is undone now, in words.
    pub healed: Vec<String>,
    /// What is still there, or nodes that could not be looked at.
    pub unhealed: Vec<Unhealed>,
}

/// Undoes everything that faults may have left on any node: nftables tables of ours, stopped processes, and the undo
/// timers of runs that are no more (a part that such a timer would have started is started). Needs no memory of what
/// was done, so it works after any death of ours. Nothing that is not ours is touched, but a part that someone else
/// stopped with SIGSTOP is continued.
#[must_use]
pub fn heal_everything(inventory: &Inventory, patience: &Patience) -> Sweep {
    let mut sweep = Sweep::default();
    // One node after the other: nodes of a lab share a machine, and to look at all of them at once took a small one for
    // more than a second, in which heartbeats were missed and addresses moved.
    for node in &inventory.nodes {
        match sweep_node(node, patience) {
            Ok(healed) => sweep.healed.extend(healed),
            Err(error) => sweep.unhealed.push(Unhealed {
                injection: None,
                left: format!("{} could not be swept: {error}", node.name),
                remedy: format!("on {0}: nft list tables; kill -CONT what is stopped", node.name),
            }),
        }
    }
    sweep
}

fn sweep_node(node: &Node, patience: &Patience) -> Result<Vec<String>, FaultError> {
    let sites: Vec<Site<'_>> = node.processes.iter().map(|process| Site { node, process }).collect();
    let files: Vec<String> = sites.iter().map(Site::pid_file).collect();
    let found = must(node, &script(SWEEP, &files), patience.command, "sweeping")?;
    let mut healed = Vec::new();
    for (kind, what) in found.lines().filter_map(|line| line.split_once(' ')) {
        let site = sites.iter().find(|site| site.pid_file() == what);
        healed.extend(match (kind, site) {
            ("stopped", Some(site)) => Some(format!("{site} was stopped and goes on")),
            ("table", _) => Some(format!("{} had the nft table {what}, which is deleted", node.name)),
            // The timer's own deed, now.
            ("timer", Some(site)) => service::start_unless_running(*site, patience)?
                .then(|| format!("{site} was down and is started")),
            _ => None,
        });
    }
    Ok(healed)
}
