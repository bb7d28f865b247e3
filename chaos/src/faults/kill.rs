//! A process dies: at once (SIGKILL), or in good order (SIGTERM). It stays dead until the injection ends, unless
//! something supervises it.

use std::time::Duration;

use model::{FaultKind, Process};

use crate::fault::{Aftermath, Context, Fault, FaultError, Harm};
use crate::keys::{Keys, ScheduleError};
use crate::node::group::Group;
use crate::node::service::Revival;
use crate::node::{Site, by_node, must, until};
use crate::patience::Patience;

pub(crate) struct Kill {
    kind: FaultKind,
    signal: &'static str,
    colour: &'static str,
}

pub(crate) const KILL: Kill = Kill { kind: FaultKind::Kill, signal: "KILL", colour: "#D55E00" };
pub(crate) const TERM: Kill = Kill { kind: FaultKind::Term, signal: "TERM", colour: "#E69F00" };

impl Fault for Kill {
    fn name(&self) -> &'static str {
        self.kind.as_str()
    }

    fn colour(&self) -> &'static str {
        self.colour
    }

    fn read(&self, _keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError> {
        Ok(self.kind.clone())
    }

    fn lacks(&self, process: &Process) -> Option<&'static str> {
        (process.start.is_empty() && !process.supervised).then_some("a start command")
    }

    fn prepare<'a>(&self, context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError> {
        let patience = context.patience;
        let hit = |site: Site<'a>| Ok((site, Group::of(site, patience.command)?));
        let sites = context.sites()?;
        Ok(Box::new(Killed {
            hits: sites.iter().copied().map(hit).collect::<Result<_, FaultError>>()?,
            revival: Revival::new(&sites, patience),
            signal: self.signal,
            hold: context.injection.hold,
            patience,
        }))
    }
}

struct Killed<'a> {
    hits: Vec<(Site<'a>, Group)>,
    revival: Revival<'a>,
    signal: &'static str,
    hold: Duration,
    patience: Patience,
}

impl Killed<'_> {
    /// How long after the signal the processes may still be seen.
    fn grace(&self) -> Duration {
        if self.signal == "KILL" { self.patience.effect } else { self.patience.service }
    }
}

impl Harm for Killed<'_> {
    fn arm(&mut self) -> Result<(), FaultError> {
        self.revival.arm(self.hold)
    }

    fn apply(&mut self) -> Result<(), FaultError> {
        // One command per node, so that all parts of a server die together.
        for (node, hits) in by_node(&self.hits, |(site, _)| site.node) {
            let script = format!("kill -s {} -- \"$@\"", self.signal);
            let mut argv = ["/bin/sh", "-c", &script, "brownout"].map(str::to_owned).to_vec();
            argv.extend(hits.iter().map(|(_, group)| format!("-{}", group.id)));
            must(node, &argv, self.patience.command, "sending the signal")?;
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<String, FaultError> {
        let grace = self.grace();
        let mut proofs = Vec::new();
        for (site, group) in &self.hits {
            until(grace, || group.gone(*site, self.patience.command))?;
            proofs.push(format!("process group {} of {site} is gone", group.id));
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
