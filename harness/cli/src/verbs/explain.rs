//! `brownout explain [DESIGN]`: what a design is, how a request goes through it, and what it cannot do. Needs no lab.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use console::Term;
use model::Explanation;
use record::derived::ClaimsFile;
use record::{InventoryRecord, write_whole};
use reports::explain::{self, Explained};
use targets::{Design, builtin_designs};

use crate::bring_up::design_failure;
use crate::failure::{Code, Failure, OrFail};

/// Explains a design: its diagram, the way of a request, why each element is there, and what it cannot do
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A built-in design, or a folder that holds a topology.toml; without it all designs side by side
    design: Option<String>,
    /// What it is written as
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file and not to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A claims.json: what was measured stands beside each weakness
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// Markdown
    Md,
    /// A page of its own
    Html,
    /// The diagram
    Svg,
    /// The diagram, for editing in diagrams.net
    Drawio,
}

/// A design with everything that is read of it.
struct Known {
    inventory: InventoryRecord,
    words: Option<Explanation>,
    zone: Vec<model::ZoneRecord>,
}

impl Known {
    fn read(name: &str) -> Result<Self, Failure> {
        let design = Design::find(name).map_err(design_failure)?;
        let inventory = targets::intended(&design).or_fail(Code::Input)?;
        Ok(Self {
            words: targets::explanation(&design, &inventory).map_err(design_failure)?,
            zone: targets::zone(&design).or_fail(Code::Input)?,
            inventory: InventoryRecord::from(&inventory),
        })
    }
}

pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let names = args.design.as_ref().map_or_else(builtin_designs, |name| vec![name.clone()]);
    let known = names.iter().map(|name| Known::read(name)).collect::<Result<Vec<_>, _>>()?;
    let terms = targets::terms().or_fail(Code::Bug)?;
    let claims = args.claims.as_deref().map(ClaimsFile::read).transpose().or_fail(Code::Input)?;
    let measured = claims.map_or_else(Vec::new, |file| file.claims);
    let explained: Vec<Explained<'_>> = known
        .iter()
        .map(|known| Explained {
            inventory: &known.inventory,
            words: known.words.as_ref(),
            zone: &known.zone,
            terms: &terms,
            measured: &measured,
        })
        .collect();
    let text = match (args.design.is_some(), explained.as_slice()) {
        (true, [one]) => written(one, args.format)?,
        (_, all) => match args.format {
            Format::Text => explain::overview_text(all, width()),
            Format::Md => explain::overview_markdown(all, &terms),
            Format::Html | Format::Svg | Format::Drawio => {
                let message = "name one design: all side by side are written as text or md only";
                return Err(Failure::new(Code::Input, anyhow!(message)));
            }
        },
    };
    match &args.out {
        Some(path) => write_whole(path, text.as_bytes()).or_fail(Code::Environment)?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn written(explained: &Explained<'_>, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Text => explain::terminal(explained, width()),
        Format::Md => explain::markdown(explained),
        Format::Html => reports::explain_page(explained).or_fail(Code::Bug)?,
        Format::Svg => explain::picture(explained.inventory),
        Format::Drawio => explain::drawio(explained.inventory),
    })
}

/// Of the terminal; 100 where it is none.
fn width() -> usize {
    Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns))
}
