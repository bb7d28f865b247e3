//! A load's summary for people at a terminal.

use record::derived::{CountsFile, GeneratorFile, PercentilesFile, StageSummaryFile, SummaryFile};

use crate::words;

/// The columns of every table of times.
const TIMES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];
/// Width of the names at the left of lines.
const NAME: usize = 12;

/// The measured load in words and tables, with a final newline.
#[must_use]
pub fn load_text(summary: &SummaryFile) -> String {
    let mut lines = head(summary);
    lines.extend(times(summary));
    if summary.by_request.len() > 1 {
        let rows = summary.by_request.iter();
        let rows = rows.map(|(name, of)| row(name, None, &of.requests, of.latency_us.as_ref()));
        let with_times = summary.by_stage.is_empty();
        lines.extend(section("by request", None, rows.collect(), with_times));
    }
    if !summary.by_stage.is_empty() {
        let rows = summary.by_stage.iter();
        let rows = rows
            .map(|of| row(&stage_name(of), Some(of.offered_rate_hz), &of.requests, of.latency_us.as_ref()));
        lines.extend(section("by stage", Some("offered"), rows.collect(), true));
    }
    lines.extend(sessions(summary));
    lines.extend(backends(summary));
    lines.push(String::new());
    lines.extend(generator(&summary.generator));
    lines.extend(summary.warnings.iter().map(|warning| named("warning", warning)));
    lines.join("\n") + "\n"
}

/// With a label where the figures are not the target's.
pub(crate) fn stage_name(stage: &StageSummaryFile) -> String {
    let label = if stage.generator_limited { " (generator-limited)" } else { "" };
    format!("{}{label}", stage.name)
}

fn named(name: &str, text: &str) -> String {
    format!("{name:<NAME$} {text}")
}

fn head(summary: &SummaryFile) -> Vec<String> {
    let counts = &summary.requests;
    let reasons = &summary.reasons;
    let verdict = match reasons.is_empty() {
        true => summary.verdict.clone(),
        false => format!("{}: {}", summary.verdict, reasons.join("; ")),
    };
    let [offered, throughput, goodput] =
        [summary.offered_rate_hz, summary.throughput_hz, summary.goodput_hz].map(words::rate);
    let mut lines = vec![
        named("verdict", &verdict),
        named(
            "rate",
            &format!(
                "offered {offered}, throughput {throughput}, goodput {goodput} over {}",
                words::seconds(summary.duration_s)
            ),
        ),
        named(
            "requests",
            &format!(
                "{} due, {} good ({})",
                words::count(counts.due),
                words::count(counts.good),
                good(counts)
            ),
        ),
    ];
    let failures = failures(counts);
    if !failures.is_empty() {
        lines.push(named("failures", &failures.join(", ")));
    }
    let status: Vec<String> =
        summary.status.iter().map(|(code, count)| format!("{code}: {}", words::count(*count))).collect();
    if !status.is_empty() {
        lines.push(named("status", &status.join(", ")));
    }
    lines
}

fn good(counts: &CountsFile) -> String {
    words::percent(counts.good as f64 / counts.due.max(1) as f64)
}

/// Only what happened is said.
fn failures(counts: &CountsFile) -> Vec<String> {
    let kinds = [
        ("answered with an error", counts.answered - counts.good),
        ("timed out", counts.timed_out),
        ("refused", counts.refused),
        ("reset", counts.reset),
        ("malformed", counts.malformed),
        ("failed in TLS", counts.tls),
        ("failed otherwise", counts.other - counts.tls),
        ("unsent for want of a local port", counts.no_port),
        ("unsent", counts.unsent - counts.no_port),
    ];
    let happened = kinds.into_iter().filter(|(_, count)| *count > 0);
    happened.map(|(kind, count)| format!("{} {kind}", words::count(count))).collect()
}

fn times(summary: &SummaryFile) -> Vec<String> {
    let parts = &summary.breakdown_us;
    let rows: Vec<Vec<String>> = [
        ("latency", &summary.latency_us),
        ("service", &summary.service_time_us),
        ("  connect", &parts.connect),
        ("  handshake", &parts.handshake),
        ("  first byte", &parts.first_byte),
        ("  transfer", &parts.transfer),
        ("send lag", &summary.send_lag_us),
        ("dns", &parts.dns),
    ]
    .into_iter()
    .filter_map(|(name, times)| {
        Some([vec![name.to_owned()], cells(times.as_ref())].concat()).filter(|_| times.is_some())
    })
    .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let head = [&[""][..], &TIMES[..]].concat();
    [vec![String::new()], table(&head, rows)].concat()
}

fn cells(times: Option<&PercentilesFile>) -> Vec<String> {
    match times {
        Some(t) => [t.p50, t.p90, t.p99, t.p99_9, t.max].map(words::latency).to_vec(),
        None => vec!["-".to_owned(); TIMES.len()],
    }
}

fn row(
    name: &str,
    offered_hz: Option<f64>,
    counts: &CountsFile,
    times: Option<&PercentilesFile>,
) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    row.extend(offered_hz.map(words::rate));
    row.extend([words::count(counts.due), good(counts)]);
    row.extend(cells(times));
    row
}

fn section(name: &str, more: Option<&str>, mut rows: Vec<Vec<String>>, with_times: bool) -> Vec<String> {
    let mut head: Vec<&str> = [name].into_iter().chain(more).chain(["due", "good"]).collect();
    if with_times {
        head.extend(TIMES);
    } else {
        rows.iter_mut().for_each(|row| row.truncate(head.len()));
    }
    [vec![String::new()], table(&head, rows)].concat()
}

fn sessions(summary: &SummaryFile) -> Vec<String> {
    if summary.sessions.is_empty() {
        return Vec::new();
    }
    let rows = summary.sessions.iter().map(|(name, of)| {
        let counts = [of.started, of.completed, of.failed.values().sum(), of.unfinished];
        [vec![name.clone()], counts.map(words::count).to_vec()].concat()
    });
    let head = ["by session", "started", "completed", "failed", "unfinished"];
    let mut lines = [vec![String::new()], table(&head, rows.collect())].concat();
    lines.push("the later steps of a session fell due after responses, so a stall delays them".to_owned());
    lines
}

fn backends(summary: &SummaryFile) -> Vec<String> {
    let total: u64 = summary.served_by.values().sum();
    if summary.served_by.is_empty() {
        return Vec::new();
    }
    let share = |count: u64| words::percent(count as f64 / total.max(1) as f64);
    let rows = summary.served_by.iter();
    let rows = rows.map(|(name, count)| vec![name.clone(), words::count(*count), share(*count)]).collect();
    let mut lines = [vec![String::new()], table(&["by backend", "answers", "share"], rows)].concat();
    if let Some(uneven) = &summary.imbalance {
        let [least, mean, most] = [uneven.share_min, uneven.share_mean, uneven.share_max].map(words::percent);
        lines.push(named(
            "imbalance",
            &format!(
                "shares {least} to {most}, mean {mean}; the most is {:.2} times the mean, Gini {:.2}",
                uneven.max_to_mean, uneven.gini
            ),
        ));
    }
    lines
}

fn generator(own: &GeneratorFile) -> Option<String> {
    let threads = own.threads?;
    let mut told = vec![format!("{threads} thread{}", if threads == 1 { "" } else { "s" })];
    told.extend(own.busiest_worker.map(|share| format!("{} of a CPU busy", words::percent(share))));
    told.extend(own.cpu_us_per_request.map(|us| format!("{us:.2} µs of CPU per request")));
    told.extend(own.own_lag_us.as_ref().map(|lag| format!("own lag p99 {}", words::latency(lag.p99))));
    told.extend(own.rss_bytes_max.map(|bytes| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))));
    if own.limited {
        told.insert(0, "LIMITED THE RESULT".to_owned());
    }
    Some(named("generator", &told.join(", ")))
}

/// Aligned columns: the first to the left, the others to the right.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = all.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let widest = all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).max(if column == 0 { NAME } else { 8 })
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(index, (cell, &width))| match index {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
