//! What every verb that brings a design up does: shares of the machine, affinity, data directories.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;
use model::Sink;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use targets::parts::{self, PartsRoot};
use targets::seal::Sealed;
use targets::{Design, DesignError, Lab, Unit, UpError, UpOptions};

use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;

/// How often the tasks of a lab are looked through for some that are not where they should be.
const ROUNDS: usize = 8;

/// What each node may use
#[derive(Debug, Clone, Args)]
pub(crate) struct UnitArgs {
    /// Share of one core that each node has, where cgroups can be had
    #[arg(long, value_name = "CORES", default_value_t = Unit::default().cores)]
    node_cores: f64,
    /// Memory that each node has, in MiB, where cgroups can be had
    #[arg(long, value_name = "MIB", default_value_t = Unit::default().memory_bytes >> 20)]
    node_memory: u64,
}

impl UnitArgs {
    /// An option that was given another value than its own, if there is one.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let default = Unit::default();
        let options = [
            ("--node-cores", (self.node_cores - default.cores).abs() > f64::EPSILON),
            ("--node-memory", self.node_memory << 20 != default.memory_bytes),
        ];
        options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
    }

    pub(crate) fn unit(&self) -> Result<Unit, Failure> {
        // The kernel's smallest quota is 1 ms of a period, a twentieth of a core here.
        if !(0.05..=1024.0).contains(&self.node_cores) {
            return Err(Failure::new(
                Code::Input,
                anyhow!("--node-cores {}: use 0.05 or more", self.node_cores),
            ));
        }
        if self.node_memory < 64 {
            return Err(Failure::new(
                Code::Input,
                anyhow!("--node-memory {}: use 64 MiB or more", self.node_memory),
            ));
        }
        Ok(Unit { cores: self.node_cores, memory_bytes: self.node_memory << 20 })
    }

    /// As another run of this program is told.
    pub(crate) fn words(&self) -> [String; 4] {
        let Self { node_cores, node_memory } = self;
        [
            "--node-cores".to_owned(),
            node_cores.to_string(),
            "--node-memory".to_owned(),
            node_memory.to_string(),
        ]
    }
}

/// Bad input, unless the machine could not give what was written.
pub(crate) fn design_failure(error: DesignError) -> Failure {
    Failure::new(Code::Input, error)
}

/// Brings `design` up, on all cores. Must be called inside the sandbox.
pub(crate) fn up(
    design: &Design,
    sealed: &Sealed,
    parts: &PartsRoot,
    logs: &Path,
    unit: Unit,
    interrupt: &Interrupt,
    sink: &Arc<dyn Sink>,
) -> Result<Lab, Failure> {
    let datadir = parts::mariadb_datadir(parts).or_fail(Code::Environment)?;
    let options = UpOptions {
        logs,
        unit,
        hardware: &sealed.hardware,
        parts_etc: &parts.root.join("etc"),
        node_modules: parts.node_modules.as_deref(),
        mariadb_datadir: &datadir,
        stop: &interrupt.flag,
    };
    Lab::up(design, &options, sink).map_err(|error| match (error, interrupt.signal()) {
        (UpError::Interrupted, Some(signal)) => Failure::interrupted(signal),
        (error, _) => Failure::new(Code::Environment, error),
    })
}

/// The cores that the generator keeps for itself: the last of those this process may use, none when there is only one.
pub(crate) fn generator_cpus() -> Vec<usize> {
    let allowed = allowed_cpus();
    if allowed.len() < 2 { Vec::new() } else { allowed[allowed.len() - 1..].to_vec() }
}

fn allowed_cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect()
}

/// Keeps the lab that is up, and all that it starts from now on, off `cpus`, which the generator has for itself. Must be
/// called inside the sandbox, where no other process can be seen.
///
/// Not before it is up: it comes up sooner on all cores (docs/performance.md).
pub(crate) fn keep_off(cpus: &[usize]) {
    let mut rest = CpuSet::new();
    for cpu in allowed_cpus().into_iter().filter(|cpu| !cpus.contains(cpu)) {
        let _ = rest.set(cpu);
    }
    // Who is started by one whose turn has not come yet is found the next time round. Where affinity may not be set, the
    // run is only noisier, which the send lag shows.
    for _ in 0..ROUNDS {
        let elsewhere = |task: &Pid| sched_getaffinity(*task).is_ok_and(|set| set != rest);
        let late: Vec<Pid> = tasks().into_iter().filter(elsewhere).collect();
        if late.is_empty() {
            return;
        }
        for task in late {
            let _ = sched_setaffinity(task, &rest);
        }
    }
}

/// Every thread of every process in the sandbox.
fn tasks() -> Vec<Pid> {
    let below = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    below(Path::new("/proc"))
        .flat_map(|process| below(&process.path().join("task")))
        .filter_map(|task| task.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .collect()
}
