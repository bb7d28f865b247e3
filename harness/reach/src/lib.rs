//! How a command is run on a node, and nothing about why.
//!
//! A node of a lab is a network namespace with cgroups. A thread that joins the namespace passes it on to everything
//! it starts, so no code has to run between fork and exec; a shell puts itself into the cgroups before it becomes the
//! command.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::Reach;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use thiserror::Error;

/// Why a command could not be run on a node.
#[derive(Debug, Error)]
pub enum ReachError {
    /// The node's network namespace is gone or may not be joined.
    #[error("cannot join the network namespace {path}: {source}; is the lab still up?")]
    Join {
        /// The file that keeps the namespace.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The command does not exist or may not be run.
    #[error("cannot run `{command}`: {source}")]
    Spawn {
        /// The program's name.
        command: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The command did not end in time and was killed.
    #[error("`{command}` did not end within {deadline:?}")]
    Deadline {
        /// The command line.
        command: String,
        /// How long it was given.
        deadline: Duration,
    },
    /// An empty command line.
    #[error("an empty command line cannot be run")]
    Empty,
    /// A thread that worked on the node panicked.
    #[error("work on the node panicked")]
    Panicked,
}

/// What a finished command left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, lossily decoded.
    pub stdout: String,
    /// Its standard error, lossily decoded.
    pub stderr: String,
}

impl Output {
    /// Whether it exited with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// How it ended and the last line it wrote, for an error message.
    #[must_use]
    pub fn complaint(&self) -> String {
        let last = |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
        let said = last(&self.stderr).or_else(|| last(&self.stdout)).unwrap_or_default();
        format!("{}: {said}", describe(self.status))
    }
}

/// An exit status in words: "exit status 1", "signal 9".
#[must_use]
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Runs `work` on a thread of its own in the node's network.
///
/// # Errors
///
/// When the namespace cannot be joined or `work` panics.
pub fn within<T: Send>(reach: &Reach, work: impl FnOnce() -> T + Send) -> Result<T, ReachError> {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                join(reach)?;
                Ok(work())
            })
            .join()
            .unwrap_or(Err(ReachError::Panicked))
    })
}

/// Moves the calling thread into the node's network, for good.
///
/// # Errors
///
/// When the namespace cannot be joined.
pub fn join(reach: &Reach) -> Result<(), ReachError> {
    let Reach::Namespace { net, .. } = reach else { return Ok(()) };
    let error = |source| ReachError::Join { path: net.clone(), source };
    let file = File::open(net).map_err(error)?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(|errno| error(errno.into()))
}

/// A command line that puts itself into the node's cgroups and then becomes `argv`. It still has to be spawned from
/// within the node's network: see [`spawn`].
fn command(reach: &Reach, argv: &[String]) -> Result<Command, ReachError> {
    let program = argv.first().ok_or(ReachError::Empty)?;
    let procs = match reach {
        Reach::Local => &[][..],
        Reach::Namespace { cgroup_procs, .. } => cgroup_procs,
    };
    if procs.is_empty() {
        let mut command = Command::new(program);
        command.args(&argv[1..]);
        return Ok(command);
    }
    let mut command = Command::new("/bin/sh");
    let script = r#"while [ "$1" != -- ]; do echo $$ >"$1" || exit 126; shift; done; shift; exec "$@""#;
    command.args(["-c", script, "sh"]).args(procs).arg("--").args(argv);
    Ok(command)
}

/// Starts `argv` on the node as the leader of a process group of its own, after `prepare` has set its streams.
///
/// # Errors
///
/// When the node cannot be reached or the command not be started.
pub fn spawn(
    reach: &Reach,
    argv: &[String],
    prepare: impl FnOnce(&mut Command) + Send,
) -> Result<Child, ReachError> {
    let mut command = command(reach, argv)?;
    command.stdin(Stdio::null()).process_group(0);
    prepare(&mut command);
    let name = argv[0].clone();
    within(reach, move || command.spawn().map_err(|source| ReachError::Spawn { command: name, source }))?
}

/// Runs `argv` on the node to its end, for at most `deadline`; then its whole process group is killed.
///
/// # Errors
///
/// When the node cannot be reached, the command not be started, or the deadline passes. A command that ends with a
/// status other than 0 is no error here: see [`Output::success`].
pub fn run(reach: &Reach, argv: &[String], deadline: Duration) -> Result<Output, ReachError> {
    let mut child = spawn(reach, argv, |command| {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    })?;
    let stdout = Collected::from(child.stdout.take());
    let stderr = Collected::from(child.stderr.take());
    let status = wait(&mut child, deadline, &argv.join(" "))?;
    Ok(Output { status, stdout: stdout.text(), stderr: stderr.text() })
}

/// How long a finished command's output may still be on its way. A daemon that it left behind may keep the pipe open
/// for ever, and is no reason to wait.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What has come out of a pipe so far.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, ended) = channel();
        let into = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = [0u8; 4096];
            let Some(mut pipe) = pipe else { return };
            // What was read before an error is still worth showing.
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
            }
            let _ = sender.send(());
        });
        Self { bytes, ended }
    }

    fn text(self) -> String {
        // Either way there is nothing more to wait for.
        let _ = self.ended.recv_timeout(LAST_WORDS);
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn wait(child: &mut Child, deadline: Duration, command: &str) -> Result<ExitStatus, ReachError> {
    let error = |source| ReachError::Spawn { command: command.to_owned(), source };
    let give_up = Instant::now() + deadline;
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().map_err(error)? {
            return Ok(status);
        }
        if Instant::now() >= give_up {
            let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
            // It may have ended in this very moment.
            let _ = killpg(group, Signal::SIGKILL);
            child.wait().map_err(error)?;
            return Err(ReachError::Deadline { command: command.to_owned(), deadline });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_command_on_this_machine_gives_its_output_and_status() {
        let output =
            run(&Reach::Local, &sh("echo out; echo err >&2; exit 3"), Duration::from_secs(10)).unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(output.complaint(), "exit status 3: err");
    }

    #[test]
    fn what_does_not_end_in_time_is_killed_with_its_children() {
        let result = run(&Reach::Local, &sh("sleep 60 & wait"), Duration::from_millis(50));
        assert!(matches!(result, Err(ReachError::Deadline { .. })), "{result:?}");
    }

    #[test]
    fn a_daemon_that_keeps_the_output_open_is_not_waited_for() {
        let began = Instant::now();
        let output = run(&Reach::Local, &sh("echo started; sleep 20 &"), Duration::from_secs(15)).unwrap();
        assert_eq!(output.stdout, "started\n");
        assert!(began.elapsed() < Duration::from_secs(15), "waited {:?} for the daemon", began.elapsed());
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let error = run(&Reach::Local, &["no-such-program".into()], Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().contains("`no-such-program`"), "{error}");
        let gone = Reach::Namespace { net: "/no/such/net".into(), cgroup_procs: Vec::new() };
        let error = run(&gone, &sh("true"), Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().contains("/no/such/net"), "{error}");
    }

    #[test]
    fn a_command_puts_itself_into_every_cgroup_before_it_begins() {
        let file = std::env::temp_dir().join(format!("brownout-reach-{}", std::process::id()));
        let reach = Reach::Namespace { net: "/proc/self/ns/net".into(), cgroup_procs: vec![file.clone()] };
        let output = command(&reach, &sh("echo $$")).unwrap().output().unwrap();
        let joined = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(joined, String::from_utf8(output.stdout).unwrap());
    }
}
