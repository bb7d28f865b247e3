//! Rows of values for templates, as a CSV file holds them.

/// Which row an arrival draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The first arrival of a request draws the first row, and after the last comes the first again.
    #[default]
    InOrder,
    /// Any row, drawn from the run's seed and the arrival's number.
    Random,
}

impl Order {
    /// The word that people and records use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Order::InOrder => "in-order",
            Order::Random => "random",
        }
    }
}

/// Rows of values with named columns. The cells are kept as one text.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    /// What templates call it.
    pub name: String,
    /// The file that it was read from.
    pub file: String,
    /// Which row an arrival draws.
    pub order: Order,
    columns: Vec<String>,
    cells: String,
    /// Where each cell ends in `cells`, row by row.
    ends: Vec<usize>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(name: String, file: String, order: Order, columns: Vec<String>) -> Self {
        Self { name, file, order, columns, cells: String::new(), ends: Vec::new() }
    }

    /// Adds a row; a cell that is missing is empty, and one that has no column is left out.
    pub fn push<'a>(&mut self, mut row: impl Iterator<Item = &'a str>) {
        for _ in &self.columns {
            self.cells.push_str(row.next().unwrap_or_default());
            self.ends.push(self.cells.len());
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// The cell of a row, which is below [`Table::rows`], and a column.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let index = row * self.columns.len() + column;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[begin..self.ends[index]]
    }
}

/// Values may be passwords, so they are not printed.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} from {}, {} rows of {:?})", self.name, self.file, self.rows(), self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_by_row_and_column_and_not_printed() {
        let columns = vec!["name".to_owned(), "password".to_owned()];
        let mut table = Table::new("users".into(), "u.csv".into(), Order::InOrder, columns);
        table.push(["ann", "hunter2"].into_iter());
        table.push(["", "x", "more"].into_iter());
        assert_eq!(
            (table.rows(), table.cell(0, 1), table.cell(1, 0), table.cell(1, 1)),
            (2, "hunter2", "", "x")
        );
        assert!(!format!("{table:?}").contains("hunter2"));
    }
}
