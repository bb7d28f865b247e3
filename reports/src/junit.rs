//! `junit.xml`: one test case for each objective and each fault, for continuous integration.

use std::fmt::Write;

use crate::findings::Findings;
use crate::summary::{NO_SUCCESS, Summary};

/// A case and why it did not pass.
struct Case<'a> {
    class: &'a str,
    name: String,
    /// "failure" or "skipped", with what there is to say.
    trouble: Option<(&'static str, String)>,
}

/// The run as JUnit's XML. A broken objective is a failure, and so is a fault that the design never recovered from;
/// what cannot be said is skipped.
pub(crate) fn junit(summary: &Summary, findings: &Findings, objectives: &[String]) -> String {
    let objectives = objectives.iter().map(|objective| Case {
        class: "objective",
        name: objective.clone(),
        trouble: trouble(&summary.reasons, objective),
    });
    let nothing = summary.reasons.iter().filter(|reason| *reason == NO_SUCCESS).map(|reason| Case {
        class: "load",
        name: "some request succeeds".to_owned(),
        trouble: Some(("failure", reason.clone())),
    });
    let faults = findings.injections.iter().map(|injection| Case {
        class: "fault",
        name: format!("{}: {}", injection.name, injection.verdict),
        trouble: match injection.verdict.as_str() {
            "never-recovered" => Some(("failure", injection.sentence.clone())),
            "void" => Some(("skipped", injection.sentence.clone())),
            _ => None,
        },
    });
    let cases: Vec<Case<'_>> = objectives.chain(nothing).chain(faults).collect();
    let count =
        |kind| cases.iter().filter(|case| case.trouble.as_ref().is_some_and(|(k, _)| *k == kind)).count();
    let (failures, skipped) = (count("failure"), count("skipped"));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let suite = format!(
        "name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\" time=\"{:.3}\"",
        escape(&findings.design),
        cases.len(),
        summary.duration_s
    );
    let lines = cases.iter().map(line).collect::<String>();
    if write!(xml, "<testsuites>\n<testsuite {suite}>\n{lines}</testsuite>\n</testsuites>\n").is_err() {
        unreachable!("writing to a string cannot fail");
    }
    xml
}

/// Why `objective` was not met. What was not judged, as when the generator was the limit, has all there is to say.
fn trouble(reasons: &[String], objective: &str) -> Option<(&'static str, String)> {
    let said = reasons.iter().find_map(|reason| {
        let rest = reason.strip_prefix(objective)?;
        [" broken: ", " met: ", ": "].iter().find(|word| rest.starts_with(**word)).map(|word| (*word, reason))
    });
    match said {
        Some((" met: ", _)) => None,
        Some((" broken: ", reason)) => Some(("failure", reason.clone())),
        Some((_, reason)) => Some(("skipped", reason.clone())),
        None => Some(("skipped", reasons.join("; "))),
    }
}

fn line(case: &Case<'_>) -> String {
    let open = format!("<testcase classname=\"{}\" name=\"{}\"", case.class, escape(&case.name));
    match &case.trouble {
        None => format!("{open}/>\n"),
        Some((kind, text)) => format!("{open}><{kind} message=\"{}\"/></testcase>\n", escape(text)),
    }
}

fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    // XML 1.0 has no place for control characters, escaped or not.
    escaped.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objective_is_met_broken_or_skipped_with_the_reason() {
        let reasons = ["p99<50ms broken: 60 ms", "p9<1s met: 2 ms", "x:p99<1ms: no request fell due"];
        let of = |reasons: &[&str]| {
            let reasons: Vec<String> = reasons.iter().map(|reason| (*reason).to_owned()).collect();
            ["p99<50ms", "p9<1s", "x:p99<1ms"].map(|name| trouble(&reasons, name))
        };
        assert_eq!(
            of(&reasons).map(|found| found.map(|found| found.0)),
            [Some("failure"), None, Some("skipped")]
        );
        let late = Some(("skipped", "the generator was late".to_owned()));
        assert_eq!(of(&["the generator was late"]), [late.clone(), late.clone(), late]);
    }
}
