//! How a command ends: an exit code that scripts can rely on, and the reason for people.

use std::fmt;
use std::process::ExitStatus;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A fault of ours.
    Bug = 1,
    /// Bad usage, plan, inventory or topology.
    Input = 2,
    /// An objective was broken; a dead target is a broken objective.
    Fail = 3,
    /// The run cannot say.
    Unknown = 4,
    /// The environment cannot do what was asked.
    Environment = 5,
    /// A fault could not be healed.
    Unhealed = 6,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) reason: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(code: Code, reason: impl Into<anyhow::Error>) -> Self {
        Self { code: code as u8, reason: reason.into() }
    }

    /// Ended by a signal: 130 for an interrupt, 143 for a request to terminate.
    pub(crate) fn interrupted(signal: i32) -> Self {
        let code = u8::try_from(128 + signal).unwrap_or(130);
        Self { code, reason: anyhow::anyhow!("interrupted by signal {signal}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error that names its cause in its own words is not said twice.
        let mut said = String::new();
        for link in self.reason.chain() {
            let link = link.to_string();
            if said.is_empty() {
                said = link;
            } else if !said.ends_with(&link) {
                said = format!("{said}: {link}");
            }
        }
        f.write_str(&said)
    }
}

/// Lets `?` sort an error into its exit code: `work().or_fail(Code::Input)?`.
pub(crate) trait OrFail<T> {
    fn or_fail(self, code: Code) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

/// The code to end with when another process of ours ended like this.
pub(crate) fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(Code::Bug as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_said_once() {
        let cause = || std::io::Error::other("disk full");
        let named = anyhow::Error::new(cause()).context("cannot write a: disk full").context("no record");
        assert_eq!(
            Failure::new(Code::Environment, named).to_string(),
            "no record: cannot write a: disk full"
        );
        let unnamed = anyhow::Error::new(cause()).context("cannot write a");
        assert_eq!(Failure::new(Code::Environment, unnamed).to_string(), "cannot write a: disk full");
    }
}
