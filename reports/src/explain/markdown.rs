//! A design explained as Markdown, for docs/designs: the diagram lies beside it in images/.

use super::Explained;
use super::told::{Filter, Told, Weak};
use crate::charts::Way;
use crate::wrap::wrapped;

/// Width of the lines: they are read in a diff too.
const WIDTH: usize = 120;

/// The page of a design.
#[must_use]
pub fn markdown(explained: &Explained<'_>) -> String {
    let told = Told::new(explained);
    let name = &told.name;
    let mut text = format!("# {name}\n\n");
    text += &paragraph(&told.summary);
    text += &paragraph(&told.idea);
    text += &format!(
        "![{name}: nodes, parts and the way of a request](images/{name}.svg)\n\nThe diagram as [SVG](images/{name}.svg), [PNG](images/{name}.png), and [for editing in diagrams.net](images/{name}.drawio).\n\n"
    );
    text += &section("The way of a request", &way(&told));
    let title = match &told.before {
        Some(before) => format!("What it adds over [{before}]({before}.md)"),
        None => "What it has".to_owned(),
    };
    text += &section(&title, &list(told.adds.iter().map(|added| plain(added))));
    text += &section("Why each element is there", &elements(&told));
    text += &section("What the firewalls let in", &firewalls(&told));
    text += &section("What it cannot do", &told.weaknesses.iter().map(weakness).collect::<String>());
    text += &section("What was measured of it", &measured(&told));
    text += &section("What the name server answers", &records(&told));
    let tries = told.tries.iter().map(|(command, said)| paragraph(&plain(said)) + &indented(command));
    text += &section("What to try", &tries.collect::<String>());
    let terms =
        told.terms.iter().map(|(title, said)| paragraph(&format!("**{}.** {}", plain(title), plain(said))));
    text += &section("The words", &terms.collect::<String>());
    text.trim_end().to_owned() + "\n"
}

fn section(title: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("## {title}\n\n{text}") }
}

pub(super) fn paragraph(text: &str) -> String {
    if text.is_empty() { String::new() } else { wrapped(text, WIDTH, "", "") + "\n" }
}

fn indented(command: &str) -> String {
    format!("    {command}\n\n")
}

fn list(items: impl Iterator<Item = String>) -> String {
    let text: String = items.map(|item| wrapped(&item, WIDTH, "- ", "  ")).collect();
    if text.is_empty() { text } else { text + "\n" }
}

/// Text in which no sign is taken for Markdown's: names such as `server*` and `read_only` are written as they are.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if matches!(letter, '*' | '_' | '<' | '|' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn said(way: &Way) -> String {
    let lock = if way.encrypted { ", encrypted" } else { "" };
    format!("{}: {} ({}{lock})", plain(&way.ends), plain(&way.label), plain(&way.protocol))
}

fn way(told: &Told) -> String {
    let mut text = String::new();
    for step in &told.steps {
        let ways: Vec<String> = step.ways.iter().map(said).collect();
        text += &wrapped(&format!("*{}*", ways.join("; ")), WIDTH, &format!("{}. ", step.number), "   ");
        if !step.text.is_empty() {
            text += &("\n".to_owned() + &wrapped(&plain(&step.text), WIDTH, "   ", "   "));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    if !told.back.is_empty() {
        text += &paragraph(&format!("And back: {}", plain(&told.back)));
    }
    if !told.asides.is_empty() {
        text += "No request waits for these:\n\n";
        text += &list(told.asides.iter().map(said));
    }
    text
}

fn elements(told: &Told) -> String {
    let mut text = String::new();
    for element in &told.elements {
        let adds = element.adds.as_ref().map_or(String::new(), |adds| format!(" *New:* {}", plain(adds)));
        text += &paragraph(&format!(
            "**{}** ({}). {}{adds}",
            plain(&element.title),
            plain(&element.of),
            plain(&element.why)
        ));
    }
    text
}

/// Everything else is dropped.
fn firewalls(told: &Told) -> String {
    let filter = |filter: &Filter| format!("{}: {}", plain(&filter.nodes), plain(&filter.accepts.join("; ")));
    list(told.firewalls.iter().map(filter))
}

fn weakness(weak: &Weak) -> String {
    let mut text = paragraph(&format!("**{}.** {}", plain(&weak.title), plain(&weak.text)));
    text += &match &weak.measured {
        Some(claim) => paragraph(&format!("Measured: {} *({})*", plain(&claim.measured), claim.verdict)),
        None => paragraph(&format!("Measured by {}: `{}`", weak.experiment, weak.command)),
    };
    text
}

fn measured(told: &Told) -> String {
    if told.measured.is_empty() {
        return String::new();
    }
    let mut text = "| claim | experiment | measured | verdict |\n|---|---|---|---|\n".to_owned();
    for claim in &told.measured {
        let cells = [&claim.claim, &claim.experiment, &claim.measured].map(|cell| plain(cell));
        text += &format!("| {} | {} |\n", cells.join(" | "), claim.verdict);
    }
    text + "\n"
}

fn records(told: &Told) -> String {
    if told.records.is_empty() {
        return String::new();
    }
    let mut text = "| name | type | value | kept for | what it is for |\n|---|---|---|---|---|\n".to_owned();
    for row in &told.records {
        let cells = [&row.names.join(", "), &row.kind, &row.values.join(", "), &row.ttl, &row.why];
        text += &format!("| {} |\n", cells.map(|cell| plain(cell)).join(" | "));
    }
    text + "\n"
}
