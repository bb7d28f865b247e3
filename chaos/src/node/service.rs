//! Stopping parts and bringing them back with their own commands, also when we are no longer there to do it.

use std::time::{Duration, Instant};

use crate::fault::{Aftermath, FaultError};
use crate::node::group::Group;
use crate::node::timer::Timer;
use crate::node::{Site, must_as_the_node, run, script, typed, until};
use crate::patience::Patience;

/// A start takes its time; the timer must not start a part a second time while we are at it.
const MARGIN: Duration = Duration::from_secs(10);

// The start command only when nothing of the part lives: a supervisor, or a person, may have been faster.
const START_UNLESS_RUNNING: &str = r#"running "$1" >/dev/null && exit; shift; exec "$@""#;

// What it starts may keep its output open for as long as it lives, and we would wait for that: so the output goes to
// a file without a name, whose last lines are shown.
const WITH_OUTPUT_ASIDE: &str = r#"
log=$(mktemp) && exec 3<>"$log" && rm -f "$log" || exec 3<>/dev/null
"$@" >&3 2>&3 3>&-
code=$?
tail -n 3 /proc/$$/fd/3 >&2
exit $code
"#;

/// Runs a part's own start or stop command; `doing` says which it is.
pub(crate) fn command(
    site: Site<'_>,
    argv: &[String],
    patience: &Patience,
    doing: &str,
) -> Result<(), FaultError> {
    let what = format!("{doing} {}", site.process.name);
    must_as_the_node(site.node, &script(WITH_OUTPUT_ASIDE, argv), patience.service, &what).map(|_| ())
}

/// Parts that are, or will be, down by our doing.
pub(crate) struct Revival<'a> {
    parts: Vec<Part<'a>>,
    patience: Patience,
}

struct Part<'a> {
    site: Site<'a>,
    timer: Option<Timer<'a>>,
    started: bool,
    remark: Option<String>,
}

impl<'a> Revival<'a> {
    pub(crate) fn new(sites: &[Site<'a>], patience: Patience) -> Self {
        let part = |site: &Site<'a>| Part { site: *site, timer: None, started: false, remark: None };
        Revival { parts: sites.iter().map(part).collect(), patience }
    }

    /// Arms a timer per part that starts it if we have not done so some time after `hold`. What something else
    /// starts needs none.
    pub(crate) fn arm(&mut self, hold: Duration) -> Result<(), FaultError> {
        for part in &mut self.parts {
            let site = part.site;
            if site.process.start.is_empty() {
                continue;
            }
            let mut args = vec![site.pid_file()];
            args.extend(site.process.start.clone());
            let argv = script(START_UNLESS_RUNNING, args);
            let (key, deadline) = (site.pid_file(), self.patience.command);
            part.timer = Some(Timer::arm(site.node, &key, hold + MARGIN, argv, deadline)?);
        }
        Ok(())
    }

    /// Starts every part that is not running, in order, and cancels the timers. Goes on after an error, so that one
    /// part that does not start keeps no other down; the first error is returned.
    pub(crate) fn start(&mut self) -> Result<(), FaultError> {
        let mut first = Ok(());
        for part in &mut self.parts {
            match start_unless_running(part.site, &self.patience) {
                Ok(true) => part.started = true,
                Ok(false) if part.started || part.site.process.supervised => {}
                Ok(false) => {
                    let site = part.site;
                    part.remark = Some(format!("{site} was started by something else during the fault"));
                }
                Err(error) => first = first.and(Err(error)),
            }
        }
        for timer in self.parts.iter().filter_map(|part| part.timer.as_ref()) {
            first = first.and(timer.cancel(self.patience.command));
        }
        first
    }

    /// Waits until every part answers its own protocol.
    pub(crate) fn await_ready(&self) -> Result<Aftermath, FaultError> {
        let give_up = Instant::now() + self.patience.ready;
        for part in &self.parts {
            let left = give_up.saturating_duration_since(Instant::now());
            until(left, || ready(part.site, &self.patience))?;
        }
        let remarks = self.parts.iter().filter_map(|part| part.remark.clone()).collect();
        Ok(Aftermath { void: None, remarks })
    }

    pub(crate) fn remedy(&self) -> String {
        let start = |part: &Part<'_>| match part.site.process.start.is_empty() {
            true => format!("on {}: start {}", part.site.node.name, part.site.process.name),
            false => format!("on {}: {}", part.site.node.name, typed(&part.site.process.start)),
        };
        self.parts.iter().map(start).collect::<Vec<_>>().join("; ")
    }
}

/// Starts the part unless something of it lives, and says whether it did.
pub(crate) fn start_unless_running(site: Site<'_>, patience: &Patience) -> Result<bool, FaultError> {
    match Group::of(site, patience.command) {
        Err(FaultError::NotRunning { .. }) => {}
        other => return other.map(|_| false),
    }
    if site.process.start.is_empty() {
        // Whatever supervises it starts it.
        return Ok(false);
    }
    command(site, &site.process.start, patience, "starting").map(|()| true)
}

/// Asks once whether the part does its work: by its own protocol, or, without one, whether it lives.
fn ready(site: Site<'_>, patience: &Patience) -> Result<(), FaultError> {
    if site.process.ready.is_empty() {
        return Group::of(site, patience.command).map(|_| ());
    }
    let output = run(site.node, &site.process.ready, patience.command)?;
    if output.success() {
        return Ok(());
    }
    let complaint = output.complaint();
    Err(FaultError::StillThere(format!("{site} is not ready: {complaint}")))
}
