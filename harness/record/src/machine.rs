//! `machine.json`: on what the run was made.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::FORMAT_VERSION;

/// What is known about the machine and what runs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Name of the host.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Model of the processor.
    pub cpu_model: String,
    /// Processors that can be used.
    pub cores: usize,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Versions by component: "nginx", "mariadb", "brownout".
    pub components: BTreeMap<String, String>,
    /// What makes results from this machine less sure: "nodes share the machine: ...".
    pub warnings: Vec<String>,
    /// The command line that makes the same run again.
    pub command: String,
}

impl Machine {
    /// Asks the kernel about this machine; what it does not tell stays empty. Components, warnings and the command
    /// are the caller's to fill in.
    #[must_use]
    pub fn here() -> Self {
        let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let value = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let found = text.lines().find(|line| line.starts_with(key));
            found.and_then(|line| line.split_once(':')).map_or_else(String::new, |(_, v)| v.trim().to_owned())
        };
        let kilobytes = value("/proc/meminfo", "MemTotal");
        let kilobytes = kilobytes.split_whitespace().next().and_then(|digits| digits.parse::<u64>().ok());
        Self {
            host: line("/proc/sys/kernel/hostname"),
            kernel: line("/proc/sys/kernel/osrelease"),
            cpu_model: value("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kilobytes.unwrap_or(0) * 1024,
            ..Self::default()
        }
    }
}

/// `machine.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Version of the record's formats.
    pub format_version: u32,
    /// When the record was opened, in UTC (RFC 3339).
    pub started_utc: String,
    /// Name of the host.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Model of the processor.
    pub cpu_model: String,
    /// Processors that could be used.
    pub cores: usize,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Versions by component.
    #[serde(default)]
    pub components: BTreeMap<String, String>,
    /// What makes results from this machine less sure.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The command line that makes the same run again.
    #[serde(default)]
    pub command: String,
}

impl MachineRecord {
    pub(crate) fn new(machine: &Machine, started_utc: String) -> Self {
        let machine = machine.clone();
        Self {
            format_version: FORMAT_VERSION,
            started_utc,
            host: machine.host,
            kernel: machine.kernel,
            cpu_model: machine.cpu_model,
            cores: machine.cores,
            memory_bytes: machine.memory_bytes,
            components: machine.components,
            warnings: machine.warnings,
            command: machine.command,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_this_machine_is() {
        let machine = Machine::here();
        assert!(machine.cores >= 1 && machine.memory_bytes > 0);
        assert!(!machine.kernel.is_empty() && !machine.host.is_empty());
    }
}
