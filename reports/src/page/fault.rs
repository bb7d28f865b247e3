//! A fault: what it did to each design, one below the other on the same axis.

use record::derived::InjectionFile;
use serde::Serialize;

use super::{Figure, id_of};
use crate::charts;
use crate::compare::Comparison;
use crate::words;
use crate::write::ReportError;

#[derive(Serialize)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) name: String,
    what: String,
    figures: Vec<Figure>,
}

pub(super) fn sections(comparison: &Comparison) -> Result<Vec<Section>, ReportError> {
    let mut names: Vec<&str> = Vec::new();
    for injection in comparison.runs.iter().flat_map(|report| &report.findings.injections) {
        if !names.contains(&injection.name.as_str()) {
            names.push(&injection.name);
        }
    }
    names.into_iter().map(|name| section(comparison, name)).collect()
}

fn section(comparison: &Comparison, name: &str) -> Result<Section, ReportError> {
    let mut shown = Vec::new();
    let mut hit: Vec<String> = Vec::new();
    for report in &comparison.runs {
        for (index, injection) in
            report.findings.injections.iter().enumerate().filter(|(_, i)| i.name == name)
        {
            hit.push(format!("{} of {}", whom(injection), report.findings.design));
            if injection.verdict != "void" {
                shown.push((report, index));
            }
        }
    }
    let asked =
        comparison.runs.iter().flat_map(|report| &report.run.injections).find(|asked| asked.name == name);
    let what = asked.map_or(String::new(), |asked| {
        let for_s = words::seconds(asked.for_s);
        format!("{} for {for_s}: {}.", charts::harm(&asked.fault), hit.join("; "))
    });
    let figures = charts::one_fault(&shown)?;
    Ok(Section { id: format!("fault-{}", id_of(name)), name: name.to_owned(), what, figures })
}

/// "server1/nginx", "everything on server1".
fn whom(injection: &InjectionFile) -> String {
    match (&injection.node, &injection.process) {
        (Some(node), None) if injection.targets.len() > 1 => format!("everything on {node}"),
        _ => words::list(&injection.targets),
    }
}
