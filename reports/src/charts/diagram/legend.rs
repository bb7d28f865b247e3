//! What the signs of a diagram mean: only those that occur in it.

use record::InventoryRecord;
use serde::Serialize;

use super::super::ink::{escape, text_width};
use super::boxes;
use super::ends::is_encrypted;
use super::layout::MARGIN;
use crate::words;

/// A sign with its meaning.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sign {
    /// The drawing, in a box of 16 by 16.
    pub(crate) svg: String,
    /// What it means.
    pub(crate) meaning: String,
}

const SIZE: f64 = 12.0;
const ROW: f64 = 24.0;

/// The signs that `inventory` needs.
pub(crate) fn signs(inventory: &InventoryRecord) -> Vec<Sign> {
    let has = |role: &str| {
        inventory.nodes.iter().flat_map(|node| &node.processes).any(|process| process.role == role)
    };
    let aside = beside_the_way(inventory);
    let locked = inventory.links.iter().any(|link| is_encrypted(&link.protocol));
    let small = |class: &str| {
        format!("<rect class=\"part {class}\" x=\"1\" y=\"3\" width=\"14\" height=\"10\" rx=\"3\"/>")
    };
    let signs = [
        (
            inventory.links.iter().any(|link| link.step.is_some()),
            "<circle class=\"step\" cx=\"8\" cy=\"8\" r=\"7\"/>".to_owned(),
            "a step of the request's way",
        ),
        (
            aside.is_some(),
            "<path class=\"way aside\" d=\"M0 8H16\"/>".to_owned(),
            aside.as_deref().unwrap_or_default(),
        ),
        (
            stands_by(inventory),
            "<path class=\"way standby\" d=\"M0 8H16\"/>".to_owned(),
            "to one that stands by",
        ),
        (locked, boxes::lock(8.0, 8.0), "encrypted (TLS)"),
        (!inventory.firewalls.is_empty(), boxes::shield(8.0, 8.5), "firewall: only the named flows come in"),
        (
            !inventory.virtual_addresses.is_empty(),
            "<rect class=\"moving\" x=\"1\" y=\"2\" width=\"14\" height=\"12\" rx=\"4\"/>".to_owned(),
            "one address, on one of these nodes at a time",
        ),
        (has("failover"), small("failover"), "moves the address"),
        (has("exporter"), small("exporter"), "tells the monitor about its node"),
    ];
    let sign = |(_, svg, meaning): (bool, String, &str)| Sign { svg, meaning: meaning.to_owned() };
    signs.into_iter().filter(|(occurs, ..)| *occurs).map(sign).collect()
}

/// What the dashed lines are: "monitoring and replication: no request waits for it".
fn beside_the_way(inventory: &InventoryRecord) -> Option<String> {
    let mut kinds: Vec<&str> = Vec::new();
    for link in inventory.links.iter().filter(|link| link.step.is_none()) {
        let kind = match link.protocol.split('+').next().unwrap_or_default() {
            "metrics" | "alerts" => "monitoring",
            "replication" => "replication",
            "vrrp" => "signs of life",
            _ => continue,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    (!kinds.is_empty()).then(|| format!("{}: no request waits", words::list(&kinds)))
}

/// Whether some load balancer has none of the addresses that it may take.
fn stands_by(inventory: &InventoryRecord) -> bool {
    let addresses = &inventory.virtual_addresses;
    let balances = |name: &String| {
        let node = inventory.nodes.iter().find(|node| node.name == *name);
        node.is_some_and(|node| node.processes.iter().any(|process| process.role == "load-balancer"))
    };
    let has = |name: &String| addresses.iter().any(|address| address.nodes.first() == Some(name));
    addresses.iter().flat_map(|address| &address.nodes).any(|name| balances(name) && !has(name))
}

/// The legend below a drawing of this width, from this height on: first what the numbers carry, then the signs. With its
/// own height.
pub(super) fn drawn(inventory: &InventoryRecord, width: f64, top: f64) -> (String, f64) {
    let mut flow = Flow { text: String::new(), left: MARGIN, right: width - 12.0, x: MARGIN, y: top + 4.0 };
    for (step, said) in steps(inventory) {
        flow.put(&boxes::number(10.0, 10.0, step), &said);
    }
    flow.end_row();
    for sign in signs(inventory).iter().skip(1) {
        flow.put(&format!("<g transform=\"translate(2 2)\">{}</g>", sign.svg), &sign.meaning);
    }
    flow.end_row();
    (flow.text, flow.y + 8.0 - top)
}

/// Each step with what is passed there, said once.
fn steps(inventory: &InventoryRecord) -> Vec<(u32, String)> {
    let mut steps: Vec<u32> = inventory.links.iter().filter_map(|link| link.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let said = |step: &u32| {
        let mut labels: Vec<&str> = Vec::new();
        for link in inventory.links.iter().filter(|link| link.step == Some(*step)) {
            if !labels.contains(&link.label.as_str()) {
                labels.push(&link.label);
            }
        }
        (*step, labels.join(" / "))
    };
    steps.iter().map(said).collect()
}

/// Puts pairs of a sign and a text one after the other, in rows.
struct Flow {
    text: String,
    left: f64,
    right: f64,
    x: f64,
    y: f64,
}

impl Flow {
    fn put(&mut self, sign: &str, said: &str) {
        // Words are narrower than single letters, for which the guess is made.
        let width = 26.0 + 0.9 * text_width(said, SIZE);
        if self.x > self.left && self.x + width > self.right {
            self.end_row();
        }
        self.text += &format!(
            "<g transform=\"translate({:.1} {:.1})\">{sign}<text class=\"said\" x=\"26\" y=\"10\" dy=\"0.35em\" font-size=\"{SIZE}\">{}</text></g>\n",
            self.x,
            self.y,
            escape(said)
        );
        self.x += width + 18.0;
    }

    fn end_row(&mut self) {
        if self.x > self.left {
            self.x = self.left;
            self.y += ROW;
        }
    }
}
