//! One node is one unit of hardware: a cgroup with the same share of a core and the same memory for all its processes.
//!
//! cgroup v1 is used as root, v2 where it is delegated to us. Where neither can be had the nodes share the machine, and
//! that is said wherever a ceiling is shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Length of a CPU period. A node that has used its share waits for the rest of the period, so a long one would show
/// as latency: 20 ms keeps that below what a remote user would notice.
const PERIOD: Duration = Duration::from_millis(20);
/// How long the processes of a cgroup may take to vanish after their namespace was killed.
const EMPTY_DEADLINE: Duration = Duration::from_secs(10);
const PREFIX: &str = "brownout-";

/// The cgroups that hold the nodes of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hardware {
    /// A folder in each of the cpu and memory hierarchies.
    V1 {
        /// Below the cpu controller.
        cpu: PathBuf,
        /// Below the memory controller.
        memory: PathBuf,
    },
    /// A folder in the unified hierarchy.
    V2 {
        /// Holds one folder per node.
        base: PathBuf,
    },
    /// No cgroups can be had: nodes share the machine.
    Shared {
        /// Why, in words for the report.
        why: String,
    },
}

/// Where the controllers of cgroup v1 are mounted.
const V1_ROOT: &str = "/sys/fs/cgroup";

/// What one node may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Share of one core: 0.2 is a fifth.
    pub cores: f64,
    /// Memory in bytes, page cache and tmpfs included.
    pub memory_bytes: u64,
}

impl Default for Unit {
    fn default() -> Self {
        Self { cores: 0.2, memory_bytes: 512 << 20 }
    }
}

impl Hardware {
    /// The folders that [`Hardware::claim`] is going to make, if they are known before: those of cgroup v1. In the unified
    /// hierarchy a process that is started before would stand in the way (`cgroups(7)`, "no internal processes").
    #[must_use]
    pub fn candidates() -> Vec<PathBuf> {
        let name = format!("{PREFIX}{}", std::process::id());
        let controllers = ["cpu", "memory"].map(|name| Path::new(V1_ROOT).join(name));
        match controllers.iter().all(|controller| controller.join("cgroup.procs").is_file()) {
            true => controllers.map(|controller| controller.join(&name)).into(),
            false => Vec::new(),
        }
    }

    /// Makes the cgroups for a lab of this process, after removing what earlier labs that were killed together with
    /// their janitor have left.
    #[must_use]
    pub fn claim() -> Self {
        let name = format!("{PREFIX}{}", std::process::id());
        match claim_v1(Path::new(V1_ROOT), &name) {
            Ok(hardware) => hardware,
            Err(v1) => match claim_v2(&own_v2_cgroup(), &name) {
                Ok(hardware) => hardware,
                Err(v2) => {
                    Hardware::Shared { why: format!("cgroup v1 {}; cgroup v2 {}", plain(&v1), plain(&v2)) }
                }
            },
        }
    }

    /// The folders that were made, for whoever has to remove them.
    #[must_use]
    pub fn claimed(&self) -> Vec<PathBuf> {
        match self {
            Hardware::V1 { cpu, memory } => vec![cpu.clone(), memory.clone()],
            Hardware::V2 { base } => vec![base.clone()],
            Hardware::Shared { .. } => Vec::new(),
        }
    }

    /// As one line of text, for the environment of the command inside.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Hardware::V1 { cpu, memory } => format!("v1\n{}\n{}", cpu.display(), memory.display()),
            Hardware::V2 { base } => format!("v2\n{}", base.display()),
            Hardware::Shared { why } => format!("shared\n{why}"),
        }
    }

    /// Reads what [`Hardware::encode`] wrote.
    #[must_use]
    pub fn decode(text: &str) -> Self {
        let mut lines = text.splitn(3, '\n');
        match (lines.next(), lines.next(), lines.next()) {
            (Some("v1"), Some(cpu), Some(memory)) => Hardware::V1 { cpu: cpu.into(), memory: memory.into() },
            (Some("v2"), Some(base), _) => Hardware::V2 { base: base.into() },
            (_, why, _) => Hardware::Shared { why: why.unwrap_or_default().to_owned() },
        }
    }

    /// Makes the cgroups of one node, without limits, and returns their `cgroup.procs` files. A lab comes up at full
    /// speed; [`Hardware::limit`] is called when it is ready.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a folder.
    pub fn node(&self, name: &str) -> io::Result<Vec<PathBuf>> {
        let folders = self.folders(name);
        folders.iter().try_for_each(fs::create_dir)?;
        Ok(folders.iter().map(|folder| folder.join("cgroup.procs")).collect())
    }

    /// Limits one node to `unit`.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a limit.
    pub fn limit(&self, name: &str, unit: Unit) -> io::Result<()> {
        let period = PERIOD.as_micros();
        let quota = (PERIOD.as_secs_f64() * 1e6 * unit.cores).round();
        match self {
            Hardware::V1 { cpu, memory } => {
                fs::write(cpu.join(name).join("cpu.cfs_period_us"), period.to_string())?;
                fs::write(cpu.join(name).join("cpu.cfs_quota_us"), quota.to_string())?;
                fs::write(memory.join(name).join("memory.limit_in_bytes"), unit.memory_bytes.to_string())
            }
            Hardware::V2 { base } => {
                fs::write(base.join(name).join("cpu.max"), format!("{quota} {period}"))?;
                fs::write(base.join(name).join("memory.max"), unit.memory_bytes.to_string())
            }
            Hardware::Shared { .. } => Ok(()),
        }
    }

    fn folders(&self, node: &str) -> Vec<PathBuf> {
        self.claimed().into_iter().map(|base| base.join(node)).collect()
    }

    /// Removes everything that was claimed.
    pub fn remove(&self) {
        Self::remove_all(&self.claimed());
    }

    /// Removes `cgroups` and the nodes' below them as soon as their processes are gone.
    pub fn remove_all(cgroups: &[PathBuf]) {
        let give_up = Instant::now() + EMPTY_DEADLINE;
        while cgroups.iter().any(|cgroup| cgroup.exists() && !remove(cgroup)) && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Why a hierarchy cannot be had, in words for a report.
fn plain(error: &io::Error) -> String {
    match (error.raw_os_error(), error.kind()) {
        (Some(_), io::ErrorKind::PermissionDenied) => "needs root".to_owned(),
        (Some(_), io::ErrorKind::NotFound) => "is not there".to_owned(),
        _ => error.to_string(),
    }
}

/// Removes a cgroup and its children; false while processes are left in it.
fn remove(cgroup: &Path) -> bool {
    if let Ok(entries) = fs::read_dir(cgroup) {
        for child in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            remove(&child);
        }
    }
    match fs::remove_dir(cgroup) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn claim_v1(root: &Path, name: &str) -> io::Result<Hardware> {
    let (cpu, memory) = (root.join("cpu"), root.join("memory"));
    for (controller, file) in [(&cpu, "cpu.cfs_quota_us"), (&memory, "memory.limit_in_bytes")] {
        // The root group of the cpu controller has no quota file of its own, a mounted controller has cgroup.procs.
        if !controller.join("cgroup.procs").is_file() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is not mounted", controller.display()),
            ));
        }
        sweep(controller);
        let claimed = controller.join(name);
        fs::create_dir(&claimed)?;
        if !claimed.join(file).exists() {
            remove(&claimed);
            return Err(io::Error::new(io::ErrorKind::Unsupported, format!("no {file}")));
        }
    }
    Ok(Hardware::V1 { cpu: cpu.join(name), memory: memory.join(name) })
}

/// In the unified hierarchy only leaves may hold processes while controllers are enabled (`cgroups(7)`, "no internal
/// processes"), so when the folder above is not the root, we first move ourselves into a leaf beside the nodes.
fn claim_v2(own: &Path, name: &str) -> io::Result<Hardware> {
    let controllers = fs::read_to_string(own.join("cgroup.controllers"))?;
    if !["cpu", "memory"].iter().all(|wanted| controllers.split_whitespace().any(|has| has == *wanted)) {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the cpu and memory controllers are not delegated; try systemd-run --user --scope -p Delegate=yes",
        ));
    }
    sweep(own);
    let base = own.join(name);
    fs::create_dir(&base)?;
    let enable = || {
        let is_root = !own.join("cgroup.type").exists();
        if !is_root {
            let leaf = base.with_file_name(format!("{name}-guard"));
            fs::create_dir_all(&leaf)?;
            fs::write(leaf.join("cgroup.procs"), "0")?;
        }
        fs::write(own.join("cgroup.subtree_control"), "+cpu +memory")?;
        fs::write(base.join("cgroup.subtree_control"), "+cpu +memory")
    };
    match enable() {
        Ok(()) => Ok(Hardware::V2 { base }),
        Err(error) => {
            remove(&base);
            Err(error)
        }
    }
}

fn own_v2_cgroup() -> PathBuf {
    let path = fs::read_to_string("/proc/self/cgroup")
        .ok()
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("0::/").map(str::to_owned)));
    Path::new("/sys/fs/cgroup").join(path.unwrap_or_default())
}

/// Removes what labs of dead processes have left.
fn sweep(controller: &Path) {
    let Ok(entries) = fs::read_dir(controller) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_passed_on_unchanged() {
        for hardware in [
            Hardware::V1 { cpu: "/c/brownout-1".into(), memory: "/m/brownout-1".into() },
            Hardware::V2 { base: "/u/brownout-1".into() },
            Hardware::Shared { why: "not root".into() },
        ] {
            assert_eq!(Hardware::decode(&hardware.encode()), hardware);
        }
    }

    #[test]
    fn without_the_controllers_the_reason_is_kept() {
        let empty = tempfile::tempdir().unwrap();
        assert!(claim_v1(empty.path(), "brownout-1").unwrap_err().to_string().contains("not mounted"));
        fs::write(empty.path().join("cgroup.controllers"), "pids").unwrap();
        assert!(claim_v2(empty.path(), "brownout-1").unwrap_err().to_string().contains("delegated"));
    }

    #[test]
    fn a_delegated_v2_folder_is_limited_through_its_files() {
        let own = tempfile::tempdir().unwrap();
        fs::write(own.path().join("cgroup.controllers"), "cpu memory pids").unwrap();
        let hardware = claim_v2(own.path(), "brownout-1").unwrap();
        let procs = hardware.node("server1").unwrap();
        hardware.limit("server1", Unit { cores: 0.2, memory_bytes: 1 << 20 }).unwrap();
        let node = own.path().join("brownout-1/server1");
        assert_eq!(procs, [node.join("cgroup.procs")]);
        assert_eq!(fs::read_to_string(node.join("cpu.max")).unwrap(), "4000 20000");
        assert_eq!(fs::read_to_string(node.join("memory.max")).unwrap(), "1048576");
    }
}
