//! Why a load could not be driven.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

/// " at the DNS server A or B"; nothing for the system's resolver.
fn asked(servers: &[SocketAddr]) -> String {
    let list: Vec<String> = servers.iter().map(ToString::to_string).collect();
    if list.is_empty() { String::new() } else { format!(" at the DNS server {}", list.join(" or ")) }
}

/// Why a load could not be driven. What the target does wrong is no error here: it is counted.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The address cannot be used.
    #[error("`{}`: {why}; write http://HOST[:PORT][/PATH], or https, ws or wss in its place", url.escape_debug())]
    Url {
        /// What was written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name has no address.
    #[error("`{host}` does not resolve{}: {why}", asked(servers))]
    Resolve {
        /// The name.
        host: String,
        /// Who was asked, when it was not the system's resolver.
        servers: Vec<SocketAddr>,
        /// The answer.
        why: String,
    },
    /// A thread could not be set up.
    #[error("cannot {what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The plan cannot be run.
    #[error("the plan cannot be run: {0}")]
    Plan(String),
    /// This machine certainly cannot drive it.
    #[error("this load is impossible: {0}")]
    Impossible(String),
    /// A worker panicked.
    #[error("a worker thread panicked; please report this")]
    Panicked,
}

impl LoadError {
    pub(crate) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
