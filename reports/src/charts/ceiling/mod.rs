//! A ceiling search drawn: latency and goodput against the offered load, and how the bounds closed in. Every trial is
//! drawn, the ones that failed and those that do not count too.

mod goodput;
mod latency;
mod marks;
mod plane;
#[cfg(test)]
mod tests;
mod trace;

use plotters::prelude::*;
use record::derived::CeilingFile;

use super::figure::WIDTH;
use super::ink::Ink;
use super::panels::{Area, Drawn};
use crate::page::{Figure, TextTable};
use crate::write::ReportError;

/// The three drawings of a search.
pub(crate) fn ceiling(file: &CeilingFile) -> Result<Vec<Figure>, ReportError> {
    Ok(vec![latency::figure(file)?, goodput::figure(file)?, trace::figure(file)?])
}

/// What stands around a drawing.
struct Caption<'a> {
    over: &'a str,
    title: String,
    description: String,
    legend: Vec<(String, String)>,
    table: TextTable,
}

impl Caption<'_> {
    /// The drawing of `height` pixels that `draw` makes.
    fn figure(self, height: u32, draw: impl FnOnce(&Area) -> Drawn) -> Result<Figure, ReportError> {
        let ink = Ink::new(WIDTH, height);
        let failed = |reason: String| ReportError::Chart { chart: self.title.clone(), reason };
        draw(&ink.clone().into_drawing_area()).map_err(|error| failed(error.to_string()))?;
        let svg = ink.into_svg(&self.title, &self.description);
        Ok(Figure {
            title: self.title,
            over: self.over.to_owned(),
            svg,
            legend: self.legend,
            table: self.table,
        })
    }
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> TextTable {
    TextTable { head: head.iter().map(|cell| (*cell).to_owned()).collect(), rows }
}
