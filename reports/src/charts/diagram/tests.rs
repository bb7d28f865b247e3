use super::layout::{NodeBox, WIDTH};
use super::*;
use crate::synthetic::resilient::{bare, link, node, resilient};

#[test]
fn arrows_that_say_the_same_are_said_once() {
    let told = |links: &[LinkRecord]| ways(links).into_iter().map(|way| way.ends).collect::<Vec<_>>();
    let step = Some(1);
    assert_eq!(
        told(&[link("lb/haproxy", "a/nginx", step), link("lb/haproxy", "b/nginx", step)]),
        ["lb/haproxy → a/nginx and b/nginx"]
    );
    assert_eq!(
        told(&[link("a/nginx", "a/app", step), link("b/nginx", "b/app", step)]),
        ["nginx → app on a and b"]
    );
    assert_eq!(told(&[link("a/app", "b/db", step), link("b/app", "b/db", step)]), ["a/app and b/app → b/db"]);
    assert_eq!(told(&[link("client", "dns/named", step)]), ["client → dns/named"]);
    let all = ["a/x", "b/x"].map(|from| ["c/y", "d/y"].map(|to| link(from, to, step))).concat();
    assert_eq!(told(&all), ["a/x and b/x → c/y and d/y"]);
    assert_eq!(told(&[link("a/x", "b/x", None), link("b/x", "a/x", None)]), ["a/x and b/x, each to each"]);
}

#[test]
fn boxes_and_numbers_of_a_large_design_stand_apart() {
    let inventory = resilient();
    let layout = Layout::new(&inventory);
    let routes = Routes::new(&bundles(&inventory, &layout), &layout);
    for (index, one) in layout.nodes.iter().enumerate() {
        assert!(one.x + WIDTH <= routes.width && one.y + one.height <= layout.height, "{one:?}");
        for other in &layout.nodes[index + 1..] {
            let apart = one.column != other.column
                || one.y + one.height <= other.y
                || other.y + other.height <= one.y;
            assert!(apart, "{} and {}", one.name, other.name);
        }
    }
    for (index, one) in routes.badges.iter().enumerate() {
        for other in &routes.badges[index + 1..] {
            assert!((one.at.0 - other.at.0).hypot(one.at.1 - other.at.1) >= 20.0, "{one:?} and {other:?}");
        }
    }
}

/// Sixteen arrows from a tier to the next would hide each other; their number stands there once.
#[test]
fn parallel_links_meet_in_one_number() {
    let inventory = resilient();
    let layout = Layout::new(&inventory);
    let numbers: Vec<u32> = Routes::new(&bundles(&inventory, &layout), &layout)
        .badges
        .iter()
        .filter_map(|badge| badge.step)
        .collect();
    // Writes and reads are told apart.
    assert_eq!(numbers, [1, 2, 3, 4, 5, 5]);
}

/// A meeting point says that everyone talks with everyone; where that is not so there is none.
#[test]
fn links_that_are_not_all_there_are_drawn_one_by_one() {
    let nodes = ["client", "a1", "a2", "b1", "b2"].map(|name| node(name, &[("x", "web")]));
    let step = Some(1);
    let links = vec![
        link("client", "a1/x", step),
        link("client", "a2/x", step),
        link("a1/x", "b1/x", Some(2)),
        link("a1/x", "b2/x", Some(2)),
        link("a2/x", "b2/x", Some(2)),
    ];
    let inventory = bare(nodes.to_vec(), links);
    let layout = Layout::new(&inventory);
    let sizes: Vec<usize> = bundles(&inventory, &layout).iter().map(|bundle| bundle.links.len()).collect();
    assert_eq!(sizes, [2, 1, 1, 1]);
}

#[test]
fn tiers_stand_from_left_to_right_with_the_name_servers_above_and_the_monitor_below_the_client() {
    let layout = Layout::new(&resilient());
    let column = |name: &str| layout.node(name).unwrap().column;
    assert_eq!(["client", "lb2", "web4", "app1", "db3"].map(column), [0, 1, 2, 3, 4]);
    assert_eq!(["dns1", "dns2", "monitor"].map(column), [0, 0, 0]);
    let y = |name: &str| layout.node(name).unwrap().y;
    assert!(y("dns1") < y("client") && y("dns2") < y("client") && y("client") < y("monitor"));
}

#[test]
fn an_address_that_moves_frames_the_nodes_that_it_may_be_on() {
    let layout = Layout::new(&resilient());
    let framed: Vec<_> = layout.frames.iter().map(|frame| (frame.labels.len(), frame.nodes.len())).collect();
    assert_eq!(framed, [(2, 2), (1, 3)], "addresses of the same nodes share a frame");
    let inside = |frame: &layout::Frame, node: &NodeBox| {
        node.x > frame.x
            && node.y > frame.y
            && node.x + WIDTH < frame.x + frame.width
            && node.y + node.height < frame.y + frame.height
    };
    for frame in &layout.frames {
        for node in &layout.nodes {
            assert_eq!(inside(frame, node), frame.nodes.contains(&node.name), "{} in {frame:?}", node.name);
        }
    }
    let lines = |name: &str| {
        layout.node(name).unwrap().lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(lines("lb1"), ["192.0.2.1", "● has 203.0.113.8", "○ may take 203.0.113.9"]);
    assert_eq!(lines("db3"), ["192.0.2.1", "○ may take 192.0.2.100"]);
}

#[test]
fn firewalls_locks_and_the_monitors_lines_are_seen() {
    let svg = diagram(&resilient(), &[]).svg;
    assert_eq!(svg.matches("class=\"node firewall\"").count(), 4);
    // At 3, 4, the writes and the replication: reads and the rest are in clear.
    assert_eq!(svg.matches("<circle class=\"lock\"").count(), 4);
    assert!(svg.contains("way aside watch"));
    let picture = picture(&resilient(), "");
    for said in ["firewall: only", "encrypted (TLS)", "one address, on one", "tells the monitor"] {
        assert!(picture.contains(said), "{said}");
    }
    let simple = super::picture(&bare(vec![node("client", &[])], Vec::new()), "");
    assert!(!simple.contains("firewall") && !simple.contains("TLS"), "what does not occur is not explained");
}

/// Who waits for an address is asked by nobody until he has it.
#[test]
fn the_way_to_a_load_balancer_that_stands_by_is_faint() {
    let faint = |inventory: &InventoryRecord| diagram(inventory, &[]).svg.matches("way standby").count();
    let mut inventory = resilient();
    assert_eq!(faint(&inventory), 0, "each of the two has an address");
    inventory.virtual_addresses.remove(1);
    assert_eq!(faint(&inventory), 1);
}

#[test]
fn a_design_without_links_or_client_can_be_drawn() {
    let mut inventory = resilient();
    inventory.links.clear();
    inventory.client = None;
    let drawn = diagram(&inventory, &[]);
    assert!(drawn.svg.contains("resilient") && drawn.ways.is_empty() && !drawn.svg.contains("NaN"));
    inventory.nodes.clear();
    let drawn =
        [diagram(&inventory, &[]).svg, picture(&inventory, ""), drawio(&inventory), letters(&inventory, 80)];
    assert!(drawn.iter().all(|text| !text.contains("NaN") && !text.contains("inf")));
}

#[test]
fn only_the_parts_that_proved_to_be_needed_are_marked() {
    let spof = |component: &str, spof| SpofFile {
        component: component.to_owned(),
        outage_s: 1.0,
        spof,
        requests: Vec::new(),
    };
    let drawn = diagram(&resilient(), &[spof("db1/mariadbd", true), spof("web1/nginx", false)]);
    assert_eq!(drawn.svg.matches("part spof").count(), 1);
    assert!(drawn.marked);
}
