//! One file per fault.

pub(crate) mod drop;
pub(crate) mod kill;
pub(crate) mod noop;
pub(crate) mod pause;
pub(crate) mod restart;
