//! Claims about designs with their measurements, as text and as rows of a page.

use record::derived::{ClaimFile, ClaimsFile};
use serde::Serialize;

use crate::table::wrap;

/// Narrower than this nothing can be read.
const NARROWEST: usize = 40;
/// Before the lines of a claim.
const INDENT: usize = 4;

/// Every claim with its experiment, what was measured and the verdict, no wider than `width` columns.
#[must_use]
pub fn claims_text(file: &ClaimsFile, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = String::new();
    let mut design = None;
    for claim in &file.claims {
        if design != Some(&claim.design) {
            text += &format!("{}{}\n", if design.is_some() { "\n" } else { "" }, claim.design);
            design = Some(&claim.design);
        }
        text += &format!("  {}: {}\n", claim.id, claim.verdict);
        let lines = [("claim", claim.claim.clone()), ("experiment", claim.experiment.clone())];
        let measured = [("measured", claim.measured.clone()), ("because", claim.reasons.join("; "))];
        for (name, said) in lines.into_iter().chain(measured).filter(|(_, said)| !said.is_empty()) {
            for (number, line) in wrap(&said, width - INDENT - 12).into_iter().enumerate() {
                text += &format!("{:INDENT$}{:<12}{line}\n", "", if number == 0 { name } else { "" });
            }
        }
    }
    text
}

/// A row of the page's table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    design: String,
    id: String,
    claim: String,
    experiment: String,
    measured: String,
    verdict: String,
    /// Class of the verdict's cell, with the meaning that the colours of faults have.
    class: &'static str,
    because: String,
}

/// Rows in the order of the file.
pub(crate) fn rows(file: &ClaimsFile) -> Vec<Row> {
    let row = |claim: &ClaimFile| Row {
        design: claim.design.clone(),
        id: claim.id.clone(),
        claim: claim.claim.clone(),
        experiment: claim.experiment.clone(),
        measured: claim.measured.clone(),
        verdict: claim.verdict.clone(),
        class: match claim.verdict.as_str() {
            "holds" => "o-pass",
            "does not hold" => "o-fail",
            _ => "o-unknown",
        },
        because: claim.reasons.join("; "),
    };
    file.claims.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn claim(design: &str, id: &str, verdict: &str, reasons: &[&str]) -> ClaimFile {
        ClaimFile {
            design: design.to_owned(),
            id: id.to_owned(),
            claim: "Every part is a single point of failure.".to_owned(),
            experiment: "kill each part in turn".to_owned(),
            measured: "web away 3.0 s, page down 3.1 s".to_owned(),
            verdict: verdict.to_owned(),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            figures: BTreeMap::new(),
        }
    }

    #[test]
    fn each_design_is_named_once_and_a_reason_stands_only_where_there_is_one() {
        let file = ClaimsFile::new(vec![
            claim("0-simple", "spof", "holds", &[]),
            claim("0-simple", "maintenance", "unknown", &["no pid file"]),
        ]);
        let text = claims_text(&file, 80);
        let expected = "0-simple\n  spof: holds\n    claim       Every part is a single point of failure.\n    \
                        experiment  kill each part in turn\n    measured    web away 3.0 s, page down 3.1 s\n  \
                        maintenance: unknown\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("    because     no pid file\n"), "{text}");
        assert!(claims_text(&file, 0).lines().all(|line| line.chars().count() <= NARROWEST));
    }
}
