//! How requests travel: over TLS, HTTP/2, WebSocket and unix sockets, from other addresses, over connections that are
//! opened and closed as asked.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::{Said, drive, drive_with, options, plan, request, soon};
use load::{LoadError, Target, Targets};
use model::{Arrivals, Identity, Method, Plan, Protocol, Template, Tls, Transport};
use testserver::{Answer, Authority, Behaviour, RawServer, TestServer};

fn open(rate: f64, seconds: f64, transport: Transport) -> Plan {
    let mut plan = plan(Arrivals::Constant { rate }, seconds);
    plan.connections = 8;
    plan.transport = transport;
    plan
}

fn file(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A server for `localhost` and what a client needs to trust it.
fn secure(clients: bool, protocols: &[&str]) -> (TestServer, Authority, tempfile::TempDir, Tls) {
    let authority = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    let tls = Some(authority.server("localhost", clients, protocols));
    let server = TestServer::start(Behaviour { tls, served_by: Some("a".into()), ..Behaviour::default() });
    let authorities = Some(file(dir.path(), "ca.pem", &authority.certificate()));
    let tls = Tls { server_name: "localhost".into(), authorities, ..Tls::default() };
    (server, authority, dir, tls)
}

fn all_good(said: &Said, count: u64) {
    let counts = said.counts();
    assert_eq!((counts.due(), counts.good), (count, count), "{:?} {counts:?}", said.warnings);
}

#[test]
fn requests_go_over_tls_and_its_handshake_is_told_from_the_rest() {
    let (server, _authority, _dir, tls) = secure(false, &[]);
    let said =
        drive(&open(200.0, 1.0, Transport { tls: Some(tls), ..Transport::default() }), server.address());
    all_good(&said, 200);
    assert_eq!((said.totals.connections_opened, server.count()), (8, 200));
    assert_eq!(said.totals.served_by["a"], 200);
}

#[test]
fn without_keep_alive_every_request_pays_for_its_connection() {
    let (server, _authority, _dir, tls) = secure(false, &[]);
    let mut plan = open(100.0, 1.0, Transport { tls: Some(tls), ..Transport::default() });
    plan.keep_alive = false;
    let said = drive(&plan, server.address());
    all_good(&said, 100);
    assert_eq!(said.totals.connections_opened, 100);
    let parts = said.intervals.iter().map(|interval| &interval.requests[0].parts);
    let counts = parts.fold([0; 4], |sum, parts| {
        let of = parts.named().map(|(_, histogram)| histogram.len());
        std::array::from_fn(|index| sum[index] + of[index])
    });
    assert_eq!(counts, [100; 4], "connect, handshake, first byte, transfer");
}

#[test]
fn without_keep_alive_an_http2_connection_carries_one_request_too() {
    let (server, _authority, _dir, tls) = secure(false, &[]);
    for tls in [Some(tls), None] {
        let clear = TestServer::start(Behaviour::default());
        let address = if tls.is_some() { server.address() } else { clear.address() };
        let protocol = Protocol::Http2 { streams: 4 };
        let mut plan = open(100.0, 1.0, Transport { protocol, tls, ..Transport::default() });
        plan.keep_alive = false;
        let said = drive(&plan, address);
        all_good(&said, 100);
        assert_eq!(said.totals.connections_opened, 100);
        let connects = said.intervals.iter().map(|interval| interval.requests[0].parts.connect.len());
        assert_eq!(connects.sum::<u64>(), 100, "each pays for its own");
    }
}

#[test]
fn a_certificate_that_does_not_match_is_said_and_counted() {
    let (server, _authority, _dir, tls) = secure(false, &[]);
    let other = Tls { server_name: "elsewhere".into(), ..tls.clone() };
    let said =
        drive(&open(50.0, 1.0, Transport { tls: Some(other), ..Transport::default() }), server.address());
    let counts = said.counts();
    assert_eq!((counts.other, counts.tls, counts.good), (50, 50, 0));
    assert!(
        said.warnings.iter().any(|warning| warning.contains("not valid for name")),
        "{:?}",
        said.warnings
    );
    // Taken all the same when that is asked for, and that is said.
    let any = Tls { server_name: "elsewhere".into(), insecure: true, ..tls };
    let said =
        drive(&open(50.0, 1.0, Transport { tls: Some(any), ..Transport::default() }), server.address());
    all_good(&said, 50);
    assert!(said.warnings.iter().any(|warning| warning.contains("--insecure")), "{:?}", said.warnings);
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let (server, authority, dir, tls) = secure(true, &[]);
    let own = authority.issue("client");
    let identity = Identity {
        certificate: file(dir.path(), "own.pem", &own.certificate),
        key: file(dir.path(), "own.key", &own.key),
    };
    let known = Tls { identity: Some(identity), ..tls.clone() };
    let said =
        drive(&open(50.0, 1.0, Transport { tls: Some(known), ..Transport::default() }), server.address());
    all_good(&said, 50);
    let said =
        drive(&open(50.0, 1.0, Transport { tls: Some(tls), ..Transport::default() }), server.address());
    assert_eq!(said.counts().good, 0, "nobody is let in without");
}

#[test]
fn files_that_hold_no_certificate_are_named_before_the_load() {
    let dir = tempfile::tempdir().unwrap();
    let empty = file(dir.path(), "empty.pem", "");
    for (authorities, expected) in [(empty, "empty.pem"), (dir.path().join("none.pem"), "none.pem")] {
        let tls = Tls { server_name: "h".into(), authorities: Some(authorities), ..Tls::default() };
        let plan = open(1.0, 1.0, Transport { tls: Some(tls), ..Transport::default() });
        let address = "127.0.0.1:1".parse().unwrap();
        let options = options(soon(), address, 1);
        let error = load::run(&plan, &options, &model::NullSink, &AtomicBool::new(false)).unwrap_err();
        assert!(matches!(&error, LoadError::Plan(why) if why.contains(expected)), "{error}");
    }
}

#[test]
fn http2_carries_many_requests_on_a_connection() {
    let (server, _authority, _dir, tls) = secure(false, &[]);
    for tls in [Some(tls), None] {
        let clear = TestServer::start(Behaviour { served_by: Some("a".into()), ..Behaviour::default() });
        let address = if tls.is_some() { server.address() } else { clear.address() };
        let mut plan = open(
            500.0,
            1.0,
            Transport { protocol: Protocol::Http2 { streams: 16 }, tls, ..Transport::default() },
        );
        plan.connections = 2;
        plan.scenario.requests =
            vec![request("get", 1.0, "/a/{{sequence}}"), request("missing", 1.0, "/status/404")];
        plan.scenario.requests[0].method = Method::Post;
        plan.scenario.requests[0].body = Template::parse(&"x".repeat(100_000)).unwrap();
        let said = drive(&plan, address);
        let counts = said.counts();
        assert_eq!((counts.due(), counts.answered()), (500, 500), "{:?}", said.warnings);
        assert_eq!(counts.status[&404] + counts.good, 500);
        assert_eq!((said.totals.connections_opened, said.totals.served_by["a"]), (2, 500));
    }
}

#[test]
fn an_http2_connection_that_has_gone_silent_is_given_up_with_its_first_request() {
    let now = std::time::Instant::now();
    let stall = Some((now, now + Duration::from_secs(60)));
    let server = TestServer::start(Behaviour { stall, ..Behaviour::default() });
    let transport = Transport { protocol: Protocol::Http2 { streams: 100 }, ..Transport::default() };
    let mut plan = open(50.0, 2.0, transport);
    plan.connections = 1;
    plan.timeout = Duration::from_millis(400);
    let said = drive(&plan, server.address());
    let counts = said.counts();
    assert_eq!((counts.due(), counts.good, counts.unsent), (100, 0, 0));
    // A request is given up every 400 ms, and those that were sent after it are lost with its connection.
    assert!((3..=6).contains(&counts.timed_out) && counts.reset == 100 - counts.timed_out, "{counts:?}");
    assert!((4..=7).contains(&said.totals.connections_opened), "{}", said.totals.connections_opened);
}

/// SETTINGS, and GOAWAY that no stream came before (RFC 9113, section 6.8).
const GOES_AWAY: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// SETTINGS, and RST_STREAM of the first stream with CANCEL (section 6.4).
const RESETS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];

#[test]
fn an_http2_server_that_takes_no_request_is_connected_to_anew_no_more_often_than_requests_fall_due() {
    for answer in [GOES_AWAY, RESETS] {
        let server = RawServer::start(Answer::Bytes(answer));
        let transport = Transport { protocol: Protocol::Http2 { streams: 4 }, ..Transport::default() };
        let mut plan = open(200.0, 1.0, transport);
        plan.connections = 2;
        let said = drive(&plan, server.address());
        let counts = said.counts();
        assert_eq!((counts.due(), counts.good), (200, 0), "{counts:?}");
        assert!(counts.reset + counts.unsent >= 190, "each is counted as what it was: {counts:?}");
        let opened = server.accepted();
        assert!((10..=202).contains(&opened), "{opened} connections for 200 requests");
    }
}

#[test]
fn a_server_without_http2_is_said() {
    let (server, _authority, _dir, tls) = secure(false, &["http/1.1"]);
    let transport =
        Transport { protocol: Protocol::Http2 { streams: 2 }, tls: Some(tls), ..Transport::default() };
    let said = drive(&open(20.0, 1.0, transport), server.address());
    assert_eq!(said.counts().tls, 20);
    // Nothing in common is said by whoever notices first.
    let said = said.warnings.join("; ");
    assert!(said.contains("HTTP/2") || said.contains("NoApplicationProtocol"), "{said}");
}

/// Upgrades every connection and sends every message back.
fn echo_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let Ok(mut socket) = tungstenite::accept(stream) else { return };
                while let Ok(message) = socket.read() {
                    if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn websocket_messages_come_back() {
    let mut plan = open(200.0, 1.0, Transport { protocol: Protocol::WebSocket, ..Transport::default() });
    plan.scenario.requests[0].body = Template::parse("number {{sequence}}").unwrap();
    let said = drive(&plan, echo_server());
    all_good(&said, 200);
    assert_eq!((said.counts().status[&101], said.totals.connections_opened), (200, 8));
}

#[test]
fn a_unix_socket_is_a_target_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    let mut options = options(soon(), "127.0.0.1:1".parse().unwrap(), 1);
    options.targets = Arc::new(Targets::new(vec![Target::Unix(path)]));
    all_good(&drive_with(&options, &open(100.0, 1.0, Transport::default()), &AtomicBool::new(false)), 100);
    options.targets = Arc::new(Targets::new(vec![Target::Unix(dir.path().join("nobody"))]));
    options.start = soon();
    options.live = Arc::default();
    let said = drive_with(&options, &open(50.0, 1.0, Transport::default()), &AtomicBool::new(false));
    assert_eq!(said.counts().refused, 50);
}

#[test]
fn connections_leave_from_the_addresses_that_are_asked_for() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let sources: Vec<IpAddr> = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    let seen = thread::spawn(move || {
        let seen: Vec<IpAddr> = (0..4).map(|_| listener.accept().unwrap().1.ip()).collect();
        seen
    });
    let mut plan = open(10.0, 0.5, Transport { sources: sources.clone(), ..Transport::default() });
    plan.connections = 4;
    plan.timeout = Duration::from_millis(100);
    drive(&plan, address);
    let mut seen = seen.join().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [sources[0], sources[0], sources[1], sources[1]]);
}

#[test]
fn a_source_address_that_connections_cannot_leave_from_is_named_before_the_load() {
    let server = TestServer::start(Behaviour::default());
    // For documentation (RFC 5737), so no address of this machine; and of another family than the target's.
    for source in ["192.0.2.1", "::1"] {
        let sources = vec![source.parse().unwrap()];
        let plan = open(10.0, 0.5, Transport { sources, ..Transport::default() });
        let ended = load::run(
            &plan,
            &options(soon(), server.address(), 1),
            &model::NullSink,
            &AtomicBool::new(false),
        );
        let Err(LoadError::Plan(why)) = ended else { panic!("{source}: {ended:?}") };
        assert!(why.contains(source), "{why}");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_connection_is_closed_after_as_many_requests_as_asked() {
    let server = TestServer::start(Behaviour::default());
    for protocol in [Protocol::Http1, Protocol::Http2 { streams: 4 }] {
        let mut plan = open(
            200.0,
            1.0,
            Transport { protocol, requests_per_connection: Some(10), ..Transport::default() },
        );
        plan.connections = 2;
        let said = drive(&plan, server.address());
        all_good(&said, 200);
        // The last of them may just have been used up.
        assert!((20..=22).contains(&said.totals.connections_opened), "{}", said.totals.connections_opened);
    }
}

#[test]
fn connections_are_opened_no_faster_than_asked_and_arrivals_wait_for_them() {
    let server = TestServer::start(Behaviour::default());
    let mut plan = open(100.0, 1.0, Transport { opens_per_s: Some(20.0), ..Transport::default() });
    plan.keep_alive = false;
    plan.timeout = Duration::from_millis(500);
    let said = drive(&plan, server.address());
    // 20/s over one second and what may still be sent within the timeout.
    assert!((19..=31).contains(&said.totals.connections_opened), "{}", said.totals.connections_opened);
    assert_eq!(said.counts().due(), 100);
    assert!(said.counts().unsent >= 65, "{:?}", said.counts());
}

#[test]
fn with_a_slow_start_connections_come_into_use_one_after_the_other() {
    let server =
        TestServer::start(Behaviour { service_time: Duration::from_millis(200), ..Behaviour::default() });
    let mut plan =
        open(200.0, 1.0, Transport { slow_start: Duration::from_millis(800), ..Transport::default() });
    plan.timeout = Duration::from_secs(10);
    let said = drive(&plan, server.address());
    all_good(&said, 200);
    let requests = server.requests();
    let first = requests[0].arrived;
    // In the first 100 ms there are two connections at most, each of which takes 200 ms for a request.
    let early = requests.iter().filter(|request| request.arrived - first < Duration::from_millis(90)).count();
    assert!(early <= 2, "{early} requests came at once");
}

#[test]
fn a_name_that_moves_is_followed_by_new_connections() {
    let (old, new) = (TestServer::start(Behaviour::default()), TestServer::start(Behaviour::default()));
    let mut plan = open(100.0, 2.0, Transport::default());
    plan.keep_alive = false;
    let options = options(soon(), old.address(), 1);
    let moved = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            while old.count() < 50 {
                thread::sleep(Duration::from_millis(5));
            }
            options.targets.replace(vec![Target::Tcp(new.address())]);
            moved.store(true, Ordering::Relaxed);
        });
        drive_with(&options, &plan, &AtomicBool::new(false))
    });
    all_good(&said, 200);
    assert!(moved.load(Ordering::Relaxed) && new.count() > 100 && old.count() + new.count() == 200);
}
