//! How long it takes to open the connections of a load, before there is one.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use model::Plan;

use crate::LoadError;
use crate::fleet::Fleet;
use crate::poller::Poller;
use crate::run::{Options, Task};
use crate::thread_state::{self, allow_files};
use crate::tls::TlsClient;

/// Connections that are being opened at a time: the target's queue of new ones is to hold them.
const AT_ONCE: u64 = 32;

/// How the connections of a load could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// All stood after this time, TLS handshakes included.
    All(Duration),
    /// Not all stood in time.
    TooSlow,
    /// One was not to be had.
    Failed,
    /// The load opens them when they are needed: it does not keep them, or opens them slowly by its own will.
    AsNeeded,
}

/// Opens every connection that `plan` holds from its start, closes them, and tells how long it took, with so much
/// `patience`. A load that starts sooner than that measures how it opens connections.
///
/// # Errors
///
/// When the plan's TLS cannot be set up, or the thread that opens them cannot.
pub fn opening_time(plan: &Plan, options: &Options, patience: Duration) -> Result<Opening, LoadError> {
    if !plan.keep_alive || plan.transport.opens_per_s.is_some() || !plan.transport.slow_start.is_zero() {
        return Ok(Opening::AsNeeded);
    }
    allow_files(plan.connections)?;
    let tls = TlsClient::new(&plan.transport)?;
    let options = &Options { workers: 1, ..options.clone() };
    let task = Task { plan, stages: &[], options, tls: tls.as_ref() };
    let opened = thread::scope(|scope| scope.spawn(|| open_all(task, patience)).join());
    let opened = opened.map_err(|_| LoadError::Panicked)?;
    opened.map_err(LoadError::system("open the connections of the load"))
}

fn open_all(task: Task<'_>, patience: Duration) -> io::Result<Opening> {
    let enter = Arc::clone(&task.options.enter);
    enter()?;
    thread_state::pin(0, &task.options.cpus);
    let mut poller = Poller::new(false)?;
    let mut fleet = Fleet::new(0, &task, task.plan.connections);
    let (all, mut asked) = (task.plan.connections as u64, 0);
    let mut events = Poller::events();
    let began = Instant::now();
    loop {
        while asked < all && asked - fleet.traffic.opened < AT_ONCE {
            let number = usize::try_from(asked).unwrap_or(usize::MAX);
            if fleet.open(number, None, Duration::ZERO, &poller).is_err() {
                return Ok(Opening::Failed);
            }
            asked += 1;
        }
        if fleet.traffic.opened == all {
            return Ok(Opening::All(began.elapsed()));
        }
        let Some(left) = patience.checked_sub(began.elapsed()) else { return Ok(Opening::TooSlow) };
        poller.wait(&mut events, left)?;
        for event in &events {
            if fleet.attend(*event).is_some_and(|number| !fleet.is_open(number)) {
                return Ok(Opening::Failed);
            }
        }
    }
}
