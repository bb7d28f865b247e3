//! Whom an experiment hits, as injections.

use std::time::Duration;

use model::{Direction, FaultKind, Injection, Pick, ResolvedInjection, Schedule, Selector};
use record::derived::InjectionFile;
use targets::claims::{Harm, Victim, Which};

use super::figures::Figures;
use super::testbed::Testbed;
use crate::failure::{Code, Failure, OrFail};

/// When the victims are hit: the first at `first`, each for `away`, with `between` for the recovery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    pub(crate) first: Duration,
    pub(crate) away: Duration,
    pub(crate) between: Duration,
}

impl Rhythm {
    /// How long a load must be to see the recovery of the last of so many.
    pub(crate) fn length(&self, victims: usize) -> Duration {
        self.first + (self.away + self.between) * u32::try_from(victims).unwrap_or(u32::MAX)
    }
}

/// The victims in turn, each harmed and healed.
pub(crate) fn harmed(
    victims: &[Victim],
    rhythm: Rhythm,
    bed: &Testbed<'_>,
) -> Result<Vec<ResolvedInjection>, Failure> {
    let mut at = rhythm.first;
    let mut injections = Vec::new();
    for victim in victims {
        injections.push(Injection {
            name: victim.name(),
            fault: match victim.fault {
                Harm::Kill => FaultKind::Kill,
                Harm::Pause => FaultKind::Pause,
                Harm::Restart => FaultKind::Restart,
                Harm::Drop => FaultKind::Drop { direction: Direction::Both, peer: None, port: None },
            },
            select: selector(victim, bed)?,
            at,
            hold: rhythm.away,
            if_present: false,
        });
        at += rhythm.away + rhythm.between;
    }
    let schedule = Schedule { injections, ..Schedule::default() };
    chaos::resolve(&schedule, bed.inventory, bed.seed).or_fail(Code::Input)
}

fn selector(victim: &Victim, bed: &Testbed<'_>) -> Result<Selector, Failure> {
    let node = victim.has.as_ref().map(|address| bed.owner(address)).transpose()?;
    Ok(Selector {
        node: node.map(|node| node.name.clone()),
        role: Some(victim.role),
        part: None,
        primary: victim.primary,
        whole_node: victim.whole_node,
        pick: match victim.pick {
            Which::All => Pick::All,
            Which::First => Pick::First,
            Which::Last => Pick::Last,
        },
    })
}

/// Keeps how long a victim was away. `None`, and a doubt, when it was not.
pub(crate) fn absence(victim: &str, found: Option<&InjectionFile>, figures: &mut Figures) -> Option<f64> {
    let Some(found) = found.filter(|found| found.verdict != "void") else {
        let why = found.map_or("it was not injected", |found| found.sentence.as_str());
        figures.doubt(format!("the fault of {victim} was void: {why}"));
        return None;
    };
    let Some(healed_s) = found.healed_s else {
        figures.doubt(format!("{victim} was not seen to be back"));
        return None;
    };
    figures.set(&format!("{victim}_away_s"), healed_s - found.at_s);
    Some(healed_s - found.at_s)
}
