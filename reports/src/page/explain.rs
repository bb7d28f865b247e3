//! The page that explains a design.

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::environment;
use crate::charts::{self, Diagram};
use crate::explain::{Explained, Told};
use crate::write::ReportError;

#[derive(Serialize)]
struct Page {
    told: Told,
    diagram: Diagram,
}

/// The whole page: self-contained, in light and dark, for a desk and a phone.
///
/// # Errors
///
/// When the page cannot be put together, which is a fault of ours.
pub fn explain_page(explained: &Explained<'_>) -> Result<String, ReportError> {
    let page = Page { told: Told::new(explained), diagram: charts::diagram(explained.inventory, &[]) };
    Ok(environment()?.get_template("explain.html")?.render(Value::from(Serde(page)))?)
}
