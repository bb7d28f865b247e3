//! A file is one or two screens of one thing.

use crate::{Complaint, Tree};

/// No file is longer than this many lines.
const MOST: usize = 500;
/// Half of the files are shorter than this many lines.
const MEDIAN: usize = 150;

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.code()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MOST)
        .map(|(source, lines)| Complaint {
            file: source.path.clone(),
            line: 0,
            what: format!("{lines} lines, more than {MOST}: find the missing noun and give it a file"),
        })
        .collect()
}

/// A warning when files tend to be long. It fails nothing: one more short file would be the wrong cure.
#[must_use]
pub fn median_warning(tree: &Tree) -> Option<String> {
    let mut lines: Vec<usize> = tree.code().map(|source| source.text.lines().count()).collect();
    lines.sort_unstable();
    let median = *lines.get(lines.len() / 2)?;
    (median > MEDIAN)
        .then(|| format!("half of the files have {median} lines or more; the house asks for {MEDIAN}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn a_file_may_have_the_most_lines_and_not_one_more() {
        let (fits, long) = ("x\n".repeat(MOST), "x\n".repeat(MOST + 1));
        let found = check(&tree(&[("fits.rs", &fits), ("long.rs", &long), ("book.md", &long)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("long.rs: 501 lines"), "{}", found[0]);
    }

    #[test]
    fn files_that_tend_to_be_long_are_warned_of() {
        let (short, long) = ("x\n".repeat(10), "x\n".repeat(MEDIAN + 1));
        assert_eq!(median_warning(&tree(&[("a.rs", &short), ("b.rs", &short), ("c.rs", &long)])), None);
        let warning = median_warning(&tree(&[("a.rs", &short), ("b.rs", &long), ("c.rs", &long)]));
        assert!(warning.is_some_and(|text| text.contains("151 lines")));
        assert_eq!(median_warning(&Tree::default()), None);
    }
}
