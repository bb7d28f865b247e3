//! One file per verb of the command line.

pub(crate) mod ceiling;
pub(crate) mod claims;
pub(crate) mod compare;
pub(crate) mod demo;
pub(crate) mod exec;
pub(crate) mod experiment;
pub(crate) mod explain;
pub(crate) mod inner;
pub(crate) mod load;
pub(crate) mod rehearse;
pub(crate) mod report;
pub(crate) mod setup;
pub(crate) mod up;
