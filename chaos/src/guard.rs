//! The life of a fault: the only code that takes its steps, so no fault can forget one.

use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::fault::{Aftermath, FaultError, Harm};

/// How often an undo that a node refused is tried again.
const UNDO_TRIES: u32 = 3;
/// Pause before it is tried again.
const UNDO_PAUSE: Duration = Duration::from_millis(200);

/// What could not be undone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{left}; undo it with: {remedy}")]
pub struct HealError {
    /// What is left.
    pub left: String,
    /// The command that undoes it, with the node to run it on.
    pub remedy: String,
}

/// Why a fault is not in force.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct InjectError {
    /// What went wrong first.
    pub reason: FaultError,
    /// What could not be taken back of what had been applied.
    pub unhealed: Option<Box<HealError>>,
}

impl From<FaultError> for InjectError {
    fn from(reason: FaultError) -> Self {
        InjectError { reason, unhealed: None }
    }
}

/// A fault in force. It is healed by [`Guard::heal`], which tells how that went, or when it is dropped, which cannot.
#[must_use = "a fault is healed as soon as its guard is dropped"]
pub struct Guard<'a> {
    harm: Option<Box<dyn Harm + 'a>>,
    effect: String,
    applied: Instant,
}

impl<'a> Guard<'a> {
    /// Arms the undo, applies the fault and verifies its effect.
    ///
    /// # Errors
    ///
    /// When any of these fails; what was applied has been undone, or the error says what is left.
    pub fn inject(harm: Box<dyn Harm + 'a>) -> Result<Self, InjectError> {
        // The guard exists before the fault does: whatever happens from here on, the fault is undone.
        let mut guard = Guard { harm: Some(harm), effect: String::new(), applied: Instant::now() };
        match guard.begin() {
            Ok(effect) => {
                guard.effect = effect;
                Ok(guard)
            }
            Err(reason) => Err(InjectError { reason, unhealed: guard.heal().err().map(Box::new) }),
        }
    }

    fn begin(&mut self) -> Result<String, FaultError> {
        let Some(harm) = self.harm.as_mut() else { return Ok(String::new()) };
        harm.arm()?;
        self.applied = Instant::now();
        harm.apply()?;
        harm.verify()
    }

    /// The proof that the fault is in force.
    #[must_use]
    pub fn effect(&self) -> &str {
        &self.effect
    }

    /// The moment before the fault was applied: no effect of it can be older.
    #[must_use]
    pub fn applied(&self) -> Instant {
        self.applied
    }

    /// Undoes the fault and verifies that it is undone.
    ///
    /// # Errors
    ///
    /// When something is left.
    pub fn heal(mut self) -> Result<Aftermath, HealError> {
        self.harm.take().map_or_else(|| Ok(Aftermath::default()), undo)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(harm) = self.harm.take() {
            // Nobody is left to be told; the sweep at the end of the run looks again.
            let _ = undo(harm);
        }
    }
}

fn undo(mut harm: Box<dyn Harm + '_>) -> Result<Aftermath, HealError> {
    let mut undone = harm.undo();
    for _ in 1..UNDO_TRIES {
        if undone.is_ok() {
            break;
        }
        thread::sleep(UNDO_PAUSE);
        undone = harm.undo();
    }
    // Even after an error it is worth looking: a command may fail after it has done its work.
    match (harm.verify_undone(), undone) {
        (Ok(mut aftermath), undone) => {
            aftermath.remarks.extend(undone.err().map(|error| format!("undone, although {error}")));
            Ok(aftermath)
        }
        (Err(left), Ok(())) => Err(HealError { left: left.to_string(), remedy: harm.remedy() }),
        (Err(left), Err(error)) => {
            Err(HealError { left: format!("{left} ({error})"), remedy: harm.remedy() })
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
