//! A new version of the application is brought into service under load, in several ways; a server reboots.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use targets::claims::{Deploy, Maintenance};

use super::figures::Figures;
use super::judge::{Judge, seconds};
use super::server::{Server, install};
use super::testbed::{Asked, Observed, Testbed};
use crate::failure::Failure;

/// How long the files of a new version take to be installed.
const INSTALL: Duration = Duration::from_secs(2);
/// Until a load balancer that checks every half second, and again after 0.1 s, has seen that a server is back. Less than
/// a web server leaves one alone to which a request failed: it has to ask that one all the same.
const SEEN: Duration = Duration::from_millis(700);

/// One piece of maintenance, done.
struct Done {
    deploy: Deploy,
    from: Instant,
    to: Instant,
    /// Why it says nothing.
    trouble: Option<String>,
}

pub(crate) fn measure(maintenance: &Maintenance, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let servers = Server::all(bed)?;
    let deploys: Vec<Deploy> = maintenance.interrupts.iter().chain(&maintenance.spares).copied().collect();
    let (first, slot) = (bed.time(3.0, 5.0), bed.time(7.0, 12.0));
    let done: Mutex<Vec<Done>> = Mutex::new(Vec::new());
    let work = |measure_from: Instant| {
        for (index, deploy) in deploys.iter().enumerate() {
            let due = measure_from + first + slot * u32::try_from(index).unwrap_or(u32::MAX);
            if bed.sleep(due.saturating_duration_since(Instant::now())).is_err() {
                return;
            }
            let from = Instant::now();
            let version = (index + 2).to_string();
            let trouble = perform(*deploy, &version, &servers).err().map(|error| format!("{error:#}"));
            let to = Instant::now();
            done.lock().unwrap_or_else(PoisonError::into_inner).push(Done {
                deploy: *deploy,
                from,
                to,
                trouble,
            });
        }
    };
    let length = first + slot * u32::try_from(deploys.len()).unwrap_or(u32::MAX);
    // The moments of the findings count from here too.
    let began: Mutex<Option<Instant>> = Mutex::new(None);
    let beside = |measure_from: Instant| {
        *began.lock().unwrap_or_else(PoisonError::into_inner) = Some(measure_from);
        work(measure_from);
    };
    let seen = bed.load(&Asked { beside: Some(&beside), ..Asked::usual("load", length) }, &mut figures)?;
    let began = *began.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (index, one) in done.iter().enumerate() {
        let name = one.deploy.as_str();
        if let Some(trouble) = &one.trouble {
            figures.doubt(format!("{name} went wrong: {trouble}"));
        }
        let at = |moment: Instant| began.map_or(0.0, |began| moment.duration_since(began).as_secs_f64());
        let until = done.get(index + 1).map_or(length.as_secs_f64(), |next| at(next.from));
        let (down_s, failed) = effect(&seen, at(one.from), until);
        figures.set(&format!("{name}_took_s"), (one.to - one.from).as_secs_f64());
        figures.set(&format!("{name}_down_s"), down_s);
        figures.count(&format!("{name}_failed_requests"), failed);
    }
    Ok(figures)
}

/// Time down of the request that was hit worst, and requests that failed, between two moments of the measured load.
fn effect(seen: &Observed, from_s: f64, to_s: f64) -> (f64, u64) {
    let overlap = |a: f64, b: f64| (b.min(to_s) - a.max(from_s)).max(0.0);
    let down = seen.findings.outages_by_request.values().map(|outages| {
        let down = outages.iter().filter(|outage| outage.state == "down");
        down.map(|outage| overlap(outage.from_s, outage.to_s)).sum::<f64>()
    });
    let zero_s = seen.measured_from_s();
    let within = seen.run.bins.iter().filter(|bin| (from_s..to_s).contains(&(bin.at_s - zero_s)));
    (down.fold(0.0, f64::max), within.map(|bin| bin.counts.due() - bin.counts.good).sum())
}

/// Does it and waits until the new version answers.
fn perform(deploy: Deploy, version: &str, servers: &[Server<'_>]) -> anyhow::Result<()> {
    let first = servers[0];
    let application = first.application;
    match deploy {
        Deploy::StopStart => {
            first.command(&application.stop)?;
            install(version)?;
            std::thread::sleep(INSTALL);
            first.command(&application.start)?;
        }
        Deploy::Restart => {
            install(version)?;
            first.command(&application.stop)?;
            first.command(&application.start)?;
        }
        Deploy::Reload => {
            install(version)?;
            first.reload()?;
        }
        Deploy::Reboot => {
            install(version)?;
            // Last started, first stopped.
            first.node.processes.iter().rev().try_for_each(|process| first.command(&process.stop))?;
            first.node.processes.iter().try_for_each(|process| first.command(&process.start))?;
            first.await_ready()?;
        }
        Deploy::Rolling => {
            install(version)?;
            for server in servers {
                server.command(&server.application.stop)?;
                server.command(&server.application.start)?;
                server.await_version(version)?;
                // The others' health checks have to see it before the next one may go.
                std::thread::sleep(SEEN);
            }
        }
    }
    first.await_version(version)
}

pub(crate) fn judge<'a>(maintenance: &Maintenance, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    let interrupts = maintenance.interrupts.iter().map(|deploy| (deploy, true));
    for (deploy, interrupts) in interrupts.chain(maintenance.spares.iter().map(|deploy| (deploy, false))) {
        let name = deploy.as_str();
        let Some(down_s) = judge.need(&format!("{name}_down_s")) else { continue };
        let Some(failed) = judge.need(&format!("{name}_failed_requests")) else { continue };
        judge.say(match (down_s > 0.0, failed) {
            (true, _) => format!("{name} down {}, {failed:.0} requests failed", seconds(down_s)),
            (false, 0.0) => format!("{name} never down, nothing failed"),
            (false, _) => format!("{name} never down, {failed:.0} requests failed"),
        });
        if interrupts {
            judge.expect(down_s > 0.0, format!("{name} did not interrupt the service"));
        } else {
            judge.expect(down_s == 0.0, format!("{name} interrupted the service for {}", seconds(down_s)));
        }
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Maintenance {
        Maintenance { interrupts: vec![Deploy::Restart], spares: vec![Deploy::Reload] }
    }

    fn figures(restart_s: f64, reload_s: f64) -> Figures {
        let mut figures = Figures::default();
        for (name, down_s) in [("restart", restart_s), ("reload", reload_s)] {
            figures.set(&format!("{name}_down_s"), down_s);
            figures.set(&format!("{name}_failed_requests"), down_s * 40.0);
        }
        figures
    }

    #[test]
    fn maintenance_means_downtime_when_a_restart_is_felt_and_a_reload_is_not() {
        let figures = figures(1.2, 0.0);
        let judge = judge(&plan(), &figures);
        assert_eq!(judge.verdict(), "holds");
        assert_eq!(
            judge.measured(),
            "restart down 1.2 s, 48 requests failed; reload never down, nothing failed"
        );
    }

    #[test]
    fn a_restart_that_nobody_notices_denies_it() {
        assert_eq!(judge(&plan(), &figures(0.0, 0.0)).verdict(), "does not hold");
        assert_eq!(judge(&plan(), &figures(1.0, 1.0)).verdict(), "does not hold");
    }

    #[test]
    fn what_was_not_done_is_not_known() {
        let mut figures = Figures::default();
        figures.doubt("restart went wrong: no pid file");
        assert_eq!(judge(&plan(), &figures).verdict(), "unknown");
    }
}
