//! apt-get with state, lists and archives of its own, so that it needs no root and changes nothing.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cache::Cache;
use super::error::says_disk_full;
use super::{PartsError, Progress, Set, machine};

/// A package that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

impl Package {
    /// The name that apt gives the archive: an epoch's colon is escaped.
    pub(super) fn archive(&self) -> String {
        format!("{}_{}_{}.deb", self.name, self.version.replace(':', "%3a"), self.architecture)
    }
}

/// Stands for names and versions of all packages: a root with another set of packages has another name.
pub(super) fn fingerprint(plan: &[Package]) -> String {
    let mut archives: Vec<String> = plan.iter().map(Package::archive).collect();
    archives.sort();
    fnv(archives.join("\n").as_bytes())
}

/// 64-bit FNV-1a (draft-eastlake-fnv) in hexadecimal: the same on every machine and with every compiler.
pub(super) fn fnv(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

pub(super) struct Apt {
    program: PathBuf,
    folder: PathBuf,
}

impl Apt {
    /// None where apt-get or dpkg is missing.
    pub(super) fn on_this_machine(cache: &Cache) -> Result<Option<Self>, PartsError> {
        let (Some(program), Some(_)) = (machine::find_program("apt-get"), machine::find_program("dpkg"))
        else {
            return Ok(None);
        };
        let apt = Self { program, folder: cache.apt() };
        cache.make(&cache.parts())?;
        // apt makes these itself only where it has always been.
        cache.make(&apt.folder.join("state/lists/partial"))?;
        cache.make(&apt.archives().join("partial"))?;
        Ok(Some(apt))
    }

    pub(super) fn archives(&self) -> PathBuf {
        self.folder.join("cache/archives")
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

struct Ended {
    success: bool,
    /// The last lines of its output.
    text: String,
}

/// Runs `command` to its end with both of its outputs in one stream.
fn run_lines(mut command: Command, line: &mut dyn FnMut(&str)) -> io::Result<Ended> {
    const KEPT: usize = 60;
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the pipe's other end, without which the reading below would never end.
    drop(command);
    let mut kept = VecDeque::with_capacity(KEPT);
    for bytes in BufReader::new(reader).split(b'\n') {
        let text = String::from_utf8_lossy(&bytes?).into_owned();
        line(&text);
        if download_step(&text).is_none() {
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(text);
        }
    }
    let success = child.wait()?.success();
    Ok(Ended { success, text: Vec::from(kept).join("\n") })
}

/// Reads `Inst nftables [1.0.5] (1.0.6-2 Debian:12.15/oldstable [amd64])`.
fn planned(line: &str) -> Option<Package> {
    let rest = line.strip_prefix("Inst ")?;
    let (name, _) = rest.split_once(' ')?;
    let (origin, _) = rest.split_once('(')?.1.split_once(')')?;
    let (version, _) = origin.split_once(' ')?;
    let architecture = origin.rsplit_once('[')?.1.trim_end_matches(']');
    // A package of another architecture is called `name:arch`.
    let name = name.split(':').next()?;
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
    })
}

/// Reads `dlstatus:3:1.3738:Retrieving file 3 of 42`.
fn download_step(line: &str) -> Option<Progress> {
    let mut fields = line.strip_prefix("dlstatus:")?.splitn(3, ':').skip(1);
    let percent = fields.next()?.split('.').next()?.parse().ok()?;
    let files = fields.next()?.trim_start_matches("Retrieving file ");
    // Near the end it tells the time left as well.
    let files = files.split(" (").next().unwrap_or(files).to_owned();
    Some(Progress::Downloading { percent, files })
}

fn unknown_package(line: &str) -> Option<String> {
    let name = line
        .strip_prefix("E: Unable to locate package ")
        .or_else(|| line.strip_prefix("E: Package '")?.strip_suffix("' has no installation candidate"))?;
    Some(name.to_owned())
}

/// The first line that tells of a network that does not work.
fn network_complaint(output: &str) -> Option<String> {
    const WORDS: [&str; 7] = [
        "Temporary failure resolving",
        "Could not resolve",
        "Could not connect",
        "Cannot initiate the connection",
        "Unable to connect",
        "Connection failed",
        "timed out",
    ];
    let line = output.lines().find(|line| WORDS.iter().any(|words| line.contains(words)))?;
    Some(line.trim_start_matches(['E', 'W', ':', ' ']).trim().to_owned())
}

/// apt's errors, else its last words.
fn complaints(output: &str) -> String {
    let errors: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("E: ")).collect();
    if errors.is_empty() { last_line(output).to_owned() } else { errors.join("; ") }
}

/// The last line that says something.
pub(super) fn last_line(output: &str) -> &str {
    output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim()
}

/// Unpacks one archive.
pub(super) fn unpack(archive: &Path, root: &Path) -> io::Result<Result<(), String>> {
    let mut command = Command::new("dpkg");
    command.arg("--extract").arg(archive).arg(root).env("LC_ALL", "C").stdin(Stdio::null());
    let ended = run_lines(command, &mut |_| ())?;
    Ok(if ended.success { Ok(()) } else { Err(ended.text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt() -> Apt {
        Apt { program: "apt-get".into(), folder: "/cache/apt".into() }
    }

    #[test]
    fn a_plan_is_read_from_what_would_be_installed() {
        let fresh = planned("Inst bind9 (1:9.18.49-1~deb12u3 Debian-Security:12/oldstable-security [amd64])")
            .unwrap();
        assert_eq!(fresh.archive(), "bind9_1%3a9.18.49-1~deb12u3_amd64.deb");
        let again = planned("Inst iproute2 [6.0.0-1] (6.1.0-3 Debian:12.15/oldstable [amd64])").unwrap();
        assert_eq!(again.archive(), "iproute2_6.1.0-3_amd64.deb");
        let several =
            planned("Inst pci.ids (0.0-1 Debian:12/oldstable, Debian-Security:12/x [all]) []").unwrap();
        assert_eq!(several.archive(), "pci.ids_0.0-1_all.deb");
        assert_eq!(planned("Conf nginx (1.22.1-9 Debian:12.15/oldstable [amd64])"), None);
        assert_eq!(planned("Remv mysql-server [8.0]"), None);
    }

    #[test]
    fn the_fingerprint_depends_on_versions_and_not_on_order() {
        let package = |name: &str, version: &str| Package {
            name: name.into(),
            version: version.into(),
            architecture: "amd64".into(),
        };
        let (a, b) = (package("nginx", "1"), package("bind9", "2"));
        assert_eq!(fingerprint(&[a.clone(), b.clone()]), fingerprint(&[b.clone(), a.clone()]));
        assert_ne!(fingerprint(&[a, b.clone()]), fingerprint(&[package("nginx", "2"), b]));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of the FNV draft, 64-bit FNV-1a.
        assert_eq!(fnv(b""), "cbf29ce484222325");
        assert_eq!(fnv(b"foobar"), "85944171f73967e8");
    }

    #[test]
    fn download_progress_is_read_from_apt_status_lines() {
        let step = download_step("dlstatus:3:41.3738:Retrieving file 3 of 42 (1s remaining)").unwrap();
        assert_eq!(step, Progress::Downloading { percent: 41, files: "3 of 42".into() });
        assert_eq!(download_step("Get:1 somewhere"), None);
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

    #[test]
    fn both_outputs_of_a_command_are_read_to_their_end() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = run_lines(command, &mut |_| ()).unwrap();
        assert!(!ended.success);
        assert_eq!(ended.text, "out\nerr");
    }
}
