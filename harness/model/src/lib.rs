//! The nouns of Brownout, one word per thing, used by every other crate.
//!
//! Nothing here reads a file, a clock or the network, and nothing here is serialised: the formats belong to `record`
//! and to the parsers of what users write.
//!
//! Time comes in three forms. A *duration* inside a [`Plan`] counts from the start of the measured load, which is what
//! a schedule's `at` means to the person who wrote it. A [`std::time::Instant`] marks when something happened while
//! the run goes on. On disk every instant is an offset from the run's epoch, the moment the record was opened.

mod curve;
mod design;
mod event;
mod explanation;
mod fault;
mod generator;
mod interval;
mod load_totals;
mod objective;
mod outcome;
mod plan;
mod replay;
mod scenario;
mod secret;
mod seed;
mod stage;
mod table;
mod template;
mod transport;

pub use curve::Curve;
pub use design::{Accept, Endpoint, Firewall, Inventory, Link, Node, Process, Reach, Role, VirtualAddress};
pub use event::{Event, NullSink, Phase, Sink, What};
pub use explanation::{Element, Explanation, Measure, Pattern, Term, Try, WayStep, Weakness, ZoneRecord};
pub use fault::{Direction, FaultKind, Injection, Pick, ResolvedInjection, Schedule, Selector, Target};
pub use generator::{Headroom, Limit, allowed_lag, is_limit, limits};
pub use interval::{
    Bin, Done, Histogram, Interval, LOOP_GAP, PartHistograms, RequestInterval, new_histogram,
};
pub use load_totals::{LoadTotals, SessionTotals};
pub use objective::{Comparator, Metric, Objective, Verdict};
pub use outcome::{Counts, Outcome, Parts, Sample};
pub use plan::{Phases, Plan, Timeline};
pub use replay::{Replay, Replayed};
pub use scenario::{Capture, Credential, Method, Place, Request, Scenario, Session, Step};
pub use secret::Secret;
pub use seed::Seed;
pub use stage::{Arrivals, Stage};
pub use table::{Order, Table};
pub use template::{Piece, Template, TemplateError};
pub use transport::{Identity, Protocol, Tls, Transport};
