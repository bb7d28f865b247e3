//! What a report shows, on the command line.

use clap::{Args, ValueEnum};
use reports::Settings;

/// Shown or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// Where there is something to show
    #[default]
    On,
    /// As if there were nothing
    Off,
}

/// What the report shows
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct PageArgs {
    /// Requests of the web servers as the design's own monitor sees them, beside the generator's count
    #[arg(long, value_enum, value_name = "SHOWN", default_value = "on")]
    monitor: Shown,
}

impl PageArgs {
    pub(crate) fn settings(&self) -> Settings {
        Settings { monitor: self.monitor == Shown::On }
    }
}
