//! The diagram of a design, drawn from its inventory: nodes as boxes that hold their parts, the way of a request as
//! numbered arrows from left to right. What the numbers mean stands in a list beside it, so no text can overlap.

mod layout;
mod route;

use std::collections::BTreeMap;
use std::fmt::Write;

use record::derived::SpofFile;
use record::{InventoryRecord, LinkRecord};
use serde::Serialize;

use super::ink::escape;
use crate::words;
use layout::{Layout, PART_HEIGHT, TITLE_HEIGHT, WIDTH};
use route::{Route, routes};

/// A diagram with the list of what its arrows carry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Diagram {
    /// The drawing.
    pub(crate) svg: String,
    /// Its width at its natural size.
    pub(crate) pixels: usize,
    /// What the arrows carry, in the order of a request's way.
    pub(crate) ways: Vec<Way>,
    /// Whether some part is marked as a single point of failure.
    pub(crate) marked: bool,
}

/// What an arrow, or several alike, carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Way {
    /// The number at the arrow; a dash for what a request does not pass.
    pub(crate) step: String,
    /// "lb1/haproxy → server1/nginx, server2/nginx".
    pub(crate) ends: String,
    /// What is passed.
    pub(crate) label: String,
    /// "http, port 80".
    pub(crate) protocol: String,
}

/// Draws `inventory`, with the parts marked that `spofs` calls single points of failure.
pub(crate) fn diagram(inventory: &InventoryRecord, spofs: &[SpofFile]) -> Diagram {
    let layout = Layout::new(inventory);
    let (routes, width) = routes(inventory, &layout);
    let marked: Vec<&str> =
        spofs.iter().filter(|spof| spof.spof).map(|spof| spof.component.as_str()).collect();
    let mut body = String::new();
    for node in &layout.nodes {
        body += &node_box(node, &marked);
    }
    for route in &routes {
        arrow(&mut body, route);
    }
    // Numbers last, so that no box and no arrow runs over one.
    for route in &routes {
        body += &number(route);
    }
    let title = format!("{}: nodes, parts and the way of a request", inventory.design);
    let nodes: Vec<&str> = inventory.nodes.iter().map(|node| node.name.as_str()).collect();
    let description = format!("{} Nodes: {}.", inventory.summary, nodes.join(", "));
    let svg = format!(
        "<svg class=\"diagram\" role=\"img\" viewBox=\"0 0 {width:.0} {:.0}\" style=\"max-width:{width:.0}px;min-width:{:.0}px\"><title>{}</title><desc>{}</desc>\n{body}</svg>",
        layout.height,
        // Smaller than this its letters cannot be read; it then scrolls in its own frame.
        width * 0.7,
        escape(&title),
        escape(&description),
    );
    let pixels = crate::findings::grid::whole(width);
    Diagram { svg, pixels, ways: ways(&inventory.links), marked: !marked.is_empty() }
}

fn arrow(body: &mut String, route: &Route) {
    let class = if route.step.is_some() { "way" } else { "way aside" };
    let arrow = writeln!(body, "<path class=\"{class}\" marker-end=\"url(#tip)\" d=\"{}\"/>", route.path);
    if arrow.is_err() {
        unreachable!("writing to a string cannot fail");
    }
}

fn number(route: &Route) -> String {
    let Some(step) = route.step else { return String::new() };
    let (x, y) = route.number_at;
    format!(
        "<circle class=\"step\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\"/>\n<text class=\"step\" x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"middle\" font-size=\"12\">{step}</text>\n"
    )
}

fn node_box(node: &layout::NodeBox, marked: &[&str]) -> String {
    let (x, y) = (node.x, node.y);
    let whole = marked.contains(&node.name.as_str());
    let class = if whole { "node spof" } else { "node" };
    let mut text = format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{:.1}\" rx=\"8\"/>\n",
        node.height
    );
    text += &format!(
        "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"14\">{}</text>\n",
        x + 12.0,
        y + 20.0,
        escape(&node.name)
    );
    for (index, address) in node.addresses.iter().enumerate() {
        text += &format!(
            "<text class=\"address\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">{}</text>\n",
            x + 12.0,
            y + 36.0 + index as f64 * 15.0,
            escape(address)
        );
    }
    for (part, part_y) in &node.parts {
        let component = format!("{}/{}", node.name, part.name);
        let class = if marked.contains(&component.as_str()) { "part spof" } else { "part" };
        text += &format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{part_y:.1}\" width=\"{:.1}\" height=\"{PART_HEIGHT}\" rx=\"4\"/>\n",
            x + 12.0,
            WIDTH - 24.0
        );
        text += &format!(
            "<text class=\"part\" x=\"{:.1}\" y=\"{:.1}\" dy=\"0.35em\" font-size=\"12\">{}</text>\n",
            x + 20.0,
            part_y + PART_HEIGHT / 2.0,
            escape(&part.name)
        );
        if class != "part" {
            text += &mark(x + WIDTH - 24.0, part_y + PART_HEIGHT / 2.0);
        }
    }
    if whole {
        text += &mark(x + WIDTH - 16.0, y + TITLE_HEIGHT / 2.0 - 4.0);
    }
    text
}

/// The sign of a single point of failure.
fn mark(x: f64, y: f64) -> String {
    format!(
        "<text class=\"mark\" x=\"{x:.1}\" y=\"{y:.1}\" dy=\"0.35em\" text-anchor=\"middle\" font-size=\"14\">!</text>\n"
    )
}

/// Arrows with the same number, label and protocol are one entry.
fn ways(links: &[LinkRecord]) -> Vec<Way> {
    let mut grouped: BTreeMap<(u32, &str, String), Vec<&LinkRecord>> = BTreeMap::new();
    for link in links {
        let protocol = match link.port {
            Some(port) => format!("{}, port {port}", link.protocol),
            None => format!("{}, unix socket", link.protocol),
        };
        let step = link.step.unwrap_or(u32::MAX);
        grouped.entry((step, link.label.as_str(), protocol)).or_default().push(link);
    }
    let way = |((step, label, protocol), links): ((u32, &str, String), Vec<&LinkRecord>)| Way {
        step: if step == u32::MAX { "–".to_owned() } else { step.to_string() },
        ends: ends(&links),
        label: label.to_owned(),
        protocol,
    };
    grouped.into_iter().map(way).collect()
}

/// "nginx → gunicorn on server1 and server2", "lb1/haproxy → server1/nginx and server2/nginx".
fn ends(links: &[&LinkRecord]) -> String {
    let mut from: Vec<&str> = links.iter().map(|link| link.from.as_str()).collect();
    let mut to: Vec<&str> = links.iter().map(|link| link.to.as_str()).collect();
    if let Some(within) = within_nodes(links) {
        return within;
    }
    from.sort_unstable();
    from.dedup();
    to.sort_unstable();
    to.dedup();
    if links.len() == from.len() * to.len() {
        return format!("{} → {}", words::list(&from), words::list(&to));
    }
    let each: Vec<String> = links.iter().map(|link| format!("{} → {}", link.from, link.to)).collect();
    each.join("; ")
}

/// The same parts talking within several nodes.
fn within_nodes(links: &[&LinkRecord]) -> Option<String> {
    let split =
        |end: &'_ str| end.split_once('/').map(|(node, process)| (node.to_owned(), process.to_owned()));
    let ends: Vec<_> =
        links.iter().map(|link| split(&link.from).zip(split(&link.to))).collect::<Option<_>>()?;
    let ((_, from), (_, to)) = ends.first()?;
    let same = ends.iter().all(|((a, f), (b, t))| a == b && f == from && t == to);
    let nodes: Vec<&str> = ends.iter().map(|((node, _), _)| node.as_str()).collect();
    (same && nodes.len() > 1).then(|| format!("{from} → {to} on {}", words::list(&nodes)))
}

#[cfg(test)]
mod tests;
