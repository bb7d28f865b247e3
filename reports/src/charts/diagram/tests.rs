use record::{NodeRecord, ProcessRecord};

use super::*;

fn link(from: &str, to: &str, step: Option<u32>) -> LinkRecord {
    LinkRecord {
        from: from.to_owned(),
        to: to.to_owned(),
        port: Some(80),
        protocol: "http".to_owned(),
        step,
        label: "x".to_owned(),
    }
}

fn node(name: &str, parts: &[(&str, &str)]) -> NodeRecord {
    let process = |(name, role): &(&str, &str)| ProcessRecord {
        name: (*name).to_owned(),
        part: (*name).to_owned(),
        role: (*role).to_owned(),
        supervised: false,
    };
    NodeRecord {
        name: name.to_owned(),
        addresses: vec!["192.0.2.1".to_owned()],
        processes: parts.iter().map(process).collect(),
    }
}

/// Two of everything: load balancers, web servers, applications, databases.
fn resilient() -> InventoryRecord {
    let pair =
        |name: &str, part: &str, role: &str| [1, 2].map(|n| node(&format!("{name}{n}"), &[(part, role)]));
    let mut nodes = vec![node("client", &[]), node("dns", &[("named", "dns")])];
    nodes.extend(pair("lb", "haproxy", "load-balancer"));
    nodes.extend(pair("web", "nginx", "web"));
    nodes.extend(pair("app", "gunicorn", "application"));
    nodes.extend(pair("db", "mariadbd", "database"));
    let mut links = vec![link("client", "dns/named", Some(1))];
    links.extend([1, 2].map(|to| link("client", &format!("lb{to}/haproxy"), Some(2))));
    for (step, from, to) in [
        (3, ("lb", "haproxy"), ("web", "nginx")),
        (4, ("web", "nginx"), ("app", "gunicorn")),
        (5, ("app", "gunicorn"), ("db", "mariadbd")),
    ] {
        for (a, b) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            links.push(link(
                &format!("{}{a}/{}", from.0, from.1),
                &format!("{}{b}/{}", to.0, to.1),
                Some(step),
            ));
        }
    }
    links.push(link("db2/mariadbd", "db1/mariadbd", None));
    InventoryRecord {
        design: "resilient".to_owned(),
        summary: "Two of everything.".to_owned(),
        public_name: "www.foobar.com".to_owned(),
        public_port: 80,
        public_tls: false,
        virtual_addresses: Vec::new(),
        firewalls: Vec::new(),
        resolver: None,
        client: Some("client".to_owned()),
        nodes,
        links,
    }
}

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
}

#[test]
fn boxes_and_numbers_of_a_large_design_stand_apart() {
    let inventory = resilient();
    let layout = Layout::new(&inventory);
    let (routes, width) = routes(&inventory, &layout);
    for (index, one) in layout.nodes.iter().enumerate() {
        assert!(one.x + WIDTH <= width && one.y + one.height <= layout.height, "{one:?}");
        for other in &layout.nodes[index + 1..] {
            let apart = one.column != other.column
                || one.y + one.height <= other.y
                || other.y + other.height <= one.y;
            assert!(apart, "{} and {}", one.name, other.name);
        }
    }
    let numbers: Vec<(f64, f64)> = routes.iter().filter(|r| r.step.is_some()).map(|r| r.number_at).collect();
    assert_eq!(numbers.len(), 15);
    for (index, one) in numbers.iter().enumerate() {
        for other in &numbers[index + 1..] {
            assert!((one.0 - other.0).hypot(one.1 - other.1) >= 20.0, "{one:?} and {other:?}");
        }
    }
}

#[test]
fn a_design_without_links_or_client_can_be_drawn() {
    let mut inventory = resilient();
    inventory.links.clear();
    inventory.client = None;
    let drawn = diagram(&inventory, &[]);
    assert!(drawn.svg.contains("resilient") && drawn.ways.is_empty() && !drawn.svg.contains("NaN"));
    inventory.nodes.clear();
    assert!(!diagram(&inventory, &[]).svg.contains("NaN"));
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
