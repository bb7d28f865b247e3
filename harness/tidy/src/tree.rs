//! The files of a repository, read once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Made by tools, or not ours.
const SKIPPED: [&str; 4] = ["target", "runs", "node_modules", "__pycache__"];
/// Hidden folders that hold files of ours; all others belong to tools.
const HIDDEN: [&str; 3] = [".ci", ".config", ".github"];

/// A text file.
#[derive(Debug, Clone)]
pub struct Source {
    /// From the root of the repository.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Whether the file's name ends so.
    #[must_use]
    pub fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|own| own == extension)
    }

    /// Its lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// A repository.
#[derive(Debug, Default)]
pub struct Tree {
    /// All text files, in the order of their paths.
    pub sources: Vec<Source>,
}

impl Tree {
    /// Reads every text file below `root` that is not made by a tool.
    ///
    /// # Errors
    ///
    /// When a folder or file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.add(root, Path::new(""))?;
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn add(&mut self, root: &Path, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            let kind = entry.file_type()?;
            let skipped = SKIPPED.contains(&name.as_str())
                || (kind.is_dir() && name.starts_with('.') && !HIDDEN.contains(&name.as_str()));
            if kind.is_dir() && !skipped {
                self.add(root, &path)?;
            } else if kind.is_file() {
                // Pictures are no text, and no rule is about them.
                if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                    self.sources.push(Source { path, text });
                }
            }
        }
        Ok(())
    }

    /// The files that a person wrote as a program.
    pub fn code(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.is("rs") || source.is("py") || source.is("sh"))
    }
}

#[cfg(test)]
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let source = |(path, text): &(&str, &str)| Source { path: path.into(), text: (*text).to_owned() };
    Tree { sources: files.iter().map(source).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_make_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a/b.rs", "target/c.rs", ".git/d", ".ci/run", "x/node_modules/e.js", ".gitignore"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(root.path().join("picture.png"), [0x89, 0xff, 0xfe]).unwrap();
        let tree = Tree::read(root.path()).unwrap();
        let paths: Vec<_> = tree.sources.iter().map(|source| source.path.display().to_string()).collect();
        assert_eq!(paths, [".ci/run", ".gitignore", "a/b.rs"]);
    }
}
