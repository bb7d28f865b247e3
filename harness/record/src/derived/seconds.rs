use std::fmt::Write;

use model::{Counts, Done, Histogram};

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
    /// What was done in it, whenever it fell due.
    pub done: Done,
    /// Latency of all that fell due in it, in microseconds.
    pub latency: Histogram,
    /// How late the generator was by itself, in microseconds.
    pub own_lag: Histogram,
    /// Whether the generator was the limit in it, so that its figures are not the target's.
    pub generator_limited: bool,
}

const HEADER: &str = "at_s,length_s,phase,offered_hz,throughput_hz,goodput_hz,latency_us_p50,latency_us_p90,latency_us_p99,latency_us_max,\
due,good,unsent,no_port,timed_out,refused,reset,malformed,other,tls,answered_not_good,own_lag_us_p99,generator_limited\n";

/// The windows as `intervals.csv`. A window without arrivals has no latency; `no_port` is part of `unsent` and `tls` of
/// `other`; `answered_not_good` are answers with a status of 400 and above; `generator_limited` is 1 or 0.
#[must_use]
pub fn seconds_csv(rows: &[SecondRow]) -> String {
    let mut text = HEADER.to_owned();
    for row in rows {
        let c = &row.counts;
        let per_second = |count: u64| count as f64 / row.length_s.max(1e-9);
        let of = |histogram: &Histogram, percentile: f64| match histogram.is_empty() {
            true => String::new(),
            false => histogram.value_at_percentile(percentile).to_string(),
        };
        let at = |percentile: f64| of(&row.latency, percentile);
        let written = writeln!(
            text,
            "{:.3},{:.3},{},{:.2},{:.2},{:.2},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            row.at_s,
            row.length_s,
            row.phase,
            per_second(c.due()),
            per_second(row.done.answered),
            per_second(row.done.good),
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
            of(&row.own_lag, 99.0),
            u8::from(row.generator_limited),
        );
        if written.is_err() {
            unreachable!("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_late_the_generator_was_and_whether_it_was_the_limit() {
        let mut own_lag = model::new_histogram();
        own_lag.record(900).unwrap();
        let row = |own_lag, generator_limited| SecondRow {
            at_s: 0.0,
            length_s: 1.0,
            phase: "measure",
            counts: Counts::default(),
            done: Done::default(),
            latency: model::new_histogram(),
            own_lag,
            generator_limited,
        };
        let text = seconds_csv(&[row(own_lag, true), row(model::new_histogram(), false)]);
        let columns = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let lines: Vec<Vec<String>> = text.lines().map(columns).collect();
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{text}");
        let last = |line: usize| lines[line][lines[line].len() - 2..].to_vec();
        assert_eq!(
            [last(0), last(1), last(2)],
            [["own_lag_us_p99", "generator_limited"], ["900", "1"], ["", "0"]]
        );
    }
}
