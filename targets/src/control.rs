//! The lab's own `systemctl`: a unix socket on the lab's tmpfs through which a command on a node starts, stops or asks
//! for a process.
//!
//! One line each way: `VERB NODE PROCESS`, answered by `ok` or `error: WHY`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::seal::RUN_DIR;
use crate::supervisor::Supervisor;

/// The verb of the command line that asks.
pub const VERB: &str = "lab-control";

fn socket() -> PathBuf {
    Path::new(RUN_DIR).join("control")
}

/// The command line that asks for `verb` ("start", "stop", "ready") when it is run on a node.
#[must_use]
pub fn command_line(exe: &Path, verb: &str, node: &str, process: &str) -> Vec<String> {
    [&exe.display().to_string(), VERB, verb, node, process].map(ToString::to_string).to_vec()
}

/// Serves requests until the lab ends.
pub(crate) fn serve(supervisor: &Arc<Supervisor>) -> io::Result<()> {
    let listener = UnixListener::bind(socket())?;
    let supervisor = Arc::clone(supervisor);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let supervisor = Arc::clone(&supervisor);
            // Who asks and goes away before the answer needs none.
            thread::spawn(move || answer(&supervisor, &stream));
        }
    });
    Ok(())
}

fn answer(supervisor: &Arc<Supervisor>, mut stream: &UnixStream) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match perform(supervisor, line.trim()) {
        Ok(()) => writeln!(stream, "ok"),
        Err(error) => writeln!(stream, "error: {}", error.replace('\n', " ")),
    }
}

fn perform(supervisor: &Arc<Supervisor>, line: &str) -> Result<(), String> {
    let [verb, node, process] = line.split(' ').collect::<Vec<_>>()[..] else {
        return Err(format!("`{line}` is not VERB NODE PROCESS"));
    };
    let index = supervisor.index(node, process).map_err(|error| error.to_string())?;
    match verb {
        "start" => supervisor.start(index).map_err(|error| error.to_string()),
        "stop" => {
            supervisor.stop(index);
            Ok(())
        }
        "ready" => supervisor.ask(index),
        _ => Err(format!("unknown verb `{verb}`: use start, stop or ready")),
    }
}

/// Asks the supervisor of the lab that this process is in.
///
/// # Errors
///
/// When there is none, or with what it answered.
pub fn ask(verb: &str, node: &str, process: &str) -> Result<(), String> {
    let exchange = || -> io::Result<String> {
        let mut stream = UnixStream::connect(socket())?;
        writeln!(stream, "{verb} {node} {process}")?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        Ok(answer)
    };
    match exchange() {
        Ok(answer) if answer.trim() == "ok" => Ok(()),
        Ok(answer) => Err(answer.trim().trim_start_matches("error: ").to_owned()),
        Err(error) => Err(format!("no lab answers here: {error}; run this inside a lab by `brownout exec`")),
    }
}
