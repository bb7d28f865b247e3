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
mod package;
mod progress;
mod set;
mod unpack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use cache::cache_dir;
pub use datadir::mariadb_datadir;
pub use error::PartsError;
pub use machine::find_program;
pub use progress::Progress;
pub use set::{Set, Wanted};

use cache::Cache;
use manifest::Manifest;

/// Where a set of parts is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsRoot {
    /// The unpacked packages: `usr` is to be laid over the machine's, `etc` holds the packages' own defaults. Neither
    /// is there when the machine's own programs are used.
    pub root: PathBuf,
    /// The version of each package, by name; "on PATH" for the machine's own.
    pub versions: BTreeMap<String, String>,
}

/// The parts of a stack, when they are already there. Reads two small files and starts no process.
#[must_use]
pub fn locate() -> Option<PartsRoot> {
    locate_set(Set::Stack)
}

/// The parts of `set`, when they are already there. Reads two small files and starts no process.
#[must_use]
pub fn locate_set(set: Set) -> Option<PartsRoot> {
    located(&Cache::at(cache_dir()?), set)
}

fn located(cache: &Cache, set: Set) -> Option<PartsRoot> {
    let manifest = Manifest::read(&cache.manifest(set))?;
    let parts = PartsRoot { root: cache.parts().join(&manifest.root), versions: manifest.versions.clone() };
    (manifest.serves(set) && complete(set, &parts.root)).then_some(parts)
}

/// Whether each part is in the root or on this machine.
fn complete(set: Set, root: &Path) -> bool {
    root.is_dir() && set.wanted().iter().all(|wanted| wanted.is_in(root) || wanted.is_on_this_machine())
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
    let cache = Cache::at(cache_dir().ok_or(PartsError::NoCacheFolder)?);
    if let Some(parts) = located(&cache, set) {
        return Ok(parts);
    }
    let _lock = cache.lock("parts.lock", || progress(Progress::Waiting))?;
    // Another process may have got them while this one waited.
    if let Some(parts) = located(&cache, set) {
        return Ok(parts);
    }
    let manifest = match from_packages(&cache, set, progress) {
        Ok(manifest) => manifest,
        // Out of reach of the packages a machine that has everything is still good enough.
        Err(_) if machine::missing(set).is_empty() => from_machine(&cache, set)?,
        Err(error) => return Err(error),
    };
    manifest.write(&cache.manifest(set))?;
    located(&cache, set).ok_or_else(|| {
        let absent = |wanted: &&Wanted| {
            !wanted.is_in(&cache.parts().join(&manifest.root)) && !wanted.is_on_this_machine()
        };
        let missing = set.wanted().iter().filter(absent).map(|wanted| wanted.file.to_owned()).collect();
        PartsError::Incomplete { missing }
    })
}

fn from_packages(
    cache: &Cache,
    set: Set,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, PartsError> {
    let Some(apt) = apt::Apt::on_this_machine(cache)? else {
        return Err(PartsError::NoApt { missing: machine::missing(set) });
    };
    let plan = apt.plan(set, progress)?;
    let name = format!("root-{}", package::fingerprint(&plan));
    if !cache.parts().join(&name).is_dir() {
        apt.download(set, progress)?;
        unpack::unpack(cache, &name, &apt.archives(), &plan, progress)?;
    }
    let versions = plan.into_iter().map(|package| (package.name, package.version)).collect();
    Ok(Manifest::new(set, name, versions))
}

fn from_machine(cache: &Cache, set: Set) -> Result<Manifest, PartsError> {
    cache.make(&cache.parts().join("machine"))?;
    let own = |wanted: &Wanted| (wanted.package.to_owned(), "on PATH".to_owned());
    Ok(Manifest::new(set, "machine".to_owned(), set.wanted().iter().map(own).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_with_a_stack() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        for wanted in Set::Stack.wanted() {
            let file = cache.parts().join("root-1").join(wanted.file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        (dir, cache)
    }

    fn manifest(set: Set) -> Manifest {
        Manifest::new(set, "root-1".into(), BTreeMap::from([("nginx".into(), "1.22".into())]))
    }

    #[test]
    fn parts_are_located_once_the_manifest_is_written() {
        let (_dir, cache) = cache_with_a_stack();
        assert_eq!(located(&cache, Set::Stack), None);
        manifest(Set::Stack).write(&cache.manifest(Set::Stack)).unwrap();
        let found = located(&cache, Set::Stack).unwrap();
        assert_eq!(found.root, cache.parts().join("root-1"));
        assert_eq!(found.versions["nginx"], "1.22");
    }

    #[test]
    fn a_root_that_was_removed_is_not_located() {
        let (_dir, cache) = cache_with_a_stack();
        manifest(Set::Stack).write(&cache.manifest(Set::Stack)).unwrap();
        std::fs::remove_dir_all(cache.parts().join("root-1")).unwrap();
        assert_eq!(located(&cache, Set::Stack), None);
    }

    #[test]
    fn a_manifest_of_other_packages_is_not_taken_for_this_set() {
        let (_dir, cache) = cache_with_a_stack();
        manifest(Set::Browser).write(&cache.manifest(Set::Stack)).unwrap();
        assert_eq!(located(&cache, Set::Stack), None);
    }
}
