//! A design explained for a terminal.

use record::derived::ClaimFile;

use super::Explained;
use super::told::{Told, Weak};
use crate::charts;
use crate::wrap::wrapped;

/// All that is said of a design, in lines of at most `width` characters.
#[must_use]
pub fn terminal(explained: &Explained<'_>, width: usize) -> String {
    let told = Told::new(explained);
    let page = Page { width: width.clamp(40, 110) };
    let mut text = format!("{}\n\n", told.name);
    text += &page.paragraph(&told.summary);
    if !told.idea.is_empty() {
        text.push('\n');
        text += &page.paragraph(&told.idea);
    }
    text += &page.section("The diagram", &charts::letters(explained.inventory, page.width));
    text += &page.section("The way of a request", &way(&page, &told));
    text += &page.section("Why each element is there", &elements(&page, &told));
    text += &page.section("What the firewalls let in", &firewalls(&page, &told));
    text += &page.section("What the name server answers", &records(&page, &told));
    if let Some(before) = &told.before {
        text += &page.section(&format!("What it adds over {before}"), &page.list(&told.adds));
    } else {
        text += &page.section("What it has", &page.list(&told.adds));
    }
    text += &page.section(
        "What it cannot do",
        &told.weaknesses.iter().map(|weak| weakness(&page, weak)).collect::<String>(),
    );
    text += &page.section(
        "What was measured of it",
        &told.measured.iter().map(|claim| measured(&page, claim)).collect::<String>(),
    );
    let tries: String = told.tries.iter().map(|(command, said)| page.entry(command, said)).collect();
    text += &page.section("What to try", &tries);
    let terms: String = told.terms.iter().map(|(title, said)| page.entry(title, said)).collect();
    text + &page.section("The words", &terms)
}

struct Page {
    width: usize,
}

impl Page {
    fn paragraph(&self, text: &str) -> String {
        wrapped(text, self.width, "", "")
    }

    /// A heading and what stands below it; nothing where there is nothing to say.
    fn section(&self, title: &str, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let line: String = "─".repeat(title.chars().count().min(self.width));
        format!("\n{title}\n{line}\n{text}")
    }

    fn list(&self, items: &[String]) -> String {
        items.iter().map(|item| wrapped(item, self.width, "  - ", "    ")).collect()
    }

    /// A name, and what is said of it below.
    fn entry(&self, name: &str, text: &str) -> String {
        wrapped(name, self.width, "  ", "  ") + &wrapped(text, self.width, "      ", "      ")
    }
}

fn way(page: &Page, told: &Told) -> String {
    let mut text = String::new();
    for step in &told.steps {
        for (index, way) in step.ways.iter().enumerate() {
            let number = if index == 0 { format!("{:>3}  ", step.number) } else { "     ".to_owned() };
            let lock = if way.encrypted { ", encrypted" } else { "" };
            let said = format!("{}: {} ({}{lock})", way.ends, way.label, way.protocol);
            text += &wrapped(&said, page.width, &number, "       ");
        }
        if !step.text.is_empty() {
            text += &wrapped(&step.text, page.width, "       ", "       ");
        }
    }
    for way in &told.asides {
        let said = format!("{}: {} ({})", way.ends, way.label, way.protocol);
        text += &wrapped(&said, page.width, "  –  ", "       ");
    }
    if !told.back.is_empty() {
        text += &wrapped(&format!("and back: {}", told.back), page.width, "     ", "       ");
    }
    text
}

fn elements(page: &Page, told: &Told) -> String {
    let entry = |element: &super::told::Element| {
        let mut text = page.entry(&format!("{} ({})", element.title, element.of), &element.why);
        if let Some(adds) = &element.adds {
            text += &wrapped(&format!("new: {adds}"), page.width, "      ", "      ");
        }
        text
    };
    told.elements.iter().map(entry).collect()
}

fn firewalls(page: &Page, told: &Told) -> String {
    told.firewalls.iter().map(|filter| page.entry(&filter.nodes, &filter.accepts.join("; "))).collect()
}

fn records(page: &Page, told: &Told) -> String {
    let entry = |row: &super::told::RecordRow| {
        let head = format!("{}  {}  {}", row.names.join(", "), row.kind, row.values.join(", "));
        page.entry(&head, &format!("{} (kept for {})", row.why, row.ttl))
    };
    told.records.iter().map(entry).collect()
}

fn weakness(page: &Page, weak: &Weak) -> String {
    let mut text = page.entry(&weak.title, &weak.text);
    match &weak.measured {
        Some(claim) => {
            let said = format!("measured: {} ({})", claim.measured, claim.verdict);
            text += &wrapped(&said, page.width, "      ", "      ");
        }
        None => {
            let said = format!("experiment: {}; {}", weak.experiment, weak.command);
            text += &wrapped(&said, page.width, "      ", "      ");
        }
    }
    text
}

fn measured(page: &Page, claim: &ClaimFile) -> String {
    let reasons =
        if claim.reasons.is_empty() { String::new() } else { format!(": {}", claim.reasons.join("; ")) };
    page.entry(
        &format!("{} ({})", claim.claim, claim.id),
        &format!("{}. {}{reasons}", claim.measured.trim_end_matches('.'), claim.verdict),
    )
}
