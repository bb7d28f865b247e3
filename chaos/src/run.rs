//! Does a schedule to what is up, and undoes it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use model::{Event, Inventory, ResolvedInjection, Sink, What};
use thiserror::Error;

use crate::fault::{Context, FaultError};
use crate::guard::{Guard, HealError, InjectError};
use crate::outcome::{Outcome, Unhealed};
use crate::patience::Patience;
use crate::sweep::heal_everything;
use crate::{primary, registry};

/// How soon a stop is noticed.
const STOP_CHECK: Duration = Duration::from_millis(10);

/// An injection that could not be done as things stand.
#[derive(Debug, Error)]
#[error("injection \"{injection}\": {reason}")]
pub struct PrecheckError {
    /// The injection's name.
    pub injection: String,
    /// What is missing.
    pub reason: FaultError,
}

/// Asks the nodes, changing nothing, whether every injection could be done now: the processes run, the commands are
/// there, the kernel can do it. For before the load starts.
///
/// # Errors
///
/// One per injection that could not be done.
pub fn precheck(injections: &[ResolvedInjection], inventory: &Inventory) -> Result<(), Vec<PrecheckError>> {
    let patience = Patience::default();
    let check = |(index, resolved): (usize, &ResolvedInjection)| {
        let found = primary::find(resolved, inventory, &patience)?;
        let injection = &resolved.injection;
        let context = Context { index, injection, targets: found.targets, inventory, patience };
        fault_of(resolved)?.prepare(&context).map(|_| ())
    };
    let named = |(index, resolved): (usize, &ResolvedInjection)| {
        let injection = resolved.injection.name.clone();
        check((index, resolved)).err().map(|reason| PrecheckError { injection, reason })
    };
    let errors: Vec<PrecheckError> = injections.iter().enumerate().filter_map(named).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Injects every fault when its time comes, counted from `measure_start`, and heals it when its `for` is over. Blocks
/// until the last one is healed; when `stop` is set, what is in force is healed at once and nothing more is injected.
/// The first and the last act is to heal everything: see [`heal_everything`].
///
/// What is told to `sink`, per injection:
/// - `FaultInjected` once the effect has been seen, stamped with the moment before the fault was applied, so that no
///   effect of it is older than it;
/// - then either `FaultHealed`, when the undo has been verified and stamped so (a killed part answers its own
///   protocol again), or `HealFailed`;
/// - `FaultVoid` alone when it was not applied, had no effect, or the run was stopped before its time; or before its
///   `FaultHealed` when it turned out in the end to have done nothing (no packet met the rules). After a fault
///   without effect that could not be taken back, `HealFailed` follows the `FaultVoid`.
///
/// Other things worth knowing come as `Warning`.
pub fn run(
    injections: &[ResolvedInjection],
    inventory: &Inventory,
    measure_start: Instant,
    sink: &dyn Sink,
    stop: &AtomicBool,
) -> Outcome {
    run_with(Patience::default(), injections, inventory, measure_start, sink, stop)
}

/// [`run`] with other deadlines.
pub fn run_with(
    patience: Patience,
    injections: &[ResolvedInjection],
    inventory: &Inventory,
    measure_start: Instant,
    sink: &dyn Sink,
    stop: &AtomicBool,
) -> Outcome {
    let before = heal_everything(inventory, &patience);
    for found in before.healed.into_iter().chain(before.unhealed.into_iter().map(|unhealed| unhealed.left)) {
        tell(sink, What::Warning(format!("left by an earlier run: {found}")));
    }
    let mut outcome = Outcome::default();
    thread::scope(|scope| {
        let threads: Vec<_> = injections
            .iter()
            .enumerate()
            .map(|(index, resolved)| {
                let one = One { index, resolved, inventory, patience, sink };
                scope.spawn(move || one.live(measure_start, stop))
            })
            .collect();
        for thread in threads {
            // A panic has dropped the guard, which heals; the sweep looks whether it did.
            match thread.join().unwrap_or(End::Void(None)) {
                End::Healed => outcome.injected += 1,
                End::Void(left) => {
                    outcome.void += 1;
                    outcome.unhealed.extend(left);
                }
                End::Left(left) => {
                    outcome.injected += 1;
                    outcome.unhealed.push(left);
                }
            }
        }
    });
    let after = heal_everything(inventory, &patience);
    for found in after.healed {
        tell(sink, What::Warning(format!("healed by the last sweep: {found}")));
    }
    outcome.unhealed.extend(after.unhealed);
    outcome
}

enum End {
    Healed,
    Void(Option<Unhealed>),
    Left(Unhealed),
}

fn tell(sink: &dyn Sink, what: What) {
    sink.emit(Event { at: Instant::now(), what });
}

fn fault_of(resolved: &ResolvedInjection) -> Result<&'static dyn crate::Fault, FaultError> {
    let kind = &resolved.injection.fault;
    registry::fault_of(kind)
        .ok_or_else(|| FaultError::Unknown(format!("there is no fault {}", kind.as_str())))
}

/// Waits until `when`; `false` when the run was stopped before.
fn wait_until(when: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = when.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(STOP_CHECK));
    }
}

/// One injection from its wait to its end.
struct One<'a> {
    index: usize,
    resolved: &'a ResolvedInjection,
    inventory: &'a Inventory,
    patience: Patience,
    sink: &'a dyn Sink,
}

impl One<'_> {
    fn live(&self, measure_start: Instant, stop: &AtomicBool) -> End {
        let injection = &self.resolved.injection;
        if !wait_until(measure_start + injection.at, stop) {
            return self.void("the run was stopped before its time".into(), None);
        }
        match self.inject() {
            Ok(guard) => {
                wait_until(guard.applied() + injection.hold, stop);
                self.heal(guard)
            }
            Err(error) => self.void(error.to_string(), error.unhealed),
        }
    }

    fn inject(&self) -> Result<Guard<'_>, InjectError> {
        let fault = fault_of(self.resolved)?;
        let found = primary::find(self.resolved, self.inventory, &self.patience)?;
        if let Some(remark) = found.remark {
            tell(self.sink, What::Warning(remark));
        }
        let targets: Vec<String> = found.targets.iter().map(ToString::to_string).collect();
        let guard = fault.inject(&Context {
            index: self.index,
            injection: &self.resolved.injection,
            targets: found.targets,
            inventory: self.inventory,
            patience: self.patience,
        })?;
        let what = What::FaultInjected { injection: self.index, targets, effect: guard.effect().to_owned() };
        self.sink.emit(Event { at: guard.applied(), what });
        Ok(guard)
    }

    fn heal(&self, guard: Guard<'_>) -> End {
        let name = &self.resolved.injection.name;
        match guard.heal() {
            Ok(aftermath) => {
                for remark in aftermath.remarks {
                    tell(self.sink, What::Warning(format!("injection \"{name}\": {remark}")));
                }
                let void = aftermath.void.map(|reason| self.void(reason, None));
                tell(self.sink, What::FaultHealed { injection: self.index });
                void.unwrap_or(End::Healed)
            }
            Err(error) => End::Left(self.left(error)),
        }
    }

    fn void(&self, reason: String, left: Option<Box<HealError>>) -> End {
        tell(self.sink, What::FaultVoid { injection: self.index, reason });
        End::Void(left.map(|error| self.left(*error)))
    }

    fn left(&self, error: HealError) -> Unhealed {
        let HealError { left, remedy } = error;
        let (shown, cure) = (left.clone(), remedy.clone());
        tell(self.sink, What::HealFailed { injection: self.index, left: shown, remedy: cure });
        Unhealed { injection: Some(self.index), left, remedy }
    }
}
