//! The note that says that a set is complete, written after everything else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{PartsError, Set};

const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// What was asked for, so that a newer Brownout that needs more asks again.
    packages: Vec<String>,
    /// The system that the parts lean on for everything that it already had.
    system: String,
    pub(super) root: String,
    pub(super) versions: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn new(set: Set, root: String, versions: BTreeMap<String, String>) -> Self {
        let packages = set.packages().map(str::to_owned).collect();
        Self { format: FORMAT, packages, system: system(), root, versions }
    }

    /// None when there is none that this version understands.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub(super) fn serves(&self, set: Set) -> bool {
        self.format == FORMAT
            && set.packages().all(|package| self.packages.iter().any(|have| have == package))
            && self.system == system()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), PartsError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        let unfinished = path.with_extension("json.tmp");
        fs::write(&unfinished, text).map_err(PartsError::io("write", &unfinished))?;
        fs::rename(&unfinished, path).map_err(PartsError::io("write", path))
    }
}

/// "debian 12 x86_64". A home folder may be shared by machines, or outlive an upgrade.
fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or("unknown").trim_matches('"').to_owned()
    };
    format!("{} {} {}", value("ID"), value("VERSION_ID"), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.json");
        let versions = BTreeMap::from([("nginx".to_owned(), "1.22".to_owned())]);
        Manifest::new(Set::Stack, "root-7".into(), versions).write(&path).unwrap();
        let read = Manifest::read(&path).unwrap();
        assert!(read.serves(Set::Stack) && !read.serves(Set::Browser));
        assert_eq!((read.root.as_str(), read.versions["nginx"].as_str()), ("root-7", "1.22"));
    }

    #[test]
    fn one_from_another_system_does_not_serve() {
        let mut manifest = Manifest::new(Set::Stack, "root-7".into(), BTreeMap::new());
        manifest.system = "plan9 4 mips".into();
        assert!(!manifest.serves(Set::Stack));
    }

    #[test]
    fn half_a_manifest_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.json");
        fs::write(&path, "{\"format\": 1, \"pack").unwrap();
        assert!(Manifest::read(&path).is_none());
    }
}
