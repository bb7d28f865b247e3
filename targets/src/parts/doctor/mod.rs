//! What this machine has, what each missing thing is needed for, and the remedy.

mod kernel;
mod table;

use std::thread::available_parallelism;

use nix::sys::statvfs::statvfs;

pub use table::table;

use super::machine::Machine;
use super::modules::DRIVER;
use super::{PartsRoot, Set, Wanted, cache_dir, find_program, locate_set};
use crate::hardware::Hardware;

/// How good a thing is for what it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// There.
    Present,
    /// Something works less well without it, and a run says so.
    Limited,
    /// What it is needed for does not work at all.
    Missing,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// "user namespaces", "nginx".
    pub what: String,
    /// Whether it is there.
    pub state: State,
    /// A version and where it comes from, or the kernel's answer.
    pub found: String,
    /// What does not work without it.
    pub needed_for: &'static str,
    /// What to do, when it is not there.
    pub remedy: Option<String>,
}

impl Row {
    fn present(what: &str, found: impl Into<String>, needed_for: &'static str) -> Self {
        Self { what: what.to_owned(), state: State::Present, found: found.into(), needed_for, remedy: None }
    }

    fn absent(self, state: State, remedy: impl Into<String>) -> Self {
        Self { state, remedy: Some(remedy.into()), ..self }
    }
}

/// Looks at everything. It makes namespaces and a cgroup, all of which are gone when it returns, and changes nothing.
#[must_use]
pub fn examine() -> Vec<Row> {
    let parts = locate_set(Set::Stack);
    let mut rows = kernel::examine(parts.as_ref());
    rows.push(processor_shares());
    rows.push(cores());
    rows.push(cache());
    rows.push(node_modules(parts.as_ref()));
    rows.extend(Set::Stack.wanted().iter().map(|wanted| part(wanted, parts.as_ref())));
    rows
}

fn processor_shares() -> Row {
    const NEEDED: &str = "the same hardware for every node, so that ceilings compare designs";
    let hardware = Hardware::claim();
    hardware.remove();
    match hardware {
        Hardware::V1 { .. } => Row::present("cgroup CPU control", "cgroup v1", NEEDED),
        Hardware::V2 { .. } => Row::present("cgroup CPU control", "cgroup v2, delegated", NEEDED),
        Hardware::Shared { why } => Row::present("cgroup CPU control", why, NEEDED).absent(
            State::Limited,
            "run as root, or under `systemd-run --user --scope -p Delegate=yes` where systemd runs; \
             without it nodes share the machine and the report says so",
        ),
    }
}

fn cores() -> Row {
    let cores = available_parallelism().map_or(1, usize::from);
    let row = Row::present("processor cores", cores.to_string(), "a core that only the load generator uses");
    if cores >= 2 {
        return row;
    }
    row.absent(
        State::Limited,
        "use a machine with 2 cores or more: on one, the generator and the nodes disturb each other",
    )
}

fn cache() -> Row {
    /// What the parts take, the browser left out.
    const ENOUGH: u64 = 600 << 20;
    const NEEDED: &str = "the downloaded parts";
    let Some(folder) = cache_dir() else {
        return Row::present("cache", "no folder", NEEDED).absent(
            State::Missing,
            "set HOME, XDG_CACHE_HOME or BROWNOUT_CACHE to a folder that you may write",
        );
    };
    // It may not exist yet; the nearest folder above it that does has the same disk.
    let disk = folder.ancestors().find_map(|above| statvfs(above).ok());
    // The fields' width depends on the system.
    #[expect(clippy::useless_conversion, reason = "the counts are 32 bits wide on some targets")]
    let free = disk.map_or(0, |disk| u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()));
    let row = Row::present("cache", format!("{}, {} MB free", folder.display(), free / 1_000_000), NEEDED);
    if free >= ENOUGH || locate_set(Set::Stack).is_some() {
        return row;
    }
    row.absent(State::Missing, "free 600 MB there, or set BROWNOUT_CACHE to another folder")
}

fn node_modules(parts: Option<&PartsRoot>) -> Row {
    const NEEDED: &str = "the application on Node.js: its way to MariaDB";
    let version =
        parts.filter(|parts| parts.node_modules.is_some()).and_then(|parts| parts.versions.get(DRIVER));
    if let Some(version) = version {
        return Row::present(DRIVER, format!("{version}, by npm"), NEEDED);
    }
    let remedy = match find_program("npm") {
        Some(_) => "run `brownout setup`",
        None => "install npm so that it is on the PATH, and run `brownout setup`",
    };
    Row::present(DRIVER, "not there", NEEDED).absent(State::Limited, remedy)
}

fn part(wanted: &Wanted, parts: Option<&PartsRoot>) -> Row {
    if let Some(parts) = parts.filter(|parts| wanted.is_in(&parts.root)) {
        let version = parts.versions.get(wanted.package).map_or("unknown version", String::as_str);
        let found = format!("{version}, from the distribution's packages");
        return Row::present(wanted.package, found, wanted.needed_for);
    }
    if Machine::this().has(wanted) {
        let program = wanted.program().and_then(find_program);
        let found = program.map_or("installed".to_owned(), |path| path.display().to_string());
        return Row::present(wanted.package, found, wanted.needed_for);
    }
    let remedy = match find_program("apt-get") {
        Some(_) => "run `brownout setup`".to_owned(),
        None => format!("install {} so that it is on the PATH", wanted.package),
    };
    Row::present(wanted.package, "not there", wanted.needed_for).absent(State::Missing, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_row_and_what_is_not_there_has_a_remedy() {
        let rows = examine();
        for what in [
            "user namespaces",
            "overlay file system",
            "netem",
            "cgroup CPU control",
            "cache",
            "nginx",
            "mysql2",
            "iproute2",
        ] {
            assert_eq!(rows.iter().filter(|row| row.what == what).count(), 1, "{what}");
        }
        for row in &rows {
            assert_eq!(row.remedy.is_none(), row.state == State::Present, "{row:?}");
        }
    }

    #[test]
    fn a_part_is_told_with_its_version_and_where_it_comes_from() {
        let root = tempfile::tempdir().unwrap();
        let wanted = &Set::Stack.wanted()[0];
        let file = root.path().join(wanted.file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
        let versions = [(wanted.package.to_owned(), "1.22".to_owned())].into();
        let parts = PartsRoot { root: root.path().to_owned(), versions, node_modules: None };
        let row = part(wanted, Some(&parts));
        assert_eq!(
            (row.state, row.found.as_str()),
            (State::Present, "1.22, from the distribution's packages")
        );
    }

    #[test]
    fn a_part_that_is_nowhere_is_missing() {
        let wanted = Wanted { package: "nosuch", file: "usr/bin/nosuch-program", needed_for: "nothing" };
        let row = part(&wanted, None);
        assert_eq!((row.state, row.found.as_str()), (State::Missing, "not there"));
    }
}
