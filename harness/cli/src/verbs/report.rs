//! `brownout report RUN_DIR...`: draws the report of one or more runs again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::conclude;
use crate::failure::Failure;
use crate::page::PageArgs;

/// Draws the report of recorded runs again, byte for byte the same
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run directories, or one directory that holds the runs of a comparison
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Where the report goes; by default into the directory given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the findings as JSON on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    conclude::again(&args.runs, args.out.as_deref(), args.json, args.page.settings())
}
