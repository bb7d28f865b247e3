//! One trial of a ceiling search: a load of one rate, recorded and judged as every load is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use load::ceiling::Verdict;
use load::{Live, LoadError, Opening, Options, Targets};
use model::{Arrivals, Inventory, Metric, Objective, Plan, Scenario, Session, Sink, Stage, Timeline};
use record::derived::SummaryFile;
use record::{Machine, Place, Recorder, Run};

use crate::backlog::{self, Backlog};
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::Enter;
use crate::shape::Spacing;

/// Workers need a moment to open their connections before the first request falls due: so much at least,
const LEAD: Duration = Duration::from_millis(200);
/// and beside that so many times what it takes to open them all as fast as the target can.
const WITH_ROOM: f64 = 1.5;
/// A target that takes longer gets no more.
const LEAD_AT_MOST: Duration = Duration::from_secs(5);
/// The first request of each connection may make others behind the target open theirs: all have had one before anything is
/// measured, as far as that takes no longer than this.
const FIRST_REQUESTS: Duration = Duration::from_secs(3);
/// A canary is a load so short, after a warm-up that is no longer,
const CANARY: Duration = Duration::from_millis(500);
/// over so few connections: whether the target serves is asked, not how fast it accepts all of them at once.
const CANARY_CONNECTIONS: usize = 8;
/// Share of CPU time taken by others above which a trial says nothing.
const STEAL: f64 = 0.1;

/// What all trials of a search share.
pub(crate) struct Trials<'a> {
    /// With the stages of no trial yet.
    pub(crate) plan: Plan,
    pub(crate) spacing: Spacing,
    pub(crate) targets: Arc<Targets>,
    pub(crate) authority: String,
    pub(crate) enter: Enter,
    pub(crate) workers: usize,
    pub(crate) cpus: Vec<usize>,
    pub(crate) way: String,
    pub(crate) machine: Machine,
    pub(crate) inventory: Option<Inventory>,
    /// Each trial has a record in here.
    pub(crate) dir: PathBuf,
    pub(crate) interrupt: &'a Interrupt,
    /// Between the beginning of a trial and its first request; see [`Trials::ready`].
    pub(crate) lead: Duration,
}

/// How a trial went.
pub(crate) struct Trial {
    pub(crate) verdict: Verdict,
    /// What was broken, or why it does not count; empty when it passed.
    pub(crate) reason: String,
    pub(crate) summary: SummaryFile,
    /// How long the load was measured.
    pub(crate) measured: Duration,
}

impl Trials<'_> {
    /// Offers `rate_hz` for `duration`. `Err` in it says why this machine cannot offer so much.
    pub(crate) fn make(
        &self,
        number: usize,
        rate_hz: f64,
        duration: Duration,
    ) -> Result<Result<Trial, String>, Failure> {
        let arrivals = match self.spacing {
            Spacing::Constant => Arrivals::Constant { rate: rate_hz },
            Spacing::Poisson => Arrivals::Poisson { rate: rate_hz },
        };
        let seed = model::Seed(self.plan.seed.0.wrapping_add(number as u64));
        let warm_up = self.plan.warm_up.max(first_requests(self.plan.connections, rate_hz));
        let stages = vec![Stage { duration, arrivals }];
        let plan = Plan { stages, seed, warm_up, ..self.plan.clone() };
        let dir = self.dir.join(format!("{number:03}"));
        let recorder = Recorder::create(Place::Exactly(&dir), &plan, &self.machine, SystemTime::now())
            .or_fail(Code::Environment)?;
        recorder.timeline(&Timeline {
            plan: plan.clone(),
            injections: Vec::new(),
            inventory: self.inventory.clone(),
        });
        let loaded = self.load(&plan, rate_hz, &recorder);
        let dir = recorder.finish().or_fail(Code::Environment)?;
        let backlog = match loaded {
            Ok(backlog) => backlog,
            Err(LoadError::Impossible(why)) => return Ok(Err(why)),
            Err(error) => return Err(failure(error)),
        };
        let run = Run::open(&dir).or_fail(Code::Bug)?;
        let summary = reports::summary(&run);
        let (verdict, reason) = judge(&summary, &backlog, rate_hz, duration);
        Ok(Ok(Trial { verdict, reason, summary, measured: duration }))
    }

    /// Whether the target serves a small load after an overload; what came of it when it does not.
    pub(crate) fn canary(
        &self,
        number: usize,
        canary: usize,
        rate_hz: f64,
    ) -> Result<Result<(), String>, Failure> {
        // Values of its own: an id that was written before would be refused.
        let own = 1_000_000 + 1_000 * number as u64 + canary as u64;
        let seed = model::Seed(self.plan.seed.0.wrapping_add(own));
        let stages = vec![Stage { duration: CANARY, arrivals: Arrivals::Constant { rate: rate_hz } }];
        let plan = Plan {
            stages,
            seed,
            warm_up: self.plan.warm_up.min(CANARY),
            connections: self.plan.connections.min(CANARY_CONNECTIONS),
            objectives: Vec::new(),
            ..self.plan.clone()
        };
        let dir = self.dir.join(format!("{number:03}-canary-{canary}"));
        let recorder = Recorder::create(Place::Exactly(&dir), &plan, &self.machine, SystemTime::now())
            .or_fail(Code::Environment)?;
        recorder.timeline(&Timeline { plan: plan.clone(), injections: Vec::new(), inventory: None });
        let loaded = self.load(&plan, rate_hz.max(20.0), &recorder);
        let dir = recorder.finish().or_fail(Code::Environment)?;
        loaded.or_fail(Code::Environment)?;
        let summary = reports::summary(&Run::open(&dir).or_fail(Code::Bug)?);
        let (good, due) = (summary.requests.good, summary.requests.due);
        if good < due {
            return Ok(Err(format!("{good} of {due} were good")));
        }
        Ok(self.quick_enough(&summary))
    }

    /// Whether half of the answers came within every objective for latency: more can hardly be asked of so few.
    fn quick_enough(&self, summary: &SummaryFile) -> Result<(), String> {
        let bounds = self.plan.objectives.iter().filter(|objective| {
            objective.request.is_none() && matches!(objective.metric, Metric::Latency(_))
        });
        let tightest = bounds.map(|objective| objective.bound).fold(f64::INFINITY, f64::min);
        #[expect(clippy::cast_precision_loss, reason = "microseconds, far below 2^52")]
        match summary.latency_us.as_ref().map(|latency| latency.p50 as f64) {
            Some(p50_us) if p50_us >= tightest => {
                Err(format!("half of the answers took {:.0} ms or more", p50_us / 1e3))
            }
            _ => Ok(()),
        }
    }

    /// Finds out how long before its first request a trial has to begin to open connections. Without room for that the
    /// trials of a slow target measure handshakes.
    pub(crate) fn ready(self) -> Result<Self, Failure> {
        let options = self.options(Instant::now(), &Arc::new(Live::default()));
        let opening = load::opening_time(&self.plan, &options, LEAD_AT_MOST).map_err(failure)?;
        Ok(Self { lead: lead(opening), ..self })
    }

    fn options(&self, start: Instant, live: &Arc<Live>) -> Options {
        Options {
            targets: Arc::clone(&self.targets),
            authority: self.authority.clone(),
            workers: self.workers,
            cpus: self.cpus.clone(),
            precise: false,
            way: self.way.clone(),
            start,
            enter: Arc::clone(&self.enter),
            live: Arc::clone(live),
        }
    }

    fn load(&self, plan: &Plan, rate_hz: f64, sink: &dyn Sink) -> Result<Backlog, LoadError> {
        let live = Arc::new(Live::default());
        let start = Instant::now() + self.lead;
        let options = self.options(start, &live);
        let (done, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let measured_from = start + plan.warm_up;
        let limits = backlog::Limits::new(plan, rate_hz);
        let watched = thread::scope(|scope| {
            let watching = scope
                .spawn(|| backlog::watch(&live, &limits, measured_from, &done, &stop, &self.interrupt.flag));
            let loaded = load::run(plan, &options, sink, &stop);
            done.store(true, Ordering::Relaxed);
            loaded.map(|_| watching.join())
        })?;
        watched.map_err(|_| LoadError::Panicked)
    }
}

fn failure(error: LoadError) -> Failure {
    let code = if matches!(error, LoadError::Plan(_)) { Code::Input } else { Code::Environment };
    Failure::new(code, error)
}

/// How long before its first request a trial begins. What cannot be opened is seen by the trial.
fn lead(opening: Opening) -> Duration {
    match opening {
        Opening::All(took) => (LEAD + took.mul_f64(WITH_ROOM)).min(LEAD_AT_MOST),
        Opening::TooSlow => LEAD_AT_MOST,
        Opening::Failed | Opening::AsNeeded => LEAD,
    }
}

/// How long it takes until each connection has carried a request, as far as it is waited for.
fn first_requests(connections: usize, rate_hz: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a number of connections, far below 2^52")]
    let seconds = connections as f64 / rate_hz;
    Duration::from_secs_f64(seconds).min(FIRST_REQUESTS)
}

fn judge(summary: &SummaryFile, backlog: &Backlog, rate_hz: f64, duration: Duration) -> (Verdict, String) {
    if summary.generator.limited {
        return (Verdict::Limited, summary.reasons.join("; "));
    }
    if let Some(steal) = summary.generator.headroom.steal.filter(|steal| *steal > STEAL) {
        let reason = format!("the hypervisor gave {:.0} % of the CPU time to others", steal * 100.0);
        return (Verdict::Invalid, reason);
    }
    let broken: Vec<&str> = broken(&summary.reasons).collect();
    if summary.verdict == "fail" {
        return (Verdict::Fail, broken.join("; "));
    }
    match backlog.overload(rate_hz, duration) {
        Some(reason) => (Verdict::Fail, reason),
        None if summary.verdict == "pass" => (Verdict::Pass, String::new()),
        None => (Verdict::Invalid, summary.reasons.join("; ")),
    }
}

/// The reasons that say what was broken.
fn broken(reasons: &[String]) -> impl Iterator<Item = &str> {
    reasons.iter().map(String::as_str).filter(|reason| !reason.contains(" met: "))
}

/// Arrivals that the objectives' percentiles need, with a little more. How many arrivals there are of one request is left to
/// chance, as Poisson arrivals are: three standard deviations are allowed for.
pub(crate) fn fewest(plan: &Plan, spacing: Spacing) -> f64 {
    let needed = |objective: &Objective| {
        let samples = match objective.metric {
            Metric::Latency(percentile) if percentile > 0.0 && percentile < 100.0 => {
                0.05f64.ln() / (percentile / 100.0).ln()
            }
            _ => 1.0,
        };
        match (&objective.request, spacing) {
            (None, Spacing::Constant) => samples,
            (None, Spacing::Poisson) => expected_for(samples),
            (Some(name), _) => expected_for(samples) / share(&plan.scenario, name),
        }
    };
    plan.objectives.iter().map(needed).fold(1.0, f64::max) * 1.05 + 2.0
}

/// How many events of a Poisson process have to be expected, so that there are `least` but for one time in a thousand.
fn expected_for(least: f64) -> f64 {
    let root = f64::midpoint(3.0, (9.0 + 4.0 * least).sqrt());
    root * root
}

/// Share of the arrivals that become the request `name`; a session's steps come with their session.
fn share(scenario: &Scenario, name: &str) -> f64 {
    let requests = scenario.requests.iter().map(|request| request.weight);
    let all: f64 = requests.chain(scenario.sessions.iter().map(|session| session.weight)).sum();
    let of =
        |session: &&Session| session.steps.iter().any(|step| scenario.requests[step.request].name == name);
    let with_sessions: f64 = scenario.sessions.iter().filter(of).map(|session| session.weight).sum();
    let own = scenario.requests.iter().filter(|request| request.name == name).map(|request| request.weight);
    match (own.sum::<f64>() + with_sessions) / all {
        share if share > 0.0 => share,
        // The verdict says that there is no such request.
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use model::{Request, Step};

    use super::*;

    #[test]
    fn a_slow_target_has_time_to_open_connections_and_a_dead_one_costs_none() {
        let ms = Duration::from_millis;
        assert_eq!(lead(Opening::All(ms(10))), ms(215));
        assert_eq!(lead(Opening::All(ms(1_000))), ms(1_700));
        assert_eq!((lead(Opening::All(ms(4_900))), lead(Opening::TooSlow)), (LEAD_AT_MOST, LEAD_AT_MOST));
        assert_eq!((lead(Opening::Failed), lead(Opening::AsNeeded)), (LEAD, LEAD));
    }

    #[test]
    fn every_connection_has_carried_a_request_before_anything_is_measured() {
        assert_eq!(first_requests(64, 128.0), Duration::from_millis(500));
        assert_eq!(first_requests(10_000, 100.0), FIRST_REQUESTS);
    }

    #[test]
    fn one_request_of_a_mix_has_as_many_arrivals_as_its_percentile_needs() {
        let request = |name: &str, weight| Request { name: name.to_owned(), weight, ..Request::default() };
        let step = |request| Step { request, think: Duration::ZERO, captures: Vec::new() };
        let scenario = Scenario {
            requests: vec![request("read", 6.0), request("write", 2.0), request("pay", 0.0)],
            sessions: vec![Session { name: "buy".to_owned(), weight: 2.0, steps: vec![step(1), step(2)] }],
            ..Scenario::default()
        };
        assert_eq!(["read", "write", "pay", "none"].map(|name| share(&scenario, name)), [0.6, 0.4, 0.2, 1.0]);
        // 355 expected, less three times 18.8, are the 299 that p99 needs.
        let expected = expected_for(299.0);
        assert!((expected - 3.0 * expected.sqrt() - 299.0).abs() < 1e-9 && expected > 350.0, "{expected}");
    }
}
