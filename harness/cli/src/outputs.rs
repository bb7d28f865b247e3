//! What a run gives to other programs, on the command line: while it goes on and at its end.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use model::Plan;

use crate::failure::{Code, Failure, OrFail};

/// Files for other programs
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Outputs")]
pub(crate) struct OutputArgs {
    /// Write one row a second to this file: rates, latency, failures by kind
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the objectives, and the faults of a rehearsal, as JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl OutputArgs {
    /// Copies what was derived from the record in `dir` to where it is wanted.
    pub(crate) fn copy_from(&self, dir: &Path) -> Result<(), Failure> {
        for (name, to) in [("intervals.csv", &self.csv), ("junit.xml", &self.junit)] {
            let Some(to) = to else { continue };
            let text = record::read_text(&dir.join(name)).or_fail(Code::Bug)?;
            record::write_whole(to, text.as_bytes()).or_fail(Code::Environment)?;
        }
        Ok(())
    }
}

/// Refuses an objective of a request that is not sent.
pub(crate) fn check_objectives(plan: &Plan) -> Result<(), Failure> {
    let names: Vec<&str> = plan.scenario.requests.iter().map(|request| request.name.as_str()).collect();
    let unknown = plan.objectives.iter().find_map(|objective| {
        let name = objective.request.as_deref().filter(|name| !names.contains(name))?;
        Some((objective, name))
    });
    unknown.map_or(Ok(()), |(objective, name)| {
        let message =
            anyhow!("objective `{objective}`: no request is called `{name}`: use {}", names.join(", "));
        Err(Failure::new(Code::Input, message))
    })
}
