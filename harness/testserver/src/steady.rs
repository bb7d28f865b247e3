//! A server that does next to nothing, on time: one event loop, one fixed answer, given after a fixed time and not
//! during a stall. It is cheap enough not to be seen beside what is measured, and it knows when it answered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags, accept_with, send, sockopt};

use crate::listen;
use crate::spoiled::{Spoiled, Spoiling};
use crate::spread::Spread;

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nbusy\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// Event data of the listener; connections have their index.
const LISTENER: u64 = u64::MAX;
const STOP_CHECK: Duration = Duration::from_millis(50);

/// When the server answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// How long an answer takes: each of them, or their mean where they are spread.
    pub service_time: Duration,
    /// How the times of the answers differ.
    pub spread: Spread,
    /// From when to when it answers nothing; what is ready meanwhile is answered at the end of it.
    pub stall: Option<(Instant, Instant)>,
    /// How much it can do; without it, anything.
    pub capacity: Option<Capacity>,
    /// How often a load is spoiled by a stall that has nothing to do with it.
    pub spoiled: Option<Spoiled>,
    /// Whether it keeps what it answered, for [`SteadyServer::finish`].
    pub log: bool,
}

impl Pace {
    /// Whether every request is answered at once.
    fn is_none(&self) -> bool {
        self.service_time.is_zero()
            && self.stall.is_none()
            && self.capacity.is_none()
            && self.spoiled.is_none()
    }
}

/// A token bucket of depth 1 with a bounded queue: requests are served evenly, and refused with status 503 when too
/// many wait. So the highest load it sustains, of evenly spaced arrivals, is known.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Requests served per second.
    pub per_second: f64,
    /// Requests that may wait.
    pub queue: usize,
}

/// An answered request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The number at the end of the path, 0 when there is none.
    pub number: u64,
    /// When it had been read.
    pub arrived: Instant,
    /// When its answer was handed to the kernel.
    pub at: Instant,
}

/// A server that runs until it is dropped or finished. Requests must have no body.
pub struct SteadyServer {
    address: SocketAddr,
    count: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Answered>>>,
}

impl SteadyServer {
    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When no loopback port can be had: a test cannot go on without it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
    pub fn start(pace: Pace) -> Self {
        let (listener, address) = listen();
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicU64::new(0));
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&count));
        let thread = thread::spawn(move || {
            let serving =
                Loop::new(&listener, pace).and_then(|serving| serving.run(&listener, &stopped, &counter));
            serving.expect("an event loop")
        });
        Self { address, count, stop, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests it has answered so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Ends the server and tells what it answered, in order, if it kept it.
    ///
    /// # Panics
    ///
    /// When the server did.
    #[must_use]
    pub fn finish(mut self) -> Vec<Answered> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for SteadyServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A request that has arrived and is answered at its time; the order is that of these times.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    at: Instant,
    arrived: Instant,
    connection: usize,
    number: u64,
}

struct Loop {
    pace: Pace,
    epoll: OwnedFd,
    connections: Vec<Option<OwnedFd>>,
    /// The next to be answered comes first.
    pending: BinaryHeap<Reverse<Pending>>,
    /// How many requests were given a time.
    timed: u64,
    /// When the last request that was taken will have been served.
    served_until: Instant,
    spoiling: Option<Spoiling>,
    answered: Vec<Answered>,
}

impl Loop {
    fn new(listener: &TcpListener, pace: Pace) -> io::Result<Self> {
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        let now = Instant::now();
        Ok(Self {
            pace,
            epoll,
            connections: Vec::new(),
            pending: BinaryHeap::new(),
            timed: 0,
            served_until: now,
            spoiling: pace.spoiled.map(Spoiling::new),
            answered: Vec::new(),
        })
    }

    fn run(
        mut self,
        listener: &TcpListener,
        stop: &AtomicBool,
        count: &AtomicU64,
    ) -> io::Result<Vec<Answered>> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(256);
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            while self.pending.peek().is_some_and(|Reverse(next)| next.at <= now) {
                let Some(Reverse(next)) = self.pending.pop() else { break };
                self.answer(next.connection, next.number, Some(next.arrived), count);
            }
            let wait = self.pending.peek().map_or(STOP_CHECK, |Reverse(next)| {
                next.at.saturating_duration_since(Instant::now()).min(STOP_CHECK)
            });
            let wait = Timespec::try_from(wait).unwrap_or_default();
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(listener),
                    index => self.read(usize::try_from(index).unwrap_or(usize::MAX), count),
                }
            }
        }
        Ok(self.answered)
    }

    fn accept(&mut self, listener: &TcpListener) {
        while let Ok(socket) = accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            let _ = sockopt::set_tcp_nodelay(&socket, true);
            let data = epoll::EventData::new_u64(self.connections.len() as u64);
            if epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN | epoll::EventFlags::ET).is_ok() {
                self.connections.push(Some(socket));
            }
        }
    }

    /// Reads one request. Clients send the next only after the answer, and a small one comes whole.
    fn read(&mut self, index: usize, count: &AtomicU64) {
        let mut buffer = [0u8; 4096];
        let Some(Some(socket)) = self.connections.get(index) else { return };
        match rustix::io::read(socket, &mut buffer) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(0) | Err(_) => self.connections[index] = None,
            Ok(length) => {
                let number = if self.pace.log { number_of(&buffer[..length]) } else { 0 };
                if self.pace.is_none() {
                    let arrived = self.pace.log.then(Instant::now);
                    return self.answer(index, number, arrived, count);
                }
                let arrived = Instant::now();
                if let Some(spoiling) = &mut self.spoiling {
                    self.pace.stall = spoiling.stall(arrived);
                }
                let mut ready = arrived + self.pace.spread.time(self.pace.service_time, self.timed);
                self.timed += 1;
                if let Some(Capacity { per_second, queue }) = self.pace.capacity {
                    if self.pending.len() >= queue {
                        let _ = send(socket, BUSY, SendFlags::NOSIGNAL);
                        return;
                    }
                    ready = ready.max(self.served_until + Duration::from_secs_f64(1.0 / per_second));
                    self.served_until = ready;
                }
                let stalled = self.pace.stall.filter(|(from, to)| (*from..*to).contains(&ready));
                let at = stalled.map_or(ready, |(_, to)| to);
                self.pending.push(Reverse(Pending { at, arrived, connection: index, number }));
            }
        }
    }

    /// Answers a request; when it arrived is known wherever answers are kept.
    fn answer(&mut self, index: usize, number: u64, arrived: Option<Instant>, count: &AtomicU64) {
        let Some(Some(socket)) = self.connections.get(index) else { return };
        if send(socket, ANSWER, SendFlags::NOSIGNAL).is_err() {
            self.connections[index] = None;
            return;
        }
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(arrived) = arrived.filter(|_| self.pace.log) {
            self.answered.push(Answered { number, arrived, at: Instant::now() });
        }
    }
}

/// The digits at the end of the path on the request line.
fn number_of(request: &[u8]) -> u64 {
    let path = request.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let digits = path.rsplit(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
