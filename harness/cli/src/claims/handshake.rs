//! Which versions of TLS the public service speaks, and whether a certificate for another name is refused.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use targets::claims::{Handshake, TlsVersion};

use super::figures::Figures;
use super::judge::{Judge, list};
use super::testbed::{Asked, Testbed, only};
use crate::failure::{Code, Failure, OrFail};

const PATIENCE: Duration = Duration::from_secs(3);
const RATE: f64 = 10.0;
const LENGTH: Duration = Duration::from_secs(2);
/// Fewer requests say nothing about certificates.
const FEWEST: f64 = 10.0;

/// Suites that each of these versions has, those for either kind of key.
const SUITES: [u16; 7] = [
    0xc02b, // ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289)
    0xc02f, // ECDHE_RSA_WITH_AES_128_GCM_SHA256
    0xc023, // ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
    0xc009, // ECDHE_ECDSA_WITH_AES_128_CBC_SHA (RFC 4492), which TLS 1.0 has too
    0xc013, // ECDHE_RSA_WITH_AES_128_CBC_SHA
    0xc00a, // ECDHE_ECDSA_WITH_AES_256_CBC_SHA
    0x002f, // RSA_WITH_AES_128_CBC_SHA (RFC 5246)
];

/// How a server answers a ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// By a ServerHello.
    Accepted,
    /// By an alert, or by hanging up.
    Refused,
    /// Not at all, or by something else.
    Neither,
}

fn name_of(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V10 => "TLS 1.0",
        TlsVersion::V11 => "TLS 1.1",
        TlsVersion::V12 => "TLS 1.2",
    }
}

fn wire(version: TlsVersion) -> [u8; 2] {
    match version {
        TlsVersion::V10 => [3, 1],
        TlsVersion::V11 => [3, 2],
        TlsVersion::V12 => [3, 3],
    }
}

pub(crate) fn measure(handshake: &Handshake, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let (client, public) = (bed.client()?, bed.public()?);
    for version in handshake.refuses.iter().copied().chain([TlsVersion::V12]) {
        let name = &bed.inventory.public_name;
        let answer =
            reach::within(&client.reach, || greet(public, version, name)).or_fail(Code::Environment)?;
        let figure = name_of(version);
        match answer {
            Ok(Answer::Accepted) => figures.set(&format!("{figure}_accepted"), 1.0),
            Ok(Answer::Refused) => figures.set(&format!("{figure}_accepted"), 0.0),
            Ok(Answer::Neither) => figures.doubt(format!("{figure}: the answer is neither yes nor no")),
            Err(error) => figures.doubt(format!("{figure} could not be tried: {error}")),
        }
    }
    let usual = Asked { scenario: only("page"), rate_hz: RATE, ..Asked::usual("verified", LENGTH) };
    let good = bed.load(&usual, &mut figures)?.summary.requests;
    figures.count("verified_good_requests", good.good);
    figures.count("verified_requests", good.due);
    let other = Asked {
        scenario: only("page"),
        rate_hz: RATE,
        server_name: Some("another.example"),
        // It is to fail, and not because the design does.
        warm_up: Some(Duration::ZERO),
        ..Asked::usual("other-name", LENGTH)
    };
    let wrong = bed.load(&other, &mut figures)?.summary.requests;
    figures.count("other_name_good_requests", wrong.good);
    figures.count("other_name_requests", wrong.due);
    Ok(figures)
}

/// Sends a ClientHello of this version and looks at what comes back.
fn greet(to: SocketAddr, version: TlsVersion, name: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&hello(version, name))?;
    let mut answer = [0; 6];
    match stream.read_exact(&mut answer) {
        Ok(()) => Ok(read(&answer)),
        Err(error)
            if [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset].contains(&error.kind()) =>
        {
            Ok(Answer::Refused)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Answer::Neither),
        Err(error) => Err(error),
    }
}

/// The first bytes of an answer: a record's type and version, and the type of the message in it (RFC 5246, 6.2 and 7.4).
fn read(answer: &[u8; 6]) -> Answer {
    match answer {
        [22, 3, _, _, _, 2] => Answer::Accepted,
        [21, 3, ..] => Answer::Refused,
        _ => Answer::Neither,
    }
}

/// A ClientHello (RFC 5246, section 7.4.1.2), written out since no library offers versions that are long withdrawn.
fn hello(version: TlsVersion, name: &str) -> Vec<u8> {
    let version = wire(version);
    let mut body = version.to_vec();
    // Its randomness protects nothing here: nothing is said after it.
    body.extend([0x42; 32]);
    body.push(0);
    body.extend(counted(&SUITES.map(u16::to_be_bytes).concat()));
    body.extend([1, 0]);
    let host = [&[0][..], &counted(name.as_bytes())].concat();
    let extensions = [
        extension(0, &counted(&host)),
        // Curves x25519 and secp256r1, uncompressed points (RFC 8422).
        extension(10, &counted(&[0, 29, 0, 23])),
        extension(11, &[1, 0]),
        // ECDSA and RSA with SHA-256 and SHA-1.
        extension(13, &counted(&[4, 3, 4, 1, 2, 3, 2, 1, 8, 4])),
    ]
    .concat();
    body.extend(counted(&extensions));
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &counted(&message)].concat()
}

fn extension(number: u8, data: &[u8]) -> Vec<u8> {
    [&[0, number][..], &counted(data)].concat()
}

/// Bytes with their number before them.
fn counted(data: &[u8]) -> Vec<u8> {
    [&u16::try_from(data.len()).unwrap_or_default().to_be_bytes()[..], data].concat()
}

pub(crate) fn judge<'a>(handshake: &Handshake, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    if let Some(accepted) = judge.need("tls_1_2_accepted") {
        judge.trust(accepted > 0.0, "TLS 1.2 is refused too, so the question may be put badly");
    }
    let mut refused = Vec::new();
    for version in &handshake.refuses {
        let name = name_of(*version);
        match judge.need(&format!("{name}_accepted")) {
            Some(0.0) => refused.push(name),
            Some(_) => judge.expect(false, format!("{name} is accepted")),
            None => {}
        }
    }
    judge.say(format!("{} refused, TLS 1.2 accepted", list(&refused)));
    let (good, due) = (judge.need("verified_good_requests"), judge.need("verified_requests"));
    if let (Some(good), Some(due)) = (good, due) {
        judge.trust(due >= FEWEST, format!("only {due:.0} requests were sent"));
        judge.expect(
            good >= due,
            format!("{:.0} of {due:.0} requests with the right name failed", due - good),
        );
    }
    let (good, due) = (judge.need("other_name_good_requests"), judge.need("other_name_requests"));
    if let (Some(good), Some(due)) = (good, due) {
        judge.trust(due >= FEWEST, format!("only {due:.0} requests were sent for another name"));
        judge.expect(good == 0.0, format!("{good:.0} requests for another name were answered"));
        judge.say(format!(
            "the certificate is verified: of {due:.0} requests for another name {good:.0} were answered"
        ));
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(old: f64, new: f64, good: f64, other: f64) -> Figures {
        let mut figures = Figures::default();
        for (name, value) in [
            ("tls_1_0_accepted", old),
            ("tls_1_2_accepted", new),
            ("verified_requests", 20.0),
            ("verified_good_requests", good),
            ("other_name_requests", 20.0),
            ("other_name_good_requests", other),
        ] {
            figures.set(name, value);
        }
        figures
    }

    fn verdict(old: f64, new: f64, good: f64, other: f64) -> &'static str {
        judge(&Handshake { refuses: vec![TlsVersion::V10] }, &figures(old, new, good, other)).verdict()
    }

    #[test]
    fn old_versions_and_other_names_must_be_refused_while_the_right_ones_are_not() {
        assert_eq!(verdict(0.0, 1.0, 20.0, 0.0), "holds");
        assert_eq!(verdict(1.0, 1.0, 20.0, 0.0), "does not hold");
        assert_eq!(verdict(0.0, 1.0, 19.0, 0.0), "does not hold");
        assert_eq!(verdict(0.0, 1.0, 20.0, 1.0), "does not hold");
        // A server that refuses everything proves nothing.
        assert_eq!(verdict(0.0, 0.0, 20.0, 0.0), "unknown");
    }

    #[test]
    fn a_hello_counts_its_own_bytes() {
        let hello = hello(TlsVersion::V10, "www.foobar.com");
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
        assert_eq!(u32::from_be_bytes([0, hello[6], hello[7], hello[8]]) as usize, hello.len() - 9);
        assert_eq!((hello[0], hello[5], &hello[9..11]), (22, 1, &[3, 1][..]));
        assert!(hello.windows(14).any(|bytes| bytes == b"www.foobar.com"));
    }

    #[test]
    fn an_answer_is_told_by_its_first_bytes() {
        assert_eq!(read(&[22, 3, 3, 0, 80, 2]), Answer::Accepted);
        assert_eq!(read(&[21, 3, 1, 0, 2, 2]), Answer::Refused);
        assert_eq!(read(b"HTTP/1"), Answer::Neither);
    }
}
