//! A part as the kernel knows it: a process group.

use std::time::Duration;

use crate::fault::FaultError;
use crate::node::{Site, must, run, script};

const IDENTIFY: &str = include_str!("identify.sh");

/// A part's process group, known again by the start time of its leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its id, which is its leader's process id.
    pub(crate) id: u32,
    /// When the leader started, in clock ticks after the node's boot; 0 when only others of the group live.
    pub(crate) born: u64,
}

impl Group {
    /// The group in the site's pid file.
    ///
    /// # Errors
    ///
    /// When nothing of it lives, when it must not be touched (process 1, a group that this very command belongs to, a
    /// process that leads no group), or when the node lacks what an undo needs.
    pub(crate) fn of(site: Site<'_>, deadline: Duration) -> Result<Group, FaultError> {
        let output = run(site.node, &script(IDENTIFY, [site.pid_file()]), deadline)?;
        let words: Vec<&str> = output.stdout.split_whitespace().collect();
        let reason = || output.stdout.trim().to_owned();
        match (output.status.code(), words.as_slice()) {
            (Some(0), [id, born]) => match (id.parse(), born.parse()) {
                (Ok(id), Ok(born)) => Ok(Group { id, born }),
                _ => Err(FaultError::Unknown(format!("{site}: cannot read `{}`", reason()))),
            },
            (Some(3), _) => Err(FaultError::NotRunning { target: site.to_string(), reason: reason() }),
            (Some(4), _) => Err(FaultError::Refused { target: site.to_string(), reason: reason() }),
            (Some(5), _) => Err(FaultError::Unsupported {
                node: site.node.name.clone(),
                what: reason(),
                remedy: "install util-linux (or busybox) there".into(),
            }),
            _ => Err(FaultError::Command {
                node: site.node.name.clone(),
                what: format!("looking for {}", site.process.name),
                complaint: output.complaint(),
            }),
        }
    }

    /// The live processes of the group on the site's node: process id and state letter (proc(5)).
    pub(crate) fn members(
        &self,
        site: Site<'_>,
        deadline: Duration,
    ) -> Result<Vec<(String, String)>, FaultError> {
        let argv = script("members \"$1\"", [self.id.to_string()]);
        let listed = must(site.node, &argv, deadline, "listing a process group")?;
        let pair = |line: &str| line.split_once(' ').map(|(pid, state)| (pid.to_owned(), state.to_owned()));
        Ok(listed.lines().filter_map(pair).collect())
    }

    /// An error while anything of the group lives.
    pub(crate) fn gone(&self, site: Site<'_>, deadline: Duration) -> Result<(), FaultError> {
        let members = self.members(site, deadline)?;
        if members.is_empty() {
            return Ok(());
        }
        let pids: Vec<&str> = members.iter().map(|(pid, _)| pid.as_str()).collect();
        let id = self.id;
        Err(FaultError::NoEffect(format!("{site}: of process group {id} still live: {}", pids.join(", "))))
    }
}
