//! Reads the packets that pass a node's interfaces (packet(7)), and looks for a text in what TCP carries.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

/// With segmentation left to the interface, what is seen may be larger than any wire's packets.
const LARGEST: usize = 256 * 1024;
/// How soon the end of a capture is noticed.
const TURN: Duration = Duration::from_millis(50);
const TCP: u8 = 6;

/// What was seen of one direction of one connection or of many between the same ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Segments with a payload.
    pub(crate) segments: u64,
    /// Bytes of payload.
    pub(crate) bytes: u64,
    /// How often the text was found.
    pub(crate) hits: u64,
    /// Segments that begin with a TLS record (RFC 8446, section 5.1).
    pub(crate) tls: u64,
}

/// A TCP segment with its payload.
#[derive(Debug, PartialEq, Eq)]
struct Segment<'a> {
    from: SocketAddr,
    to: SocketAddr,
    payload: &'a [u8],
}

/// Counts by the ends of each connection, and what is kept to find a text that two segments share.
pub(crate) struct Capture {
    text: Vec<u8>,
    flows: HashMap<(SocketAddr, SocketAddr), (Seen, Vec<u8>)>,
}

impl Capture {
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.as_bytes().to_vec(), flows: HashMap::new() }
    }

    /// Captures on the calling thread's network until `stop` is set; `ready` is set once nothing is missed any more.
    pub(crate) fn run(mut self, ready: &AtomicBool, stop: &AtomicBool) -> io::Result<Self> {
        listen(ready, stop, |packet| self.take(packet))?;
        Ok(self)
    }

    fn take(&mut self, packet: &[u8]) {
        let Some(segment) = segment(packet).filter(|segment| !segment.payload.is_empty()) else { return };
        let (seen, tail) = self.flows.entry((segment.from, segment.to)).or_default();
        seen.segments += 1;
        seen.bytes += segment.payload.len() as u64;
        // Handshake or application data, of TLS 1.0 or later.
        seen.tls += u64::from(matches!(segment.payload, [0x16 | 0x17, 3, ..]));
        tail.extend_from_slice(segment.payload);
        let found = tail.windows(self.text.len().max(1)).filter(|window| *window == self.text).count();
        seen.hits += found as u64;
        // Less than the text itself, so that none is counted twice.
        let keep = self.text.len().saturating_sub(1).min(tail.len());
        tail.drain(..tail.len() - keep);
    }

    /// What was seen from ends that `from` accepts to ends that `to` accepts.
    pub(crate) fn seen(&self, from: impl Fn(SocketAddr) -> bool, to: impl Fn(SocketAddr) -> bool) -> Seen {
        let fitting = self.flows.iter().filter(|((source, sink), _)| from(*source) && to(*sink));
        fitting.fold(Seen::default(), |sum, (_, (seen, _))| Seen {
            segments: sum.segments + seen.segments,
            bytes: sum.bytes + seen.bytes,
            hits: sum.hits + seen.hits,
            tls: sum.tls + seen.tls,
        })
    }
}

/// Gives every packet on the calling thread's network to `take` until `stop` is set.
pub(crate) fn listen(ready: &AtomicBool, stop: &AtomicBool, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    // Cooked: the payload of the link layer, whatever that is.
    let family = AddressFamily::Packet;
    let socket = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(0, i64::from(TURN.subsec_micros())))?;
    // As much as the kernel gives; what was seen is counted all the same.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &(4 << 20));
    ready.store(true, Ordering::Release);
    let mut buffer = vec![0; LARGEST];
    while !stop.load(Ordering::Acquire) {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) => take(&buffer[..length]),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Who sent the TCP segment with a payload that is in this packet, if there is one.
pub(crate) fn speaker(packet: &[u8]) -> Option<IpAddr> {
    segment(packet).filter(|segment| !segment.payload.is_empty()).map(|segment| segment.from.ip())
}

/// The TCP segment in an IPv4 packet (RFC 791, RFC 9293).
fn segment(packet: &[u8]) -> Option<Segment<'_>> {
    let ip_header = usize::from(packet.first()? & 0x0f) * 4;
    if packet[0] >> 4 != 4 || *packet.get(9)? != TCP {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
    // 0 where the interface is to cut it: then the packet is as long as it is.
    let end = if length == 0 { packet.len() } else { length.min(packet.len()) };
    let address = |at: usize| -> Option<IpAddr> {
        let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes).into())
    };
    let tcp = packet.get(ip_header..end)?;
    let port = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
    let tcp_header = usize::from(*tcp.get(12)? >> 4) * 4;
    Some(Segment {
        from: SocketAddr::new(address(12)?, port(0)?),
        to: SocketAddr::new(address(16)?, port(2)?),
        payload: tcp.get(tcp_header..)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 packet from 10.0.0.1:1000 to 10.0.0.2:80.
    fn packet(payload: &[u8]) -> Vec<u8> {
        let total = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
        let mut packet =
            vec![0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([3, 0xe8, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
        packet.extend(payload);
        packet
    }

    fn seen(packets: &[Vec<u8>]) -> Seen {
        let mut capture = Capture::of("secret");
        packets.iter().for_each(|packet| capture.take(packet));
        capture.seen(|end| end.port() == 1000, |end| end.port() == 80)
    }

    #[test]
    fn a_text_is_found_though_two_segments_share_it_and_is_counted_once() {
        let whole = seen(&[packet(b"a secret here")]);
        assert_eq!((whole.segments, whole.bytes, whole.hits), (1, 13, 1));
        assert_eq!(seen(&[packet(b"a sec"), packet(b"ret secret"), packet(b"s")]).hits, 2);
        assert_eq!(seen(&[packet(b"nothing"), packet(&[0x17, 3, 3, 0, 9])]).tls, 1);
    }

    #[test]
    fn what_is_no_tcp_or_cut_short_is_passed_over() {
        let mut datagram = packet(b"secret");
        datagram[9] = 17;
        let mut six = packet(b"secret");
        six[0] = 0x60;
        for length in 0..40 {
            assert_eq!(seen(&[packet(b"secret")[..length].to_vec()]), Seen::default());
        }
        assert_eq!(seen(&[datagram, six, Vec::new()]), Seen::default());
    }
}
