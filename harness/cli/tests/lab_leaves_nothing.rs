//! However it ends, a lab leaves no process, namespace, mount, cgroup, interface or file.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use common::{Background, Home, await_that, await_up, by, children, namespace, pids};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What a lab consists of while it is there.
#[derive(Debug, Default)]
struct Traces {
    /// The lab's own namespaces, which no process may be in afterwards.
    namespaces: HashSet<PathBuf>,
    cgroups: Vec<PathBuf>,
}

impl Traces {
    /// Looks at every process below `guard`.
    fn of(guard: u32) -> Self {
        let mut namespaces = HashSet::new();
        let mut open = vec![guard];
        while let Some(pid) = open.pop() {
            open.extend(children(pid));
            for kind in ["mnt", "net", "pid", "uts", "ipc"] {
                let outside = namespace(std::process::id(), kind);
                namespaces.extend(namespace(pid, kind).filter(|own| Some(own) != outside.as_ref()));
            }
        }
        let cgroups = ["cpu", "memory", "unified", ""]
            .map(|controller| Path::new("/sys/fs/cgroup").join(controller).join(format!("brownout-{guard}")));
        Self { namespaces, cgroups: cgroups.to_vec() }
    }

    /// What is left of it.
    fn left(&self) -> Vec<String> {
        let inside = |pid: &u32| {
            ["mnt", "net", "pid", "uts", "ipc"]
                .iter()
                .any(|kind| namespace(*pid, kind).is_some_and(|own| self.namespaces.contains(&own)))
        };
        let describe = |pid: u32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!("process {pid} {}", line.replace('\0', " "))
        };
        let mut left: Vec<String> = pids().into_iter().filter(inside).map(describe).collect();
        left.extend(self.cgroups.iter().filter(|path| path.exists()).map(|path| path.display().to_string()));
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        left.extend(mounts.lines().filter(|line| line.contains("brownout")).map(str::to_owned));
        left.extend(
            ["/sys/class/net/lab", "/run/brownout"]
                .iter()
                .filter(|path| Path::new(path).exists())
                .map(|path| (*path).to_owned()),
        );
        left
    }
}

fn assert_nothing_left(traces: &Traces, home: &Home, what: &str) {
    await_that(&format!("{what} leaves nothing, but {:?}", traces.left()), || traces.left().is_empty());
    let files = home.files();
    assert!(files.is_empty(), "{what} left files: {files:?}");
}

/// The guard, the janitor, process 1 and the command inside, as far as they are there yet.
fn our_processes(guard: u32) -> Vec<u32> {
    let mut ours = vec![guard];
    for child in children(guard) {
        ours.push(child);
        let line = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
        if line.contains("lab-init") {
            ours.extend(children(child).into_iter().min());
        }
    }
    ours
}

#[test]
fn kill_9_of_any_of_our_processes_at_any_moment_leaves_nothing() {
    // From before there is a namespace until long after the lab is up; each moment kills another of our processes.
    let moments_ms = [0, 15, 60, 150, 300, 500, 800, 1_200, 1_800, 2_600];
    for (round, moment) in moments_ms.into_iter().enumerate() {
        let home = Home::new();
        let lab = Background::start(home.brownout(["up", "1-distributed"]));
        let guard = lab.0.id();
        thread::sleep(Duration::from_millis(moment));
        let ours = our_processes(guard);
        let victim = ours[round % ours.len()];
        let traces = Traces::of(guard);
        let line = fs::read_to_string(format!("/proc/{victim}/cmdline")).unwrap_or_default();
        let what = format!("kill -9 of `{}` after {moment} ms", line.replace('\0', " "));
        kill(Pid::from_raw(victim.cast_signed()), Signal::SIGKILL).unwrap();
        if line.contains("lab-janitor") {
            // Without it the lab goes on, and cleans up by itself at its end.
            lab.signal(Signal::SIGTERM);
        }
        lab.finish();
        assert_nothing_left(&traces, &home, &what);
    }
}

#[test]
fn ctrl_c_takes_a_lab_down_and_leaves_nothing() {
    let home = Home::new();
    let mut lab = Background::start(home.brownout(["up", "0-simple"]));
    await_up(&mut lab);
    let traces = Traces::of(lab.0.id());
    assert!(traces.namespaces.len() > 4, "{traces:?}");
    lab.signal(Signal::SIGINT);
    lab.finish().expect(0, &["taking 0-simple down"]);
    assert_nothing_left(&traces, &home, "ctrl-C");
}

#[test]
fn sigterm_while_coming_up_ends_it_with_143_and_leaves_nothing() {
    let home = Home::new();
    let lab = Background::start(home.brownout(["up", "1-distributed"]));
    let guard = lab.0.id();
    // Inside, and listening: the first daemon has been started.
    await_that("a daemon of the lab is started", || {
        our_processes(guard).last().is_some_and(|inner| children(*inner).len() > 1)
    });
    let traces = Traces::of(guard);
    lab.signal(Signal::SIGTERM);
    lab.finish().expect(143, &["interrupted by signal 15"]);
    assert_nothing_left(&traces, &home, "SIGTERM");
}

#[test]
fn a_certificate_that_cannot_be_written_is_named_and_nothing_is_left() {
    let home = Home::new();
    // No file may be larger than what setting up the network takes, and a certificate with its chain is. Who ignores the
    // signal about it is told by an error.
    let limit = "trap '' XFSZ; exec prlimit --fsize=700 \"$@\"";
    let limited = by(&["sh", "-c", limit, "limited"], &home.brownout(["up", "2-secured"]), &home);
    let mut lab = Background::start(limited);
    // It does not live for long: all that was seen of it until it ended.
    let mut traces = Traces::of(lab.0.id());
    while lab.0.try_wait().unwrap().is_none() {
        traces.namespaces.extend(Traces::of(lab.0.id()).namespaces);
        thread::sleep(Duration::from_millis(1));
    }
    lab.finish().expect(5, &["cannot write the certificate /run/brownout/tls/", "File too large"]);
    assert_nothing_left(&traces, &home, "a certificate that cannot be written");
}
