//! Links: patterns are resolved, ends checked, and what must be up before what is derived.

use std::collections::{HashMap, HashSet};

use model::{Endpoint, Link};
use toml::Spanned;

use super::file::FileLink;
use super::settings::Settings;
use super::{NodePlan, matching};
use crate::input::{InputError, Source};
use crate::part::Part;

/// Who can only start when whom is ready.
type Need = (Endpoint, Endpoint);

/// Links, and for each whether who connects needs who accepts in order to start.
pub(super) fn links(
    source: &Source<'_>,
    read: &[FileLink],
    nodes: &[NodePlan],
    parts: &HashMap<String, Part>,
    settings: &Settings<'_>,
) -> Result<(Vec<Link>, Vec<Need>), InputError> {
    let mut links = Vec::new();
    let mut needs: Vec<(Endpoint, Endpoint, usize)> = Vec::new();
    for (line, link) in read.iter().enumerate() {
        if !settings.hold(&link.when)? {
            continue;
        }
        let ends = |text| endpoints(source, text, nodes, parts);
        let (from, to) = (ends(&link.from)?, ends(&link.to)?);
        let all = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
        // `db*` to `db*` means the others, unless the same ones are asked for.
        let patterns = link.from.get_ref().contains('*') && link.to.get_ref().contains('*');
        let meant = |from: &Endpoint, to: &Endpoint| !patterns || (from.node == to.node) == link.same_node;
        for (from, to) in all.filter(|(from, to)| meant(from, to)) {
            links.push(Link {
                from: from.clone(),
                to: to.clone(),
                port: link.port,
                protocol: link.protocol.clone(),
                step: link.step,
                label: link.label.clone(),
            });
            if link.needs {
                needs.push((from.clone(), to.clone(), line));
            }
        }
    }
    let order: Vec<(Endpoint, Endpoint)> =
        needs.iter().map(|(from, to, _)| (from.clone(), to.clone())).collect();
    if let Some(index) = first_in_a_cycle(&order) {
        let (from, to, line) = &needs[index];
        let message = format!(
            "link from `{from}` to `{to}` closes a circle: a process starts after those its links lead to; set `needs = false` where it can start without"
        );
        return Err(source.error(read[*line].from.span(), message));
    }
    Ok((links, order))
}

/// The ends that `node`, `node/process` or `pattern*/process` names: those nodes that run the process.
fn endpoints(
    source: &Source<'_>,
    text: &Spanned<String>,
    nodes: &[NodePlan],
    parts: &HashMap<String, Part>,
) -> Result<Vec<Endpoint>, InputError> {
    let (name, process) = match text.get_ref().split_once('/') {
        Some((node, process)) => (node, Some(process)),
        None => (text.get_ref().as_str(), None),
    };
    let found = matching(name, nodes);
    if found.is_empty() {
        let message = format!("link to `{}`, but there is no node `{name}`", text.get_ref());
        return Err(source.error(text.span(), message));
    }
    let runs = |node: &&NodePlan| {
        process.is_none_or(|process| node.parts.iter().any(|plan| parts[&plan.part].process == process))
    };
    let ends: Vec<Endpoint> = found
        .into_iter()
        .filter(runs)
        .map(|node| Endpoint { node: node.name.clone(), process: process.map(str::to_owned) })
        .collect();
    if ends.is_empty() {
        let process = process.unwrap_or_default();
        let message = format!("link to `{}`, but `{name}` runs no `{process}`", text.get_ref());
        return Err(source.error(text.span(), message));
    }
    Ok(ends)
}

/// The first of `needs` whose end leads back to its beginning.
fn first_in_a_cycle(needs: &[(Endpoint, Endpoint)]) -> Option<usize> {
    let mut reached = HashSet::new();
    (0..needs.len()).find(|index| {
        reached.clear();
        let mut open = vec![&needs[*index].1];
        while let Some(end) = open.pop() {
            if *end == needs[*index].0 {
                return true;
            }
            if reached.insert(end.to_string()) {
                open.extend(needs.iter().filter(|(from, _)| from == end).map(|(_, to)| to));
            }
        }
        false
    })
}
