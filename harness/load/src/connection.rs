//! One connection slot: a socket that comes and goes, and at most one request on it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use model::Outcome;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, connect, send, socket_with, sockopt};

use crate::arrivals::Arrival;
use crate::codec::{Event, ResponseParser};
use crate::ways::Ways;

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) arrival: Arrival,
    /// When it was handed to the kernel, from the start of the load; for a new connection, when that was begun.
    pub(crate) sent: Duration,
}

/// What a slot says after it was looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is decided.
    Waiting,
    /// The request on it has ended like this.
    Ended(Outcome),
    /// The connection was lost while it carried nothing.
    Lost,
}

/// A place for a connection.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    socket: Option<OwnedFd>,
    connected: bool,
    pub(crate) in_flight: Option<InFlight>,
    out: Vec<u8>,
    written: usize,
    parser: ResponseParser,
    keep: bool,
    /// Requests that it has carried, over all its sockets.
    pub(crate) carried: u64,
    /// Counts sockets, so that what belonged to an earlier one is known as such.
    pub(crate) generation: u32,
}

/// Bytes that went over the slots of a worker, and connections that they opened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) opened: u64,
}

impl Connection {
    /// A slot without a socket; with `keep` a connection serves more than one request.
    pub(crate) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Begins to connect. The socket is to be watched by the caller.
    pub(crate) fn connect(&mut self, address: &SocketAddr) -> Result<&OwnedFd, Errno> {
        self.close();
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        // Requests are single writes: waiting for more to send would only add latency.
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(errno) => return Err(errno),
        }
        self.connected = false;
        Ok(self.socket.insert(socket))
    }

    /// Gives up the socket and what was on it.
    pub(crate) fn close(&mut self) {
        self.socket = None;
        self.connected = false;
        self.in_flight = None;
        self.generation = self.generation.wrapping_add(1);
    }

    /// Puts a request on the connection; `render` writes its bytes. It is sent as soon as the connection stands.
    pub(crate) fn assign(&mut self, in_flight: InFlight, to_head: bool, render: impl FnOnce(&mut Vec<u8>)) {
        render(&mut self.out);
        self.written = 0;
        self.parser.begin(to_head);
        self.in_flight = Some(in_flight);
        self.carried += 1;
    }

    /// Writes what can be written.
    pub(crate) fn write(&mut self, traffic: &mut Traffic) -> Progress {
        let Some(socket) = self.socket.as_ref().filter(|_| self.connected) else { return Progress::Waiting };
        while self.in_flight.is_some() && self.written < self.out.len() {
            match send(socket, &self.out[self.written..], SendFlags::NOSIGNAL) {
                Ok(written) => {
                    self.written += written;
                    traffic.sent += written as u64;
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return self.fail(errno),
            }
        }
        Progress::Waiting
    }

    /// The socket became writable: it is connected, or has room again.
    pub(crate) fn writable(&mut self, traffic: &mut Traffic) -> Progress {
        let Some(socket) = &self.socket else { return Progress::Waiting };
        if !self.connected {
            match sockopt::socket_error(socket) {
                Ok(Ok(())) => {
                    self.connected = true;
                    traffic.opened += 1;
                }
                Ok(Err(errno)) | Err(errno) => return self.fail(errno),
            }
        }
        self.write(traffic)
    }

    /// The socket became readable, or was closed by the other side (`hung_up`), and then there is more to read than its
    /// bytes. `ways` is told which way the answer took.
    pub(crate) fn readable(
        &mut self,
        hung_up: bool,
        buffer: &mut [u8],
        traffic: &mut Traffic,
        ways: &mut Ways,
    ) -> Progress {
        loop {
            let Some(socket) = self.socket.as_ref().filter(|_| self.connected) else {
                return Progress::Waiting;
            };
            let read = match rustix::io::read(socket, &mut *buffer) {
                Ok(read) => read,
                Err(Errno::AGAIN) => return Progress::Waiting,
                Err(Errno::INTR) => continue,
                Err(errno) => return self.fail(errno),
            };
            if read == 0 {
                return self.closed_by_peer(ways);
            }
            traffic.received += read as u64;
            if self.in_flight.is_none() {
                // Nobody asked for it.
                self.close();
                return Progress::Lost;
            }
            match self.parser.read(&buffer[..read]) {
                // Less than there was room for is all there is (`epoll(7)`), and the next edge will tell.
                Ok(Event::Partial) if read < buffer.len() && !hung_up => return Progress::Waiting,
                Ok(Event::Partial) => {}
                Ok(Event::Complete { status, reusable }) => {
                    ways.add(self.parser.served_by());
                    // An answer before the request was written out leaves the connection in no known state.
                    let whole = self.written == self.out.len();
                    self.in_flight = None;
                    if !(reusable && whole && self.keep) {
                        self.close();
                    }
                    return Progress::Ended(Outcome::Answered { status });
                }
                Err(_) => {
                    self.close();
                    return Progress::Ended(Outcome::Malformed);
                }
            }
        }
    }

    fn closed_by_peer(&mut self, ways: &mut Ways) -> Progress {
        let carried = self.in_flight.is_some();
        let complete = self.parser.closed();
        if carried && complete.is_some() {
            ways.add(self.parser.served_by());
        }
        self.close();
        match (carried, complete) {
            (false, _) => Progress::Lost,
            (true, Some(status)) => Progress::Ended(Outcome::Answered { status }),
            (true, None) => Progress::Ended(Outcome::Reset),
        }
    }

    fn fail(&mut self, errno: Errno) -> Progress {
        let carried = self.in_flight.is_some();
        self.close();
        if carried { Progress::Ended(outcome_of(errno)) } else { Progress::Lost }
    }
}

/// What an error of the socket means for the request on it.
pub(crate) fn outcome_of(errno: Errno) -> Outcome {
    match std::io::Error::from(errno).kind() {
        ErrorKind::ConnectionRefused => Outcome::Refused,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Outcome::Reset,
        ErrorKind::TimedOut => Outcome::TimedOut,
        _ => Outcome::Other,
    }
}
