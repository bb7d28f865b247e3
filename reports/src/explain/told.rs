//! What is said of a design, in the order in which it is said, whatever it is said on.

use model::{Measure, Try};
use record::derived::ClaimFile;
use record::{AcceptRecord, InventoryRecord};
use serde::Serialize;

use super::Explained;
use crate::charts::{self, Way};
use crate::words;

/// A design in words.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) summary: String,
    /// Where a user finds it: "http://www.foobar.com".
    pub(crate) url: String,
    pub(crate) idea: String,
    pub(crate) before: Option<String>,
    pub(crate) adds: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// What no request waits for.
    pub(crate) asides: Vec<Way>,
    pub(crate) back: String,
    pub(crate) elements: Vec<Element>,
    pub(crate) firewalls: Vec<Filter>,
    pub(crate) records: Vec<RecordRow>,
    pub(crate) weaknesses: Vec<Weak>,
    /// Claims that were measured of this design.
    pub(crate) measured: Vec<ClaimFile>,
    pub(crate) tries: Vec<(String, String)>,
    pub(crate) terms: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) number: u32,
    pub(crate) ways: Vec<Way>,
    pub(crate) text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Element {
    pub(crate) title: String,
    /// "nginx on server1 and server2".
    pub(crate) of: String,
    pub(crate) why: String,
    pub(crate) adds: Option<String>,
}

/// What the packet filters of some nodes let in.
#[derive(Debug, Serialize)]
pub(crate) struct Filter {
    pub(crate) nodes: String,
    /// "http, port 80, from lb1".
    pub(crate) accepts: Vec<String>,
}

/// Records that are there for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecordRow {
    pub(crate) names: Vec<String>,
    pub(crate) kind: String,
    pub(crate) ttl: String,
    pub(crate) values: Vec<String>,
    pub(crate) why: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Weak {
    pub(crate) title: String,
    pub(crate) text: String,
    /// What measures it, in words, with the command.
    pub(crate) experiment: String,
    pub(crate) command: String,
    pub(crate) measured: Option<ClaimFile>,
}

impl Told {
    pub(crate) fn new(explained: &Explained<'_>) -> Self {
        let inventory = explained.inventory;
        let nothing = model::Explanation::default();
        let words = explained.words.unwrap_or(&nothing);
        let (steps, asides) = steps(explained);
        let term = |name: &String| explained.terms.iter().find(|term| term.name == *name);
        let own = |claim: &&ClaimFile| claim.design == inventory.design;
        let tried = |one: &Try| (one.command.clone(), one.text.clone());
        Self {
            name: inventory.design.clone(),
            summary: inventory.summary.clone(),
            url: url(inventory),
            idea: words.idea.clone(),
            before: words.before.clone(),
            adds: words.adds.clone(),
            steps,
            asides,
            back: words.back.clone(),
            elements: words.elements.iter().map(|element| self::element(inventory, element)).collect(),
            firewalls: firewalls(inventory),
            records: records(explained),
            weaknesses: words.weaknesses.iter().map(|weakness| weak(explained, weakness)).collect(),
            measured: explained.measured.iter().filter(own).cloned().collect(),
            tries: words.tries.iter().map(tried).collect(),
            terms: words
                .terms
                .iter()
                .filter_map(term)
                .map(|term| (term.title.clone(), term.text.clone()))
                .collect(),
        }
    }
}

fn url(inventory: &InventoryRecord) -> String {
    let (scheme, usual) = if inventory.public_tls { ("https", 443) } else { ("http", 80) };
    let port =
        if inventory.public_port == usual { String::new() } else { format!(":{}", inventory.public_port) };
    format!("{scheme}://{}{port}", inventory.public_name)
}

/// Each step of a request's way with what its arrows carry, and the arrows that have no number.
fn steps(explained: &Explained<'_>) -> (Vec<Step>, Vec<Way>) {
    let mut steps: Vec<Step> = Vec::new();
    let mut asides = Vec::new();
    for way in charts::ways(&explained.inventory.links) {
        let Ok(number) = way.step.parse() else {
            asides.push(way);
            continue;
        };
        match steps.last_mut().filter(|last| last.number == number) {
            Some(step) => step.ways.push(way),
            None => {
                let said =
                    explained.words.and_then(|words| words.steps.iter().find(|step| step.step == number));
                let text = said.map_or(String::new(), |step| step.text.clone());
                steps.push(Step { number, ways: vec![way], text });
            }
        }
    }
    (steps, asides)
}

fn element(inventory: &InventoryRecord, element: &model::Element) -> Element {
    let mut nodes: Vec<&str> = Vec::new();
    let mut processes: Vec<&str> = Vec::new();
    let mut on: Vec<&str> = Vec::new();
    for node in &inventory.nodes {
        if element.of.matches(&node.name) {
            nodes.push(&node.name);
        }
        let firewall =
            inventory.firewalls.iter().any(|firewall| firewall.node == node.name).then_some("firewall");
        for process in node.processes.iter().map(|process| process.name.as_str()).chain(firewall) {
            if element.of.matches(&format!("{}/{process}", node.name)) {
                processes.push(process);
                on.push(&node.name);
            }
        }
    }
    for address in &inventory.virtual_addresses {
        if element.of.matches(&format!("virtual-address/{}", address.name)) {
            nodes.push(&address.address);
        }
    }
    processes.sort_unstable();
    processes.dedup();
    on.dedup();
    let of = match (nodes.is_empty(), on.is_empty()) {
        (false, _) => words::list(&nodes),
        (true, false) => format!("{} on {}", words::list(&processes), words::list(&on)),
        (true, true) => String::new(),
    };
    Element { title: element.title.clone(), of, why: element.why.clone(), adds: element.adds.clone() }
}

/// Nodes with the same rules are said together.
fn firewalls(inventory: &InventoryRecord) -> Vec<Filter> {
    let mut found: Vec<(Vec<&str>, &[AcceptRecord])> = Vec::new();
    for firewall in &inventory.firewalls {
        match found.iter_mut().find(|(_, accepts)| *accepts == firewall.accepts.as_slice()) {
            Some((nodes, _)) => nodes.push(&firewall.node),
            None => found.push((vec![&firewall.node], &firewall.accepts)),
        }
    }
    let filter = |(nodes, accepts): (Vec<&str>, &[AcceptRecord])| Filter {
        nodes: words::list(&nodes),
        accepts: accepts.iter().map(accept).collect(),
    };
    found.into_iter().map(filter).collect()
}

fn accept(accept: &AcceptRecord) -> String {
    let port = accept.port.map_or(String::new(), |port| format!(", port {port}"));
    let from = if accept.from.is_empty() { "anybody".to_owned() } else { words::list(&accept.from) };
    format!("{}{port}, from {from}", accept.protocol)
}

/// Records of one kind and reason are one row, wherever they stand.
fn records(explained: &Explained<'_>) -> Vec<RecordRow> {
    let mut rows: Vec<RecordRow> = Vec::new();
    for record in explained.zone {
        let ttl = words::duration(record.ttl_s);
        let same = |row: &&mut RecordRow| row.kind == record.kind && row.why == record.why && row.ttl == ttl;
        match rows.iter_mut().find(same) {
            Some(row) => {
                if !row.names.contains(&record.name) {
                    row.names.push(record.name.clone());
                }
                row.values.push(record.value.clone());
            }
            None => rows.push(RecordRow {
                names: vec![record.name.clone()],
                kind: record.kind.clone(),
                ttl,
                values: vec![record.value.clone()],
                why: record.why.clone(),
            }),
        }
    }
    rows
}

fn weak(explained: &Explained<'_>, weakness: &model::Weakness) -> Weak {
    let (experiment, command, measured) = match &weakness.measure {
        Measure::Claim { design, id } => {
            let measured = explained.measured.iter().find(|claim| claim.design == *design && claim.id == *id);
            let elsewhere =
                if *design == explained.inventory.design { String::new() } else { format!(" of {design}") };
            (format!("the claim {id}{elsewhere}"), format!("brownout claims {design} --only {id}"), measured)
        }
        Measure::Command(command) => ("a rehearsal".to_owned(), command.clone(), None),
    };
    Weak {
        title: weakness.title.clone(),
        text: weakness.text.clone(),
        experiment,
        command,
        measured: measured.cloned(),
    }
}
