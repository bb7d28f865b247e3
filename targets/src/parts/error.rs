//! Why parts could not be had, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why parts could not be had.
#[derive(Debug, Error)]
pub enum PartsError {
    /// No variable says where a cache may be.
    #[error(
        "nowhere to keep the parts: set HOME, XDG_CACHE_HOME or BROWNOUT_CACHE to a folder that you may write"
    )]
    NoCacheFolder,
    /// Not a Debian or Ubuntu, and the machine lacks parts.
    #[error(
        "this machine has no apt-get and dpkg to get parts with, and lacks {}: install them with its own package \
         manager so that they are on the PATH, or use Debian or Ubuntu",
        missing.join(", ")
    )]
    NoApt {
        /// Packages that the machine lacks.
        missing: Vec<String>,
    },
    /// The distribution does not have a package.
    #[error(
        "the distribution's package sources have no `{package}`: enable the one that has it in /etc/apt \
         (on Ubuntu: universe), or install `{package}` by other means so that it is on the PATH"
    )]
    NoSuchPackage {
        /// Its name.
        package: String,
    },
    /// The package sources cannot be reached.
    #[error(
        "the distribution's packages cannot be reached: {detail}; connect this machine, set http_proxy, or install \
         the parts by other means so that they are on the PATH"
    )]
    NoNetwork {
        /// apt's words.
        detail: String,
    },
    /// No room is left.
    #[error(
        "the disk of {path} is full: free 600 MB there (1.5 GB with the browser), or set BROWNOUT_CACHE to another folder"
    )]
    DiskFull {
        /// The cache.
        path: PathBuf,
    },
    /// apt failed in a way that has no remedy of its own here.
    #[error("apt-get could not {step}: {detail}")]
    Apt {
        /// "resolve the packages", "download the packages".
        step: &'static str,
        /// apt's own words.
        detail: String,
    },
    /// A package could not be unpacked.
    #[error("cannot unpack {package}: {detail}; remove {archive} and try again")]
    Unpack {
        /// Its name.
        package: String,
        /// The tool's own words.
        detail: String,
        /// The file that was downloaded.
        archive: PathBuf,
    },
    /// Everything was unpacked and a part is still not there.
    #[error("the distribution's packages do not hold {}: report this with the output of `brownout doctor`", missing.join(", "))]
    Incomplete {
        /// Files that should be there.
        missing: Vec<String>,
    },
    /// npm is not there to get the application's modules.
    #[error(
        "the application on Node.js needs mysql2, and there is no npm to get it with: install npm so that it is on the \
         PATH and run `brownout setup`, or use a design whose application runs under gunicorn"
    )]
    NoNpm,
    /// npm could not get the application's modules.
    #[error(
        "npm could not get mysql2, which the application on Node.js needs: {detail}; connect this machine or name a \
         registry with `npm config set registry`, then run `brownout setup`"
    )]
    Npm {
        /// npm's own words.
        detail: String,
    },
    /// A fresh data directory could not be made.
    #[error("cannot make a fresh MariaDB data directory: {detail}")]
    DataDirectory {
        /// The last words of MariaDB's tool.
        detail: String,
    },
    /// A file or folder of the cache.
    #[error("cannot {what} {path}: {source}; is the folder writable? BROWNOUT_CACHE names another one")]
    Io {
        /// "write", "create".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl PartsError {
    /// Sorts the kernel's answer about `path`.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned() }
            }
            _ => Self::Io { what, path: path.to_owned(), source },
        }
    }
}

/// Whether a tool's output says that the disk is full.
pub(super) fn says_disk_full(output: &str) -> bool {
    ["No space left on device", "enough free space", "Disk quota exceeded"]
        .iter()
        .any(|words| output.contains(words))
}
