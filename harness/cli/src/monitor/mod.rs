//! Asks a design's own monitor, once the load has ended, what its web servers have answered, for the record. What the
//! monitor does not tell makes a warning, never a failed run.
//!
//! nginx counts health checks and its exporter's questions too. HAProxy counts for each server what it answered to users:
//! not the redirects to HTTPS, and not what HAProxy answered in a server's place.

mod counters;
mod prometheus;

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use model::{Event, Inventory, Node, Sink, What};
use record::{MonitorRecord, MonitorSample, Recorder};
use targets::Design;

use crate::interrupt::Interrupt;
use prometheus::Prometheus;

/// The part that is asked, and the one that it must know.
const MONITOR: &str = "prometheus";
const COUNTING: &str = "haproxy";
/// The answers of each web server by class of status, as each load balancer counted them.
const ANSWERS: &str = r#"haproxy_server_http_responses_total{proxy="web"}"#;
/// How long the monitor may take to look at every load balancer once more.
const ONCE_MORE: Duration = Duration::from_secs(3);
/// How long it may take to answer one question.
const QUESTION: Duration = Duration::from_secs(5);

/// Writes what the monitor of `design` counted since the record was opened, where the design has one. To be called
/// when the load has ended and the lab is still up.
pub(crate) fn record(design: &Design, inventory: &Inventory, recorder: &Recorder, interrupt: &Interrupt) {
    let Some(node) = monitor_of(inventory) else { return };
    match ask(design, node, recorder.epoch(), interrupt) {
        Ok(samples) => recorder.monitor(&MonitorRecord::new(ANSWERS, samples)),
        Err(error) => {
            let text = format!("what the monitor saw of the web servers is not known: {error:#}");
            eprintln!("  warning: {text}");
            recorder.emit(Event { at: Instant::now(), what: What::Warning(text) });
        }
    }
}

/// The node whose monitor looks at load balancers.
fn monitor_of(inventory: &Inventory) -> Option<&Node> {
    inventory.processes().find(|(_, process)| process.part == COUNTING)?;
    inventory.processes().find(|(_, process)| process.part == MONITOR).map(|(node, _)| node)
}

fn ask(
    design: &Design,
    node: &Node,
    epoch: Instant,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<MonitorSample>> {
    let port = design
        .port(&node.name, MONITOR, "prometheus_port")
        .ok_or_else(|| anyhow!("the setting prometheus_port of {} is no port", node.name))?;
    let monitor = Prometheus { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience: QUESTION };
    // The monitor stamps with the wall clock, the record counts on the monotonic one.
    let opened = SystemTime::now()
        .checked_sub(epoch.elapsed())
        .and_then(|opened| opened.duration_since(UNIX_EPOCH).ok())
        .context("the wall clock stands before 1970")?;
    let counted = reach::within(&node.reach, || {
        await_look_after(&monitor, (opened + epoch.elapsed()).as_secs_f64(), interrupt)?;
        monitor.range(ANSWERS, epoch.elapsed())
    })
    .with_context(|| format!("cannot reach {}", node.name))??;
    let samples = counters::sum(&counted, opened.as_secs_f64());
    if samples.is_empty() {
        return Err(anyhow!("it has no samples of {ANSWERS}"));
    }
    Ok(samples)
}

/// Waits until every load balancer that is up was looked at after `end_s`, so that the last answers are counted too.
fn await_look_after(monitor: &Prometheus, end_s: f64, interrupt: &Interrupt) -> anyhow::Result<()> {
    let newest = format!("min(timestamp({ANSWERS}))");
    let give_up = Instant::now() + ONCE_MORE;
    while interrupt.signal().is_none() && Instant::now() < give_up {
        if monitor.value(&newest)?.is_some_and(|at_s| at_s > end_s) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
