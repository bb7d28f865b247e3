//! Faults on schedule: who is hit, when, how it is proven, and how it is always undone.
//!
//! A [`Schedule`](model::Schedule) is what someone wrote ([`parse_schedule`]); [`resolve`] makes every choice in it
//! before anything starts; [`precheck`] asks the nodes whether it can be done; [`run`] does it and undoes it.
//!
//! Every fault has the same life, and [`Guard`] is the only code that walks it:
//! pre-check, undo armed where it survives us, apply, verify the effect, hold, undo, verify undone.
//! A fault is one file under `faults/`: a [`Fault`] (its name, colour and keys in a schedule) that prepares a
//! [`Harm`] (the steps), and one line in the registry.
//!
//! All that is done to a node is a command run on it, so a fault does not know whether the node is a namespace of
//! this machine or something further away.

mod builtin;
mod fault;
mod faults;
mod guard;
mod keys;
mod node;
mod outcome;
mod patience;
mod primary;
mod registry;
mod resolve;
mod run;
mod schedule;
mod select;
mod sweep;
mod timeline;

pub use builtin::{builtin, builtins};
pub use fault::{Aftermath, Context, Fault, FaultError, Harm, Scope};
pub use guard::{Guard, HealError, InjectError};
pub use keys::{Keys, ScheduleError};
pub use node::Site;
pub use outcome::{Outcome, Unhealed};
pub use patience::Patience;
pub use registry::{colour, fault_names, fault_of};
pub use resolve::{ResolveError, resolve};
pub use run::{PrecheckError, precheck, run, run_with};
pub use schedule::parse_schedule;
pub use sweep::{Sweep, heal_everything};
pub use timeline::dry_run;
