//! `brownout`: benchmark and chaos harness for web stacks. This file is the table of contents: a line per verb.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod backlog;
mod bring_up;
mod claims;
mod conclude;
mod connect;
mod failure;
mod http;
mod interrupt;
mod measure;
mod metrics;
mod monitor;
mod outputs;
mod page;
mod progress;
mod sandbox;
mod scenario;
mod schedule;
mod shape;
mod single;
mod stage;
mod trial;
mod verbs;
mod view;

use failure::Failure;
use verbs::{
    ceiling, claims as claims_verb, compare, demo, exec, experiment, explain, inner, load, rehearse, report,
    setup, up,
};

/// Drives load against web stacks while it breaks them, and says what a user would have seen
#[derive(Debug, Parser)]
#[command(name = "brownout", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Setup(setup::SetupArgs),
    Doctor(setup::DoctorArgs),
    Designs(setup::DesignsArgs),
    Explain(explain::ExplainArgs),
    Up(up::UpArgs),
    Exec(exec::ExecArgs),
    Load(Box<load::LoadArgs>),
    Ceiling(Box<ceiling::CeilingArgs>),
    Rehearse(Box<rehearse::RehearseArgs>),
    Claims(claims_verb::ClaimsArgs),
    #[command(hide = true)]
    Experiment(experiment::ExperimentArgs),
    Compare(compare::CompareArgs),
    Report(report::ReportArgs),
    Demo(demo::DemoArgs),
}

fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Setup(args) => setup::setup(args),
        Verb::Doctor(args) => setup::doctor(args),
        Verb::Designs(args) => setup::designs(args),
        Verb::Explain(args) => explain::run(args),
        Verb::Up(args) => up::run(args),
        Verb::Exec(args) => exec::run(args),
        Verb::Load(args) => load::run(args),
        Verb::Ceiling(args) => ceiling::run(args),
        Verb::Rehearse(args) => rehearse::run(args),
        Verb::Claims(args) => claims_verb::run(args),
        Verb::Experiment(args) => experiment::run(args),
        Verb::Compare(args) => compare::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Demo(args) => demo::run(args),
    }
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = inner::run(&args).unwrap_or_else(|| run(&Cli::parse().verb));
    result.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        ExitCode::from(failure.code)
    })
}
