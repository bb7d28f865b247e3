//! Which room may know which. The map is drawn in ARCHITECTURE.md.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::{Complaint, Source, Tree};

/// A room and the rooms that it may import. `cli` and the benches may import any.
const ARROWS: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("record", &["model"]),
    ("reach", &["model"]),
    ("load", &["model"]),
    ("targets", &["model", "reach"]),
    ("chaos", &["model", "reach"]),
    ("reports", &["model", "record"]),
    ("testserver", &[]),
    ("tidy", &[]),
    ("benches", ANY),
];
const ANY: &[&str] = &["*"];
/// What any room's tests may use besides.
const FOR_TESTS: &str = "testserver";
const PREFIX: &str = "brownout-";
/// The command's package; its room is called `cli`.
const COMMAND: &str = "brownout";

/// Complains of imports against the arrows, and of rooms that are not on the map.
pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let manifests = tree.sources.iter().filter(|source| source.path.ends_with("Cargo.toml"));
    let read: Vec<(&Source, Table)> =
        manifests.filter_map(|source| Some((source, source.text.parse::<Table>().ok()?))).collect();
    let names = read.iter().find_map(|(_, table)| table.get("workspace")?.get("dependencies")?.as_table());
    let renamed = names.map(packages).unwrap_or_default();
    read.iter().flat_map(|(source, table)| room_complaints(source, table, &renamed)).collect()
}

/// The package behind each name of a table of dependencies.
fn packages(dependencies: &Table) -> BTreeMap<String, String> {
    let package = |name: &String, value: &Value| {
        let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
        (name.clone(), package.to_owned())
    };
    dependencies.iter().map(|(name, value)| package(name, value)).collect()
}

fn room_of(package: &str) -> Option<&str> {
    if package == COMMAND { Some("cli") } else { package.strip_prefix(PREFIX) }
}

fn room_complaints(source: &Source, table: &Table, renamed: &BTreeMap<String, String>) -> Vec<Complaint> {
    let complaint = |what: String| Complaint { file: source.path.clone(), line: 0, what };
    let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let Some(package) = name else { return Vec::new() };
    let Some(room) = room_of(package) else {
        return vec![complaint(format!("`{package}` is not called {PREFIX}ROOM"))];
    };
    if room == "cli" {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![complaint(format!(
            "the room `{room}` is not on the map: draw its arrows in harness/tidy"
        ))];
    };
    let mut complaints = Vec::new();
    for (kind, dependencies) in dependency_tables(table) {
        for (name, package) in packages(dependencies) {
            let package = renamed.get(&name).unwrap_or(&package);
            let Some(other) = room_of(package) else { continue };
            // A room's tests may ask for its own features.
            let fine = *allowed == ANY
                || other == room
                || allowed.contains(&other)
                || (kind == "dev-dependencies" && other == FOR_TESTS);
            if !fine {
                complaints.push(complaint(format!(
                    "broken arrow {room} -> {other} in [{kind}]: {}",
                    advice(room, allowed)
                )));
            }
        }
    }
    complaints
}

fn advice(room: &str, allowed: &[&str]) -> String {
    match allowed {
        [] => format!("{room} knows no other room"),
        _ => format!("{room} may know {} only; rooms meet in cli", allowed.join(", ")),
    }
}

/// Every table of dependencies with its kind, those for one platform included.
fn dependency_tables(table: &Table) -> Vec<(&'static str, &Table)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let platforms = table.get("target").and_then(Value::as_table);
    let owners = std::iter::once(table)
        .chain(platforms.into_iter().flat_map(|all| all.values()).filter_map(Value::as_table));
    owners.flat_map(|owner| KINDS.map(|kind| Some((kind, owner.get(kind)?.as_table()?)))).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree;

    const ROOT: &str = "[workspace.dependencies]\n\
        load = { package = \"brownout-load\", path = \"harness/load\" }\n\
        model = { package = \"brownout-model\", path = \"harness/model\" }\n\
        testserver = { package = \"brownout-testserver\", path = \"harness/testserver\" }\n\
        serde = \"1\"\n";

    fn complaints(manifest: &str) -> Vec<String> {
        let tree = tree(&[("Cargo.toml", ROOT), ("room/Cargo.toml", manifest)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_broken_arrow_is_named() {
        let found = complaints(
            "[package]\nname = \"brownout-chaos\"\n[dependencies]\nload.workspace = true\nserde.workspace = true\n",
        );
        assert_eq!(
            found,
            ["room/Cargo.toml: broken arrow chaos -> load in [dependencies]: \
              chaos may know model, reach only; rooms meet in cli"]
        );
    }

    #[test]
    fn an_arrow_hides_neither_behind_a_name_nor_a_path_nor_a_platform() {
        for dependency in [
            "[dependencies]\nx = { package = \"brownout-load\", path = \"../load\" }",
            "[dependencies]\nbrownout-load = { path = \"../load\" }",
            "[build-dependencies]\nload.workspace = true",
            "[target.'cfg(unix)'.dependencies]\nload.workspace = true",
        ] {
            let found = complaints(&format!("[package]\nname = \"brownout-model\"\n{dependency}\n"));
            assert_eq!(found.len(), 1, "{dependency}: {found:?}");
            assert!(found[0].contains("broken arrow model -> load"), "{found:?}");
        }
    }

    #[test]
    fn the_test_server_is_for_tests_only() {
        let with = |kind: &str| {
            complaints(&format!(
                "[package]\nname = \"brownout-load\"\n[{kind}]\ntestserver.workspace = true\n"
            ))
        };
        assert_eq!(with("dev-dependencies"), [""; 0]);
        assert!(with("dependencies")[0].contains("broken arrow load -> testserver"));
    }

    #[test]
    fn the_command_and_the_benches_may_know_any() {
        for name in ["brownout", "brownout-cli", "brownout-benches"] {
            assert_eq!(
                complaints(&format!("[package]\nname = \"{name}\"\n[dependencies]\nload.workspace = true\n")),
                [""; 0]
            );
        }
    }

    #[test]
    fn a_room_that_is_not_on_the_map_is_named() {
        assert!(
            complaints("[package]\nname = \"brownout-attic\"\n")[0].contains("`attic` is not on the map")
        );
        assert!(complaints("[package]\nname = \"attic\"\n")[0].contains("not called brownout-ROOM"));
    }
}
