//! The search under way: trials one after the other, what they come to, and how it is told.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use load::ceiling::{Ended, Found, Goal, Search, Verdict};
use model::Objective;
use record::derived::{CeilingFile, TrialFile, to_json};

use super::{CeilingArgs, Kept};
use crate::failure::{Code, Failure, OrFail};
use crate::trial::{self, Trial, Trials};

/// After a trial that failed, the target is given this long, and again until it serves a small load.
const SETTLE: Duration = Duration::from_millis(300);
const CANARIES: usize = 10;

/// What came of a target after a trial that was too much for it.
enum Recovery {
    /// It served a small load again after this time.
    After(Duration),
    /// It did not, for as long as it was waited for.
    Stuck(String),
    /// It was not waited for any longer: the search was interrupted, or its time is over.
    Left,
}

/// A search under way.
pub(super) struct Hunt<'a> {
    pub(super) args: &'a CeilingArgs,
    pub(super) trials: &'a Trials<'a>,
    pub(super) kept: &'a Kept,
    /// Of a design, the client not counted.
    pub(super) nodes: Option<usize>,
}

impl Hunt<'_> {
    pub(super) fn run(&self, goal: Goal) -> Result<ExitCode, Failure> {
        let began = Instant::now();
        let (width, deadline) = (goal.width, goal.deadline);
        let fewest = trial::fewest(&self.trials.plan, self.trials.spacing);
        let mut search = Search::new(Goal { fewest, ..goal });
        let mut made: Vec<TrialFile> = Vec::new();
        // Of each trial.
        let mut warnings: Vec<Vec<String>> = Vec::new();
        let interrupt = self.trials.interrupt;
        let (mut stuck, mut impossible) = (None, None);
        let mut number = 0;
        while let Some(ask) = search.ask() {
            if interrupt.signal().is_some() {
                break;
            }
            let at = began.elapsed();
            number += 1;
            let trial = match self.trials.make(number, ask.rate_hz, ask.duration)? {
                Ok(trial) => trial,
                Err(why) if made.is_empty() => return Err(Failure::new(Code::Input, anyhow!(why))),
                Err(why) => {
                    search.cannot_offer(&ask);
                    impossible = Some(why);
                    continue;
                }
            };
            if interrupt.signal().is_some() {
                break;
            }
            let mut recovered = None;
            if trial.verdict == Verdict::Fail {
                match self.recover(number, &trial, began + deadline)? {
                    Recovery::After(took) => recovered = Some(took),
                    Recovery::Stuck(why) => stuck = Some(why),
                    Recovery::Left => {}
                }
            }
            search.tell(&ask, trial.verdict, began.elapsed() - at);
            let recovered_s = recovered.map(|took| tenths(took.as_secs_f64()));
            made.push(TrialFile { recovered_s, ..told(at, ask.phase, ask.rate_hz, &trial, &search.ended()) });
            if let Some(trial) = made.last() {
                eprintln!("{}", line(number, trial));
            }
            warnings.push(trial.summary.warnings);
            if stuck.is_some() {
                search.give_up();
                break;
            }
        }
        let ended = search.ended();
        let why = stuck.or(impossible.filter(|_| ended.found == Found::GeneratorLimited));
        let file = CeilingFile {
            warnings: warnings_at(ended.lower_hz, &made, &warnings),
            ..self.file(&ended, why.as_deref(), width, began.elapsed(), &made)
        };
        self.conclude(&file)
    }

    /// After a failed trial: waits until the target serves a small load again.
    fn recover(&self, number: usize, failed: &Trial, deadline: Instant) -> Result<Recovery, Failure> {
        let small = (failed.summary.offered_rate_hz * 0.05).clamp(1.0, 20.0);
        let began = Instant::now();
        let mut last = String::new();
        for canary in 0..CANARIES {
            thread::sleep(SETTLE);
            if self.trials.interrupt.signal().is_some() || Instant::now() > deadline {
                return Ok(Recovery::Left);
            }
            match self.trials.canary(number, canary, small)? {
                Ok(()) => return Ok(Recovery::After(began.elapsed())),
                Err(why) => last = why,
            }
        }
        Ok(Recovery::Stuck(format!(
            "{:.0} s after a trial of {:.0}/s the target did not serve {small:.0}/s ({last}): an overload outlasts its cause; restart the target",
            began.elapsed().as_secs_f64(),
            failed.summary.offered_rate_hz
        )))
    }

    fn file(
        &self,
        ended: &Ended,
        why: Option<&str>,
        width: f64,
        took: Duration,
        trials: &[TrialFile],
    ) -> CeilingFile {
        let plan = &self.trials.plan;
        let interrupted = self.trials.interrupt.signal().is_some();
        let both = ended.lower_hz.zip(ended.upper_hz);
        let at = |rate: Option<f64>| {
            trials
                .iter()
                .filter(move |trial| rate.is_some_and(|rate| (trial.rate_hz / rate - 1.0).abs() < 1e-9))
        };
        let mut goodput: Vec<f64> = at(ended.lower_hz)
            .filter(|trial| trial.verdict == "pass")
            .map(|trial| trial.goodput_hz)
            .collect();
        goodput.sort_by(f64::total_cmp);
        let verdict = if interrupted { "interrupted" } else { ended.found.as_str() };
        CeilingFile {
            schema_version: record::derived::SCHEMA_VERSION,
            kind: "ceiling".to_owned(),
            target: if self.nodes.is_some() { plan.name.clone() } else { self.args.target.clone() },
            nodes: self.nodes,
            seed: plan.seed.0,
            mode: self.args.mode().to_owned(),
            objectives: plan.objectives.iter().map(ToString::to_string).collect(),
            verdict: verdict.to_owned(),
            reasons: vec![words(ended, trials, why)],
            warnings: Vec::new(),
            lower_hz: ended.lower_hz.map(tenths),
            upper_hz: ended.upper_hz.map(tenths),
            width: both.map(|(lower, upper)| ((upper - lower) / upper * 1e4).round() / 1e4),
            goal_width: width,
            regular: verdict == "found",
            goodput_at_lower_hz: goodput.get(goodput.len() / 2).copied(),
            binding: binding(at(ended.upper_hz), &plan.objectives),
            spurious_failures: ended.noise.share().map(|share| (share * 1e4).round() / 1e4),
            soaked: ended.soaked,
            scalability: reports::scalability(trials),
            knee_hz: reports::knee_hz(trials),
            search_s: (took.as_secs_f64() * 10.0).round() / 10.0,
            trials: trials.iter().cloned().map(tidy).collect(),
        }
    }

    fn conclude(&self, file: &CeilingFile) -> Result<ExitCode, Failure> {
        if let Some(out) = &self.kept.out {
            reports::write_ceiling(file, out).or_fail(Code::Environment)?;
        }
        if self.args.within_comparison {
            eprintln!("{}", file.reasons.join("; "));
        } else if self.args.shape.json {
            print!("{}", to_json(file).or_fail(Code::Bug)?);
        } else {
            print!("{}", reports::ceiling_text(file));
            if let Some(out) = &self.kept.out {
                println!("report: {}", out.join("report.html").display());
            }
        }
        self.trials.interrupt.check()?;
        let said = || anyhow!("{}", file.reasons.join("; "));
        match file.verdict.as_str() {
            "found" | "at_least" => Ok(ExitCode::SUCCESS),
            "no_passing_load" => Err(Failure::new(Code::Fail, said())),
            _ => Err(Failure::new(Code::Unknown, said())),
        }
    }
}

/// What the trial that says most of the result was warned of: the last one that passed at the lower bound, else the last one.
fn warnings_at(lower_hz: Option<f64>, trials: &[TrialFile], warnings: &[Vec<String>]) -> Vec<String> {
    let at = |trial: &TrialFile| {
        trial.verdict == "pass" && lower_hz.is_some_and(|lower| (trial.rate_hz / lower - 1.0).abs() < 1e-9)
    };
    let index = trials.iter().rposition(at).or(trials.len().checked_sub(1));
    index.map(|index| warnings[index].clone()).unwrap_or_default()
}

/// The verdict in words, with what to do next. `why` is what ended the search before its time.
fn words(ended: &Ended, trials: &[TrialFile], why: Option<&str>) -> String {
    let lower = ended.lower_hz.unwrap_or_default();
    let last = why.or(trials.last().map(|trial| &*trial.reason)).unwrap_or_default();
    match ended.found {
        Found::Both => {
            format!("{lower:.0}/s is sustained and {:.0}/s is not", ended.upper_hz.unwrap_or_default())
        }
        Found::AtLeast => format!("every load up to {lower:.0}/s was sustained: try more with --most"),
        Found::NoPassingLoad if let Some(why) = why => format!("no load was sustained: {why}"),
        Found::NoPassingLoad => format!("not even the smallest load was sustained: {last}"),
        Found::GeneratorLimited => format!(
            "the generator was the limit above {lower:.0}/s: use more --workers or give it a core of its own ({last})"
        ),
        Found::TooNoisy if let Some(beyond) = passed_beyond(trials) => format!(
            "{beyond:.0}/s passed, a quarter more than what was too much before: find what disturbs the machine, or what makes the target faster than it was"
        ),
        Found::TooNoisy => format!(
            "{} of {} trials with room enough failed, and {} of {} did not count: find what disturbs the machine ({last})",
            ended.noise.failed,
            ended.noise.trials,
            trials.iter().filter(|trial| trial.verdict == "invalid").count(),
            trials.len()
        ),
        Found::Deadline if let Some(why) = why => format!("the search ended early: {why}"),
        Found::Deadline => {
            "the search ended before its bounds were close and confirmed, and the lower one held: give it more time with --deadline".to_owned()
        }
    }
}

/// A load far beyond the upper bound that passed all the same.
fn passed_beyond(trials: &[TrialFile]) -> Option<f64> {
    let passed = trials.iter().find(|trial| trial.phase == "beyond" && trial.verdict == "pass");
    passed.map(|trial| trial.rate_hz)
}

/// What most of these trials broke: "p99", "read:p99", "backlog".
fn binding<'a>(failed: impl Iterator<Item = &'a TrialFile>, objectives: &[Objective]) -> Option<String> {
    let reasons: Vec<&str> =
        failed.filter(|trial| trial.verdict == "fail").map(|trial| &*trial.reason).collect();
    let broke = |begins: &str| {
        reasons.iter().filter(|reason| reason.split("; ").any(|one| one.starts_with(begins))).count()
    };
    let objectives = objectives.iter().map(|objective| (broke(&objective.to_string()), objective.measure()));
    let all = objectives.chain([(broke("backlog"), "backlog".to_owned())]);
    all.filter(|(count, _)| *count > 0).max_by_key(|(count, _)| *count).map(|(_, measure)| measure)
}

fn told(at: Duration, phase: &str, rate_hz: f64, trial: &Trial, ended: &Ended) -> TrialFile {
    TrialFile {
        at_s: (at.as_secs_f64() * 10.0).round() / 10.0,
        phase: phase.to_owned(),
        rate_hz,
        duration_s: (trial.measured.as_secs_f64() * 1e3).round() / 1e3,
        verdict: match trial.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Limited | Verdict::Invalid => "invalid",
        }
        .to_owned(),
        reason: trial.reason.clone(),
        goodput_hz: goodput_hz(trial),
        latency_us: trial.summary.latency_us.clone(),
        recovered_s: None,
        lower_hz: ended.lower_hz.map(tenths),
        upper_hz: ended.upper_hz.map(tenths),
    }
}

/// See [`TrialFile::goodput_hz`].
fn goodput_hz(Trial { verdict, summary, .. }: &Trial) -> f64 {
    if *verdict == Verdict::Pass && summary.duration_s > 0.0 {
        summary.requests.good as f64 / summary.duration_s
    } else {
        summary.goodput_hz
    }
}

fn tidy(trial: TrialFile) -> TrialFile {
    TrialFile { rate_hz: tenths(trial.rate_hz), ..trial }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A trial and the bounds after it, for people who watch.
fn line(number: usize, trial: &TrialFile) -> String {
    let bound = |hz: Option<f64>| hz.map_or("?".to_owned(), |hz| format!("{hz:.0}"));
    let p99 = trial.latency_us.as_ref().map_or(f64::NAN, |latency| latency.p99 as f64 / 1e3);
    let reason = if trial.reason.is_empty() { String::new() } else { format!("  {}", trial.reason) };
    format!(
        "{number:3}  {:<8} {:9.0}/s  p99 {p99:8.1} ms  {:<7} {} .. {}{reason}",
        trial.phase,
        trial.rate_hz,
        trial.verdict,
        bound(trial.lower_hz),
        bound(trial.upper_hz)
    )
}
