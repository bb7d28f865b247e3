//! The diagram as a file that diagrams.net opens for editing: mxGraph XML, uncompressed. Nodes are containers that hold
//! their parts, every link is an edge of its own that stays tied to what it joins.
//!
//! The format is described at <https://www.drawio.com/docs/reference/file-format/>.

use record::{InventoryRecord, LinkRecord};

use super::super::ink::escape;
use super::bundle::{Bundle, Shape, bundles};
use super::ends::{is_encrypted, spoken};
use super::layout::{Frame, Layout, NodeBox, PartBox, WIDTH};

/// The layer that everything stands on.
const LAYER: &str = "1";
const INK: &str = "#1b1f24";
const FAINT: &str = "#57606a";
const BRICK: &str = "#a3341f";
const MOVING: &str = "#005a8c";

/// The whole file.
pub(crate) fn drawio(inventory: &InventoryRecord) -> String {
    let layout = Layout::new(inventory);
    let mut cells: Vec<String> = layout.frames.iter().map(frame).collect();
    for node in &layout.nodes {
        cells.push(self::node(node, layout.frames.iter().find(|frame| frame.nodes.contains(&node.name))));
        cells.extend(node.parts.iter().map(|part| self::part(node, part)));
    }
    let mut number = 0;
    for bundle in &bundles(inventory, &layout) {
        for (place, link) in bundle.links.iter().enumerate() {
            number += 1;
            cells.push(edge(number, bundle, link, place == 0));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<mxfile host=\"app.diagrams.net\">\n<diagram id=\"{0}\" name=\"{0}\">\n<mxGraphModel dx=\"{1:.0}\" dy=\"{2:.0}\" grid=\"1\" gridSize=\"2\" guides=\"1\" tooltips=\"1\" connect=\"1\" arrows=\"1\" fold=\"1\" page=\"0\" pageScale=\"1\" math=\"0\" shadow=\"0\">\n<root>\n<mxCell id=\"0\"/>\n<mxCell id=\"{LAYER}\" parent=\"0\"/>\n{3}</root>\n</mxGraphModel>\n</diagram>\n</mxfile>\n",
        escape(&inventory.design),
        layout.width,
        layout.height,
        cells.concat(),
    )
}

fn vertex(id: &str, parent: &str, value: &str, style: &str, place: [f64; 4]) -> String {
    let [x, y, width, height] = place;
    format!(
        "<mxCell id=\"{}\" parent=\"{}\" value=\"{}\" style=\"{style}\" vertex=\"1\"><mxGeometry x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" as=\"geometry\"/></mxCell>\n",
        escape(id),
        escape(parent),
        escape(value),
    )
}

fn frame_id(frame: &Frame) -> String {
    format!("virtual-address/{}", frame.nodes.join("+"))
}

fn frame(frame: &Frame) -> String {
    let style = format!(
        "rounded=1;arcSize=4;html=1;whiteSpace=wrap;container=1;collapsible=0;pointerEvents=0;verticalAlign=top;align=left;spacingLeft=16;fontSize=11;fontColor={MOVING};fillColor=none;strokeColor={MOVING};dashed=1;"
    );
    let labels: Vec<String> = frame.labels.iter().map(|label| escape(label)).collect();
    vertex(
        &frame_id(frame),
        LAYER,
        &labels.join("<br>"),
        &style,
        [frame.x, frame.y, frame.width, frame.height],
    )
}

fn node(node: &NodeBox, frame: Option<&Frame>) -> String {
    let edge = if node.firewall {
        format!("strokeColor={BRICK};strokeWidth=2;dashed=1;")
    } else {
        "strokeColor=#d0d7de;".to_owned()
    };
    let style = format!(
        "rounded=1;arcSize=4;html=1;whiteSpace=wrap;container=1;collapsible=0;verticalAlign=top;align=left;spacingLeft=8;fontSize=11;fontColor={INK};fillColor=#eef3f8;{edge}"
    );
    let guard =
        if node.firewall { format!(" <font color=\"{BRICK}\">firewall</font>") } else { String::new() };
    let lines: String = node.lines.iter().map(|(line, _)| format!("<br>{}", escape(line))).collect();
    let value = format!("<b style=\"font-size:14px\">{}</b>{guard}{lines}", escape(&node.name));
    let (parent, left, top) =
        frame.map_or((LAYER.to_owned(), 0.0, 0.0), |frame| (frame_id(frame), frame.x, frame.y));
    vertex(&node.name, &parent, &value, &style, [node.x - left, node.y - top, WIDTH, node.height])
}

fn part(node: &NodeBox, part: &PartBox) -> String {
    let edge = match part.process.role.as_str() {
        "failover" => format!("strokeColor={MOVING};"),
        "exporter" => "strokeColor=#57606a;dashed=1;".to_owned(),
        _ => "strokeColor=#d0d7de;".to_owned(),
    };
    let style = format!(
        "rounded=1;html=1;whiteSpace=wrap;align=left;spacingLeft=6;fontSize={};fontColor={INK};fillColor=#ffffff;{edge}",
        if part.is_aside() { 11 } else { 12 }
    );
    let id = format!("{}/{}", node.name, part.process.name);
    vertex(&id, &node.name, &part.process.name, &style, [12.0, part.y - node.y, WIDTH - 24.0, part.height])
}

/// A link. The first of several alike has their label, the others only its number: the same words on all of them would
/// lie over each other.
fn edge(number: usize, bundle: &Bundle<'_>, link: &LinkRecord, first: bool) -> String {
    let sides = match bundle.shape {
        Shape::Down => "exitX=0.5;exitY=1;entryX=0.5;entryY=0;",
        Shape::Up => "exitX=0.5;exitY=0;entryX=0.5;entryY=1;",
        Shape::Hub | Shape::Bus => "exitX=1;exitY=0.5;entryX=0;entryY=0.5;",
        Shape::Lane | Shape::Peers => "exitX=1;exitY=0.5;entryX=1;entryY=0.5;",
    };
    let look = if link.step.is_some() { "" } else { "dashed=1;" };
    let style = format!(
        "edgeStyle=orthogonalEdgeStyle;curved=1;html=1;{sides}endArrow=block;endSize=4;fontSize=11;fontColor={INK};labelBackgroundColor=#ffffff;strokeColor={FAINT};{look}"
    );
    let step = link.step.map_or(String::new(), |step| format!("<b>{step}</b>"));
    let lock = if is_encrypted(&link.protocol) { "🔒" } else { "" };
    let label = if first { escape(&link.label) } else { String::new() };
    let words: Vec<&str> =
        [step.as_str(), lock, label.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
    // The label is for those who look, the spoken protocol for those who point at the edge.
    format!(
        "<UserObject id=\"link-{number}\" label=\"{}\" tooltip=\"{}\"><mxCell parent=\"{LAYER}\" source=\"{}\" target=\"{}\" style=\"{style}\" edge=\"1\"><mxGeometry relative=\"1\" as=\"geometry\"/></mxCell></UserObject>\n",
        escape(&words.join(" ")),
        escape(&format!("{}: {}", spoken(link), link.label)),
        escape(&link.from),
        escape(&link.to),
    )
}
