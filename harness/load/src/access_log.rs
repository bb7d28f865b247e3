//! Access logs as nginx and Apache write them (`common` and `combined`), to be replayed with their timing.
//!
//! ```text
//! 203.0.113.9 - - [10/Oct/2026:13:55:36 +0200] "GET /cart?id=7 HTTP/1.1" 200 512 "-" "Mozilla/5.0"
//! ```
//!
//! Of a line only the time and the request line are read. A log keeps no bodies, so only GET and HEAD are replayed;
//! other methods are counted and left out. A server logs a request at its end, so lines may be a little out of order: they
//! are sorted by their second, and keep their order within it.

mod line;
mod rows;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::BufRead;
use std::sync::Arc;

use hashbrown::HashTable;
use model::{Replay, Scenario};
use thiserror::Error;

use self::line::{Line, read_line};

/// A longer line is none that a server wrote.
const LINE_LIMIT: usize = 64 * 1024;
/// So many bad lines are named one by one; the others are counted.
const NAMED: usize = 3;
/// So many distinct requests have a row of their own in the tables.
const ROWS: usize = 12;

/// An access log that has been read.
#[derive(Debug, Clone)]
pub struct AccessLog {
    /// When what is sent.
    pub replay: Arc<Replay>,
    /// The rows of the tables: the most frequent paths without their queries, and `others`. As a mix they stand for the log
    /// where it is not replayed itself, in a warm-up.
    pub scenario: Scenario,
    /// What was left out and why, for people.
    pub notes: Vec<String>,
}

/// Why an access log cannot be replayed.
#[derive(Debug, Error)]
pub enum AccessLogError {
    /// It cannot be read.
    #[error("cannot read the access log {file}: {source}")]
    Read {
        /// The log.
        file: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// None of its lines can be replayed.
    #[error(
        "{file} has no request to replay: {why}; an access log of nginx or Apache (common or combined) is expected"
    )]
    Empty {
        /// The log.
        file: String,
        /// What its lines are instead.
        why: String,
    },
    /// More requests than can be numbered.
    #[error("{file} is too large: more than 4 billion requests, or 4 GiB of distinct paths; split it")]
    TooLarge {
        /// The log.
        file: String,
    },
    /// The speed is none.
    #[error("a speed of {0}: use a number above 0; 2 replays a log in half its time")]
    Speed(f64),
}

/// Reads the log called `file` to be replayed at `speed` times its own pace.
///
/// Memory while it is read is that of the distinct paths, each once, plus some 20 bytes a request.
///
/// # Errors
///
/// When it cannot be read, has no request that can be replayed, or is too large.
pub fn read_access_log(mut log: impl BufRead, file: &str, speed: f64) -> Result<AccessLog, AccessLogError> {
    if !(speed > 0.0 && speed.is_finite()) {
        return Err(AccessLogError::Speed(speed));
    }
    let mut reading = Reading::new(file, speed);
    let mut bytes = Vec::new();
    while next_line(&mut log, &mut bytes)
        .map_err(|source| AccessLogError::Read { file: file.to_owned(), source })?
    {
        reading.line(&bytes)?;
    }
    reading.finish()
}

/// Reads a line, of which no more than the limit and a little is kept. False at the end.
fn next_line(log: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let bytes = match log.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        if line.len() <= LINE_LIMIT {
            line.extend_from_slice(&bytes[..taken]);
        }
        log.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// What has been read so far.
struct Reading<'a> {
    file: &'a str,
    lines: u64,
    /// Unix second and distinct request of each request, in the order of the lines.
    calls: Vec<(u32, u32)>,
    sorted: bool,
    replay: Replay,
    /// The distinct requests of `replay` by their hash.
    known: HashTable<u32>,
    hasher: RandomState,
    bad: u64,
    named: Vec<String>,
    /// Requests left out, by method.
    bodies: BTreeMap<String, u64>,
}

impl<'a> Reading<'a> {
    fn new(file: &'a str, speed: f64) -> Self {
        Self {
            file,
            lines: 0,
            calls: Vec::new(),
            sorted: true,
            replay: Replay::new(file.to_owned(), speed),
            known: HashTable::new(),
            hasher: RandomState::new(),
            bad: 0,
            named: Vec::new(),
            bodies: BTreeMap::new(),
        }
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), AccessLogError> {
        self.lines += 1;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        let read = if bytes.len() > LINE_LIMIT { Err("it is longer than 64 KiB") } else { read_line(bytes) };
        match read {
            Ok(Line::Replayable { second, head, path }) => {
                let target = self.intern(head, &path).ok_or_else(|| self.too_large())?;
                self.sorted &= self.calls.last().is_none_or(|(last, _)| *last <= second);
                self.calls.push((second, target));
            }
            Ok(Line::WithBody(method)) => *self.bodies.entry(method).or_insert(0) += 1,
            Err(why) => {
                self.bad += 1;
                if self.named.len() < NAMED {
                    self.named.push(format!("{}:{}: {why}", self.file, self.lines));
                }
            }
        }
        Ok(())
    }

    /// The number of a distinct request; its path is kept once.
    fn intern(&mut self, head: bool, path: &str) -> Option<u32> {
        let Self { replay, known, hasher, .. } = self;
        let hash = |replay: &Replay, target: u32| {
            let target = replay.describe(target);
            hasher.hash_one((target.head, target.path))
        };
        let same = |target: &u32| {
            let target = replay.describe(*target);
            (target.head, target.path) == (head, path)
        };
        let wanted = hasher.hash_one((head, path));
        if let Some(target) = known.find(wanted, same) {
            return Some(*target);
        }
        let target = replay.target(head, path, 0)?;
        known.insert_unique(wanted, target, |target| hash(replay, *target));
        Some(target)
    }

    fn too_large(&self) -> AccessLogError {
        AccessLogError::TooLarge { file: self.file.to_owned() }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.bad > 0 {
            let (bad, lines, named) = (self.bad, self.lines, self.named.join("; "));
            let more = if bad > self.named.len() as u64 { "; ..." } else { "" };
            notes.push(format!("{bad} of {lines} lines of {} are left out: {named}{more}", self.file));
        }
        if !self.bodies.is_empty() {
            let methods: Vec<String> =
                self.bodies.iter().map(|(method, count)| format!("{count} {method}")).collect();
            notes.push(format!(
                "{} of {} are left out: a log has no bodies, so only GET and HEAD are sent",
                methods.join(", "),
                self.file
            ));
        }
        notes
    }

    fn finish(mut self) -> Result<AccessLog, AccessLogError> {
        let notes = self.notes();
        if !self.sorted {
            // Stable: within a second the order of the lines stays.
            self.calls.sort_by_key(|(second, _)| *second);
        }
        let Some((first, _)) = self.calls.first().copied() else {
            let why = if notes.is_empty() { "it is empty".to_owned() } else { notes.join("; ") };
            return Err(AccessLogError::Empty { file: self.file.to_owned(), why });
        };
        drop(std::mem::take(&mut self.known));
        for (second, target) in std::mem::take(&mut self.calls) {
            self.replay.call(second - first, target).ok_or_else(|| self.too_large())?;
        }
        let scenario = rows::scenario(&mut self.replay, ROWS);
        Ok(AccessLog { replay: Arc::new(self.replay), scenario, notes })
    }
}

#[cfg(test)]
mod tests;
