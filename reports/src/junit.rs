//! `junit.xml`: one test case for each objective and each fault, for continuous integration.

use std::fmt::Write;

use crate::findings::Findings;
use crate::summary::{NOTHING_ASKED, Summary};

/// A case and why it did not pass.
struct Case<'a> {
    class: &'a str,
    name: String,
    /// "failure" or "skipped", with what there is to say.
    trouble: Option<(&'static str, String)>,
}

/// The run as JUnit's XML. A broken objective is a failure, and so is a fault that the design never recovered from;
/// what cannot be said is skipped.
pub(crate) fn junit(summary: &Summary, findings: &Findings) -> String {
    let unknown = summary.verdict == "unknown";
    let asked = summary.reasons.iter().filter(|reason| !reason.starts_with(NOTHING_ASKED));
    let objectives = asked.map(|reason| Case {
        class: "objective",
        // The same name whatever came of it, so that a history of it can be kept.
        name: ["broken: ", "met: ", ": "]
            .iter()
            .find_map(|cut| Some(reason.split_once(cut)?.0.trim_end()))
            .unwrap_or(reason)
            .to_owned(),
        trouble: match reason {
            _ if reason.contains(" broken:") || reason == "no request succeeded" => {
                Some(("failure", reason.clone()))
            }
            _ if unknown => Some(("skipped", reason.clone())),
            _ => None,
        },
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
    let cases: Vec<Case<'_>> = objectives.chain(faults).collect();
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
