//! What a design's own monitor saw stands beside what the generator counted, over the same stretch.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use record::derived::{MonitoredFile, to_json};
use record::{MonitorRecord, MonitorSample, Run};
use reports::synthetic::Synthetic;
use reports::{Settings, summary, verdict_table, write};

/// How long the synthetic measured load takes.
const MEASURED_S: f64 = 75.0;

/// A record of three servers whose monitor looked every second from `from_s` to `to_s` on the run's clock, never at a
/// full tenth of a second, while `server1` gave 30 answers a second and `server2` half as many.
fn monitored(from_s: u32, to_s: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Synthetic::distributed().write(dir.path()).unwrap();
    let sample = |second: u32| {
        let at_s = f64::from(second) + 0.37;
        let servers = [("server1", 30.0), ("server2", 15.0)];
        let counted = servers.map(|(server, hz)| (server.to_owned(), hz * at_s + 1000.0));
        MonitorSample::new(at_s, BTreeMap::from(counted))
    };
    keep(dir.path(), (from_s..=to_s).map(sample).collect());
    dir
}

fn keep(dir: &Path, samples: Vec<MonitorSample>) {
    let record = MonitorRecord::new("answers", samples);
    fs::write(dir.join("monitor.json"), to_json(&record).unwrap()).unwrap();
}

fn seen(dir: &Path) -> MonitoredFile {
    summary(&Run::open(dir).unwrap()).monitor.unwrap()
}

#[test]
fn both_counts_are_over_the_whole_measured_load() {
    let dir = monitored(0, 90);
    let summary = summary(&Run::open(dir.path()).unwrap());
    let seen = summary.monitor.unwrap();
    assert_eq!((seen.from_s, seen.to_s), (0.0, MEASURED_S));
    assert_eq!((seen.requests, seen.requests_hz), (45.0 * MEASURED_S, 45.0));
    assert_eq!(
        seen.by_server,
        [("server1", 2250.0), ("server2", 1125.0)].map(|(s, n)| (s.to_owned(), n)).into()
    );
    assert_eq!(seen.answered_hz, summary.throughput_hz);
    let ratio = 45.0 * MEASURED_S / seen.answered as f64;
    assert!((seen.ratio.unwrap() - ratio).abs() < 1e-6, "{seen:?}");
}

#[test]
fn what_the_monitor_did_not_see_of_the_load_is_left_out_of_both_counts() {
    // Seconds 20.37 to 40.37 of the run, whose measured load begins after 7.5 s, less what does not fill a bin of a tenth.
    let seen = seen(monitored(20, 40).path());
    assert_eq!((seen.from_s, seen.to_s), (12.9, 32.8));
    assert_eq!((seen.requests, seen.requests_hz), (895.5, 45.0));
    // 40 arrivals a second, of which those that a dead server did not answer are none.
    assert!((700..=796).contains(&seen.answered), "{seen:?}");
}

#[test]
fn a_monitor_that_saw_nothing_of_the_load_says_nothing() {
    for (from_s, to_s) in [(0, 5), (90, 99), (30, 30)] {
        let dir = monitored(from_s, to_s);
        assert_eq!(summary(&Run::open(dir.path()).unwrap()).monitor, None, "from {from_s} to {to_s}");
    }
    let dir = monitored(0, 90);
    keep(dir.path(), Vec::new());
    let comparison = write(&[dir.path().to_owned()], dir.path(), Settings::default()).unwrap();
    assert!(!verdict_table(&comparison, 100).contains("monitor"));
}

#[test]
fn the_monitor_is_shown_unless_it_is_not_to_be() {
    let dir = monitored(0, 90);
    let page = |settings| {
        let comparison = write(&[dir.path().to_owned()], dir.path(), settings).unwrap();
        let html = fs::read_to_string(dir.path().join("report.html")).unwrap();
        (html, verdict_table(&comparison, 100))
    };
    let (html, table) = page(Settings::default());
    assert!(table.contains("by the monitor") && table.contains("45.0/s of the web servers"), "{table}");
    assert!(html.contains("monitor: server2") && html.contains("<dt>as the monitor sees it</dt>"));
    // In the drawing of the whole run and in that of each of three faults, with a legend and a column of numbers.
    let line = "<path class=\"s-monitor\" stroke-width=\"1.5\"";
    assert_eq!(html.matches(line).count(), 4);
    assert_eq!(html.matches("answers of the web servers, as the monitor sees them").count(), 4);
    assert_eq!(html.matches("<th scope=\"col\">monitor &#x2f;s</th>").count(), 4);

    let (without, table) = page(Settings { monitor: false });
    assert!(!table.contains("monitor"), "{table}");
    assert!(!without.contains("class=\"s-monitor") && !without.contains("as the monitor sees"));
    fs::remove_file(dir.path().join("monitor.json")).unwrap();
    assert!(page(Settings::default()).0 == without, "off is not as if there were no monitor");
}

#[test]
fn the_line_of_the_monitor_comes_back_byte_for_byte() {
    let dir = monitored(0, 90);
    let read = || {
        write(&[dir.path().to_owned()], dir.path(), Settings::default()).unwrap();
        ["summary.json", "findings.json", "report.html"].map(|name| fs::read(dir.path().join(name)).unwrap())
    };
    assert!(read() == read());
}
