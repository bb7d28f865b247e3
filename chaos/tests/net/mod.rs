//! Hosts in network namespaces, and what gets through between them.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use model::{Inventory, Node, Reach};

use crate::stack::{self, AT_LAST, await_that};

/// How long a packet is waited for before it counts as dropped. On a veth pair one takes microseconds.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// A network namespace, held by a process.
pub(crate) struct Net {
    holder: Child,
}

impl Net {
    pub(crate) fn new() -> Self {
        // The holder dies with the thread of the test.
        let holder = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--net", "sleep", "600"])
            .spawn()
            .unwrap();
        let net = Net { holder };
        let ours = fs::read_link("/proc/self/ns/net").unwrap();
        await_that("the namespace is there", || {
            fs::read_link(net.path()).is_ok_and(|theirs| theirs != ours)
                && fs::read(format!("/proc/{}/comm", net.holder.id())).is_ok_and(|name| name == b"sleep\n")
        });
        net.run("ip link set lo up");
        net
    }

    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    pub(crate) fn reach(&self) -> Reach {
        Reach::Namespace { net: self.path().into(), cgroup_procs: Vec::new() }
    }

    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> String {
        let argv = ["/bin/sh", "-c", line].map(str::to_owned);
        let output = reach::run(&self.reach(), &argv, AT_LAST).unwrap();
        assert!(output.success(), "{line}: {}", output.complaint());
        output.stdout
    }

    pub(crate) fn udp(&self, address: &str) -> UdpSocket {
        let socket = reach::within(&self.reach(), || UdpSocket::bind(address)).unwrap().unwrap();
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        socket
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Three hosts: `middle` has a link to `left` and one to `right`. Every host also has addresses of IPv6.
pub(crate) struct Lab {
    pub(crate) left: Net,
    pub(crate) middle: Net,
    pub(crate) right: Net,
}

pub(crate) const LEFT: [&str; 3] = ["192.0.2.1", "192.0.2.3", "2001:db8:1::1"];
pub(crate) const MIDDLE_LEFT: [&str; 2] = ["192.0.2.2", "2001:db8:1::2"];
pub(crate) const MIDDLE_RIGHT: [&str; 1] = ["198.51.100.2"];
pub(crate) const RIGHT: [&str; 1] = ["198.51.100.1"];

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Lab { left: Net::new(), middle: Net::new(), right: Net::new() };
        lab.link(&lab.left, &LEFT, "left", &MIDDLE_LEFT);
        lab.link(&lab.right, &RIGHT, "right", &MIDDLE_RIGHT);
        lab
    }

    pub(crate) fn link(&self, net: &Net, ours: &[&str], name: &str, theirs: &[&str]) {
        let holder = net.holder.id();
        self.middle.run(&format!("ip link add {name} type veth peer name eth0 netns {holder}"));
        for (net, interface, addresses) in [(net, "eth0", ours), (&self.middle, name, theirs)] {
            for address in addresses {
                let (length, more) = if address.contains(':') { (64, " nodad") } else { (24, "") };
                net.run(&format!("ip addr add {address}/{length} dev {interface}{more}"));
            }
            net.run(&format!("ip link set {interface} up"));
        }
    }

    pub(crate) fn inventory(&self) -> Inventory {
        let node = |name: &str, net: &Net, addresses: &[&str]| Node {
            name: name.into(),
            addresses: addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect(),
            reach: net.reach(),
            processes: Vec::new(),
        };
        let middle: Vec<&str> = MIDDLE_LEFT.iter().chain(&MIDDLE_RIGHT).copied().collect();
        stack::inventory(vec![
            node("left", &self.left, &LEFT),
            node("middle", &self.middle, &middle),
            node("right", &self.right, &RIGHT),
        ])
    }

    /// Every path between two hosts, with its name.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let path = |name, from: &Net, source: &str, to: &Net, target: &str| {
            Path::new(name, from, source, to, target)
        };
        vec![
            path("left to middle", &self.left, LEFT[0], &self.middle, MIDDLE_LEFT[0]),
            path("left's second address to middle", &self.left, LEFT[1], &self.middle, MIDDLE_LEFT[0]),
            path("left to middle, IPv6", &self.left, LEFT[2], &self.middle, MIDDLE_LEFT[1]),
            path("middle to left", &self.middle, MIDDLE_LEFT[0], &self.left, LEFT[0]),
            path("middle to left, IPv6", &self.middle, MIDDLE_LEFT[1], &self.left, LEFT[2]),
            path("right to middle", &self.right, RIGHT[0], &self.middle, MIDDLE_RIGHT[0]),
            path("middle to right", &self.middle, MIDDLE_RIGHT[0], &self.right, RIGHT[0]),
            path("inside middle", &self.middle, "127.0.0.1", &self.middle, "127.0.0.1"),
        ]
    }
}

/// One way that datagrams can take.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    sender: UdpSocket,
    receiver: UdpSocket,
}

impl Path {
    pub(crate) fn new(name: &'static str, from: &Net, source: &str, to: &Net, target: &str) -> Self {
        let end = |address: &str| SocketAddr::new(address.parse().unwrap(), 0).to_string();
        Path { name, sender: from.udp(&end(source)), receiver: to.udp(&end(target)) }
    }

    pub(crate) fn port(name: &'static str, from: &Net, source: &str, to: &Net, target: &str) -> Self {
        Path { name, sender: from.udp(source), receiver: to.udp(target) }
    }

    /// Whether a datagram arrives.
    pub(crate) fn carries(&self) -> bool {
        let token = format!("{:?}", Instant::now());
        match self.sender.send_to(token.as_bytes(), self.receiver.local_addr().unwrap()) {
            Ok(_) => {}
            // What the own host's rules drop on its way out is told to the sender.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return false,
            Err(error) => panic!("{}: {error}", self.name),
        }
        let mut buffer = [0; 128];
        loop {
            match self.receiver.recv_from(&mut buffer) {
                Ok((length, _)) if buffer[..length] == *token.as_bytes() => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }
}
