//! `intervals.hlog`: latency histograms as an HdrHistogram interval log, version 2, which other tools read.
//!
//! One tag per request and class: `<request>.good` and `<request>.failed` (latency, done - due), `<request>.service`
//! (done - sent), and its parts `<request>.connect`, `.handshake`, `.first_byte` and `.transfer`. Of all requests:
//! `own_lag` (from due to when the generator saw it), `loop_gap` (the generator's own stalls of 1 ms and more),
//! `worker_cpu` (CPU time that each worker needed for a second of the window, a value for each) and `send_lag` (sent - due). Values are microseconds; the maximum in the third column is in
//! milliseconds. Timestamps are offsets from `StartTime`, the run's epoch. Empty histograms are left out, but
//! `send_lag` closes every window.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriter, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializeError, V2DeflateSerializer};
use model::{Histogram, Interval, PartHistograms, new_histogram};

use crate::RecordError;

/// The tag of the generator's own lateness.
pub(crate) const SEND_LAG: &str = "send_lag";
const OWN_LAG: &str = "own_lag";
const LOOP_GAP: &str = "loop_gap";
const WORKER_CPU: &str = "worker_cpu";

/// One window of the load.
#[derive(Debug, Clone)]
pub struct IntervalRecord {
    /// Its beginning, in seconds from the run's epoch (to the millisecond).
    pub at_s: f64,
    /// Its length, in seconds.
    pub length_s: f64,
    /// By request, in the plan's order.
    pub requests: Vec<RequestHistograms>,
    /// sent - due, in microseconds.
    pub send_lag: Histogram,
    /// How late the generator was by itself, in microseconds.
    pub own_lag: Histogram,
    /// The generator's own stalls, in microseconds.
    pub loop_gaps: Histogram,
    /// CPU time that each worker needed for a second of it, in microseconds. Empty in older records.
    pub worker_cpu: Histogram,
}

/// Histograms of one request in one window, in microseconds.
#[derive(Debug, Clone)]
pub struct RequestHistograms {
    /// Latency of the good ones.
    pub good: Histogram,
    /// Latency of the others.
    pub failed: Histogram,
    /// Service time of all that were sent.
    pub service: Histogram,
    /// Where the service time went.
    pub parts: PartHistograms,
}

/// Starts the log.
pub(crate) fn begin<'a, W: Write>(
    file: &'a mut W,
    serializer: &'a mut V2DeflateSerializer,
    epoch: SystemTime,
) -> std::io::Result<IntervalLogWriter<'a, 'a, W, V2DeflateSerializer>> {
    IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("values in microseconds, maximum in milliseconds")
        .with_start_time(epoch)
        .with_max_value_divisor(1000.0)
        .begin_log_with(file, serializer)
}

/// Appends one window that begins `at` after the run's epoch.
pub(crate) fn append<W: Write>(
    log: &mut IntervalLogWriter<'_, '_, W, V2DeflateSerializer>,
    interval: &Interval,
    at: Duration,
    tags: &[String],
) -> Result<(), IntervalLogWriterError<V2DeflateSerializeError>> {
    for (request, tag) in interval.requests.iter().zip(tags) {
        let classes = [("good", &request.good), ("failed", &request.failed), ("service", &request.service)];
        let classes = classes.into_iter().chain(request.parts.named());
        for (class, histogram) in classes.filter(|(_, histogram)| !histogram.is_empty()) {
            let tag = format!("{tag}.{class}");
            log.write_histogram(histogram, at, interval.length, Tag::new(&tag))?;
        }
    }
    let own =
        [(OWN_LAG, &interval.own_lag), (LOOP_GAP, &interval.loop_gaps), (WORKER_CPU, &interval.worker_cpu)];
    for (tag, histogram) in own.into_iter().filter(|(_, histogram)| !histogram.is_empty()) {
        log.write_histogram(histogram, at, interval.length, Tag::new(tag))?;
    }
    log.write_histogram(&interval.send_lag, at, interval.length, Tag::new(SEND_LAG))
}

/// Reads `intervals.hlog`; the flag tells of a last line cut short.
pub(crate) fn read(
    path: &Path,
    text: &str,
    tags: &[String],
) -> Result<(Vec<IntervalRecord>, bool), RecordError> {
    let end = text.rfind('\n').map_or(0, |last| last + 1);
    let mut intervals: Vec<IntervalRecord> = Vec::new();
    let mut open = false;
    let mut deserializer = Deserializer::new();
    // Lines are read one by one, so that what cannot be read is named by its line.
    for (index, line) in text[..end].split_inclusive('\n').enumerate() {
        let Some(Ok(LogEntry::Interval(entry))) = IntervalLogIterator::new(line.as_bytes()).next() else {
            if line.starts_with('#') {
                continue;
            }
            return Err(RecordError::malformed(
                path,
                index + 1,
                "not a line of an HdrHistogram interval log",
            ));
        };
        let at_s = entry.start_timestamp().as_secs_f64();
        if !open {
            intervals.push(empty(at_s, entry.duration().as_secs_f64(), tags.len()));
        }
        let Some(interval) = intervals.last_mut() else { unreachable!("one was pushed") };
        let tag = entry.tag().map_or("", |tag| tag.as_str());
        let slot = slot(interval, tag, tags)
            .ok_or_else(|| RecordError::malformed(path, index + 1, format!("tag `{tag}` is not known")))?;
        *slot = decode(&mut deserializer, entry.encoded_histogram())
            .ok_or_else(|| RecordError::malformed(path, index + 1, "not a histogram in base64"))?;
        open = tag != SEND_LAG;
    }
    Ok((intervals, end < text.len()))
}

fn empty(at_s: f64, length_s: f64, requests: usize) -> IntervalRecord {
    let request = || RequestHistograms {
        good: new_histogram(),
        failed: new_histogram(),
        service: new_histogram(),
        parts: PartHistograms::default(),
    };
    IntervalRecord {
        at_s,
        length_s,
        requests: (0..requests).map(|_| request()).collect(),
        send_lag: new_histogram(),
        own_lag: new_histogram(),
        loop_gaps: new_histogram(),
        worker_cpu: new_histogram(),
    }
}

fn slot<'a>(interval: &'a mut IntervalRecord, tag: &str, tags: &[String]) -> Option<&'a mut Histogram> {
    match tag {
        SEND_LAG => return Some(&mut interval.send_lag),
        OWN_LAG => return Some(&mut interval.own_lag),
        LOOP_GAP => return Some(&mut interval.loop_gaps),
        WORKER_CPU => return Some(&mut interval.worker_cpu),
        _ => {}
    }
    let (name, class) = tag.rsplit_once('.')?;
    let index = tags.iter().position(|known| known == name)?;
    let request = interval.requests.get_mut(index)?;
    match class {
        "good" => Some(&mut request.good),
        "failed" => Some(&mut request.failed),
        "service" => Some(&mut request.service),
        part => request.parts.by_name(part),
    }
}

fn decode(deserializer: &mut Deserializer, text: &str) -> Option<Histogram> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let mut histogram: Histogram = deserializer.deserialize(&mut bytes.as_slice()).ok()?;
    histogram.auto(true);
    Some(histogram)
}
