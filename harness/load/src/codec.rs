//! Reads HTTP/1.1 responses (RFC 9112) from however the bytes come.
//!
//! Bodies are thrown away, but for those that a session captures values from. A response ends by its Content-Length, by
//! its last chunk, or with the connection; 1xx responses are passed over; responses to HEAD, 204 and 304 have no body.

use std::mem::MaybeUninit;
use std::sync::Arc;

use thiserror::Error;

use crate::answer::Answer;

/// Head fields of a response take at most this many bytes.
const HEAD_LIMIT: usize = 64 * 1024;
const FIELDS_LIMIT: usize = 128;
/// A chunk's size line, extensions included, or a trailer line.
const LINE_LIMIT: usize = 8 * 1024;

/// What came back is not HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The head is no head.
    #[error("the response's head is not HTTP/1.1")]
    Head,
    /// The head is longer than 64 KiB or has more than 128 fields.
    #[error("the response's head is too large")]
    HeadTooLarge,
    /// Two lengths, or one that is no number.
    #[error("the response's length is contradictory or no number")]
    Length,
    /// A chunk that is none.
    #[error("a chunk of the response is malformed")]
    Chunk,
}

/// What has been read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The response is not complete.
    Partial,
    /// The response is complete.
    Complete {
        /// HTTP status code.
        status: u16,
        /// Whether the connection may serve another request.
        reusable: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Head,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    /// The line break after a chunk's data.
    ChunkEnd,
    Trailers,
    UntilClose,
    Complete,
}

/// Reads one response after another.
#[derive(Debug)]
pub struct ResponseParser {
    state: State,
    /// Bytes that do not make up a whole head or line yet.
    pending: Vec<u8>,
    status: u16,
    reusable: bool,
    no_body: bool,
    /// The field that tells which way the answer took.
    way: Arc<str>,
    served_by: Vec<u8>,
    known: KnownHead,
    /// What is kept of the response, when it is to be.
    answer: Option<Box<Answer>>,
}

/// The last head and what it says. Most answers on a connection begin as the one before did, byte for byte, until the
/// second that stands in their `Date` is over; comparing is ten times faster than parsing.
#[derive(Debug, Default)]
struct KnownHead {
    bytes: Vec<u8>,
    no_body: bool,
    status: u16,
    reusable: bool,
    state: State,
    served_by: Vec<u8>,
}

/// Longer heads are not kept: a connection should not hold much memory.
const KNOWN_LIMIT: usize = 1024;

impl Default for ResponseParser {
    fn default() -> Self {
        Self {
            state: State::Head,
            pending: Vec::new(),
            status: 0,
            reusable: false,
            no_body: false,
            way: "X-Served-By".into(),
            served_by: Vec::new(),
            known: KnownHead::default(),
            answer: None,
        }
    }
}

impl ResponseParser {
    /// A parser for which the header field `way` tells which way an answer took.
    #[must_use]
    pub fn telling(way: &str) -> Self {
        Self { way: way.into(), ..Self::default() }
    }

    /// Begins a new response; `to_head` says that it answers a HEAD request.
    pub fn begin(&mut self, to_head: bool) {
        self.state = State::Head;
        self.pending.clear();
        self.served_by.clear();
        self.no_body = to_head;
        self.answer = None;
    }

    /// Keeps head and body of the response that has begun.
    pub(crate) fn keep(&mut self) {
        self.answer = Some(Box::default());
    }

    /// What was kept.
    pub(crate) fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take().map(|answer| *answer)
    }

    fn keep_body(&mut self, bytes: &[u8]) {
        if let Some(answer) = &mut self.answer {
            answer.body(bytes);
        }
    }

    /// The value of the field that tells the way, `X-Served-By` as a rule; empty when there is none.
    #[must_use]
    pub fn served_by(&self) -> &[u8] {
        &self.served_by
    }

    /// Whether nothing of the response has come yet.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.state == State::Head && self.pending.is_empty()
    }

    /// Reads what has come. Bytes after the response's end make the connection unfit for another request, since
    /// nobody asked for them.
    ///
    /// # Errors
    ///
    /// When it is not HTTP/1.1.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<Event, Malformed> {
        while !bytes.is_empty() && self.state != State::Complete {
            bytes = match self.state {
                State::Head => self.head(bytes)?,
                State::Length(left) => self.length(left, bytes),
                State::ChunkSize => self.chunk_size(bytes)?,
                State::ChunkData(left) => self.chunk_data(left, bytes),
                State::ChunkEnd => self.chunk_end(bytes)?,
                State::Trailers => self.trailers(bytes)?,
                State::UntilClose => {
                    self.keep_body(bytes);
                    &[]
                }
                State::Complete => &[],
            };
        }
        if self.state != State::Complete {
            return Ok(Event::Partial);
        }
        Ok(Event::Complete { status: self.status, reusable: self.reusable && bytes.is_empty() })
    }

    /// The connection was closed: complete only when the close is what ends the response.
    #[must_use]
    pub fn closed(&self) -> Option<u16> {
        (self.state == State::UntilClose).then_some(self.status)
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        // As a rule the whole head comes at once and nothing is copied.
        if self.pending.is_empty() {
            if let Some(rest) = self.recognise(bytes) {
                return Ok(rest);
            }
            if let Some(length) = self.parse_head(bytes)? {
                self.remember(&bytes[..length]);
                return Ok(&bytes[length..]);
            }
            self.pending.extend_from_slice(bytes);
        } else {
            let before = self.pending.len();
            self.pending.extend_from_slice(bytes);
            let pending = std::mem::take(&mut self.pending);
            let parsed = self.parse_head(&pending);
            self.pending = pending;
            if let Some(length) = parsed? {
                self.pending.clear();
                return Ok(&bytes[length - before..]);
            }
        }
        if self.pending.len() > HEAD_LIMIT { Err(Malformed::HeadTooLarge) } else { Ok(&[]) }
    }

    /// What comes after the head, when it is the last one again.
    fn recognise<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let known = &self.known;
        // What is to be kept has to be read.
        if known.bytes.is_empty() || known.no_body != self.no_body || self.answer.is_some() {
            return None;
        }
        // A head ends with an empty line, so whatever begins with a whole head has just this one.
        let rest = bytes.strip_prefix(known.bytes.as_slice())?;
        self.status = known.status;
        self.reusable = known.reusable;
        self.state = known.state;
        self.served_by.extend_from_slice(&known.served_by);
        Some(rest)
    }

    /// Keeps a head for the next time, if it is the final one of its answer.
    fn remember(&mut self, bytes: &[u8]) {
        if self.state == State::Head || bytes.len() > KNOWN_LIMIT {
            return;
        }
        let known = &mut self.known;
        known.bytes.clear();
        known.bytes.extend_from_slice(bytes);
        known.no_body = self.no_body;
        known.status = self.status;
        known.reusable = self.reusable;
        known.state = self.state;
        known.served_by.clear();
        known.served_by.extend_from_slice(&self.served_by);
    }

    /// The head's length when it is whole.
    fn parse_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_LIMIT];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let length = match config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Malformed::HeadTooLarge),
            Err(_) => return Err(Malformed::Head),
        };
        if length > HEAD_LIMIT {
            return Err(Malformed::HeadTooLarge);
        }
        let status = response.code.unwrap_or(0);
        if !(100..600).contains(&status) {
            return Err(Malformed::Head);
        }
        // An interim response has no body and another response after it (RFC 9110, section 15.2).
        if status < 200 && status != 101 {
            return Ok(Some(length));
        }
        self.status = status;
        self.reusable = response.version == Some(1);
        self.state = self.body(response.headers)?;
        Ok(Some(length))
    }

    /// How the body ends (RFC 9112, section 6.3).
    fn body(&mut self, fields: &[httparse::Header<'_>]) -> Result<State, Malformed> {
        let mut length: Option<u64> = None;
        let (mut encoded, mut chunked) = (false, false);
        if let Some(answer) = &mut self.answer {
            fields.iter().for_each(|field| answer.field(field.name.as_bytes(), field.value));
        }
        for field in fields {
            if field.name.eq_ignore_ascii_case("content-length") {
                let value = parse_length(field.value).ok_or(Malformed::Length)?;
                if length.is_some_and(|other| other != value) {
                    return Err(Malformed::Length);
                }
                length = Some(value);
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                encoded = true;
                chunked = last_token(field.value).eq_ignore_ascii_case(b"chunked");
            } else if field.name.eq_ignore_ascii_case("connection") {
                if has_token(field.value, b"close") {
                    self.reusable = false;
                } else if has_token(field.value, b"keep-alive") {
                    self.reusable = true;
                }
            } else if field.name.eq_ignore_ascii_case(&self.way) {
                self.served_by.extend_from_slice(field.value);
            }
        }
        if self.no_body || matches!(self.status, 204 | 304) {
            return Ok(State::Complete);
        }
        // A Transfer-Encoding overrides a Content-Length (RFC 9112, section 6.3, rule 3).
        match length {
            _ if chunked => return Ok(State::ChunkSize),
            Some(0) if !encoded => return Ok(State::Complete),
            Some(length) if !encoded => return Ok(State::Length(length)),
            _ => {}
        }
        self.reusable = false;
        Ok(State::UntilClose)
    }

    fn length<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = take(left, bytes);
        self.keep_body(&bytes[..bytes.len() - rest.len()]);
        self.state = if taken == left { State::Complete } else { State::Length(left - taken) };
        rest
    }

    fn chunk_size<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let Some(rest) = self.line(bytes)? else { return Ok(&[]) };
        let digits = self.pending.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let text = std::str::from_utf8(digits).map_err(|_| Malformed::Chunk)?;
        if text.is_empty() || text.len() > 15 || text.starts_with('+') {
            return Err(Malformed::Chunk);
        }
        let size = u64::from_str_radix(text, 16).map_err(|_| Malformed::Chunk)?;
        self.pending.clear();
        self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
        Ok(rest)
    }

    fn chunk_data<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = take(left, bytes);
        self.keep_body(&bytes[..bytes.len() - rest.len()]);
        self.state = if taken == left { State::ChunkEnd } else { State::ChunkData(left - taken) };
        rest
    }

    fn chunk_end<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let Some(rest) = self.line(bytes)? else { return Ok(&[]) };
        if !self.pending.is_empty() {
            return Err(Malformed::Chunk);
        }
        self.state = State::ChunkSize;
        Ok(rest)
    }

    fn trailers<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let Some(rest) = self.line(bytes)? else { return Ok(&[]) };
        if self.pending.is_empty() {
            self.state = State::Complete;
        }
        self.pending.clear();
        Ok(rest)
    }

    /// Collects a line into `pending`, without its end; `None` when the end has not come.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.pending.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if self.pending.len() > LINE_LIMIT {
            return Err(Malformed::Chunk);
        }
        let Some(end) = end else { return Ok(None) };
        if self.pending.last() == Some(&b'\r') {
            self.pending.pop();
        }
        Ok(Some(&bytes[end + 1..]))
    }
}

fn take(left: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (here as u64, &bytes[here..])
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    // `parse` would take a sign.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn last_token(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
