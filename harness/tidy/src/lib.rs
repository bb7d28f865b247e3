//! The house rules that no compiler keeps: which room may know which, how long a file may be, what must not be written.
//!
//! Each rule takes the tree and gives complaints; `tests/house.rs` runs them all over this repository.

mod arrows;
mod includes;
mod names;
mod size;
mod tree;
mod words;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use size::median_warning;
pub use tree::{Source, Tree};

/// A rule that is broken at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// The file, from the root of the repository.
    pub file: PathBuf,
    /// Counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// Every rule over the repository at `root`, in the order of the files.
///
/// # Errors
///
/// When a folder or file cannot be read.
pub fn check(root: &Path) -> io::Result<Vec<Complaint>> {
    let tree = Tree::read(root)?;
    let rules = [arrows::check, includes::check, names::check, size::check, words::check];
    let mut complaints: Vec<Complaint> = rules.iter().flat_map(|rule| rule(&tree)).collect();
    complaints.sort();
    Ok(complaints)
}
