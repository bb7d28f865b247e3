//! A process hangs: SIGSTOP, and SIGCONT when the injection ends. The kernel still accepts connections for it, so
//! whatever checks no further than that takes it for healthy.

use std::time::Duration;

use model::FaultKind;

use crate::fault::{Aftermath, Context, Fault, FaultError, Harm};
use crate::keys::{Keys, ScheduleError};
use crate::node::group::Group;
use crate::node::timer::Timer;
use crate::node::{Site, by_node, must, script, until};
use crate::patience::Patience;

/// The timer continues the process this long after we should have done it.
const MARGIN: Duration = Duration::from_secs(1);

// The number may belong to another process by now: one that started at another time. Where the leader is gone, the
// number cannot be taken as long as others of its group live.
const CONTINUE: &str = r#"
if look "$1" && [ "$2" != 0 ] && [ "$born" != "$2" ]; then exit 0; fi
[ -z "$(members "$1")" ] || kill -s CONT -- "-$1"
"#;

const THREADS: &str = include_str!("../node/threads.sh");

pub(crate) struct Pause;

impl Fault for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn colour(&self) -> &'static str {
        "#56B4E9"
    }

    fn read(&self, _keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError> {
        Ok(FaultKind::Pause)
    }

    fn prepare<'a>(&self, context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError> {
        let patience = context.patience;
        let hit = |site: Site<'a>| Ok(Hit { site, group: Group::of(site, patience.command)?, timer: None });
        Ok(Box::new(Paused {
            hits: context.sites()?.into_iter().map(hit).collect::<Result<_, FaultError>>()?,
            hold: context.injection.hold,
            patience,
        }))
    }
}

struct Hit<'a> {
    site: Site<'a>,
    group: Group,
    timer: Option<Timer<'a>>,
}

impl Hit<'_> {
    fn continue_command(&self) -> Vec<String> {
        script(CONTINUE, [self.group.id.to_string(), self.group.born.to_string()])
    }

    /// The threads of the group that are (or are not) stopped.
    fn threads(&self, stopped: bool, deadline: Duration) -> Result<Vec<String>, FaultError> {
        let argv = script(THREADS, [self.group.id.to_string()]);
        let listed = must(self.site.node, &argv, deadline, "listing the threads of a process group")?;
        let threads = listed.lines().filter_map(|line| line.split_once(' '));
        Ok(threads
            .filter(|(_, state)| (*state == "T") == stopped)
            .map(|(thread, _)| thread.to_owned())
            .collect())
    }
}

struct Paused<'a> {
    hits: Vec<Hit<'a>>,
    hold: Duration,
    patience: Patience,
}

impl Harm for Paused<'_> {
    fn arm(&mut self) -> Result<(), FaultError> {
        for hit in &mut self.hits {
            let (key, argv) = (hit.site.pid_file(), hit.continue_command());
            let after = self.hold + MARGIN;
            hit.timer = Some(Timer::arm(hit.site.node, &key, after, argv, self.patience.command)?);
        }
        Ok(())
    }

    fn apply(&mut self) -> Result<(), FaultError> {
        for (node, hits) in by_node(&self.hits, |hit| hit.site.node) {
            let mut argv =
                ["/bin/sh", "-c", "kill -s STOP -- \"$@\"", "brownout"].map(str::to_owned).to_vec();
            argv.extend(hits.iter().map(|hit| format!("-{}", hit.group.id)));
            must(node, &argv, self.patience.command, "sending the signal")?;
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<String, FaultError> {
        let mut proofs = Vec::new();
        for hit in &self.hits {
            let (site, id) = (hit.site, hit.group.id);
            until(self.patience.effect, || {
                let running = hit.threads(false, self.patience.command)?;
                match running.as_slice() {
                    [] => Ok(()),
                    pids => Err(FaultError::NoEffect(format!("{site}: still running: {}", pids.join(", ")))),
                }
            })?;
            let stopped = hit.threads(true, self.patience.command)?.len();
            if stopped == 0 {
                return Err(FaultError::NoEffect(format!("{site}: process group {id} died instead")));
            }
            proofs.push(format!("process group {id} of {site} is stopped ({stopped} threads)"));
        }
        Ok(proofs.join(", "))
    }

    fn undo(&mut self) -> Result<(), FaultError> {
        let mut first = Ok(());
        for hit in &self.hits {
            let (node, deadline) = (hit.site.node, self.patience.command);
            first = first.and(must(node, &hit.continue_command(), deadline, "continuing").map(|_| ()));
        }
        for timer in self.hits.iter().filter_map(|hit| hit.timer.as_ref()) {
            first = first.and(timer.cancel(self.patience.command));
        }
        first
    }

    fn verify_undone(&mut self) -> Result<Aftermath, FaultError> {
        let mut aftermath = Aftermath::default();
        for hit in &self.hits {
            let (site, id) = (hit.site, hit.group.id);
            until(self.patience.effect, || match hit.threads(true, self.patience.command)?.as_slice() {
                [] => Ok(()),
                pids => Err(FaultError::StillThere(format!("{site}: still stopped: {}", pids.join(", ")))),
            })?;
            if hit.group.gone(site, self.patience.command).is_ok() {
                aftermath.remarks.push(format!("process group {id} of {site} died while it was paused"));
            }
        }
        Ok(aftermath)
    }

    fn remedy(&self) -> String {
        let one = |hit: &Hit<'_>| format!("on {}: kill -CONT -- -{}", hit.site.node.name, hit.group.id);
        self.hits.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
