//! What the machine has by itself.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Set, Wanted};

/// Ordinary users often lack these in their PATH; servers live there.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Where a machine's programs and files are.
pub(super) struct Machine {
    folders: Vec<PathBuf>,
    root: PathBuf,
}

impl Machine {
    /// The one that this process runs on.
    pub(super) fn this() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(SYSTEM.map(PathBuf::from)).collect();
        Self { folders, root: PathBuf::from("/") }
    }

    /// One that has only what lies in `root`, its programs in `root/bin`.
    #[cfg(test)]
    pub(super) fn at(root: &Path) -> Self {
        Self { folders: vec![root.join("bin")], root: root.to_owned() }
    }

    pub(super) fn find(&self, program: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(program)).find(|file| is_program(file))
    }

    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        match wanted.program() {
            Some(program) => self.find(program).is_some(),
            None => wanted.is_in(&self.root),
        }
    }

    /// The version in which the distribution's tools know `package` as installed.
    pub(super) fn installed(&self, package: &str) -> Option<String> {
        let mut command = Command::new(self.find("dpkg-query")?);
        let output = command.args(["--show", "--showformat=${Version}", package]).output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !version.is_empty()).then_some(version)
    }

    /// The packages of `set` that it does not have.
    pub(super) fn missing(&self, set: Set) -> Vec<String> {
        let absent = set.wanted().iter().filter(|wanted| !self.has(wanted));
        absent.map(|wanted| wanted.package.to_owned()).collect()
    }
}

/// Where `program` is on this machine, looking in the PATH and then in the `sbin` folders.
#[must_use]
pub fn find_program(program: &str) -> Option<PathBuf> {
    Machine::this().find(program)
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_a_missing_one_is_not() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }

    #[test]
    fn a_file_that_may_not_be_run_is_no_program() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("bin")).unwrap();
        std::fs::write(root.path().join("bin/nginx"), "").unwrap();
        assert_eq!(Machine::at(root.path()).find("nginx"), None);
    }
}
