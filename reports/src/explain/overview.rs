//! All designs side by side: what each adds and what it cannot do.

use model::Term;

use super::Explained;
use super::markdown::{paragraph, plain};
use super::told::Told;
use crate::wrap::wrapped;

/// The designs as a list for a terminal.
#[must_use]
pub fn overview_text(designs: &[Explained<'_>], width: usize) -> String {
    let width = width.clamp(40, 110);
    let mut text = String::new();
    for told in designs.iter().map(Told::new) {
        text += &format!("{}\n", told.name);
        text += &wrapped(&told.summary, width, "  ", "  ");
        for added in &told.adds {
            text += &wrapped(added, width, "  + ", "    ");
        }
        for weak in &told.weaknesses {
            text += &wrapped(&weak.title, width, "  - ", "    ");
        }
        text.push('\n');
    }
    text + "+ what it adds over the one before, - what it cannot do. More: brownout explain DESIGN\n"
}

/// The index of the pages, with the whole glossary.
#[must_use]
pub fn overview_markdown(designs: &[Explained<'_>], terms: &[Term]) -> String {
    let mut text = "# The designs\n\n".to_owned();
    text += &paragraph(
        "Each design answers a weakness of the one before, and has weaknesses of its own. What a page says that a design \
         cannot do is measured by an experiment, which it names.",
    );
    for told in designs.iter().map(Told::new) {
        let name = &told.name;
        text += &format!("## [{name}]({name}.md)\n\n");
        text += &paragraph(&plain(&told.summary));
        text += &format!("[![{name}](images/{name}.svg)]({name}.md)\n\n");
        let weak: Vec<String> = told.weaknesses.iter().map(|weak| plain(&weak.title)).collect();
        text += &paragraph(&format!("What it cannot do: {}.", weak.join("; ")));
    }
    text += "## The words\n\n";
    for term in terms {
        text += &paragraph(&format!("**{}.** {}", plain(&term.title), plain(&term.text)));
    }
    text += &paragraph(
        "These pages are made by `script/explain` from `targets/designs`; a test fails when they are stale.",
    );
    text.trim_end().to_owned() + "\n"
}
