//! The client's side of an HTTP/2 connection (RFC 9113): many requests at a time, each on a stream of its own.
//!
//! Written out for the load generator as the HTTP/1.1 codec is: it shares the worker's event loop and buffers, so pacing
//! and timing are the same for both, and a request costs no task, channel or allocation.

mod fields;
mod frame;
mod hpack;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use model::Outcome;

use self::fields::Encoder;
pub(crate) use self::fields::Fields;
use self::frame::{Head, LONGEST};
use self::hpack::Decoder;
use self::streams::{Answered, Streams};
use crate::exchange::{Next, Seen};
use crate::ways::Ways;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADER_TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
/// The largest flow-control window (section 6.9.1), and the one that every connection begins with.
const WIDEST: u32 = 0x7fff_ffff;
const FIRST_WINDOW: u32 = 65_535;
/// What was received is acknowledged when half of the window is used up.
const ACKNOWLEDGE: u32 = WIDEST / 2;
const PROTOCOL_ERROR: u32 = 1;
const CANCEL: u32 = 8;
/// A header block longer than this is nobody's answer.
const BLOCK_LIMIT: usize = 64 * 1024;

/// The other side does not speak HTTP/2.
struct NotHttp2;

/// A request that waits for a free stream, or for the next connection.
#[derive(Debug)]
struct Waiting {
    lane: usize,
    request: usize,
    path: Vec<u8>,
    fields: Vec<u8>,
    body: Option<Vec<u8>>,
    keeps: bool,
    /// It was left over from a connection on which the server took no more: it does not wait for a third.
    moved: bool,
    /// It is among the last that this connection is to carry.
    last: bool,
}

impl Waiting {
    fn draft(&self) -> Draft<'_> {
        let Self { request, keeps, .. } = *self;
        Draft { request, path: &self.path, fields: &self.fields, body: self.body.as_deref(), keeps }
    }
}

/// A request as it is rendered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    /// Index into the scenario's requests.
    pub(crate) request: usize,
    pub(crate) path: &'a [u8],
    /// Header fields that change from one request to the next, as lines of HTTP/1.1 with names in lower case.
    pub(crate) fields: &'a [u8],
    pub(crate) body: Option<&'a [u8]>,
    /// Whether the answer is to be kept.
    pub(crate) keeps: bool,
}

#[derive(Debug)]
pub(crate) struct Http2 {
    fields: Arc<Fields>,
    encoder: Encoder,
    decoder: Decoder,
    streams: Streams,
    waiting: VecDeque<Waiting>,
    /// Bytes of a frame that has not come whole.
    pending: Vec<u8>,
    /// A header block that has not come whole: its stream and whether that ends with it.
    block: Vec<u8>,
    block_of: Option<(u32, bool)>,
    /// Nothing can be sent before the connection stands, and it may have been given all that it is to carry.
    open: bool,
    draining: bool,
    /// The server takes no more streams, or there are no more numbers for them.
    ended: bool,
    /// Received and not acknowledged.
    received: u32,
}

impl Http2 {
    pub(crate) fn new(fields: Arc<Fields>, lanes: usize) -> Self {
        Self {
            fields,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            streams: Streams::new(lanes),
            waiting: VecDeque::new(),
            pending: Vec::new(),
            block: Vec::new(),
            block_of: None,
            open: false,
            draining: false,
            ended: false,
            received: 0,
        }
    }

    /// A new connection stands.
    pub(crate) fn opened(&mut self, out: &mut Vec<u8>) {
        self.open = true;
        out.extend_from_slice(PREFACE);
        let mut settings = Vec::with_capacity(12);
        for (name, value) in [(ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, WIDEST)] {
            settings.extend_from_slice(&name.to_be_bytes());
            settings.extend_from_slice(&value.to_be_bytes());
        }
        frame::write(out, frame::SETTINGS, 0, 0, &settings);
        frame::write(out, frame::WINDOW_UPDATE, 0, 0, &(WIDEST - FIRST_WINDOW).to_be_bytes());
        self.pump(out);
    }

    /// Sends a request on a stream of its own, as soon as there may be one more.
    pub(crate) fn begin(&mut self, lane: usize, draft: &Draft<'_>, out: &mut Vec<u8>) {
        if self.may_start() && !self.draining && self.waiting.is_empty() {
            self.start(lane, draft, out);
        } else {
            self.waiting.push_back(Waiting {
                lane,
                request: draft.request,
                path: draft.path.to_owned(),
                fields: draft.fields.to_owned(),
                body: draft.body.map(<[u8]>::to_owned),
                keeps: draft.keeps,
                moved: false,
                last: false,
            });
        }
    }

    fn may_start(&self) -> bool {
        self.open && !self.ended && self.streams.has_room()
    }

    fn start(&mut self, lane: usize, draft: &Draft<'_>, out: &mut Vec<u8>) {
        let mut block = std::mem::take(&mut self.block);
        // Between two header blocks of the server the buffer is free.
        let kept = block.len();
        self.encoder.write(&self.fields, draft, &mut block);
        let to_head = self.fields.is_head(draft.request);
        self.streams.open(lane, &block[kept..], draft.body, Answered { to_head, keeps: draft.keeps }, out);
        block.truncate(kept);
        self.block = block;
    }

    /// Opens streams for what waits.
    fn pump(&mut self, out: &mut Vec<u8>) {
        while self.may_start()
            && let Some(next) = self.waiting.pop_front_if(|next| next.last || !self.draining)
        {
            self.start(next.lane, &next.draft(), out);
        }
    }

    /// Takes no more requests on this connection than it has.
    pub(crate) fn drain(&mut self) {
        if !self.draining {
            self.draining = true;
            self.waiting.iter_mut().for_each(|waiting| waiting.last = true);
        }
    }

    /// A new connection begins, which is to carry `limit` requests: how many of them wait for it already.
    pub(crate) fn admit(&mut self, limit: usize) -> usize {
        let admitted = self.waiting.len().min(limit);
        self.waiting.iter_mut().for_each(|waiting| waiting.last = false);
        if admitted == limit {
            self.draining = true;
            self.waiting.iter_mut().take(limit).for_each(|waiting| waiting.last = true);
        }
        admitted
    }

    /// What comes of a connection that opens no more streams.
    fn drained(&self) -> Option<Next> {
        let left = !self.ended && self.waiting.front().is_some_and(|next| next.last);
        ((self.draining || self.ended) && !left && self.streams.active() == 0).then_some(Next::Reopen)
    }

    /// Gives up the request of `lane`. `false` when no answer has moved since it was sent: such a connection is as good
    /// as dead, and other requests on it would only wait for their turn to be given up.
    pub(crate) fn cancel(&mut self, lane: usize, out: &mut Vec<u8>) -> bool {
        self.waiting.retain(|waiting| waiting.lane != lane);
        let alive = self.streams.has_moved_since(lane);
        self.streams.cancel(lane, CANCEL, out);
        self.pump(out);
        alive
    }

    /// The connection is gone. What was never sent may go over the next one, once; the lanes of the others are told.
    pub(crate) fn lost(&mut self, keep_waiting: bool, mut over: impl FnMut(usize)) {
        let lanes = self.streams.lanes();
        let fresh = Self::new(Arc::clone(&self.fields), lanes);
        let before = std::mem::replace(self, fresh);
        before.streams.busy().for_each(&mut over);
        for mut waiting in before.waiting {
            if keep_waiting && !waiting.moved {
                // Whoever had to go because enough were there is not to blame for it.
                waiting.moved = before.ended;
                self.waiting.push_back(waiting);
            } else {
                over(waiting.lane);
            }
        }
    }

    /// How many requests had a stream on this connection.
    pub(crate) fn carried(&self) -> u64 {
        self.streams.opened()
    }

    /// Whether requests wait for a connection.
    pub(crate) fn wants_connection(&self) -> bool {
        !self.open && !self.waiting.is_empty()
    }

    /// Reads what has come, and answers what has to be.
    pub(crate) fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>, seen: &mut Seen, ways: &mut Ways) -> Next {
        let whole = if self.pending.is_empty() {
            self.frames(bytes, out, seen, ways)
        } else {
            let mut pending = std::mem::take(&mut self.pending);
            pending.extend_from_slice(bytes);
            let read = self.frames(&pending, out, seen, ways);
            read.map(|taken| {
                pending.drain(..taken);
                self.pending = pending;
                bytes.len()
            })
        };
        let Ok(taken) = whole else {
            // The last stream that was processed, none, and why.
            let mut goodbye = [0; 8];
            goodbye[4..].copy_from_slice(&PROTOCOL_ERROR.to_be_bytes());
            frame::write(out, frame::GOAWAY, 0, 0, &goodbye);
            return Next::Close(Outcome::Malformed);
        };
        self.pending.extend_from_slice(&bytes[taken..]);
        if self.received >= ACKNOWLEDGE {
            frame::write(out, frame::WINDOW_UPDATE, 0, 0, &self.received.to_be_bytes());
            self.received = 0;
        }
        if self.streams.are_used_up() {
            self.ended = true;
        }
        self.pump(out);
        self.drained().unwrap_or(Next::Go)
    }

    /// Reads whole frames; how many bytes they were.
    fn frames(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) -> Result<usize, NotHttp2> {
        let mut taken = 0;
        while let Some(head) = Head::read(&bytes[taken..]) {
            if head.length > LONGEST {
                return Err(NotHttp2);
            }
            let from = taken + frame::HEAD;
            let Some(payload) = bytes.get(from..from + head.length) else { break };
            self.frame(head, payload, out, seen, ways)?;
            taken = from + head.length;
        }
        Ok(taken)
    }

    fn frame(
        &mut self,
        head: Head,
        payload: &[u8],
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) -> Result<(), NotHttp2> {
        // Nothing comes between the parts of a header block (section 6.10).
        if self.block_of.is_some() != (head.kind == frame::CONTINUATION) {
            return Err(NotHttp2);
        }
        match head.kind {
            frame::DATA => {
                // Padding counts too (section 6.9).
                self.received += u32::try_from(payload.len()).unwrap_or(0);
                let data = head.unpadded(payload).ok_or(NotHttp2)?;
                self.streams.data(head.stream, data, head.has(frame::END_STREAM), out, seen, ways);
            }
            frame::HEADERS => {
                self.block.clear();
                let part = head.unpadded(payload).ok_or(NotHttp2)?;
                self.headers(head, head.stream, head.has(frame::END_STREAM), part, out, seen, ways)?;
            }
            frame::CONTINUATION => {
                let (stream, last) = self.block_of.take().filter(|of| of.0 == head.stream).ok_or(NotHttp2)?;
                self.headers(head, stream, last, payload, out, seen, ways)?;
            }
            frame::RST_STREAM => self.streams.reset(head.stream, seen),
            frame::SETTINGS => self.settings(head, payload, out)?,
            frame::PING if payload.len() != 8 => return Err(NotHttp2),
            frame::PING if !head.has(frame::ACK) => frame::write(out, frame::PING, frame::ACK, 0, payload),
            frame::GOAWAY => {
                let last = frame::number(payload).ok_or(NotHttp2)? & WIDEST;
                self.ended = true;
                self.streams.not_processed_after(last, seen);
            }
            frame::WINDOW_UPDATE => {
                let more = frame::number(payload).ok_or(NotHttp2)? & WIDEST;
                if !self.streams.widen(head.stream, more, out) {
                    return Err(NotHttp2);
                }
            }
            // Was switched off.
            frame::PUSH_PROMISE => return Err(NotHttp2),
            // Priorities, and what extensions may bring (section 4.1).
            _ => {}
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a header block has come in two kinds of frames")]
    fn headers(
        &mut self,
        head: Head,
        stream: u32,
        last: bool,
        part: &[u8],
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) -> Result<(), NotHttp2> {
        if !head.has(frame::END_HEADERS) {
            self.block.extend_from_slice(part);
            self.block_of = Some((stream, last));
            return if self.block.len() > BLOCK_LIMIT { Err(NotHttp2) } else { Ok(()) };
        }
        let mut whole = std::mem::take(&mut self.block);
        let block = if whole.is_empty() {
            part
        } else {
            whole.extend_from_slice(part);
            &whole
        };
        // Read even when nobody waits for it, since later blocks build on it.
        let read = self.streams.headers(&mut self.decoder, stream, block, last, out, seen, ways);
        whole.clear();
        self.block = whole;
        read.map_err(|_| NotHttp2)
    }

    fn settings(&mut self, head: Head, payload: &[u8], out: &mut Vec<u8>) -> Result<(), NotHttp2> {
        if head.has(frame::ACK) {
            return Ok(());
        }
        let (settings, []) = payload.as_chunks::<6>() else { return Err(NotHttp2) };
        for [high, low, value @ ..] in settings {
            let value = u32::from_be_bytes(*value);
            match u16::from_be_bytes([*high, *low]) {
                HEADER_TABLE_SIZE => self.encoder.offered(usize::try_from(value).unwrap_or(usize::MAX)),
                MAX_CONCURRENT_STREAMS => self.streams.allow(value),
                INITIAL_WINDOW_SIZE if value > WIDEST => return Err(NotHttp2),
                INITIAL_WINDOW_SIZE => self.streams.window_is(value, out),
                MAX_FRAME_SIZE => self.streams.frames_to(value),
                _ => {}
            }
        }
        frame::write(out, frame::SETTINGS, frame::ACK, 0, &[]);
        Ok(())
    }
}
