//! One worker: a thread with an event loop, its share of the arrivals and its share of the connections.
//!
//! Sockets are watched once, edge-triggered, for as long as they live; a request is written straight after the answer
//! before it was read. A request costs one read, one write and its share of a wait.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use model::{Interval, Outcome, Parts, Sample};
use rustix::event::epoll::Event;
use rustix::io::Errno;

use crate::arrivals::{Arrival, ArrivalStream, Mix, Share};
use crate::closed::ClosedStages;
use crate::connection::InFlight;
use crate::effort::Effort;
use crate::fleet::{Ended, Fleet};
use crate::lead::Lead;
use crate::live::{Live, Slice};
use crate::moderation::{Moderation, Round};
use crate::patience::Patience;
use crate::poller::Poller;
use crate::run::{Options, Stop, Task};
use crate::slots::{Deadlines, Free};
use crate::thread_state;
use crate::totals::WorkerTotals;
use crate::windows::Windows;

/// The stop flag is looked at this often.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// What is on its way when the load is stopped is given this long.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// Where arrivals wait for a free connection already, the next one is looked for so late at most, since it would only wait
/// too, and what has waited too long is given up so late.
/// Longer than the tick of most kernels, since a timer that is due before it costs a quarter of a request over one connection.
const UNHURRIED: Duration = Duration::from_millis(5);
/// A closed loop whose connection failed pauses, so that a dead target is not hammered.
const CLOSED_BACK_OFF: Duration = Duration::from_millis(100);

/// Arrivals that there is room for to wait, however few do.
const ROOM: usize = 8_192;

pub(crate) struct Worker<'a> {
    options: &'a Options,
    live: &'a Live,
    keep_alive: bool,
    timeout: Duration,
    /// How late the worker may see an arrival.
    allowed_lag: Duration,
    /// CPU time that it had needed when it last told how it goes.
    needed: Duration,
    effort: Effort,
    patience: Patience,
    moderation: Moderation,
    /// Requests that have ended since the last wait.
    ended: usize,
    arrivals: Peekable<Share>,
    closed: ClosedStages,
    /// Absent when no stage is closed.
    closed_mix: Option<Mix>,
    fleet: Fleet<'a>,
    free: Free,
    /// Due and waiting for a free slot.
    waiting: VecDeque<Arrival>,
    deadlines: Deadlines,
    poller: Poller,
    windows: Windows,
    slice: Slice,
    intervals: Sender<Interval>,
    lead: Lead,
    begun: bool,
    /// When the worker last looked, or should have.
    looked: Duration,
    /// Arrivals that fell due before it were not looked for on purpose: how late they are seen counts from here.
    unhurried: Duration,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        id: usize,
        task: &Task<'a>,
        connections: usize,
        intervals: Sender<Interval>,
    ) -> Result<Self, Errno> {
        let Task { plan, stages, options, .. } = *task;
        let stream = ArrivalStream::new(stages, &plan.scenario, plan.seed);
        let closed = ClosedStages::new(stages);
        let closed_mix =
            (!closed.is_empty()).then(|| stream.clone().closed_mix(id, options.workers, plan.seed));
        let fleet = Fleet::new(id, task, connections);
        Ok(Self {
            options,
            live: &options.live,
            keep_alive: plan.keep_alive,
            timeout: plan.timeout,
            allowed_lag: model::allowed_lag(&plan.objectives),
            needed: Duration::ZERO,
            effort: Effort::new(plan.phases().load_to),
            patience: Patience::new(plan.timeout),
            moderation: Moderation::new(options.precise),
            ended: 0,
            arrivals: stream.share(id, options.workers).peekable(),
            closed,
            closed_mix,
            free: Free::new(fleet.connections(), fleet.lanes(), plan.transport.slow_start),
            deadlines: Deadlines::new(fleet.slots()),
            fleet,
            waiting: VecDeque::new(),
            poller: Poller::new(options.precise)?,
            windows: Windows::new(options.start, plan.scenario.requests.len(), plan.phases().load_to),
            slice: Slice::new(id, Instant::now()),
            intervals,
            lead: Lead::new(options.start, connections),
            begun: false,
            looked: Duration::ZERO,
            unhurried: Duration::ZERO,
        })
    }

    /// Drives this worker's share of the load to its end at `load_to`, or until it is stopped.
    pub(crate) fn run(mut self, load_to: Duration, stop: Stop<'_>) -> Result<WorkerTotals, Errno> {
        let mut events = Poller::events();
        let mut stopped: Option<Duration> = None;
        // The clock is read once after each thing that takes time, and not for each that asks.
        let mut now = self.now();
        loop {
            if stopped.is_none() && stop.is_set() {
                self.windows.end(now);
                if self.begun {
                    self.effort.end(now, thread_state::needed_time(self.poller.spun), &mut self.windows);
                }
                self.give_up_waiting(now);
                stopped = Some(now);
            }
            if stopped.is_none() {
                self.prepare();
                self.take_due(now);
            }
            let end = stopped.map(|at| at + self.timeout.min(STOP_GRACE));
            if self.expire(now, end) {
                now = self.now();
            }
            if self.send_waiting(now) {
                now = self.now();
            }
            if stopped.is_none() && self.take_closed(now) {
                now = self.now();
            }
            let none_left = self.arrivals.peek().is_none() && self.fleet.sessions().first_due().is_none();
            let over = stopped.is_some() || (now >= load_to && none_left);
            if stopped.is_some() {
                self.fleet.sessions().end();
            }
            if over && self.waiting.is_empty() && self.deadlines.first().is_none() {
                break;
            }
            let last = end.or((now < load_to).then_some(load_to));
            let wake = self.wake(now, last, stopped.is_some());
            let rested = if stopped.is_none() { self.moderate(now, events.len()) } else { now };
            now = self.wait(&mut events, rested, wake)?;
            for event in &events {
                self.attend(*event, stopped.is_none());
            }
            if !events.is_empty() {
                now = self.now();
            }
            self.report(now, load_to);
        }
        self.look_at_effort(now);
        // All is settled, and the last window may be shorter than a whole one.
        self.close_windows(stopped.unwrap_or(load_to), true);
        self.slice.ways = self.fleet.ways.counts().to_vec();
        self.live.flush(self.slice);
        self.fleet.sessions().end();
        let sessions = std::mem::take(&mut self.fleet.sessions().totals);
        let carried = self.fleet.carried();
        let Fleet { traffic, ways, .. } = self.fleet;
        let (busy, moderated_waits) = (self.effort.share(), self.moderation.pauses());
        Ok(WorkerTotals { traffic, ways, carried, busy, moderated_waits, sessions })
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
        if self.begun {
            // What opening connections took is no part of the load.
            self.needed = thread_state::needed_time(self.poller.spun);
            self.effort.begin(self.needed);
            self.slice = Slice::new(self.slice.worker(), now);
        }
        while !self.begun
            && self.is_preparing()
            && let Some(number) = self.lead.next(now)
        {
            let _ = self.fleet.open(number, None, Duration::ZERO, &self.poller);
        }
    }

    /// Whether there are connections to be opened before the start. Without keep-alive a connection serves the request
    /// that it is opened for; where openings are limited or spread, each waits for its time.
    fn is_preparing(&self) -> bool {
        let at_once = self.keep_alive && !self.fleet.is_limited() && self.free.held_until().is_none();
        at_once && !self.lead.is_over()
    }

    fn take_due(&mut self, now: Duration) {
        self.windows.gap(self.looked, now);
        self.looked = now;
        while self.begun
            && let Some(arrival) = self.next_due(now)
        {
            let late = now.saturating_sub(arrival.due.max(self.unhurried));
            self.windows.due(arrival.due, late);
            self.slice.due += 1;
            self.slice.late += u64::from(late > self.allowed_lag);
            self.waiting.push_back(arrival);
        }
    }

    /// The next arrival, if it is due: from the plan, or the next step of a session.
    fn next_due(&mut self, now: Duration) -> Option<Arrival> {
        let planned = self.arrivals.peek().map(|arrival| arrival.due);
        match self.fleet.sessions().first_due() {
            Some(step) if planned.is_none_or(|planned| step < planned) => {
                self.fleet.sessions().next_step(now)
            }
            _ => self.arrivals.next_if(|arrival| arrival.due <= now),
        }
    }

    /// In a closed stage every free slot makes an arrival of its own, due now. What waits goes first: the next step of a
    /// session that has begun. Whether any arrival was made, which takes its time.
    fn take_closed(&mut self, mut now: Duration) -> bool {
        let mut sent = false;
        while self.begun && self.waiting.is_empty() && self.closed.think_at(now).is_some() {
            let Some(slot) = self.free.pop_rested(now) else { break };
            if sent {
                now = self.now();
                if self.closed.think_at(now).is_none() {
                    self.free.push(slot);
                    break;
                }
            }
            if !self.is_ready(slot, now) {
                continue;
            }
            let Some(mix) = &mut self.closed_mix else { break };
            let arrival = mix.arrival(now);
            self.windows.due(now, Duration::ZERO);
            self.slice.due += 1;
            self.send(slot, arrival, now);
            sent = true;
        }
        sent
    }

    /// Whether the slot's connection is open or may be opened. If not the slot is held until it may.
    fn is_ready(&mut self, slot: usize, now: Duration) -> bool {
        let held = self.fleet.held_until(slot, now);
        if let Some(until) = held {
            self.free.hold(slot, until);
        }
        held.is_none()
    }

    /// Sends what waits, as far as there are slots. Whether there was any, which takes its time.
    fn send_waiting(&mut self, mut now: Duration) -> bool {
        self.free.let_go(now);
        self.expire_waiting(now);
        let mut sent = false;
        while !self.waiting.is_empty()
            && let Some(slot) = self.free.pop()
        {
            if !self.is_ready(slot, now) {
                continue;
            }
            let Some(arrival) = self.waiting.pop_front() else { break };
            if sent {
                now = self.now();
            }
            self.send(slot, arrival, now);
            sent = true;
        }
        // What once waited for a target that stood still is not kept room for.
        if self.waiting.is_empty() && self.waiting.capacity() > ROOM {
            self.waiting.shrink_to(ROOM / 2);
        }
        sent
    }

    fn send(&mut self, slot: usize, arrival: Arrival, now: Duration) {
        let in_flight = InFlight { arrival, sent: now };
        match self.fleet.send(slot, in_flight, now, &self.poller) {
            Ok(()) => {
                self.slice.sent += 1;
                self.deadlines.insert(slot, self.patience.deadline(arrival.due));
                if self.fleet.has_ended() {
                    self.settle_ended(slot / self.fleet.lanes(), self.now());
                }
            }
            Err(outcome) => {
                let now = self.now();
                if outcome == Outcome::NoPort {
                    self.not_sent(&arrival, now, outcome);
                } else {
                    self.slice.sent += 1;
                    self.fleet.sessions().settled(&arrival, outcome, None, now);
                    self.settle(&in_flight, Parts::default(), outcome, now);
                }
                self.release(slot, now, false);
            }
        }
    }

    /// Looks after the socket that the kernel has news of, and sends the next request at once.
    fn attend(&mut self, event: Event, take: bool) {
        let Some(number) = self.fleet.attend(event) else { return };
        let now = self.now();
        self.settle_ended(number, now);
        if take {
            self.take_due(now);
        }
        if !self.send_waiting(now) && take {
            self.take_closed(now);
        }
    }

    /// Settles the requests of a connection that have ended, as far as was just seen.
    fn settle_ended(&mut self, number: usize, now: Duration) {
        let ended = self.fleet.ended(number, now, &self.poller);
        self.ended += ended.len();
        for Ended { slot, in_flight, parts, outcome } in &ended {
            self.deadlines.remove(*slot);
            self.settle(in_flight, *parts, *outcome, now);
            let answered = matches!(outcome, Outcome::Answered { .. });
            if answered {
                self.patience.answered(now.saturating_sub(in_flight.sent));
            }
            self.release(*slot, now.max(in_flight.sent), answered);
        }
        self.fleet.settled(ended);
    }

    /// Keeps the sample of a request that was sent.
    fn settle(&mut self, in_flight: &InFlight, parts: Parts, outcome: Outcome, now: Duration) {
        let done = now.max(in_flight.sent);
        let (request, due) = (in_flight.arrival.request, in_flight.arrival.due);
        self.keep(&Sample { request, due, sent: Some(in_flight.sent), done, outcome, parts });
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

    /// Gives up what was not answered in time; everything on its way once `end` has come. Whether there was any, which
    /// takes its time.
    fn expire(&mut self, now: Duration, end: Option<Duration>) -> bool {
        let all = end.is_some_and(|end| end <= now);
        let mut expired = false;
        while let Some((_, slot)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= now || all) {
            let number = self.fleet.give_up(slot);
            self.settle_ended(number, now);
            self.deadlines.remove(slot);
            expired = true;
        }
        expired
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
        self.fleet.sessions().settled(arrival, outcome, None, done);
        self.keep(&Sample { request, due, sent: None, done, outcome, parts: Parts::default() });
    }

    /// Passes on what is complete, and tells the live view how it goes.
    fn report(&mut self, now: Duration, load_to: Duration) {
        let at = self.options.start + now;
        if self.begun && self.slice.is_old(at) {
            let next = Slice::new(self.slice.worker(), at);
            let mut slice = std::mem::replace(&mut self.slice, next);
            slice.ways = self.fleet.ways.counts().to_vec();
            let needed = thread_state::needed_time(self.poller.spun);
            slice.needed = needed.saturating_sub(std::mem::replace(&mut self.needed, needed));
            self.live.flush(slice);
        }
        self.look_at_effort(now);
        // Nothing more falls due before the next arrival, nor, in a closed loop, before now.
        let planned = self.arrivals.peek().map_or(load_to, |arrival| arrival.due);
        let step = self.fleet.sessions().first_due().unwrap_or(planned);
        self.close_windows(planned.min(step).min(now), false);
    }

    fn look_at_effort(&mut self, now: Duration) {
        if self.begun {
            self.effort.look(now, || thread_state::needed_time(self.poller.spun), &mut self.windows);
        }
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
        by(self.waiting.front().map(|arrival| self.patience.send_by(arrival.due).max(now + UNHURRIED)));
        by(end);
        if !stopped {
            let soonest = if self.waiting.is_empty() { Duration::ZERO } else { now + UNHURRIED };
            by(self.arrivals.peek().map(|arrival| arrival.due.max(soonest)));
            by(self.fleet.sessions().first_due().map(|due| due.max(soonest)));
            by(self.closed.next_from(now));
            by(self.free.held_until());
            by(self.closed.think_at(now).and_then(|_| self.free.rested_at()));
        }
        wake
    }

    /// Lets answers come together where every slot awaits one, and what is due waits already or makes itself. Returns
    /// the time after it.
    fn moderate(&mut self, now: Duration, events: usize) -> Duration {
        let ended = std::mem::take(&mut self.ended);
        let (service_time, openings) = (self.patience.service_time(), self.fleet.openings);
        let round = Round { in_flight: self.fleet.slots(), events, ended, service_time, openings };
        let has_more = !self.waiting.is_empty() || self.closed.think_at(now).is_some();
        let awaits_answers = self.begun && has_more && self.free.is_empty();
        let Some(pause) = self.moderation.pause(&round).filter(|_| awaits_answers) else { return now };
        std::thread::sleep(pause);
        let rested = self.now();
        self.windows.gap(now + pause, rested);
        self.moderation.paused(pause, now, rested);
        rested
    }

    /// Waits for sockets from `now` until `wake`. Returns the time after it.
    fn wait(&mut self, events: &mut Vec<Event>, now: Duration, wake: Duration) -> Result<Duration, Errno> {
        let mut timeout = wake.saturating_sub(now);
        if !self.begun {
            // The load's clock stands still at zero, and connections are opened meanwhile.
            let lead = self.options.start.saturating_duration_since(Instant::now());
            let step = if self.is_preparing() { self.lead.step() } else { STOP_CHECK };
            timeout = step.min(lead);
        }
        self.poller.wait(events, timeout)?;
        let after = self.now();
        self.moderation.waited(now, after, self.fleet.openings);
        // From then on it has something to do. A pause that lasted until after it has told its own gap.
        let planned = wake.min(after);
        self.looked = planned.max(now);
        if !self.waiting.is_empty() {
            self.unhurried = planned;
        }
        Ok(after)
    }
}
