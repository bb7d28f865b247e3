//! The sealed sandbox: fresh namespaces that vanish whatever happens.
//!
//! ```text
//!   outside   guard     the command a person started; waits, passes signals on, removes cgroups
//!             janitor   removes the cgroups when the guard could not (only where there are cgroups)
//!   inside    init      process 1 of the pid namespace; dies with the guard, and everything dies with it
//!             brownout  the same command again, which now finds itself sealed
//! ```
//!
//! Mounts, rules, interfaces and processes are the kernel's to remove when process 1 is gone: that is its own promise
//! (`pid_namespaces(7)`), so it also holds for SIGKILL. Process 1 asks to be killed when the guard dies
//! (`PR_SET_PDEATHSIG`) and then looks whether the guard is still there, since it may have died before the asking.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getgid, getpid, getppid, getuid};
use thiserror::Error;

use crate::groups;
use crate::hardware::Hardware;
use crate::registry::{Registration, RunningLab};

/// Set for the command inside; holds what [`Hardware`] the guard has claimed for it.
const SEALED: &str = "BROWNOUT_SEALED";
/// Set to its own process id by a command that starts another one with a lab, which then dies with it.
pub const PARENT: &str = "BROWNOUT_PARENT";
/// Where the lab's own files live: a tmpfs that only the lab sees.
pub const RUN_DIR: &str = "/run/brownout";

/// Where programs are looked for inside: ordinary users often lack the `sbin` folders.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why the sandbox could not be made.
#[derive(Debug, Error)]
pub enum SealError {
    /// The kernel refuses new namespaces.
    #[error(
        "cannot make namespaces: {0}; user namespaces must be allowed \
         (sysctl user.max_user_namespaces above 0; on Ubuntu 23.10 and later also \
         kernel.apparmor_restrict_unprivileged_userns=0), or run as root"
    )]
    Namespaces(io::Error),
    /// The uid or gid could not be mapped.
    #[error("cannot map the user into the sandbox ({path}): {source}")]
    Map {
        /// The file that takes the mapping.
        path: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A mount that the sandbox needs was refused.
    #[error("cannot mount {what} in the sandbox: {source}; `brownout doctor` says what this machine lacks")]
    Mount {
        /// What was to be mounted.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Anything else that the kernel refused.
    #[error("cannot {what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The guard died while the sandbox was being made.
    #[error("the command that started this sandbox is gone")]
    Orphaned,
}

fn system(what: &'static str) -> impl Fn(io::Error) -> SealError {
    move |source| SealError::System { what, source }
}

/// What the guard passes to the command inside.
#[derive(Debug)]
pub struct Sealed {
    /// The cgroups claimed for the nodes.
    pub hardware: Hardware,
}

/// Whether this process is the command inside, and what it was given.
#[must_use]
pub fn sealed() -> Option<Sealed> {
    let claimed = std::env::var(SEALED).ok()?;
    // Inherited blocked from process 1, which waits for them.
    let _ = attended_signals().thread_unblock();
    Some(Sealed { hardware: Hardware::decode(&claimed) })
}

/// Runs this very command line again inside new namespaces, with the parts' `/usr` over the machine's, and returns how
/// it ended. `label` is shown by `brownout exec` to tell labs apart. Must be called while the process has one thread,
/// since that is what the kernel demands for a new user namespace.
///
/// # Errors
///
/// When the kernel refuses a namespace or the command cannot be started again.
pub fn run_sealed(parts: &Path, label: &str) -> Result<ExitStatus, SealError> {
    // Before there is anything to remove, since this process may be killed at any moment.
    let mut janitor = Janitor::hire(&Hardware::candidates())?;
    let hardware = Hardware::claim();
    if hardware.claimed() != Hardware::candidates() {
        janitor.dismiss();
        janitor = Janitor::hire(&hardware.claimed())?;
    }
    let result = guard(parts, label, &hardware);
    hardware.remove();
    janitor.dismiss();
    result
}

fn guard(parts: &Path, label: &str, hardware: &Hardware) -> Result<ExitStatus, SealError> {
    let exe = std::env::current_exe().map_err(system("find this program's file"))?;
    let _registration = Registration::announce(label).map_err(system("register the lab"))?;
    enter_namespaces()?;
    die_with_parent()?;
    let signals = block_signals()?;
    let (life, _held_until_we_die) = io::pipe().map_err(system("make a pipe"))?;
    let mut init = Command::new(exe)
        .arg("lab-init")
        .arg(parts)
        .args(std::env::args_os().skip(1))
        .env(SEALED, hardware.encode())
        .stdin(life)
        .process_group(0)
        .spawn()
        .map_err(system("start the sandbox's first process"))?;
    attend(&mut init, &signals)
}

/// Where another command of ours started this one: asks to die with it, and then looks whether it is still there.
fn die_with_parent() -> Result<(), SealError> {
    let Some(parent) = std::env::var(PARENT).ok().and_then(|pid| pid.parse().ok()) else { return Ok(()) };
    set_pdeathsig(Signal::SIGKILL)
        .map_err(|errno| SealError::System { what: "tie the lab to its starter", source: errno.into() })?;
    if getppid() == Pid::from_raw(parent) { Ok(()) } else { Err(SealError::Orphaned) }
}

fn enter_namespaces() -> Result<(), SealError> {
    let (uid, gid) = (getuid(), getgid());
    let always = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWCGROUP;
    // Root of a container may lack the capability, and then it is as good as anyone else.
    if uid.is_root() && unshare(always).is_ok() {
        // Unless it is that of a user namespace, where it may not leave a group.
        return match groups::may_be_left(getpid()) {
            true => Ok(()),
            false => leave_groups_in_name(),
        };
    }
    unshare(always | CloneFlags::CLONE_NEWUSER).map_err(|errno| SealError::Namespaces(errno.into()))?;
    let write = |path: &'static str, text: String| {
        fs::write(path, text).map_err(|source| SealError::Map { path, source })
    };
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    leave_groups_in_name()
}

fn leave_groups_in_name() -> Result<(), SealError> {
    groups::leave_in_name().map_err(system("filter the system calls of the sandbox"))
}

/// Moves this process into a running lab, for `brownout exec`. Its children will be in the lab's pid namespace. Must be
/// called while the process has one thread.
///
/// # Errors
///
/// When the lab is gone or belongs to someone else.
pub fn enter(lab: &RunningLab) -> Result<(), SealError> {
    let join = || -> io::Result<()> {
        let namespace = |name: &str| format!("/proc/{}/ns/{name}", lab.guard);
        // Opened before any is joined: /proc is another one inside.
        let pids = fs::File::open(namespace("pid_for_children"))?;
        if !groups::may_be_left(lab.guard) {
            // What is started from here is to fare as it did when the lab started it.
            groups::leave_in_name()?;
        }
        let others: Vec<fs::File> = ["mnt", "net", "uts", "ipc", "cgroup"]
            .iter()
            .map(|name| fs::File::open(namespace(name)))
            .collect::<io::Result<_>>()?;
        if fs::read_link(namespace("user"))? != fs::read_link("/proc/self/ns/user")? {
            setns(fs::File::open(namespace("user"))?, CloneFlags::CLONE_NEWUSER)?;
        }
        others.into_iter().try_for_each(|file| setns(file, CloneFlags::empty()))?;
        setns(pids, CloneFlags::CLONE_NEWPID)?;
        Ok(())
    };
    join().map_err(system("enter the lab"))
}

/// The first process of the pid namespace: prepares the mounts, runs `args` as a command line of this program, reaps
/// whatever loses its parent, and ends as the command ends.
///
/// # Errors
///
/// When a mount is refused or the command cannot be started.
pub fn init(parts: &Path, args: &[std::ffi::OsString]) -> Result<ExitStatus, SealError> {
    let errno = |what| move |errno: nix::Error| SealError::System { what, source: errno.into() };
    set_pdeathsig(Signal::SIGKILL).map_err(errno("tie the sandbox to its guard"))?;
    if guard_is_gone()? {
        return Err(SealError::Orphaned);
    }
    let signals = block_signals()?;
    prepare_mounts(parts)?;
    let exe = std::env::current_exe().map_err(system("find this program's file"))?;
    let mut command = Command::new(exe)
        .args(args)
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .spawn()
        .map_err(system("start the command inside the sandbox"))?;
    attend(&mut command, &signals)
}

/// Standard input is a pipe whose other end only the guard holds.
fn guard_is_gone() -> Result<bool, SealError> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO)
        .map_err(|errno| SealError::System { what: "look for the guard", source: errno.into() })?;
    Ok(fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
}

fn prepare_mounts(parts: &Path) -> Result<(), SealError> {
    let none = None::<&str>;
    let error = |what: &str| {
        let what = what.to_owned();
        move |errno: nix::Error| SealError::Mount { what, source: errno.into() }
    };
    // What is mounted here must not reach the machine.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(error("/ as private"))?;
    let usr = parts.join("usr");
    if usr.is_dir() {
        let options = format!("lowerdir={}:/usr", usr.display());
        mount(Some("overlay"), "/usr", Some("overlay"), MsFlags::MS_RDONLY, Some(options.as_str()))
            .map_err(error("the parts over /usr"))?;
    }
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).map_err(error("/proc"))?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).map_err(error("/run"))?;
    for dir in ["net", "nodes", "cgroups"] {
        fs::create_dir_all(PathBuf::from(RUN_DIR).join(dir)).map_err(system("make the lab's folders"))?;
    }
    Ok(())
}

/// What [`attend`] waits for.
fn attended_signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect()
}

/// Blocks what [`attend`] waits for before there is a child, so that none is missed.
fn block_signals() -> Result<SigSet, SealError> {
    let signals = attended_signals();
    signals
        .thread_block()
        .map_err(|errno| SealError::System { what: "block signals", source: errno.into() })?;
    Ok(signals)
}

/// Waits until `child` ends, passing signals on to it and reaping every other child on the way.
fn attend(child: &mut Child, signals: &SigSet) -> Result<ExitStatus, SealError> {
    let pid = Pid::from_raw(child.id().cast_signed());
    loop {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(ended, code)) if ended == pid => {
                    return Ok(ExitStatus::from_raw((code & 0xff) << 8));
                }
                Ok(WaitStatus::Signaled(ended, signal, _)) if ended == pid => {
                    return Ok(ExitStatus::from_raw(signal as i32));
                }
                Ok(WaitStatus::StillAlive) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let signal = signals
            .wait()
            .map_err(|errno| SealError::System { what: "wait for signals", source: errno.into() })?;
        if signal != Signal::SIGCHLD {
            // It may have ended in this very moment; the next turn sees that.
            let _ = kill(pid, signal);
        }
    }
}

/// Removes the cgroups when the guard was killed: cgroups are the one thing of a lab that the kernel does not remove
/// by itself. It holds nothing of the lab and sees the guard's end as the end of its standard input.
struct Janitor(Option<Child>);

impl Janitor {
    fn hire(cgroups: &[PathBuf]) -> Result<Self, SealError> {
        if cgroups.is_empty() {
            return Ok(Self(None));
        }
        let exe = std::env::current_exe().map_err(system("find this program's file"))?;
        let child = Command::new(exe)
            .arg("lab-janitor")
            .args(cgroups)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(system("start the janitor"))?;
        Ok(Self(Some(child)))
    }

    fn dismiss(self) {
        if let Some(mut child) = self.0 {
            drop(child.stdin.take());
            // Reaped so that no zombie is left to whoever started us; how it ended says nothing more.
            let _ = child.wait();
        }
    }
}

/// What the janitor does: waits for the guard's end and removes `cgroups`.
///
/// # Errors
///
/// When standard input cannot be read.
pub fn janitor(cgroups: &[PathBuf]) -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new())?;
    Hardware::remove_all(cgroups);
    Ok(())
}
