//! The run directory, and the only code that knows its file formats.
//!
//! A [`Recorder`] writes one while a run goes on; [`Run::open`] reads one back. Nothing of `model` is serialised as it
//! stands: every file has plain structs of its own, so that a change of a noun cannot change a format by accident, and
//! so that start commands, which may carry passwords, are never written.
//!
//! ```text
//! runs/<utc>-<name>-<seed>/
//!   plan.toml  machine.json                     when the record is opened
//!   timeline.json                               when every choice is resolved and the design is up
//!   events.jsonl  bins.csv  intervals.hlog      while the run goes on; only ever appended to
//!   logs/<node>/<process>.log                   written by the processes themselves
//!   monitor.json                                after the load, where the design has a monitor
//!   findings.json  summary.json  report.html  junit.xml    derived: delete them, they come back the same
//! ```
//!
//! Every time on disk is in seconds from the run's epoch, the moment the record was opened.

mod bins;
pub mod derived;
mod error;
mod events;
mod files;
mod intervals;
mod machine;
mod monitor;
mod place;
mod plan;
mod recorder;
mod run;
mod secrets;
mod timeline;
mod transport;
mod utc;
mod writer;

pub use bins::BinRecord;
pub use error::RecordError;
pub use events::{EventRecord, HeadroomRecord, SessionTotalsRecord, TotalsRecord, WhatRecord};
pub use files::{read_text, write_whole};
pub use intervals::{IntervalRecord, RequestHistograms};
pub use machine::{Machine, MachineRecord};
pub use monitor::{MonitorRecord, MonitorSample};
pub use place::Place;
pub use plan::{FaultRecord, InjectionPlan, PlanRecord, RequestRecord, ScheduleRecord, StageRecord};
pub use recorder::{Recorder, run_id};
pub use run::{CEILING_DIR, Run};
pub use secrets::without_secrets;
pub use timeline::{
    AcceptRecord, FirewallRecord, InjectionRecord, InventoryRecord, LinkRecord, NodeRecord, PhaseRecord,
    ProcessRecord, VirtualAddressRecord,
};
pub use transport::TransportRecord;

/// Version of the formats of the run directory. Keys are added freely; one is renamed or dropped only with a new
/// version.
pub const FORMAT_VERSION: u32 = 1;
