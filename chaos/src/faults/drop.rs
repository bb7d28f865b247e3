//! Packets of a node are dropped without a word: a cable pulled, a firewall rule gone wrong, a partition.
//!
//! The rules are in a table of our own, far ahead of any other (priority -300), so no rule of the node's own firewall
//! can hide them, and nothing but that table has to be deleted. Every rule asks a set whose only elements, the
//! address families, expire in the kernel: when we are dead, the traffic flows again all the same. Where whole nodes are
//! cut off from each other, a second table of the same name does that to ARP.

mod table;

use std::time::Duration;

use model::{Direction, FaultKind, Node};

use crate::fault::{Aftermath, Context, Fault, FaultError, Harm, Scope};
use crate::faults::drop::table::{TABLE_PREFIX, Table};
use crate::keys::{Keys, ScheduleError};
use crate::node::{must, run};
use crate::patience::Patience;

/// The kernel ends the fault this long after we should have done it.
const MARGIN: Duration = Duration::from_millis(1500);

const DIRECTIONS: [(&str, Direction); 3] =
    [("both", Direction::Both), ("in", Direction::In), ("out", Direction::Out)];

pub(crate) struct Drop;

impl Fault for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn colour(&self) -> &'static str {
        "#CC79A7"
    }

    fn scope(&self) -> Scope {
        Scope::Node
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError> {
        let direction = keys.one_of("direction", &DIRECTIONS)?.unwrap_or_default();
        Ok(FaultKind::Drop { direction, peer: keys.text("peer")?, port: keys.port("port")? })
    }

    fn detail(&self, kind: &FaultKind) -> String {
        let FaultKind::Drop { direction, peer, port } = kind else { return String::new() };
        let way = match direction {
            Direction::Both => "both ways",
            Direction::In => "in",
            Direction::Out => "out",
        };
        let peer = peer.as_ref().map(|peer| format!(", with {peer}")).unwrap_or_default();
        let port = port.map(|port| format!(", port {port}")).unwrap_or_default();
        format!("{way}{peer}{port}")
    }

    fn prepare<'a>(&self, context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError> {
        let FaultKind::Drop { direction, peer, port } = &context.injection.fault else {
            return Err(FaultError::Unknown("drop was asked to do something else".into()));
        };
        let mut tables = Vec::new();
        for target in &context.targets {
            let unknown = |name: &str| FaultError::Unknown(format!("the inventory has no node {name}"));
            let node = context.inventory.node(&target.node).ok_or_else(|| unknown(&target.node))?;
            let peer = match peer {
                Some(name) => Some(context.inventory.node(name).ok_or_else(|| unknown(name))?),
                None => None,
            };
            can_filter(node, &context.patience)?;
            let name = format!("{TABLE_PREFIX}{}", context.index);
            tables.push(Table { name, node, direction: *direction, peer, port: *port, matched: None });
        }
        let what = self.detail(&context.injection.fault);
        let (hold, patience) = (context.injection.hold, context.patience);
        Ok(Box::new(Dropped { tables, what, hold, patience }))
    }
}

/// Asks the node's kernel for its tables, which needs all that the fault needs.
fn can_filter(node: &Node, patience: &Patience) -> Result<(), FaultError> {
    let unsupported = |what: String, remedy: &str| FaultError::Unsupported {
        node: node.name.clone(),
        what,
        remedy: remedy.to_owned(),
    };
    let output = match run(node, &table::list_tables(), patience.command) {
        Err(FaultError::Reach { source: reach::ReachError::Spawn { .. }, .. }) => {
            return Err(unsupported("there is no nft".into(), "install nftables there"));
        }
        other => other?,
    };
    if output.success() {
        return Ok(());
    }
    let remedy = "the kernel needs nf_tables, and nft the right to use it in that network (CAP_NET_ADMIN)";
    Err(unsupported(format!("nft does not work: {}", output.complaint()), remedy))
}

struct Dropped<'a> {
    tables: Vec<Table<'a>>,
    what: String,
    hold: Duration,
    patience: Patience,
}

impl Harm for Dropped<'_> {
    fn arm(&mut self) -> Result<(), FaultError> {
        // The kernel's timeout comes with the rules, in one transaction: neither exists without the other.
        Ok(())
    }

    fn apply(&mut self) -> Result<(), FaultError> {
        for table in &self.tables {
            must(table.node, &table.add(self.hold + MARGIN), self.patience.command, "adding the rules")?;
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<String, FaultError> {
        let mut proofs = Vec::new();
        for table in &self.tables {
            let (name, node) = (&table.name, table.node);
            for family in table.families() {
                let set = must(node, &table.list_set(family), self.patience.command, "listing the rules")?;
                if !set.contains("expires") {
                    return Err(FaultError::NoEffect(format!(
                        "the kernel of {} holds no table {family} {name}",
                        node.name
                    )));
                }
            }
            proofs.push(format!("{} drops packets {} (nft table inet {name})", node.name, self.what));
        }
        Ok(proofs.join(", "))
    }

    fn undo(&mut self) -> Result<(), FaultError> {
        let deadline = self.patience.command;
        let undo = |table: &mut Table<'_>| {
            if !table.exists(deadline)? {
                return Ok(());
            }
            table.matched = table.count(deadline);
            must(table.node, &table.delete(), deadline, "deleting the rules").map(|_| ())
        };
        // All of them, and then the first error.
        self.tables.iter_mut().map(undo).fold(Ok(()), Result::and)
    }

    fn verify_undone(&mut self) -> Result<Aftermath, FaultError> {
        for table in &self.tables {
            if table.exists(self.patience.command)? {
                let left = format!("{} still has an nft table {}", table.node.name, table.name);
                return Err(FaultError::StillThere(left));
            }
        }
        let counts: Vec<u64> = self.tables.iter().filter_map(|table| table.matched).collect();
        let void = match (counts.iter().sum(), counts.is_empty()) {
            (_, true) => Some("the rules were gone before the end, so nothing proves that they did anything"),
            (0, _) => Some("no packet met the rules: there was no such traffic"),
            (1_u64.., _) => None,
        };
        Ok(Aftermath { void: void.map(str::to_owned), remarks: Vec::new() })
    }

    fn remedy(&self) -> String {
        let one = |table: &Table<'_>| {
            let delete = |family: &&str| format!("nft delete table {family} {}", table.name);
            let all: Vec<String> = table.families().iter().map(delete).collect();
            format!("on {}: {}", table.node.name, all.join("; "))
        };
        self.tables.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
