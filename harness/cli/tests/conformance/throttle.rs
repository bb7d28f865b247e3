//! Ways of leaving a program next to no CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// 5 ms in each 100 ms.
const QUOTA_US: &str = "5000";
const PERIOD_US: &str = "100000";

/// Something that slows down what is started through it.
pub(crate) trait Throttle {
    /// The words that start `words` slowed down.
    fn around(&self, words: &[String]) -> Vec<String>;
}

/// A cgroup of our own with 5 % of a core. It is removed when this is dropped.
pub(crate) struct Quota {
    dir: PathBuf,
}

impl Quota {
    /// Makes one below the cpu hierarchy of cgroup v1, or the root of v2; says why none can be had.
    pub(crate) fn make() -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/self/mounts").map_err(|error| error.to_string())?;
        let places = mounts.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [_, place, kind, options, ..] = fields[..] else { return None };
            let cpu = options.split(',').any(|option| option == "cpu");
            ((kind == "cgroup" && cpu) || kind == "cgroup2").then_some(place)
        });
        let mut reasons = vec!["no cgroup can be limited".to_owned()];
        for place in places {
            match Self::below(Path::new(place)) {
                Ok(quota) => return Ok(quota),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    fn below(parent: &Path) -> Result<Self, String> {
        let dir = parent.join(format!("conformance-{}", std::process::id()));
        let say = |error: std::io::Error| format!("{}: {error}", dir.display());
        fs::create_dir(&dir).map_err(say)?;
        let quota = Self { dir: dir.clone() };
        let write = |name: &str, text: &str| {
            let file = dir.join(name);
            // A file that is not there must not be made: only the kernel's have a meaning.
            fs::OpenOptions::new().write(true).open(&file).and_then(|mut file| {
                use std::io::Write as _;
                file.write_all(text.as_bytes())
            })
        };
        if dir.join("cpu.max").exists() {
            write("cpu.max", &format!("{QUOTA_US} {PERIOD_US}")).map_err(say)?;
        } else {
            write("cpu.cfs_period_us", PERIOD_US).map_err(say)?;
            write("cpu.cfs_quota_us", QUOTA_US).map_err(say)?;
        }
        Ok(quota)
    }
}

impl Throttle for Quota {
    fn around(&self, words: &[String]) -> Vec<String> {
        let procs = self.dir.join("cgroup.procs").display().to_string();
        let join = ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", &procs];
        join.into_iter().map(str::to_owned).chain(words.iter().cloned()).collect()
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // It is empty: what ran in it has been waited for.
        if let Err(error) = fs::remove_dir(&self.dir) {
            eprintln!("{} is left behind: {error}", self.dir.display());
        }
    }
}

/// A busy thread on one CPU, beside which a program of the lowest priority gets some 1.5 % of it. Needs no privileges.
pub(crate) struct Neighbour {
    cpu: usize,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Moves in on the last CPU that we may use.
    pub(crate) fn move_in() -> Self {
        let ours = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let cpu = (0..CpuSet::count()).rev().find(|cpu| ours.is_set(*cpu).unwrap_or(false)).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let mut only = CpuSet::new();
            only.set(cpu).unwrap();
            sched_setaffinity(Pid::from_raw(0), &only).unwrap();
            while !until.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self { cpu, done, thread: Some(thread) }
    }
}

impl Throttle for Neighbour {
    fn around(&self, words: &[String]) -> Vec<String> {
        let cpu = self.cpu.to_string();
        let beside = ["taskset", "--cpu-list", &cpu, "nice", "-n", "19"];
        beside.into_iter().map(str::to_owned).chain(words.iter().cloned()).collect()
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
