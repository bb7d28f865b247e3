//! A design: what it is, what it did, its diagram and its whole run.

use serde::Serialize;

use super::{Figure, TextTable, id_of, tables};
use crate::charts;
use crate::compare::{Comparison, RunReport};
use crate::write::ReportError;

#[derive(Serialize)]
pub(super) struct Section {
    id: String,
    name: String,
    summary: String,
    /// What it did, for the head of the page.
    sentence: String,
    /// The client not counted.
    nodes: usize,
    diagram: Option<charts::Diagram>,
    figures: Vec<Figure>,
    /// Each stretch of a rate of its own, each backend, and where the time went.
    tables: Vec<(String, TextTable)>,
}

pub(super) fn sections(comparison: &Comparison) -> Result<Vec<Section>, ReportError> {
    let all: Vec<&RunReport> = comparison.runs.iter().collect();
    // All at once, so that they share their axes.
    let mut figures: Vec<Figure> = charts::whole_runs(&all)?;
    let mut sections = Vec::new();
    for design in &comparison.file.designs {
        let inventory = comparison.runs_of(&design.design).find_map(|report| report.run.inventory.as_ref());
        let (own, others) = figures.into_iter().partition(|figure| figure.over == design.design);
        figures = others;
        sections.push(Section {
            id: id_of(&design.design),
            name: design.design.clone(),
            summary: inventory.map_or(String::new(), |inventory| inventory.summary.clone()),
            sentence: design.sentence.clone(),
            nodes: design.nodes,
            diagram: inventory.map(|inventory| charts::diagram(inventory, &design.spofs)),
            figures: own,
            tables: comparison
                .runs_of(&design.design)
                .flat_map(|report| tables::of(&report.summary, comparison.runs.len() == 1))
                .collect(),
        });
    }
    Ok(sections)
}
