//! `brownout experiment DESIGN`: experiments in one lab, for `brownout claims`; no person types it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use model::Sink;
use targets::claims::{Claim, Experiment};
use targets::{Design, NodePlan};

use crate::bring_up::{self, UnitArgs, design_failure, generator_cpus};
use crate::claims::{Alarms, Figures, STRANGER, Testbed, measure, sittings};
use crate::failure::{Code, Failure};
use crate::interrupt::Interrupt;
use crate::sandbox::{self, Place};
use crate::verbs::rehearse;

/// Makes experiments in one lab and keeps their figures
#[derive(Debug, Args)]
pub(crate) struct ExperimentArgs {
    design: String,
    /// The design whose claims they are
    #[arg(long)]
    of: String,
    /// CLAIM, with the kind of the experiment and the label of its lab where there are several
    #[arg(long, required = true)]
    task: Vec<String>,
    #[arg(long)]
    quick: bool,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    unit: UnitArgs,
}

pub(crate) fn run(args: &ExperimentArgs) -> Result<ExitCode, Failure> {
    let mut design = Design::find(&args.design).map_err(design_failure)?;
    let claims = Design::find(&args.of).and_then(|of| of.claims()).map_err(design_failure)?;
    let (sealed, parts) = match sandbox::enter(&design)? {
        Place::Inside(sealed, parts) => (sealed, parts),
        Place::Outside(code) => return Ok(code),
    };
    let interrupt = Interrupt::listen()?;
    let cpus = generator_cpus();
    add_stranger(&mut design);
    let began = Instant::now();
    let unit = args.unit.unit()?;
    let logs = args.out.join(format!("logs-{}", args.task[0]));
    let alarms = Arc::new(Alarms::default());
    let sink = Arc::clone(&alarms) as Arc<dyn Sink>;
    let lab = bring_up::up(&design, &sealed, &parts, &logs, unit, &interrupt, &sink)?;
    bring_up::keep_off(&cpus);
    eprintln!(
        "{}: up after {:.1} s for {}",
        args.design,
        began.elapsed().as_secs_f64(),
        args.task.join(", ")
    );
    let machine = rehearse::machine(&sealed, &parts, unit);
    for task in &args.task {
        let experiment = find(&claims, task)?;
        let attempt = |folder: String| -> Result<Figures, Failure> {
            let bed = Testbed {
                inventory: &lab.inventory,
                machine: &machine,
                cpus: &cpus,
                interrupt: &interrupt,
                alarms: &alarms,
                dir: args.out.join(folder),
                quick: args.quick,
                seed: model::Seed(args.seed),
            };
            let measured = measure(experiment, &bed);
            interrupt.check()?;
            measured.or_else(doubted)
        };
        let mut figures = attempt(task.clone())?;
        if let Some(doubt) = figures.doubts.first() {
            eprintln!("  once more, because {doubt}");
            figures = attempt(format!("{task}-again"))?;
        }
        figures.write(&args.out.join(task).join("figures.json"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What an experiment could not do is no reason to leave the others out.
fn doubted(failure: Failure) -> Result<Figures, Failure> {
    let harmless =
        [Code::Input, Code::Environment, Code::Fail].iter().any(|code| *code as u8 == failure.code);
    if harmless { Ok(Figures::doubted(failure.to_string())) } else { Err(failure) }
}

fn find<'a>(claims: &'a [Claim], name: &str) -> Result<&'a Experiment, Failure> {
    let tasks = sittings(claims.iter()).into_iter().flat_map(|sitting| sitting.tasks);
    let found = tasks.into_iter().find(|task| task.name() == name).and_then(|task| {
        claims.iter().find(|claim| claim.id == task.claim)?.experiments.get(task.experiment)
    });
    found.ok_or_else(|| Failure::new(Code::Input, anyhow!("no experiment `{name}`")))
}

/// Somebody on the same network who is no part of the design: at the last free address of a range that RFC 5737
/// keeps for documentation.
fn add_stranger(design: &mut Design) {
    let taken = |address: &IpAddr| design.topology.nodes.iter().any(|node| node.addresses.contains(address));
    let mut range = (1..=254).rev().map(|last| IpAddr::from([198, 51, 100, last]));
    if let Some(address) = range.find(|address| !taken(address)) {
        let stranger = NodePlan {
            name: STRANGER.to_owned(),
            addresses: vec![address],
            parts: Vec::new(),
            firewall: false,
            certificate: None,
        };
        design.topology.nodes.push(stranger);
    }
}
