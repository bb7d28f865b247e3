//! A place for a connection: sockets come and go on it, and its lanes carry one request each.

use std::time::{Duration, Instant};

use model::{Outcome, Parts};
use rustix::event::epoll::EventFlags;

use crate::address::{Address, begin_to_connect};
use crate::arrivals::Arrival;
use crate::exchange::{Exchange, Next, Seen, Speech};
use crate::render::{Drafts, Renderer};
use crate::tls::TlsClient;
use crate::ways::Ways;
use crate::wire::{Fault, Scratch, Wire};

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) arrival: Arrival,
    /// When it was handed to the kernel, from the start of the load; for a new connection, when that was begun.
    pub(crate) sent: Duration,
}

/// How far a socket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Phase {
    #[default]
    Closed,
    Connecting,
    Shaking,
    /// The protocol asks for something before the first request.
    Opening,
    Open,
}

/// A place for a request.
#[derive(Debug, Default, Clone)]
struct Lane {
    in_flight: Option<InFlight>,
    parts: Parts,
    /// When its first byte was written.
    written: Option<Duration>,
    /// When the first byte of its answer came, when there was more to come.
    began: Option<Duration>,
}

/// When a socket came how far.
#[derive(Debug, Clone, Copy)]
struct Milestones {
    /// Since the start of the load.
    begun_at: Duration,
    begun: Instant,
    connected: Instant,
    /// The lane whose request it was opened for.
    opener: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Connection {
    wire: Option<Wire>,
    phase: Phase,
    exchange: Exchange,
    lanes: Vec<Lane>,
    out: Vec<u8>,
    written: usize,
    milestones: Option<Milestones>,
    /// Requests on the current socket, and how many there may be.
    served: u64,
    limit: u64,
    /// Fewest and most requests of the sockets that it has given up.
    carried: Option<[u64; 2]>,
    /// Counts sockets, so that what belonged to an earlier one is known as such.
    pub(crate) generation: u32,
}

/// Bytes that went over the connections of a worker, how many they opened, and what was wrong with those that failed.
#[derive(Debug, Default, Clone)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) opened: u64,
    /// What TLS said, with how often; the first few different sayings are kept.
    pub(crate) tls_faults: Vec<(String, u64)>,
}

/// Different things that TLS may say before they are only counted.
const SAYINGS: usize = 4;

impl Traffic {
    fn fault(&mut self, fault: &Fault) {
        let Fault::Tls(said) = fault else { return };
        match self.tls_faults.iter().position(|(known, _)| known == said) {
            Some(known) => self.tls_faults[known].1 += 1,
            None if self.tls_faults.len() < SAYINGS => self.tls_faults.push((said.clone(), 1)),
            None => {}
        }
    }
}

/// What a worker lends to a connection while it looks after it.
pub(crate) struct Hands<'a> {
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) seen: &'a mut Seen,
    pub(crate) traffic: &'a mut Traffic,
    pub(crate) ways: &'a mut Ways,
}

impl Connection {
    /// The connection with this number of a worker; `limit` requests go over each of its sockets at most.
    pub(crate) fn new(speech: &Speech, number: usize, lanes: usize, limit: u64) -> Self {
        Self {
            wire: None,
            phase: Phase::Closed,
            exchange: Exchange::new(speech, number),
            lanes: vec![Lane::default(); lanes],
            out: Vec::new(),
            written: 0,
            milestones: None,
            served: 0,
            limit,
            generation: 0,
            carried: None,
        }
    }

    /// Fewest and most requests that one of its sockets carried, that stood.
    pub(crate) fn carried(&self) -> Option<[u64; 2]> {
        spread(self.carried, self.carries())
    }

    /// What this socket has carried, if it stands.
    fn carries(&self) -> Option<u64> {
        (self.phase >= Phase::Opening).then(|| self.exchange.carried(self.served))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase != Phase::Closed
    }

    /// Whether requests wait for it to be opened anew.
    pub(crate) fn wants_opening(&self) -> bool {
        self.phase == Phase::Closed && self.exchange.wants_connection()
    }

    /// Begins to connect, for the request on lane `opener` if there is one. The socket is to be watched by the
    /// caller, who gets its generation too.
    pub(crate) fn connect(
        &mut self,
        address: &Address<'_>,
        tls: Option<&TlsClient>,
        opener: Option<usize>,
        now: Duration,
    ) -> Result<(&Wire, u32), Fault> {
        let session = tls.map(TlsClient::session).transpose()?;
        let socket = begin_to_connect(address)?;
        self.phase = Phase::Connecting;
        self.generation = self.generation.wrapping_add(1);
        let begun = Instant::now();
        self.milestones = Some(Milestones { begun_at: now, begun, connected: begun, opener });
        self.out.clear();
        self.written = 0;
        self.served = self.exchange.admit(self.limit);
        Ok((self.wire.insert(Wire::new(socket, session)), self.generation))
    }

    /// Puts a request on a lane. It is sent as soon as the connection stands.
    pub(crate) fn assign(
        &mut self,
        lane: usize,
        in_flight: InFlight,
        renderer: &Renderer,
        drafts: &mut Drafts,
        hands: &mut Hands<'_>,
    ) {
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        let written = (self.phase == Phase::Open).then_some(in_flight.sent);
        self.lanes[lane] = Lane { in_flight: Some(in_flight), parts: Parts::default(), written, began: None };
        self.served += 1;
        self.exchange.begin(lane, &in_flight.arrival, renderer, drafts, &mut self.out);
        if self.served >= self.limit {
            // HTTP/1.1 closes after the answer; HTTP/2 says that it opens no more streams.
            self.exchange.drain();
        }
        if let Err(fault) = self.write(hands.traffic) {
            self.fail(&fault, hands);
        }
    }

    /// Looks after the socket that the kernel has news of.
    pub(crate) fn attend(&mut self, flags: EventFlags, hands: &mut Hands<'_>) {
        let hung_up = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        let writable = flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP);
        if let Err(fault) = self.look(writable, hung_up || flags.contains(EventFlags::IN), hung_up, hands) {
            self.fail(&fault, hands);
        }
        // The close may come with the answer, and there is no second word of it.
        if hung_up && self.lanes.iter().all(|lane| lane.in_flight.is_none()) {
            self.close(false, Outcome::Reset, hands.seen);
        }
    }

    fn look(
        &mut self,
        writable: bool,
        readable: bool,
        hung_up: bool,
        hands: &mut Hands<'_>,
    ) -> Result<(), Fault> {
        if writable {
            self.establish(hands)?;
            self.write(hands.traffic)?;
        }
        if readable {
            if self.phase == Phase::Shaking {
                self.establish(hands)?;
                self.write(hands.traffic)?;
            }
            self.readable(hung_up, hands)?;
        }
        Ok(())
    }

    /// Moves a new connection on towards its first request.
    fn establish(&mut self, hands: &mut Hands<'_>) -> Result<(), Fault> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        if self.phase == Phase::Connecting {
            match rustix::net::sockopt::socket_error(wire.socket()) {
                Ok(Ok(())) => {
                    self.phase = Phase::Shaking;
                    if let Some(milestones) = &mut self.milestones {
                        milestones.connected = Instant::now();
                    }
                }
                Ok(Err(errno)) | Err(errno) => return Err(errno.into()),
            }
        }
        if self.phase == Phase::Shaking && wire.shake(hands.scratch)? {
            let http2 = matches!(self.exchange, Exchange::Http2(_));
            if http2 && wire.is_tls() && wire.alpn() != Some(b"h2") {
                return Err(Fault::Tls("the server does not offer HTTP/2 (ALPN)".to_owned()));
            }
            hands.traffic.opened += 1;
            self.phase = Phase::Opening;
            self.exchange.opened(&mut self.out);
        }
        if self.phase == Phase::Opening && self.exchange.is_ready() {
            self.phase = Phase::Open;
            self.stand();
        }
        Ok(())
    }

    /// Writes what can be written.
    fn write(&mut self, traffic: &mut Traffic) -> Result<(), Fault> {
        let Some(wire) = self.wire.as_mut().filter(|_| self.phase >= Phase::Opening) else { return Ok(()) };
        while self.written < self.out.len() {
            let sent = wire.send(&self.out[self.written..])?;
            if sent == 0 {
                return Ok(());
            }
            self.written += sent;
            traffic.sent += sent as u64;
        }
        wire.flush()
    }

    /// Reads what has come; after a hang-up there is more to read than bytes.
    fn readable(&mut self, hung_up: bool, hands: &mut Hands<'_>) -> Result<(), Fault> {
        while let Some(wire) = self.wire.as_mut().filter(|_| self.phase >= Phase::Opening) {
            let Some(chunk) = wire.read(hands.scratch, hung_up)? else { return Ok(()) };
            if chunk.length == 0 {
                let next = self.exchange.closed(hands.seen, hands.ways);
                self.go_on(next, hands.seen);
                return Ok(());
            }
            hands.traffic.received += chunk.length as u64;
            let written = self.written == self.out.len();
            let bytes = hands.scratch.read(chunk.length);
            if written {
                // HTTP/1.1 asks whether everything was sent; what is added now is an answer to what was read.
                self.written = 0;
                self.out.clear();
            }
            let next = self.exchange.read(bytes, written, &mut self.out, hands.seen, hands.ways);
            self.establish(hands)?;
            if self.written < self.out.len() {
                self.write(hands.traffic)?;
            }
            self.go_on(next, hands.seen);
            if !chunk.more {
                return Ok(());
            }
        }
        Ok(())
    }

    fn go_on(&mut self, next: Next, seen: &mut Seen) {
        match next {
            Next::Go => {}
            Next::Close(outcome) => self.close(false, outcome, seen),
            Next::Reopen => self.close(true, Outcome::Reset, seen),
        }
    }

    /// Gives up the socket. Requests on it end with `outcome`, but those that were never sent and may wait for another.
    fn close(&mut self, keep_waiting: bool, outcome: Outcome, seen: &mut Seen) {
        self.carried = spread(self.carried, self.carries());
        self.wire = None;
        self.phase = Phase::Closed;
        self.generation = self.generation.wrapping_add(1);
        self.out.clear();
        self.written = 0;
        self.exchange.lost(keep_waiting, |lane| seen.ended.push((lane, outcome)));
    }

    /// The connection cannot go on.
    pub(crate) fn fail(&mut self, fault: &Fault, hands: &mut Hands<'_>) {
        hands.traffic.fault(fault);
        self.close(false, fault.outcome(), hands.seen);
    }

    /// What waits for another connection cannot have one.
    pub(crate) fn abandon(&mut self, outcome: Outcome, hands: &mut Hands<'_>) {
        self.close(false, outcome, hands.seen);
    }

    /// Notes when answers began. `now` is after the look at the connection.
    pub(crate) fn stamp(&mut self, now: Duration, seen: &Seen) {
        for lane in &seen.began {
            let lane = &mut self.lanes[*lane];
            lane.began = lane.began.or(Some(now));
        }
    }

    /// The connection stands: its opener's request leaves now, and those that waited with it. The clock is read here
    /// and not after the look, since the answer may come and the connection end within the same look.
    fn stand(&mut self) {
        let Some(milestones) = self.milestones.take() else { return };
        let now = Instant::now();
        if let Some(opener) = milestones.opener {
            let parts = &mut self.lanes[opener].parts;
            parts.connect = Some(milestones.connected - milestones.begun);
            let shaken = self.wire.as_ref().is_some_and(Wire::is_tls)
                || matches!(self.exchange, Exchange::WebSocket(_));
            parts.handshake = shaken.then(|| now - milestones.connected);
        }
        let written = milestones.begun_at + (now - milestones.begun);
        for lane in self.lanes.iter_mut().filter(|lane| lane.in_flight.is_some()) {
            lane.written = lane.written.or(Some(written));
        }
    }

    /// The request that has ended on `lane`, with where its time went.
    pub(crate) fn take(&mut self, lane: usize, now: Duration) -> Option<(InFlight, Parts)> {
        let lane = &mut self.lanes[lane];
        let in_flight = lane.in_flight.take()?;
        let mut parts = lane.parts;
        if let Some(written) = lane.written {
            let began = lane.began.unwrap_or(now);
            parts.first_byte = Some(began.saturating_sub(written));
            parts.transfer = Some(now.saturating_sub(began));
        }
        Some((in_flight, parts))
    }

    /// Gives up the request on `lane`, and the connection where it cannot go on without it.
    pub(crate) fn give_up(&mut self, lane: usize, hands: &mut Hands<'_>) {
        hands.seen.ended.push((lane, Outcome::TimedOut));
        if self.exchange.cancel(lane, &mut self.out) {
            if let Err(fault) = self.write(hands.traffic) {
                self.fail(&fault, hands);
            }
        } else {
            self.close(false, Outcome::Reset, hands.seen);
        }
    }
}

/// The fewest and the most of what is known and one more.
fn spread(known: Option<[u64; 2]>, one: Option<u64>) -> Option<[u64; 2]> {
    let Some(one) = one else { return known };
    Some(known.map_or([one; 2], |[least, most]| [least.min(one), most.max(one)]))
}
