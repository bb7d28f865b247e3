//! `brownout load URL`: load against any address, with no lab and no set-up.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use model::{Plan, Schedule, Timeline};
use record::{Machine, Place, Recorder};

use crate::bring_up::generator_cpus;
use crate::conclude;
use crate::connect::ConnectArgs;
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::{Enter, Measurement};
use crate::metrics;
use crate::outputs::OutputArgs;
use crate::shape::ShapeArgs;
use crate::single::SingleArgs;

const DEFAULT_RATE: f64 = 100.0;
/// What a WebSocket load sends unless it is told.
const MESSAGE: &str = "brownout {{sequence}}";
const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// Drives load against any address and says what a user would have waited
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Where requests go: `http://HOST[:PORT][/PATH]`, or https, ws or wss in its place
    url: String,
    /// Worker threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    workers: usize,
    /// Stay awake before each due time: requests leave within microseconds of it, for a whole CPU per worker
    #[arg(long)]
    precise: bool,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    single: SingleArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(crate) fn run(args: &LoadArgs) -> Result<ExitCode, Failure> {
    let url: ::load::BaseUrl = args.url.parse().or_fail(Code::Input)?;
    let shape = &args.shape;
    let message = if url.scheme.websocket { MESSAGE } else { "" };
    let mut asked =
        shape.asked(DEFAULT_RATE, DEFAULT_DURATION, || args.single.scenario(&url.path, message))?;
    if shape.replay.is_some() {
        let headers = args.single.headers()?;
        asked.scenario.requests.iter_mut().for_each(|request| request.headers.clone_from(&headers));
    }
    let plan = Plan {
        name: url.host.clone(),
        seed: shape.seed(),
        base_url: args.url.clone(),
        scenario: asked.scenario,
        warm_up: shape.warm_up.unwrap_or_default(),
        stages: asked.stages,
        cool_down: Duration::ZERO,
        connections: shape.connections,
        keep_alive: !shape.no_keep_alive,
        transport: args.connect.transport(&url)?,
        timeout: shape.timeout,
        schedule: Schedule::default(),
        objectives: asked.objectives,
    };
    let view = args.outputs.view(shape.json)?;
    let metrics = args.outputs.metrics.map(metrics::listen).transpose()?;
    let interrupt = Interrupt::listen()?;
    let enter: Enter = Arc::new(|| Ok(()));
    let destination = args.connect.destination(&url, Arc::clone(&enter))?;
    let scratch = tempfile::tempdir().or_fail(Code::Environment)?;
    let unkept = scratch.path().join("run");
    let place = Place::Exactly(shape.out.as_deref().unwrap_or(&unkept));
    let mut machine = Machine::here();
    machine.components.insert("brownout".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    machine.command = conclude::command_line();
    let recorder = Recorder::create(place, &plan, &machine, SystemTime::now()).or_fail(Code::Environment)?;
    recorder.timeline(&Timeline { plan: plan.clone(), injections: Vec::new(), inventory: None });
    let began = Instant::now();
    let measured = Measurement {
        plan: &plan,
        destination,
        way: args.connect.served_by.clone(),
        authority: url.authority(),
        enter,
        workers: args.workers.max(1),
        cpus: if args.workers == 1 { generator_cpus() } else { Vec::new() },
        precise: args.precise,
        injections: &[],
        inventory: None,
        beside: None,
        notes: asked.notes,
        recorder: &recorder,
        interrupt: &interrupt,
        view,
        metrics,
    }
    .run();
    let dir = recorder.finish();
    let measured = measured?;
    eprintln!("done after {:.1} s", began.elapsed().as_secs_f64());
    let dir = dir.or_fail(Code::Environment)?;
    if shape.out.is_none() && !args.outputs.wants_copies() {
        return conclude::unkept(&dir, &measured, &interrupt, shape.json);
    }
    // An address has no monitor that could be asked.
    let settings = reports::Settings::default();
    conclude::run(&dir, &measured, &interrupt, shape.json, &args.outputs, settings)
}
