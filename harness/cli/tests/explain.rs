//! `brownout explain`, and the pages in docs/designs that it makes: they are what the designs say today.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn brownout(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brownout")).args(args).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = brownout(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn designs() -> Vec<String> {
    printed(&["designs"]).lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/designs")
}

#[test]
fn the_pages_are_what_the_designs_say_today() {
    let fresh = |args: &[&str], file: PathBuf| {
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == printed(args), "{} is stale: make it again with script/explain", file.display());
    };
    fresh(&["explain", "--format", "md"], pages().join("README.md"));
    for design in designs() {
        fresh(&["explain", &design, "--format", "md"], pages().join(format!("{design}.md")));
        for format in ["svg", "drawio"] {
            let file = pages().join("images").join(format!("{design}.{format}"));
            fresh(&["explain", &design, "--format", format], file);
        }
    }
}

/// A picture is made by a browser, so what is checked is that it was made of today's drawing.
#[test]
fn the_pictures_were_made_of_todays_drawings() {
    let images = pages().join("images");
    let sums = fs::read_to_string(images.join("drawn.sha256")).unwrap();
    for design in designs() {
        for format in ["svg", "png"] {
            assert!(
                sums.contains(&format!("./{design}.{format}\n")),
                "{design}.{format} has no sum: script/explain"
            );
        }
    }
    let checked =
        Command::new("sha256sum").args(["--check", "--strict", "drawn.sha256"]).current_dir(&images).output();
    let checked = checked.unwrap();
    assert!(
        checked.status.success(),
        "pictures are stale: make them again with script/explain\n{}",
        String::from_utf8_lossy(&checked.stdout)
    );
}

/// Nothing is started: it works where there is neither a package nor a home to keep one in.
#[test]
fn a_design_is_explained_without_a_lab() {
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_brownout"))
        .args(["explain", "4-resilient"])
        .env_clear()
        .current_dir(empty.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("The way of a request"), "{text}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn what_was_measured_stands_beside_the_weakness() {
    let dir = tempfile::tempdir().unwrap();
    let claims = dir.path().join("claims.json");
    let text = r#"{ "schema_version": 1, "kind": "claims", "claims": [ { "design": "0-simple", "id": "spof",
        "claim": "Each part is needed.", "experiment": "kill each", "measured": "Gone for 12.3 s.",
        "verdict": "holds", "reasons": [] } ] }"#;
    fs::write(&claims, text).unwrap();
    let told = printed(&["explain", "0-simple", "--claims", claims.to_str().unwrap()]);
    assert!(told.contains("measured: Gone for 12.3 s. (holds)"), "{told}");
}

#[test]
fn bad_input_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("claims.json");
    fs::write(&file, "{").unwrap();
    let claims = file.to_str().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["explain", "9-none"], "no design `9-none`"),
        (&["explain", "--format", "svg"], "name one design"),
        (&["explain", "0-simple", "--format", "pdf"], "invalid value 'pdf'"),
        (&["explain", "0-simple", "--claims", claims], "claims.json"),
    ];
    for (args, expected) in cases {
        let output = brownout(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}
