//! A small real stack for the tests: daemons that are shell scripts, with everything that an inventory says about a
//! part: a pid file, start, stop, ready and is_primary commands.

#![allow(dead_code, reason = "every test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use chaos::{Outcome, Patience};
use model::{Event, Inventory, Node, Process, Reach, ResolvedInjection, Role, Seed, What};
use tempfile::TempDir;

/// Long enough for anything that happens at all on a busy machine.
pub(crate) const AT_LAST: Duration = Duration::from_secs(60);

/// Waits for `condition`, and fails the test when it never holds.
#[track_caller]
pub(crate) fn await_that(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + AT_LAST;
    while !condition() {
        assert!(Instant::now() < give_up, "it never came to pass that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A directory with daemons; what still lives at the end is killed.
pub(crate) struct Stack {
    pub(crate) dir: TempDir,
    pub(crate) processes: Vec<Process>,
}

// Beats as long as it runs, has a worker in its group, and says goodbye when it is asked to end.
const DAEMON: &str = r#"
trap 'echo bye >>"$0.log"; kill $(cat "$0.worker"); rm -f "$0.pid"; exit' TERM
sleep 1000 & echo $! >"$0.worker"
echo $$ >"$0.new" && mv "$0.new" "$0.pid"
while :; do echo beat >>"$0.beats"; sleep 0.02; done
"#;

/// As [`DAEMON`], but does not care for SIGTERM.
const STUBBORN: &str = r#"
trap '' TERM
sleep 1000 & echo $! >"$0.worker"
echo $$ >"$0.new" && mv "$0.new" "$0.pid"
while :; do echo beat >>"$0.beats"; sleep 0.02; done
"#;

fn sh(script: String) -> Vec<String> {
    vec!["/bin/sh".into(), "-c".into(), script]
}

impl Stack {
    pub(crate) fn new() -> Self {
        Stack { dir: tempfile::tempdir().unwrap(), processes: Vec::new() }
    }

    /// The files of a daemon begin with this.
    pub(crate) fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.dir.path().join(format!("{name}{extension}"))
    }

    /// Describes a daemon without starting it.
    pub(crate) fn describe(&mut self, name: &str, role: Role, daemon: &str) -> &mut Process {
        let base = self.path(name, "");
        fs::write(&base, daemon).unwrap();
        let base = base.display();
        self.processes.push(Process {
            name: name.into(),
            part: name.into(),
            role,
            pid_file: format!("{base}.pid").into(),
            start: sh(format!("echo start >>{base}.log; setsid /bin/sh {base} </dev/null >/dev/null 2>&1 &")),
            stop: sh(format!(
                "echo stop >>{base}.log; kill $(cat {base}.pid); while [ -e {base}.pid ]; do sleep 0.01; done"
            )),
            // A process that nobody has reaped yet still takes signals.
            ready: sh(format!("grep -q '^State:.[^Z]' /proc/$(cat {base}.pid)/status")),
            is_primary: Vec::new(),
            supervised: false,
        });
        self.processes.last_mut().unwrap()
    }

    /// Starts a daemon that was described.
    pub(crate) fn start(&self, name: &str) {
        let process = self.processes.iter().find(|process| process.name == name).unwrap();
        let output = reach::run(&Reach::Local, &process.start, AT_LAST).unwrap();
        assert!(output.success(), "{}", output.complaint());
        await_that("the daemon beats", || self.beats(name) > 0);
        // What the test did is no part of the story.
        fs::remove_file(self.path(name, ".log")).unwrap();
    }

    pub(crate) fn daemon(&mut self, name: &str, role: Role) {
        self.describe(name, role, DAEMON);
        self.start(name);
    }

    pub(crate) fn stubborn(&mut self, name: &str, role: Role) {
        self.describe(name, role, STUBBORN);
        self.start(name);
    }

    pub(crate) fn database(&mut self, name: &str, primary: bool) {
        let role = self.path(name, ".primary");
        self.describe(name, Role::Database, DAEMON).is_primary = sh(format!("test -e {}", role.display()));
        if primary {
            fs::write(role, "").unwrap();
        }
        self.start(name);
    }

    /// One node per process, called `node-NAME`, or one node for all of them.
    pub(crate) fn inventory(&self, one_node: bool) -> Inventory {
        let node = |name: String, processes: Vec<Process>| Node {
            name,
            addresses: Vec::new(),
            reach: Reach::Local,
            processes,
        };
        let nodes = match one_node {
            true => vec![node("server1".into(), self.processes.clone())],
            false => self
                .processes
                .iter()
                .map(|process| node(format!("node-{}", process.name), vec![process.clone()]))
                .collect(),
        };
        inventory(nodes)
    }

    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        fs::read_to_string(self.path(name, ".pid")).ok()?.trim().parse().ok()
    }

    /// Lines that the daemon has written while it ran.
    pub(crate) fn beats(&self, name: &str) -> usize {
        fs::read_to_string(self.path(name, ".beats")).unwrap_or_default().lines().count()
    }

    /// What was done to the daemon by its own commands, in order.
    pub(crate) fn log(&self, name: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path(name, ".log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub(crate) fn worker(&self, name: &str) -> u32 {
        fs::read_to_string(self.path(name, ".worker")).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for process in &self.processes {
            // A keeper (see the test of supervised parts) ends by itself when its file is gone.
            let _ = fs::remove_file(self.path(&process.name, ".keep"));
            for file in [".pid", ".worker"] {
                let text = fs::read_to_string(self.path(&process.name, file)).unwrap_or_default();
                let Ok(pid) = text.trim().parse::<i32>() else { continue };
                // Only a process whose command line is one of ours.
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                if line.contains(&*self.dir.path().to_string_lossy()) || line.starts_with("sleep 1000") {
                    let pid = nix::unistd::Pid::from_raw(pid);
                    let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL);
                }
            }
        }
    }
}

pub(crate) fn inventory(nodes: Vec<Node>) -> Inventory {
    Inventory {
        design: "test".into(),
        summary: String::new(),
        nodes,
        links: Vec::new(),
        public_name: "www.foobar.com".into(),
        public_port: 80,
        ..Inventory::default()
    }
}

/// The state letter of a process; `None` when it is gone or a zombie.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    (state != 'Z' && state != 'X').then_some(state)
}

/// Injections as a schedule says them: `(at, for, lines)`.
pub(crate) fn resolved(inventory: &Inventory, injections: &[(&str, &str, &str)]) -> Vec<ResolvedInjection> {
    let mut text = "name = \"test\"\n".to_owned();
    for (at, hold, lines) in injections {
        text += &format!("[[injection]]\nat = \"{at}\"\nfor = \"{hold}\"\n{lines}\n");
    }
    let schedule = chaos::parse_schedule(&text, "test").unwrap();
    chaos::resolve(&schedule, inventory, Seed(1)).unwrap()
}

/// All events of a run, and what `watch` did when each of them came.
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    pub(crate) outcome: Outcome,
}

impl Told {
    /// The events as words, warnings left out: "injected 0", "healed 0", "void 1", "failed 0".
    pub(crate) fn story(&self) -> Vec<String> {
        self.events.iter().filter_map(|event| word(&event.what)).collect()
    }

    pub(crate) fn at(&self, story: &str) -> Instant {
        self.events.iter().find(|event| word(&event.what).as_deref() == Some(story)).unwrap().at
    }

    pub(crate) fn effect(&self) -> &str {
        let effect = |event: &'_ Event| matches!(event.what, What::FaultInjected { .. });
        match &self.events.iter().find(|event| effect(event)).unwrap().what {
            What::FaultInjected { effect, .. } => effect,
            _ => unreachable!(),
        }
    }

    pub(crate) fn void(&self) -> &str {
        self.events
            .iter()
            .find_map(|event| match &event.what {
                What::FaultVoid { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .unwrap()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match &event.what {
                What::Warning(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

pub(crate) fn word(what: &What) -> Option<String> {
    match what {
        What::FaultInjected { injection, .. } => Some(format!("injected {injection}")),
        What::FaultVoid { injection, .. } => Some(format!("void {injection}")),
        What::FaultHealed { injection } => Some(format!("healed {injection}")),
        What::HealFailed { injection, .. } => Some(format!("failed {injection}")),
        _ => None,
    }
}

/// Deadlines for a stack that does everything at once, when it does it at all.
pub(crate) fn short_patience() -> Patience {
    Patience {
        command: AT_LAST,
        effect: Duration::from_secs(5),
        service: Duration::from_secs(2),
        ready: Duration::from_secs(2),
    }
}

/// Runs the injections from now on; `watch` sees every event as it comes, and may stop the run.
pub(crate) fn run(
    inventory: &Inventory,
    injections: &[ResolvedInjection],
    watch: impl Fn(&str, &AtomicBool) + Send + Sync,
) -> Told {
    run_with(Patience { command: AT_LAST, ..Patience::default() }, inventory, injections, watch)
}

pub(crate) fn run_with(
    patience: Patience,
    inventory: &Inventory,
    injections: &[ResolvedInjection],
    watch: impl Fn(&str, &AtomicBool) + Send + Sync,
) -> Told {
    let events = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    let sink = |event: Event| {
        if let Some(word) = word(&event.what) {
            watch(&word, &stop);
        }
        events.lock().unwrap().push(event);
    };
    let outcome = chaos::run_with(patience, injections, inventory, Instant::now(), &sink, &stop);
    Told { events: events.into_inner().unwrap(), outcome }
}

/// Starts this very test program again as a harness of its own that runs one ignored test in `dir`.
pub(crate) fn harness(test: &str, dir: &Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .env("CHAOS_TEST_DIR", dir)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// The directory that [`harness`] was given; `None` when the test was started otherwise.
pub(crate) fn harness_dir() -> Option<PathBuf> {
    std::env::var_os("CHAOS_TEST_DIR").map(Into::into)
}
