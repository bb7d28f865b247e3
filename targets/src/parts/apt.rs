//! apt-get with state, lists and archives of its own, so that it needs no root and changes nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::apt_words::{complaints, download_step, network_complaint, unknown_package};
use super::cache::Cache;
use super::error::says_disk_full;
use super::lines::{Ended, run_lines};
use super::machine::Machine;
use super::package::{Package, planned};
use super::{PartsError, Progress, Set};

pub(super) struct Apt {
    program: PathBuf,
    dpkg: PathBuf,
    folder: PathBuf,
}

impl Apt {
    /// None where apt-get or dpkg is missing.
    pub(super) fn of(machine: &Machine, cache: &Cache) -> Result<Option<Self>, PartsError> {
        let (Some(program), Some(dpkg)) = (machine.find("apt-get"), machine.find("dpkg")) else {
            return Ok(None);
        };
        let apt = Self { program, dpkg, folder: cache.apt() };
        cache.make(&cache.parts())?;
        // apt makes these itself only where it has always been.
        cache.make(&apt.folder.join("state/lists/partial"))?;
        cache.make(&apt.archives().join("partial"))?;
        Ok(Some(apt))
    }

    pub(super) fn archives(&self) -> PathBuf {
        self.folder.join("cache/archives")
    }

    /// The program that unpacks them.
    pub(super) fn dpkg(&self) -> &Path {
        &self.dpkg
    }

    /// Reads the distribution's lists and resolves which packages are to be fetched.
    pub(super) fn plan(
        &self,
        set: Set,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Package>, PartsError> {
        progress(Progress::Lists);
        // A source that fails is not the end: it may be one that holds nothing of ours, or its old list may do.
        let update = self.run(&["update"], &mut |_| ())?;
        if says_disk_full(&update.text) {
            return Err(self.explain("read the package lists", &update.text));
        }
        let mut install = install(set);
        install.push("--simulate");
        let mut plan = Vec::new();
        let resolved = self.run(&install, &mut |line| plan.extend(planned(line)))?;
        if !resolved.success {
            let unreachable = network_complaint(&update.text);
            let error = self.explain("resolve the packages", &resolved.text);
            return Err(match (error, unreachable) {
                (PartsError::NoSuchPackage { .. } | PartsError::Apt { .. }, Some(detail)) => {
                    PartsError::NoNetwork { detail }
                }
                (error, _) => error,
            });
        }
        Ok(plan)
    }

    /// Fetches what the plan names; apt verifies each archive, and leaves out what was fetched before.
    pub(super) fn download(&self, set: Set, progress: &mut dyn FnMut(Progress)) -> Result<(), PartsError> {
        let mut arguments = vec!["--download-only", "-o", "APT::Status-Fd=1"];
        arguments.extend(install(set));
        let fetched = self.run(&arguments, &mut |line| {
            if let Some(step) = download_step(line) {
                progress(step);
            }
        })?;
        if fetched.success { Ok(()) } else { Err(self.explain("download the packages", &fetched.text)) }
    }

    fn run(&self, arguments: &[&str], line: &mut dyn FnMut(&str)) -> Result<Ended, PartsError> {
        let own = |option: &str, folder: &str| {
            ["-o".to_owned(), format!("{option}={}", self.folder.join(folder).display())]
        };
        let mut command = Command::new(&self.program);
        command
            .args(own("Dir::State", "state"))
            .args(own("Dir::State::lists", "state/lists"))
            .args(own("Dir::Cache", "cache"))
            .args(OPTIONS.iter().flat_map(|option| ["-o", option]))
            .args(arguments)
            // What it says is read here.
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        run_lines(command, line).map_err(PartsError::io("run", &self.program))
    }

    fn explain(&self, step: &'static str, output: &str) -> PartsError {
        if says_disk_full(output) {
            return PartsError::DiskFull { path: self.folder.clone() };
        }
        if let Some(package) = output.lines().find_map(unknown_package) {
            return PartsError::NoSuchPackage { package };
        }
        match network_complaint(output) {
            Some(detail) => PartsError::NoNetwork { detail },
            None => PartsError::Apt { step, detail: complaints(output) },
        }
    }
}

const OPTIONS: [&str; 10] = [
    // Which packages the machine has decides which need not be fetched.
    "Dir::State::status=/var/lib/dpkg/status",
    // Nothing is installed, so the system's locks, which only root may take, are not needed; ours is held instead.
    "Debug::NoLocking=1",
    // As root, apt would become a user who may not write into root's cache.
    "APT::Sandbox::User=",
    "Acquire::Retries=3",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
    // Neither descriptions nor icons are needed.
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    "APT::Get::Show-User-Simulation-Note=false",
    // Some images delete the archives at once.
    "APT::Keep-Downloaded-Packages=true",
];

fn install(set: Set) -> Vec<&'static str> {
    let mut arguments = vec![
        "install",
        "--reinstall",
        "--assume-yes",
        "--no-install-recommends",
        // Nothing is changed, so what the machine holds back may be fetched all the same.
        "--allow-change-held-packages",
    ];
    arguments.extend(set.packages());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt() -> Apt {
        Apt { program: "apt-get".into(), dpkg: "dpkg".into(), folder: "/cache/apt".into() }
    }

    #[test]
    fn apts_words_become_an_error_with_a_remedy() {
        let error = apt().explain("x", "Reading package lists...\nE: Unable to locate package haproxy");
        assert!(matches!(&error, PartsError::NoSuchPackage { package } if package == "haproxy"), "{error}");
        let error = apt().explain("x", "E: Package 'gunicorn' has no installation candidate");
        assert!(matches!(&error, PartsError::NoSuchPackage { package } if package == "gunicorn"), "{error}");
        let error = apt().explain("x", "Err:1 a\n  Temporary failure resolving 'a'\nE: Failed to fetch a");
        assert!(
            matches!(&error, PartsError::NoNetwork { detail } if detail.contains("resolving")),
            "{error}"
        );
        let error = apt().explain("x", "E: Write error - write (28: No space left on device)");
        assert!(matches!(error, PartsError::DiskFull { .. }), "{error}");
        let error = apt().explain("resolve the packages", "E: one\nE: two");
        assert_eq!(error.to_string(), "apt-get could not resolve the packages: one; two");
    }
}
