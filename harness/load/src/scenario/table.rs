//! `[data.NAME]`: rows of a CSV file, whose first line names the columns (RFC 4180).

use std::sync::Arc;

use model::{Order, Table};
use toml::Spanned;

use super::file::{FileTable, Pairs};
use super::{Surroundings, Wrong};

/// Reads all tables of a scenario.
pub(super) fn read_all(
    data: &Pairs<FileTable>,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<Arc<Table>>, Wrong> {
    data.0.iter().map(|(name, table)| read(name, table, surroundings).map(Arc::new)).collect()
}

fn read(name: &Spanned<String>, read: &FileTable, surroundings: &Surroundings<'_>) -> Result<Table, Wrong> {
    let called = name.get_ref();
    if called.is_empty() || called.chars().any(|c| c.is_whitespace() || ".{}".contains(c)) {
        let why =
            format!("data.{}: a name without blanks, dots and braces is expected", called.escape_debug());
        return Err(Wrong::new(name.span(), why));
    }
    let order = match read.order.as_ref().map(Spanned::get_ref).map(String::as_str) {
        None | Some("in-order") => Order::InOrder,
        Some("random") => Order::Random,
        Some(other) => {
            let span = read.order.as_ref().map_or(0..0, Spanned::span);
            let why = format!("data.{called}.order = \"{}\": use in-order or random", other.escape_debug());
            return Err(Wrong::new(span, why));
        }
    };
    let file = read.file.get_ref();
    let wrong = |why: String| {
        Wrong::new(read.file.span(), format!("data.{called}.file = \"{}\": {why}", file.escape_debug()))
    };
    let bytes = (surroundings.read)(file).map_err(|error| wrong(format!("cannot read it: {error}")))?;
    // Spreadsheets begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut rows = csv::ReaderBuilder::new().from_reader(bytes);
    let columns: Vec<String> = rows
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .iter()
        .map(|column| column.trim().to_owned())
        .collect();
    let mut table = Table::new(called.clone(), file.clone(), order, columns);
    for row in rows.records() {
        // Rows of unequal length are named with their line.
        table.push(row.map_err(|error| wrong(error.to_string()))?.iter());
    }
    if table.rows() == 0 {
        return Err(wrong("it has no row below the names of its columns".to_owned()));
    }
    Ok(table)
}
