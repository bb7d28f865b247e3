//! How long the connections of a load take to open, against targets that are quick, refuse, or never answer.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use common::{options, plan};
use load::opening_time;
use model::{Arrivals, Plan, Tls, Transport};
use testserver::{Pace, SteadyServer, refusing_address};

const PATIENCE: Duration = Duration::from_millis(500);

/// More connections than are opened at a time.
fn opening(address: SocketAddr, transport: Transport) -> Option<Duration> {
    let plan = Plan { connections: 100, transport, ..plan(Arrivals::Constant { rate: 1.0 }, 1.0) };
    opening_time(&plan, &options(Instant::now(), address, 1), PATIENCE).unwrap()
}

#[test]
fn all_connections_are_opened() {
    let server = SteadyServer::start(Pace::default());
    assert!(opening(server.address(), Transport::default()).is_some_and(|took| took < PATIENCE));
}

#[test]
fn a_target_that_refuses_or_never_ends_a_handshake_has_no_opening_time() {
    assert_eq!(opening(refusing_address(), Transport::default()), None);
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = Transport {
        tls: Some(Tls { server_name: "www.foobar.com".into(), ..Tls::default() }),
        ..Transport::default()
    };
    assert_eq!(opening(mute.local_addr().unwrap(), tls), None);
}
