//! A file is named for what is in it.

use std::path::Path;

use crate::{Complaint, Tree};

/// Names under which anything can be put, and so everything is.
const SAYS_NOTHING: [&str; 6] = ["util", "utils", "misc", "manager", "imp", "helpers"];

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let complaint = |path: &Path, name: &str| Complaint {
        file: path.to_owned(),
        line: 0,
        what: format!("`{name}` does not say what is in it: name the noun"),
    };
    let nameless = |path: &Path| {
        let parts = path.with_extension("");
        let name = parts.iter().find(|part| SAYS_NOTHING.iter().any(|name| part == name));
        name.map(|name| complaint(path, &name.to_string_lossy()))
    };
    tree.code().filter_map(|source| nameless(&source.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn files_and_folders_that_say_nothing_are_named() {
        let found = check(&tree(&[
            ("a/src/utils.rs", ""),
            ("a/src/misc/x.rs", ""),
            ("a/src/manager.py", ""),
            ("a/src/important.rs", ""),
        ]));
        let files: Vec<_> = found.iter().map(|complaint| complaint.file.display().to_string()).collect();
        assert_eq!(files, ["a/src/utils.rs", "a/src/misc/x.rs", "a/src/manager.py"]);
    }
}
