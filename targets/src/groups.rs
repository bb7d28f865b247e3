//! Supplementary groups in a lab that an ordinary user started: there are none, and nobody can be told to leave them.

use std::fmt::Display;
use std::fs;
use std::io;

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Whether a process may leave its supplementary groups.
pub(crate) fn may_be_left(process: impl Display) -> bool {
    let told = fs::read_to_string(format!("/proc/{process}/setgroups"));
    told.map_or(true, |told| told.trim() != "deny")
}

/// From here on `setgroups(2)` does nothing and succeeds, for this thread and whatever it starts.
///
/// Who maps a group without being privileged must forbid the call first (`user_namespaces(7)`). Daemons that leave their
/// groups before they do anything for others take that for an error: keepalived runs no script, and counts one that it
/// could not run as one that succeeded. There being no groups to leave, success is the truth.
///
/// # Errors
///
/// When the kernel knows no filters of system calls (`seccomp(2)`).
pub(crate) fn leave_in_name() -> io::Result<()> {
    let filter = || -> Result<BpfProgram, seccompiler::BackendError> {
        let always = Vec::new();
        SeccompFilter::new(
            [(libc::SYS_setgroups, always)].into(),
            SeccompAction::Allow,
            // Error number 0 is success.
            SeccompAction::Errno(0),
            std::env::consts::ARCH.try_into()?,
        )?
        .try_into()
    };
    seccompiler::apply_filter(&filter().map_err(io::Error::other)?).map_err(io::Error::other)
}
