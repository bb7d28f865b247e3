//! How a running lab is found from another terminal, without a file that could be left behind.
//!
//! The guard binds an abstract unix socket whose name says all there is to know; the kernel drops the name with the
//! process. A name is believed only when its process belongs to the user who asks (or root asks).

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use nix::unistd::getuid;

const PREFIX: &str = "brownout-lab/";

/// A lab that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningLab {
    /// The guard's process id. It is a member of all of the lab's namespaces but the pid namespace, which it passes on
    /// to its children.
    pub guard: i32,
    /// What runs: the design's name.
    pub label: String,
}

/// Keeps the lab's name for as long as it lives.
pub(crate) struct Registration {
    _held: UnixListener,
}

impl Registration {
    /// Binds the name. Abstract names belong to a network namespace, so this comes before the namespaces change.
    pub(crate) fn announce(label: &str) -> io::Result<Self> {
        let name = format!("{PREFIX}{}/{label}", std::process::id());
        let address = SocketAddr::from_abstract_name(name)?;
        Ok(Self { _held: UnixListener::bind_addr(&address)? })
    }
}

/// The labs of this user that are up.
#[must_use]
pub fn running_labs() -> Vec<RunningLab> {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    sockets.lines().filter_map(|line| parse(line.split_whitespace().last()?)).filter(is_ours).collect()
}

fn parse(path: &str) -> Option<RunningLab> {
    let (guard, label) = path.strip_prefix('@')?.strip_prefix(PREFIX)?.split_once('/')?;
    Some(RunningLab { guard: guard.parse().ok()?, label: label.to_owned() })
}

fn is_ours(lab: &RunningLab) -> bool {
    let uid = getuid();
    fs::metadata(format!("/proc/{}", lab.guard))
        .is_ok_and(|process| uid.is_root() || process.uid() == uid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_process_and_which_design() {
        let lab = RunningLab { guard: 41, label: "1-distributed".into() };
        assert_eq!(parse("@brownout-lab/41/1-distributed"), Some(lab));
        assert_eq!(parse("@somebody-else/41/x"), None);
        assert_eq!(parse("/run/systemd/notify"), None);
    }
}
