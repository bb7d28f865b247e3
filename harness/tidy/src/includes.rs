//! A room takes no file of another room into itself: that would be an arrow that no manifest shows.

use std::path::{Component, Path, PathBuf};

use crate::{Complaint, Source, Tree};

/// Complains of `#[path]` and `include…!` that leave their package.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let packages: Vec<&Path> = tree
        .sources
        .iter()
        .filter(|source| source.path.ends_with("Cargo.toml"))
        .filter_map(|source| source.path.parent())
        .collect();
    tree.sources
        .iter()
        .filter(|source| source.is("rs"))
        .flat_map(|source| outside(source, &packages))
        .collect()
}

fn outside(source: &Source, packages: &[&Path]) -> Vec<Complaint> {
    let owner = packages
        .iter()
        .filter(|package| source.path.starts_with(package))
        .max_by_key(|package| package.as_os_str().len());
    let Some(package) = owner.filter(|package| !meeting_place(package)) else { return Vec::new() };
    let folder = source.path.parent().unwrap_or(Path::new(""));
    let leaves = |line: &str| {
        let relative = quoted_after(line, &["#[path", "include!(", "include_str!(", "include_bytes!("])
            .is_some_and(|file| !plain(&folder.join(file)).starts_with(package));
        let from_manifest = quoted_after(line, &["CARGO_MANIFEST_DIR\")", "$CARGO_MANIFEST_DIR"])
            .is_some_and(|file| line.contains("include") && file.trim_start_matches('/').starts_with(".."));
        relative || from_manifest
    };
    let complaint = |(line, _)| Complaint {
        file: source.path.clone(),
        line,
        what: "takes a file from outside of its package: a hidden arrow; let cli pass it in".to_owned(),
    };
    source.lines().filter(|(_, line)| leaves(line)).map(complaint).collect()
}

/// Where rooms meet, everything may be seen.
fn meeting_place(package: &Path) -> bool {
    ["harness/cli", "benches", "harness/tidy"].iter().any(|place| package == Path::new(place))
}

/// The string that follows one of `words` on the line.
fn quoted_after<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    let rest = words.iter().find_map(|word| line.split_once(word)).map(|(_, rest)| rest)?;
    // `$CARGO_MANIFEST_DIR/..` stands within the quotes already.
    if rest.starts_with('/') {
        return rest.split('"').next();
    }
    rest.split('"').nth(1)
}

/// The path without `..`, looking at no file.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    fn complaints(file: &str, line: &str) -> usize {
        check(&tree(&[
            ("Cargo.toml", ""),
            ("chaos/Cargo.toml", ""),
            ("harness/cli/Cargo.toml", ""),
            (file, line),
        ]))
        .len()
    }

    #[test]
    fn a_file_of_another_room_is_not_taken_in() {
        for line in [
            "#[path = \"../../targets/src/lab.rs\"]",
            "const X: &str = include_str!(\"../../targets/app/schema.sql\");",
            "include_dir!(\"$CARGO_MANIFEST_DIR/../targets/parts\")",
            "include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../targets/x\"))",
        ] {
            assert_eq!(complaints("chaos/src/lib.rs", line), 1, "{line}");
            assert_eq!(complaints("harness/cli/src/main.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn a_file_of_the_same_package_may_be() {
        for line in [
            "include_str!(\"../schedules/noop.toml\")",
            "include_dir!(\"$CARGO_MANIFEST_DIR/schedules\")",
            "#[path = \"x.rs\"]",
            // A folder for what a test leaves, and no source.
            "Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"../target\")",
        ] {
            assert_eq!(complaints("chaos/src/lib.rs", line), 0, "{line}");
        }
    }
}
