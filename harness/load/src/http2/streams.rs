//! The streams of one connection: which lane each belongs to, what has come of its answer, what is left of its request.

use std::collections::VecDeque;

use model::Outcome;

use super::frame;
use super::hpack::{Decoder, NotHpack};
use super::{FIRST_WINDOW, WIDEST};
use crate::answer::Answer;
use crate::exchange::Seen;
use crate::ways::Ways;

/// A lane's request and its answer, as far as they have come.
#[derive(Debug, Default)]
struct Stream {
    /// 0 when the lane is free.
    id: u32,
    status: Option<u16>,
    /// What the answer's head says about its length.
    length: Option<u64>,
    received: u64,
    served_by: Vec<u8>,
    /// What the server still lets us send.
    window: i64,
    /// The part of the body that was not sent yet.
    unsent: Vec<u8>,
    to_head: bool,
    /// How much had moved on all streams when this one was opened.
    moved: u64,
    /// What is kept of the answer, when it is to be.
    answer: Option<Box<Answer>>,
}

/// What is known of an answer before it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    /// It has no body whatever its head says.
    pub(super) to_head: bool,
    /// It is to be kept.
    pub(super) keeps: bool,
}

#[derive(Debug)]
pub(super) struct Streams {
    lanes: Vec<Stream>,
    /// Lanes by stream, from `first` on: a stream's number is two more than the one before.
    by_id: VecDeque<Option<usize>>,
    first: u32,
    active: usize,
    allowed: usize,
    /// What the server lets us send over all streams, and on each new one.
    window: i64,
    first_window: i64,
    longest: usize,
    /// Counts parts of answers.
    moved: u64,
}

impl Streams {
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Stream::default()).collect(),
            by_id: VecDeque::new(),
            first: 1,
            active: 0,
            allowed: usize::MAX,
            window: i64::from(FIRST_WINDOW),
            first_window: i64::from(FIRST_WINDOW),
            longest: frame::LONGEST,
            moved: 0,
        }
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn active(&self) -> usize {
        self.active
    }

    /// Lanes whose request is on its way.
    pub(super) fn busy(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().enumerate().filter(|(_, stream)| stream.id != 0).map(|(lane, _)| lane)
    }

    /// Whether one more stream may be opened.
    pub(super) fn has_room(&self) -> bool {
        self.active < self.allowed && !self.are_used_up()
    }

    /// Whether no number is left for another stream: each is used once (section 5.1.1).
    pub(super) fn are_used_up(&self) -> bool {
        self.next_id() >= WIDEST
    }

    /// How many streams there have been: their numbers are odd, from 1 on (section 5.1.1).
    pub(super) fn opened(&self) -> u64 {
        u64::from(self.next_id() / 2)
    }

    fn next_id(&self) -> u32 {
        self.first.saturating_add(u32::try_from(self.by_id.len()).unwrap_or(u32::MAX).saturating_mul(2))
    }

    pub(super) fn allow(&mut self, streams: u32) {
        self.allowed = usize::try_from(streams).unwrap_or(usize::MAX);
    }

    pub(super) fn frames_to(&mut self, longest: u32) {
        self.longest = usize::try_from(longest).unwrap_or(frame::LONGEST).max(frame::LONGEST);
    }

    /// Opens a stream for the request with this header block and body.
    pub(super) fn open(
        &mut self,
        lane: usize,
        block: &[u8],
        body: Option<&[u8]>,
        answered: Answered,
        out: &mut Vec<u8>,
    ) {
        let id = self.next_id();
        self.by_id.push_back(Some(lane));
        self.active += 1;
        let stream = &mut self.lanes[lane];
        stream.id = id;
        stream.status = None;
        stream.length = None;
        stream.received = 0;
        stream.served_by.clear();
        stream.window = self.first_window;
        stream.moved = self.moved;
        stream.to_head = answered.to_head;
        stream.answer = answered.keeps.then(Box::default);
        let body = body.filter(|body| !body.is_empty());
        let end = if body.is_some() { 0 } else { frame::END_STREAM };
        let mut parts = block.chunks(self.longest).peekable();
        let mut kind = frame::HEADERS;
        while let Some(part) = parts.next() {
            let last = if parts.peek().is_none() { frame::END_HEADERS } else { 0 };
            let end = if kind == frame::HEADERS { end } else { 0 };
            frame::write(out, kind, last | end, id, part);
            kind = frame::CONTINUATION;
        }
        if let Some(body) = body {
            self.lanes[lane].unsent.extend_from_slice(body);
            self.send_body(lane, out);
        }
    }

    /// Sends of a request's body what the windows let through.
    fn send_body(&mut self, lane: usize, out: &mut Vec<u8>) {
        let stream = &mut self.lanes[lane];
        let mut sent = 0;
        while sent < stream.unsent.len() {
            let window = usize::try_from(stream.window.min(self.window)).unwrap_or(0);
            let length = (stream.unsent.len() - sent).min(window).min(self.longest);
            if length == 0 {
                break;
            }
            let last = sent + length == stream.unsent.len();
            let flags = if last { frame::END_STREAM } else { 0 };
            frame::write(out, frame::DATA, flags, stream.id, &stream.unsent[sent..sent + length]);
            sent += length;
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            stream.window -= length;
            self.window -= length;
        }
        stream.unsent.drain(..sent);
    }

    fn send_bodies(&mut self, out: &mut Vec<u8>) {
        for lane in 0..self.lanes.len() {
            if !self.lanes[lane].unsent.is_empty() {
                self.send_body(lane, out);
            }
        }
    }

    /// The server lets us send more, on one stream or (0) on all. `false` when that is more than there may be.
    pub(super) fn widen(&mut self, id: u32, more: u32, out: &mut Vec<u8>) -> bool {
        if id == 0 {
            self.window += i64::from(more);
            self.send_bodies(out);
            return more > 0 && self.window <= i64::from(WIDEST);
        }
        if let Some(lane) = self.lane(id) {
            self.lanes[lane].window += i64::from(more);
            self.send_body(lane, out);
        }
        more > 0
    }

    /// The window that streams begin with has changed, for those that are open too (section 6.9.2).
    pub(super) fn window_is(&mut self, window: u32, out: &mut Vec<u8>) {
        let difference = i64::from(window) - self.first_window;
        self.first_window = i64::from(window);
        for stream in self.lanes.iter_mut().filter(|stream| stream.id != 0) {
            stream.window += difference;
        }
        self.send_bodies(out);
    }

    fn lane(&self, id: u32) -> Option<usize> {
        let position = usize::try_from(id.checked_sub(self.first)? / 2).ok()?;
        if id.is_multiple_of(2) {
            return None;
        }
        *self.by_id.get(position)?
    }

    /// Whether any answer has moved since this lane's stream was opened. One that was never opened has not been waited
    /// for.
    pub(super) fn has_moved_since(&self, lane: usize) -> bool {
        let stream = &self.lanes[lane];
        stream.id == 0 || stream.moved != self.moved
    }

    /// Part of an answer's body.
    pub(super) fn data(
        &mut self,
        id: u32,
        data: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) {
        self.moved += 1;
        let Some(lane) = self.lane(id) else { return };
        let stream = &mut self.lanes[lane];
        stream.received += data.len() as u64;
        if let Some(answer) = &mut stream.answer {
            answer.body(data);
        }
        if last {
            self.answered(lane, out, seen, ways);
        }
    }

    /// A header block: an answer's head, an interim answer's, or trailers.
    #[expect(clippy::too_many_arguments, reason = "what a frame may do to a stream")]
    pub(super) fn headers(
        &mut self,
        decoder: &mut Decoder,
        id: u32,
        block: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        seen: &mut Seen,
        ways: &mut Ways,
    ) -> Result<(), NotHpack> {
        self.moved += 1;
        let Some(lane) = self.lane(id) else { return decoder.read(block, |_, _| {}) };
        let stream = &mut self.lanes[lane];
        if stream.status.is_some() {
            // Trailers, which end the answer (section 8.1).
            decoder.read(block, |_, _| {})?;
            if last {
                self.answered(lane, out, seen, ways);
            } else {
                self.malformed(lane, out, seen);
            }
            return Ok(());
        }
        let mut status = None;
        let Stream { length, served_by, answer, .. } = stream;
        decoder.read(block, |name, value| {
            if let Some(answer) = answer {
                answer.field(name, value);
            }
            match name {
                b":status" => status = parse::<u16>(value).filter(|status| (100..600).contains(status)),
                b"content-length" => *length = parse(value),
                name if ways.is_way(name) => served_by.extend_from_slice(value),
                _ => {}
            }
        })?;
        match status {
            None => self.malformed(lane, out, seen),
            Some(100..200) if last => self.malformed(lane, out, seen),
            Some(100..200) => stream.answer = stream.answer.take().map(|_| Box::default()),
            Some(_) => {
                stream.status = status;
                seen.began.push(lane);
                if last {
                    self.answered(lane, out, seen, ways);
                }
            }
        }
        Ok(())
    }

    /// The answer is complete.
    fn answered(&mut self, lane: usize, out: &mut Vec<u8>, seen: &mut Seen, ways: &mut Ways) {
        let stream = &self.lanes[lane];
        let Some(status) = stream.status else { return self.malformed(lane, out, seen) };
        let without_body = stream.to_head || matches!(status, 204 | 304);
        if stream.length.is_some_and(|length| length != stream.received && !without_body) {
            return self.malformed(lane, out, seen);
        }
        ways.add(&stream.served_by);
        if !stream.unsent.is_empty() {
            // The rest of the request is of no use any more.
            frame::write(out, frame::RST_STREAM, 0, stream.id, &super::CANCEL.to_be_bytes());
        }
        seen.answers.extend(self.lanes[lane].answer.take().map(|answer| (lane, *answer)));
        self.close(lane);
        seen.ended.push((lane, Outcome::Answered { status }));
    }

    fn malformed(&mut self, lane: usize, out: &mut Vec<u8>, seen: &mut Seen) {
        self.cancel(lane, super::PROTOCOL_ERROR, out);
        seen.ended.push((lane, Outcome::Malformed));
    }

    /// The server gave up a stream.
    pub(super) fn reset(&mut self, id: u32, seen: &mut Seen) {
        if let Some(lane) = self.lane(id) {
            self.close(lane);
            seen.ended.push((lane, Outcome::Reset));
        }
    }

    /// The server does not process streams after `last`.
    pub(super) fn not_processed_after(&mut self, last: u32, seen: &mut Seen) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].id > last {
                self.close(lane);
                seen.ended.push((lane, Outcome::Reset));
            }
        }
    }

    /// Gives up a lane's request, if it is on its way.
    pub(super) fn cancel(&mut self, lane: usize, reason: u32, out: &mut Vec<u8>) {
        let id = self.lanes[lane].id;
        if id != 0 {
            frame::write(out, frame::RST_STREAM, 0, id, &reason.to_be_bytes());
            self.close(lane);
        }
    }

    fn close(&mut self, lane: usize) {
        let id = std::mem::take(&mut self.lanes[lane].id);
        self.lanes[lane].unsent.clear();
        self.active -= 1;
        let position = usize::try_from((id - self.first) / 2).unwrap_or(usize::MAX);
        if let Some(entry) = self.by_id.get_mut(position) {
            *entry = None;
        }
        while self.by_id.front() == Some(&None) {
            self.by_id.pop_front();
            self.first += 2;
        }
    }
}

fn parse<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    // `parse` would take a sign.
    value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).ok()?.parse().ok())?
}
