//! The diagram in letters, for terminals: a row of boxes for each tier, from the user down to the data, with what is
//! passed on between them.

use record::InventoryRecord;

use super::ends::node_of;
use super::layout::{Layout, NodeBox};
use super::{Way, ways};
use crate::wrap::wrapped;

/// Between boxes that stand beside each other.
const GAP: &str = "  ";

/// The diagram in lines of at most `width` characters.
pub(crate) fn letters(inventory: &InventoryRecord, width: usize) -> String {
    let layout = Layout::new(inventory);
    let last = layout.nodes.iter().map(|node| node.column).max().unwrap_or(0);
    let mut text = String::new();
    for column in 0..=last {
        let mut nodes: Vec<&NodeBox> = layout.nodes.iter().filter(|node| node.column == column).collect();
        nodes.sort_by(|one, other| one.y.total_cmp(&other.y));
        for frame in
            layout.frames.iter().filter(|frame| nodes.iter().any(|node| frame.nodes.contains(&node.name)))
        {
            let said =
                format!("virtual address {} on one of {}", frame.labels.join(", "), frame.nodes.join(", "));
            text += &wrapped(&said, width, "", "  ");
        }
        text += &row(&nodes, width);
        for way in passed_on(inventory, &layout, column) {
            let lock = if way.encrypted { " (encrypted)" } else { "" };
            let said = format!("{}{lock}", way.label);
            text += &wrapped(&said, width, &format!("   │ {}  ", way.step), "   │    ");
        }
        if column < last {
            text += "   ▼\n";
        }
    }
    text
}

/// What goes out from the nodes of a column, each once.
fn passed_on(inventory: &InventoryRecord, layout: &Layout, column: usize) -> Vec<Way> {
    let here = |end: &str| layout.node(node_of(end)).is_some_and(|node| node.column == column);
    let links: Vec<_> =
        inventory.links.iter().filter(|link| link.step.is_some() && here(&link.from)).cloned().collect();
    let mut passed: Vec<Way> = Vec::new();
    for way in ways(&links) {
        if !passed.iter().any(|known| known.step == way.step && known.label == way.label) {
            passed.push(way);
        }
    }
    passed
}

/// Boxes beside each other, as many as fit, the others below.
fn row(nodes: &[&NodeBox], width: usize) -> String {
    let mut text = String::new();
    let mut open: Vec<Vec<String>> = Vec::new();
    let used = |open: &[Vec<String>]| -> usize {
        open.iter().map(|lines| lines[0].chars().count() + GAP.len()).sum()
    };
    for node in nodes {
        let lines = node_lines(node);
        if !open.is_empty() && used(&open) + lines[0].chars().count() > width {
            text += &beside(&open);
            open.clear();
        }
        open.push(lines);
    }
    text + &beside(&open)
}

fn beside(boxes: &[Vec<String>]) -> String {
    let tallest = boxes.iter().map(Vec::len).max().unwrap_or(0);
    let line = |index: usize| {
        let cells = boxes.iter().map(|lines| match lines.get(index) {
            Some(line) => line.clone(),
            None => " ".repeat(lines[0].chars().count()),
        });
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned() + "\n"
    };
    (0..tallest).map(line).collect()
}

fn node_lines(node: &NodeBox) -> Vec<String> {
    let mut inside: Vec<String> = node.lines.iter().map(|(line, _)| line.clone()).collect();
    let main = node.parts.iter().filter(|part| !part.is_aside());
    inside.extend(main.map(|part| part.process.name.clone()));
    let aside = node.parts.iter().filter(|part| part.is_aside());
    inside.extend(aside.map(|part| format!("+ {}", part.process.name)));
    let title = if node.firewall { format!("{} (firewall)", node.name) } else { node.name.clone() };
    let width = inside.iter().chain([&title]).map(|line| line.chars().count()).max().unwrap_or(0);
    // A firewall's frame is drawn double: what is not let in stays out.
    let [left, line, right, wall, low_left, low_right] = if node.firewall {
        ["╔", "═", "╗", "║", "╚", "╝"]
    } else {
        ["┌", "─", "┐", "│", "└", "┘"]
    };
    let rest = (width + 1).saturating_sub(title.chars().count());
    let mut lines = vec![format!("{left}{line}{title}{}{right}", line.repeat(rest))];
    lines.extend(inside.iter().map(|text| format!("{wall} {text:<width$} {wall}")));
    lines.push(format!("{low_left}{}{low_right}", line.repeat(width + 2)));
    lines
}
