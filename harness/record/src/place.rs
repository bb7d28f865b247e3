//! Where a run directory stands and what it is called.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::RecordError;

/// Where the record of a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A new directory `<utc>-<name>-<seed>` under this one.
    Under(&'a Path),
    /// Exactly this directory, as `--out DIR` asks. It may exist but must not hold a run already.
    Exactly(&'a Path),
}

/// `text` with everything but letters, digits, `.`, `_` and `-` replaced, for use in names of files and tags.
pub(crate) fn plain_name(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' })
        .collect();
    // A name of dots alone would be a directory that exists already.
    if plain.chars().all(|c| c == '.') { format!("_{plain}") } else { plain }
}

/// Makes the directory of the run called `run_id`.
pub(crate) fn make(place: Place<'_>, run_id: &str) -> Result<PathBuf, RecordError> {
    match place {
        Place::Exactly(path) => {
            fs::create_dir_all(path)
                .map_err(|source| RecordError::Create { path: path.to_owned(), source })?;
            if path.join("plan.toml").exists() {
                return Err(RecordError::Occupied { path: path.to_owned() });
            }
            Ok(path.to_owned())
        }
        Place::Under(root) => {
            fs::create_dir_all(root)
                .map_err(|source| RecordError::Create { path: root.to_owned(), source })?;
            make_unique(root, run_id)
        }
    }
}

/// Two runs of one design may begin in the same second: the later ones are numbered.
fn make_unique(root: &Path, run_id: &str) -> Result<PathBuf, RecordError> {
    let mut path = root.join(run_id);
    for number in 2.. {
        match fs::create_dir(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = root.join(format!("{run_id}-{number}"));
            }
            Err(source) => return Err(RecordError::Create { path, source }),
        }
    }
    Ok(path)
}
