//! What faults do on a node: shell scripts in the node's network, and nothing that needs a program of ours there.

pub(crate) mod group;
pub(crate) mod service;
pub(crate) mod timer;

use std::time::{Duration, Instant};
use std::{fmt, thread};

use model::{Inventory, Node, Process, Reach, Target};

use crate::fault::FaultError;

const PRELUDE: &str = include_str!("prelude.sh");

/// A process on its node.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The node.
    pub node: &'a Node,
    /// The process.
    pub process: &'a Process,
}

impl<'a> Site<'a> {
    pub(crate) fn of(target: &Target, inventory: &'a Inventory) -> Result<Self, FaultError> {
        let unknown = || FaultError::Unknown(format!("the inventory has no process {target}"));
        let node = inventory.node(&target.node).ok_or_else(unknown)?;
        let process = node.processes.iter().find(|process| Some(&process.name) == target.process.as_ref());
        Ok(Site { node, process: process.ok_or_else(unknown)? })
    }

    /// The pid file, as an argument of a script.
    pub(crate) fn pid_file(&self) -> String {
        self.process.pid_file.to_string_lossy().into_owned()
    }
}

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node.name, self.process.name)
    }
}

/// Sites by node, in order.
pub(crate) fn by_node<'a, T>(
    items: impl IntoIterator<Item = T>,
    node_of: impl Fn(&T) -> &'a Node,
) -> Vec<(&'a Node, Vec<T>)> {
    let mut nodes: Vec<(&Node, Vec<T>)> = Vec::new();
    for item in items {
        let node = node_of(&item);
        match nodes.iter_mut().find(|(known, _)| known.name == node.name) {
            Some((_, items)) => items.push(item),
            None => nodes.push((node, vec![item])),
        }
    }
    nodes
}

/// Runs a command of ours on the node and returns how it ended. It runs in the node's network but not on the node's
/// hardware: what the harness does must cost the node nothing, and must not wait for a node that is busy.
pub(crate) fn run(node: &Node, argv: &[String], deadline: Duration) -> Result<reach::Output, FaultError> {
    let reach = match &node.reach {
        Reach::Namespace { net, .. } => Reach::Namespace { net: net.clone(), cgroup_procs: Vec::new() },
        other => other.clone(),
    };
    reach::run(&reach, argv, deadline).map_err(|source| FaultError::Reach { node: node.name.clone(), source })
}

/// Runs a command that starts, stops or may later start a part: on the node's own hardware, which the part inherits.
pub(crate) fn must_as_the_node(
    node: &Node,
    argv: &[String],
    deadline: Duration,
    what: &str,
) -> Result<String, FaultError> {
    let output = reach::run(&node.reach, argv, deadline)
        .map_err(|source| FaultError::Reach { node: node.name.clone(), source })?;
    successful(node, output, what)
}

/// The command line of a script: the prelude, the script, and its arguments from `$1` on.
pub(crate) fn script<I: AsRef<str>>(body: &str, args: impl IntoIterator<Item = I>) -> Vec<String> {
    let mut argv: Vec<String> =
        ["/bin/sh", "-c", &format!("{PRELUDE}\n{body}"), "brownout"].map(str::to_owned).to_vec();
    argv.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
    argv
}

/// Runs a command that must exit with 0 and returns its output; `what` is what it is for.
pub(crate) fn must(
    node: &Node,
    argv: &[String],
    deadline: Duration,
    what: &str,
) -> Result<String, FaultError> {
    successful(node, run(node, argv, deadline)?, what)
}

fn successful(node: &Node, output: reach::Output, what: &str) -> Result<String, FaultError> {
    if output.success() {
        return Ok(output.stdout);
    }
    Err(FaultError::Command { node: node.name.clone(), what: what.to_owned(), complaint: output.complaint() })
}

/// Asks again and again until the answer is `Ok`, and gives the last answer when the time is over.
pub(crate) fn until<T>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<T, FaultError>,
) -> Result<T, FaultError> {
    let give_up = Instant::now() + patience;
    // Every question costs a node some of its little time, so they become rarer.
    let mut pause = Duration::from_millis(20);
    loop {
        let answer = ask();
        if answer.is_ok() || Instant::now() + pause > give_up {
            return answer;
        }
        thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
}

/// A command line as a person would type it.
pub(crate) fn typed(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    let words: Vec<String> = argv
        .iter()
        .map(|word| match !word.is_empty() && word.chars().all(plain) {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        })
        .collect();
    words.join(" ")
}
