//! Unpacks packages into one root whose `usr` holds everything.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::apt::Apt;
use super::cache::Cache;
use super::error::says_disk_full;
use super::lines::{last_line, run_lines};
use super::package::Package;
use super::{PartsError, Progress};

/// Begins the name of a folder that is not complete yet.
pub(super) const UNFINISHED: &str = "unfinished-";

/// Unpacks `plan` into the folder `name` of the cache, which appears when it is complete.
pub(super) fn unpack(
    cache: &Cache,
    name: &str,
    apt: &Apt,
    plan: &[Package],
    progress: &mut dyn FnMut(Progress),
) -> Result<(), PartsError> {
    let parts = cache.parts();
    remove_unfinished(&parts)?;
    let root = parts.join(format!("{UNFINISHED}{name}"));
    cache.make(&root)?;
    let result = fill(&root, apt, plan, progress);
    if result.is_err() {
        // It would only take up room; the error above says what went wrong.
        let _ = fs::remove_dir_all(&root);
    }
    result?;
    let finished = parts.join(name);
    fs::rename(&root, &finished).map_err(PartsError::io("create", &finished))
}

/// What an interrupted process left. Only the holder of the lock may do this.
pub(super) fn remove_unfinished(parts: &Path) -> Result<(), PartsError> {
    for entry in fs::read_dir(parts).map_err(PartsError::io("read", parts))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path()).map_err(PartsError::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}

fn fill(
    root: &Path,
    apt: &Apt,
    plan: &[Package],
    progress: &mut dyn FnMut(Progress),
) -> Result<(), PartsError> {
    for (done, package) in plan.iter().enumerate() {
        progress(Progress::Unpacking { done, total: plan.len() });
        let archive = apt.archives().join(package.archive());
        let unpacked = extract(apt.dpkg(), &archive, root).map_err(PartsError::io("unpack", &archive))?;
        unpacked.map_err(|output| match says_disk_full(&output) {
            true => PartsError::DiskFull { path: apt.archives() },
            false => {
                let detail = last_line(&output).to_owned();
                PartsError::Unpack { package: package.name.clone(), detail, archive: archive.clone() }
            }
        })?;
    }
    progress(Progress::Unpacking { done: plan.len(), total: plan.len() });
    merge_usr(root).map_err(PartsError::io("merge /usr in", root))
}

/// Unpacks one archive; the inner error is what dpkg says.
fn extract(dpkg: &Path, archive: &Path, root: &Path) -> io::Result<Result<(), String>> {
    let mut command = Command::new(dpkg);
    command.arg("--extract").arg(archive).arg(root).env("LC_ALL", "C").stdin(Stdio::null());
    let ended = run_lines(command, &mut |_| ())?;
    Ok(if ended.success { Ok(()) } else { Err(ended.text) })
}

/// Packages may still ship `/bin`, `/sbin` and `/lib`, which the system has as links into `/usr`. Without this the lab,
/// which lays `usr` over the machine's, would not see them.
fn merge_usr(root: &Path) -> io::Result<()> {
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let (top, merged) = (root.join(name), root.join("usr").join(name));
        if top.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            fs::create_dir_all(&merged)?;
            merge(&top, &merged)?;
            fs::remove_dir_all(&top)?;
        }
        if merged.is_dir() && top.symlink_metadata().is_err() {
            symlink(Path::new("usr").join(name), &top)?;
        }
    }
    Ok(())
}

/// Moves everything in `from` into `to`.
fn merge(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match target.symlink_metadata() {
            Err(_) => fs::rename(&source, &target)?,
            Ok(there) if there.is_dir() && entry.file_type()?.is_dir() => merge(&source, &target)?,
            // `/usr/bin/x -> /bin/x` would point to itself: the file wins over the link to it.
            Ok(there) if there.is_symlink() => fs::rename(&source, &target)?,
            Ok(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }

    #[test]
    fn what_lay_beside_usr_is_found_in_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "sbin/ip");
        write(root, "lib/x86_64-linux-gnu/libnl.so");
        write(root, "usr/lib/x86_64-linux-gnu/libmnl.so");
        merge_usr(root).unwrap();
        assert_eq!(fs::read_to_string(root.join("usr/sbin/ip")).unwrap(), "sbin/ip");
        for library in ["libnl.so", "libmnl.so"] {
            assert!(root.join("usr/lib/x86_64-linux-gnu").join(library).is_file(), "{library}");
        }
        assert_eq!(fs::read_link(root.join("sbin")).unwrap(), Path::new("usr/sbin"));
        assert!(root.join("sbin/ip").is_file());
    }

    #[test]
    fn a_file_wins_over_the_link_that_pointed_at_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "bin/tool");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        symlink("/bin/tool", root.join("usr/bin/tool")).unwrap();
        merge_usr(root).unwrap();
        assert_eq!(fs::read_to_string(root.join("usr/bin/tool")).unwrap(), "bin/tool");
    }
}
