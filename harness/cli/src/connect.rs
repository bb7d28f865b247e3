//! How requests travel, on the command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use load::{BaseUrl, Name, Resolved, Target};
use model::{Identity, Protocol, Tls, Transport};

use crate::failure::{Code, Failure, OrFail};
use crate::measure::Enter;

/// What the built-in designs tell their backends by.
const SERVED_BY: &str = "X-Served-By";

/// How requests travel
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectArgs {
    /// HTTP/2: by ALPN over https, by prior knowledge (h2c) over http
    #[arg(long)]
    http2: bool,
    /// Requests at a time on each HTTP/2 connection
    #[arg(long, value_name = "N", default_value_t = 1, requires = "http2")]
    streams: usize,
    /// Authorities to trust in place of the system's: a PEM file
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Own certificate, for targets that ask for one: a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the own certificate: a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Take any certificate. The report says so
    #[arg(long)]
    insecure: bool,
    /// Name that is asked for (SNI) and that the certificate must have, in place of the address's
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Close each connection after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "no_keep_alive")]
    requests_per_connection: Option<u64>,
    /// Open at most so many connections per second
    #[arg(long, value_name = "PER_SECOND", value_parser = positive, allow_negative_numbers = true)]
    open_rate: Option<f64>,
    /// Let the connections come into use evenly over this time
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "0s")]
    slow_start: Duration,
    /// Local address that connections leave from, repeated for more: each has local ports of its own
    #[arg(long, value_name = "ADDRESS")]
    source: Vec<IpAddr>,
    /// Connect there, whatever host the address names
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "unix_socket")]
    connect_to: Option<String>,
    /// Take this for the host's address and ask no DNS server, repeated for more
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["connect_to", "unix_socket"])]
    resolve: Vec<IpAddr>,
    /// Ask this DNS server
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = dns_server, conflicts_with_all = ["resolve", "unix_socket"])]
    dns: Option<SocketAddr>,
    /// Connect to this unix socket
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<PathBuf>,
    /// Header field of the answers that tells which backend gave them
    #[arg(long, value_name = "FIELD", default_value = SERVED_BY)]
    pub(crate) served_by: String,
}

/// Where connections go, and the name to follow if that changes.
pub(crate) struct Destination {
    pub(crate) targets: Vec<Target>,
    pub(crate) name: Option<(Name, Resolved)>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("use a number above 0".to_owned()),
    }
}

fn dns_server(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| "use an address, with :PORT if it is not 53".to_owned())
}

impl ConnectArgs {
    /// An option that was given and says how an address is reached, if there is one.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            ("--http2", self.http2),
            ("--ca", self.ca.is_some()),
            ("--cert", self.cert.is_some()),
            ("--insecure", self.insecure),
            ("--server-name", self.server_name.is_some()),
            ("--requests-per-connection", self.requests_per_connection.is_some()),
            ("--open-rate", self.open_rate.is_some()),
            ("--slow-start", !self.slow_start.is_zero()),
            ("--source", !self.source.is_empty()),
            ("--connect-to", self.connect_to.is_some()),
            ("--resolve", !self.resolve.is_empty()),
            ("--dns", self.dns.is_some()),
            ("--unix-socket", self.unix_socket.is_some()),
            ("--served-by", self.served_by != SERVED_BY),
        ];
        options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
    }

    /// How requests to `url` travel.
    pub(crate) fn transport(&self, url: &BaseUrl) -> Result<Transport, Failure> {
        let wrong = |why: &str| Err(Failure::new(Code::Input, anyhow!("{why}")));
        let protocol = match (url.scheme.websocket, self.http2) {
            (true, true) => {
                return wrong("--http2: WebSocket is spoken over HTTP/1.1 here; leave --http2 out");
            }
            (true, false) => Protocol::WebSocket,
            (false, true) if self.streams == 0 => return wrong("--streams 0: use at least 1"),
            (false, true) => Protocol::Http2 { streams: self.streams },
            (false, false) => Protocol::Http1,
        };
        let tls_only = [
            ("--ca", self.ca.is_some()),
            ("--cert", self.cert.is_some()),
            ("--insecure", self.insecure),
            ("--server-name", self.server_name.is_some()),
        ];
        if let Some((option, _)) = tls_only.iter().find(|(_, given)| *given && !url.scheme.tls) {
            return wrong(&format!("{option} is about TLS, and this address has none: write https or wss"));
        }
        let identity = self.cert.clone().zip(self.key.clone());
        let tls = url.scheme.tls.then(|| Tls {
            server_name: self.server_name.clone().unwrap_or_else(|| url.host.clone()),
            authorities: self.ca.clone(),
            identity: identity.map(|(certificate, key)| Identity { certificate, key }),
            insecure: self.insecure,
        });
        Ok(Transport {
            protocol,
            tls,
            requests_per_connection: self.requests_per_connection,
            opens_per_s: self.open_rate,
            slow_start: self.slow_start,
            sources: self.source.clone(),
        })
    }

    /// Where connections for `url` go. A dead target is a broken objective, not bad usage.
    pub(crate) fn destination(&self, url: &BaseUrl, enter: Enter) -> Result<Destination, Failure> {
        if let Some(path) = &self.unix_socket {
            return Ok(Destination { targets: vec![Target::Unix(path.clone())], name: None });
        }
        if !self.resolve.is_empty() {
            let target = |address: &IpAddr| Target::Tcp(SocketAddr::new(*address, url.port));
            return Ok(Destination { targets: self.resolve.iter().map(target).collect(), name: None });
        }
        let (host, port) = match &self.connect_to {
            None => (url.host.clone(), url.port),
            Some(there) => {
                let there: BaseUrl = format!("http://{there}").parse().or_fail(Code::Input)?;
                (there.host, there.port)
            }
        };
        let name = Name { host, port, resolvers: self.dns.into_iter().collect(), enter };
        let resolved = name.resolve().or_fail(Code::Fail)?;
        let targets = resolved.addresses.iter().copied().map(Target::Tcp).collect();
        Ok(Destination { targets, name: Some((name, resolved)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[arg(long)]
        no_keep_alive: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    }

    fn transport(url: &str, args: &[&str]) -> Result<Transport, String> {
        let line = Line::try_parse_from([&["x"], args].concat()).map_err(|error| error.to_string())?;
        line.connect.transport(&url.parse().unwrap()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_scheme_and_the_options_say_what_is_spoken() {
        let plain = transport("http://h/", &[]).unwrap();
        assert_eq!((plain.protocol, plain.tls), (Protocol::Http1, None));
        let secure = transport("https://h/", &["--http2", "--streams", "8", "--insecure"]).unwrap();
        assert_eq!(secure.protocol, Protocol::Http2 { streams: 8 });
        assert!(secure.tls.is_some_and(|tls| tls.insecure && tls.server_name == "h"));
        assert_eq!(transport("ws://h/", &[]).unwrap().protocol, Protocol::WebSocket);
    }

    #[test]
    fn options_that_do_not_go_together_are_named() {
        for (url, args, expected) in [
            ("http://h/", &["--insecure"][..], "--insecure is about TLS"),
            ("ws://h/", &["--http2"], "leave --http2 out"),
            ("https://h/", &["--cert", "c.pem"], "--key"),
            ("http://h/", &["--streams", "2"], "--http2"),
            ("http://h/", &["--requests-per-connection", "0"], "requests-per-connection"),
            ("http://h/", &["--open-rate", "-1"], "open-rate"),
            ("http://h/", &["--dns", "here"], "--dns"),
        ] {
            let error = transport(url, args).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
