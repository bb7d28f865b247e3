//! Everything that is derived from a record: findings, charts, pages, comparison. No network, no namespace, no clock.

mod findings;
#[cfg(feature = "synthetic")]
pub mod synthetic;

pub use findings::{Findings, findings};
