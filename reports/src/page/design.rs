//! A design: what it is, what it did, its diagram and its whole run.

use serde::Serialize;

use super::{Figure, id_of};
use crate::charts;
use crate::compare::Comparison;
use crate::write::ReportError;

#[derive(Serialize)]
pub(super) struct Section {
    id: String,
    name: String,
    summary: String,
    sentence: String,
    nodes: usize,
    diagram: Option<charts::Diagram>,
    figures: Vec<Figure>,
}

pub(super) fn sections(comparison: &Comparison) -> Result<Vec<Section>, ReportError> {
    comparison
        .file
        .designs
        .iter()
        .map(|design| {
            let reports: Vec<_> = comparison.runs_of(&design.design).collect();
            let inventory = reports.iter().find_map(|report| report.run.inventory.as_ref());
            Ok(Section {
                id: id_of(&design.design),
                name: design.design.clone(),
                summary: inventory.map_or(String::new(), |inventory| inventory.summary.clone()),
                sentence: design.sentence.clone(),
                nodes: design.nodes,
                diagram: inventory.map(|inventory| charts::diagram(inventory, &design.spofs)),
                figures: reports.iter().map(|report| charts::whole_run(report)).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}
