//! The client's side of a WebSocket connection (RFC 6455): a message goes out, the same message comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Outcome;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::exchange::{Next, Seen};

/// What the server's answer to the key is made with (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_LIMIT: usize = 64 * 1024;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The only status that a WebSocket connection has seen: that of its upgrade.
const SWITCHING_PROTOCOLS: u16 = 101;

/// The other side does not speak WebSocket.
struct NotWebSocket;

#[derive(Debug)]
pub(crate) struct WebSocket {
    /// The upgrade request up to its key.
    head: Vec<u8>,
    /// Makes keys and masks: SplitMix64. They only have to differ, since nobody is to be protected from this client.
    random: u64,
    expected: String,
    upgraded: bool,
    /// What has come and is not a whole head or frame.
    pending: Vec<u8>,
    /// The message that is being put together.
    message: Vec<u8>,
    /// The message that is awaited.
    sent: Vec<u8>,
    waiting: bool,
    /// The connection is closed after this message.
    last: bool,
}

impl WebSocket {
    /// `head` is a request line and header lines, without the empty line at its end.
    pub(crate) fn new(head: Vec<u8>, seed: u64) -> Self {
        Self {
            head,
            random: seed,
            expected: String::new(),
            upgraded: false,
            pending: Vec::new(),
            message: Vec::new(),
            sent: Vec::new(),
            waiting: false,
            last: false,
        }
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A new connection stands: asks for the upgrade (section 4.1).
    pub(crate) fn opened(&mut self, out: &mut Vec<u8>) {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.random().to_be_bytes());
        nonce[8..].copy_from_slice(&self.random().to_be_bytes());
        let key = STANDARD.encode(nonce);
        self.expected = accept(&key);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        );
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// The connection is closed after the message that is awaited.
    pub(crate) fn drain(&mut self) {
        self.last = true;
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.upgraded
    }

    /// Sends a message, as soon as the connection is upgraded.
    pub(crate) fn begin(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.sent.clear();
        self.sent.extend_from_slice(message);
        self.waiting = true;
        if self.upgraded {
            self.send(out);
        }
    }

    fn send(&mut self, out: &mut Vec<u8>) {
        let kind = if std::str::from_utf8(&self.sent).is_ok() { TEXT } else { BINARY };
        let message = std::mem::take(&mut self.sent);
        self.frame(kind, &message, out);
        self.sent = message;
    }

    fn frame(&mut self, kind: u8, payload: &[u8], out: &mut Vec<u8>) {
        out.push(FINAL | kind);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length @ 0..126), _) => out.push(MASKED | length),
            (_, Ok(length)) => {
                out.push(MASKED | 126);
                out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                out.push(MASKED | 127);
                out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        }
        let [a, b, c, d, ..] = self.random().to_be_bytes();
        let mask = [a, b, c, d];
        out.extend_from_slice(&mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }

    /// Reads what has come, and answers what has to be.
    pub(crate) fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>, seen: &mut Seen) -> Next {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let taken = self.take(&pending, out, seen);
        self.pending = pending;
        match taken {
            Ok((taken, next)) => {
                self.pending.drain(..taken);
                next
            }
            Err(NotWebSocket) => Next::Close(Outcome::Malformed),
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        seen: &mut Seen,
    ) -> Result<(usize, Next), NotWebSocket> {
        let mut taken = 0;
        if !self.upgraded {
            match self.upgrade(bytes)? {
                Upgrade::Partial => return Ok((0, Next::Go)),
                Upgrade::Refused(status) => return Ok((0, Next::Close(Outcome::Answered { status }))),
                Upgrade::Done(length) => taken = length,
            }
            if self.waiting {
                self.send(out);
            }
        }
        while let Some(Frame { kind, last, payload, length }) = Frame::read(&bytes[taken..])? {
            taken += length;
            match kind {
                CONTINUATION | TEXT | BINARY => {
                    self.data(payload, last, seen)?;
                    if self.last && !self.waiting {
                        return Ok((taken, Next::Close(Outcome::Reset)));
                    }
                }
                CLOSE => {
                    self.frame(CLOSE, payload, out);
                    return Ok((taken, Next::Close(Outcome::Reset)));
                }
                PING => self.frame(PONG, payload, out),
                PONG => {}
                _ => return Err(NotWebSocket),
            }
        }
        Ok((taken, Next::Go))
    }

    /// The connection is gone. Whether somebody waits for a message.
    pub(crate) fn lost(&mut self) -> bool {
        self.upgraded = false;
        self.last = false;
        self.pending.clear();
        self.message.clear();
        std::mem::take(&mut self.waiting)
    }

    /// Part of a message, or the whole of it.
    fn data(&mut self, payload: &[u8], last: bool, seen: &mut Seen) -> Result<(), NotWebSocket> {
        self.message.extend_from_slice(payload);
        if self.message.len() > MESSAGE_LIMIT {
            return Err(NotWebSocket);
        }
        if !last {
            if self.waiting {
                seen.began.push(0);
            }
            return Ok(());
        }
        // A message that nobody waits for is the server's own business.
        if std::mem::take(&mut self.waiting) {
            let same = self.message == self.sent;
            let status = SWITCHING_PROTOCOLS;
            seen.ended.push((0, if same { Outcome::Answered { status } } else { Outcome::Malformed }));
        }
        self.message.clear();
        Ok(())
    }

    /// The answer to the upgrade request (section 4.1).
    fn upgrade(&mut self, bytes: &[u8]) -> Result<Upgrade, NotWebSocket> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => return Ok(Upgrade::Partial),
            _ => return Err(NotWebSocket),
        };
        let status = response.code.unwrap_or(0);
        if status != SWITCHING_PROTOCOLS {
            // A page or a redirection is no answer to what was asked for, however well it was meant.
            return if status < 400 { Err(NotWebSocket) } else { Ok(Upgrade::Refused(status)) };
        }
        let accepted =
            |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case("sec-websocket-accept");
        let answer = response.headers.iter().find(accepted).ok_or(NotWebSocket)?;
        if answer.value != self.expected.as_bytes() {
            return Err(NotWebSocket);
        }
        self.upgraded = true;
        Ok(Upgrade::Done(length))
    }
}

enum Upgrade {
    Partial,
    Refused(u16),
    Done(usize),
}

/// The server's proof that it has read the key (section 4.2.2).
fn accept(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes()))
}

struct Frame<'a> {
    kind: u8,
    /// Whether it is its message's last.
    last: bool,
    payload: &'a [u8],
    /// Of the whole frame.
    length: usize,
}

impl<'a> Frame<'a> {
    /// The first frame in `bytes`; `None` when it has not come whole (section 5.2).
    fn read(bytes: &'a [u8]) -> Result<Option<Self>, NotWebSocket> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        // Extensions were not asked for, and a server masks nothing.
        if first & 0x70 != 0 || second & MASKED != 0 {
            return Err(NotWebSocket);
        }
        let (length, head) = match second {
            126 => match rest.first_chunk::<2>() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 10),
                None => return Ok(None),
            },
            length => (u64::from(*length), 2),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= MESSAGE_LIMIT);
        let length = length.ok_or(NotWebSocket)? + head;
        let Some(payload) = bytes.get(head..length) else { return Ok(None) };
        Ok(Some(Self { kind: first & 0xf, last: first & FINAL != 0, payload, length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, u8::try_from(payload.len()).unwrap()];
        frame.extend_from_slice(payload);
        frame
    }

    fn upgraded() -> (WebSocket, Vec<u8>) {
        let mut socket = WebSocket::new(b"GET /echo HTTP/1.1\r\nHost: h\r\n".to_vec(), 1);
        let mut out = Vec::new();
        socket.opened(&mut out);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            socket.expected
        );
        (socket, answer.into_bytes())
    }

    #[test]
    fn a_message_goes_out_masked_after_the_upgrade_and_its_echo_ends_it() {
        let (mut socket, answer) = upgraded();
        let (mut out, mut seen) = (Vec::new(), Seen::default());
        socket.begin(b"hello", &mut out);
        assert!(out.is_empty(), "nothing is sent before the upgrade");
        for byte in &answer {
            assert_eq!(socket.read(&[*byte], &mut out, &mut seen), Next::Go);
        }
        assert_eq!(out[..2], [0x81, 0x85]);
        let unmasked: Vec<u8> = out[6..].iter().zip(out[2..6].iter().cycle()).map(|(b, m)| b ^ m).collect();
        assert_eq!(unmasked, b"hello");
        // In two fragments with a ping between them, which is answered.
        out.clear();
        let mut bytes = server_frame(TEXT, b"hel");
        bytes.extend(server_frame(FINAL | PING, b"?"));
        bytes.extend(server_frame(FINAL | CONTINUATION, b"lo"));
        assert_eq!(socket.read(&bytes, &mut out, &mut seen), Next::Go);
        assert_eq!(
            (seen.ended.as_slice(), out[0]),
            (&[(0, Outcome::Answered { status: 101 })][..], FINAL | PONG)
        );
    }

    #[test]
    fn another_message_than_was_sent_is_malformed() {
        let (mut socket, answer) = upgraded();
        let (mut out, mut seen) = (Vec::new(), Seen::default());
        socket.begin(b"hello", &mut out);
        socket.read(&answer, &mut out, &mut seen);
        socket.read(&server_frame(FINAL | TEXT, b"world"), &mut out, &mut seen);
        assert_eq!(seen.ended, [(0, Outcome::Malformed)]);
    }

    #[test]
    fn a_server_that_does_not_upgrade_or_does_not_prove_it_is_told_apart() {
        for (answer, expected) in [
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Outcome::Answered { status: 404 }),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Outcome::Malformed),
            ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Outcome::Malformed),
            ("HTTP/1.1 101 X\r\nSec-WebSocket-Accept: x\r\n\r\n", Outcome::Malformed),
            ("nonsense\r\n\r\n", Outcome::Malformed),
        ] {
            let (mut socket, _) = upgraded();
            let next = socket.read(answer.as_bytes(), &mut Vec::new(), &mut Seen::default());
            assert_eq!(next, Next::Close(expected), "{answer}");
        }
    }

    #[test]
    fn frames_that_no_server_sends_are_refused() {
        let masked = [0x81, 0x80, 0, 0, 0, 0];
        let compressed = [0xc1, 0];
        let unknown = [0x83, 0];
        let endless = [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255];
        for bytes in [&masked[..], &compressed, &unknown, &endless] {
            let (mut socket, answer) = upgraded();
            let (mut out, mut seen) = (Vec::new(), Seen::default());
            socket.read(&answer, &mut out, &mut seen);
            assert_eq!(socket.read(bytes, &mut out, &mut seen), Next::Close(Outcome::Malformed), "{bytes:?}");
        }
    }
}
