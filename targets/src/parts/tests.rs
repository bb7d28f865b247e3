//! Getting parts on machines that have only what a test gives them: `apt-get` and `dpkg` here are scripts.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use super::*;

/// Resolves every package in version $VERSION and keeps a diary of what it was asked.
const APT: &str = r#"
echo "$@" >>"$DIARY"
case "$*" in
*--simulate*)
    for last; do case "$last" in -*|*=*|update|install) ;; *) echo "Inst $last ($VERSION Debian:1 [all])" ;; esac; done ;;
*--download-only*) echo "dlstatus:1:50.0:Retrieving file 1 of 2" ;;
esac
"#;

/// Makes the file that tells a package's presence.
const DPKG: &str = r#"
[ "$1" = --extract ] || exit 9
package=${2##*/}
file=$(grep "^${package%%_*} " "$FILES" | cut -d" " -f2)
mkdir -p "$3/${file%/*}" && : >"$3/$file"
"#;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bench = Self { dir };
        fs::create_dir_all(bench.path("machine/bin")).unwrap();
        let files: Vec<String> = Set::Stack
            .wanted()
            .iter()
            .map(|wanted| format!("{} {}\n", wanted.package, wanted.file))
            .collect();
        fs::write(bench.path("files"), files.concat()).unwrap();
        bench.program("apt-get", APT);
        bench.program("dpkg", DPKG);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        self.program_of("1.0", name, script);
    }

    fn program_of(&self, version: &str, name: &str, script: &str) {
        let set = |key: &str, value: &Path| format!("{key}='{}'\n", value.display());
        let variables = set("DIARY", &self.path("diary")) + &set("FILES", &self.path("files"));
        let file = self.path("machine/bin").join(name);
        let text = format!("#!/bin/sh\nVERSION={version}\n{variables}{script}");
        // Written by a process of its own: a file that this one has open for writing may be inherited by a process that
        // another test starts, and can then not be run ("text file busy").
        let mut writer = Command::new("/bin/sh")
            .args(["-c", r#"cat >"$1" && chmod 755 "$1""#, "sh"])
            .arg(file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    fn site(&self) -> Site {
        Site { cache: Cache::at(self.path("cache")), machine: Machine::at(&self.path("machine")) }
    }

    fn ensure(&self) -> Result<PartsRoot, PartsError> {
        self.site().ensure(Set::Stack, &mut |_| ())
    }

    fn downloads(&self) -> usize {
        let diary = fs::read_to_string(self.path("diary")).unwrap_or_default();
        diary.lines().filter(|line| line.contains("--download-only")).count()
    }

    fn roots(&self) -> usize {
        let Ok(parts) = fs::read_dir(self.path("cache/parts")) else { return 0 };
        parts.flatten().filter(|entry| entry.path().is_dir()).count()
    }
}

#[test]
fn parts_are_got_once_and_located_from_then_on() {
    let bench = Bench::new();
    assert_eq!(bench.site().locate(Set::Stack), None);
    let parts = bench.ensure().unwrap();
    assert!(parts.root.join("usr/sbin/nginx").is_file());
    assert_eq!(parts.versions["nginx"], "1.0");
    assert_eq!(bench.ensure().unwrap(), parts);
    assert_eq!(bench.site().locate(Set::Stack), Some(parts));
    assert_eq!(bench.downloads(), 1);
}

#[test]
fn what_the_machine_has_from_elsewhere_is_told_in_its_own_version() {
    let bench = Bench::new();
    // apt cannot fetch again what came from elsewhere, says so and leaves it out.
    bench.program("apt-get", &APT.replace("-*|", "nodejs|haproxy|-*|"));
    bench.program("node", "");
    bench.program("haproxy", "");
    bench.program("dpkg-query", r#"for last; do :; done; [ "$last" = nodejs ] && echo 20.1-from-elsewhere"#);
    let versions = bench.ensure().unwrap().versions;
    assert_eq!(
        (versions["nodejs"].as_str(), versions["haproxy"].as_str()),
        ("20.1-from-elsewhere", "on PATH")
    );
}

#[test]
fn two_at_once_download_once_and_get_the_same() {
    let bench = Bench::new();
    let start = Barrier::new(2);
    let get = || {
        start.wait();
        bench.ensure().unwrap()
    };
    let (one, other) = thread::scope(|scope| {
        let (one, other) = (scope.spawn(get), scope.spawn(get));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
    assert_eq!(bench.downloads(), 1);
}

/// Installs the driver and keeps a diary of what it was asked.
const NPM: &str = r#"
echo "$@" >>"$DIARY"
[ -f package.json ] && grep -q '"integrity"' package-lock.json || exit 9
mkdir -p node_modules/mysql2 && : >node_modules/mysql2/package.json
"#;

#[test]
fn modules_for_node_are_got_once_and_told_with_the_parts() {
    let bench = Bench::new();
    assert_eq!(bench.ensure().unwrap().node_modules, None);
    bench.program("npm", NPM);
    let get = || modules::ensure(&bench.site().cache, &bench.site().machine, &mut |_| ()).unwrap();
    let got = get();
    assert!(got.join("mysql2/package.json").is_file());
    assert_eq!(get(), got);
    let diary = fs::read_to_string(bench.path("diary")).unwrap();
    assert_eq!(diary.lines().filter(|line| line.starts_with("ci --ignore-scripts")).count(), 1, "{diary}");
    let parts = bench.ensure().unwrap();
    assert_eq!(parts.node_modules, Some(got));
    assert_eq!(parts.versions["mysql2"], modules::versions()["mysql2"]);
}

#[test]
fn modules_that_cannot_be_had_leave_the_parts_alone_and_the_error_says_what_to_do() {
    let bench = Bench::new();
    bench.ensure().unwrap();
    let error_with = |npm: Option<&str>| {
        npm.into_iter().for_each(|script| bench.program("npm", script));
        modules::ensure(&bench.site().cache, &bench.site().machine, &mut |_| ()).unwrap_err().to_string()
    };
    assert!(error_with(None).contains("install npm so that it is on the PATH"));
    let offline = error_with(Some("echo 'npm error code ENOTFOUND' >&2; exit 1"));
    assert!(offline.contains("npm could not get mysql2") && offline.contains("code ENOTFOUND"), "{offline}");
    let full = error_with(Some("echo 'npm error ENOSPC: No space left on device' >&2; exit 1"));
    assert!(full.contains("is full: free 600 MB"), "{full}");
    assert!(error_with(Some("exit 0")).contains("did not install mysql2"));
    assert_eq!(bench.ensure().unwrap().node_modules, None);
}

#[test]
fn what_an_interrupted_process_left_is_made_anew() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("cache/parts/unfinished-root-0/usr")).unwrap();
    bench.program("dpkg", "echo 'dpkg-deb: error: not a Debian format archive' >&2; exit 2");
    let error = bench.ensure().unwrap_err();
    assert!(matches!(&error, PartsError::Unpack { package, .. } if package == "nginx"), "{error}");
    assert_eq!(bench.roots(), 0);
    bench.program("dpkg", DPKG);
    bench.ensure().unwrap();
    assert_eq!(bench.roots(), 1);
}

#[test]
fn a_root_that_was_removed_or_lacks_a_part_is_not_located() {
    let bench = Bench::new();
    let root = bench.ensure().unwrap().root;
    fs::remove_file(root.join("usr/sbin/haproxy")).unwrap();
    assert_eq!(bench.site().locate(Set::Stack), None);
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(bench.site().locate(Set::Stack), None);
    bench.ensure().unwrap();
    assert_eq!(bench.downloads(), 2);
}

#[test]
fn newer_packages_go_into_a_root_of_their_own_since_a_lab_may_run_on_the_old_one() {
    let bench = Bench::new();
    let old = bench.ensure().unwrap().root;
    fs::remove_file(bench.path("cache/parts/stack.json")).unwrap();
    bench.program_of("2.0", "apt-get", APT);
    let new = bench.ensure().unwrap();
    assert!(old.is_dir() && new.root.is_dir() && old != new.root);
    assert_eq!(new.versions["nginx"], "2.0");
}

#[test]
fn a_machine_without_apt_uses_what_it_has_or_names_what_it_lacks() {
    let bench = Bench::new();
    fs::remove_file(bench.path("machine/bin/apt-get")).unwrap();
    for wanted in Set::Stack.wanted() {
        match wanted.program() {
            Some("haproxy") => {}
            Some(program) => bench.program(program, ""),
            None => {
                let file = bench.path("machine").join(wanted.file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
        }
    }
    let error = bench.ensure().unwrap_err();
    assert!(error.to_string().contains("and lacks haproxy: install them"), "{error}");
    bench.program("haproxy", "");
    let parts = bench.ensure().unwrap();
    assert!(parts.root.is_dir() && !parts.root.join("usr").exists());
    assert_eq!(parts.versions["haproxy"], "on PATH");
}

/// What a failing apt says, and what we make of it.
fn error_when(script: &str) -> String {
    let bench = Bench::new();
    bench.program("apt-get", script);
    let error = bench.ensure().unwrap_err().to_string();
    assert_eq!(bench.roots(), 0, "{error}");
    error
}

#[test]
fn no_network_is_told_from_a_package_that_is_not_there() {
    const UNKNOWN: &str =
        "case \"$*\" in *--simulate*) echo 'E: Unable to locate package gunicorn' >&2; exit 100;; esac";
    const RESOLVING: &str = "echo \"W: Failed to fetch x  Temporary failure resolving 'x'\" >&2;";
    let offline = error_when(&format!("{RESOLVING} {UNKNOWN}"));
    assert!(
        offline.starts_with("the distribution's packages cannot be reached: Failed to fetch x"),
        "{offline}"
    );
    let unknown = error_when(UNKNOWN);
    assert!(unknown.starts_with("the distribution's package sources have no `gunicorn`"), "{unknown}");
}

#[test]
fn a_full_disk_is_named_whoever_meets_it_first() {
    const WRITE: &str = "echo 'E: Write error - write (28: No space left on device)' >&2; exit 100";
    for step in ["*update*", "*--simulate*", "*--download-only*"] {
        let error = error_when(&format!("case \"$*\" in {step}) {WRITE};; esac"));
        assert!(error.contains("is full: free 600 MB"), "{step}: {error}");
    }
    let bench = Bench::new();
    bench.program("dpkg", "echo 'cannot copy: No space left on device' >&2; exit 2");
    let error = bench.ensure().unwrap_err().to_string();
    assert!(error.contains("is full: free 600 MB"), "{error}");
    assert_eq!(bench.roots(), 0);
}

#[test]
fn packages_that_lack_what_they_are_wanted_for_are_reported() {
    let bench = Bench::new();
    bench.program("dpkg", &format!("case \"$2\" in *nginx*) exit 0;; esac\n{DPKG}"));
    let error = bench.ensure().unwrap_err().to_string();
    assert!(error.contains("do not hold usr/sbin/nginx"), "{error}");
    assert_eq!(bench.site().locate(Set::Stack), None);
}

#[test]
fn a_cache_that_may_not_be_written_is_named_with_the_remedy() {
    let bench = Bench::new();
    fs::write(bench.path("cache"), "a file").unwrap();
    let error = bench.ensure().unwrap_err().to_string();
    assert!(error.contains("cache") && error.contains("BROWNOUT_CACHE names another one"), "{error}");
}
