//! The inventories of the two designs, as bringing them up would give them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use model::{Endpoint, Inventory, Link, Node, Process, Reach, Role};

fn process(name: &str, part: &str, role: Role) -> Process {
    Process {
        name: name.to_owned(),
        part: part.to_owned(),
        role,
        pid_file: PathBuf::new(),
        start: Vec::new(),
        stop: Vec::new(),
        ready: Vec::new(),
        is_primary: Vec::new(),
        supervised: false,
    }
}

fn node(name: &str, addresses: &[[u8; 4]], processes: Vec<Process>) -> Node {
    let addresses = addresses.iter().map(|bytes| IpAddr::V4(Ipv4Addr::from(*bytes))).collect();
    Node { name: name.to_owned(), addresses, reach: Reach::Local, processes }
}

fn server(name: &str, addresses: &[[u8; 4]]) -> Node {
    let processes = vec![
        process("mariadbd", "mariadb", Role::Database),
        process("gunicorn", "gunicorn", Role::Application),
        process("nginx", "nginx", Role::Web),
    ];
    node(name, addresses, processes)
}

fn link(from: &str, to: &str, port: u16, protocol: &str, step: Option<u32>, label: &str) -> Link {
    let end = |text: &str| match text.split_once('/') {
        Some((node, process)) => Endpoint { node: node.to_owned(), process: Some(process.to_owned()) },
        None => Endpoint { node: text.to_owned(), process: None },
    };
    Link {
        from: end(from),
        to: end(to),
        port: Some(port),
        protocol: protocol.to_owned(),
        step,
        label: label.to_owned(),
    }
}

fn inventory(design: &str, summary: &str, nodes: Vec<Node>, links: Vec<Link>) -> Inventory {
    let mut all = vec![
        node("client", &[[198, 51, 100, 10]], Vec::new()),
        node("dns", &[[203, 0, 113, 53]], vec![process("named", "named", Role::Dns)]),
    ];
    all.extend(nodes);
    Inventory {
        design: design.to_owned(),
        summary: summary.to_owned(),
        nodes: all,
        links,
        public_name: "www.foobar.com".to_owned(),
        public_port: 80,
        resolvers: vec![SocketAddr::from(([203, 0, 113, 53], 53))],
        client: Some("client".to_owned()),
        ..Inventory::default()
    }
}

pub(super) fn simple() -> Inventory {
    inventory(
        "0-simple",
        "One server with nginx, the application and MariaDB; DNS points to it.",
        vec![server("server1", &[[203, 0, 113, 8]])],
        vec![
            link("client", "dns/named", 53, "dns", Some(1), "A www.foobar.com?"),
            link("client", "server1/nginx", 80, "http", Some(2), "GET /api/orders/7"),
            link("server1/nginx", "server1/gunicorn", 8000, "http", Some(3), "what is no file"),
            link("server1/gunicorn", "server1/mariadbd", 3306, "sql", Some(4), "reads and writes"),
        ],
    )
}

pub(super) fn distributed() -> Inventory {
    let mut links = vec![
        link("client", "dns/named", 53, "dns", Some(1), "A www.foobar.com?"),
        link("client", "lb1/haproxy", 80, "http", Some(2), "GET /api/orders/7"),
    ];
    for server in ["server1", "server2"] {
        let (nginx, gunicorn) = (format!("{server}/nginx"), format!("{server}/gunicorn"));
        links.push(link("lb1/haproxy", &nginx, 80, "http", Some(3), "every other request"));
        links.push(link(&nginx, &gunicorn, 8000, "http", Some(4), "what is no file"));
        links.push(link(&gunicorn, "server1/mariadbd", 3306, "sql", Some(5), "writes"));
        links.push(link(&gunicorn, "server2/mariadbd", 3306, "sql", Some(5), "reads"));
    }
    links.push(link("server2/mariadbd", "server1/mariadbd", 3306, "replication", None, "replication"));
    inventory(
        "1-distributed",
        "A load balancer, two servers with nginx and the application, a primary database and its replica.",
        vec![
            node(
                "lb1",
                &[[203, 0, 113, 8], [192, 0, 2, 8]],
                vec![process("haproxy", "haproxy", Role::LoadBalancer)],
            ),
            server("server1", &[[192, 0, 2, 11]]),
            server("server2", &[[192, 0, 2, 12]]),
        ],
        links,
    )
}
