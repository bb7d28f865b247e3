use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::*;
use crate::explain_page;
use crate::synthetic::resilient;

fn told(told: impl Fn(&Explained<'_>) -> String) -> String {
    let (inventory, words) = (resilient::resilient(), resilient::words());
    let (zone, terms, measured) = (resilient::zone(), resilient::terms(), resilient::measured());
    told(&Explained {
        inventory: &inventory,
        words: Some(&words),
        zone: &zone,
        terms: &terms,
        measured: &measured,
    })
}

fn all() -> [String; 3] {
    [
        told(|explained| terminal(explained, 80)),
        told(markdown),
        told(|explained| explain_page(explained).unwrap_or_default()),
    ]
}

#[test]
fn whatever_it_is_written_on_the_same_is_said() {
    for text in all() {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in [
            "Of everything there are two.",
            "The name becomes an address.",
            "The same way back.",
            "The load balancer",
            "Somebody has to.",
            "A second one.",
            "203.0.113.8, 203.0.113.9 and 192.0.2.100",
            "203.0.113.8, 203.0.113.9",
            "https, port 443, from anybody",
            "It takes seconds",
            "brownout rehearse resilient",
            "brownout up resilient",
            "SPOF (single point of failure)",
        ] {
            assert!(text.contains(said), "{said} is not in\n{text}");
        }
        assert!(!text.contains("LAMP"), "a term that the design does not need");
    }
}

/// The text names the experiment; once it was made, the figure stands in its place.
#[test]
fn what_was_measured_stands_beside_the_weakness() {
    for text in all() {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let after = |title: &str| text.split(title).nth(1).unwrap_or_default().to_owned();
        assert!(after("It takes seconds").contains("Back after 2.1 s."), "{text}");
        let open = after("It was not measured");
        let open = open.split("It can be rehearsed").next().unwrap_or_default();
        assert!(open.contains("other") && open.contains("brownout claims resilient"), "{open}");
        assert!(!text.contains("Gone for 12 s."), "a claim of another design");
    }
}

#[test]
fn a_terminals_lines_are_as_wide_as_the_terminal() {
    for width in [60, 80, 110] {
        let text = told(|explained| terminal(explained, width));
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > width).collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}

#[test]
fn a_design_without_words_is_told_as_far_as_its_topology_goes() {
    let inventory = resilient::resilient();
    let bare = Explained { inventory: &inventory, words: None, zone: &[], terms: &[], measured: &[] };
    let text = terminal(&bare, 80);
    assert!(text.contains("The way of a request") && !text.contains("The words"), "{text}");
    assert!(!markdown(&bare).contains("Why each element"));
}

#[test]
fn drawings_are_well_formed_and_bring_their_own_colours() {
    let svg = picture(&resilient::resilient());
    let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    assert!(document.descendants().any(|node| node.has_tag_name("style")) || svg.contains("<style>"));
    let used: Vec<&str> = svg.split("var(").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    for colour in &used {
        assert_eq!(svg.matches(&format!("{colour}: ")).count(), 2, "{colour} in light and in dark");
    }
    assert!(used.contains(&"--brick") && !svg.contains("--h1"), "those that it uses, and no others");
    assert!(svg.contains("prefers-color-scheme: dark") && !svg.contains("http://www.foobar"));
}

/// What diagrams.net needs of a file: <https://www.drawio.com/docs/reference/file-format/>.
#[test]
fn the_file_for_editing_holds_together() {
    let inventory = resilient::resilient();
    let text = drawio(&inventory);
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let path: Vec<&str> =
        document.descendants().filter(Node::is_element).take(4).map(|node| node.tag_name().name()).collect();
    assert_eq!(path, ["mxfile", "diagram", "mxGraphModel", "root"]);
    let cells: Vec<Node<'_, '_>> =
        document.descendants().filter(|node| node.has_tag_name("mxCell")).collect();
    let mut by_id: BTreeMap<&str, Node<'_, '_>> = BTreeMap::new();
    for cell in &cells {
        let id = id_of(*cell);
        assert!(by_id.insert(id, *cell).is_none(), "{id} is there twice");
    }
    assert_eq!(cells[0].attribute("id"), Some("0"));
    assert_eq!((cells[1].attribute("id"), cells[1].attribute("parent")), (Some("1"), Some("0")));
    for cell in &cells[1..] {
        let parent = cell.attribute("parent").unwrap_or_default();
        assert!(by_id.contains_key(parent), "{} stands in {parent}, which is not there", id_of(*cell));
    }
    let edges: Vec<_> = cells.iter().filter(|cell| cell.attribute("edge") == Some("1")).collect();
    let end = |edge: &Node<'_, '_>, end: &str| edge.attribute(end).unwrap_or_default().to_owned();
    let mut joined: Vec<_> = edges.iter().map(|edge| (end(edge, "source"), end(edge, "target"))).collect();
    let mut links: Vec<_> = inventory.links.iter().map(|link| (link.from.clone(), link.to.clone())).collect();
    joined.sort();
    links.sort();
    assert_eq!(joined, links, "each link is an edge");
    for end in joined.iter().flat_map(|(source, target)| [source, target]) {
        let vertex = by_id.get(end.as_str()).is_some_and(|cell| cell.attribute("vertex") == Some("1"));
        assert!(vertex, "an edge ends at {end}, which is no shape");
    }
    for step in inventory.links.iter().filter_map(|link| link.step) {
        let numbered = |edge: &&&Node<'_, '_>| label_of(***edge).starts_with(&format!("<b>{step}</b>"));
        assert!(edges.iter().filter(numbered).count() > 0, "no edge has the number {step}");
    }
    let parts =
        inventory.nodes.iter().flat_map(|node| node.processes.iter().map(move |process| (node, process)));
    for (node, process) in parts {
        let cell = by_id[format!("{}/{}", node.name, process.name).as_str()];
        assert_eq!(cell.attribute("parent"), Some(node.name.as_str()), "a part stands in its node");
    }
}

#[test]
fn what_stands_beside_each_other_in_the_file_for_editing_does_not_overlap() {
    let text = drawio(&resilient::resilient());
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let vertices: Vec<_> =
        document.descendants().filter(|node| node.attribute("vertex") == Some("1")).collect();
    assert!(vertices.len() > 60, "{}", vertices.len());
    for (index, one) in vertices.iter().enumerate() {
        let ([x, y, width, height], parent) = (place_of(*one), one.attribute("parent"));
        if let Some(around) = vertices.iter().find(|other| other.attribute("id") == parent) {
            let [.., wide, tall] = place_of(*around);
            assert!(
                x >= 0.0 && y >= 0.0 && x + width <= wide && y + height <= tall,
                "{} sticks out",
                id_of(*one)
            );
        }
        for other in vertices[index + 1..].iter().filter(|other| other.attribute("parent") == parent) {
            let [x2, y2, width2, height2] = place_of(*other);
            let apart = x + width <= x2 || x2 + width2 <= x || y + height <= y2 || y2 + height2 <= y;
            assert!(apart, "{} and {} overlap", id_of(*one), id_of(*other));
        }
    }
}

/// A cell's own id, or that of the object that it is the shape of.
fn id_of<'a>(cell: Node<'a, '_>) -> &'a str {
    let object = || cell.parent().and_then(|parent| parent.attribute("id"));
    cell.attribute("id").or_else(object).unwrap_or_default()
}

fn label_of<'a>(cell: Node<'a, '_>) -> &'a str {
    cell.parent().and_then(|parent| parent.attribute("label")).unwrap_or_default()
}

fn place_of(cell: Node<'_, '_>) -> [f64; 4] {
    let geometry = cell.children().find(|child| child.has_tag_name("mxGeometry"));
    ["x", "y", "width", "height"].map(|key| {
        let value = geometry.and_then(|geometry| geometry.attribute(key));
        value.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
    })
}
