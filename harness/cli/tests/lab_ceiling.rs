//! The ceiling of a design of real parts.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use common::Home;
use serde_json::Value;

#[test]
fn a_design_has_a_ceiling_that_is_kept_with_its_trials_and_its_page() {
    let home = Home::new();
    let ended = home.run(["ceiling", "0-simple", "--rough", "--json", "--out", "out"]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    assert!([0, 4].contains(&ended.code), "{}", ended.stderr);
    assert_eq!((found["kind"].as_str(), found["target"].as_str()), (Some("ceiling"), Some("0-simple")));
    assert_eq!(found["nodes"], 2, "the server and its DNS server");
    let trials = found["trials"].as_array().unwrap();
    // Whatever the machine did meanwhile, a load that one small server may sustain is tried first, and both sides of the
    // ceiling are seen.
    assert!(trials[0]["rate_hz"].as_f64().unwrap() < 260.0, "{found}");
    assert!(trials.iter().any(|trial| trial["verdict"] == "fail"), "{found}");
    if found["verdict"] == "found" {
        let (lower, upper) = (found["lower_hz"].as_f64().unwrap(), found["upper_hz"].as_f64().unwrap());
        assert!(lower < upper && found["width"].as_f64().unwrap() <= 0.151, "{found}");
    }
    for file in ["ceiling.json", "report.html", "trials/001/intervals.hlog", "logs/server1/nginx.log"] {
        assert!(home.cwd().join("out").join(file).exists(), "{file} is missing");
    }
}
