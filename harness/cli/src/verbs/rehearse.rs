//! `brownout rehearse DESIGN`: up, warm-up, load with faults on schedule, heal, down, findings, report.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::anyhow;
use clap::Args;
use load::{Name, Resolved, Target};
use model::{Event, Inventory, Phase, Plan, ResolvedInjection, Sink, Timeline, Tls, Transport, What};
use record::{Machine, Place, Recorder};
use targets::parts::PartsRoot;
use targets::seal::Sealed;
use targets::{Design, Hardware, Unit};

use crate::bring_up::{self, UnitArgs, design_failure, generator_cpus};
use crate::conclude;
use crate::connect::Destination;
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::{Enter, Measured, Measurement};
use crate::monitor;
use crate::outputs::OutputArgs;
use crate::page::PageArgs;
use crate::sandbox::{self, Place as Where};
use crate::scenario;
use crate::schedule;
use crate::shape::ShapeArgs;

/// Arrivals per second when none are asked for: what one small node of `0-simple` carries with room to spare.
pub(crate) const DEFAULT_RATE: f64 = 40.0;
const DEFAULT_WARM_UP: Duration = Duration::from_secs(5);
/// After the last fault a recovery must have room to be seen to hold.
const COOL_DOWN: Duration = Duration::from_secs(2);

/// Breaks a design on schedule while it serves load, and says what a user would have seen
#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// Built-in design (`brownout designs` lists them) or a folder that holds a topology.toml
    pub(crate) design: String,
    /// File, or the name of a ready-made schedule: noop, kill-database, kill-web, ...
    #[arg(long, value_name = "SCHEDULE", default_value = "noop")]
    pub(crate) schedule: String,
    /// Print what would happen and when, and start nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the report to the comparison that this rehearsal is a part of
    #[arg(long, hide = true)]
    within_comparison: bool,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    #[command(flatten)]
    pub(crate) unit: UnitArgs,
    #[command(flatten)]
    pub(crate) outputs: OutputArgs,
    #[command(flatten)]
    page: PageArgs,
}

/// Everything that is decided before anything starts.
struct Rehearsal {
    design: Design,
    plan: Plan,
    /// What makes the load other than it was asked for.
    notes: Vec<String>,
    injections: Vec<ResolvedInjection>,
    unit: Unit,
    view: bool,
}

pub(crate) fn run(args: &RehearseArgs) -> Result<ExitCode, Failure> {
    let rehearsal = decide(args)?;
    if args.dry_run {
        print!("{}", chaos::dry_run(&rehearsal.injections));
        return Ok(ExitCode::SUCCESS);
    }
    match sandbox::enter(&rehearsal.design)? {
        Where::Outside(code) => Ok(code),
        Where::Inside(sealed, parts) => rehearsal.perform(args, &sealed, &parts),
    }
}

fn decide(args: &RehearseArgs) -> Result<Rehearsal, Failure> {
    if args.outputs.metrics.is_some() {
        // The lab has a network of its own, where no scraper is.
        let message =
            anyhow!("--metrics: a rehearsal runs in a network of its own, where nothing can scrape it");
        return Err(Failure::new(Code::Input, message));
    }
    let design = Design::find(&args.design).map_err(design_failure)?;
    let unit = args.unit.unit()?;
    let schedule = schedule::find(&args.schedule)?;
    let inventory = targets::intended(&design).or_fail(Code::Input)?;
    let injections = chaos::resolve(&schedule, &inventory, args.shape.seed()).or_fail(Code::Input)?;
    let end = injections.iter().map(|resolved| resolved.injection.at + resolved.injection.hold).max();
    let needed = end.map_or(Duration::from_secs(10), |end| end + schedule::ROOM_TO_RECOVER);
    let asked = args.shape.asked(DEFAULT_RATE, needed, || Ok(scenario::shop()))?;
    let plan = Plan {
        name: design.topology.name.clone(),
        seed: args.shape.seed(),
        base_url: inventory.public_url(),
        scenario: asked.scenario,
        warm_up: args.shape.warm_up.unwrap_or(DEFAULT_WARM_UP),
        stages: asked.stages,
        cool_down: COOL_DOWN,
        connections: args.shape.connections,
        keep_alive: !args.shape.no_keep_alive,
        transport: transport(&inventory),
        timeout: args.shape.timeout,
        schedule,
        objectives: asked.objectives,
    };
    let phases = plan.phases();
    let measured = phases.measure_to - phases.measure_from;
    if let Some(end) = end.filter(|end| *end > measured) {
        let message = anyhow!(
            "the schedule's last fault ends after {end:?} but the load lasts {measured:?}: set --duration to {needed:?} or more"
        );
        return Err(Failure::new(Code::Input, message));
    }
    // Only where it is asked for: a rehearsal has more to say than its load.
    let view = args.outputs.tui && args.outputs.view(args.shape.json)?;
    Ok(Rehearsal { design, plan, notes: asked.notes, injections, unit, view })
}

impl Rehearsal {
    fn perform(self, args: &RehearseArgs, sealed: &Sealed, parts: &PartsRoot) -> Result<ExitCode, Failure> {
        let interrupt = Interrupt::listen()?;
        let cpus = generator_cpus();
        let root = sandbox::runs_root();
        let place = args.shape.out.as_deref().map_or(Place::Under(&root), Place::Exactly);
        let machine = machine(sealed, parts, self.unit);
        let recorder =
            Recorder::create(place, &self.plan, &machine, SystemTime::now()).or_fail(Code::Environment)?;
        let recorder = Arc::new(recorder);
        let result = self.measure(sealed, parts, &recorder, &interrupt, cpus);
        recorder.emit(Event { at: Instant::now(), what: What::PhaseBegan(Phase::Down) });
        let dir = recorder.finish();
        let measured = result?;
        let dir = dir.or_fail(Code::Environment)?;
        if args.within_comparison {
            return conclude::quietly(&dir, &measured, &interrupt);
        }
        let settings = args.page.settings();
        conclude::run(&dir, &measured, &interrupt, args.shape.json, &args.outputs, settings)
    }

    fn measure(
        &self,
        sealed: &Sealed,
        parts: &PartsRoot,
        recorder: &Arc<Recorder>,
        interrupt: &Interrupt,
        cpus: Vec<usize>,
    ) -> Result<Measured, Failure> {
        recorder.emit(Event { at: Instant::now(), what: What::PhaseBegan(Phase::Up) });
        let began = Instant::now();
        eprintln!("{}: coming up", self.plan.name);
        let logs = recorder.dir().join("logs");
        let sink = Arc::clone(recorder) as Arc<dyn Sink>;
        let lab = bring_up::up(&self.design, sealed, parts, &logs, self.unit, interrupt, &sink)?;
        bring_up::keep_off(&cpus);
        eprintln!("{}: up after {:.1} s", self.plan.name, began.elapsed().as_secs_f64());
        let inventory = &lab.inventory;
        recorder.timeline(&Timeline {
            plan: self.plan.clone(),
            injections: self.injections.clone(),
            inventory: Some(inventory.clone()),
        });
        chaos::precheck(&self.injections, inventory).map_err(|errors| {
            let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::new(Code::Environment, anyhow!(reasons.join("; ")))
        })?;
        let enter = client_network(inventory);
        let (targets, name) = destination(inventory, &enter)?;
        let measured = Measurement {
            plan: &self.plan,
            destination: Destination { targets, name: Some(name) },
            way: "X-Served-By".to_owned(),
            authority: authority(inventory),
            enter,
            workers: 1,
            cpus,
            precise: false,
            injections: &self.injections,
            inventory: Some(inventory),
            beside: None,
            notes: self.notes.clone(),
            recorder,
            interrupt,
            view: self.view,
            metrics: None,
        }
        .run()?;
        monitor::record(&self.design, inventory, recorder, interrupt);
        Ok(measured)
    }
}

/// The public address of a design, as its client resolves it, and the name to follow.
pub(crate) fn destination(
    inventory: &Inventory,
    enter: &Enter,
) -> Result<(Vec<Target>, (Name, Resolved)), Failure> {
    let name = Name {
        host: inventory.public_name.clone(),
        port: inventory.public_port,
        resolvers: inventory.resolvers.clone(),
        enter: Arc::clone(enter),
    };
    let resolved = name.resolve().or_fail(Code::Fail)?;
    let targets = resolved.addresses.iter().copied().map(Target::Tcp).collect();
    Ok((targets, (name, resolved)))
}

/// What requests carry as `Host`: the port only where it is not the usual one.
pub(crate) fn authority(inventory: &Inventory) -> String {
    let url = inventory.public_url();
    url.split_once("://").map_or(url.as_str(), |(_, authority)| authority).to_owned()
}

/// How a design is spoken to: where it has certificates, they are verified with its own authority.
pub(crate) fn transport(inventory: &Inventory) -> Transport {
    let tls = inventory.public_tls.then(|| Tls {
        server_name: inventory.public_name.clone(),
        authorities: inventory.authority.clone(),
        ..Tls::default()
    });
    Transport { tls, ..Transport::default() }
}

pub(crate) fn client_network(inventory: &Inventory) -> Enter {
    let reach =
        inventory.client.as_ref().and_then(|name| inventory.node(name)).map(|node| node.reach.clone());
    Arc::new(move || match &reach {
        Some(reach) => reach::join(reach).map_err(std::io::Error::other),
        None => Ok(()),
    })
}

pub(crate) fn machine(sealed: &Sealed, parts: &PartsRoot, unit: Unit) -> Machine {
    let mut machine = Machine::here();
    machine.components = parts.versions.clone();
    machine.components.insert("brownout".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    machine.command = conclude::command_line();
    if let Hardware::Shared { why } = &sealed.hardware {
        machine.warnings.push(format!(
            "nodes share the machine, because no CPU control group can be had ({why}): figures compare architectures, not hardware"
        ));
    } else {
        machine.components.insert(
            "node".to_owned(),
            format!("{} of a core, {} MiB of memory", unit.cores, unit.memory_bytes >> 20),
        );
    }
    machine
}
