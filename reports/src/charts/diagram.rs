//! The diagram of a design, drawn from its inventory: nodes as boxes that hold their parts, the way of a request as
//! numbered arrows from left to right. What the numbers mean stands in a list beside it, so no text can overlap.

mod boxes;
mod bundle;
mod drawio;
mod ends;
mod layout;
mod legend;
mod letters;
mod route;

use record::derived::SpofFile;
use record::{InventoryRecord, LinkRecord};
use serde::Serialize;

use super::ink::escape;
use bundle::bundles;
use layout::Layout;
use route::{Route, Routes};

pub(crate) use drawio::drawio;
use legend::Sign;
pub(crate) use letters::letters;

/// A diagram with the list of what its arrows carry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Diagram {
    /// The drawing.
    pub(crate) svg: String,
    /// Its width at its natural size.
    pub(crate) pixels: usize,
    /// What the arrows carry, in the order of a request's way.
    pub(crate) ways: Vec<Way>,
    /// What its signs mean: those that occur.
    pub(crate) signs: Vec<Sign>,
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
    /// Whether it cannot be read on the way.
    pub(crate) encrypted: bool,
}

/// What stands on the sheet, and its size.
struct Sheet {
    body: String,
    width: f64,
    height: f64,
}

/// Draws `inventory`, with the parts marked that `spofs` calls single points of failure.
pub(crate) fn diagram(inventory: &InventoryRecord, spofs: &[SpofFile]) -> Diagram {
    let marked: Vec<&str> =
        spofs.iter().filter(|spof| spof.spof).map(|spof| spof.component.as_str()).collect();
    let Sheet { body, width, height } = sheet(inventory, &marked);
    let svg = format!(
        "<svg class=\"diagram\" role=\"img\" viewBox=\"0 0 {width:.0} {height:.0}\" style=\"max-width:{width:.0}px;min-width:{:.0}px\">{}\n{body}</svg>",
        // Smaller than this its letters cannot be read; it then scrolls in its own frame.
        width * 0.7,
        said(inventory),
    );
    Diagram {
        svg,
        pixels: crate::findings::grid::whole(width),
        ways: ways(&inventory.links),
        signs: legend::signs(inventory),
        marked: !marked.is_empty(),
    }
}

/// The same as a file of its own, which brings its colours, tips and explanations with it.
pub(crate) fn picture(inventory: &InventoryRecord, style: &str) -> String {
    let Sheet { body, width, height } = sheet(inventory, &[]);
    let (legend, below) = legend::drawn(inventory, width, height);
    let tall = height + below;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\" role=\"img\" width=\"{width:.0}\" height=\"{tall:.0}\" viewBox=\"0 0 {width:.0} {tall:.0}\">{}\n<style>\n{style}</style>\n<defs>{TIP}</defs>\n<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>\n{body}{legend}</svg>\n",
        said(inventory),
    )
}

/// The tip of arrows, which pages define once.
const TIP: &str = include_str!("../../templates/tip.svg");

/// What a screen reader says.
fn said(inventory: &InventoryRecord) -> String {
    let title = format!("{}: nodes, parts and the way of a request", inventory.design);
    let nodes: Vec<&str> = inventory.nodes.iter().map(|node| node.name.as_str()).collect();
    let description = format!("{} Nodes: {}.", inventory.summary, nodes.join(", "));
    format!("<title>{}</title><desc>{}</desc>", escape(&title), escape(&description))
}

fn sheet(inventory: &InventoryRecord, marked: &[&str]) -> Sheet {
    let layout = Layout::new(inventory);
    let routes = Routes::new(&bundles(inventory, &layout), &layout);
    let mut body: String = layout.frames.iter().map(boxes::frame).collect();
    body.extend(layout.nodes.iter().map(|node| boxes::node(node, marked)));
    body.extend(routes.routes.iter().map(arrow));
    // Numbers last, so that no box and no arrow runs over one.
    body.extend(routes.badges.iter().map(boxes::badge));
    Sheet { body, width: routes.width, height: layout.height }
}

fn arrow(route: &Route) -> String {
    let tip = if route.tip { " marker-end=\"url(#tip)\"" } else { "" };
    format!("<path class=\"{}\"{tip} d=\"{}\"/>\n", route.class, route.path)
}

/// Arrows with the same number, label and protocol are one entry; in the order of a request's way, then of the links.
pub(crate) fn ways(links: &[LinkRecord]) -> Vec<Way> {
    let mut grouped: Vec<Vec<&LinkRecord>> = Vec::new();
    for link in links {
        let alike = |group: &&mut Vec<&LinkRecord>| {
            let first = group[0];
            (first.step, &first.label, ends::spoken(first)) == (link.step, &link.label, ends::spoken(link))
        };
        match grouped.iter_mut().find(alike) {
            Some(group) => group.push(link),
            None => grouped.push(vec![link]),
        }
    }
    grouped.sort_by_key(|group| group[0].step.unwrap_or(u32::MAX));
    let way = |links: Vec<&LinkRecord>| Way {
        step: links[0].step.map_or("–".to_owned(), |step| step.to_string()),
        ends: ends::ends(&links),
        label: links[0].label.clone(),
        protocol: ends::spoken(links[0]),
        encrypted: ends::is_encrypted(&links[0].protocol),
    };
    grouped.into_iter().map(way).collect()
}

#[cfg(test)]
mod tests;
