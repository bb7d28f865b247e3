//! A heavy query runs on the database while static pages are served: do they become slow?

use std::time::{Duration, Instant};

use model::Reach;
use targets::claims::Neighbour;

use super::figures::Figures;
use super::judge::Judge;
use super::sql::{Session, databases};
use super::testbed::{Asked, Testbed, only};
use crate::failure::Failure;

/// Enough for pages, and so few that their handshakes do not take the load balancer's share of the machine.
const CONNECTIONS: usize = 8;
/// Pages are slowed when their 99th percentile is this many times as long.
const SLOWED: f64 = 3.0;
/// They are not when it is less than this many times as long.
const SPARED: f64 = 2.0;
/// Latencies below this are all the same to a user, and to a noisy machine.
const LEAST_US: f64 = 5000.0;
/// Where static pages take longer without any query, something else is in their way.
const NOISY_US: f64 = 100_000.0;

pub(crate) fn measure(bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let database = match databases(bed) {
        Ok((primary, _)) => primary,
        Err(error) => return Ok(Figures::doubted(format!("{error:#}"))),
    };
    if matches!(&database.node.reach, Reach::Namespace { cgroup_procs, .. } if cgroup_procs.is_empty()) {
        figures.doubt("nodes share the machine here, so every query is every page's neighbour");
    }
    let length = bed.time(5.0, 15.0);
    let asked =
        |name| Asked { scenario: only("page"), connections: CONNECTIONS, ..Asked::usual(name, length) };
    let quiet = bed.load(&asked("quiet"), &mut figures)?.summary;
    let beside = |measure_from: Instant| {
        let left = (measure_from + length).saturating_duration_since(Instant::now());
        heavy(left, || Session::open(database));
    };
    let disturbed = bed.load(&Asked { beside: Some(&beside), ..asked("heavy") }, &mut figures)?.summary;
    // What else goes on makes pages slower and never quicker: the better of two quiet loads is the truer one.
    let again = bed.load(&asked("quiet-again"), &mut figures)?.summary;
    let quiet = [quiet, again].into_iter().filter_map(|summary| summary.latency_us);
    let quiet = quiet.min_by_key(|latency| latency.p99);
    for (name, latency) in [("quiet", quiet), ("heavy", disturbed.latency_us)] {
        if let Some(latency) = latency {
            #[expect(clippy::cast_precision_loss, reason = "a latency in microseconds is far below 2^52")]
            if name == "quiet" && latency.p99 as f64 >= NOISY_US {
                figures.doubt(format!("pages took {} ms without the query", latency.p99 / 1000));
            }
            figures.count(&format!("{name}_p50_us"), latency.p50);
            figures.count(&format!("{name}_p99_us"), latency.p99);
        }
    }
    Ok(figures)
}

/// Keeps the database busy for `length` with a statement that ends itself.
fn heavy(length: Duration, open: impl Fn() -> anyhow::Result<Session>) {
    let seconds = length.as_secs_f64();
    let query = "SELECT BENCHMARK(1000000000, SHA2('a heavy report', 512))";
    if let Ok(mut session) = open() {
        // It is cut off by its own limit, as it should be.
        let _ = session.ask(&format!("SET STATEMENT max_statement_time = {seconds:.1} FOR {query}"));
    }
}

pub(crate) fn judge<'a>(neighbour: &Neighbour, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    let mut slower = |label: &str| -> Option<f64> {
        let quiet = judge.need(&format!("{label}_quiet_p99_us"))?;
        let heavy = judge.need(&format!("{label}_heavy_p99_us"))?;
        Some(heavy / quiet.max(LEAST_US))
    };
    let (Some(together), Some(apart)) = (slower("together"), slower("apart")) else { return judge };
    let p99 = |name: &str| figures.get(name).unwrap_or_default() / 1e3;
    judge.say(format!(
        "static pages' p99 from {:.1} to {:.1} ms beside a heavy query on the same server, from {:.1} to {:.1} ms in {}",
        p99("together_quiet_p99_us"),
        p99("together_heavy_p99_us"),
        p99("apart_quiet_p99_us"),
        p99("apart_heavy_p99_us"),
        neighbour.apart
    ));
    judge.expect(together >= SLOWED, format!("on the same server p99 is only {together:.1} times as long"));
    judge.expect(apart < SPARED, format!("in {} p99 is {apart:.1} times as long too", neighbour.apart));
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(p99_ms: [f64; 4]) -> &'static str {
        let mut figures = Figures::default();
        let names = ["together_quiet", "together_heavy", "apart_quiet", "apart_heavy"];
        for (name, ms) in names.iter().zip(p99_ms) {
            figures.set(&format!("{name}_p99_us"), ms * 1e3);
        }
        judge(&Neighbour { apart: "3-scaled-up".to_owned() }, &figures).verdict()
    }

    #[test]
    fn a_shared_server_slows_pages_and_one_of_its_own_does_not() {
        assert_eq!(verdict([6.0, 80.0, 6.0, 7.0]), "holds");
        assert_eq!(verdict([6.0, 8.0, 6.0, 7.0]), "does not hold");
        assert_eq!(verdict([6.0, 80.0, 6.0, 80.0]), "does not hold");
    }

    #[test]
    fn what_no_user_feels_is_no_slowness() {
        assert_eq!(verdict([0.5, 4.0, 0.5, 4.0]), "does not hold");
        assert_eq!(verdict([0.5, 40.0, 0.5, 4.0]), "holds");
    }
}
