//! Where the boxes stand: one column for each step away from the client, boxes of a column below each other.

use std::collections::VecDeque;

use record::{InventoryRecord, ProcessRecord};

/// Width of a box.
pub(super) const WIDTH: f64 = 176.0;
/// Height of the name and the first address.
pub(super) const TITLE_HEIGHT: f64 = 46.0;
const ADDRESS_HEIGHT: f64 = 15.0;
/// Height of a part.
pub(super) const PART_HEIGHT: f64 = 24.0;
const PART_GAP: f64 = 26.0;
const PADDING: f64 = 12.0;
/// Between columns, with room for arrows and their numbers.
const COLUMN_GAP: f64 = 96.0;
const ROW_GAP: f64 = 40.0;
const MARGIN: f64 = 12.0;

/// A node's box.
#[derive(Debug, Clone)]
pub(super) struct NodeBox {
    pub(super) name: String,
    pub(super) addresses: Vec<String>,
    /// The parts with the top of each, in the order in which a request passes them.
    pub(super) parts: Vec<(ProcessRecord, f64)>,
    pub(super) column: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) height: f64,
}

impl NodeBox {
    /// Top and bottom of a part; the middle of the title where the node has no such part.
    pub(super) fn middle_of(&self, process: Option<&str>) -> f64 {
        let part = self.parts.iter().find(|(part, _)| Some(part.name.as_str()) == process);
        part.map_or(self.y + self.height.min(TITLE_HEIGHT) / 2.0, |(_, y)| y + PART_HEIGHT / 2.0)
    }

    pub(super) fn place_of(&self, process: Option<&str>) -> Option<usize> {
        self.parts.iter().position(|(part, _)| Some(part.name.as_str()) == process)
    }
}

/// Where everything stands.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) nodes: Vec<NodeBox>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn new(inventory: &InventoryRecord) -> Self {
        let columns = columns(inventory);
        let mut nodes: Vec<NodeBox> = inventory
            .nodes
            .iter()
            .zip(&columns)
            .map(|(node, column)| {
                let titles = TITLE_HEIGHT + ADDRESS_HEIGHT * node.addresses.len().saturating_sub(1) as f64;
                let parts = in_passing_order(&node.processes);
                let count = parts.len() as f64;
                let inner = if parts.is_empty() {
                    0.0
                } else {
                    count * PART_HEIGHT + (count - 1.0) * PART_GAP + PADDING
                };
                NodeBox {
                    name: node.name.clone(),
                    addresses: node.addresses.clone(),
                    parts: parts
                        .into_iter()
                        .enumerate()
                        .map(|(index, part)| (part, titles + index as f64 * (PART_HEIGHT + PART_GAP)))
                        .collect(),
                    column: *column,
                    x: MARGIN + *column as f64 * (WIDTH + COLUMN_GAP),
                    y: 0.0,
                    height: titles + inner,
                }
            })
            .collect();
        let last = columns.iter().max().copied().unwrap_or(0);
        let column_height = |nodes: &[NodeBox], column: usize| {
            let of: Vec<&NodeBox> = nodes.iter().filter(|node| node.column == column).collect();
            of.iter().map(|node| node.height).sum::<f64>() + ROW_GAP * of.len().saturating_sub(1) as f64
        };
        let tallest = (0..=last).map(|column| column_height(&nodes, column)).fold(0.0, f64::max);
        for column in 0..=last {
            // Columns stand at half height, so that arrows are short.
            let mut y = MARGIN + (tallest - column_height(&nodes, column)) / 2.0;
            for node in nodes.iter_mut().filter(|node| node.column == column) {
                node.y = y;
                node.parts.iter_mut().for_each(|(_, part_y)| *part_y += y);
                y += node.height + ROW_GAP;
            }
        }
        let width = 2.0 * MARGIN + (last + 1) as f64 * WIDTH + last as f64 * COLUMN_GAP;
        Self { nodes, width, height: tallest + 2.0 * MARGIN }
    }

    pub(super) fn node(&self, name: &str) -> Option<&NodeBox> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// The node of a link's end.
pub(super) fn node_of(end: &str) -> &str {
    end.split('/').next().unwrap_or(end)
}

/// How many links each node is away from the client; nodes that no link reaches stand with the client.
fn columns(inventory: &InventoryRecord) -> Vec<usize> {
    let names: Vec<&str> = inventory.nodes.iter().map(|node| node.name.as_str()).collect();
    let index = |name: &str| names.iter().position(|known| *known == name);
    let mut columns: Vec<Option<usize>> = vec![None; names.len()];
    let start = inventory.client.as_deref().and_then(index).unwrap_or(0);
    let mut queue = VecDeque::new();
    if let Some(first) = columns.get_mut(start) {
        *first = Some(0);
        queue.push_back(start);
    }
    while let Some(at) = queue.pop_front() {
        let next = columns[at].unwrap_or(0) + 1;
        // Replication and health checks are no steps away from the client.
        let links =
            inventory.links.iter().filter(|link| link.step.is_some() && node_of(&link.from) == names[at]);
        for to in links.filter_map(|link| index(node_of(&link.to))) {
            if columns[to].is_none() {
                columns[to] = Some(next);
                queue.push_back(to);
            }
        }
    }
    columns.into_iter().map(|column| column.unwrap_or(0)).collect()
}

/// Parts start from the database up, and a request passes them from the web server down.
fn in_passing_order(processes: &[ProcessRecord]) -> Vec<ProcessRecord> {
    let place = |process: &ProcessRecord| match process.role.as_str() {
        "load-balancer" => 0,
        "web" => 1,
        "application" => 2,
        "database" => 3,
        _ => 4,
    };
    let mut ordered = processes.to_vec();
    ordered.sort_by_key(place);
    ordered
}
