//! Which TCP ports of an address answer: a connection is tried to each, many at a time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, socket, sockopt,
};

/// Tried at once.
const AT_ONCE: usize = 500;
/// In a lab an open port answers within a fraction of a millisecond; a filtered one never does.
const ANSWER: Duration = Duration::from_millis(400);

/// What became of the attempts at one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Ports that took the connection.
    pub(crate) open: Vec<u16>,
    /// How many refused: the packet arrived and nothing listens.
    pub(crate) refused: u64,
    /// How many did not answer at all.
    pub(crate) silent: u64,
}

/// Tries every port from the calling thread's network.
pub(crate) fn scan(address: IpAddr, ports: impl Iterator<Item = u16>) -> io::Result<Found> {
    let ports: Vec<u16> = ports.collect();
    let mut found = Found::default();
    for batch in ports.chunks(AT_ONCE) {
        let mut pending: Vec<(u16, OwnedFd)> = Vec::with_capacity(batch.len());
        for port in batch {
            let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let socket = socket(family, SockType::Stream, flags, None)?;
            let to = SockaddrStorage::from(SocketAddr::new(address, *port));
            match connect(socket.as_raw_fd(), &to) {
                Err(Errno::EINPROGRESS) => pending.push((*port, socket)),
                result => found.take(*port, result),
            }
        }
        settle(pending, &mut found)?;
    }
    found.open.sort_unstable();
    Ok(found)
}

impl Found {
    fn take(&mut self, port: u16, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.open.push(port),
            Err(Errno::ECONNREFUSED) => self.refused += 1,
            Err(_) => self.silent += 1,
        }
    }
}

/// Waits until each has an answer or the time for answers is over.
fn settle(mut pending: Vec<(u16, OwnedFd)>, found: &mut Found) -> io::Result<()> {
    let give_up = Instant::now() + ANSWER;
    while !pending.is_empty() {
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            found.silent += pending.len() as u64;
            return Ok(());
        }
        let mut fds: Vec<PollFd<'_>> =
            pending.iter().map(|(_, socket)| PollFd::new(socket.as_fd(), PollFlags::POLLOUT)).collect();
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> =
            fds.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect();
        let mut still = Vec::new();
        for ((port, socket), ready) in pending.into_iter().zip(ready) {
            if !ready {
                still.push((port, socket));
                continue;
            }
            let error = getsockopt(&socket, sockopt::SocketError)?;
            found.take(port, if error == 0 { Ok(()) } else { Err(Errno::from_raw(error)) });
        }
        pending = still;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_port_that_listens_is_open_and_one_that_does_not_refuses() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = listener.local_addr().unwrap().port();
        // Bound but not listening, so that nobody else can open it meanwhile.
        let flags = SockFlag::SOCK_CLOEXEC;
        let closed = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        let any = SockaddrStorage::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        nix::sys::socket::bind(closed.as_raw_fd(), &any).unwrap();
        let own: SockaddrStorage = nix::sys::socket::getsockname(closed.as_raw_fd()).unwrap();
        let refusing = own.as_sockaddr_in().unwrap().port();
        let found = scan(Ipv4Addr::LOCALHOST.into(), [open, refusing].into_iter()).unwrap();
        assert_eq!(found, Found { open: vec![open], refused: 1, silent: 0 });
    }
}
