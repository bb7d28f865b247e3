//! Programmable servers for the tool's own tests. They listen on loopback, on a port of their own, remember what arrived
//! when, and end when they are dropped.
//!
//! [`TestServer`] speaks HTTP well and answers as told; [`SteadyServer`] does little, but on time; [`RawServer`] answers with any bytes, or none, as bad servers do;
//! [`refusing_address`] is a server that is not there.

mod certificates;
mod http;
mod raw;
mod spoiled;
mod spread;
mod steady;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

pub use certificates::{Authority, Pair};
pub use http::{Behaviour, Request, TestServer};
pub use raw::{Answer, RawServer};
pub use spoiled::Spoiled;
pub use spread::Spread;
pub use steady::{Answered, Capacity, Pace, SteadyServer};

/// A loopback address on which nobody listens.
///
/// # Panics
///
/// When no loopback port can be had: a test cannot go on without it.
#[must_use]
pub fn refusing_address() -> SocketAddr {
    // The listener is gone as soon as its address is known.
    listen().1
}

#[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let address = listener.local_addr().expect("the port's number");
    (listener, address)
}
