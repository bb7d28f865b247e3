//! What must not be written. Each word is put together here, so that this file does not hold it.

use crate::{Complaint, Source, Tree};

struct Rule {
    word: &'static str,
    /// In which files it is looked for.
    place: fn(&Source) -> bool,
    why: &'static str,
}

const MACHINE: &str = "is a path of one machine: use a relative path, or a folder that the test made";
const REGISTRY: &str = "is a package registry's host: name the package, its client knows where to look";
const LATER: &str = "is work left for later: do it now, or leave it out and say so";

const RULES: [Rule; 14] = [
    Rule { word: concat!("/wo", "rk/"), place: written, why: MACHINE },
    Rule { word: concat!("/ho", "me/"), place: written, why: MACHINE },
    Rule { word: concat!("/Us", "ers/"), place: written, why: MACHINE },
    Rule { word: concat!("crates", ".io"), place: written, why: REGISTRY },
    Rule { word: concat!("pypi", ".org"), place: written, why: REGISTRY },
    Rule { word: concat!("python", "hosted.org"), place: written, why: REGISTRY },
    Rule { word: concat!("npm", "js.org"), place: written, why: REGISTRY },
    Rule { word: concat!("deb.deb", "ian.org"), place: written, why: REGISTRY },
    Rule { word: concat!("security.deb", "ian.org"), place: written, why: REGISTRY },
    Rule { word: concat!("archive.ubu", "ntu.com"), place: written, why: REGISTRY },
    Rule { word: concat!("todo", "!("), place: rust, why: LATER },
    Rule { word: concat!("unimpl", "emented!("), place: rust, why: LATER },
    Rule {
        word: concat!("#[ig", "nore"),
        place: rust,
        why: "skips a test: a test that cannot run is a failure",
    },
    Rule { word: concat!("dbg", "!("), place: rust, why: "is left-over scaffolding" },
];

/// The body of a test that another test starts as a process of its own is not skipped: it is run by that one.
const BODY: &str = concat!("#[ig", "nore = \"started by ");

/// All files but the one that cargo writes.
fn written(source: &Source) -> bool {
    !source.path.ends_with("Cargo.lock")
}

fn rust(source: &Source) -> bool {
    source.is("rs")
}

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.sources.iter().flat_map(complaints).collect()
}

fn complaints(source: &Source) -> Vec<Complaint> {
    let rules: Vec<&Rule> = RULES.iter().filter(|rule| (rule.place)(source)).collect();
    let broken = |(line, text): (usize, &str)| {
        let rule = rules.iter().find(|rule| text.contains(rule.word) && !text.contains(BODY))?;
        let what = format!("`{}` {}", rule.word, rule.why);
        Some(Complaint { file: source.path.clone(), line, what })
    };
    source.lines().filter_map(broken).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    #[test]
    fn every_word_is_found_where_it_stands() {
        for rule in RULES {
            let text = format!("fn fine() {{}}\nlet x = \"{} y\";\n", rule.word);
            let found = check(&tree(&[("src/lib.rs", &text)]));
            assert_eq!(found.len(), 1, "{}", rule.word);
            assert_eq!(found[0].line, 2);
            assert!(found[0].what.contains(rule.word) && found[0].what.contains(rule.why));
        }
    }

    #[test]
    fn a_test_that_another_one_starts_is_not_a_skipped_one() {
        let body = format!("{BODY}another test, to be killed\"]");
        let skipped = format!("{} = \"flaky\"]", concat!("#[ig", "nore"));
        let found = check(&tree(&[("tests/a.rs", &body), ("tests/b.rs", &skipped)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].file.ends_with("b.rs"));
    }

    #[test]
    fn cargo_writes_its_own_file_and_prose_may_speak_of_macros() {
        let lock = format!("source = \"registry+{}\"", concat!("crates", ".io"));
        let prose = format!("never write {}", concat!("todo", "!("));
        assert_eq!(check(&tree(&[("Cargo.lock", &lock), ("CONTRIBUTING.md", &prose)])), []);
    }
}
