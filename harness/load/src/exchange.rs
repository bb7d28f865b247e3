//! What is spoken on an open connection: requests go in, outcomes come out.

use std::sync::Arc;

use model::{Outcome, Plan, Protocol};

use crate::answer::Answer;
use crate::arrivals::Arrival;
use crate::codec::{Event, ResponseParser};
use crate::http2::{Draft, Fields, Http2};
use crate::render::{Drafts, Pieces, Renderer};
use crate::run::Options;
use crate::ways::Ways;
use crate::websocket::WebSocket;

/// What one look at a connection brought. A lane is a place for a request on the connection.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Lanes whose request has ended, and how.
    pub(crate) ended: Vec<(usize, Outcome)>,
    /// Lanes whose answer has begun and has not ended with the same look.
    pub(crate) began: Vec<usize>,
    /// Answers that were to be kept, of lanes that have ended.
    pub(crate) answers: Vec<(usize, Answer)>,
}

impl Seen {
    pub(crate) fn clear(&mut self) {
        self.ended.clear();
        self.began.clear();
        self.answers.clear();
    }
}

/// How a connection goes on after a look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    /// It is of no more use; requests on it end like this.
    Close(Outcome),
    /// It is of no more use, and what was not sent on it goes over another one.
    Reopen,
}

/// What the exchanges of one worker have in common.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    protocol: Protocol,
    fields: Arc<Fields>,
    /// The upgrade request of WebSocket connections.
    upgrade: Vec<u8>,
    seed: u64,
    /// The header field that tells which way an answer took.
    way: String,
}

impl Speech {
    pub(crate) fn new(plan: &Plan, options: &Options, renderer: &Renderer) -> Self {
        Self {
            protocol: plan.transport.protocol,
            fields: Arc::new(Fields::new(plan, &options.authority)),
            upgrade: renderer.upgrade(),
            seed: plan.seed.stream("websocket"),
            way: options.way.clone(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Exchange {
    Http1(Http1),
    Http2(Box<Http2>),
    WebSocket(Box<WebSocket>),
}

#[derive(Debug)]
pub(crate) struct Http1 {
    parser: ResponseParser,
    waiting: bool,
    /// The connection is closed after this answer.
    last: bool,
}

impl Exchange {
    /// For connection `number` of a worker.
    pub(crate) fn new(speech: &Speech, number: usize) -> Self {
        match speech.protocol {
            Protocol::Http1 => Exchange::Http1(Http1 {
                parser: ResponseParser::telling(&speech.way),
                waiting: false,
                last: false,
            }),
            Protocol::Http2 { .. } => {
                Exchange::Http2(Box::new(Http2::new(Arc::clone(&speech.fields), speech.protocol.lanes())))
            }
            Protocol::WebSocket => {
                let seed = speech.seed.wrapping_add((number as u64) << 32);
                Exchange::WebSocket(Box::new(WebSocket::new(speech.upgrade.clone(), seed)))
            }
        }
    }

    /// A new connection stands.
    pub(crate) fn opened(&mut self, out: &mut Vec<u8>) {
        match self {
            Exchange::Http1(_) => {}
            Exchange::Http2(http2) => http2.opened(out),
            Exchange::WebSocket(socket) => socket.opened(out),
        }
    }

    /// Whether requests can be sent at once on a connection that stands.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Exchange::Http1(_) | Exchange::Http2(_) => true,
            Exchange::WebSocket(socket) => socket.is_upgraded(),
        }
    }

    /// Puts a request on the connection, into `out` as far as it may be sent now.
    pub(crate) fn begin(
        &mut self,
        lane: usize,
        arrival: &Arrival,
        renderer: &Renderer,
        drafts: &mut Drafts,
        out: &mut Vec<u8>,
    ) {
        let request = arrival.request;
        match self {
            Exchange::Http1(http1) => {
                http1.parser.begin(renderer.is_head(request));
                if renderer.keeps(request) {
                    http1.parser.keep();
                }
                http1.waiting = true;
                out.clear();
                renderer.render(arrival, out, &mut drafts.body);
            }
            Exchange::Http2(http2) => {
                let Pieces { has_body, keeps } = renderer.pieces(arrival, drafts);
                let Drafts { path, fields, body } = drafts;
                http2.begin(
                    lane,
                    &Draft { request, path, fields, body: has_body.then_some(body), keeps },
                    out,
                );
            }
            Exchange::WebSocket(socket) => {
                renderer.pieces(arrival, drafts);
                socket.begin(&drafts.body, out);
            }
        }
    }

    /// Reads what has come. `written` says whether everything was sent that is to be.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        written: bool,
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) -> Next {
        match self {
            Exchange::Http1(http1) => http1.read(bytes, written, seen, ways),
            Exchange::Http2(http2) => http2.read(bytes, out, seen, ways),
            Exchange::WebSocket(socket) => socket.read(bytes, out, seen),
        }
    }

    /// The other side closed the connection in good order.
    pub(crate) fn closed(&mut self, seen: &mut Seen, ways: &mut Ways) -> Next {
        match self {
            Exchange::Http1(http1) => {
                if let Some(status) = http1.parser.closed().filter(|_| http1.waiting) {
                    http1.waiting = false;
                    ways.add(http1.parser.served_by());
                    seen.answers.extend(http1.parser.take_answer().map(|answer| (0, answer)));
                    seen.ended.push((0, Outcome::Answered { status }));
                }
                Next::Close(Outcome::Reset)
            }
            Exchange::Http2(_) => Next::Reopen,
            Exchange::WebSocket(_) => Next::Close(Outcome::Reset),
        }
    }

    /// Gives up a lane's request. `false` when the connection cannot be used after it.
    pub(crate) fn cancel(&mut self, lane: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Exchange::Http2(http2) => http2.cancel(lane, out),
            Exchange::Http1(_) | Exchange::WebSocket(_) => false,
        }
    }

    /// The connection is gone: tells the lanes whose requests are lost with it.
    pub(crate) fn lost(&mut self, keep_waiting: bool, mut over: impl FnMut(usize)) {
        match self {
            Exchange::Http1(http1) => {
                http1.last = false;
                if std::mem::take(&mut http1.waiting) {
                    over(0);
                }
            }
            Exchange::Http2(http2) => http2.lost(keep_waiting, over),
            Exchange::WebSocket(socket) => {
                if socket.lost() {
                    over(0);
                }
            }
        }
    }

    /// No more requests are to be sent on this connection than are on it.
    pub(crate) fn drain(&mut self) {
        match self {
            Exchange::Http1(http1) => http1.last = true,
            Exchange::Http2(http2) => http2.drain(),
            Exchange::WebSocket(socket) => socket.drain(),
        }
    }

    /// A new connection begins, over which `limit` requests go at most. How many wait for it already.
    pub(crate) fn admit(&mut self, limit: u64) -> u64 {
        match self {
            Exchange::Http2(http2) => http2.admit(usize::try_from(limit).unwrap_or(usize::MAX)) as u64,
            Exchange::Http1(_) | Exchange::WebSocket(_) => 0,
        }
    }

    /// How many of the requests that were `begun` on this connection it has carried.
    pub(crate) fn carried(&self, begun: u64) -> u64 {
        match self {
            Exchange::Http2(http2) => http2.carried(),
            Exchange::Http1(_) | Exchange::WebSocket(_) => begun,
        }
    }

    /// Whether requests wait for a connection.
    pub(crate) fn wants_connection(&self) -> bool {
        matches!(self, Exchange::Http2(http2) if http2.wants_connection())
    }
}

impl Http1 {
    fn read(&mut self, bytes: &[u8], written: bool, seen: &mut Seen, ways: &mut Ways) -> Next {
        if !self.waiting {
            // Nobody asked for it.
            return Next::Close(Outcome::Reset);
        }
        match self.parser.read(bytes) {
            Ok(Event::Partial) => {
                seen.began.push(0);
                Next::Go
            }
            Ok(Event::Complete { status, reusable }) => {
                ways.add(self.parser.served_by());
                self.waiting = false;
                seen.answers.extend(self.parser.take_answer().map(|answer| (0, answer)));
                seen.ended.push((0, Outcome::Answered { status }));
                // An answer before the request was written out leaves the connection in no known state.
                if reusable && written && !self.last { Next::Go } else { Next::Close(Outcome::Reset) }
            }
            Err(_) => Next::Close(Outcome::Malformed),
        }
    }
}
