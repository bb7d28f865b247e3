//! Where connections go to and come from.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, socket_with, sockopt,
};

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Whether connections to it may leave from `source`: both are of one family.
    pub(crate) fn can_be_reached_from(&self, source: IpAddr) -> bool {
        matches!(self, Target::Tcp(to) if to.is_ipv4() == source.is_ipv4())
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Target::Tcp(address)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Tcp(address) => address.fmt(f),
            Target::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Where requests go now. Whoever learns of other addresses during a load tells its workers here.
#[derive(Debug)]
pub struct Targets {
    list: Mutex<Arc<[Target]>>,
    version: AtomicUsize,
}

impl Targets {
    /// Connections are spread over `targets`, at least one.
    #[must_use]
    pub fn new(targets: Vec<Target>) -> Self {
        Self { list: Mutex::new(targets.into()), version: AtomicUsize::new(0) }
    }

    /// From now on connections are opened to `targets`; those that stand are left alone.
    pub fn replace(&self, targets: Vec<Target>) {
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = targets.into();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// What they are now.
    #[must_use]
    pub fn list(&self) -> Arc<[Target]> {
        Arc::clone(&self.list.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts replacements.
    pub(crate) fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }
}

impl FromIterator<SocketAddr> for Targets {
    fn from_iter<I: IntoIterator<Item = SocketAddr>>(addresses: I) -> Self {
        Self::new(addresses.into_iter().map(Target::Tcp).collect())
    }
}

/// The two ends of a connection that is to be.
#[derive(Debug, Clone)]
pub(crate) struct Address<'a> {
    pub(crate) target: &'a Target,
    /// Where it leaves from, of the target's family; the system's choice when absent.
    pub(crate) source: Option<IpAddr>,
}

/// Begins to connect without waiting for it.
pub(crate) fn begin_to_connect(address: &Address<'_>) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, begun) = match address.target {
        Target::Tcp(to) => {
            let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let socket = socket_with(family, SocketType::STREAM, flags, None)?;
            // Requests are single writes: waiting for more to send would only add latency.
            sockopt::set_tcp_nodelay(&socket, true)?;
            if let Some(from) = address.source {
                // The port is chosen when the other end is known, so that one port serves many of them (ip(7)).
                setsockopt(&socket, IpBindAddressNoPort, &true)
                    .map_err(|errno| Errno::from_raw_os_error(errno as i32))?;
                bind(&socket, &SocketAddr::new(from, 0))?;
            }
            let begun = connect(&socket, to);
            (socket, begun)
        }
        Target::Unix(path) => {
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            let begun = connect(&socket, &SocketAddrUnix::new(path)?);
            (socket, begun)
        }
    };
    match begun {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        // Nobody has bound the path (any more).
        Err(Errno::NOENT) => Err(Errno::CONNREFUSED),
        Err(errno) => Err(errno),
    }
}
