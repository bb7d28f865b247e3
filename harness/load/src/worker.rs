//! One worker: a thread with an event loop, its share of the arrivals and its share of the connections.
//!
//! Sockets are watched once, edge-triggered, for as long as they live; a request is written straight after the answer
//! before it was read. A request costs one read, one write and its share of a wait.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use model::{Interval, LOOP_GAP, Outcome, Parts, Plan, Sample, Stage};
use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::io::Errno;

use crate::arrivals::{Arrival, ArrivalStream, Mix, Share};
use crate::closed::ClosedStages;
use crate::connection::{Connection, InFlight, Progress, Traffic, outcome_of};
use crate::live::{Live, Slice};
use crate::patience::Patience;
use crate::render::Renderer;
use crate::run::{Options, Stop};
use crate::slots::{Deadlines, Free};
use crate::ways::Ways;
use crate::windows::Windows;

/// The stop flag is looked at this often.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// What is on its way when the load is stopped is given this long.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// A closed loop whose connection failed pauses, so that a dead target is not hammered.
const CLOSED_BACK_OFF: Duration = Duration::from_millis(100);
/// The last stretch before a due time that a precise worker spends asking instead of sleeping: a little more than the
/// kernel takes to wake a thread (measured: see docs/performance.md).
const SPIN: Duration = Duration::from_micros(100);
/// Events taken from the kernel at once: few enough that none is old when its turn comes.
const EVENTS: usize = 256;

/// What one worker knows at its end.
pub(crate) struct WorkerTotals {
    pub(crate) traffic: Traffic,
    pub(crate) ways: Ways,
    /// Requests that each slot carried.
    pub(crate) carried: Vec<u64>,
    /// Time spent spinning until a due time.
    pub(crate) spun: Duration,
}

pub(crate) struct Worker<'a> {
    id: usize,
    options: &'a Options,
    live: &'a Live,
    renderer: Renderer,
    keep_alive: bool,
    timeout: Duration,
    patience: Patience,
    arrivals: Peekable<Share>,
    closed: ClosedStages,
    /// Absent when no stage is closed.
    closed_mix: Option<Mix>,
    slots: Vec<Connection>,
    free: Free,
    /// Due and waiting for a free slot.
    waiting: VecDeque<Arrival>,
    deadlines: Deadlines,
    epoll: OwnedFd,
    windows: Windows,
    slice: Slice,
    buffer: Vec<u8>,
    body: Vec<u8>,
    intervals: Sender<Interval>,
    created: Instant,
    begun: bool,
    /// When the worker last looked, or should have.
    looked: Duration,
    /// Slots that were opened, or passed over, before the start.
    prepared: usize,
    totals: WorkerTotals,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        id: usize,
        plan: &Plan,
        stages: &[Stage],
        options: &'a Options,
        slots: usize,
        intervals: Sender<Interval>,
    ) -> Result<Self, Errno> {
        let stream = ArrivalStream::new(stages, &plan.scenario, plan.seed);
        let closed = ClosedStages::new(stages);
        let closed_mix =
            (!closed.is_empty()).then(|| stream.clone().closed_mix(id, options.workers, plan.seed));
        let mut free = Free::default();
        (0..slots).for_each(|slot| free.push(slot));
        let totals = WorkerTotals {
            traffic: Traffic::default(),
            ways: Ways::default(),
            carried: Vec::new(),
            spun: Duration::ZERO,
        };
        Ok(Self {
            id,
            options,
            live: &options.live,
            renderer: Renderer::new(plan, &options.authority),
            keep_alive: plan.keep_alive,
            timeout: plan.timeout,
            patience: Patience::new(plan.timeout),
            arrivals: stream.share(id, options.workers).peekable(),
            closed,
            closed_mix,
            slots: (0..slots).map(|_| Connection::new(plan.keep_alive)).collect(),
            free,
            waiting: VecDeque::new(),
            deadlines: Deadlines::new(slots),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            windows: Windows::new(options.start, plan.scenario.requests.len()),
            slice: Slice::new(Instant::now()),
            buffer: vec![0; 64 * 1024],
            body: Vec::new(),
            intervals,
            created: Instant::now(),
            begun: false,
            looked: Duration::ZERO,
            prepared: 0,
            totals,
        })
    }

    /// Drives this worker's share of the load to its end at `load_to`, or until it is stopped.
    pub(crate) fn run(mut self, load_to: Duration, stop: Stop<'_>) -> Result<WorkerTotals, Errno> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS);
        let mut stopped: Option<Duration> = None;
        loop {
            let mut now = self.now();
            if stopped.is_none() && stop.is_set() {
                self.give_up_waiting(now);
                stopped = Some(now);
            }
            if stopped.is_none() {
                self.prepare();
                self.take_due(now);
                self.take_closed(now);
            }
            let end = stopped.map(|at| at + self.timeout.min(STOP_GRACE));
            self.expire(now, end);
            now = self.send_waiting(now);
            let over = stopped.is_some() || (now >= load_to && self.arrivals.peek().is_none());
            if over && self.waiting.is_empty() && self.deadlines.first().is_none() {
                break;
            }
            let last = end.or((now < load_to).then_some(load_to));
            let wake = self.wake(now, last, stopped.is_some());
            self.wait(&mut events, now, wake)?;
            for event in &events {
                self.attend(*event, stopped.is_none());
            }
            self.report(load_to);
        }
        // All is settled, and the last window may be shorter than a whole one.
        self.close_windows(stopped.unwrap_or(load_to), true);
        self.live.flush(self.slice);
        self.totals.carried = self.slots.iter().map(|slot| slot.carried).collect();
        Ok(self.totals)
    }

    /// Time since the start of the load; zero before it.
    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.options.start)
    }

    /// Before the start: opens connections one after the other, so that the target's queue of new ones does not
    /// overflow. A target that cannot be reached yet is seen by the first arrival.
    fn prepare(&mut self) {
        if self.begun {
            return;
        }
        let now = Instant::now();
        self.begun = now >= self.options.start;
        let lead = self.lead().as_secs_f64();
        let share = now.saturating_duration_since(self.created).as_secs_f64() / lead.max(f64::MIN_POSITIVE);
        // Without keep-alive a connection serves the request that it is opened for.
        while self.keep_alive && !self.begun && self.prepared < self.slots.len() {
            if f64_of(self.prepared) > share * f64_of(self.slots.len()) {
                return;
            }
            let _ = self.open(self.prepared);
            self.prepared += 1;
        }
    }

    /// The time in which connections are opened: most of what there is before the start, to leave the last ones some
    /// time to be established.
    fn lead(&self) -> Duration {
        self.options.start.saturating_duration_since(self.created).mul_f64(0.8)
    }

    fn take_due(&mut self, now: Duration) {
        let gap = now.saturating_sub(self.looked);
        if gap >= LOOP_GAP && self.begun {
            self.windows.gap(gap, now);
        }
        self.looked = now;
        while self.begun
            && let Some(arrival) = self.arrivals.next_if(|arrival| arrival.due <= now)
        {
            self.windows.due(arrival.due, now - arrival.due);
            self.slice.due += 1;
            self.waiting.push_back(arrival);
        }
    }

    /// In a closed stage every free slot makes an arrival of its own, due now.
    fn take_closed(&mut self, now: Duration) {
        if !self.begun || self.closed.think_at(now).is_none() {
            return;
        }
        while let Some(slot) = self.free.pop_rested(now) {
            let now = self.now();
            let Some(mix) = &mut self.closed_mix else { return };
            let arrival = mix.arrival(now);
            self.windows.due(now, Duration::ZERO);
            self.slice.due += 1;
            self.send(slot, arrival, now);
        }
    }

    /// Sends what waits, as far as there are slots. Returns the time at the end of it.
    fn send_waiting(&mut self, mut now: Duration) -> Duration {
        self.expire_waiting(now);
        while !self.waiting.is_empty()
            && let Some(slot) = self.free.pop()
            && let Some(arrival) = self.waiting.pop_front()
        {
            self.send(slot, arrival, now);
            now = self.now();
        }
        now
    }

    fn send(&mut self, slot: usize, arrival: Arrival, now: Duration) {
        let in_flight = InFlight { arrival, sent: now };
        if !self.slots[slot].is_open()
            && let Err(errno) = self.open(slot)
        {
            let now = self.now();
            if errno == Errno::ADDRNOTAVAIL {
                self.not_sent(&arrival, now, Outcome::NoPort);
                self.release(slot, now, false);
            } else {
                self.settle(&in_flight, outcome_of(errno), slot, now);
            }
            return;
        }
        self.slice.sent += 1;
        let Self { renderer, body, .. } = self;
        let to_head = renderer.is_head(arrival.request);
        self.slots[slot].assign(in_flight, to_head, |out| renderer.render(&arrival, out, body));
        self.deadlines.insert(slot, self.patience.deadline(arrival.due));
        if let Progress::Ended(outcome) = self.slots[slot].write(&mut self.totals.traffic) {
            self.settle(&in_flight, outcome, slot, self.now());
        }
    }

    /// Begins to connect a slot and watches its socket.
    fn open(&mut self, slot: usize) -> Result<(), Errno> {
        let addresses = &self.options.addresses;
        // Counted over all workers, so that few connections are spread over the addresses too.
        let address = &addresses[(slot * self.options.workers + self.id) % addresses.len()];
        let connection = &mut self.slots[slot];
        let generation = connection.generation.wrapping_add(1);
        let socket = connection.connect(address)?;
        let data = epoll::EventData::new_u64(u64::from(generation) << 32 | slot as u64);
        let flags =
            epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        let watched = epoll::add(&self.epoll, socket, data, flags);
        if watched.is_err() {
            connection.close();
        }
        watched
    }

    /// Looks after the socket that the kernel has news of, and sends the next request at once.
    fn attend(&mut self, event: epoll::Event, take: bool) {
        let data = event.data.u64();
        let slot = usize::try_from(data & u64::from(u32::MAX)).unwrap_or(usize::MAX);
        let generation = u32::try_from(data >> 32).unwrap_or(0);
        // What concerned a socket that is no more concerns nobody.
        let known = self.slots.get_mut(slot).filter(|connection| connection.generation == generation);
        let Some(connection) = known else { return };
        let in_flight = connection.in_flight;
        let flags = event.flags;
        let traffic = &mut self.totals.traffic;
        let mut progress = Progress::Waiting;
        if flags.intersects(epoll::EventFlags::OUT | epoll::EventFlags::ERR | epoll::EventFlags::HUP) {
            progress = connection.writable(traffic);
        }
        let hung_up =
            flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR);
        if progress == Progress::Waiting && (hung_up || flags.contains(epoll::EventFlags::IN)) {
            progress = connection.readable(hung_up, &mut self.buffer, traffic, &mut self.totals.ways);
        }
        // The close may come with the answer, and there is no second word of it.
        if hung_up && connection.in_flight.is_none() {
            connection.close();
        }
        let now = self.now();
        if let (Progress::Ended(outcome), Some(in_flight)) = (progress, in_flight) {
            self.settle(&in_flight, outcome, slot, now);
        }
        if take {
            self.take_due(now);
        }
        self.send_waiting(now);
    }

    /// Keeps the sample and frees the slot.
    fn settle(&mut self, in_flight: &InFlight, outcome: Outcome, slot: usize, now: Duration) {
        let done = now.max(in_flight.sent);
        let (request, due) = (in_flight.arrival.request, in_flight.arrival.due);
        self.keep(&Sample {
            request,
            due,
            sent: Some(in_flight.sent),
            done,
            outcome,
            parts: Parts::default(),
        });
        self.deadlines.remove(slot);
        let answered = matches!(outcome, Outcome::Answered { .. });
        if answered {
            self.patience.answered(done - in_flight.sent);
        }
        self.release(slot, done, answered);
    }

    /// The slot may carry the next request, in a closed loop after a pause.
    fn release(&mut self, slot: usize, done: Duration, answered: bool) {
        match self.closed.think_at(done) {
            None => self.free.push(slot),
            Some(Duration::ZERO) if answered => self.free.push(slot),
            Some(think) if answered => self.free.rest(slot, done + think),
            Some(think) => self.free.rest(slot, done + think.max(CLOSED_BACK_OFF)),
        }
    }

    fn keep(&mut self, sample: &Sample) {
        self.windows.settle(sample);
        self.slice.add(sample);
    }

    /// Gives up what was not answered in time; everything on its way once `end` has come.
    fn expire(&mut self, now: Duration, end: Option<Duration>) {
        let all = end.is_some_and(|end| end <= now);
        while let Some((_, slot)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now || all) {
            let in_flight = self.slots[slot].in_flight;
            self.slots[slot].close();
            match in_flight {
                Some(in_flight) => self.settle(&in_flight, Outcome::TimedOut, slot, now),
                None => self.deadlines.remove(slot),
            }
        }
    }

    /// Gives up what is not worth sending any more: it must not take a connection from what can still be served.
    fn expire_waiting(&mut self, now: Duration) {
        while let Some(arrival) =
            self.waiting.pop_front_if(|arrival| self.patience.send_by(arrival.due) <= now)
        {
            self.not_sent(&arrival, self.patience.deadline(arrival.due), Outcome::Unsent);
        }
    }

    fn give_up_waiting(&mut self, now: Duration) {
        self.take_due(now);
        while let Some(arrival) = self.waiting.pop_front() {
            self.not_sent(&arrival, now, Outcome::Unsent);
        }
    }

    fn not_sent(&mut self, arrival: &Arrival, given_up: Duration, outcome: Outcome) {
        let Arrival { request, due, .. } = *arrival;
        let done = given_up.max(due);
        self.keep(&Sample { request, due, sent: None, done, outcome, parts: Parts::default() });
    }

    /// Passes on what is complete, and tells the live view how it goes.
    fn report(&mut self, load_to: Duration) {
        let now = Instant::now();
        if self.slice.is_old(now) {
            self.live.flush(std::mem::replace(&mut self.slice, Slice::new(now)));
        }
        // Nothing more falls due before the next arrival, nor, in a closed loop, before now.
        let next = self.arrivals.peek().map_or(load_to, |arrival| arrival.due);
        self.close_windows(next.min(self.now()), false);
    }

    fn close_windows(&mut self, until: Duration, last: bool) {
        while let Some(interval) = self.windows.close(until, last) {
            // Whoever collects them has ended only when it panicked.
            let _ = self.intervals.send(interval);
        }
    }

    /// When there is next something to do without being told by a socket, at the latest at `end`.
    fn wake(&mut self, now: Duration, end: Option<Duration>, stopped: bool) -> Duration {
        let mut wake = now + STOP_CHECK;
        let mut by = |when: Option<Duration>| wake = wake.min(when.unwrap_or(wake));
        by(self.deadlines.first().map(|(deadline, _)| deadline));
        by(self.waiting.front().map(|arrival| self.patience.send_by(arrival.due)));
        by(end);
        if !stopped {
            by(self.arrivals.peek().map(|arrival| arrival.due));
            by(self.closed.next_from(now));
            by(self.closed.think_at(now).and_then(|_| self.free.rested_at()));
        }
        wake
    }

    /// Waits for sockets from `now` until `wake`.
    fn wait(&mut self, events: &mut Vec<epoll::Event>, now: Duration, wake: Duration) -> Result<(), Errno> {
        let mut timeout = wake.saturating_sub(now);
        if !self.begun {
            // The load's clock stands still at zero, and connections are opened meanwhile.
            let lead = self.options.start.saturating_duration_since(Instant::now());
            let preparing = self.keep_alive && self.prepared < self.slots.len();
            let step = self.lead() / u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            timeout = if preparing { step.min(lead) } else { lead.min(STOP_CHECK) };
        }
        let spin = self.options.precise && self.begun;
        self.poll(events, if spin { timeout.saturating_sub(SPIN) } else { timeout })?;
        if spin && events.is_empty() {
            self.spin(events, wake)?;
        }
        // From here on it has something to do.
        self.looked = wake.min(self.now()).max(now);
        Ok(())
    }

    /// Asks the kernel again and again until `wake`: the time that it takes to wake a sleeping thread is saved.
    fn spin(&mut self, events: &mut Vec<epoll::Event>, wake: Duration) -> Result<(), Errno> {
        let began = self.now();
        let mut now = began;
        while now < wake && events.is_empty() {
            self.poll(events, Duration::ZERO)?;
            now = self.now();
        }
        self.totals.spun += now.saturating_sub(began);
        Ok(())
    }

    fn poll(&self, events: &mut Vec<epoll::Event>, timeout: Duration) -> Result<(), Errno> {
        events.clear();
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of connections, far below 2^52")]
fn f64_of(count: usize) -> f64 {
    count as f64
}
