use std::fmt::Write;

use model::{Counts, Histogram};

/// One window of the load, a second as a rule: a row of `intervals.csv`.
#[derive(Debug, Clone)]
pub struct SecondRow {
    /// Its beginning, in seconds from the start of the measured load; the warm-up lies before 0.
    pub at_s: f64,
    /// Its length, in seconds.
    pub length_s: f64,
    /// "warm-up", "measure" or "cool-down".
    pub phase: &'static str,
    /// What became of the arrivals that fell due in it.
    pub counts: Counts,
    /// Latency of all of them, in microseconds.
    pub latency: Histogram,
}

const HEADER: &str = "at_s,length_s,phase,offered_hz,throughput_hz,goodput_hz,latency_us_p50,latency_us_p90,latency_us_p99,latency_us_max,\
due,good,unsent,no_port,timed_out,refused,reset,malformed,other,tls,answered_not_good\n";

/// The windows as `intervals.csv`. A window without arrivals has no latency; `no_port` is part of `unsent` and `tls` of
/// `other`; `answered_not_good` are answers with a status of 400 and above.
#[must_use]
pub fn seconds_csv(rows: &[SecondRow]) -> String {
    let mut text = HEADER.to_owned();
    for row in rows {
        let c = &row.counts;
        let per_second = |count: u64| count as f64 / row.length_s.max(1e-9);
        let at = |percentile: f64| match row.latency.is_empty() {
            true => String::new(),
            false => row.latency.value_at_percentile(percentile).to_string(),
        };
        let written = writeln!(
            text,
            "{:.3},{:.3},{},{:.2},{:.2},{:.2},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            row.at_s,
            row.length_s,
            row.phase,
            per_second(c.due()),
            per_second(c.answered()),
            per_second(c.good),
            at(50.0),
            at(90.0),
            at(99.0),
            at(100.0),
            c.due(),
            c.good,
            c.unsent,
            c.no_port,
            c.timed_out,
            c.refused,
            c.reset,
            c.malformed,
            c.other,
            c.tls,
            c.answered().saturating_sub(c.good),
        );
        if written.is_err() {
            unreachable!("writing to a string cannot fail");
        }
    }
    text
}
