//! `http://host[:port][/path]`.

use std::str::FromStr;

use crate::LoadError;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
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
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for BaseUrl {
    type Err = LoadError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let error = |why: &str| LoadError::Url { url: url.to_owned(), why: why.to_owned() };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("https", _)) => return Err(error("https is not supported yet")),
            Some((scheme, _)) => return Err(error(&format!("the scheme `{scheme}` is not supported"))),
            None => return Err(error("has no scheme")),
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
            None => 80,
            Some(digits) => match digits.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(error(&format!("`{digits}` is no port"))),
            },
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        // A fragment is the browser's business and is never sent (RFC 9110, section 7.1).
        let path = path.split('#').next().unwrap_or("/").to_owned();
        Ok(Self { host: host.to_owned(), port, path })
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
    }

    #[test]
    fn what_is_no_address_is_said_with_the_way_to_write_one() {
        for (url, expected) in [
            ("localhost:8080", "no scheme"),
            ("https://x", "https is not supported"),
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
