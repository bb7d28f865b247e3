//! What is written of a ceiling search.

use std::path::Path;

use record::derived::{CeilingFile, TrialFile, to_json};
use record::write_whole;

use crate::ReportError;

/// Writes `ceiling.json` into `out`.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_ceiling(file: &CeilingFile, out: &Path) -> Result<(), ReportError> {
    write_whole(&out.join("ceiling.json"), to_json(file)?.as_bytes())?;
    Ok(())
}

/// The result for a terminal: the verdict first, then what it rests on.
#[must_use]
pub fn ceiling_text(file: &CeilingFile) -> String {
    let rate = |hz: Option<f64>| hz.map_or("none".to_owned(), |hz| format!("{hz:.1}/s"));
    let mut lines =
        vec![format!("verdict    {}: {}", file.verdict.replace('_', " "), file.reasons.join("; "))];
    lines.push(format!("sustained  {}{}", rate(file.lower_hz), trials(file, file.lower_hz)));
    lines.push(format!("too much   {}{}", rate(file.upper_hz), trials(file, file.upper_hz)));
    if let Some(width) = file.width {
        let (width, goal) = (width * 100.0, file.goal_width * 100.0);
        lines.push(format!("width      {width:.1} % (aimed at {goal:.0} %)"));
    }
    if let Some(goodput) = file.goodput_at_lower_hz {
        lines.push(format!("goodput    {goodput:.1}/s at the sustained load"));
    }
    if let Some(binding) = &file.binding {
        lines.push(format!("limited by {binding}"));
    }
    if let Some(soaked) = file.soaked {
        lines.push(format!("soak       {}", if soaked { "held" } else { "not held" }));
    }
    let objectives = file.objectives.join(", ");
    let (count, seconds) = (file.trials.len(), file.search_s);
    lines.push(format!("under      {objectives}; {count} trials in {seconds:.0} s"));
    lines.join("\n") + "\n"
}

/// " (3 trials passed, 1 failed)" of a load.
fn trials(file: &CeilingFile, rate_hz: Option<f64>) -> String {
    let Some(rate_hz) = rate_hz else { return String::new() };
    let of = |verdict: &str| {
        let at = |trial: &&TrialFile| (trial.rate_hz - rate_hz).abs() < 0.05 && trial.verdict == verdict;
        file.trials.iter().filter(at).count()
    };
    format!(" ({} trials passed, {} failed, {} did not count)", of("pass"), of("fail"), of("invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(rate_hz: f64, verdict: &str) -> TrialFile {
        TrialFile {
            at_s: 0.0,
            phase: "confirm".to_owned(),
            rate_hz,
            duration_s: 4.0,
            verdict: verdict.to_owned(),
            reason: String::new(),
            goodput_hz: rate_hz,
            latency_us: None,
            lower_hz: None,
            upper_hz: None,
        }
    }

    #[test]
    fn the_text_begins_with_the_verdict_and_gives_both_bounds_with_their_trials() {
        let file = CeilingFile {
            schema_version: 1,
            kind: "ceiling".to_owned(),
            target: "x".to_owned(),
            nodes: None,
            seed: 1,
            mode: "quick".to_owned(),
            objectives: vec!["p99<50ms".to_owned()],
            verdict: "found".to_owned(),
            reasons: vec!["1950/s is sustained and 2050/s is not".to_owned()],
            lower_hz: Some(1950.0),
            upper_hz: Some(2050.0),
            width: Some(0.0488),
            goal_width: 0.05,
            regular: true,
            goodput_at_lower_hz: Some(1949.8),
            binding: Some("p99<50ms".to_owned()),
            spurious_failures: Some(0.0),
            soaked: Some(true),
            search_s: 61.0,
            trials: vec![trial(1950.0, "pass"), trial(1950.0, "pass"), trial(2050.0, "fail")],
        };
        let text = ceiling_text(&file);
        assert!(text.starts_with("verdict    found: 1950/s is sustained"), "{text}");
        for said in [
            "sustained  1950.0/s (2 trials passed, 0 failed, 0 did not count)",
            "too much   2050.0/s (0 trials passed, 1 failed",
            "4.9 % (aimed at 5 %)",
            "limited by p99<50ms",
            "soak       held",
        ] {
            assert!(text.contains(said), "{said} is not in:\n{text}");
        }
    }
}
