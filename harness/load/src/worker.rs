//! One worker: a thread with an event loop, its share of the arrivals and its share of the connections.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use model::{Arrivals, Interval, Outcome, Plan, Sample, Stage};
use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::io::Errno;

use crate::arrivals::{Arrival, ArrivalStream, Mix};
use crate::connection::{Connection, Free, InFlight, Progress, Traffic, Ways, outcome_of};
use crate::live::{Live, Slice};
use crate::render::Renderer;
use crate::run::Options;
use crate::windows::{LENGTH, Windows};

/// The stop flag is looked at this often.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// What is on its way when the load is stopped is given this long.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// A closed loop whose connection failed pauses, so that a dead target is not hammered.
const CLOSED_BACK_OFF: Duration = Duration::from_millis(100);

/// What one worker knows at its end.
pub(crate) struct WorkerTotals {
    pub(crate) traffic: Traffic,
    pub(crate) ways: Ways,
    pub(crate) carried: Vec<u64>,
}

/// A closed stage's place in the load.
struct ClosedStage {
    from: Duration,
    to: Duration,
    think: Duration,
}

pub(crate) struct Worker<'a> {
    id: u64,
    workers: u64,
    options: &'a Options,
    live: &'a Live,
    renderer: Renderer,
    timeout: Duration,
    stream: Peekable<ArrivalStream>,
    closed: Vec<ClosedStage>,
    closed_mix: Mix,
    slots: Vec<Connection>,
    free: Free,
    /// Due and waiting for a free slot.
    waiting: VecDeque<Arrival>,
    /// When requests on their way are given up, in the order in which they were sent.
    deadlines: VecDeque<(Duration, usize, u64)>,
    epoll: OwnedFd,
    windows: Windows,
    slice: Slice,
    traffic: Traffic,
    ways: Ways,
    buffer: Vec<u8>,
    body: Vec<u8>,
    intervals: Sender<Interval>,
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
        let mut slots: Vec<Connection> = (0..slots).map(|_| Connection::default()).collect();
        slots.iter_mut().for_each(|slot| slot.keep_alive(plan.keep_alive));
        let name = format!("mix of worker {id}");
        Ok(Self {
            id: id as u64,
            workers: options.workers as u64,
            options,
            live: &options.live,
            renderer: Renderer::new(plan, &options.authority),
            timeout: plan.timeout,
            stream: ArrivalStream::new(stages, &plan.scenario, plan.seed).peekable(),
            closed: closed_stages(stages),
            closed_mix: Mix::new(&plan.scenario, plan.seed.stream(&name)),
            slots,
            free: Free::default(),
            waiting: VecDeque::new(),
            deadlines: VecDeque::new(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            windows: Windows::new(options.start, plan.scenario.requests.len()),
            slice: Slice::new(Instant::now()),
            traffic: Traffic::default(),
            ways: Ways::default(),
            buffer: vec![0; 64 * 1024],
            body: Vec::new(),
            intervals,
        })
    }

    /// Drives this worker's share of the load to its end at `load_to`, or until `stop`.
    pub(crate) fn run(mut self, load_to: Duration, stop: &AtomicBool) -> Result<WorkerTotals, Errno> {
        for slot in 0..self.slots.len() {
            // A target that cannot be reached yet is seen by the first arrival.
            let _ = self.open(slot);
            self.free.push(Duration::ZERO, slot);
        }
        let mut events: Vec<epoll::Event> = Vec::with_capacity(1024);
        let mut stopped: Option<Duration> = None;
        loop {
            let now = self.now();
            if stopped.is_none() && stop.load(Ordering::Relaxed) {
                self.give_up_waiting(now);
                stopped = Some(now);
            }
            let end = stopped.map(|at| at + self.timeout.min(STOP_GRACE));
            if stopped.is_none() {
                self.take_due(now);
                self.take_closed(now);
            }
            self.send_waiting(now);
            self.expire(now, end);
            self.report(now.min(load_to));
            let over = stopped.is_some() || (now >= load_to && self.next_due().is_none());
            if over && self.waiting.is_empty() && self.deadlines.is_empty() {
                break;
            }
            let wake = self.wake(now, end);
            self.wait(&mut events, wake.saturating_sub(now))?;
            for event in &events {
                self.attend(*event);
            }
        }
        // The last window may be shorter than a whole one.
        self.report(stopped.unwrap_or(load_to) + LENGTH);
        self.live.flush(self.slice);
        Ok(WorkerTotals {
            traffic: self.traffic,
            ways: self.ways,
            carried: self.slots.iter().map(|slot| slot.carried).collect(),
        })
    }

    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.options.start)
    }

    /// The due time of this worker's next arrival.
    fn next_due(&mut self) -> Option<Duration> {
        let (id, workers) = (self.id, self.workers);
        while self.stream.next_if(|arrival| arrival.number % workers != id).is_some() {}
        self.stream.peek().map(|arrival| arrival.due)
    }

    fn take_due(&mut self, now: Duration) {
        if Instant::now() < self.options.start {
            return;
        }
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(arrival) = self.stream.next() else { return };
            self.windows.due(arrival.due);
            self.slice.due();
            self.waiting.push_back(arrival);
        }
    }

    /// In a closed stage every free slot makes an arrival of its own, due now.
    fn take_closed(&mut self, now: Duration) {
        if self.think_at(now).is_none() || Instant::now() < self.options.start {
            return;
        }
        while let Some(slot) = self.free.pop(now) {
            let arrival = self.closed_mix.arrival(now);
            // Numbers of other workers differ, so that their values do.
            let arrival = Arrival { number: arrival.number * self.workers + self.id, ..arrival };
            self.windows.due(arrival.due);
            self.slice.due();
            self.send(slot, arrival, now);
        }
    }

    fn send_waiting(&mut self, now: Duration) {
        while !self.waiting.is_empty() {
            let Some(slot) = self.free.pop(now) else { return };
            if let Some(arrival) = self.waiting.pop_front() {
                self.send(slot, arrival, now);
            }
        }
    }

    fn send(&mut self, slot: usize, arrival: Arrival, now: Duration) {
        if !self.slots[slot].is_open()
            && let Err(errno) = self.open(slot)
        {
            let in_flight = InFlight { arrival, sent: self.now() };
            self.settle(&in_flight, outcome_of(errno), slot);
            return;
        }
        let sent = self.now().max(now);
        let Self { renderer, body, .. } = self;
        let to_head = renderer.is_head(arrival.request);
        self.slots[slot]
            .assign(InFlight { arrival, sent }, to_head, |out| renderer.render(&arrival, out, body));
        self.deadlines.push_back((arrival.due + self.timeout, slot, arrival.number));
        let in_flight = InFlight { arrival, sent };
        let progress = self.slots[slot].write(&mut self.traffic);
        self.follow(slot, progress, Some(in_flight));
    }

    /// Begins to connect a slot and watches its socket.
    fn open(&mut self, slot: usize) -> Result<(), Errno> {
        let addresses = &self.options.addresses;
        let address = &addresses[slot % addresses.len()];
        let connection = &mut self.slots[slot];
        let generation = connection.generation.wrapping_add(1);
        let socket = connection.connect(address)?;
        let data = epoll::EventData::new_u64(u64::from(generation) << 32 | slot as u64);
        let flags =
            epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        epoll::add(&self.epoll, socket, data, flags)
    }

    fn attend(&mut self, event: epoll::Event) {
        let data = event.data.u64();
        let slot = usize::try_from(data & u64::from(u32::MAX)).unwrap_or(usize::MAX);
        let generation = u32::try_from(data >> 32).unwrap_or(0);
        let Some(connection) =
            self.slots.get_mut(slot).filter(|connection| connection.generation == generation)
        else {
            return;
        };
        let in_flight = connection.in_flight;
        let flags = event.flags;
        let mut progress = Progress::Waiting;
        if flags.intersects(epoll::EventFlags::OUT | epoll::EventFlags::ERR | epoll::EventFlags::HUP) {
            progress = connection.writable(&mut self.traffic);
        }
        let hung_up =
            flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR);
        let undecided = matches!(progress, Progress::Waiting | Progress::Established);
        if undecided && (hung_up || flags.contains(epoll::EventFlags::IN)) {
            progress = connection.readable(hung_up, &mut self.buffer, &mut self.traffic, &mut self.ways);
        }
        // The close may come with the answer, and there is no second word of it.
        if hung_up && connection.in_flight.is_none() {
            connection.close();
        }
        self.follow(slot, progress, in_flight);
        // The next one goes out at once: a write straight after the read.
        let now = self.now();
        self.send_waiting(now);
    }

    /// Settles what has ended on a slot that carried `in_flight`.
    fn follow(&mut self, slot: usize, progress: Progress, in_flight: Option<InFlight>) {
        if let (Progress::Ended(outcome), Some(in_flight)) = (progress, in_flight) {
            self.settle(&in_flight, outcome, slot);
        }
    }

    /// The pause of the closed stage at that time, if there is one.
    fn think_at(&self, when: Duration) -> Option<Duration> {
        self.closed.iter().find(|stage| (stage.from..stage.to).contains(&when)).map(|stage| stage.think)
    }

    /// Keeps the sample and frees the slot.
    fn settle(&mut self, in_flight: &InFlight, outcome: Outcome, slot: usize) {
        let done = self.now().max(in_flight.sent);
        let arrival = &in_flight.arrival;
        self.keep(&Sample {
            request: arrival.request,
            due: arrival.due,
            sent: Some(in_flight.sent),
            done,
            outcome,
        });
        let from = match (self.think_at(done), outcome) {
            (None, _) => Duration::ZERO,
            (Some(think), Outcome::Answered { .. }) => done + think,
            (Some(think), _) => done + think.max(CLOSED_BACK_OFF),
        };
        self.free.push(from, slot);
    }

    fn keep(&mut self, sample: &Sample) {
        self.windows.settle(sample);
        self.slice.add(sample);
    }

    /// Gives up what was not answered, or not even sent, in time; everything once `end` has come.
    fn expire(&mut self, now: Duration, end: Option<Duration>) {
        let all = end.is_some_and(|end| end <= now);
        while let Some((deadline, slot, number)) = self.deadlines.front().copied() {
            let current = self.slots[slot].in_flight.filter(|in_flight| in_flight.arrival.number == number);
            match current {
                None => {}
                Some(in_flight) if deadline <= now || all => {
                    self.slots[slot].close();
                    self.settle(&in_flight, Outcome::TimedOut, slot);
                }
                Some(_) => break,
            }
            self.deadlines.pop_front();
        }
        while self.waiting.front().is_some_and(|arrival| arrival.due + self.timeout <= now) {
            if let Some(arrival) = self.waiting.pop_front() {
                self.unsent(&arrival, now);
            }
        }
    }

    fn give_up_waiting(&mut self, now: Duration) {
        self.take_due(now);
        while let Some(arrival) = self.waiting.pop_front() {
            self.unsent(&arrival, now);
        }
    }

    fn unsent(&mut self, arrival: &Arrival, now: Duration) {
        let done = now.max(arrival.due);
        self.keep(&Sample {
            request: arrival.request,
            due: arrival.due,
            sent: None,
            done,
            outcome: Outcome::Unsent,
        });
    }

    /// Passes on the intervals that are complete, nothing more falling due before `until`.
    fn report(&mut self, until: Duration) {
        while let Some(interval) = self.windows.close(until) {
            // Whoever collects them has ended only when it panicked.
            let _ = self.intervals.send(interval);
        }
        let now = Instant::now();
        if self.slice.is_old(now) {
            self.live.flush(std::mem::replace(&mut self.slice, Slice::new(now)));
        }
    }

    /// When there is next something to do without being told by a socket.
    fn wake(&mut self, now: Duration, end: Option<Duration>) -> Duration {
        let mut wake = now + STOP_CHECK;
        let mut by = |when: Option<Duration>| wake = wake.min(when.unwrap_or(wake));
        by(self.deadlines.front().map(|(deadline, ..)| *deadline));
        by(self.waiting.front().map(|arrival| arrival.due + self.timeout));
        by(end);
        if end.is_none() {
            by(self.next_due());
            by(self.closed.iter().map(|stage| stage.from).find(|from| *from > now));
            by(self.think_at(now).and_then(|_| self.free.first()));
        }
        wake
    }

    fn wait(&self, events: &mut Vec<epoll::Event>, timeout: Duration) -> Result<(), Errno> {
        events.clear();
        // Before the start, `now` stands still at zero.
        let lead = self.options.start.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(timeout + lead).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

fn closed_stages(stages: &[Stage]) -> Vec<ClosedStage> {
    let mut from = Duration::ZERO;
    let mut closed = Vec::new();
    for stage in stages {
        let to = from + stage.duration;
        if let Arrivals::Closed { think } = stage.arrivals {
            closed.push(ClosedStage { from, to, think });
        }
        from = to;
    }
    closed
}
