//! `2-secured`: firewalls, HTTPS and monitoring, from real parts.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;

use common::lab::Lab;
use common::{Home, await_that};

const URL: &str = "https://www.foobar.com";

/// The version that is agreed on with whom speaks `argv[1]` at most.
const SPEAK: &str = r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile="/run/brownout/tls/authority.pem")
context.maximum_version = ssl.TLSVersion[sys.argv[1]]
plain = socket.create_connection(("www.foobar.com", 443))
print(context.wrap_socket(plain, server_hostname="www.foobar.com").version())
"#;

#[test]
fn the_secured_design_answers_by_https_only_and_drops_what_no_link_brings() {
    let home = Home::new();
    let lab = Lab::up(&home, "2-secured");

    // The certificate is verified, by name and by the lab's own authority.
    let answers: Vec<String> = (0..4).map(|_| lab.ask("GET", &format!("{URL}/api/orders/7"), None)).collect();
    for way in ["x-served-by: lb1, server1", "x-served-by: lb1, server2"] {
        assert!(answers.iter().any(|answer| answer.contains(way)), "{way} is not in {answers:?}");
    }
    assert!(answers[0].contains("strict-transport-security: max-age=31536000"), "{answers:?}");
    let other = lab.ask("GET", "https://lb1.foobar.com/", None);
    assert!(
        other.contains("CERTIFICATE_VERIFY_FAILED"),
        "a name that the certificate does not have: {other}"
    );
    let redirect = lab.ask("GET", "http://www.foobar.com/api/orders/7", None);
    assert!(redirect.starts_with("301"), "{redirect}");
    assert!(redirect.contains("location: https://www.foobar.com/api/orders/7"), "{redirect}");

    // Whoever can speaks TLS 1.3, and who cannot 1.2; older versions are refused (claim `https`).
    for (most, version) in [("TLSv1_3", "TLSv1.3"), ("TLSv1_2", "TLSv1.2")] {
        assert_eq!(lab.sh("client", &format!("/usr/bin/python3 -c '{SPEAK}' {most}")), version);
    }

    // A stranger finds the two public ports and nothing else.
    let ports = [22, 80, 443, 3306, 3307, 8000, 8081, 8405, 9100, 9104, 9113];
    assert_eq!(open(&lab.scan("client", "203.0.113.8", &ports)), ["80", "443"]);
    assert_eq!(open(&lab.scan("client", "192.0.2.11", &ports)), Vec::<String>::new());
    assert_eq!(open(&lab.scan("client", "192.0.2.90", &[9090])), Vec::<String>::new());
    // The same ports are there for whom the design's links lead to them: the scan can see an open one.
    assert_eq!(open(&lab.scan("server2", "192.0.2.11", &ports)), ["3306", "3307"]);
    assert_eq!(open(&lab.scan("monitor", "192.0.2.11", &ports)), ["9100", "9104", "9113"]);

    // The monitor reaches every exporter, the databases' in two ways.
    await_that("every exporter is up", || {
        let question = "http://127.0.0.1:9090/api/v1/query?query=sum(up)/count(up)*count(up)";
        lab.sh("monitor", &format!("curl -s '{question}'")).contains("\"10\"")
    });

    // A server dies with all that runs on it: the other one answers, for pages and for orders.
    lab.sh("server2", "for pid in /run/brownout/nodes/server2/*.pid; do kill -KILL -$(cat $pid); done");
    await_that("every answer comes from the server that is left", || {
        ["", "api/orders/7", "api/orders/8"].iter().all(|path| {
            let answer = lab.ask("GET", &format!("{URL}/{path}"), None);
            answer.starts_with("200") && answer.contains("x-served-by: lb1, server1")
        })
    });

    lab.down().expect(0, &[]);
    // What was dropped is told afterwards: by whom, and to which port.
    let dropped = fs::read_to_string(home.cwd().join("logs/server1/firewall.log")).unwrap();
    assert!(dropped.contains("198.51.100.10 . tcp . 3306"), "{dropped}");
}

fn open(scan: &str) -> Vec<String> {
    scan.lines().filter_map(|line| line.strip_suffix(" open")).map(str::to_owned).collect()
}
