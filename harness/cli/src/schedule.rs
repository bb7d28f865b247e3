//! A schedule by path or by the name of a ready-made one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use model::Schedule;

use crate::failure::{Code, Failure, OrFail};

/// A recovery counts once it has held for 5 s, so the load must go on for longer than that after the last fault.
pub(crate) const ROOM_TO_RECOVER: Duration = Duration::from_secs(8);

/// Reads the schedule at that path, or the ready-made one of that name.
pub(crate) fn find(name: &str) -> Result<Schedule, Failure> {
    if let Some(text) = chaos::builtin(name) {
        return chaos::parse_schedule(text, &format!("{name}.toml")).or_fail(Code::Input);
    }
    if !Path::new(name).exists() {
        let known: Vec<&str> = chaos::builtins().map(|(name, _)| name).collect();
        let known = known.join(", ");
        return Err(Failure::new(
            Code::Input,
            anyhow!("no schedule `{name}`: use a file, or one of {known}"),
        ));
    }
    let text = std::fs::read_to_string(name)
        .with_context(|| format!("cannot read the schedule {name}"))
        .or_fail(Code::Input)?;
    chaos::parse_schedule(&text, name).or_fail(Code::Input)
}
