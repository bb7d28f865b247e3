//! The load generator.
//!
//! ```text
//!   pacer      stages -> due times, purely
//!   arrivals   due times -> numbered arrivals, each with its request and its values' seed
//!   worker     one event loop per thread: waits for due times, sends, receives, gives up
//!   codec      HTTP/1.1 responses, byte by byte where they come so
//!   windows    samples -> one interval a second, closed when everything due in it is settled
//!   run        threads, phases, merging of the workers' windows
//! ```
//!
//! A due time is computed from the plan alone. An arrival that finds no free connection waits, and its latency counts
//! from when it was due, so a stall of the target is seen by every arrival that fell due during it and not only by the
//! few whose requests were on the way.

mod arrivals;
mod base_url;
mod codec;
mod connection;
mod error;
mod live;
mod pacer;
mod render;
mod resolve;
mod run;
mod scenario;
mod windows;
mod worker;

pub use arrivals::{Arrival, ArrivalStream};
pub use base_url::BaseUrl;
pub use codec::{Event as CodecEvent, Malformed, ResponseParser};
pub use error::LoadError;
pub use live::{Live, Snapshot};
pub use pacer::Pacer;
pub use render::Renderer;
pub use resolve::resolve;
pub use run::{Enter, Options, run};
pub use scenario::{ScenarioError, parse_scenario};
