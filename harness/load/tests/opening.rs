//! How long the connections of a load take to open, against targets that are quick, refuse, or never answer.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use common::{options, plan};
use load::{Opening, opening_time};
use model::{Arrivals, Plan, Tls, Transport};
use testserver::{Answer, RawServer, refusing_address};

const PATIENCE: Duration = Duration::from_secs(1);
/// More than are opened at a time.
const CONNECTIONS: usize = 100;

fn opening(address: SocketAddr, transport: Transport) -> Opening {
    let plan = Plan { connections: CONNECTIONS, transport, ..plan(Arrivals::Constant { rate: 1.0 }, 1.0) };
    opening_time(&plan, &options(Instant::now(), address, 1), PATIENCE).unwrap()
}

#[test]
fn all_connections_are_opened() {
    let server = RawServer::start(Answer::Reset);
    assert!(matches!(opening(server.address(), Transport::default()), Opening::All(_)));
    // What the kernel has taken is accepted in a moment.
    let patient = Instant::now() + Duration::from_secs(10);
    while server.accepted() < CONNECTIONS && Instant::now() < patient {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.accepted(), CONNECTIONS);
}

#[test]
fn a_target_that_refuses_is_another_than_one_that_never_ends_a_handshake() {
    assert_eq!(opening(refusing_address(), Transport::default()), Opening::Failed);
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = Tls { server_name: "www.foobar.com".into(), ..Tls::default() };
    let transport = Transport { tls: Some(tls), ..Transport::default() };
    assert_eq!(opening(mute.local_addr().unwrap(), transport), Opening::TooSlow);
}

#[test]
fn connections_that_are_opened_slowly_on_purpose_are_not_opened_at_once() {
    let server = RawServer::start(Answer::Reset);
    let slowly = Transport { opens_per_s: Some(10.0), ..Transport::default() };
    assert_eq!(opening(server.address(), slowly), Opening::AsNeeded);
    assert_eq!(server.accepted(), 0);
}
