//! What is written of a ceiling search.

use std::path::Path;

use record::derived::{CeilingFile, to_json};
use record::write_whole;

use crate::ReportError;

/// Writes `ceiling.json` into `out`.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write_ceiling(file: &CeilingFile, out: &Path) -> Result<(), ReportError> {
    write_whole(&out.join("ceiling.json"), to_json(file)?.as_bytes())?;
    Ok(())
}

/// The result for a terminal.
#[must_use]
pub fn ceiling_text(file: &CeilingFile) -> String {
    format!("{}\n", file.reasons.join("\n"))
}
