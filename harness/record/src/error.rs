use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a record could not be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The run directory could not be made.
    #[error("cannot make the run directory {}: {source}; choose another place with --out", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory already holds a run.
    #[error("{} already holds the record of a run; choose another directory with --out", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// A file could not be written. The run is not affected; what was written before is kept.
    #[error("cannot write {}: {source}; the run goes on, its record is incomplete", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk did not keep up and events had to be left out.
    #[error("the disk of {} did not keep up: {missed} events are missing from the record", path.display())]
    Behind {
        /// The directory.
        path: PathBuf,
        /// How many were left out.
        missed: u64,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}; is this the directory of a run?", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}:{line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What was expected.
        reason: String,
    },
    /// The record is of a newer format.
    #[error("{} has format version {found}, this program reads version {known}; use a newer one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
}

impl RecordError {
    pub(crate) fn malformed(path: &std::path::Path, line: usize, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), line, reason: reason.into() }
    }
}
