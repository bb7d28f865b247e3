//! Bytes over a socket, in clear or by TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;

use model::Outcome;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::ClientConnection;

/// Ciphertext read at once. With what may wait of an unfinished record (16 KiB) it decrypts to less than [`PLAIN`].
const CIPHER: usize = 32 * 1024;
/// Plain bytes read at once.
const PLAIN: usize = 64 * 1024;

/// Where bytes are read to; one for each worker.
pub(crate) struct Scratch {
    plain: Vec<u8>,
    cipher: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { plain: vec![0; PLAIN], cipher: vec![0; CIPHER] }
    }
}

impl Scratch {
    /// What the last read brought.
    pub(crate) fn read(&self, length: usize) -> &[u8] {
        &self.plain[..length]
    }
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    System(Errno),
    /// What TLS says is wrong.
    Tls(String),
}

impl Fault {
    /// What it means for a request on the connection.
    pub(crate) fn outcome(&self) -> Outcome {
        let errno = match self {
            Fault::System(errno) => *errno,
            Fault::Tls(_) => return Outcome::Tls,
        };
        match io::Error::from(errno).kind() {
            ErrorKind::ConnectionRefused => Outcome::Refused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Outcome::Reset
            }
            ErrorKind::TimedOut => Outcome::TimedOut,
            _ => Outcome::Other,
        }
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Fault::System(errno)
    }
}

impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        Fault::Tls(error.to_string())
    }
}

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Bytes in the scratch; 0 when the other side has closed.
    pub(crate) length: usize,
    /// Whether there may be more without another word from the kernel.
    pub(crate) more: bool,
}

const CLOSED: Chunk = Chunk { length: 0, more: false };

/// A socket and what is spoken on it.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(OwnedFd),
    Tls(Box<TlsWire>),
}

#[derive(Debug)]
pub(crate) struct TlsWire {
    socket: OwnedFd,
    session: ClientConnection,
    /// The other side has said that nothing more comes.
    ended: bool,
}

impl Wire {
    pub(crate) fn new(socket: OwnedFd, session: Option<ClientConnection>) -> Self {
        match session {
            None => Wire::Plain(socket),
            Some(mut session) => {
                // What is sent was rendered and is bounded already.
                session.set_buffer_limit(None);
                Wire::Tls(Box::new(TlsWire { socket, session, ended: false }))
            }
        }
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        match self {
            Wire::Plain(socket) => socket,
            Wire::Tls(wire) => &wire.socket,
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Wire::Tls(_))
    }

    /// Moves the TLS handshake on as far as it goes now. Whether it is complete; without TLS it always is.
    pub(crate) fn shake(&mut self, scratch: &mut Scratch) -> Result<bool, Fault> {
        match self {
            Wire::Plain(_) => Ok(true),
            Wire::Tls(wire) => wire.shake(scratch),
        }
    }

    /// The protocol that both sides agreed on (ALPN), once the handshake is complete.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        match self {
            Wire::Plain(_) => None,
            Wire::Tls(wire) => wire.session.alpn_protocol(),
        }
    }

    /// Sends what can be sent now; how many bytes were taken.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        match self {
            Wire::Plain(socket) => Ok(send_some(socket, bytes)?),
            Wire::Tls(wire) => wire.send(bytes),
        }
    }

    /// Sends what TLS still holds.
    pub(crate) fn flush(&mut self) -> Result<(), Fault> {
        match self {
            Wire::Plain(_) => Ok(()),
            Wire::Tls(wire) => wire.flush(),
        }
    }

    /// Reads what has come; `None` when there is nothing now. After a hang-up (`hung_up`) it is read to its end.
    pub(crate) fn read(&mut self, scratch: &mut Scratch, hung_up: bool) -> Result<Option<Chunk>, Fault> {
        match self {
            Wire::Plain(socket) => {
                let Some(length) = read_some(socket, &mut scratch.plain)? else { return Ok(None) };
                // Less than there was room for is all there is (`epoll(7)`), and the next edge will tell.
                Ok(Some(Chunk { length, more: length == PLAIN || hung_up }))
            }
            Wire::Tls(wire) => wire.read(scratch, hung_up),
        }
    }
}

impl TlsWire {
    fn shake(&mut self, scratch: &mut Scratch) -> Result<bool, Fault> {
        while self.session.is_handshaking() {
            self.flush()?;
            let Some(length) = read_some(&self.socket, &mut scratch.cipher)? else { return Ok(false) };
            if length == 0 {
                return Err(Fault::System(Errno::CONNRESET));
            }
            let mut left = &scratch.cipher[..length];
            while !left.is_empty() {
                self.take(&mut left)?;
            }
        }
        self.flush()?;
        Ok(true)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        // Without a limit everything is taken.
        let taken = self.session.writer().write(bytes).unwrap_or(0);
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Sending(&self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Fault::System(errno_of(&error))),
            }
        }
        Ok(())
    }

    fn read(&mut self, scratch: &mut Scratch, hung_up: bool) -> Result<Option<Chunk>, Fault> {
        // What came together with the end of the handshake.
        let mut length = self.drain(&mut scratch.plain)?;
        if length > 0 {
            return Ok(Some(Chunk { length, more: true }));
        }
        loop {
            if self.ended {
                return Ok(Some(CLOSED));
            }
            let Some(read) = read_some(&self.socket, &mut scratch.cipher)? else { return Ok(None) };
            if read == 0 {
                // Cut off without TLS's own goodbye: nobody knows whether it is all (RFC 8446, section 6.1).
                return Err(Fault::System(Errno::CONNRESET));
            }
            let mut left = &scratch.cipher[..read];
            while !left.is_empty() {
                self.take(&mut left)?;
                length += self.drain(&mut scratch.plain[length..])?;
            }
            self.flush()?;
            let more = read == CIPHER || hung_up;
            if length > 0 {
                return Ok(Some(Chunk { length, more: more || self.ended }));
            }
            if !more && !self.ended {
                return Ok(None);
            }
        }
    }

    /// Gives TLS some of the ciphertext.
    fn take(&mut self, left: &mut &[u8]) -> Result<(), Fault> {
        self.session.read_tls(left).map_err(|error| Fault::Tls(error.to_string()))?;
        let processed = self.session.process_new_packets();
        if processed.is_err() {
            // The other side is told why, if it can be.
            let _ = self.flush();
        }
        processed?;
        Ok(())
    }

    /// Takes what is decrypted.
    fn drain(&mut self, plain: &mut [u8]) -> Result<usize, Fault> {
        let mut length = 0;
        while length < plain.len() {
            match self.session.reader().read(&mut plain[length..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Fault::System(errno_of(&error))),
            }
        }
        Ok(length)
    }
}

/// Writes to a socket without a signal when it is broken.
struct Sending<'a>(&'a OwnedFd);

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match send_some(self.0, bytes) {
            Ok(0) if !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            Ok(sent) => Ok(sent),
            Err(errno) => Err(errno.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::CONNRESET)
}

/// 0 when there is no room now.
fn send_some(socket: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    loop {
        match send(socket, bytes, SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => return Ok(0),
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// `None` when there is nothing now.
fn read_some(socket: &OwnedFd, buffer: &mut [u8]) -> Result<Option<usize>, Errno> {
    loop {
        match recv(socket, &mut *buffer, RecvFlags::empty()) {
            Ok((read, _)) => return Ok(Some(read)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
