//! Everything that is derived from a record: findings, charts, pages, comparison. No network, no namespace, no clock.

mod balance;
mod charts;
mod claims;
mod compare;
pub mod explain;
mod findings;
mod junit;
mod monitor;
mod outputs;
mod page;
mod search;
mod summary;
#[cfg(feature = "synthetic")]
pub mod synthetic;
mod table;
mod text;
mod words;
mod wrap;
mod write;

pub use claims::claims_text;
pub use compare::{Comparison, RunReport, compare};
pub use findings::{Findings, findings};
pub use page::{ceiling_page, explain_page};
pub use search::{ceiling_text, knee_hz, scalability};
pub use summary::{Summary, summary};
pub use table::verdict_table;
pub use text::load_text;
pub use write::{ReportError, Settings, write, write_ceiling};
