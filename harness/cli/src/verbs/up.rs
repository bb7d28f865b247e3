//! `brownout up DESIGN`: a design in the foreground.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use model::{Event, Inventory, Sink, What};
use targets::seal::RUN_DIR;
use targets::{Design, Hardware, Lab, Unit};

use crate::bring_up::{self, design_failure};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::sandbox::{self, Place};

/// Brings a design up and keeps it until ctrl-C
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Built-in design (`brownout designs` lists them) or a folder that holds a topology.toml
    pub(crate) design: String,
    /// Keep the parts' logs here instead of forgetting them with the lab
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    #[command(flatten)]
    unit: bring_up::UnitArgs,
}

pub(crate) fn run(args: &UpArgs) -> Result<ExitCode, Failure> {
    // Read before anything is started, and again inside.
    let design = Design::find(&args.design).map_err(design_failure)?;
    let unit = args.unit.unit()?;
    let (sealed, parts) = match sandbox::enter(&design)? {
        Place::Inside(sealed, parts) => (sealed, parts),
        Place::Outside(code) => return Ok(code),
    };
    let interrupt = Interrupt::listen()?;
    let began = Instant::now();
    let logs = args.logs.clone().unwrap_or_else(|| Path::new(RUN_DIR).join("logs"));
    let sink: Arc<dyn Sink> = Arc::new(move |event: Event| tell(&event, began));
    let lab = bring_up::up(&design, &sealed, &parts, &logs, unit, &interrupt, &sink)?;
    println!("{}", describe(&lab, &sealed.hardware, unit, began.elapsed()));
    while interrupt.signal().is_none() {
        thread::sleep(Duration::from_millis(50));
    }
    eprintln!("taking {} down", lab.inventory.design);
    Ok(ExitCode::SUCCESS)
}

fn tell(event: &Event, began: Instant) {
    let at = event.at.saturating_duration_since(began).as_secs_f64();
    match &event.what {
        What::ProcessStarted { node, process, pid } => {
            eprintln!("{at:7.2} s  {node:<10} {process:<10} started (pid {pid})");
        }
        What::ProcessReady { node, process } => eprintln!("{at:7.2} s  {node:<10} {process:<10} ready"),
        What::ProcessDied { node, process, status } => {
            eprintln!("{at:7.2} s  {node:<10} {process:<10} ended: {status}");
        }
        What::AlertReceived { alert, about, firing } => {
            let state = if *firing { "alert" } else { "alert is over" };
            eprintln!("{at:7.2} s  {:<10} {alert:<10} {state}", about.as_deref().unwrap_or("-"));
        }
        What::Warning(text) => eprintln!("{at:7.2} s  warning: {text}"),
        _ => {}
    }
}

fn describe(lab: &Lab, hardware: &Hardware, unit: Unit, took: Duration) -> String {
    let Inventory { design, nodes, client, authority, .. } = &lab.inventory;
    let mut lines = vec![format!("\n{design} is up after {:.1} s", took.as_secs_f64())];
    for node in nodes {
        let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        let parts: Vec<&str> = node.processes.iter().map(|process| process.name.as_str()).collect();
        lines.push(format!("  {:<10} {:<28} {}", node.name, addresses.join(" "), parts.join(" ")));
    }
    match hardware {
        Hardware::Shared { why } => lines.push(format!("nodes share the machine ({why})")),
        _ => lines.push(format!("each node: {} of a core, {} MiB", unit.cores, unit.memory_bytes >> 20)),
    }
    if let Some(client) = client {
        let trust =
            authority.as_ref().map(|file| format!(" --cacert {}", file.display())).unwrap_or_default();
        let url = lab.inventory.public_url();
        lines.push(format!("try: brownout exec {client} -- curl -i{trust} {url}/api/orders/7"));
    }
    lines.push("ctrl-C takes it down".to_owned());
    lines.join("\n")
}
