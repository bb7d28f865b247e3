//! `brownout ceiling TARGET`: the highest load that an address or a design sustains.

mod hunt;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use load::ceiling::Goal;
use load::{BaseUrl, Targets};
use model::{Metric, Objective, Plan, Schedule, Sink};
use record::Machine;
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
use crate::trial::Trials;
use crate::verbs::rehearse;

use self::hunt::Hunt;

/// What is asked for when nothing is.
const OBJECTIVES: [&str; 2] = ["p99<50ms", "errors<0.1%"];
/// What is asked for beside objectives that are about latency alone.
const GOODPUT: &str = "goodput>=99%";
const WARM_UP: Duration = Duration::from_millis(400);

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
    /// About two minutes, bounds within 5 %; without it about ten minutes, within 2 %
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
    let of_an_address = args.target.contains("://");
    let ignored =
        if of_an_address { args.unit.given() } else { args.connect.given().or(args.single.given()) };
    if let Some(option) = ignored {
        let why =
            if of_an_address { "an address has no nodes" } else { "a design says itself how it is asked" };
        return Err(Failure::new(Code::Input, anyhow!("{option}: {why}; leave it out")));
    }
    if of_an_address {
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
