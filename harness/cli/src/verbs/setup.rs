//! `brownout setup`, `doctor` and `designs`: what is there, and getting what is not.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use targets::parts::Set;
use targets::parts::doctor::{self, State};
use targets::{Design, builtin_designs};

use crate::bring_up::design_failure;
use crate::failure::{Code, Failure};
use crate::sandbox::{ensure_node_modules, ensure_parts};

/// Gets the parts (nginx, HAProxy, MariaDB, ...) without root and without installing anything
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// The browser that looks at reports in tests, in place of the parts of a stack
    #[arg(long)]
    browser: bool,
    /// Print only where the parts are
    #[arg(long)]
    print_path: bool,
}

pub(crate) fn setup(args: &SetupArgs) -> Result<ExitCode, Failure> {
    let set = if args.browser { Set::Browser } else { Set::Stack };
    let parts = ensure_parts(set)?;
    if args.print_path {
        println!("{}", parts.root.display());
        return Ok(ExitCode::SUCCESS);
    }
    for wanted in set.wanted() {
        let version = parts.versions.get(wanted.package).map_or("", String::as_str);
        println!("{:<18} {version:<32} {}", wanted.package, wanted.needed_for);
    }
    if set == Set::Stack {
        // All but one part do without them, so their absence is told and is no failure.
        match ensure_node_modules() {
            Ok(modules) => println!("modules of the application on Node.js in {}", modules.display()),
            Err(error) => eprintln!("warning: designs with the part `node` will not come up: {error}"),
        }
    }
    println!("ready in {}", parts.root.display());
    Ok(ExitCode::SUCCESS)
}

/// Says what this machine has, what each missing thing is needed for, and the remedy
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

pub(crate) fn doctor(_: &DoctorArgs) -> Result<ExitCode, Failure> {
    let rows = doctor::examine();
    print!("{}", doctor::table(&rows));
    let missing: Vec<&str> =
        rows.iter().filter(|row| row.state == State::Missing).map(|row| row.what.as_str()).collect();
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(Code::Environment, anyhow!("missing: {}", missing.join(", "))))
}

/// Lists the built-in designs
#[derive(Debug, Args)]
pub(crate) struct DesignsArgs {}

pub(crate) fn designs(_: &DesignsArgs) -> Result<ExitCode, Failure> {
    for name in builtin_designs() {
        let design = Design::find(&name).map_err(design_failure)?;
        println!("{name:<16} {}", design.topology.summary);
    }
    Ok(ExitCode::SUCCESS)
}
