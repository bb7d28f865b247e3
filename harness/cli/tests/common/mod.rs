//! What the whole-program tests share: the binary, a place of its own for each test, and processes by namespace.

#![allow(dead_code, unreachable_pub, reason = "each test target uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "tests say what they expect by unwrapping it"
)]

pub mod lab;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for the slowest machine; what is awaited ends the wait much sooner.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An empty home, working directory and temporary folder, so that whatever is left behind is seen.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["home", "cwd", "tmp"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn cwd(&self) -> PathBuf {
        self.path().join("cwd")
    }

    /// The program under test, in this place, with the parts that `script/setup` has got.
    pub fn brownout<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let cache = targets::parts::cache_dir().expect("HOME or BROWNOUT_CACHE must be set");
        let mut command = Command::new(env!("CARGO_BIN_EXE_brownout"));
        command
            .args(args)
            .current_dir(self.cwd())
            .env("HOME", self.path().join("home"))
            .env("TMPDIR", self.path().join("tmp"))
            .env("BROWNOUT_CACHE", cache)
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ended {
        Ended::of(self.brownout(args).output().unwrap())
    }

    /// Every file below, for seeing what was left behind.
    pub fn files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.path());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found
    }
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code and that the message names what it should.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
        self
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn await_that(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < give_up, "waited {PATIENCE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Every process id of this machine.
pub fn pids() -> Vec<u32> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The processes that `pid` started and that are still there.
pub fn children(pid: u32) -> Vec<u32> {
    pids().into_iter().filter(|child| parent(*child) == Some(pid)).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// "net:[4026531840]": which namespace of that kind a process is in.
pub fn namespace(pid: u32, kind: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()
}

/// A lab in the background, killed with the test.
pub struct Background(pub Child);

impl Background {
    pub fn start(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Ended {
        use std::io::Read as _;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        self.0.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        self.0.stderr.take().unwrap().read_to_end(&mut err).unwrap();
        let status = self.0.wait().unwrap();
        Ended::of(Output { status, stdout: out, stderr: err })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `command` of `home` as an argument of another one, which starts it.
pub fn by(starter: &[&str], command: &Command, home: &Home) -> Command {
    let mut started = Command::new(starter[0]);
    started.args(&starter[1..]).arg(command.get_program()).args(command.get_args());
    started.current_dir(home.cwd()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => started.env(name, value),
            None => started.env_remove(name),
        };
    }
    started
}

/// Waits until the lab in the background says that it is up.
#[track_caller]
pub fn await_up(lab: &mut Background) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut lines = BufReader::new(lab.0.stdout.as_mut().unwrap()).lines();
    if !lines.any(|line| line.is_ok_and(|line| line.contains("takes it down"))) {
        let mut said = String::new();
        lab.0.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        panic!("the lab ended before it was up: {said}");
    }
}
