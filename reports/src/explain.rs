//! A design explained: its diagram, the way of a request, why each element is there, what its weaknesses are and what
//! was measured of them. Pure: from what is intended, not from a run.

mod markdown;
mod overview;
mod terminal;
mod told;

use model::{Explanation, Term, ZoneRecord};
use record::InventoryRecord;
use record::derived::ClaimFile;

use crate::charts;
use crate::page::diagram_style;

pub use markdown::markdown;
pub use overview::{overview_markdown, overview_text};
pub use terminal::terminal;
pub(crate) use told::Told;

/// A design with all that is said of it.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    /// What will be up.
    pub inventory: &'a InventoryRecord,
    /// The words; without them only what the topology says is told.
    pub words: Option<&'a Explanation>,
    /// What its DNS server will answer.
    pub zone: &'a [ZoneRecord],
    /// The glossary.
    pub terms: &'a [Term],
    /// What was measured, of this design and of others.
    pub measured: &'a [ClaimFile],
}

/// The diagram as an SVG file of its own.
#[must_use]
pub fn picture(inventory: &InventoryRecord) -> String {
    charts::picture(inventory, &diagram_style())
}

/// The diagram as a file that diagrams.net opens.
#[must_use]
pub fn drawio(inventory: &InventoryRecord) -> String {
    charts::drawio(inventory)
}

#[cfg(test)]
mod tests;
