//! Waiting: for sockets, until a time, to the microsecond.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

/// Events taken from the kernel at once: few enough that none is old when its turn comes.
const EVENTS: usize = 256;
/// The last stretch before a time that a precise poller spends asking instead of sleeping: a little more than the kernel
/// takes to wake a thread (measured: see docs/performance.md).
const SPIN: Duration = Duration::from_micros(100);

/// CPU time of the calling thread: while it is asking it may be put aside for others.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Watches the sockets of one worker, edge-triggered, for as long as they live.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    precise: bool,
    /// CPU time spent asking instead of sleeping.
    pub(crate) spun: Duration,
}

impl Poller {
    pub(crate) fn new(precise: bool) -> Result<Self, Errno> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?, precise, spun: Duration::ZERO })
    }

    /// Room for the events of one wait.
    pub(crate) fn events() -> Vec<Event> {
        Vec::with_capacity(EVENTS)
    }

    /// Watches a socket; its events carry `data`.
    pub(crate) fn watch(&self, socket: &OwnedFd, data: u64) -> Result<(), Errno> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, socket, EventData::new_u64(data), flags)
    }

    /// Waits for `timeout` or for events.
    pub(crate) fn wait(&mut self, events: &mut Vec<Event>, timeout: Duration) -> Result<(), Errno> {
        if !self.precise {
            return self.poll(events, timeout);
        }
        let wake = Instant::now() + timeout;
        self.poll(events, timeout.saturating_sub(SPIN))?;
        let (began, mut now) = (cpu_time(), Instant::now());
        // The time that it takes to wake a sleeping thread is saved.
        while now < wake && events.is_empty() {
            self.poll(events, Duration::ZERO)?;
            now = Instant::now();
        }
        self.spun += cpu_time().saturating_sub(began);
        Ok(())
    }

    fn poll(&self, events: &mut Vec<Event>, timeout: Duration) -> Result<(), Errno> {
        events.clear();
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}
