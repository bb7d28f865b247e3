//! What a scenario file reaches for outside itself.

use std::io;
use std::path::{Path, PathBuf};

type ReadFile<'a> = dyn Fn(&str) -> io::Result<Vec<u8>> + 'a;
type ReadVariable<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where the files and variables come from that a scenario names.
pub struct Surroundings<'a> {
    /// Reads the file that a scenario calls so.
    pub read: Box<ReadFile<'a>>,
    /// The value of an environment variable.
    pub variable: Box<ReadVariable<'a>>,
}

impl Surroundings<'_> {
    /// Of the scenario file at `path`: files are looked for beside it, variables in this process's environment.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let dir: PathBuf = path.parent().unwrap_or(Path::new("")).to_owned();
        Self {
            read: Box::new(move |name| std::fs::read(dir.join(name))),
            variable: Box::new(|name| std::env::var(name).ok()),
        }
    }

    /// Nothing: no file and no variable is found.
    #[must_use]
    pub fn none() -> Self {
        Self {
            read: Box::new(|_| Err(io::Error::from(io::ErrorKind::NotFound))),
            variable: Box::new(|_| None),
        }
    }
}
