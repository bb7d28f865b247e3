//! A part is stopped in good order by its own stop command, is away until the injection ends, and is started again:
//! maintenance, a deployment, an upgrade. `restart-primary` does it to whichever database is the primary then.

use std::time::Duration;

use model::{FaultKind, Process};

use crate::fault::{Aftermath, Context, Fault, FaultError, Harm};
use crate::keys::{Keys, ScheduleError};
use crate::node::group::Group;
use crate::node::service::{Revival, command};
use crate::node::{Site, until};
use crate::patience::Patience;

pub(crate) struct Restart {
    kind: FaultKind,
    colour: &'static str,
}

pub(crate) const RESTART: Restart = Restart { kind: FaultKind::Restart, colour: "#009E73" };
pub(crate) const RESTART_PRIMARY: Restart = Restart { kind: FaultKind::RestartPrimary, colour: "#0072B2" };

impl Fault for Restart {
    fn name(&self) -> &'static str {
        self.kind.as_str()
    }

    fn colour(&self) -> &'static str {
        self.colour
    }

    fn primary_only(&self) -> bool {
        self.kind == FaultKind::RestartPrimary
    }

    fn read(&self, _keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError> {
        Ok(self.kind.clone())
    }

    fn lacks(&self, process: &Process) -> Option<&'static str> {
        if process.stop.is_empty() {
            return Some("a stop command");
        }
        process.start.is_empty().then_some("a start command")
    }

    fn prepare<'a>(&self, context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError> {
        let patience = context.patience;
        let hit = |site: Site<'a>| Ok((site, Group::of(site, patience.command)?));
        let sites = context.sites()?;
        Ok(Box::new(Stopped {
            hits: sites.iter().copied().map(hit).collect::<Result<_, FaultError>>()?,
            revival: Revival::new(&sites, patience),
            hold: context.injection.hold,
            patience,
        }))
    }
}

struct Stopped<'a> {
    hits: Vec<(Site<'a>, Group)>,
    revival: Revival<'a>,
    hold: Duration,
    patience: Patience,
}

impl Harm for Stopped<'_> {
    fn arm(&mut self) -> Result<(), FaultError> {
        self.revival.arm(self.hold)
    }

    fn apply(&mut self) -> Result<(), FaultError> {
        // Last started, first stopped.
        self.hits
            .iter()
            .rev()
            .try_for_each(|(site, _)| command(*site, &site.process.stop, &self.patience, "stopping"))
    }

    fn verify(&mut self) -> Result<String, FaultError> {
        let mut proofs = Vec::new();
        for (site, group) in &self.hits {
            until(self.patience.effect, || group.gone(*site, self.patience.command))?;
            proofs.push(format!("{site} is stopped, its process group {} is gone", group.id));
        }
        Ok(proofs.join(", "))
    }

    fn undo(&mut self) -> Result<(), FaultError> {
        self.revival.start()
    }

    fn verify_undone(&mut self) -> Result<Aftermath, FaultError> {
        self.revival.await_ready()
    }

    fn remedy(&self) -> String {
        self.revival.remedy()
    }
}
