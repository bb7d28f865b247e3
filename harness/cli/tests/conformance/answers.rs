//! What becomes of a request whose answer is split, wrong, cut off or not there: it is counted under its name.

use std::net::SocketAddr;
use std::time::Duration;

use testserver::{Answer, RawServer, refusing_address};

use crate::tool::{Said, Tool};

const PAUSE: Duration = Duration::from_millis(1);
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n";
const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
const INTERIM: &[u8] =
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";

/// 25 requests in half a second.
fn load(address: SocketAddr) -> Said {
    Tool::of_environment().load(address, "--rate 50 --duration 500ms --connections 4 --timeout 5s")
}

/// All that fell due ended in this way.
#[track_caller]
fn all(what: &str, said: &Said, end: &str, due: u64) {
    assert_eq!((said.count("due"), said.count(end)), (due, due), "{what}: {}", said.summary["requests"]);
}

#[track_caller]
fn ends(end: &str, cases: &[(&str, Answer)]) {
    for (what, answer) in cases {
        let server = RawServer::start(*answer);
        all(what, &load(server.address()), end, 25);
    }
}

/// Each byte of each answer is the last of a first part for one request, and for some requests twice.
#[test]
fn an_answer_is_the_same_wherever_it_is_split() {
    for bytes in [LENGTH, CHUNKED, INTERIM] {
        let server = RawServer::start(Answer::Split(bytes, PAUSE));
        let load = "--rate 100 --duration 1s --connections 4 --timeout 5s";
        assert!(bytes.len() <= 100);
        let said = Tool::of_environment().load(server.address(), load);
        all("split", &said, "answered", 100);
        assert_eq!(said.count("good"), 100, "{:#}", said.summary);
    }
}

#[test]
fn an_unusual_answer_is_an_answer() {
    let body = "b".repeat(1 << 20);
    let long =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let fields = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(8_000));
    ends(
        "answered",
        &[
            ("a body of 1 MiB", Answer::Bytes(long.into_bytes().leak())),
            ("a header field of 8,000 bytes", Answer::Bytes(fields.into_bytes().leak())),
            ("a body until the close", Answer::Bytes(b"HTTP/1.1 200 OK\r\n\r\nbody")),
            ("a body until the half-close", Answer::HalfClose(b"HTTP/1.1 200 OK\r\n\r\nbody")),
            ("byte by byte", Answer::Drip(LENGTH, PAUSE)),
            (
                "more than its length says",
                Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger"),
            ),
        ],
    );
}

#[test]
fn what_is_not_http_is_malformed() {
    let huge = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(1 << 20));
    ends(
        "malformed",
        &[
            ("a header field of 1 MiB", Answer::Bytes(huge.into_bytes().leak())),
            ("another protocol", Answer::Bytes(b"SSH-2.0-x\r\n\r\n")),
            ("bytes that are no text", Answer::Bytes(b"\x00\xff\xfe\x15\x03\x01\r\n\r\n")),
            ("a status that is no number", Answer::Bytes(b"HTTP/1.1 abc OK\r\n\r\n")),
            ("a length that is no number", Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")),
            ("a length below 0", Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")),
            (
                "a length beyond all numbers",
                Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"),
            ),
            (
                "two lengths",
                Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            ),
            (
                "a chunk whose size is no number",
                Answer::Bytes(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nhello\r\n0\r\n\r\n",
                ),
            ),
        ],
    );
}

#[test]
fn an_answer_that_is_cut_off_is_a_reset() {
    ends(
        "reset",
        &[
            ("a close without an answer", Answer::Bytes(b"")),
            ("a close in the head", Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Le")),
            ("a close in the body", Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")),
            (
                "a close in a chunk",
                Answer::Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort"),
            ),
            (
                "a close before the last chunk",
                Answer::Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            ),
            ("a half-close without an answer", Answer::HalfClose(b"")),
            (
                "a half-close in the body",
                Answer::HalfClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
            ),
            ("a reset without an answer", Answer::Reset),
            ("a reset after the head", Answer::Abort(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")),
            ("a reset in a body until the close", Answer::Abort(b"HTTP/1.1 200 OK\r\n\r\nhel")),
        ],
    );
}

#[test]
fn an_answer_that_does_not_end_is_timed_out() {
    const DRIP: &[u8] = b"HTTP/1.1 200 OK\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let server = RawServer::start(Answer::Drip(DRIP, Duration::from_millis(50)));
    let load = "--rate 20 --duration 1s --connections 20 --timeout 300ms";
    let said = Tool::of_environment().load(server.address(), load);
    all("a slow drip", &said, "timed_out", 20);
    assert!(said.latency_us("p50") >= 299_000.0, "given up too early: {}", said.summary["latency_us"]);
}

#[test]
fn a_port_without_a_listener_is_refused() {
    all("nobody listens", &load(refusing_address()), "refused", 25);
}
