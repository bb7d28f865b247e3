//! Runs a tool and reads what it says.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::process::Command;

/// How a tool ended.
pub(super) struct Ended {
    pub(super) success: bool,
    /// The last lines of its output.
    pub(super) text: String,
}

/// Runs `command` to its end with both of its outputs in one stream.
pub(super) fn run_lines(mut command: Command, line: &mut dyn FnMut(&str)) -> io::Result<Ended> {
    const KEPT: usize = 60;
    /// apt tells its progress in such lines; they would push its errors out.
    const STATUS: &str = "dlstatus:";
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the pipe's other end, without which the reading below would never end.
    drop(command);
    let mut kept = VecDeque::with_capacity(KEPT);
    for bytes in BufReader::new(reader).split(b'\n') {
        let text = String::from_utf8_lossy(&bytes?).into_owned();
        line(&text);
        if !text.starts_with(STATUS) {
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(text);
        }
    }
    let success = child.wait()?.success();
    Ok(Ended { success, text: Vec::from(kept).join("\n") })
}

/// The last line that says something.
pub(super) fn last_line(output: &str) -> &str {
    output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_of_a_command_are_read_to_their_end() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = run_lines(command, &mut |_| ()).unwrap();
        assert!(!ended.success);
        assert_eq!(ended.text, "out\nerr");
    }
}
