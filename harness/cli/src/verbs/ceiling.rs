//! `brownout ceiling TARGET`: the highest load that an address or a design sustains.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use load::ceiling::{Ended, Found, Goal, Search};
use load::{BaseUrl, Targets};
use model::{Metric, Objective, Plan, Schedule, Sink};
use record::Machine;
use record::derived::{CeilingFile, PercentilesFile, TrialFile, to_json};
use targets::Design;

use crate::bring_up::{self, UnitArgs, design_failure, generator_cpus};
use crate::conclude;
use crate::connect::ConnectArgs;
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::Enter;
use crate::sandbox::{self, Place as Where};
use crate::scenario;
use crate::shape::ShapeArgs;
use crate::single::SingleArgs;
use crate::trial::{self, Trial, Trials};
use crate::verbs::rehearse;

/// What is asked for when nothing is.
const OBJECTIVES: [&str; 2] = ["p99<50ms", "errors<0.1%"];
/// What is asked for beside objectives that are about latency alone.
const GOODPUT: &str = "goodput>=99%";
const WARM_UP: Duration = Duration::from_millis(400);
/// After a trial that failed, the target is given this long, and again until it serves a small load.
const SETTLE: Duration = Duration::from_millis(300);
const CANARIES: usize = 10;

/// Finds the highest load that an address or a design sustains under its objectives
#[derive(Debug, Args)]
#[command(mut_args(|arg| {
    // A search chooses rates and durations itself.
    let own = ["rate", "duration", "stage", "replay", "speed", "closed", "think"];
    if own.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg }
}))]
pub(crate) struct CeilingArgs {
    /// `http://HOST[:PORT][/PATH]` (or https, ws, wss), a built-in design, or a folder that holds a topology.toml
    target: String,
    /// About a minute, bounds within 5 %; without it about ten minutes, within 2 %
    #[arg(long)]
    quick: bool,
    /// Less than a minute, bounds within 15 %, with neither soak nor noise test: to tell designs apart
    #[arg(long, conflicts_with = "quick")]
    rough: bool,
    /// The first load that is tried; it doubles from there [default: 100, with --rough 250]
    #[arg(long, value_name = "PER_SECOND")]
    start: Option<f64>,
    /// No load above it is tried
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1e6)]
    most: f64,
    /// End the search after this time with what is known
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,
    /// Worker threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    workers: usize,
    /// Leave the result to the comparison that this search is a part of
    #[arg(long, hide = true)]
    within_comparison: bool,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    single: SingleArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    unit: UnitArgs,
}

pub(crate) fn run(args: &CeilingArgs) -> Result<ExitCode, Failure> {
    let goal = args.goal()?;
    if args.target.contains("://") {
        return of_address(args, goal);
    }
    let design = Design::find(&args.target).map_err(design_failure)?;
    match sandbox::enter(&design)? {
        Where::Outside(code) => Ok(code),
        Where::Inside(sealed, parts) => {
            let interrupt = Interrupt::listen()?;
            let kept = Kept::new(args, &design.topology.name)?;
            let cpus = generator_cpus();
            let unit = args.unit.unit()?;
            eprintln!("{}: coming up", design.topology.name);
            let logs = kept.dir().join("logs");
            let quiet: Arc<dyn Sink> = Arc::new(|_event| {});
            let lab = bring_up::up(&design, &sealed, &parts, &logs, unit, &interrupt, &quiet)?;
            bring_up::keep_off(&cpus);
            let inventory = &lab.inventory;
            let mut plan =
                args.plan(&design.topology.name, inventory.public_url(), || Ok(scenario::shop()))?;
            plan.transport = rehearse::transport(inventory);
            let enter = rehearse::client_network(inventory);
            let (destination, _) = rehearse::destination(inventory, &enter)?;
            let trials = Trials {
                plan,
                spacing: args.shape.arrivals,
                targets: Arc::new(Targets::new(destination)),
                authority: rehearse::authority(inventory),
                enter,
                workers: args.workers.max(1),
                cpus,
                way: "X-Served-By".to_owned(),
                machine: rehearse::machine(&sealed, &parts, unit),
                inventory: Some(inventory.clone()),
                dir: kept.trials(),
                interrupt: &interrupt,
                lead: Duration::ZERO,
            };
            let trials = trials.ready()?;
            Hunt { args, trials: &trials, kept: &kept, nodes: Some(inventory.nodes.len().saturating_sub(1)) }
                .run(goal)
        }
    }
}

fn of_address(args: &CeilingArgs, goal: Goal) -> Result<ExitCode, Failure> {
    let url: BaseUrl = args.target.parse().or_fail(Code::Input)?;
    let mut plan =
        args.plan(&url.host, args.target.clone(), || args.single.scenario(&url.path, "brownout"))?;
    plan.transport = args.connect.transport(&url)?;
    let interrupt = Interrupt::listen()?;
    let enter: Enter = Arc::new(|| Ok(()));
    let destination = args.connect.destination(&url, Arc::clone(&enter))?;
    let mut machine = Machine::here();
    machine.components.insert("brownout".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    machine.command = conclude::command_line();
    let kept = Kept::new(args, &url.host)?;
    let trials = Trials {
        plan,
        spacing: args.shape.arrivals,
        targets: Arc::new(Targets::new(destination.targets)),
        authority: url.authority(),
        enter,
        workers: args.workers.max(1),
        cpus: if args.workers == 1 { generator_cpus() } else { Vec::new() },
        way: args.connect.served_by.clone(),
        machine,
        inventory: None,
        dir: kept.trials(),
        interrupt: &interrupt,
        lead: Duration::ZERO,
    };
    let trials = trials.ready()?;
    Hunt { args, trials: &trials, kept: &kept, nodes: None }.run(goal)
}

impl CeilingArgs {
    fn goal(&self) -> Result<Goal, Failure> {
        let input = |why: String| Failure::new(Code::Input, anyhow!(why));
        let shape = &self.shape;
        if shape.rate.is_some()
            || shape.duration.is_some()
            || shape.closed
            || shape.replay.is_some()
            || !shape.stage.is_empty()
        {
            return Err(input("a search chooses its own rates and durations: leave --rate, --duration, --stage, --replay and --closed out".to_owned()));
        }
        let goal = match (self.rough, self.quick) {
            (true, _) => Goal::rough(),
            (_, true) => Goal::quick(),
            _ => Goal::full(),
        };
        let given = [self.start.map(|start| ("--start", start)), Some(("--most", self.most))];
        for (name, value) in given.into_iter().flatten() {
            if !(0.1..=1e7).contains(&value) {
                return Err(input(format!("{name} {value}: use a rate from 0.1 to 10,000,000 per second")));
            }
        }
        if let Some(start) = self.start.filter(|start| *start > self.most) {
            return Err(input(format!("--start {start} is above --most {}", self.most)));
        }
        let start_hz = self.start.unwrap_or(goal.start_hz).min(self.most);
        Ok(Goal {
            start_hz,
            least_hz: goal.least_hz.min(start_hz),
            most_hz: self.most,
            deadline: self.deadline.unwrap_or(goal.deadline),
            ..goal
        })
    }

    fn mode(&self) -> &'static str {
        match (self.rough, self.quick) {
            (true, _) => "rough",
            (_, true) => "quick",
            _ => "full",
        }
    }

    fn plan(
        &self,
        name: &str,
        base_url: String,
        otherwise: impl FnOnce() -> Result<model::Scenario, Failure>,
    ) -> Result<Plan, Failure> {
        let shape = &self.shape;
        let asked =
            shape.asked(self.start.unwrap_or(Goal::quick().start_hz), Duration::from_secs(1), otherwise)?;
        let mut objectives = asked.objectives;
        if objectives.is_empty() {
            objectives =
                OBJECTIVES.iter().map(|text| text.parse().or_fail(Code::Bug)).collect::<Result<_, _>>()?;
        }
        // A target that refuses at once is quick at any rate: refusing is not sustaining.
        let of_all = |objective: &&Objective| objective.request.is_none();
        if objectives.iter().filter(of_all).all(|objective| matches!(objective.metric, Metric::Latency(_))) {
            objectives.push(GOODPUT.parse().or_fail(Code::Bug)?);
        }
        Ok(Plan {
            name: name.to_owned(),
            seed: shape.seed(),
            base_url,
            scenario: asked.scenario,
            warm_up: shape.warm_up.unwrap_or(WARM_UP),
            stages: Vec::new(),
            cool_down: Duration::ZERO,
            connections: shape.connections,
            keep_alive: !shape.no_keep_alive,
            transport: model::Transport::default(),
            timeout: shape.timeout,
            schedule: Schedule::default(),
            objectives,
        })
    }
}

/// Where the search's files are, for good or for as long as it takes.
struct Kept {
    out: Option<PathBuf>,
    scratch: tempfile::TempDir,
}

impl Kept {
    fn new(args: &CeilingArgs, name: &str) -> Result<Self, Failure> {
        // A design's search takes its time and is always kept; one of an address when it is asked for.
        let under = || {
            sandbox::runs_root().join(record::run_id(
                &format!("ceiling-{name}"),
                args.shape.seed,
                std::time::SystemTime::now(),
            ))
        };
        let out = args.shape.out.clone().or_else(|| (!args.target.contains("://")).then(under));
        Ok(Self { out, scratch: tempfile::tempdir().or_fail(Code::Environment)? })
    }

    fn dir(&self) -> &Path {
        self.out.as_deref().unwrap_or(self.scratch.path())
    }

    fn trials(&self) -> PathBuf {
        self.dir().join("trials")
    }
}

/// A search under way.
struct Hunt<'a> {
    args: &'a CeilingArgs,
    trials: &'a Trials<'a>,
    kept: &'a Kept,
    nodes: Option<usize>,
}

impl Hunt<'_> {
    fn run(&self, goal: Goal) -> Result<ExitCode, Failure> {
        let began = Instant::now();
        let width = goal.width;
        let mut search = Search::new(Goal { fewest: trial::fewest(&self.trials.plan.objectives), ..goal });
        let mut made: Vec<TrialFile> = Vec::new();
        let interrupt = self.trials.interrupt;
        let mut stuck = None;
        while let Some(ask) = search.ask() {
            if interrupt.signal().is_some() {
                break;
            }
            let (at, number) = (began.elapsed(), made.len() + 1);
            let Some(trial) = self.trials.make(number, ask.rate_hz, ask.duration)? else {
                search.cannot_offer_more();
                break;
            };
            if interrupt.signal().is_some() {
                break;
            }
            if trial.verdict == load::ceiling::Verdict::Fail {
                stuck = self.recover(number, &trial)?;
            }
            search.tell(&ask, trial.verdict, began.elapsed() - at);
            made.push(told(at, ask.phase, ask.rate_hz, &trial, &search.ended()));
            if let Some(trial) = made.last() {
                eprintln!("{}", line(number, trial));
            }
            if stuck.is_some() {
                break;
            }
        }
        let file = self.file(&search.ended(), stuck, width, began.elapsed(), &made);
        self.conclude(&file)
    }

    /// After a failed trial: waits until the target serves a small load again. Says why not, if it does not.
    fn recover(&self, number: usize, failed: &Trial) -> Result<Option<String>, Failure> {
        let small = (failed.summary.offered_rate_hz * 0.05).clamp(1.0, 20.0);
        let began = Instant::now();
        for canary in 0..CANARIES {
            std::thread::sleep(SETTLE);
            if self.trials.interrupt.signal().is_some() {
                return Ok(None);
            }
            let served = self.trials.canary(number, canary, small)?;
            if served {
                return Ok(None);
            }
        }
        Ok(Some(format!(
            "{:.0} s after a trial of {:.0}/s the target did not serve {small:.0}/s: an overload outlasts its cause; restart the target",
            began.elapsed().as_secs_f64(),
            failed.summary.offered_rate_hz
        )))
    }

    fn file(
        &self,
        ended: &Ended,
        stuck: Option<String>,
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
        let verdict = if interrupted {
            "interrupted"
        } else if stuck.is_some() {
            "deadline"
        } else {
            ended.found.as_str()
        };
        let mut reasons = vec![words(ended, trials)];
        reasons.extend(stuck);
        CeilingFile {
            schema_version: record::derived::SCHEMA_VERSION,
            kind: "ceiling".to_owned(),
            target: if self.nodes.is_some() { plan.name.clone() } else { self.args.target.clone() },
            nodes: self.nodes,
            seed: plan.seed.0,
            mode: self.args.mode().to_owned(),
            objectives: plan.objectives.iter().map(ToString::to_string).collect(),
            verdict: verdict.to_owned(),
            reasons,
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

/// The verdict in words, with what to do next.
fn words(ended: &Ended, trials: &[TrialFile]) -> String {
    let lower = ended.lower_hz.unwrap_or_default();
    let last = trials.last().map_or("", |trial| &trial.reason);
    match ended.found {
        Found::Both => {
            format!("{lower:.0}/s is sustained and {:.0}/s is not", ended.upper_hz.unwrap_or_default())
        }
        Found::AtLeast => format!("every load up to {lower:.0}/s was sustained: try more with --most"),
        Found::NoPassingLoad => format!("not even the smallest load was sustained: {last}"),
        Found::GeneratorLimited => format!(
            "the generator was the limit above {lower:.0}/s: use more --workers or give it a core of its own ({last})"
        ),
        Found::TooNoisy => format!(
            "{} of {} trials with room enough failed or did not count: find what disturbs the machine ({last})",
            ended.noise.failed, ended.noise.trials
        ),
        Found::Deadline => {
            "the search ended before its bounds were close and confirmed, and the lower one held: give it more time with --deadline".to_owned()
        }
    }
}

/// The objective that most of these trials broke.
fn binding<'a>(failed: impl Iterator<Item = &'a TrialFile>, objectives: &[Objective]) -> Option<String> {
    let names: Vec<String> =
        objectives.iter().map(ToString::to_string).chain(["backlog".to_owned()]).collect();
    let failed: Vec<&TrialFile> = failed.filter(|trial| trial.verdict == "fail").collect();
    let count = |name: &String| failed.iter().filter(|trial| trial.reason.contains(name.as_str())).count();
    names.iter().filter(|name| count(name) > 0).max_by_key(|name| count(name)).cloned()
}

fn told(at: Duration, phase: &str, rate_hz: f64, trial: &Trial, ended: &Ended) -> TrialFile {
    use load::ceiling::Verdict;
    let latency_us: Option<PercentilesFile> = trial.summary.latency_us.clone();
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
        goodput_hz: trial.summary.goodput_hz,
        latency_us,
        lower_hz: ended.lower_hz.map(tenths),
        upper_hz: ended.upper_hz.map(tenths),
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
