//! The folder where parts are kept between runs.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::{PartsError, Set};

/// The cache's folder: `BROWNOUT_CACHE`, else `$XDG_CACHE_HOME/brownout`, else `$HOME/.cache/brownout`. It may not exist.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    choose(|name| env::var_os(name))
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The XDG base directory specification: a relative path is to be ignored.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(own) = variable("BROWNOUT_CACHE").filter(|own| !own.is_empty()) {
        return std::path::absolute(own).ok();
    }
    folder("XDG_CACHE_HOME")
        .map(|cache| cache.join("brownout"))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/brownout")))
}

pub(super) struct Cache {
    root: PathBuf,
}

impl Cache {
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn parts(&self) -> PathBuf {
        self.root.join("parts")
    }

    pub(super) fn apt(&self) -> PathBuf {
        self.root.join("apt")
    }

    pub(super) fn npm(&self) -> PathBuf {
        self.root.join("npm")
    }

    pub(super) fn manifest(&self, set: Set) -> PathBuf {
        self.parts().join(format!("{}.json", set.name()))
    }

    pub(super) fn make(&self, folder: &Path) -> Result<(), PartsError> {
        fs::create_dir_all(folder).map_err(PartsError::io("create", folder))
    }

    /// Holds `name` against other processes until dropped; the kernel lets go of it when this process dies. Calls
    /// `waiting` once when another has it.
    pub(super) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Flock<File>, PartsError> {
        self.make(&self.root)?;
        let path = self.root.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(PartsError::io("open", &path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(lock),
            Err((file, Errno::EWOULDBLOCK)) => {
                waiting();
                Flock::lock(file, FlockArg::LockExclusive)
                    .map_err(|(_, errno)| PartsError::io("lock", &path)(errno.into()))
            }
            Err((_, errno)) => Err(PartsError::io("lock", &path)(errno.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> Option<PathBuf> {
        choose(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn our_own_variable_wins_then_the_cache_folder_then_home() {
        let all = [("BROWNOUT_CACHE", "/own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/me")];
        assert_eq!(chosen(&all), Some("/own".into()));
        assert_eq!(chosen(&all[1..]), Some("/xdg/brownout".into()));
        assert_eq!(chosen(&all[2..]), Some("/me/.cache/brownout".into()));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn an_empty_or_relative_variable_is_as_good_as_none() {
        assert_eq!(
            chosen(&[("BROWNOUT_CACHE", ""), ("XDG_CACHE_HOME", "x"), ("HOME", "/me")]),
            Some("/me/.cache/brownout".into())
        );
        assert_eq!(chosen(&[("HOME", "")]), None);
    }

    #[test]
    fn the_second_to_lock_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = Cache::at(dir.path().to_owned()).lock("lock", || panic!("nobody has it")).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let waited = scope.spawn(|| {
                let mut waited = false;
                let lock = Cache::at(dir.path().to_owned()).lock("lock", || {
                    waited = true;
                    tell.send(()).unwrap();
                });
                lock.map(|_| waited)
            });
            told.recv().unwrap();
            drop(first);
            assert!(waited.join().unwrap().unwrap());
        });
    }
}
