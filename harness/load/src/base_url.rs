//! `http[s]://host[:port][/path]`, or `ws[s]://` for WebSocket.

use std::str::FromStr;

use crate::LoadError;

/// The first part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Whether WebSocket is spoken.
    pub websocket: bool,
}

impl Scheme {
    fn port(self) -> u16 {
        if self.tls { 443 } else { 80 }
    }
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// How.
    pub scheme: Scheme,
    /// Name or address, an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
}

impl BaseUrl {
    /// The Host header field (RFC 9110, section 7.2): the port is left out when it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.port() { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for BaseUrl {
    type Err = LoadError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let error = |why: &str| LoadError::Url { url: url.to_owned(), why: why.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| error("has no scheme"))?;
        let scheme = match scheme {
            "http" => Scheme { tls: false, websocket: false },
            "https" => Scheme { tls: true, websocket: false },
            "ws" => Scheme { tls: false, websocket: true },
            "wss" => Scheme { tls: true, websocket: true },
            _ => return Err(error(&format!("the scheme `{scheme}` is not supported"))),
        };
        if rest.chars().any(|c| c.is_ascii_control() || c == ' ') {
            return Err(error("has a blank in it"));
        }
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(error("user names and passwords in an address are not supported"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| error("has a `[` without `]`"))?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() {
            return Err(error("has no host"));
        }
        let port = match port {
            None => scheme.port(),
            Some(digits) => match digits.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(error(&format!("`{digits}` is no port"))),
            },
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        // A fragment is the browser's business and is never sent (RFC 9110, section 7.1).
        let path = path.split('#').next().unwrap_or("/").to_owned();
        Ok(Self { scheme, host: host.to_owned(), port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_into_host_port_and_path() {
        let parse = |url: &str| url.parse::<BaseUrl>().unwrap();
        let url = parse("http://www.foobar.com/api/orders?x=1#top");
        assert_eq!(
            (url.host.as_str(), url.port, url.path.as_str()),
            ("www.foobar.com", 80, "/api/orders?x=1")
        );
        assert_eq!(url.authority(), "www.foobar.com");
        let url = parse("http://[::1]:8080?q");
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("::1", 8080, "/?q"));
        assert_eq!(url.authority(), "[::1]:8080");
        assert_eq!(parse("http://h").path, "/");
        let url = parse("wss://h/echo");
        assert!(url.scheme.tls && url.scheme.websocket);
        assert_eq!((url.port, url.authority().as_str()), (443, "h"));
        assert_eq!(parse("https://h:80/").authority(), "h:80");
    }

    #[test]
    fn what_is_no_address_is_said_with_the_way_to_write_one() {
        for (url, expected) in [
            ("localhost:8080", "no scheme"),
            ("ftp://x", "`ftp`"),
            ("http://", "no host"),
            ("http://x:99999", "no port"),
            ("http://x:0", "no port"),
            ("http://[::1", "without `]`"),
            ("http://user:pw@x/", "passwords"),
            ("http://x/a b", "blank"),
            ("http://a b/", "blank"),
            ("http://x\r\nX-Y: z/", "blank"),
        ] {
            let error = url.parse::<BaseUrl>().unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("write http://"), "{error}");
        }
    }
}
