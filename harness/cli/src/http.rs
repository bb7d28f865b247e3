//! One request in clear to one address, for questions beside the load.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::anyhow;

/// An hour of two load balancers in front of two servers, as Prometheus tells it, is two megabytes.
const LARGEST: usize = 64 << 20;

/// Status and body of the answer to a request by HTTP/1.0 (RFC 1945): it ends with its connection, so that it is neither
/// chunked nor followed by another. The whole may take as long as `patience`.
pub(crate) fn ask(
    to: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
    patience: Duration,
) -> anyhow::Result<(u16, Vec<u8>)> {
    let answer = exchange(to, method, target, body, patience)?;
    let no_http = || anyhow!("http://{to} does not answer in HTTP");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(no_http)?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(no_http)?;
    Ok((status, answer[end + 4..].to_vec()))
}

fn exchange(
    to: SocketAddr,
    method: &str,
    target: &str,
    body: &str,
    patience: Duration,
) -> anyhow::Result<Vec<u8>> {
    let give_up = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&to, patience)?;
    stream.set_write_timeout(Some(patience))?;
    let length = body.len();
    write!(stream, "{method} {target} HTTP/1.0\r\nHost: {to}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut answer = Vec::new();
    let mut part = [0u8; 16 * 1024];
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(anyhow!("no whole answer within {patience:?}"));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => return Ok(answer),
            Ok(length) => answer.extend_from_slice(&part[..length]),
            // The time is looked at again.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        if answer.len() > LARGEST {
            return Err(anyhow!("the answer is longer than {} MiB", LARGEST >> 20));
        }
    }
}
