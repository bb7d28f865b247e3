//! The doctor's table, as text.

use std::fmt::Write;

use super::{Row, State};

/// Lays `rows` out for a terminal; a remedy stands below its row.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    const NEEDED: &str = "needed for";
    let width = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0);
    let (what, needed) = (width(|row| &row.what), width(|row| row.needed_for).max(NEEDED.len()));
    let mut text = format!("{:<7}  {:<what$}  {NEEDED:<needed$}  found\n", "there?", "");
    for row in rows {
        let state = match row.state {
            State::Present => "yes",
            State::Limited => "limited",
            State::Missing => "NO",
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{state:<7}  {:<what$}  {:<needed$}  {}", row.what, row.needed_for, row.found);
        if let Some(remedy) = &row.remedy {
            let _ = writeln!(text, "{:<7}  {:<what$}  remedy: {remedy}", "", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_a_remedy_stands_below_its_row() {
        let rows = [
            Row::present("nginx", "1.22", "the web"),
            Row::present("user namespaces", "refused", "labs").absent(State::Missing, "run as root"),
        ];
        let expected = "there?                    needed for  found\n\
                        yes      nginx            the web     1.22\n\
                        NO       user namespaces  labs        refused\n                          \
                        remedy: run as root\n";
        assert_eq!(table(&rows), expected);
    }
}
