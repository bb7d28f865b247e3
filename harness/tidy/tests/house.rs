//! This repository keeps its own rules.

use std::path::Path;

use tidy::{Tree, check, median_warning};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn this_repository_keeps_the_house_rules() {
    let complaints = check(root()).unwrap();
    let listed: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(listed.is_empty(), "{} rules are broken:\n{}", listed.len(), listed.join("\n"));
}

#[test]
fn the_rules_see_this_repository() {
    let tree = Tree::read(root()).unwrap();
    let manifests = tree.sources.iter().filter(|source| source.path.ends_with("Cargo.toml")).count();
    assert!(manifests >= 9, "only {manifests} manifests were read");
    assert!(tree.code().count() >= 50, "only {} source files were read", tree.code().count());
    if let Some(warning) = median_warning(&tree) {
        eprintln!("warning: {warning}");
    }
}
