//! The report as one self-contained page: no network, no script, no outside font.

mod ceiling;
mod design;
mod explain;
mod fault;
mod header;
mod tables;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use record::derived::ClaimsFile;
use serde::Serialize;

use crate::claims;
use crate::compare::Comparison;
use crate::table;
use crate::write::ReportError;

pub use ceiling::ceiling_page;
pub use explain::explain_page;

const COLOURS: &str = include_str!("../../templates/colours.css");
const DIAGRAM: &str = include_str!("../../templates/diagram.css");

/// The style of a diagram outside of a page: its own, and of the colours those that it uses.
pub(crate) fn diagram_style() -> String {
    let is_used = |declaration: &&str| match declaration.split_once(':') {
        Some((name, _)) if name.trim().starts_with("--") => {
            DIAGRAM.contains(&format!("var({})", name.trim()))
        }
        _ => true,
    };
    let of_line = |line: &str| {
        let declarations = line.split_inclusive(';').filter(is_used);
        declarations.map(str::trim).collect::<Vec<_>>().join(" ")
    };
    let colours = COLOURS.lines().map(of_line).filter(|line| !line.is_empty());
    colours.map(|line| line + "\n").chain([DIAGRAM.to_owned()]).collect()
}

/// A table of text.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct TextTable {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A drawing with what stands around it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What it shows, as a finding.
    pub(crate) title: String,
    /// Above the title: the design.
    pub(crate) over: String,
    /// The drawing.
    pub(crate) svg: String,
    /// The explanation of colours and marks, as pairs of a class and a text.
    pub(crate) legend: Vec<(String, String)>,
    /// The same in numbers.
    pub(crate) table: TextTable,
}

#[derive(Serialize)]
struct VerdictRow {
    name: String,
    href: Option<String>,
    cells: Vec<VerdictCell>,
}

#[derive(Serialize)]
struct VerdictCell {
    verdict: String,
    word: String,
    headline: String,
    detail: String,
}

/// What the template is given.
#[derive(Serialize)]
struct Page {
    header: header::Header,
    designs: Vec<design::Section>,
    columns: Vec<String>,
    rows: Vec<VerdictRow>,
    faults: Vec<fault::Section>,
    notes: Vec<String>,
    /// Whether a design's own monitor has a say.
    monitored: bool,
    claims: Vec<claims::Row>,
}

/// The whole page; with the claims that were measured beside the runs, if any were.
pub(crate) fn html(comparison: &Comparison, claims: Option<&ClaimsFile>) -> Result<String, ReportError> {
    let environment = environment()?;
    let faults = fault::sections(comparison)?;
    let page = Page {
        header: header::header(comparison),
        designs: design::sections(comparison)?,
        columns: comparison.file.designs.iter().map(|design| design.design.clone()).collect(),
        rows: verdict_rows(comparison, &faults),
        notes: notes(comparison),
        monitored: comparison.runs.iter().any(|report| report.summary.monitor.is_some()),
        claims: claims.map(claims::rows).unwrap_or_default(),
        faults,
    };
    Ok(environment.get_template("report.html")?.render(Value::from(Serde(page)))?)
}

/// The templates of all pages.
fn environment() -> Result<Environment<'static>, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, source) in [
        ("report.html", include_str!("../../templates/report.html")),
        ("ceiling.html", include_str!("../../templates/ceiling.html")),
        ("explain.html", include_str!("../../templates/explain.html")),
        ("macros.html", include_str!("../../templates/macros.html")),
        ("style.css", include_str!("../../templates/style.css")),
        ("colours.css", COLOURS),
        ("head.html", include_str!("../../templates/head.html")),
        ("diagram.css", DIAGRAM),
        ("tip.svg", include_str!("../../templates/tip.svg")),
    ] {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// How each word of a finding is said on the page.
fn plain_word(verdict: &str) -> &'static str {
    match verdict {
        "survived" => "survived",
        "degraded" => "degraded",
        "recovered-by-itself" => "recovered by itself",
        "down-until-healed" => "down until undone",
        "never-recovered" => "never recovered",
        "void" => "void",
        _ => "",
    }
}

fn verdict_rows(comparison: &Comparison, faults: &[fault::Section]) -> Vec<VerdictRow> {
    let cell = |cell: table::Cell| VerdictCell {
        word: plain_word(&cell.verdict).to_owned(),
        verdict: cell.verdict,
        headline: cell.headline,
        detail: cell.detail,
    };
    table::rows(comparison)
        .into_iter()
        .map(|row| VerdictRow {
            href: faults.iter().find(|fault| fault.name == row.name).map(|fault| format!("#{}", fault.id)),
            name: row.name,
            cells: row.cells.into_iter().map(cell).collect(),
        })
        .collect()
}

/// What makes findings less sure, each once.
fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for report in &comparison.runs {
        for note in &report.findings.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    notes
}

/// `text` as a fragment identifier.
pub(crate) fn id_of(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
