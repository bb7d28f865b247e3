//! The thread that writes the append-only files, so that a slow or full disk never touches the run.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, IntervalLogWriterError};
use model::{Event, Interval, What};

use crate::events::{EventRecord, WhatRecord};
use crate::{RecordError, bins, files, intervals};

/// What is written is on disk at most this much later, so that a killed run keeps all but its last moment.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// What the writer is told.
pub(crate) enum Message {
    /// Keep this.
    Event(Event),
    /// Write what is left and end.
    Finish,
}

/// The first thing that went wrong, kept until someone asks.
pub(crate) type Trouble = Arc<Mutex<Option<RecordError>>>;

/// Keeps `error` unless there was one before.
pub(crate) fn remember(trouble: &Trouble, error: RecordError) {
    if let Ok(mut first) = trouble.lock() {
        first.get_or_insert(error);
    }
}

/// A buffered file that can be flushed while someone else appends to it.
#[derive(Clone)]
struct SharedFile(Rc<RefCell<BufWriter<File>>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// A file together with its name, for messages.
struct Named<W> {
    path: PathBuf,
    file: W,
}

impl<W> Named<W> {
    fn failed(&self, source: io::Error) -> RecordError {
        RecordError::Write { path: self.path.clone(), source }
    }
}

fn open(dir: &Path, name: &str) -> Result<Named<SharedFile>, RecordError> {
    let path = dir.join(name);
    match OpenOptions::new().create(true).append(true).open(&path) {
        Ok(file) => Ok(Named { path, file: SharedFile(Rc::new(RefCell::new(BufWriter::new(file)))) }),
        Err(source) => Err(RecordError::Write { path, source }),
    }
}

/// What the thread works with.
pub(crate) struct Job {
    pub(crate) dir: PathBuf,
    pub(crate) epoch: Instant,
    pub(crate) started: SystemTime,
    /// The plan's requests as they stand in files.
    pub(crate) tags: Vec<String>,
    pub(crate) trouble: Trouble,
}

/// Writes until told to finish or until everyone who could tell is gone. After an error nothing more is written, but
/// messages are still taken, so that nobody waits for us.
pub(crate) fn work(job: &Job, messages: &Receiver<Message>) {
    let mut finished = false;
    if let Err(error) = write_all(job, messages, &mut finished) {
        remember(&job.trouble, error);
        while !finished && matches!(messages.recv(), Ok(Message::Event(_))) {}
    }
}

/// Sets `finished` as soon as the last message was taken, also when writing what is left then fails.
fn write_all(job: &Job, messages: &Receiver<Message>, finished: &mut bool) -> Result<(), RecordError> {
    let mut events = open(&job.dir, "events.jsonl")?;
    let mut bins = open(&job.dir, "bins.csv")?;
    bins.file.write_all(bins::HEADER.as_bytes()).map_err(|source| bins.failed(source))?;
    let mut hlog = open(&job.dir, "intervals.hlog")?;
    let mut serializer = V2DeflateSerializer::new();
    let hlog_path = hlog.path.clone();
    let hlog_failed = |source| RecordError::Write { path: hlog_path.clone(), source };
    let mut hlog_flush = hlog.file.clone();
    let log = intervals::begin(&mut hlog.file, &mut serializer, job.started).map_err(hlog_failed)?;
    let mut load = Load { job, log, begun: false };
    let mut flushed = Instant::now();
    loop {
        let wait = FLUSH_EVERY.saturating_sub(flushed.elapsed());
        *finished = match messages.recv_timeout(wait) {
            Ok(Message::Event(Event { what: What::IntervalClosed(interval), .. })) => {
                load.interval(&interval, &mut events, &mut bins).map_err(|error| match error {
                    LoadError::Record(error) => error,
                    LoadError::Log(source) => hlog_failed(source),
                })?;
                false
            }
            Ok(Message::Event(event)) => {
                if let Some(what) = WhatRecord::new(&event.what) {
                    append_event(&mut events, offset_s(job.epoch, event.at), what)?;
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => true,
        };
        if *finished || flushed.elapsed() >= FLUSH_EVERY {
            events.file.flush().map_err(|source| events.failed(source))?;
            bins.file.flush().map_err(|source| bins.failed(source))?;
            hlog_flush.flush().map_err(hlog_failed)?;
            flushed = Instant::now();
        }
        if *finished {
            return Ok(());
        }
    }
}

/// Seconds from the epoch, negative before it.
fn offset_s(epoch: Instant, at: Instant) -> f64 {
    let after = at.saturating_duration_since(epoch).as_secs_f64();
    files::tidy_seconds(after - epoch.saturating_duration_since(at).as_secs_f64())
}

fn append_event(events: &mut Named<SharedFile>, at_s: f64, what: WhatRecord) -> Result<(), RecordError> {
    let line = serde_json::to_string(&EventRecord { at_s, what }).map_err(io::Error::from);
    line.and_then(|line| writeln!(events.file, "{line}")).map_err(|source| events.failed(source))
}

enum LoadError {
    Record(RecordError),
    Log(io::Error),
}

/// The files of the load.
struct Load<'a> {
    job: &'a Job,
    log: IntervalLogWriter<'a, 'a, SharedFile, V2DeflateSerializer>,
    begun: bool,
}

impl Load<'_> {
    fn interval(
        &mut self,
        interval: &Interval,
        events: &mut Named<SharedFile>,
        bins: &mut Named<SharedFile>,
    ) -> Result<(), LoadError> {
        let at_s = offset_s(self.job.epoch, interval.start);
        let load_start_s = at_s - interval.offset.as_secs_f64();
        let most_bins = interval.requests.iter().map(|request| request.bins.len()).max().unwrap_or(1).max(1);
        let bin_s = interval.length.as_secs_f64() / most_bins as f64;
        if !self.begun {
            let began = WhatRecord::LoadStarted { bin_s: files::tidy_seconds(bin_s) };
            append_event(events, files::tidy_seconds(load_start_s), began).map_err(LoadError::Record)?;
            self.begun = true;
        }
        let mut text = String::new();
        for index in 0..most_bins {
            for (request, tag) in interval.requests.iter().zip(&self.job.tags) {
                if let Some(bin) = request.bins.get(index) {
                    bins::append(&mut text, at_s + index as f64 * bin_s, tag, bin, load_start_s);
                }
            }
        }
        bins.file.write_all(text.as_bytes()).map_err(|source| LoadError::Record(bins.failed(source)))?;
        let at = interval.start.saturating_duration_since(self.job.epoch);
        intervals::append(&mut self.log, interval, at, &self.job.tags).map_err(|error| match error {
            IntervalLogWriterError::IoError(source) => LoadError::Log(source),
            IntervalLogWriterError::SerializeError(error) => LoadError::Log(io::Error::other(error)),
        })
    }
}
