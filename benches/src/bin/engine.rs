//! The engine as a whole: requests per second of its own CPU time, and how late it sends.
//!
//! The server has CPU 0 and the generator CPU 1. Every figure is of the full engine with all its records, once per
//! line; run it a few times to see the spread.

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use benches::{get, plan};
use load::{Live, Options};
use model::{Arrivals, Counts, Event, Histogram, LoadTotals, Plan, What, new_histogram};
use rustix::thread::{CpuSet, sched_setaffinity};
use testserver::{Pace, SteadyServer};

struct Result {
    totals: LoadTotals,
    counts: Counts,
    send_lag: Histogram,
    latency: Histogram,
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut set = CpuSet::new();
    set.set(0);
    // The server's thread takes over the affinity of this one.
    sched_setaffinity(None, &set)?;
    let seconds = Duration::from_secs(4);
    println!(
        "{:<34}{:>9}{:>9}{:>9}{:>12}{:>11}{:>11}{:>11}",
        "", "rps", "sent/due", "cpu", "req/core-s", "lag p50", "lag p99", "lat. p50"
    );
    for connections in [1, 16, 64, 256] {
        let closed = plan(Arrivals::Closed { think: Duration::ZERO }, seconds, connections, get("/"));
        show(&format!("closed, {connections} connections"), &drive(&closed, false)?);
    }
    for (rate, precise) in [(1e3, false), (1e3, true), (1e4, false), (1e4, true), (5e4, false)] {
        let open = plan(Arrivals::Constant { rate }, seconds, 64, get("/"));
        let name = if precise { "precise" } else { "open" };
        show(&format!("{name}, {rate}/s, 64 connections"), &drive(&open, precise)?);
    }
    let beyond = plan(Arrivals::Constant { rate: 400_000.0 }, seconds, 64, get("/"));
    show("open, above what is possible", &drive(&Plan { timeout: Duration::from_secs(1), ..beyond }, false)?);
    Ok(())
}

fn drive(plan: &Plan, precise: bool) -> std::result::Result<Result, Box<dyn Error>> {
    let server = SteadyServer::start(Pace::default());
    let options = Options {
        targets: Arc::new([server.address()].into_iter().collect()),
        authority: "bench".to_owned(),
        workers: 1,
        cpus: vec![1],
        precise,
        way: "X-Served-By".to_owned(),
        start: Instant::now() + Duration::from_millis(200),
        enter: Arc::new(|| Ok(())),
        live: Arc::new(Live::default()),
    };
    let seen = Mutex::new((Counts::default(), new_histogram(), new_histogram()));
    let sink = |event: Event| {
        if let What::IntervalClosed(interval) = event.what {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.0.merge(&interval.counts());
            // Histograms of the same bounds accept each other's values.
            let _ = seen.1.add(&interval.send_lag);
            let _ = seen.2.add(&interval.requests[0].good);
        }
    };
    let totals = load::run(plan, &options, &sink, &AtomicBool::new(false))?;
    let (counts, send_lag, latency) = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Result { totals, counts, send_lag, latency })
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
fn show(name: &str, result: &Result) {
    let Result { totals, counts, send_lag, latency } = result;
    let answered = counts.answered() as f64;
    let us =
        |histogram: &Histogram, percentile: f64| format!("{} us", histogram.value_at_percentile(percentile));
    println!(
        "{name:<34}{:>9.0}{:>8.2}%{:>8.0}%{:>12.0}{:>11}{:>11}{:>11}",
        answered / totals.wall.as_secs_f64(),
        counts.sent() as f64 / counts.due().max(1) as f64 * 100.0,
        totals.busiest_worker * 100.0,
        answered / totals.cpu.as_secs_f64(),
        us(send_lag, 50.0),
        us(send_lag, 99.0),
        us(latency, 50.0),
    );
}
