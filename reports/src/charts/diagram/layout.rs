//! Where the boxes stand: a column for each tier, boxes of a column below each other. Who asks stands at the left, with
//! whom he asks for names above and whoever watches below.

use std::collections::VecDeque;

use record::{InventoryRecord, NodeRecord, ProcessRecord, VirtualAddressRecord};

use super::ends::node_of;

/// Width of a box.
pub(super) const WIDTH: f64 = 176.0;
/// Height of the name and the first address.
pub(super) const TITLE_HEIGHT: f64 = 46.0;
/// Of each line of text below the name.
pub(super) const LINE_HEIGHT: f64 = 15.0;
/// Height of a part that a request passes, and of one that it does not.
const PART_HEIGHT: f64 = 24.0;
const ASIDE_HEIGHT: f64 = 18.0;
/// Between parts: with room for an arrow and its number, and without.
const ARROW_GAP: f64 = 26.0;
const PART_GAP: f64 = 6.0;
const PADDING: f64 = 12.0;
/// Between columns, with room for arrows and their numbers.
pub(super) const COLUMN_GAP: f64 = 96.0;
const ROW_GAP: f64 = 34.0;
pub(super) const MARGIN: f64 = 30.0;
/// Around the nodes that an address moves between.
const FRAME_PADDING: f64 = 10.0;

/// A part within its node's box.
#[derive(Debug, Clone)]
pub(super) struct PartBox {
    pub(super) process: ProcessRecord,
    pub(super) y: f64,
    pub(super) height: f64,
}

impl PartBox {
    pub(super) fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }

    /// Whether it serves the stack and no request.
    pub(super) fn is_aside(&self) -> bool {
        is_aside(&self.process)
    }
}

/// A line below a node's name, with its class.
pub(super) type Line = (String, &'static str);

/// A node's box.
#[derive(Debug, Clone)]
pub(super) struct NodeBox {
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
    /// In the order in which a request passes them, then those that it does not pass.
    pub(super) parts: Vec<PartBox>,
    pub(super) firewall: bool,
    /// Whether there are addresses that it may take, and it has none of them.
    pub(super) waits: bool,
    pub(super) column: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) height: f64,
}

impl NodeBox {
    /// Whether all it does is to watch the others.
    pub(super) fn watches(&self) -> bool {
        has_only(self.parts.iter().map(|part| &part.process), "monitor")
    }

    /// Whether all it does is to answer names.
    fn names(&self) -> bool {
        has_only(self.parts.iter().map(|part| &part.process), "dns")
    }

    pub(super) fn part(&self, process: Option<&str>) -> Option<&PartBox> {
        self.parts.iter().find(|part| Some(part.process.name.as_str()) == process)
    }

    /// The middle of a part; that of the title where the node has no such part.
    pub(super) fn middle_of(&self, process: Option<&str>) -> f64 {
        self.part(process).map_or(self.y + self.height.min(TITLE_HEIGHT) / 2.0, PartBox::middle)
    }

    pub(super) fn place_of(&self, process: Option<&str>) -> Option<usize> {
        self.parts.iter().position(|part| Some(part.process.name.as_str()) == process)
    }

    fn move_down(&mut self, by: f64) {
        self.y += by;
        self.parts.iter_mut().for_each(|part| part.y += by);
    }
}

/// The nodes that an address moves between, with the addresses.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) labels: Vec<String>,
    pub(super) nodes: Vec<String>,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything stands.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) nodes: Vec<NodeBox>,
    pub(super) frames: Vec<Frame>,
    pub(super) width: f64,
    /// With the margins.
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn new(inventory: &InventoryRecord) -> Self {
        let columns = columns(inventory);
        let mut nodes: Vec<NodeBox> = inventory
            .nodes
            .iter()
            .zip(&columns)
            .map(|(node, column)| node_box(inventory, node, *column))
            .collect();
        let mut frames = frames(&inventory.virtual_addresses, &nodes);
        let last = columns.iter().max().copied().unwrap_or(0);
        let heights: Vec<f64> = (0..=last).map(|column| stack(&mut nodes, &frames, column)).collect();
        let tallest = heights.iter().copied().fold(0.0, f64::max);
        for node in &mut nodes {
            // Columns stand at half height, so that arrows are short; who watches stands at the bottom.
            let spare = tallest - heights[node.column];
            node.move_down(MARGIN + if node.watches() { spare } else { spare / 2.0 });
        }
        frames.iter_mut().for_each(|frame| frame.fit(&nodes));
        let width = 2.0 * MARGIN + (last + 1) as f64 * WIDTH + last as f64 * COLUMN_GAP;
        Self { nodes, frames, width, height: tallest + 2.0 * MARGIN }
    }

    pub(super) fn node(&self, name: &str) -> Option<&NodeBox> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

impl Frame {
    /// Room for its labels above the first node.
    fn head(&self) -> f64 {
        FRAME_PADDING + LINE_HEIGHT * self.labels.len() as f64
    }

    fn fit(&mut self, nodes: &[NodeBox]) {
        let own: Vec<&NodeBox> = nodes.iter().filter(|node| self.nodes.contains(&node.name)).collect();
        let top = own.iter().map(|node| node.y).fold(f64::INFINITY, f64::min);
        let bottom = own.iter().map(|node| node.y + node.height).fold(0.0, f64::max);
        self.x = own.first().map_or(0.0, |node| node.x) - FRAME_PADDING;
        self.y = top - self.head();
        self.width = WIDTH + 2.0 * FRAME_PADDING;
        self.height = bottom + FRAME_PADDING - self.y;
    }
}

/// A frame for each set of nodes of one column that share addresses.
fn frames(addresses: &[VirtualAddressRecord], nodes: &[NodeBox]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for address in addresses {
        let label = format!("{} ({})", address.address, address.name);
        let mut names = address.nodes.clone();
        names.sort();
        if let Some(frame) = frames.iter_mut().find(|frame| frame.nodes == names) {
            frame.labels.push(label);
            continue;
        }
        let column = |name: &String| nodes.iter().find(|node| node.name == *name).map(|node| node.column);
        let first = names.first().and_then(column);
        let one_column = names.len() > 1 && first.is_some() && names.iter().all(|name| column(name) == first);
        let taken = frames.iter().any(|frame| names.iter().any(|name| frame.nodes.contains(name)));
        if one_column && !taken {
            let nowhere = (0.0, 0.0, 0.0, 0.0);
            let (x, y, width, height) = nowhere;
            frames.push(Frame { labels: vec![label], nodes: names, x, y, width, height });
        }
    }
    frames
}

/// Puts the boxes of a column below each other from 0 on, those of a frame together, and tells their height.
fn stack(nodes: &mut [NodeBox], frames: &[Frame], column: usize) -> f64 {
    let frame_of = |name: &String| frames.iter().position(|frame| frame.nodes.contains(name));
    let mut order: Vec<usize> = (0..nodes.len()).filter(|index| nodes[*index].column == column).collect();
    let first_of = |index: &usize| {
        let frame = frame_of(&nodes[*index].name);
        let first = nodes.iter().position(|node| frame.is_some() && frame_of(&node.name) == frame);
        let node = &nodes[*index];
        let rank = if node.watches() { 2 } else { usize::from(!node.names()) };
        (rank, first.unwrap_or(*index), *index)
    };
    order.sort_by_key(first_of);
    let (mut y, mut open) = (0.0, None);
    for (place, index) in order.into_iter().enumerate() {
        let frame = frame_of(&nodes[index].name);
        if place > 0 {
            y += ROW_GAP;
        }
        if frame != open {
            y += if open.is_some() { FRAME_PADDING } else { 0.0 };
            y += frame.map_or(0.0, |frame| frames[frame].head());
            open = frame;
        }
        nodes[index].move_down(y);
        y += nodes[index].height;
    }
    y + if open.is_some() { FRAME_PADDING } else { 0.0 }
}

fn node_box(inventory: &InventoryRecord, node: &NodeRecord, column: usize) -> NodeBox {
    let lines = lines(inventory, node);
    let titles = TITLE_HEIGHT + LINE_HEIGHT * lines.len().saturating_sub(1) as f64;
    let mut parts: Vec<PartBox> = Vec::new();
    let mut y = titles;
    for process in in_passing_order(&node.processes) {
        if let Some(above) = parts.last() {
            let ends =
                (format!("{}/{}", node.name, above.process.name), format!("{}/{}", node.name, process.name));
            let arrow = inventory.links.iter().any(|link| link.from == ends.0 && link.to == ends.1);
            y += if arrow { ARROW_GAP } else { PART_GAP };
        }
        let height = if is_aside(&process) { ASIDE_HEIGHT } else { PART_HEIGHT };
        parts.push(PartBox { process, y, height });
        y += height;
    }
    let moving = || inventory.virtual_addresses.iter().filter(|address| address.nodes.contains(&node.name));
    let height = if parts.is_empty() { titles } else { y + PADDING };
    NodeBox {
        name: node.name.clone(),
        lines,
        parts,
        firewall: inventory.firewalls.iter().any(|firewall| firewall.node == node.name),
        waits: moving().count() > 0 && moving().all(|address| address.nodes.first() != Some(&node.name)),
        column,
        x: MARGIN + column as f64 * (WIDTH + COLUMN_GAP),
        y: 0.0,
        height,
    }
}

/// Its own addresses, then those that it has or may have for a while.
fn lines(inventory: &InventoryRecord, node: &NodeRecord) -> Vec<Line> {
    let moving = &inventory.virtual_addresses;
    let own = node.addresses.iter().filter(|address| moving.iter().all(|other| other.address != **address));
    let mut lines: Vec<Line> = own.map(|address| (address.clone(), "address")).collect();
    for address in moving.iter().filter(|address| address.nodes.contains(&node.name)) {
        lines.push(if address.nodes.first() == Some(&node.name) {
            (format!("● has {}", address.address), "held")
        } else {
            (format!("○ may take {}", address.address), "address")
        });
    }
    lines
}

/// How many links each node is away from the client. Name servers, and nodes that watch, stand with the client; a node
/// that no request reaches stands with its like.
fn columns(inventory: &InventoryRecord) -> Vec<usize> {
    let nodes = &inventory.nodes;
    let index = |name: &str| nodes.iter().position(|known| known.name == name);
    let mut columns: Vec<Option<usize>> = vec![None; nodes.len()];
    let start = inventory.client.as_deref().and_then(index).unwrap_or(0);
    let mut queue = VecDeque::new();
    if let Some(first) = columns.get_mut(start) {
        *first = Some(0);
        queue.push_back(start);
    }
    while let Some(at) = queue.pop_front() {
        let next = columns[at].unwrap_or(0) + 1;
        // Replication and health checks are no steps away from the client.
        let links = inventory
            .links
            .iter()
            .filter(|link| link.step.is_some() && node_of(&link.from) == nodes[at].name);
        for to in links.filter_map(|link| index(node_of(&link.to))) {
            if columns[to].is_none() {
                let beside = has_only(&nodes[to].processes, "dns");
                columns[to] = Some(if beside { columns[at].unwrap_or(0) } else { next });
                queue.push_back(to);
            }
        }
    }
    let first_role =
        |node: &NodeRecord| in_passing_order(&node.processes).first().map(|first| first.role.clone());
    let like = |node: &NodeRecord| {
        let role = first_role(node)?;
        let same = (0..nodes.len())
            .find(|other| columns[*other].is_some() && first_role(&nodes[*other]).as_ref() == Some(&role));
        same.and_then(|same| columns[same])
    };
    nodes.iter().zip(&columns).map(|(node, column)| column.or_else(|| like(node)).unwrap_or(0)).collect()
}

/// Whether a node does `role` and nothing else for others.
fn has_only<'a>(processes: impl IntoIterator<Item = &'a ProcessRecord>, role: &str) -> bool {
    let mut own = processes.into_iter().filter(|process| !is_aside(process)).peekable();
    own.peek().is_some() && own.all(|process| process.role == role)
}

fn is_aside(process: &ProcessRecord) -> bool {
    matches!(process.role.as_str(), "failover" | "exporter")
}

/// Parts start from the database up, and a request passes them from the web server down.
fn in_passing_order(processes: &[ProcessRecord]) -> Vec<ProcessRecord> {
    let place = |process: &ProcessRecord| match process.role.as_str() {
        "load-balancer" => 0,
        "web" => 1,
        "application" => 2,
        "database" => 3,
        "failover" => 5,
        "exporter" => 6,
        _ => 4,
    };
    let mut ordered = processes.to_vec();
    ordered.sort_by_key(place);
    ordered
}
