//! The engine as a whole: requests per second of its own CPU time, and how late it sends.
//!
//! The server has CPU 0 and the generator CPU 1. Every figure is of the full engine with all its records, once per
//! line; run it a few times to see the spread.

use std::error::Error;
use std::time::Duration;

use benches::drive::{Driven, drive};
use benches::{get, plan};
use model::{Arrivals, Histogram, Plan};
use rustix::thread::{CpuSet, sched_setaffinity};
use testserver::{Pace, SteadyServer};

fn main() -> Result<(), Box<dyn Error>> {
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
        measure(&format!("closed, {connections} connections"), &closed, false)?;
    }
    for (rate, precise) in [(1e3, false), (1e3, true), (1e4, false), (1e4, true), (5e4, false)] {
        let open = plan(Arrivals::Constant { rate }, seconds, 64, get("/"));
        let name = if precise { "precise" } else { "open" };
        measure(&format!("{name}, {rate}/s, 64 connections"), &open, precise)?;
    }
    let beyond = plan(Arrivals::Constant { rate: 400_000.0 }, seconds, 64, get("/"));
    let beyond = Plan { timeout: Duration::from_secs(1), ..beyond };
    measure("open, above what is possible", &beyond, false)
}

fn measure(name: &str, plan: &Plan, precise: bool) -> Result<(), Box<dyn Error>> {
    let server = SteadyServer::start(Pace::default());
    show(name, &drive(plan, &[server.address()], &[1], precise)?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
fn show(name: &str, driven: &Driven) {
    let Driven { totals, counts, send_lag, latency } = driven;
    let us =
        |histogram: &Histogram, percentile: f64| format!("{} us", histogram.value_at_percentile(percentile));
    println!(
        "{name:<34}{:>9.0}{:>8.2}%{:>8.0}%{:>12.0}{:>11}{:>11}{:>11}",
        driven.rate(),
        counts.sent() as f64 / counts.due().max(1) as f64 * 100.0,
        totals.busiest_worker * 100.0,
        driven.per_core_second(),
        us(send_lag, 50.0),
        us(send_lag, 99.0),
        us(latency, 50.0),
    );
}
