//! Starts, watches and stops the processes of a lab: what systemd is on a server.
//!
//! Faults do not call it. They use a process's start and stop *commands*, as they would on anyone's server; in a lab
//! those commands ask the supervisor through [`crate::control`].

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::{Event, Reach, Sink, What};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use thiserror::Error;

use crate::part::Ready;
use crate::probe;

/// Between two questions whether a process is ready.
const ASK_EVERY: Duration = Duration::from_millis(20);
const RUN_EVERY: Duration = Duration::from_millis(500);
/// A supervised process that died sooner than this after its start is started again only after as long a pause.
const TOO_SOON: Duration = Duration::from_secs(1);

/// A process that the supervisor knows how to start, stop and ask.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) node: String,
    pub(crate) process: String,
    pub(crate) reach: Reach,
    pub(crate) address: IpAddr,
    pub(crate) argv: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) pid_file: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) stop_signal: Signal,
    pub(crate) stop_timeout: Duration,
    pub(crate) ready: Ready,
    pub(crate) ready_timeout: Duration,
    pub(crate) supervised: bool,
}

/// Why a process is not as it was asked to be.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// No such process.
    #[error("no process `{process}` on node `{node}`")]
    Unknown {
        /// The node asked for.
        node: String,
        /// The process asked for.
        process: String,
    },
    /// It could not be started.
    #[error("cannot start {process} on {node}: {source}")]
    Start {
        /// Its node.
        node: String,
        /// Its name.
        process: String,
        /// What was in the way.
        source: reach::ReachError,
    },
    /// A file of its own could not be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The pid or log file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It did not become ready.
    #[error("{process} on {node} is not ready: {why}\n{log}")]
    NotReady {
        /// Its node.
        node: String,
        /// Its name.
        process: String,
        /// What the probe got instead.
        why: String,
        /// The last lines of its log.
        log: String,
    },
}

#[derive(Debug, Default)]
struct State {
    pid: Option<i32>,
    /// Whether it should run: a stop that was asked for is no reason to start it again.
    wanted: bool,
    /// How the last run ended, for the message when it was not ready.
    last_end: Option<String>,
}

/// The processes of a lab.
pub(crate) struct Supervisor {
    services: Vec<Service>,
    states: Mutex<Vec<State>>,
    changed: Condvar,
    sink: Arc<dyn Sink>,
}

impl Supervisor {
    pub(crate) fn new(services: Vec<Service>, sink: Arc<dyn Sink>) -> Arc<Self> {
        let states = Mutex::new(services.iter().map(|_| State::default()).collect());
        Arc::new(Self { services, states, changed: Condvar::new(), sink })
    }

    pub(crate) fn services(&self) -> &[Service] {
        &self.services
    }

    pub(crate) fn index(&self, node: &str, process: &str) -> Result<usize, ServiceError> {
        self.services
            .iter()
            .position(|service| service.node == node && service.process == process)
            .ok_or_else(|| ServiceError::Unknown { node: node.to_owned(), process: process.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        // The states are plain values that are right at every moment, whoever panicked.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, what: What) {
        self.sink.emit(Event { at: Instant::now(), what });
    }

    /// Starts the process unless it runs, and returns when it has a process id.
    pub(crate) fn start(self: &Arc<Self>, index: usize) -> Result<(), ServiceError> {
        let service = &self.services[index];
        let mut states = self.lock();
        states[index].wanted = true;
        if states[index].pid.is_some() {
            return Ok(());
        }
        let child = spawn(service)?;
        let pid = child.id();
        let leader = pid.cast_signed();
        write_pid(&service.pid_file, pid)
            .map_err(|source| ServiceError::File { path: service.pid_file.clone(), source })?;
        states[index].pid = Some(leader);
        drop(states);
        self.emit(What::ProcessStarted { node: service.node.clone(), process: service.process.clone(), pid });
        let this = Arc::clone(self);
        thread::spawn(move || this.watch(index, child));
        let this = Arc::clone(self);
        thread::spawn(move || this.announce_ready(index, leader));
        Ok(())
    }

    /// Waits for the end of a process, and starts it again where that is its supervisor's business.
    fn watch(self: &Arc<Self>, index: usize, mut child: Child) {
        let began = Instant::now();
        let service = &self.services[index];
        let status = child.wait().map_or_else(|error| error.to_string(), reach::describe);
        // What the leader leaves behind goes with it, as with systemd's KillMode=control-group.
        let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        let _ = fs::remove_file(&service.pid_file);
        self.emit(What::ProcessDied {
            node: service.node.clone(),
            process: service.process.clone(),
            status: status.clone(),
        });
        let mut states = self.lock();
        states[index].pid = None;
        states[index].last_end = Some(status);
        self.changed.notify_all();
        if !service.supervised {
            return;
        }
        if began.elapsed() < TOO_SOON {
            drop(states);
            thread::sleep(TOO_SOON);
            states = self.lock();
        }
        let wanted = states[index].wanted;
        drop(states);
        if wanted && let Err(error) = self.start(index) {
            self.emit(What::Warning(error.to_string()));
        }
    }

    fn announce_ready(&self, index: usize, pid: i32) {
        let service = &self.services[index];
        let deadline = Instant::now() + service.ready_timeout;
        while Instant::now() < deadline && self.lock()[index].pid == Some(pid) {
            if self.ask(index).is_ok() {
                let (node, process) = (service.node.clone(), service.process.clone());
                self.emit(What::ProcessReady { node, process });
                return;
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// Stops the process in good order, killing what does not stop in time, and returns when it is gone.
    pub(crate) fn stop(&self, index: usize) {
        let service = &self.services[index];
        let mut states = self.lock();
        states[index].wanted = false;
        let Some(pid) = states[index].pid.map(Pid::from_raw) else { return };
        // It may have ended in this very moment, which is what is wanted.
        let _ = kill(pid, service.stop_signal);
        let gone = |states: &mut Vec<State>| states[index].pid != Some(pid.as_raw());
        let (states, timeout) = self
            .changed
            .wait_timeout_while(states, service.stop_timeout, |states| !gone(states))
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let _ = killpg(pid, Signal::SIGKILL);
            drop(self.changed.wait_while(states, |states| !gone(states)));
        }
    }

    /// Asks the process once whether it does its work.
    pub(crate) fn ask(&self, index: usize) -> Result<(), String> {
        let service = &self.services[index];
        // Asked from the node's network but on the generator's side of the hardware.
        let reach = match &service.reach {
            Reach::Namespace { net, .. } => Reach::Namespace { net: net.clone(), cgroup_procs: Vec::new() },
            Reach::Local => Reach::Local,
        };
        probe::ask(&service.ready, &reach, service.address)
    }

    /// Waits until the process is ready, has died or its time is over.
    pub(crate) fn wait_ready(
        &self,
        index: usize,
        ready: &Ready,
        give_up: &dyn Fn() -> bool,
    ) -> Result<(), ServiceError> {
        let service = &self.services[index];
        let deadline = Instant::now() + service.ready_timeout;
        loop {
            let reach = Reach::Namespace {
                net: crate::network::namespace_path(&service.node),
                cgroup_procs: Vec::new(),
            };
            let answer = probe::ask(ready, &reach, service.address);
            let states = self.lock();
            let why = match (&answer, states[index].pid) {
                (Ok(()), _) => return Ok(()),
                (Err(_), None) => {
                    format!("it ended with {}", states[index].last_end.as_deref().unwrap_or("no status"))
                }
                (Err(why), Some(_)) if Instant::now() >= deadline => {
                    format!("{why} (after {:?})", service.ready_timeout)
                }
                (Err(_), Some(_)) if give_up() => "given up".to_owned(),
                (Err(_), Some(_)) => {
                    drop(states);
                    // A command costs more than a question over a socket.
                    thread::sleep(if matches!(ready, Ready::Command { .. }) { RUN_EVERY } else { ASK_EVERY });
                    continue;
                }
            };
            let (node, process) = (service.node.clone(), service.process.clone());
            return Err(ServiceError::NotReady { node, process, why, log: last_lines(&service.log) });
        }
    }
}

fn spawn(service: &Service) -> Result<Child, ServiceError> {
    let file = |source| ServiceError::File { path: service.log.clone(), source };
    let log = OpenOptions::new().create(true).append(true).open(&service.log).map_err(file)?;
    let errors = log.try_clone().map_err(file)?;
    reach::spawn(&service.reach, &service.argv, |command| {
        command.envs(&service.environment).stdout(log).stderr(errors);
        command.current_dir("/");
    })
    .map_err(|source| ServiceError::Start {
        node: service.node.clone(),
        process: service.process.clone(),
        source,
    })
}

/// Renamed into place, so that a reader sees the whole number or no file.
fn write_pid(path: &Path, pid: u32) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, pid.to_string())?;
    fs::rename(temporary, path)
}

fn last_lines(log: &Path) -> String {
    const LINES: usize = 8;
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    if last.is_empty() { "(its log is empty)".to_owned() } else { format!("  | {}", last.join("\n  | ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn supervise(
        script: &str,
        supervised: bool,
    ) -> (Arc<Supervisor>, mpsc::Receiver<What>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let service = Service {
            node: "here".into(),
            process: "daemon".into(),
            reach: Reach::Local,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            environment: BTreeMap::new(),
            pid_file: dir.path().join("pid"),
            log: dir.path().join("log"),
            stop_signal: Signal::SIGTERM,
            stop_timeout: Duration::from_millis(300),
            ready: Ready::Http { http: "http://127.0.0.1:1/".into(), authority: String::new() },
            ready_timeout: Duration::from_millis(200),
            supervised,
        };
        let (sender, events) = mpsc::channel();
        let sink = move |event: Event| {
            let _ = sender.send(event.what);
        };
        (Supervisor::new(vec![service], Arc::new(sink)), events, dir)
    }

    fn next(events: &mpsc::Receiver<What>) -> What {
        events.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    #[test]
    fn a_process_has_a_pid_file_while_it_runs_and_its_death_is_told() {
        let (supervisor, events, dir) = supervise("exec sleep 60", false);
        supervisor.start(0).unwrap();
        let What::ProcessStarted { pid, .. } = next(&events) else { panic!("not started") };
        assert_eq!(fs::read_to_string(dir.path().join("pid")).unwrap(), pid.to_string());
        killpg(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
        assert!(matches!(next(&events), What::ProcessDied { status, .. } if status == "signal 9"));
        assert!(!dir.path().join("pid").exists());
    }

    #[test]
    fn a_supervised_process_comes_back_unless_it_was_stopped() {
        let (supervisor, events, _dir) = supervise("exec sleep 60", true);
        supervisor.start(0).unwrap();
        let What::ProcessStarted { pid, .. } = next(&events) else { panic!("not started") };
        killpg(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
        assert!(matches!(next(&events), What::ProcessDied { .. }));
        assert!(matches!(next(&events), What::ProcessStarted { .. }));
        supervisor.stop(0);
        assert!(matches!(next(&events), What::ProcessDied { .. }));
        assert!(events.recv_timeout(TOO_SOON * 2).is_err(), "started again although it was stopped");
    }

    #[test]
    fn what_does_not_stop_in_time_is_killed_with_its_children() {
        let script = "trap '' TERM; sleep 60 & echo deaf; while :; do wait; done";
        let (supervisor, events, dir) = supervise(script, false);
        supervisor.start(0).unwrap();
        assert!(matches!(next(&events), What::ProcessStarted { .. }));
        while fs::read_to_string(dir.path().join("log")).unwrap_or_default() != "deaf\n" {
            thread::sleep(ASK_EVERY);
        }
        supervisor.stop(0);
        assert!(matches!(next(&events), What::ProcessDied { status, .. } if status == "signal 9"));
    }

    #[test]
    fn a_process_that_dies_early_is_reported_with_its_last_words() {
        let (supervisor, _events, _dir) = supervise("echo no such option >&2; exit 3", false);
        supervisor.start(0).unwrap();
        let ready = supervisor.services()[0].ready.clone();
        let error = supervisor.wait_ready(0, &ready, &|| false).unwrap_err().to_string();
        assert!(error.contains("daemon on here") && error.contains("no such option"), "{error}");
    }
}
