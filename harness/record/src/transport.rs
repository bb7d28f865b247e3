//! How requests travelled, as it stands in `plan.toml`.

use model::{Protocol, Transport};
use serde::{Deserialize, Serialize};

/// How requests travelled. Paths name files; what was in them is not recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TransportRecord {
    /// "http/1.1", "http/2" or "websocket".
    pub protocol: String,
    /// Requests at a time on a connection, for HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// Name that was asked for over TLS; absent without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// File of the authorities that were trusted in place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_authorities: Option<String>,
    /// File of the own certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<String>,
    /// Whether any certificate was taken.
    #[serde(default)]
    pub tls_insecure: bool,
    /// A connection was closed after so many requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_connection: Option<u64>,
    /// At most so many connections were opened per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_per_s: Option<f64>,
    /// Connections came into use over this time.
    #[serde(default)]
    pub slow_start_s: f64,
    /// Local addresses that connections left from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

impl TransportRecord {
    pub(crate) fn new(transport: &Transport) -> Self {
        let tls = transport.tls.as_ref();
        let path = |path: &std::path::PathBuf| path.display().to_string();
        Self {
            protocol: transport.protocol.as_str().to_owned(),
            streams: match transport.protocol {
                Protocol::Http2 { streams } => Some(streams),
                Protocol::Http1 | Protocol::WebSocket => None,
            },
            tls_server_name: tls.map(|tls| tls.server_name.clone()),
            tls_authorities: tls.and_then(|tls| tls.authorities.as_ref()).map(path),
            tls_certificate: tls.and_then(|tls| tls.identity.as_ref()).map(|own| path(&own.certificate)),
            tls_insecure: tls.is_some_and(|tls| tls.insecure),
            requests_per_connection: transport.requests_per_connection,
            opens_per_s: transport.opens_per_s,
            slow_start_s: transport.slow_start.as_secs_f64(),
            sources: transport.sources.iter().map(ToString::to_string).collect(),
        }
    }
}
