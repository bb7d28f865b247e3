//! Modules of the application that no package of the distribution holds: mysql2, which speaks to MariaDB on Node.js.
//!
//! npm gets them, in the versions and with the checksums of the application's own lock file, into a folder of the cache
//! that is named after that file. Only the part `node` needs them, and npm is not among the parts: the distribution's own
//! comes with 380 packages. So a machine without npm lacks that part and nothing else.
//!
//! ```text
//!   <cache>/parts/modules-<hash>/node_modules/   the modules; the hash is over the lock file
//!   <cache>/npm/                                 what npm has downloaded
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::cache::Cache;
use super::error::says_disk_full;
use super::lines::run_lines;
use super::machine::Machine;
use super::package::fnv;
use super::unpack::{UNFINISHED, remove_unfinished};
use super::{PartsError, Progress};

const PACKAGE: &str = include_str!("../../app/node/package.json");
const LOCK: &str = include_str!("../../app/node/package-lock.json");

/// Everything that takes time or tells somebody something is left out.
const OPTIONS: [&str; 7] = [
    "ci",
    // None of them has to be built, and none may run anything.
    "--ignore-scripts",
    // Types for an editor, which mysql2 names as something its users have.
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--logs-max=0",
];

/// Where npm puts them.
const FOLDER: &str = "node_modules";

/// The module that all the others are there for.
pub(super) const DRIVER: &str = "mysql2";

/// The folder of modules, when it is there.
pub(super) fn locate(cache: &Cache) -> Option<PathBuf> {
    let folder = cache.parts().join(name());
    has_driver(&folder).then(|| folder.join(FOLDER))
}

/// Gets them unless they are there.
pub(super) fn ensure(
    cache: &Cache,
    machine: &Machine,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, PartsError> {
    if let Some(modules) = locate(cache) {
        return Ok(modules);
    }
    let npm = machine.find("npm").ok_or(PartsError::NoNpm)?;
    let _lock = cache.lock("parts.lock", || progress(Progress::Waiting))?;
    if let Some(modules) = locate(cache) {
        return Ok(modules);
    }
    progress(Progress::Modules);
    let parts = cache.parts();
    cache.make(&parts)?;
    remove_unfinished(&parts)?;
    let unfinished = parts.join(format!("{UNFINISHED}{}", name()));
    cache.make(&unfinished)?;
    let result = install(&npm, cache, &unfinished).and_then(|()| match has_driver(&unfinished) {
        true => Ok(()),
        false => Err(PartsError::Npm { detail: format!("it did not install {DRIVER}") }),
    });
    if result.is_err() {
        // It would only take up room; the error says what went wrong.
        let _ = fs::remove_dir_all(&unfinished);
    }
    result?;
    let finished = parts.join(name());
    if finished.exists() {
        // Somebody took the driver away, or it would have been located.
        fs::remove_dir_all(&finished).map_err(PartsError::io("remove", &finished))?;
    }
    fs::rename(&unfinished, &finished).map_err(PartsError::io("create", &finished))?;
    Ok(finished.join(FOLDER))
}

fn has_driver(folder: &Path) -> bool {
    folder.join(FOLDER).join(DRIVER).join("package.json").is_file()
}

/// The version of each module, by name.
pub(super) fn versions() -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Lock {
        packages: BTreeMap<String, Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        version: String,
    }
    // The file is our own, and a test reads it.
    let lock = serde_json::from_str(LOCK).unwrap_or(Lock { packages: BTreeMap::new() });
    let named = |(path, locked): (String, Locked)| {
        Some((path.strip_prefix("node_modules/")?.to_owned(), locked.version))
    };
    lock.packages.into_iter().filter_map(named).collect()
}

fn name() -> String {
    format!("modules-{}", fnv(LOCK.as_bytes()))
}

fn install(npm: &Path, cache: &Cache, folder: &Path) -> Result<(), PartsError> {
    for (file, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let path = folder.join(file);
        fs::write(&path, text).map_err(PartsError::io("write", &path))?;
    }
    let mut command = Command::new(npm);
    command
        .args(OPTIONS)
        .arg("--cache")
        .arg(cache.npm())
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let ended = run_lines(command, &mut |_| ()).map_err(PartsError::io("run", npm))?;
    match ended.success {
        true => Ok(()),
        false if says_disk_full(&ended.text) => Err(PartsError::DiskFull { path: folder.to_owned() }),
        false => Err(PartsError::Npm { detail: complaint(&ended.text) }),
    }
}

/// npm's own words, without where it keeps its log.
fn complaint(said: &str) -> String {
    const MOST: usize = 3;
    let errors = said.lines().filter_map(|line| {
        let rest = line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!"))?.trim();
        (!rest.is_empty() && !rest.starts_with("A complete log")).then_some(rest)
    });
    let errors: Vec<&str> = errors.take(MOST).collect();
    if errors.is_empty() { "it said nothing".to_owned() } else { errors.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_pinned_by_a_checksum_and_none_by_a_place() {
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        let package: serde_json::Value = serde_json::from_str(PACKAGE).unwrap();
        assert_eq!(lock["packages"][""]["dependencies"], package["dependencies"]);
        for (path, module) in
            lock["packages"].as_object().unwrap().iter().filter(|(path, _)| !path.is_empty())
        {
            assert!(module["integrity"].as_str().unwrap().starts_with("sha512-"), "{path}");
            assert!(module.get("resolved").is_none(), "{path} is tied to one registry");
        }
        assert_eq!(
            Some(&package["dependencies"][DRIVER]),
            lock["packages"]["node_modules/mysql2"].get("version")
        );
        assert_eq!(versions()[DRIVER], package["dependencies"][DRIVER].as_str().unwrap());
    }

    #[test]
    fn what_npm_says_is_shown_without_where_its_log_is() {
        let said = "npm error code ENOTFOUND\nnpm error network no such host\nnpm error\n\
                    npm error A complete log of this run can be found in: /x";
        assert_eq!(complaint(said), "code ENOTFOUND; network no such host");
        assert_eq!(complaint("npm ERR! code E404\n"), "code E404");
        assert_eq!(complaint(""), "it said nothing");
    }
}
