//! The load generator.
//!
//! ```text
//!   pacer      stages -> due times, purely
//!   access_log a server's log -> due times and requests, kept small
//!   arrivals   due times -> numbered arrivals, each with its request and its values' seed
//!   sessions   what a user remembers from one step to the next, and when the next falls due
//!   render     an arrival -> the bytes of its request
//!   worker     one event loop per thread: waits for due times, sends, receives, gives up
//!   lead       before the start: when which connection is opened
//!   poller     waiting for sockets and due times, asleep or awake
//!   moderation when a busy worker lets answers come together
//!   fleet      a worker's connections, and when they may be opened (opener)
//!   connection a place for sockets that come and go; its lanes carry a request each
//!   exchange   what is spoken on one: HTTP/1.1 (codec), HTTP/2 (http2), WebSocket (websocket)
//!   wire       bytes over a socket, in clear or by TLS (tls)
//!   windows    samples -> one interval a second, closed when everything due in it is settled
//!   collect    the workers' intervals -> one, and the phases at their times
//!   follow     asks for the target's name again while the load goes on
//!   headroom   how much of the machine there was
//!   run        checks, threads, totals
//!   ceiling    which load to try next, purely
//! ```
//!
//! A due time is computed from the plan alone. An arrival that finds no free connection waits, and its latency counts
//! from when it was due, so a stall of the target is seen by every arrival that fell due during it and not only by the
//! few whose requests were on the way.
//!
//! Connections are opened before the start. One that is lost while it carries nothing is opened again by the next
//! request that needs it: an attempt per due request at most, so a dead target is not hammered, and every refusal is
//! some arrival's. A request whose connection is lost is not sent again: whoever retries decides what is measured.
//!
//! A request is given up when its time is over, counted from when it was due. An arrival that has less time left than the
//! target needs is not sent at all: see `patience`.
//!
//! Waiting is exact to the nanosecond by `epoll_pwait2(2)`, so Linux 5.11 is needed.

mod access_log;
mod address;
mod answer;
mod arrivals;
mod base_url;
pub mod ceiling;
mod closed;
mod codec;
mod collect;
mod connection;
mod effort;
mod error;
mod exchange;
mod fleet;
mod follow;
mod headroom;
mod http2;
mod lead;
mod live;
mod moderation;
mod opener;
mod opening;
mod pacer;
mod patience;
mod poller;
mod preflight;
mod render;
mod resolve;
mod run;
mod scenario;
mod sessions;
mod slots;
mod thread_state;
mod tls;
mod totals;
mod ways;
mod websocket;
mod windows;
mod wire;
mod worker;

pub use access_log::{AccessLog, AccessLogError, read_access_log};
pub use address::{Target, Targets};
pub use arrivals::{Arrival, ArrivalStream, Origin};
pub use base_url::BaseUrl;
pub use codec::{Event as CodecEvent, Malformed, ResponseParser};
pub use error::LoadError;
pub use follow::Name;
pub use live::{Detail, Kind, Live, Snapshot, Tally};
pub use opening::{Opening, opening_time};
pub use pacer::Pacer;
pub use render::Renderer;
pub use resolve::{Resolved, resolve};
pub use run::{Enter, Options, run};
pub use scenario::{ScenarioError, Surroundings, parse_scenario};
