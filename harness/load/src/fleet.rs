//! The connections of one worker and what they share.

use std::time::Duration;

use model::{Outcome, Parts};
use rustix::event::epoll::Event;
use rustix::io::Errno;

use crate::connection::{Connection, Hands, InFlight, Traffic};
use crate::exchange::{Seen, Speech};
use crate::opener::{Opener, Permission};
use crate::poller::Poller;
use crate::render::{Drafts, Renderer};
use crate::run::Task;
use crate::sessions::Sessions;
use crate::tls::TlsClient;
use crate::ways::Ways;
use crate::wire::{Fault, Scratch};

/// A request that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) slot: usize,
    pub(crate) in_flight: InFlight,
    pub(crate) parts: Parts,
    pub(crate) outcome: Outcome,
}

/// The connections of one worker. A slot is a lane of a connection: slot `s` is lane `s % lanes` of connection
/// `s / lanes`.
pub(crate) struct Fleet<'a> {
    connections: Vec<Connection>,
    lanes: usize,
    opener: Opener<'a>,
    tls: Option<&'a TlsClient>,
    renderer: Renderer,
    scratch: Scratch,
    drafts: Drafts,
    seen: Seen,
    pub(crate) traffic: Traffic,
    pub(crate) ways: Ways,
    /// What has ended and is not settled.
    ended: Vec<Ended>,
    /// How often it was begun to open a connection.
    pub(crate) openings: u64,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(worker: usize, task: &Task<'a>, connections: usize) -> Self {
        let Task { plan, options, tls, .. } = *task;
        let renderer = Renderer::new(plan, &options.authority);
        let speech = Speech::new(plan, options, &renderer);
        let (lanes, limit) = if plan.keep_alive {
            (plan.transport.protocol.lanes(), plan.transport.requests_per_connection.unwrap_or(u64::MAX))
        } else {
            (1, 1)
        };
        let connection = |number| Connection::new(&speech, number * options.workers + worker, lanes, limit);
        Self {
            connections: (0..connections).map(connection).collect(),
            lanes,
            opener: Opener::new(worker, plan, options, connections),
            tls,
            renderer,
            scratch: Scratch::default(),
            drafts: Drafts::default(),
            seen: Seen::default(),
            traffic: Traffic::default(),
            ways: Ways::new(&options.way),
            ended: Vec::new(),
            openings: 0,
        }
    }

    /// The sessions of this worker.
    pub(crate) fn sessions(&mut self) -> &mut Sessions {
        &mut self.renderer.sessions
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn slots(&self) -> usize {
        self.connections.len() * self.lanes
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Fewest and most requests that one socket carried, of each connection that had one.
    pub(crate) fn carried(&self) -> Vec<u64> {
        self.connections.iter().filter_map(Connection::carried).flatten().collect()
    }

    /// Whether the connection is open, or being opened.
    pub(crate) fn is_open(&self, number: usize) -> bool {
        self.connections[number].is_open()
    }

    /// Whether openings are limited in number per time.
    pub(crate) fn is_limited(&self) -> bool {
        self.opener.is_limited()
    }

    /// Until when the slot's connection may not be opened; `None` when it is open, or may be.
    pub(crate) fn held_until(&self, slot: usize, now: Duration) -> Option<Duration> {
        if self.connections[slot / self.lanes].is_open() {
            return None;
        }
        match self.opener.permission(now) {
            Permission::Wait(until) => Some(until),
            Permission::Open | Permission::Refused => None,
        }
    }

    /// Begins to open a connection, for the request on lane `opener` if there is one, and watches its socket.
    pub(crate) fn open(
        &mut self,
        number: usize,
        opener: Option<usize>,
        now: Duration,
        poller: &Poller,
    ) -> Result<(), Outcome> {
        if self.opener.permission(now) == Permission::Refused {
            return Err(Outcome::Refused);
        }
        self.openings += 1;
        let address = self.opener.next(now);
        let begun = match self.connections[number].connect(&address, self.tls, opener, now) {
            Ok((wire, generation)) => {
                let data = u64::from(generation) << 32 | number as u64;
                poller.watch(wire.socket(), data).map_err(Fault::System)
            }
            Err(fault) => Err(fault),
        };
        begun.map_err(|fault| {
            self.look(number, |connection, hands| connection.fail(&fault, hands));
            match fault {
                Fault::System(Errno::ADDRNOTAVAIL) => Outcome::NoPort,
                fault => fault.outcome(),
            }
        })
    }

    /// Sends a request on a slot, over a new connection if need be. An error when there can be none.
    pub(crate) fn send(
        &mut self,
        slot: usize,
        in_flight: InFlight,
        now: Duration,
        poller: &Poller,
    ) -> Result<(), Outcome> {
        let (number, lane) = (slot / self.lanes, slot % self.lanes);
        if !self.connections[number].is_open() {
            self.open(number, Some(lane), now, poller)?;
        }
        let Self { connections, renderer, drafts, scratch, seen, traffic, ways, .. } = self;
        seen.clear();
        let mut hands = Hands { scratch, seen, traffic, ways };
        connections[number].assign(lane, in_flight, renderer, drafts, &mut hands);
        Ok(())
    }

    fn look(&mut self, number: usize, what: impl FnOnce(&mut Connection, &mut Hands<'_>)) {
        let Self { connections, scratch, seen, traffic, ways, .. } = self;
        seen.clear();
        what(&mut connections[number], &mut Hands { scratch, seen, traffic, ways });
    }

    /// Looks after the socket that the kernel has news of. The connection's number; `None` when it is no more.
    pub(crate) fn attend(&mut self, event: Event) -> Option<usize> {
        let data = event.data.u64();
        let number = usize::try_from(data & u64::from(u32::MAX)).ok()?;
        let generation = u32::try_from(data >> 32).ok()?;
        // What concerned a socket that is no more concerns nobody.
        self.connections.get(number).filter(|known| known.generation == generation)?;
        let opened = self.traffic.opened;
        self.look(number, |connection, hands| connection.attend(event.flags, hands));
        if self.traffic.opened > opened {
            self.opener.stands();
        }
        Some(number)
    }

    /// Gives up the request on a slot. The connection's number.
    pub(crate) fn give_up(&mut self, slot: usize) -> usize {
        let (number, lane) = (slot / self.lanes, slot % self.lanes);
        self.look(number, |connection, hands| connection.give_up(lane, hands));
        number
    }

    /// Whether the last look at a connection brought anything to settle.
    pub(crate) fn has_ended(&self) -> bool {
        !self.seen.ended.is_empty()
    }

    /// What has ended on a connection, as far as the last look at it tells. `now` is after that look.
    pub(crate) fn ended(&mut self, number: usize, now: Duration, poller: &Poller) -> Vec<Ended> {
        let mut ended = std::mem::take(&mut self.ended);
        self.collect(number, now, &mut ended);
        // What the target did not process on its last connection goes over a new one.
        if self.connections[number].wants_opening()
            && let Err(outcome) = self.open(number, None, now, poller)
        {
            self.look(number, |connection, hands| connection.abandon(outcome, hands));
            self.collect(number, now, &mut ended);
        }
        ended
    }

    fn collect(&mut self, number: usize, now: Duration, ended: &mut Vec<Ended>) {
        self.connections[number].stamp(now, &self.seen);
        for (lane, outcome) in self.seen.ended.drain(..) {
            if outcome == Outcome::Refused {
                self.opener.refused(now);
            }
            let slot = number * self.lanes + lane;
            if let Some((in_flight, parts)) = self.connections[number].take(lane, now) {
                let answer = self.seen.answers.iter().find(|(of, _)| *of == lane).map(|(_, answer)| answer);
                self.renderer.sessions.settled(&in_flight.arrival, outcome, answer, now);
                ended.push(Ended { slot, in_flight, parts, outcome });
            }
        }
    }

    /// Takes the list back, for its memory.
    pub(crate) fn settled(&mut self, mut ended: Vec<Ended>) {
        ended.clear();
        self.ended = ended;
    }
}
