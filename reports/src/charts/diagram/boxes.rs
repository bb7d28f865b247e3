//! Nodes with their parts, the frames of addresses that move, and the signs at arrows, as SVG.

use super::super::ink::{escape, text_width};
use super::layout::{Frame, LINE_HEIGHT, NodeBox, PartBox, TITLE_HEIGHT, WIDTH};
use super::route::Badge;

/// A node; those of `marked` are single points of failure.
pub(super) fn node(node: &NodeBox, marked: &[&str]) -> String {
    let (x, y) = (node.x, node.y);
    let whole = marked.contains(&node.name.as_str());
    let mut class = "node".to_owned();
    if node.firewall {
        class += " firewall";
    }
    if whole {
        class += " spof";
    }
    let mut text = format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{:.1}\" rx=\"8\"/>\n",
        node.height
    );
    text += &line("name", (x + 12.0, y + 20.0), 14.0, &node.name);
    for (index, (said, class)) in node.lines.iter().enumerate() {
        text += &line(class, (x + 12.0, y + 36.0 + index as f64 * LINE_HEIGHT), 11.0, said);
    }
    if node.firewall {
        text += &shield(x + WIDTH - 20.0, y + 16.0);
    }
    for part in &node.parts {
        let component = format!("{}/{}", node.name, part.process.name);
        text += &self::part(part, x, marked.contains(&component.as_str()));
    }
    if whole {
        let beside = if node.firewall { 40.0 } else { 16.0 };
        text += &mark(x + WIDTH - beside, y + TITLE_HEIGHT / 2.0 - 4.0);
    }
    text
}

fn part(part: &PartBox, x: f64, marked: bool) -> String {
    let mut class = match part.process.role.as_str() {
        "failover" => "part failover",
        "exporter" => "part exporter",
        _ => "part",
    }
    .to_owned();
    if marked {
        class += " spof";
    }
    let mut text = format!(
        "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\"/>\n",
        x + 12.0,
        part.y,
        WIDTH - 24.0,
        part.height,
    );
    let usual: f64 = if part.is_aside() { 11.0 } else { 12.0 };
    let room = WIDTH - 40.0 - if marked { 16.0 } else { 0.0 };
    let size = usual.min(usual * room / text_width(&part.process.name, usual).max(1.0));
    text += &format!(
        "<text class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" dy=\"0.35em\" font-size=\"{size:.1}\">{}</text>\n",
        if part.is_aside() { "part aside" } else { "part" },
        x + 20.0,
        part.middle(),
        escape(&part.process.name)
    );
    if marked {
        text += &mark(x + WIDTH - 24.0, part.middle());
    }
    text
}

fn line(class: &str, at: (f64, f64), size: f64, text: &str) -> String {
    let (x, y) = at;
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\">{}</text>\n",
        escape(text)
    )
}

/// The nodes that an address moves between.
pub(super) fn frame(frame: &Frame) -> String {
    let (x, y) = (frame.x, frame.y);
    let mut text = format!(
        "<rect class=\"moving\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"12\"/>\n",
        frame.width, frame.height
    );
    for (index, label) in frame.labels.iter().enumerate() {
        text += &line("held", (x + 22.0, y + 16.0 + index as f64 * LINE_HEIGHT), 11.0, label);
    }
    text
}

/// The sign of a single point of failure.
pub(super) fn mark(x: f64, y: f64) -> String {
    format!(
        "<text class=\"mark\" x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"middle\" font-size=\"14\">!</text>\n"
    )
}

/// The sign of a firewall, its middle at this place.
pub(super) fn shield(x: f64, y: f64) -> String {
    format!(
        "<path class=\"shield\" d=\"M{x:.1} {:.1}l7 2.5v5c0 4 -3 7 -7 8.5c-4 -1.5 -7 -4.5 -7 -8.5v-5z\"/>\n",
        y - 8.0
    )
}

/// The sign of an encrypted way, its middle at this place.
pub(super) fn lock(x: f64, y: f64) -> String {
    let (left, top) = (x - 4.0, y - 1.0);
    format!(
        "<circle class=\"lock\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\"/>\n<path class=\"lock\" d=\"M{left:.1} {top:.1}h8v5h-8z\"/><path class=\"bow\" d=\"M{:.1} {top:.1}v-1.5a2.5 2.5 0 0 1 5 0v1.5\"/>\n",
        x - 2.5
    )
}

/// A number, a lock, or both.
pub(super) fn badge(badge: &Badge) -> String {
    let (x, y) = badge.at;
    match badge.step {
        Some(step) if badge.locked => number(x, y, step) + &lock(x + 11.0, y - 11.0),
        Some(step) => number(x, y, step),
        None => lock(x, y),
    }
}

/// The number of a step, its middle at this place.
pub(super) fn number(x: f64, y: f64, step: u32) -> String {
    format!(
        "<circle class=\"step\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\"/>\n<text class=\"step\" x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"middle\" font-size=\"12\">{step}</text>\n"
    )
}
