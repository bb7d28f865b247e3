//! A large design that nobody wrote: for drawings, which must stay readable.

use model::{Element, Explanation, Measure, Pattern, Term, Try, WayStep, Weakness, ZoneRecord};
use record::derived::ClaimFile;
use record::{
    AcceptRecord, FirewallRecord, InventoryRecord, LinkRecord, NodeRecord, ProcessRecord,
    VirtualAddressRecord,
};

/// A link over port 80.
pub(crate) fn link(from: &str, to: &str, step: Option<u32>) -> LinkRecord {
    LinkRecord {
        from: from.to_owned(),
        to: to.to_owned(),
        port: Some(80),
        protocol: "http".to_owned(),
        step,
        label: "x".to_owned(),
    }
}

/// A node with processes by name and role.
pub(crate) fn node(name: &str, parts: &[(&str, &str)]) -> NodeRecord {
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

/// Nodes and links, with neither firewalls nor addresses that move.
pub(crate) fn bare(nodes: Vec<NodeRecord>, links: Vec<LinkRecord>) -> InventoryRecord {
    InventoryRecord {
        design: "resilient".to_owned(),
        summary: "Two of everything.".to_owned(),
        public_name: "www.foobar.com".to_owned(),
        public_port: 443,
        public_tls: true,
        virtual_addresses: Vec::new(),
        firewalls: Vec::new(),
        resolver: None,
        client: Some("client".to_owned()),
        nodes,
        links,
    }
}

/// Two and more of everything, watched, behind firewalls, with two addresses that move: 17 nodes.
#[must_use]
pub fn resilient() -> InventoryRecord {
    const EXPORTER: (&str, &str) = ("node-exporter", "exporter");
    let many = |name: &str, count: usize, parts: &[(&str, &str)]| {
        let parts = [parts, &[EXPORTER]].concat();
        (1..=count).map(|n| node(&format!("{name}{n}"), &parts)).collect::<Vec<_>>()
    };
    let mut nodes = vec![node("client", &[])];
    nodes.extend(many("dns", 2, &[("named", "dns")]));
    nodes.extend(many("lb", 2, &[("haproxy", "load-balancer"), ("keepalived", "failover")]));
    nodes.extend(many("web", 4, &[("nginx", "web"), ("nginx-exporter", "exporter")]));
    nodes.extend(many("app", 4, &[("gunicorn", "application")]));
    nodes.extend(many(
        "db",
        3,
        &[("mariadbd", "database"), ("keepalived", "failover"), ("mysqld-exporter", "exporter")],
    ));
    nodes.push(node("monitor", &[("prometheus", "monitor"), ("alertmanager", "monitor")]));
    let mut links: Vec<LinkRecord> =
        [1, 2].map(|n| link("client", &format!("dns{n}/named"), Some(1))).to_vec();
    let tier = |step, (from, n, a): (&str, usize, &str), (to, m, b): (&str, usize, &str)| {
        let pairs = (1..=n).flat_map(move |i| (1..=m).map(move |j| (i, j)));
        let tls = |(i, j)| LinkRecord {
            protocol: "https".to_owned(),
            ..link(&format!("{from}{i}/{a}"), &format!("{to}{j}/{b}"), step)
        };
        pairs.map(tls).collect::<Vec<_>>()
    };
    links.extend([1, 2].map(|n| link("client", &format!("lb{n}/haproxy"), Some(2))));
    links.extend(tier(Some(3), ("lb", 2, "haproxy"), ("web", 4, "nginx")));
    links.extend(tier(Some(4), ("web", 4, "nginx"), ("app", 4, "gunicorn")));
    let writes = tier(Some(5), ("app", 4, "gunicorn"), ("db", 1, "mariadbd"));
    links.extend(writes.into_iter().map(|link| LinkRecord { label: "writes".to_owned(), ..link }));
    links.extend((1..=4).flat_map(|n| {
        [2, 3].map(|m| link(&format!("app{n}/gunicorn"), &format!("db{m}/mariadbd"), Some(5)))
    }));
    links.extend([2, 3].map(|n| LinkRecord {
        protocol: "replication+tls".to_owned(),
        ..link(&format!("db{n}/mariadbd"), "db1/mariadbd", None)
    }));
    let watched: Vec<String> = nodes
        .iter()
        .flat_map(|node| {
            node.processes
                .iter()
                .filter(|process| process.role == "exporter")
                .map(move |process| format!("{}/{}", node.name, process.name))
        })
        .collect();
    links.extend(watched.iter().map(|exporter| link("monitor/prometheus", exporter, None)));
    links.push(link("monitor/prometheus", "monitor/alertmanager", None));
    for (from, to) in [("lb1", "lb2"), ("lb2", "lb1")] {
        links.push(LinkRecord {
            port: None,
            ..link(&format!("{from}/keepalived"), &format!("{to}/keepalived"), None)
        });
        links.push(link(&format!("{from}/keepalived"), &format!("{from}/haproxy"), None));
    }
    guarded(bare(nodes, links))
}

/// With firewalls, and addresses that move.
fn guarded(mut inventory: InventoryRecord) -> InventoryRecord {
    let moving = |name: &str, address: &str, nodes: &[&str]| VirtualAddressRecord {
        name: name.to_owned(),
        address: address.to_owned(),
        nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
    };
    inventory.virtual_addresses = vec![
        moving("public", "203.0.113.8", &["lb1", "lb2"]),
        moving("public-2", "203.0.113.9", &["lb2", "lb1"]),
        moving("database", "192.0.2.100", &["db1", "db2", "db3"]),
    ];
    let accepts = vec![AcceptRecord { from: Vec::new(), protocol: "https".to_owned(), port: Some(443) }];
    inventory.firewalls = ["lb1", "lb2", "web1", "db1"]
        .map(|node| FirewallRecord { node: node.to_owned(), accepts: accepts.clone() })
        .to_vec();
    inventory
}

/// Words for it.
#[must_use]
pub fn words() -> Explanation {
    let claim = |id: &str| Measure::Claim { design: "resilient".to_owned(), id: id.to_owned() };
    let weakness =
        |title: &str, measure| Weakness { title: title.to_owned(), text: "It is so.".to_owned(), measure };
    let element = |of: &str, title: &str| Element {
        of: Pattern(of.to_owned()),
        title: title.to_owned(),
        why: "Somebody has to.".to_owned(),
        adds: Some("A second one.".to_owned()),
    };
    Explanation {
        idea: "Of everything there are two.".to_owned(),
        before: Some("3-scaled-up".to_owned()),
        adds: vec!["A second one of everything".to_owned()],
        steps: vec![WayStep { step: 1, text: "The name becomes an address.".to_owned() }],
        back: "The same way back.".to_owned(),
        elements: vec![
            element("lb*/haproxy", "The load balancer"),
            element("virtual-address/*", "The addresses"),
            element("*/firewall", "The firewalls"),
        ],
        weaknesses: vec![
            weakness("It takes seconds", claim("failover")),
            weakness("It was not measured", claim("other")),
            weakness("It can be rehearsed", Measure::Command("brownout rehearse resilient".to_owned())),
        ],
        tries: vec![Try { command: "brownout up resilient".to_owned(), text: "Look around.".to_owned() }],
        terms: vec!["spof".to_owned()],
    }
}

/// A glossary of two terms, of which it needs one.
#[must_use]
pub fn terms() -> Vec<Term> {
    let term = |name: &str, title: &str| Term {
        name: name.to_owned(),
        title: title.to_owned(),
        text: "A word.".to_owned(),
    };
    vec![term("spof", "SPOF (single point of failure)"), term("lamp", "LAMP")]
}

/// A zone with two addresses for one name.
#[must_use]
pub fn zone() -> Vec<ZoneRecord> {
    let record = |kind: &str, value: &str, why: &str| ZoneRecord {
        name: "www.foobar.com".to_owned(),
        ttl_s: 5,
        kind: kind.to_owned(),
        value: value.to_owned(),
        why: why.to_owned(),
    };
    vec![
        record("A", "203.0.113.8", "the service"),
        record("A", "203.0.113.9", "the service"),
        record("TXT", "\"v=spf1 -all\"", "no mail"),
    ]
}

/// What was measured of one weakness, and a claim of another design.
#[must_use]
pub fn measured() -> Vec<ClaimFile> {
    let claim = |design: &str, id: &str, measured: &str| ClaimFile {
        design: design.to_owned(),
        id: id.to_owned(),
        claim: "The database fails over.".to_owned(),
        experiment: "kill the primary".to_owned(),
        measured: measured.to_owned(),
        verdict: "holds".to_owned(),
        reasons: Vec::new(),
        figures: std::collections::BTreeMap::new(),
    };
    vec![claim("resilient", "failover", "Back after 2.1 s."), claim("0-simple", "spof", "Gone for 12 s.")]
}
