//! Gets the parts of a stack (nginx, MariaDB, ...) from the distribution's packages, without root and without
//! installing anything.
//!
//! apt resolves, downloads and verifies with state, lists and archives of its own in the cache; every package is then
//! unpacked into one root whose `usr` the lab lays over the machine's. Packages that the machine has are not fetched
//! again, save the parts themselves, so a root belongs to the system it was made on.
//!
//! ```text
//!   <cache>/apt/                   apt's lists and archives
//!   <cache>/parts/root-<hash>/     the unpacked packages; the hash is over names and versions
//!   <cache>/parts/modules-<hash>/  the application's modules for Node.js, by npm
//!   <cache>/parts/<set>.json       written last: which root, and the version of each part
//!   <cache>/parts/datadir-<hash>/  a fresh MariaDB data directory
//! ```

mod apt;
mod apt_words;
mod cache;
mod datadir;
pub mod doctor;
mod error;
mod lines;
mod machine;
mod manifest;
mod modules;
mod package;
mod progress;
mod set;
#[cfg(test)]
mod tests;
mod unpack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use cache::cache_dir;
pub use datadir::mariadb_datadir;
pub use error::PartsError;
pub use machine::find_program;
pub use progress::Progress;
pub use set::{Set, Wanted};

use apt::Apt;
use cache::Cache;
use machine::Machine;
use manifest::Manifest;

/// The version of what is the machine's own.
const ON_PATH: &str = "on PATH";

/// Where a set of parts is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsRoot {
    /// The unpacked packages: `usr` is to be laid over the machine's, `etc` holds the packages' own defaults. Neither
    /// is there when the machine's own programs are used.
    pub root: PathBuf,
    /// The version of each package, by name; "on PATH" for the machine's own.
    pub versions: BTreeMap<String, String>,
    /// The application's modules for Node.js, which only the part `node` needs.
    pub node_modules: Option<PathBuf>,
}

/// The parts of a stack, when they are already there. Reads two small files and starts no process.
#[must_use]
pub fn locate() -> Option<PartsRoot> {
    locate_set(Set::Stack)
}

/// The parts of `set`, when they are already there. Reads two small files and starts no process.
#[must_use]
pub fn locate_set(set: Set) -> Option<PartsRoot> {
    Site::here()?.locate(set)
}

/// Gets the parts of `set` unless they are already there. Two processes may do so at the same time: the second waits for
/// the first. What was downloaded before an interruption is not downloaded again.
///
/// # Errors
///
/// When there is no apt and the machine lacks a part, when there is no network, no room on the disk, or no such package;
/// each names the thing and the remedy.
pub fn ensure(set: Set, progress: &mut dyn FnMut(Progress)) -> Result<PartsRoot, PartsError> {
    let progress = &mut progress::thinned(progress);
    Site::here().ok_or(PartsError::NoCacheFolder)?.ensure(set, progress)
}

/// Gets the application's modules for Node.js unless they are already there.
///
/// # Errors
///
/// When the machine has no npm, or npm cannot get them; each names the remedy.
pub fn ensure_node_modules(progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, PartsError> {
    let site = Site::here().ok_or(PartsError::NoCacheFolder)?;
    modules::ensure(&site.cache, &site.machine, progress)
}

/// A cache on a machine.
struct Site {
    cache: Cache,
    machine: Machine,
}

impl Site {
    fn here() -> Option<Self> {
        Some(Self { cache: Cache::at(cache_dir()?), machine: Machine::this() })
    }

    fn locate(&self, set: Set) -> Option<PartsRoot> {
        let manifest = Manifest::read(&self.cache.manifest(set)).filter(|manifest| manifest.serves(set))?;
        let root = self.cache.parts().join(&manifest.root);
        let complete = root.is_dir() && self.absent(set, &root).is_empty();
        if !complete {
            return None;
        }
        let mut versions = manifest.versions;
        let node_modules = modules::locate(&self.cache).filter(|_| set == Set::Stack);
        if node_modules.is_some() {
            versions.extend(modules::versions());
        }
        Some(PartsRoot { root, versions, node_modules })
    }

    /// Files that are neither in the root nor on the machine.
    fn absent(&self, set: Set, root: &Path) -> Vec<String> {
        let absent = set.wanted().iter().filter(|wanted| !wanted.is_in(root) && !self.machine.has(wanted));
        absent.map(|wanted| wanted.file.to_owned()).collect()
    }

    fn ensure(&self, set: Set, progress: &mut dyn FnMut(Progress)) -> Result<PartsRoot, PartsError> {
        if let Some(parts) = self.locate(set) {
            return Ok(parts);
        }
        let _lock = self.cache.lock("parts.lock", || progress(Progress::Waiting))?;
        // Another process may have got them while this one waited.
        if let Some(parts) = self.locate(set) {
            return Ok(parts);
        }
        let manifest = match self.take_packages(set, progress) {
            Ok(manifest) => manifest,
            // Out of reach of the packages a machine that has everything is still good enough.
            Err(_) if self.machine.missing(set).is_empty() => self.take_machine(set)?,
            Err(error) => return Err(error),
        };
        manifest.write(&self.cache.manifest(set))?;
        self.locate(set).ok_or_else(|| {
            let missing = self.absent(set, &self.cache.parts().join(&manifest.root));
            PartsError::Incomplete { missing }
        })
    }

    fn take_packages(&self, set: Set, progress: &mut dyn FnMut(Progress)) -> Result<Manifest, PartsError> {
        let Some(apt) = Apt::of(&self.machine, &self.cache)? else {
            return Err(PartsError::NoApt { missing: self.machine.missing(set) });
        };
        let plan = apt.plan(set, progress)?;
        let name = format!("root-{}", package::fingerprint(&plan));
        if !self.cache.parts().join(&name).is_dir() {
            apt.download(set, progress)?;
            unpack::unpack(&self.cache, &name, &apt, &plan, progress)?;
        }
        let mut versions: BTreeMap<_, _> =
            plan.into_iter().map(|package| (package.name, package.version)).collect();
        // What the machine has from elsewhere, in a version that the distribution does not know, is not fetched.
        for wanted in set.wanted().iter().filter(|wanted| self.machine.has(wanted)) {
            let own = || self.machine.installed(wanted.package).unwrap_or_else(|| ON_PATH.to_owned());
            versions.entry(wanted.package.to_owned()).or_insert_with(own);
        }
        Ok(Manifest::new(set, name, versions))
    }

    fn take_machine(&self, set: Set) -> Result<Manifest, PartsError> {
        self.cache.make(&self.cache.parts().join("machine"))?;
        let own = |wanted: &Wanted| (wanted.package.to_owned(), ON_PATH.to_owned());
        Ok(Manifest::new(set, "machine".to_owned(), set.wanted().iter().map(own).collect()))
    }
}
