//! `brownout explain`, and the pages in docs/designs that it makes: they are what the designs say today.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

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
