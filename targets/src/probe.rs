//! Readiness, asked in each part's own protocol from within its node.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::Reach;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::certificates::authority_file;
use crate::part::Ready;

/// How long one question may take. A part that needs longer is not ready.
const QUESTION: Duration = Duration::from_secs(2);

/// Asks once. `Err` says what was answered instead, for the message when the deadline passes.
///
/// # Errors
///
/// When the part does not do its work yet.
pub(crate) fn ask(ready: &Ready, reach: &Reach, address: IpAddr) -> Result<(), String> {
    match ready {
        Ready::Http { http, authority } => reach::within(reach, || get_by(http, Path::new(authority)))
            .unwrap_or_else(|error| Err(error.to_string()))
            .map(drop),
        Ready::Dns { dns } => {
            let server = SocketAddr::new(address, 53);
            reach::within(reach, || ask_dns(dns, server)).unwrap_or_else(|error| Err(error.to_string()))
        }
        Ready::Sql { sql, socket } => ask_sql(sql, socket),
        Ready::Command { command } => ask_command(command, reach),
    }
}

/// The body of the answer to GET `url` in the node's network, where `url` has an address for a host. A server that speaks
/// TLS must show a certificate of the lab's authority. At most 64 KiB.
///
/// Asks by itself: a client's process costs more than a small node's share of a core by its start alone, and what is asked
/// again and again under load would be held up by those who ask.
///
/// # Errors
///
/// When it cannot be asked, or answers with a status other than 2xx; in words.
pub fn get(reach: &Reach, url: &str) -> Result<String, String> {
    reach::within(reach, || get_by(url, &authority_file())).unwrap_or_else(|error| Err(error.to_string()))
}

/// The body of the answer, if its status is 2xx.
fn get_by(url: &str, ca: &Path) -> Result<String, String> {
    let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(format!("`{url}` is no http:// or https:// address")),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port = if secure { 443 } else { 80 };
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
    let address: SocketAddr = with_port.parse().map_err(|_| format!("`{with_port}` is no ADDRESS:PORT"))?;
    let question = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    let answer = (|| -> io::Result<String> {
        let stream = TcpStream::connect_timeout(&address, QUESTION)?;
        stream.set_read_timeout(Some(QUESTION))?;
        stream.set_write_timeout(Some(QUESTION))?;
        if secure {
            answer_to(StreamOwned::new(tls_to(address.ip(), ca)?, stream), &question)
        } else {
            answer_to(stream, &question)
        }
    })()
    .map_err(|error| format!("GET {url}: {error}"))?;
    let status = answer.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with('2') => {
            Ok(answer.split_once("\r\n\r\n").unwrap_or_default().1.to_owned())
        }
        _ => Err(format!("GET {url}: {status}")),
    }
}

fn ask_command(command: &[String], reach: &Reach) -> Result<(), String> {
    let output = reach::run(reach, command, QUESTION).map_err(|error| error.to_string())?;
    if output.success() { Ok(()) } else { Err(format!("{}: {}", command.join(" "), output.complaint())) }
}

fn answer_to(mut stream: impl Read + Write, question: &str) -> io::Result<String> {
    stream.write_all(question.as_bytes())?;
    let mut answer = Vec::new();
    // All is read, so that the server sees no reset. Over TLS some servers end without saying so first.
    match stream.take(64 * 1024).read_to_end(&mut answer) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A client for the server at `address`, which must show a certificate for it by the authority in the PEM file `ca`.
fn tls_to(address: IpAddr, ca: &Path) -> io::Result<ClientConnection> {
    let mut roots = RootCertStore::empty();
    let unreadable = |error| io::Error::other(format!("authority {}: {error}", ca.display()));
    for certificate in CertificateDer::pem_file_iter(ca).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::IpAddress(address.into())).map_err(io::Error::other)
}

/// Runs outside the node's cgroups, so that asking costs the node only what its server spends on the answer.
fn ask_sql(sql: &str, socket: &str) -> Result<(), String> {
    let argv: Vec<String> = [
        "mariadb",
        "--no-defaults",
        "--socket",
        socket,
        "--user",
        "root",
        "--skip-column-names",
        "--batch",
        "--execute",
        sql,
    ]
    .map(str::to_owned)
    .to_vec();
    let output = reach::run(&Reach::Local, &argv, QUESTION).map_err(|error| error.to_string())?;
    match output.stdout.lines().last().map(str::trim) {
        Some("1") if output.success() => Ok(()),
        _ => Err(format!("{sql}: {} {}", output.stdout.trim(), output.complaint())),
    }
}

/// Asks for an A record (RFC 1035, section 4) over UDP.
fn ask_dns(name: &str, server: SocketAddr) -> Result<(), String> {
    let error = |error: std::io::Error| format!("A {name} at {server}: {error}");
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(error)?;
    socket.set_read_timeout(Some(QUESTION)).map_err(error)?;
    socket.connect(server).map_err(error)?;
    socket.send(&dns_question(name)).map_err(error)?;
    let mut answer = [0u8; 512];
    let length = socket.recv(&mut answer).map_err(error)?;
    // Header: id, flags with the response code in the last 4 bits, then four counts; the second counts answers.
    match answer.get(..12) {
        Some(header) if length >= 12 && header[3] & 0x0f == 0 && (header[6], header[7]) != (0, 0) => Ok(()),
        Some(header) => Err(format!("A {name} at {server}: response code {}, no answer", header[3] & 0x0f)),
        None => Err(format!("A {name} at {server}: a truncated answer")),
    }
}

fn dns_question(name: &str) -> Vec<u8> {
    const RECURSION_DESIRED: u8 = 0x01;
    let mut question = vec![0x42, 0x4f, RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        // Labels are at most 63 bytes; a longer one makes the server answer with an error, which is shown.
        question.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        question.extend_from_slice(label.as_bytes());
    }
    question.extend_from_slice(&[0, 0, 1, 0, 1]);
    question
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;
    use testserver::Authority;

    const BODY: &str = "two\r\n\r\nparts";

    fn http_server(status: &'static str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || answer(listener.accept().unwrap().0, status).unwrap());
        format!("http://{address}/health")
    }

    fn answer(mut stream: impl Read + Write, status: &str) -> io::Result<()> {
        // The whole question: a server that closes with bytes unread resets the connection.
        let mut question = Vec::new();
        while !question.ends_with(b"\r\n\r\n") {
            let mut byte = [0u8];
            stream.read_exact(&mut byte)?;
            question.push(byte[0]);
        }
        write!(stream, "HTTP/1.0 {status}\r\nConnection: close\r\n\r\n{BODY}")
    }

    /// Asks a server that shows a certificate for `name` of `server`'s authority, believing in `client`'s.
    fn ask_tls(name: &str, server: &Authority, client: &Authority) -> Result<(), String> {
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), client.certificate()).unwrap();
        let config = server.server(name, false, &["http/1.1"]);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let http = format!("https://{}/health", listener.local_addr().unwrap());
        thread::spawn(move || {
            let connection = rustls::ServerConnection::new(config).unwrap();
            // A client that does not believe it goes away, which is not this side's affair.
            let _ = answer(StreamOwned::new(connection, listener.accept().unwrap().0), "200 OK");
        });
        let ready = Ready::Http { http, authority: ca.path().display().to_string() };
        ask(&ready, &Reach::Local, Ipv4Addr::LOCALHOST.into())
    }

    #[test]
    fn the_body_is_what_comes_after_the_header_of_an_answer_of_success() {
        assert_eq!(get(&Reach::Local, &http_server("200 OK")).unwrap(), BODY);
        let refused = get(&Reach::Local, &http_server("503 Service Unavailable")).unwrap_err();
        assert!(refused.contains("503"), "{refused}");
    }

    #[test]
    fn a_part_that_speaks_tls_must_show_a_certificate_for_its_address() {
        let (authority, other) = (Authority::new(), Authority::new());
        assert_eq!(ask_tls("127.0.0.1", &authority, &authority), Ok(()));
        assert!(ask_tls("127.0.0.2", &authority, &authority).unwrap_err().contains("certificate"));
        assert!(ask_tls("127.0.0.1", &authority, &other).unwrap_err().contains("certificate"));
        let nowhere = Ready::Http { http: "https://127.0.0.1:1/".into(), authority: "/no/such/file".into() };
        assert!(ask(&nowhere, &Reach::Local, Ipv4Addr::LOCALHOST.into()).is_err());
    }

    #[test]
    fn a_part_is_ready_when_its_health_check_says_so() {
        let ask_status = |status| {
            let ready = Ready::Http { http: http_server(status), authority: String::new() };
            ask(&ready, &Reach::Local, Ipv4Addr::LOCALHOST.into())
        };
        assert_eq!(ask_status("200 OK"), Ok(()));
        assert!(ask_status("503 Service Unavailable").unwrap_err().contains("503"));
        let closed = Ready::Http { http: "http://127.0.0.1:1/".into(), authority: String::new() };
        assert!(ask(&closed, &Reach::Local, Ipv4Addr::LOCALHOST.into()).unwrap_err().contains("refused"));
    }

    #[test]
    fn a_name_server_is_ready_when_it_gives_an_address() {
        let answer_with = |flags: u8, answers: u8| {
            let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = server.local_addr().unwrap();
            thread::spawn(move || {
                let mut question = [0u8; 512];
                let (length, client) = server.recv_from(&mut question).unwrap();
                question[3] = flags;
                question[7] = answers;
                server.send_to(&question[..length], client).unwrap();
            });
            ask_dns("www.foobar.com", address)
        };
        assert_eq!(answer_with(0, 1), Ok(()));
        assert!(answer_with(3, 0).unwrap_err().contains("response code 3"));
    }

    #[test]
    fn a_question_is_framed_as_rfc_1035_says() {
        let question = dns_question("a.bc");
        assert_eq!(&question[12..], [1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
    }
}
