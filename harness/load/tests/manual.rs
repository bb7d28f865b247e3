//! What docs/load.md shows can be read.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use load::{Surroundings, parse_scenario};

#[test]
fn every_scenario_of_the_manual_can_be_read() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/load.md");
    let text = std::fs::read_to_string(manual).unwrap();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 4, "{} examples", examples.len());
    for example in examples {
        let surroundings = Surroundings {
            read: Box::new(|name| {
                let text = if name.ends_with(".csv") { "name,tenant\nann,a\n" } else { "content" };
                Ok(text.as_bytes().to_vec())
            }),
            variable: Box::new(|_| Some("value".to_owned())),
        };
        let scenario = parse_scenario(example, "docs/load.md", &surroundings);
        assert!(scenario.is_ok(), "{}\n{example}", scenario.unwrap_err());
    }
}
