//! Everything that is derived from a record: findings, charts, pages, comparison. No network, no namespace, no clock.

mod charts;
mod compare;
mod findings;
mod junit;
mod page;
mod summary;
#[cfg(feature = "synthetic")]
pub mod synthetic;
mod table;
mod words;
mod write;

pub use compare::{Comparison, RunReport, compare};
pub use findings::{Findings, findings};
pub use summary::{Summary, summary};
pub use table::verdict_table;
pub use write::{ReportError, write};
