//! Names to addresses, by the system's resolver or by the DNS server of a design.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;

use crate::LoadError;
use crate::run::Enter;

/// How long a DNS server may take to answer, and how often it is asked.
const ANSWER: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// What a name was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// At least one.
    pub addresses: Vec<SocketAddr>,
    /// How long the answer holds; the system's resolver does not tell.
    pub ttl: Option<Duration>,
    /// How long it took to get.
    pub took: Duration,
    /// It was an address and no name.
    pub literal: bool,
}

/// The addresses of `host`, asked at `resolvers` when there are some: the next one when one does not answer. The asking
/// thread calls `enter` first.
///
/// # Errors
///
/// When the name does not resolve, naming it and the server that was asked.
pub fn resolve(
    host: &str,
    port: u16,
    resolvers: &[SocketAddr],
    enter: Enter,
) -> Result<Vec<SocketAddr>, LoadError> {
    lookup(host, port, resolvers, enter).map(|resolved| resolved.addresses)
}

pub(crate) fn lookup(
    host: &str,
    port: u16,
    resolvers: &[SocketAddr],
    enter: Enter,
) -> Result<Resolved, LoadError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        let addresses = vec![SocketAddr::new(address, port)];
        return Ok(Resolved { addresses, ttl: None, took: Duration::ZERO, literal: true });
    }
    let (name, servers) = (host.to_owned(), resolvers.to_vec());
    let began = Instant::now();
    let asked = thread::spawn(move || {
        enter().map_err(|error| error.to_string())?;
        if servers.is_empty() {
            return ask_system(&name, port).map_err(|error| error.to_string());
        }
        ask(&name, port, &servers)
    });
    let error = |why: String| LoadError::Resolve { host: host.to_owned(), servers: resolvers.to_vec(), why };
    let (addresses, ttl) = asked.join().map_err(|_| LoadError::Panicked)?.map_err(error)?;
    if addresses.is_empty() {
        return Err(error("it has no address".to_owned()));
    }
    Ok(Resolved { addresses, ttl, took: began.elapsed(), literal: false })
}

type Answer = (Vec<SocketAddr>, Option<Duration>);

fn ask_system(host: &str, port: u16) -> io::Result<Answer> {
    Ok(((host, port).to_socket_addrs()?.collect(), None))
}

/// One server after the other and then all of them once more, as a user's own resolver does (resolv.conf(5)). Each has
/// its own time: hickory would give all of them together what one may take, and so never come to the second one when the
/// first is silent.
fn ask(host: &str, port: u16, servers: &[SocketAddr]) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    // The root's dot keeps search domains out of it.
    let name = if host.ends_with('.') { host.to_owned() } else { format!("{host}.") };
    runtime.block_on(async {
        let mut reasons = Vec::new();
        for _ in 0..ATTEMPTS {
            reasons.clear();
            for server in servers {
                match ask_one(&name, port, *server).await {
                    Ok(answer) => return Ok(answer),
                    // That there is no such name is an answer too.
                    Err(error @ NetError::Dns(DnsError::NoRecordsFound(_))) => return Err(error.to_string()),
                    Err(error) => reasons.push(format!("{server}: {error}")),
                }
            }
        }
        Err(reasons.join("; "))
    })
}

async fn ask_one(name: &str, port: u16, server: SocketAddr) -> Result<Answer, NetError> {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    let mut options = ResolverOpts::default();
    options.timeout = ANSWER;
    options.attempts = 0;
    // This machine's own names have nothing to do with the design's.
    options.use_hosts_file = ResolveHosts::Never;
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![config]);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()?;
    // A name that has addresses of the fourth version is reached there.
    let answer = match resolver.ipv4_lookup(name).await {
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) if none.response_code == ResponseCode::NoError => {
            resolver.ipv6_lookup(name).await?
        }
        other => other?,
    };
    let ttl = answer.answers().iter().map(|record| Duration::from_secs(record.ttl.into())).min();
    let addresses = answer.answers().iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    Ok((addresses.map(|address| SocketAddr::new(address, port)).collect(), ttl))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::Arc;

    fn stay() -> Enter {
        Arc::new(|| Ok(()))
    }

    /// Types of records: RFC 1035, section 3.2.2, and RFC 3596.
    const A: u8 = 1;
    const AAAA: u8 = 28;

    /// A DNS server that answers one question with these flags and, for no error, an A record of 192.0.2.7.
    fn dns_server(response_code: u8) -> SocketAddr {
        dns_server_of(response_code, A, &[192, 0, 2, 7])
    }

    /// One whose name has, for no error, an address of this type and no other.
    fn dns_server_of(response_code: u8, kind: u8, data: &'static [u8]) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut buffer = [0u8; 512];
            while let Ok((length, client)) = socket.recv_from(&mut buffer) {
                // The header and the first question, which ends after its name's zero byte, type and class.
                let end = 12 + buffer[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
                let mut answer = buffer[..end].to_vec();
                let answers = u8::from(response_code == 0 && buffer[end - 3] == kind);
                answer[2..12].copy_from_slice(&[0x84, response_code, 0, 1, 0, answers, 0, 0, 0, 0]);
                if answers == 1 {
                    answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 5, 0, data.len() as u8]);
                    answer.extend(data);
                }
                socket.send_to(&answer, client).unwrap();
            }
        });
        address
    }

    #[test]
    fn a_name_is_asked_at_the_designs_own_server() {
        let addresses = resolve("www.foobar.com", 80, &[dns_server(0)], stay()).unwrap();
        assert_eq!(addresses, ["192.0.2.7:80".parse().unwrap()]);
    }

    #[test]
    fn a_name_without_an_address_of_the_fourth_version_is_reached_at_one_of_the_sixth() {
        let server = dns_server_of(0, AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        let found = lookup("www.foobar.com", 80, &[server], stay()).unwrap();
        assert_eq!(found.addresses, ["[2001:db8::7]:80".parse().unwrap()]);
        assert_eq!(found.ttl, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_name_that_does_not_resolve_is_named_with_the_server() {
        const NO_SUCH_NAME: u8 = 3;
        let server = dns_server(NO_SUCH_NAME);
        let error = resolve("nowhere.example", 80, &[server], stay()).unwrap_err().to_string();
        assert!(error.contains("nowhere.example") && error.contains(&server.to_string()), "{error}");
    }

    #[test]
    fn the_next_server_is_asked_when_one_is_silent_gone_or_broken() {
        let answers = dns_server(0);
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let gone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        const SERVER_FAILURE: u8 = 2;
        for first in [silent.local_addr().unwrap(), gone, dns_server(SERVER_FAILURE)] {
            let found = lookup("www.foobar.com", 80, &[first, answers], stay()).unwrap();
            assert_eq!(found.addresses, ["192.0.2.7:80".parse().unwrap()]);
            assert!(found.took < ANSWER * 2, "the first one had its time and no more: {:?}", found.took);
        }
    }

    #[test]
    fn an_address_needs_no_asking() {
        assert_eq!(resolve("192.0.2.1", 81, &[], stay()).unwrap(), ["192.0.2.1:81".parse().unwrap()]);
    }
}
