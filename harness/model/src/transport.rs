//! How requests travel to the target.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112), one request at a time on a connection.
    #[default]
    Http1,
    /// HTTP/2 (RFC 9113), by ALPN over TLS and by prior knowledge without.
    Http2 {
        /// Requests at a time on a connection, at least 1.
        streams: usize,
    },
    /// WebSocket (RFC 6455): a request is a message, its answer the message that comes back.
    WebSocket,
}

impl Protocol {
    /// Requests that one connection can carry at a time.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self {
            Protocol::Http1 | Protocol::WebSocket => 1,
            Protocol::Http2 { streams } => streams.max(1),
        }
    }

    /// The word that records use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Http1 => "http/1.1",
            Protocol::Http2 { .. } => "http/2",
            Protocol::WebSocket => "websocket",
        }
    }
}

/// A certificate of one's own, for targets that ask for one (mutual TLS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// PEM file with the certificate and those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// How TLS is spoken. Versions 1.2 and 1.3 are offered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Name that is asked for (SNI) and that the certificate must have.
    pub server_name: String,
    /// PEM file with the authorities to trust; the system's when absent.
    pub authorities: Option<PathBuf>,
    /// Own certificate.
    pub identity: Option<Identity>,
    /// Whether any certificate is taken. The result says nothing about the target's identity then, and says so.
    pub insecure: bool,
}

/// How requests travel to the target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transport {
    /// What a connection speaks.
    pub protocol: Protocol,
    /// `None` for none.
    pub tls: Option<Tls>,
    /// A connection is closed after so many requests, at least 1; `None` for no limit.
    pub requests_per_connection: Option<u64>,
    /// At most so many connections are opened per second, over all workers; `None` for no limit.
    pub opens_per_s: Option<f64>,
    /// Connections come into use evenly over this time from the start of the load, not all at once.
    pub slow_start: Duration,
    /// Local addresses that connections leave from, in turn; the system's choice when empty.
    pub sources: Vec<IpAddr>,
}
