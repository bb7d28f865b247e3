//! The tables of a design's load: what stretches of different rates did, and how answers were spread over backends.

use record::derived::{MonitoredFile, SummaryFile};

use super::TextTable;
use crate::words;

/// Each with its title.
pub(super) fn of(summary: &SummaryFile) -> Vec<(String, TextTable)> {
    [stages(summary), backends(summary), monitored(summary)].into_iter().flatten().collect()
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> TextTable {
    TextTable { head: head.iter().map(|cell| (*cell).to_owned()).collect(), rows }
}

fn stages(summary: &SummaryFile) -> Option<(String, TextTable)> {
    let rows: Vec<Vec<String>> = (summary.by_stage.iter())
        .map(|stage| {
            let times = stage.latency_us.as_ref();
            let time = |of: &dyn Fn(&record::derived::PercentilesFile) -> u64| {
                times.map_or("–".to_owned(), |times| words::latency(of(times)))
            };
            vec![
                stage.name.clone(),
                words::rate(stage.offered_rate_hz),
                words::rate(stage.goodput_hz),
                words::percent(stage.requests.good as f64 / stage.requests.due.max(1) as f64),
                time(&|times| times.p50),
                time(&|times| times.p90),
                time(&|times| times.p99),
                time(&|times| times.max),
            ]
        })
        .collect();
    let title = "Each rate by itself: latency depends on the rate, so it is never summed over different ones";
    let head = ["stage", "offered", "goodput", "good", "p50", "p90", "p99", "max"];
    (!rows.is_empty()).then(|| (title.to_owned(), table(&head, rows)))
}

fn backends(summary: &SummaryFile) -> Option<(String, TextTable)> {
    let uneven = summary.imbalance.as_ref()?;
    let total: u64 = summary.served_by.values().sum();
    let rows = (summary.served_by.iter())
        .map(|(name, count)| {
            let share = words::percent(*count as f64 / total.max(1) as f64);
            vec![name.clone(), words::count(*count), share]
        })
        .collect();
    let title = format!(
        "Answers by backend: the busiest gave {:.2} times the mean, Gini {:.2}",
        uneven.max_to_mean, uneven.gini
    );
    Some((title, table(&["backend", "answers", "share"], rows)))
}

fn monitored(summary: &SummaryFile) -> Option<(String, TextTable)> {
    let seen: &MonitoredFile = summary.monitor.as_ref()?;
    let length_s = seen.to_s - seen.from_s;
    let row = |name: String, requests: f64, hz: f64| {
        vec![name, words::count(crate::findings::grid::whole(requests) as u64), words::rate(hz)]
    };
    let mut rows = vec![
        row("generator: answered".to_owned(), seen.answered as f64, seen.answered_hz),
        row("monitor: web servers".to_owned(), seen.requests, seen.requests_hz),
    ];
    let servers = seen.by_server.iter();
    rows.extend(servers.map(|(server, count)| row(format!("monitor: {server}"), *count, count / length_s)));
    let ratio = seen.ratio.map_or(String::new(), |ratio| format!(", {ratio:.3} of the generator's count"));
    let title = format!(
        "Requests of the web servers as the monitor sees them, from {:.1} to {:.1} s{ratio}",
        seen.from_s, seen.to_s
    );
    Some((title, table(&["counted by", "requests", "per second"], rows)))
}
