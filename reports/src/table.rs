//! The verdict table: what each fault did to each design. One set of cells for the terminal and the page.

use record::derived::{DesignFile, InjectionFile};

use crate::compare::{Comparison, down_requests};
use crate::words;

/// One cell of the verdict table.
pub(crate) struct Cell {
    /// "survived", "degraded", ... or "none" where the design did not have this fault.
    pub(crate) verdict: String,
    /// "everything down 10.4 s".
    pub(crate) headline: String,
    /// "until the fault was undone; 416 requests lost".
    pub(crate) detail: String,
}

/// A row: a fault, or a figure at the same load.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

/// Every row of the table; one cell for each design.
pub(crate) fn rows(comparison: &Comparison) -> Vec<Row> {
    let designs = &comparison.file.designs;
    let mut names: Vec<&str> = Vec::new();
    for injection in designs.iter().flat_map(|design| &design.injections) {
        if !names.contains(&injection.name.as_str()) {
            names.push(&injection.name);
        }
    }
    let faults = names.iter().map(|name| Row {
        name: (*name).to_owned(),
        cells: designs.iter().map(|design| worst(design, name)).collect(),
    });
    let labels = if names.is_empty() {
        ["under this load", "in all"]
    } else {
        ["before the faults", "with the faults"]
    };
    let figures = labels.into_iter().zip([figure as fn(&DesignFile) -> Cell, availability]);
    let figures =
        figures.map(|(name, cell)| Row { name: name.to_owned(), cells: designs.iter().map(cell).collect() });
    let ceilings = designs
        .iter()
        .any(|design| design.ceiling.is_some())
        .then(|| Row { name: "ceiling".to_owned(), cells: designs.iter().map(ceiling).collect() });
    faults.chain(figures).chain(monitored(comparison)).chain(ceilings).collect()
}

/// Of several runs with one fault the worst is shown: a report does not flatter.
fn worst(design: &DesignFile, name: &str) -> Cell {
    let same = design.injections.iter().filter(|injection| injection.name == name);
    match same.max_by(|left, right| left.outage_s.total_cmp(&right.outage_s)) {
        Some(injection) => cell(injection),
        None => {
            Cell { verdict: "none".to_owned(), headline: "not injected".to_owned(), detail: String::new() }
        }
    }
}

fn cell(injection: &InjectionFile) -> Cell {
    let lost = format!("{} lost", words::requests(injection.requests_failed));
    let down = || {
        let what = down_requests(injection).map_or("everything".to_owned(), |names| words::list(&names));
        format!("{what} down {}", words::seconds(injection.outage_s))
    };
    let recovery = match (injection.recovery_s, injection.recovery_after_heal_s) {
        (Some(recovery_s), _) if injection.verdict == "degraded" => {
            format!("{lost}; back to normal {}", words::after(recovery_s))
        }
        (Some(_), Some(after_s)) if injection.verdict == "down-until-healed" => {
            format!("{lost}; back {} after it was undone", words::seconds(after_s))
        }
        _ => lost.clone(),
    };
    let (headline, detail) = match injection.verdict.as_str() {
        "survived" => ("survived".to_owned(), lost),
        "degraded" => ("never down".to_owned(), recovery),
        "recovered-by-itself" => (down(), format!("recovered by itself; {lost}")),
        "down-until-healed" => (down(), recovery),
        "never-recovered" if injection.outage_s > 0.0 => (down(), format!("did not recover; {lost}")),
        "never-recovered" => ("did not recover".to_owned(), lost),
        _ => ("void".to_owned(), injection.sentence.clone()),
    };
    let detail = match (&injection.alert, injection.alerted_after_s) {
        (Some(alert), Some(after_s)) => format!("{detail}; alert {alert} {}", words::after(after_s)),
        _ => detail,
    };
    Cell { verdict: injection.verdict.clone(), headline, detail }
}

fn figure(design: &DesignFile) -> Cell {
    let detail = design.latency_at_matched_load_us.as_ref().map_or(String::new(), |latency| {
        format!("p50 {}, p99 {}", words::latency(latency.p50), words::latency(latency.p99))
    });
    Cell {
        verdict: "figure".to_owned(),
        headline: format!(
            "{} good{}",
            words::rate(design.goodput_hz),
            if design.generator_limited { " (generator-limited)" } else { "" }
        ),
        detail,
    }
}

/// What the designs' own monitors saw, where one has one.
fn monitored(comparison: &Comparison) -> Option<Row> {
    let of = |design: &DesignFile| {
        comparison.runs_of(&design.design).find_map(|report| report.summary.monitor.as_ref())
    };
    let cell = |design: &DesignFile| {
        let (headline, detail) = of(design).map_or(("no monitor".to_owned(), String::new()), |seen| {
            let ratio = seen.ratio.map_or(String::new(), |ratio| format!(": {ratio:.3} of it"));
            let counted = words::rate(seen.answered_hz);
            (
                format!("{} of the web servers", words::rate(seen.requests_hz)),
                format!("{counted} answered by the generator's count{ratio}"),
            )
        });
        Cell { verdict: "figure".to_owned(), headline, detail }
    };
    let designs = &comparison.file.designs;
    let any = designs.iter().any(|design| of(design).is_some());
    any.then(|| Row { name: "by the monitor".to_owned(), cells: designs.iter().map(cell).collect() })
}

/// The highest load that was sustained, never a point between the bounds.
fn ceiling(design: &DesignFile) -> Cell {
    let of = design.ceiling.as_ref().map(|ceiling| {
        let verdict = match ceiling.verdict.as_str() {
            "deadline" => "the search ended early".to_owned(),
            other => other.replace('_', " "),
        };
        (ceiling, verdict)
    });
    let (headline, detail) = match of {
        None => ("not searched for".to_owned(), String::new()),
        Some((ceiling, verdict)) => {
            let nodes = if design.nodes == 1 { "node" } else { "nodes" };
            let on = format!("{} {nodes}, {}", design.nodes, ceiling.objectives.join(", "));
            match (ceiling.lower_hz, ceiling.upper_hz) {
                (Some(lower), Some(upper)) if ceiling.regular => (
                    format!("sustains {}", words::rate(lower)),
                    format!("{} is too much; {on}", words::rate(upper)),
                ),
                (Some(lower), _) => (format!("at least {}", words::rate(lower)), format!("{verdict}; {on}")),
                (None, _) => (verdict, on),
            }
        }
    };
    Cell { verdict: "figure".to_owned(), headline, detail }
}

fn availability(design: &DesignFile) -> Cell {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, availability) in &design.availability_by_request {
        let share = words::percent(availability.by_time);
        match groups.iter_mut().find(|(known, _)| *known == share) {
            Some((_, names)) => names.push(name),
            None => groups.push((share, vec![name])),
        }
    }
    let told: Vec<String> = match groups.as_slice() {
        [(share, _)] => vec![format!("{share} of the time")],
        _ => groups
            .iter()
            .map(|(share, names)| format!("{share} of the time for {}", words::list(names)))
            .collect(),
    };
    Cell {
        verdict: "figure".to_owned(),
        headline: format!("{} of requests good", words::percent(design.availability.by_request)),
        detail: format!("not down {}", told.join("; ")),
    }
}

/// Columns narrower than this break words; designs then stand below each other.
const NARROWEST: usize = 22;

/// The verdict table as text, no wider than `width` columns: faults down, designs across; where that does not fit, one
/// design after the other.
#[must_use]
pub fn verdict_table(comparison: &Comparison, width: usize) -> String {
    let rows = rows(comparison);
    let names: Vec<&str> = comparison.file.designs.iter().map(|design| design.design.as_str()).collect();
    let label = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let gaps = 2 * names.len();
    let column = width.saturating_sub(label + gaps) / names.len().max(1);
    if column < NARROWEST {
        return stacked(&rows, &names, width);
    }
    let column = column.min(48);
    let mut text = line("", &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), label, column);
    text += &line(&"-".repeat(label), &vec!["-".repeat(column); names.len()], label, column);
    for row in &rows {
        let cells: Vec<Vec<String>> = row
            .cells
            .iter()
            .map(|cell| [wrap(&cell.headline, column), wrap(&cell.detail, column)].concat())
            .collect();
        for index in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let parts: Vec<String> =
                cells.iter().map(|cell| cell.get(index).cloned().unwrap_or_default()).collect();
            text += &line(if index == 0 { &row.name } else { "" }, &parts, label, column);
        }
    }
    text
}

fn line(name: &str, cells: &[String], label: usize, column: usize) -> String {
    let mut text = format!("{name:label$}");
    for cell in cells {
        text += &format!("  {cell:column$}");
    }
    text.trim_end().to_owned() + "\n"
}

fn stacked(rows: &[Row], names: &[&str], width: usize) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        text += &format!("{name}\n");
        for row in rows {
            let cell = &row.cells[index];
            let detail = if cell.detail.is_empty() { String::new() } else { format!("; {}", cell.detail) };
            let told = format!("{}: {}{detail}", row.name, cell.headline);
            for (number, part) in wrap(&told, width.saturating_sub(4).max(1)).into_iter().enumerate() {
                text += &format!("{}{part}\n", if number == 0 { "  " } else { "    " });
            }
        }
    }
    text
}

/// Breaks `text` between words into lines of at most `width` characters; a word that is longer is broken too.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let room = lines.last().map_or(0, |line| width.saturating_sub(line.chars().count() + 1));
        match lines.last_mut().filter(|_| word.chars().count() <= room) {
            Some(line) => *line += &format!(" {word}"),
            None => {
                let letters: Vec<char> = word.chars().collect();
                lines.extend(letters.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_nothing(text in "[a-z]{1,30}( [a-z]{1,12}){0,10}", width in 1usize..40) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
