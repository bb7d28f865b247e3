//! A design in words: `explain.toml` beside its topology, read strictly, and the glossary that all designs share.

use std::fs;

use model::{Element, Explanation, Inventory, Measure, Pattern, Term, Try, WayStep, Weakness};
use serde::Deserialize;
use toml::Spanned;

use crate::design::{DESIGNS, Design, DesignError, builtin_designs};
use crate::input::{InputError, Source};

/// The name of the file.
const FILE: &str = "explain.toml";
const TERMS: &str = "terms.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    idea: String,
    before: Option<Spanned<String>>,
    #[serde(default)]
    adds: Vec<String>,
    #[serde(default)]
    step: Vec<FileStep>,
    #[serde(default)]
    back: String,
    #[serde(default)]
    element: Vec<FileElement>,
    #[serde(default)]
    weakness: Vec<FileWeakness>,
    #[serde(default, rename = "try")]
    tries: Vec<FileTry>,
    #[serde(default)]
    terms: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    step: Spanned<u32>,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileElement {
    of: Spanned<String>,
    title: String,
    why: String,
    adds: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWeakness {
    title: Spanned<String>,
    text: String,
    claim: Option<Spanned<String>>,
    command: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTry {
    command: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsFile {
    term: Vec<FileTerm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTerm {
    name: Spanned<String>,
    title: String,
    text: String,
}

/// What is said about `design`, whose `inventory` is the intended one; `None` where its folder has no explain.toml.
///
/// # Errors
///
/// When the file cannot be read, and for the first thing in it that is wrong: an unknown key, a step that no link has,
/// an element that matches nothing, a term that is not explained.
pub fn explanation(design: &Design, inventory: &Inventory) -> Result<Option<Explanation>, DesignError> {
    let (file, text) = match &design.folder {
        Some(folder) => {
            let path = folder.join(FILE);
            if !path.is_file() {
                return Ok(None);
            }
            let text = fs::read_to_string(&path)
                .map_err(|source| DesignError::Read { path: path.clone(), source })?;
            (path.display().to_string(), text)
        }
        None => {
            let file = format!("{}/{FILE}", base(&design.topology.name));
            match DESIGNS.get_file(&file).and_then(|found| found.contents_utf8()) {
                Some(text) => (file, text.to_owned()),
                None => return Ok(None),
            }
        }
    };
    Ok(Some(parse(&Source { file: &file, text: &text }, inventory, &terms()?)?))
}

/// The terms of the field, in the order in which a person would learn them.
///
/// # Errors
///
/// Names the line of the first thing that is wrong in the glossary.
pub fn terms() -> Result<Vec<Term>, InputError> {
    let text = DESIGNS.get_file(TERMS).and_then(|file| file.contents_utf8()).unwrap_or_default();
    parse_terms(&Source { file: TERMS, text })
}

fn parse_terms(source: &Source<'_>) -> Result<Vec<Term>, InputError> {
    let read: TermsFile = source.parse()?;
    let mut terms: Vec<Term> = Vec::new();
    for term in read.term {
        let name = term.name.get_ref();
        if terms.iter().any(|known| known.name == *name) {
            return Err(source.error(term.name.span(), format!("term `{name}` is explained twice")));
        }
        terms.push(Term { name: name.clone(), title: term.title, text: folded(&term.text) });
    }
    Ok(terms)
}

/// The design's name without the settings that were given behind it.
fn base(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

fn parse(source: &Source<'_>, inventory: &Inventory, terms: &[Term]) -> Result<Explanation, InputError> {
    let read: File = source.parse()?;
    if let Some(before) = &read.before
        && !builtin_designs().contains(before.get_ref())
    {
        let known = builtin_designs().join(", ");
        let message = format!("before = \"{}\" is no design: use one of {known}", before.get_ref());
        return Err(source.error(before.span(), message));
    }
    if let Some(unknown) =
        read.terms.iter().find(|name| terms.iter().all(|term| term.name != *name.get_ref()))
    {
        let message = format!("term `{}` is not explained in {TERMS}", unknown.get_ref());
        return Err(source.error(unknown.span(), message));
    }
    Ok(Explanation {
        idea: folded(&read.idea),
        steps: steps(source, &read.step, inventory)?,
        elements: elements(source, read.element, inventory)?,
        weaknesses: read
            .weakness
            .into_iter()
            .map(|weakness| self::weakness(source, weakness, base(&inventory.design)))
            .collect::<Result<_, _>>()?,
        before: read.before.map(Spanned::into_inner),
        adds: read.adds.iter().map(|text| folded(text)).collect(),
        back: folded(&read.back),
        tries: read
            .tries
            .into_iter()
            .map(|one| Try { command: one.command, text: folded(&one.text) })
            .collect(),
        terms: read.terms.into_iter().map(Spanned::into_inner).collect(),
    })
}

fn steps(source: &Source<'_>, read: &[FileStep], inventory: &Inventory) -> Result<Vec<WayStep>, InputError> {
    let mut steps: Vec<WayStep> = Vec::new();
    for step in read {
        let number = *step.step.get_ref();
        if inventory.links.iter().all(|link| link.step != Some(number)) {
            if is_changed(inventory) {
                continue;
            }
            return Err(
                source.error(step.step.span(), format!("step = {number}: no link of the topology has it"))
            );
        }
        if steps.last().is_some_and(|last| last.step >= number) {
            return Err(source.error(step.step.span(), format!("step = {number} stands after a later one")));
        }
        steps.push(WayStep { step: number, text: folded(&step.text) });
    }
    Ok(steps)
}

fn elements(
    source: &Source<'_>,
    read: Vec<FileElement>,
    inventory: &Inventory,
) -> Result<Vec<Element>, InputError> {
    let names = elements_of(inventory);
    let is_there = |of: &str| names.iter().any(|name| Pattern(of.to_owned()).matches(name));
    let element = |element: FileElement| {
        let of = Pattern(element.of.get_ref().clone());
        if !is_there(&of.0) {
            let message = format!("of = \"{of}\" matches none of {}", names.join(", "));
            return Err(source.error(element.of.span(), message));
        }
        Ok(Element {
            of,
            title: element.title,
            why: folded(&element.why),
            adds: element.adds.as_deref().map(folded),
        })
    };
    let told = read.into_iter().filter(|element| !is_changed(inventory) || is_there(element.of.get_ref()));
    told.map(element).collect()
}

/// Whether settings were given behind the name: they may take away what the file speaks of, which is no mistake in it.
fn is_changed(inventory: &Inventory) -> bool {
    base(&inventory.design) != inventory.design
}

/// Everything that can be explained: nodes (`lb1`), processes (`lb1/haproxy`), packet filters (`lb1/firewall`) and
/// addresses that move (`virtual-address/public`).
#[must_use]
pub fn elements_of(inventory: &Inventory) -> Vec<String> {
    let nodes = inventory.nodes.iter().map(|node| node.name.clone());
    let processes = inventory.processes().map(|(node, process)| format!("{}/{}", node.name, process.name));
    let firewalls = inventory.firewalls.iter().map(|firewall| format!("{}/firewall", firewall.node));
    let addresses =
        inventory.virtual_addresses.iter().map(|address| format!("virtual-address/{}", address.name));
    nodes.chain(processes).chain(firewalls).chain(addresses).collect()
}

fn weakness(source: &Source<'_>, read: FileWeakness, design: &str) -> Result<Weakness, InputError> {
    let measure = match (read.claim, read.command) {
        (Some(claim), None) => {
            let (design, id) = claim.get_ref().split_once('/').unwrap_or((design, claim.get_ref()));
            Measure::Claim { design: design.to_owned(), id: id.to_owned() }
        }
        (None, Some(command)) => Measure::Command(command),
        _ => {
            let message = "a weakness needs what measures it: either `claim` or `command`";
            return Err(source.error(read.title.span(), message));
        }
    };
    Ok(Weakness { title: read.title.into_inner(), text: folded(&read.text), measure })
}

/// Lines of a file are broken where they are full: a reader's are not.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
