//! What a run gives to other programs, on the command line: while it goes on and at its end.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

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
    /// Answer Prometheus at this address while the load goes on, with OpenMetrics at /metrics
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Show the load in a view of the whole terminal; `load` does so by itself where it runs in one
    #[arg(long, conflicts_with = "no_tui")]
    pub(crate) tui: bool,
    /// Show no more than a line
    #[arg(long)]
    no_tui: bool,
}

impl OutputArgs {
    /// Whether the load is shown in a view of the whole terminal: when it is asked for, or else when a person sits at
    /// the terminal and did not ask for a result in JSON.
    pub(crate) fn view(&self, json: bool) -> Result<bool, Failure> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        let drawn = !dumb && std::io::stderr().is_terminal() && std::io::stdin().is_terminal();
        if self.tui && !drawn {
            let message = anyhow!("--tui: standard input and standard error must be a terminal");
            return Err(Failure::new(Code::Input, message));
        }
        Ok(self.tui || (drawn && !self.no_tui && !json && std::io::stdout().is_terminal()))
    }

    /// Whether anything that is derived from the record is wanted elsewhere.
    pub(crate) fn wants_copies(&self) -> bool {
        self.csv.is_some() || self.junit.is_some()
    }

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
