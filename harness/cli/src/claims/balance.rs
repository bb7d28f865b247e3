//! How requests are spread over the backends, when all are alike and when the last of them is slow.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use model::{Process, Role};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use record::derived::SummaryFile;
use targets::claims::{Algorithm, Balance};

use super::figures::Figures;
use super::judge::{Judge, percent};
use super::testbed::{Asked, Testbed, only};
use crate::failure::{Code, Failure};

/// Fewer answers say nothing about shares.
const FEWEST: f64 = 100.0;
/// How far from even a share may be where all are alike, in parts of the even share: a slow second matters.
const EVEN: f64 = 0.1;
/// A slow backend that is spared has less than this part of the even share.
const SPARED: f64 = 0.8;
/// One server for each address: all but the few that found it not ready.
const ALL: f64 = 0.99;
/// A slow backend stands still for the first part of each turn.
const STILL: Duration = Duration::from_millis(450);
const TURN: Duration = Duration::from_millis(500);

/// Kept running again whatever happens.
struct Halting<'a>(&'a Process);

impl Halting<'_> {
    fn signal(&self, signal: Signal) {
        let pid = fs::read_to_string(&self.0.pid_file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(pid) = pid {
            // It may have been stopped for good; then there is nothing to hold up.
            let _ = killpg(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Halting<'_> {
    fn drop(&mut self) {
        self.signal(Signal::SIGCONT);
    }
}

pub(crate) fn measure(bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let backends = bed.with_role(Role::Web);
    let application =
        bed.inventory.processes().filter(|(_, process)| process.role == Role::Application).last();
    let Some((slow, process)) = application.filter(|_| backends.len() > 1) else {
        return Err(Failure::new(Code::Input, anyhow!("a design without two backends balances nothing")));
    };
    figures.count("backends_count", u64::try_from(backends.len()).unwrap_or(u64::MAX));
    let length = bed.time(4.0, 10.0);
    let even = bed.load(&Asked { scenario: only("read"), ..Asked::usual("even", length) }, &mut figures)?;
    keep("even", &even.summary, &mut figures);
    let beside = |measure_from: Instant| {
        let halting = Halting(process);
        while measure_from.elapsed() < length && bed.interrupt.check().is_ok() {
            halting.signal(Signal::SIGSTOP);
            std::thread::sleep(STILL);
            halting.signal(Signal::SIGCONT);
            std::thread::sleep(TURN.saturating_sub(STILL));
        }
    };
    let asked = Asked { scenario: only("read"), beside: Some(&beside), ..Asked::usual("slow", length) };
    let uneven = bed.load(&asked, &mut figures)?;
    keep("slow", &uneven.summary, &mut figures);
    let share = shares(&uneven.summary).get(&slow.name).copied().unwrap_or_default();
    figures.set("slow_backend_share", share);
    Ok(figures)
}

fn keep(load: &str, summary: &SummaryFile, figures: &mut Figures) {
    figures.count(&format!("{load}_answers_count"), summary.served_by.values().sum());
    for (backend, share) in shares(summary) {
        figures.set(&format!("{load}_{backend}_share"), share);
    }
    if let Some(latency) = &summary.latency_us {
        figures.count(&format!("{load}_p99_us"), latency.p99);
    }
}

/// Share of the answers by backend, which is the last on an answer's way.
#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn shares(summary: &SummaryFile) -> BTreeMap<String, f64> {
    let all = summary.served_by.values().sum::<u64>().max(1) as f64;
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for (way, count) in &summary.served_by {
        let backend = way.rsplit(", ").next().unwrap_or(way);
        *shares.entry(backend.to_owned()).or_default() += *count as f64 / all;
    }
    shares
}

pub(crate) fn judge<'a>(balance: &Balance, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    for algorithm in &balance.algorithms {
        one(*algorithm, figures, &mut judge);
    }
    judge
}

fn one(algorithm: Algorithm, figures: &Figures, judge: &mut Judge<'_>) {
    let name = algorithm.as_str();
    let (Some(backends), Some(even), Some(slow), Some(share)) = (
        judge.need(&format!("{name}_backends_count")),
        judge.need(&format!("{name}_even_answers_count")),
        judge.need(&format!("{name}_slow_answers_count")),
        judge.need(&format!("{name}_slow_backend_share")),
    ) else {
        return;
    };
    judge.trust(even.min(slow) >= FEWEST, format!("{name}: too few answers to tell shares"));
    let shares: Vec<f64> =
        figures.between(&format!("{name}_even_"), "_share").iter().map(|(_, share)| *share).collect();
    let most = shares.iter().copied().fold(0.0, f64::max);
    let least = shares.iter().copied().fold(1.0, f64::min);
    let fair = 1.0 / backends;
    let spread = || shares.iter().map(|share| percent(*share)).collect::<Vec<_>>().join("/");
    judge.say(format!("{name} {}, a slow one gets {}", spread(), percent(share)));
    if algorithm == Algorithm::Source {
        judge.expect(most >= ALL, format!("source: one address was sent to several backends ({})", spread()));
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of backends")]
    let all_serve = shares.len() as f64 >= backends;
    let even = all_serve && most <= fair * (1.0 + EVEN) && least >= fair * (1.0 - EVEN);
    judge.expect(even, format!("{name}: equal backends had unequal shares ({})", spread()));
    if algorithm == Algorithm::LeastConn {
        judge.expect(
            share <= fair * SPARED,
            format!("leastconn: the slow backend still had {}", percent(share)),
        );
    } else {
        let same = (share - fair).abs() <= fair * EVEN * 2.0;
        judge.expect(same, format!("roundrobin: the slow backend had {}", percent(share)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Balance {
        Balance { algorithms: vec![Algorithm::RoundRobin, Algorithm::LeastConn, Algorithm::Source] }
    }

    /// For each algorithm: the even share of server1, and the share of the slow backend.
    fn figures(shares: [(f64, f64); 3]) -> Figures {
        let mut all = Figures::default();
        for (algorithm, (even, slow)) in plan().algorithms.iter().zip(shares) {
            let mut figures = Figures::default();
            figures.set("backends_count", 2.0);
            for load in ["even", "slow"] {
                figures.set(&format!("{load}_answers_count"), 240.0);
            }
            figures.set("even_server1_share", even);
            if even < 1.0 {
                figures.set("even_server2_share", 1.0 - even);
            }
            figures.set("slow_backend_share", slow);
            all.absorb(algorithm.as_str(), figures);
        }
        all
    }

    #[test]
    fn each_algorithm_does_what_its_name_says() {
        let figures = figures([(0.5, 0.5), (0.5, 0.1), (1.0, 0.0)]);
        let judge = judge(&plan(), &figures);
        assert_eq!((judge.verdict(), judge.reasons()), ("holds", Vec::new()));
        assert!(
            judge.measured().contains("leastconn 50 %/50 %, a slow one gets 10 %"),
            "{}",
            judge.measured()
        );
    }

    #[test]
    fn an_algorithm_that_does_something_else_denies_the_claim() {
        for wrong in [
            [(0.7, 0.5), (0.5, 0.1), (1.0, 0.0)],
            [(0.5, 0.5), (0.5, 0.5), (1.0, 0.0)],
            [(0.5, 0.5), (0.5, 0.1), (0.5, 0.5)],
            // All to one server is not even, whatever its share.
            [(1.0, 0.5), (0.5, 0.1), (1.0, 0.0)],
        ] {
            assert_eq!(judge(&plan(), &figures(wrong)).verdict(), "does not hold", "{wrong:?}");
        }
    }

    #[test]
    fn a_handful_of_answers_says_nothing() {
        let mut figures = figures([(0.5, 0.5), (0.5, 0.1), (1.0, 0.0)]);
        figures.set("source_slow_answers_count", 12.0);
        assert_eq!(judge(&plan(), &figures).verdict(), "unknown");
    }
}
