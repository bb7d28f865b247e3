//! The tables of a design's load: what stretches of different rates did, how answers were spread over backends, where the time
//! went, and how the generator itself was.

use record::derived::{GeneratorFile, MonitoredFile, PercentilesFile, SummaryFile};

use super::TextTable;
use crate::text::stage_name;
use crate::words;

/// Each with its title; how the time was spent only for a run that is shown alone.
pub(super) fn of(summary: &SummaryFile, alone: bool) -> Vec<(String, TextTable)> {
    let detail = [times(summary), generator(&summary.generator)].into_iter().filter(|_| alone);
    [stages(summary), backends(summary), monitored(summary)].into_iter().chain(detail).flatten().collect()
}

fn times(summary: &SummaryFile) -> Option<(String, TextTable)> {
    let parts = &summary.breakdown_us;
    let rows: Vec<Vec<String>> = [
        ("from due to answered (latency)", &summary.latency_us),
        ("from due to sent", &summary.send_lag_us),
        ("from sent to answered", &summary.service_time_us),
        ("name looked up", &parts.dns),
        ("connection opened", &parts.connect),
        ("TLS handshake", &parts.handshake),
        ("first byte", &parts.first_byte),
        ("transfer", &parts.transfer),
    ]
    .into_iter()
    .filter_map(|(name, times)| {
        let times = times.as_ref()?;
        let told = [times.p50, times.p90, times.p99, times.max].map(words::latency);
        Some([vec![name.to_owned()], told.to_vec()].concat())
    })
    .collect();
    let table = table(&["", "p50", "p90", "p99", "max"], rows);
    (!table.rows.is_empty()).then(|| ("Where the time went".to_owned(), table))
}

/// "12 of 28,232", where both are known.
fn used(used: Option<u64>, of: Option<u64>) -> Option<String> {
    Some(format!("{} of {}", words::count(used?), words::count(of?)))
}

fn generator(own: &GeneratorFile) -> Option<(String, TextTable)> {
    own.threads?;
    let p99 = |times: &Option<PercentilesFile>| times.as_ref().map(|times| words::latency(times.p99));
    let headroom = &own.headroom;
    let rows = [
        ("worker threads", own.threads.map(|threads| threads.to_string())),
        ("CPU of the busiest worker", own.busiest_worker.map(words::percent)),
        ("CPU for one request", own.cpu_us_per_request.map(|us| format!("{us:.2} µs"))),
        ("late by itself, p99", p99(&own.own_lag_us)),
        ("stalls of its event loops, p99", p99(&own.loop_gaps_us)),
        ("CPU time taken by others (steal)", headroom.steal.map(words::percent)),
        ("longest wait for a CPU", headroom.run_queue_wait_s.map(words::seconds)),
        ("local ports in use", used(headroom.ports_used, headroom.ports)),
        ("files in use", used(headroom.files_used, headroom.files)),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect();
    let title =
        if own.limited { "The generator, which limited the result" } else { "The generator, which had room" };
    Some((title.to_owned(), table(&["", ""], rows)))
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
                stage_name(stage),
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
