//! `4-resilient`: a database that fails over by itself and loses nothing that was acknowledged, from real parts.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use common::lab::Lab;
use common::{Home, await_that};

const URL: &str = "https://www.foobar.com";

/// The databases that take writes.
fn primaries(lab: &Lab<'_>) -> Vec<&'static str> {
    ["db1", "db2", "db3"].into_iter().filter(|node| lab.sql(node, "SELECT @@read_only") == "0").collect()
}

fn place(lab: &Lab<'_>, id: &str) -> bool {
    let body = format!(r#"{{"id": "{id}", "item": "tea", "quantity": 1}}"#);
    lab.ask("POST", &format!("{URL}/api/orders"), Some(&body)).starts_with("201")
}

/// Places orders until one is acknowledged, and tells its id. Each attempt is an order of its own: one whose answer was
/// lost may have been taken.
fn place_one(lab: &Lab<'_>) -> String {
    let mut attempt = 0;
    await_that("an order can be placed", || {
        attempt += 1;
        place(lab, &format!("after-{attempt}"))
    });
    format!("after-{attempt}")
}

/// The design with `db1` as its primary and an acknowledged order, `before`.
fn up(home: &Home) -> Lab<'_> {
    let lab = Lab::up(home, "4-resilient");
    assert_eq!(primaries(&lab), ["db1"]);
    assert!(place(&lab, "before"));
    lab
}

/// Counts the order `before` and this one.
fn both(after: &str) -> String {
    format!("SELECT COUNT(*) FROM shop.orders WHERE id IN ('before', '{after}')")
}

#[test]
fn a_replica_takes_over_with_every_acknowledged_write_and_the_old_primary_follows_it() {
    let home = Home::new();
    let lab = up(&home);
    assert_eq!(
        lab.sql("db1", "SHOW STATUS LIKE 'Rpl_semi_sync_master_status'"),
        "Rpl_semi_sync_master_status\tON"
    );

    lab.kill("db1", "mariadbd");
    await_that("a replica has become the primary", || {
        let taken =
            ["db2", "db3"].into_iter().filter(|node| lab.sql(node, "SELECT @@read_only") == "0").count();
        taken == 1
    });
    let after = place_one(&lab);
    let read = lab.ask("GET", &format!("{URL}/api/orders/before"), None);
    assert!(read.starts_with("200"), "an acknowledged order is lost: {read}");

    // As systemd would, an hour later.
    lab.sh("db1", "setsid /usr/sbin/mariadbd --defaults-file=/run/brownout/nodes/db1/mariadbd/my.cnf > /dev/null 2>&1 &");
    await_that("the old primary follows", || {
        let status = lab.sql("db1", "SHOW STATUS LIKE 'Slave_running'");
        status == "Slave_running\tON"
            && lab.sql("db1", &format!("SELECT COUNT(*) FROM shop.orders WHERE id = '{after}'")) == "1"
    });
    assert_eq!(primaries(&lab).len(), 1, "one primary");
    lab.down().expect(0, &[]);
}

/// Drops what fits `rule` on its way into the node and out of it, until [`mend`].
fn cut(lab: &Lab<'_>, node: &str, rule: impl Fn(&str) -> String) {
    let hook = |hook: &str, rule: String| {
        format!(
            "nft add chain inet cut {hook} '{{ type filter hook {hook} priority -300; }}'; nft add rule inet cut {hook} {rule} drop"
        )
    };
    let (into, out) = (hook("input", rule("iifname")), hook("output", rule("oifname")));
    lab.sh(node, &format!("set -e; nft add table inet cut; {into}; {out}"));
}

fn mend(lab: &Lab<'_>, node: &str) {
    lab.sh(node, "nft delete table inet cut");
}

#[test]
fn a_primary_that_is_cut_off_is_replaced_and_stays_replaced_when_it_is_heard_again() {
    let home = Home::new();
    let lab = up(&home);
    cut(&lab, "db1", |interface| format!("{interface} != lo"));
    let meanwhile = place_one(&lab);
    // It is asked through its own socket: nobody has told it, yet it takes no more writes.
    await_that("the one that is cut off has given up", || primaries(&lab).len() == 1);
    assert_ne!(primaries(&lab), ["db1"]);
    mend(&lab, "db1");
    await_that("the old primary follows and has what was written meanwhile", || {
        lab.sql("db1", &both(&meanwhile)) == "2"
    });
    assert_eq!(primaries(&lab).len(), 1, "one primary");
    assert_ne!(primaries(&lab), ["db1"]);
    lab.down().expect(0, &[]);
}

/// The databases that have the address of the primary.
fn have_the_address(lab: &Lab<'_>) -> Vec<&'static str> {
    let has = |node: &&str| !lab.sh(node, "ip -o address show to 192.0.2.60").is_empty();
    ["db1", "db2", "db3"].into_iter().filter(has).collect()
}

fn await_another_primary(lab: &Lab<'_>) {
    await_that("another one has become the primary", || {
        let primaries = ["db2", "db3"].into_iter().filter(|node| lab.sql(node, "SELECT @@read_only") == "0");
        primaries.count() == 1
    });
}

/// Waits until `db1` has both orders, and one database, which has them too, takes writes and has the address.
fn await_one_with_both(lab: &Lab<'_>, meanwhile: &str) {
    await_that("one database has the address and takes writes, and db1 has all orders", || {
        let primary = primaries(lab);
        primary.len() == 1
            && primary == have_the_address(lab)
            && lab.sql(primary[0], &both(meanwhile)) == "2"
            && lab.sql("db1", &both(meanwhile)) == "2"
    });
    // The first order may meet a connection that the application still has to the one that was fenced.
    place_one(lab);
}

#[test]
fn a_primary_that_was_fenced_while_it_had_the_address_follows_its_successor() {
    let home = Home::new();
    let lab = up(&home);
    assert_eq!(have_the_address(&lab), ["db1"]);
    // The databases go on to hear each other, their keepalived do not: another node takes the address too.
    cut(&lab, "db1", |_| "ip protocol vrrp".to_owned());
    await_another_primary(&lab);
    let meanwhile = place_one(&lab);
    mend(&lab, "db1");
    await_one_with_both(&lab, &meanwhile);
    lab.down().expect(0, &[]);
}

#[test]
fn of_two_primaries_the_one_that_lacks_an_acknowledged_write_yields() {
    let home = Home::new();
    let lab = up(&home);
    // Nobody tells db1 that it is cut off: it takes itself for the primary until it is heard again, and by its priority
    // the address is its own then.
    lab.sh("db1", "kill -STOP -$(cat /run/brownout/nodes/db1/keepalived.pid)");
    cut(&lab, "db1", |interface| format!("{interface} != lo"));
    await_another_primary(&lab);
    let meanwhile = place_one(&lab);
    assert_eq!(primaries(&lab).len(), 2);
    mend(&lab, "db1");
    lab.sh("db1", "kill -CONT -$(cat /run/brownout/nodes/db1/keepalived.pid)");
    await_one_with_both(&lab, &meanwhile);
    lab.down().expect(0, &[]);
}

#[test]
fn in_a_galera_cluster_only_the_address_moves_and_who_comes_back_is_sent_what_it_missed() {
    let home = Home::new();
    let lab = Lab::up(&home, "4-resilient:replication=galera");
    let members = |node: &str| lab.sql(node, "SHOW STATUS LIKE 'wsrep_cluster_size'");
    for node in ["db1", "db2", "db3"] {
        assert_eq!(members(node), "wsrep_cluster_size\t3", "{node}");
    }
    assert!(place(&lab, "before"));

    lab.kill("db1", "mariadbd");
    let meanwhile = place_one(&lab);
    lab.sh("db1", "setsid /run/brownout/nodes/db1/mariadbd/galera.sh > /tmp/joined 2>&1 &");
    await_that("the one that died is a member again and has all orders", || {
        members("db1") == "wsrep_cluster_size\t3" && lab.sql("db1", &both(&meanwhile)) == "2"
    });
    let sent = lab.sh("db1", "grep -c 'IST completed on joiner' /tmp/joined; rm /tmp/joined");
    assert_eq!(sent, "1", "it was sent everything, not only what it missed");
    lab.down().expect(0, &[]);
}

#[test]
fn every_connection_behind_the_load_balancer_is_encrypted_and_verified_and_firewalls_keep_strangers_out() {
    let home = Home::new();
    let lab = Lab::up(&home, "4-resilient");
    let answer = lab.ask("GET", &format!("{URL}/api/orders/7"), None);
    assert!(answer.contains("x-served-by: lb1, web"), "{answer}");
    // Each tier refuses to speak in clear.
    let clear = |from: &str, address: &str, port: u16| {
        let ask = format!(
            "exec 3<>/dev/tcp/{address}/{port}; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; timeout 2 head -1 <&3"
        );
        lab.on(from, &["/bin/bash", "-c", &ask]).stdout
    };
    assert!(!clear("lb1", "192.0.2.21", 443).contains("200"));
    assert!(!clear("web1", "192.0.2.41", 8000).contains("200"));
    let encrypted = "SELECT COUNT(*) FROM information_schema.processlist WHERE user IN ('orders', 'replication') AND host NOT LIKE 'localhost%'";
    let connections: u32 = lab.sql("db1", encrypted).parse().unwrap();
    assert!(connections >= 2, "the application and the replicas are connected: {connections}");
    assert_eq!(lab.sql("db1", "SELECT @@require_secure_transport"), "1");
    // No node but the client is without a firewall, and none lets a stranger to more than is meant for everybody.
    let ports = [22, 53, 80, 443, 3306, 3307, 8000, 8081, 8405, 9090, 9093, 9100, 9104, 9113];
    let open = |from: &str, address: &str| {
        let scan = lab.scan(from, address, &ports);
        scan.lines().filter_map(|line| line.strip_suffix(" open")).collect::<Vec<_>>().join(" ")
    };
    for (address, expected) in [
        ("203.0.113.53", "53"),
        ("203.0.113.54", "53"),
        ("203.0.113.8", "80 443"),
        ("192.0.2.21", ""),
        ("192.0.2.41", ""),
        ("192.0.2.61", ""),
        ("192.0.2.90", ""),
    ] {
        assert_eq!(open("client", address), expected, "{address}");
    }
    // Whom a link leads there finds it: the scan can see what a stranger cannot.
    assert_eq!(open("app1", "192.0.2.61"), "3306");
    assert_eq!(open("monitor", "192.0.2.61"), "9100 9104");
    // The second DNS server has the zone.
    let second = lab.sh("client", "python3 - <<'P'\nimport socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(5)\ns.sendto(b'\\x01\\x02\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3www\\6foobar\\3com\\0\\0\\1\\0\\1',('203.0.113.54',53))\nprint(socket.inet_ntoa(s.recv(512)[-4:]))\nP");
    assert_eq!(second, "203.0.113.8");
    // When the first one dies names resolve all the same, and somebody is told.
    lab.kill("dns1", "named");
    let name = lab.sh("client", "getent ahostsv4 www.foobar.com | head -1 | cut -d' ' -f1");
    assert_eq!(name, "203.0.113.8");
    await_that("an alert about the first DNS server", || {
        let alerts = lab.sh("monitor", "curl -s http://127.0.0.1:9093/api/v2/alerts");
        alerts.contains(r#""alertname":"NameServerDown""#) && alerts.contains(r#""node":"dns1""#)
    });
    // The address that users know moves to the other load balancer.
    lab.kill("lb1", "haproxy");
    await_that("the other load balancer serves", || {
        lab.ask("GET", &format!("{URL}/api/orders/7"), None).contains("x-served-by: lb2, web")
    });
    lab.down().expect(0, &[]);
}

/// Answers every question on the node with 200, and shows the certificate of node `of`; in place of another one like it.
fn impostor(lab: &Lab<'_>, node: &str, address: &str, port: u16, of: &str) {
    let program = format!(
        "
import http.server, ssl
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '8')
        self.end_headers()
        self.wfile.write(b'impostor')
    do_HEAD = do_GET
server = http.server.ThreadingHTTPServer(('{address}', {port}), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/run/brownout/tls/{of}/chain.pem', '/run/brownout/tls/{of}/key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()"
    );
    let pid = format!("/run/brownout/nodes/{node}/impostor.pid");
    lab.sh(
        node,
        &format!(
            "[ ! -e {pid} ] || kill $(cat {pid}); setsid /usr/bin/python3 -c \"{program}\" > /dev/null 2>&1 &
            echo $! > {pid}; until (exec 3<>/dev/tcp/{address}/{port}) 2> /dev/null; do sleep 0.1; done"
        ),
    );
}

#[test]
fn a_tier_speaks_to_nobody_who_shows_the_certificate_of_another() {
    let home = Home::new();
    let lab = Lab::up(&home, "4-resilient");
    let read = || lab.ask("GET", &format!("{URL}/api/orders/7"), None);
    for (tier, part, node, address, port, of) in [
        (["app1", "app2"], "gunicorn", "app1", "192.0.2.41", 8000, "web1"),
        (["web1", "web2"], "nginx", "web1", "192.0.2.21", 443, "app1"),
    ] {
        tier.iter().for_each(|node| lab.kill(node, part));
        // The lab's authority has signed it, but for another name.
        impostor(&lab, node, address, port, of);
        let answer = read();
        assert!(!answer.contains("impostor") && !answer.starts_with("200"), "{part}: {answer}");
        impostor(&lab, node, address, port, node);
        await_that("who shows the right one is believed", || read().contains("impostor"));
    }
    lab.down().expect(0, &[]);
}
