//! The engine run once against servers of this process.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use load::{Live, LoadError, Options};
use model::{Counts, Event, Histogram, LoadTotals, Plan, What, new_histogram};

/// What one run brought.
pub struct Driven {
    /// What it cost.
    pub totals: LoadTotals,
    /// What became of its requests.
    pub counts: Counts,
    /// How late requests were sent, in microseconds.
    pub send_lag: Histogram,
    /// From due to answered, in microseconds.
    pub latency: Histogram,
}

impl Driven {
    /// Answers per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.counts.answered() as f64 / self.totals.wall.as_secs_f64()
    }

    /// Answers per second of the generator's CPU time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn per_core_second(&self) -> f64 {
        self.counts.answered() as f64 / self.totals.cpu.as_secs_f64()
    }
}

/// Drives `plan` at `servers` with a worker on each of `cpus`, which wait by spinning if `precise`.
///
/// # Errors
///
/// When the load cannot be driven at all.
pub fn drive(
    plan: &Plan,
    servers: &[SocketAddr],
    cpus: &[usize],
    precise: bool,
) -> Result<Driven, LoadError> {
    let options = Options {
        targets: Arc::new(servers.iter().copied().collect()),
        authority: "bench".to_owned(),
        workers: cpus.len(),
        cpus: cpus.to_vec(),
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
    Ok(Driven { totals, counts, send_lag, latency })
}
