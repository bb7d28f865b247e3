//! Follows a name while a load goes on, as clients do that honour a DNS answer's time to live.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use model::{Event, Sink, What};

use crate::LoadError;
use crate::address::{Target, Targets};
use crate::resolve::{Resolved, lookup};
use crate::run::Enter;

/// A name is not asked for more often than this, whatever its time to live.
const SOONEST: Duration = Duration::from_secs(1);
/// The system's resolver does not tell a time to live.
const UNTOLD: Duration = Duration::from_secs(30);
/// The flag that ends it is looked at this often.
const LOOK: Duration = Duration::from_millis(50);

/// A name, where it is asked, and what it was found to be.
#[derive(Clone)]
pub struct Name {
    /// The name.
    pub host: String,
    /// TCP port of the addresses.
    pub port: u16,
    /// DNS servers that are asked, in this order; the system's resolver when there are none.
    pub resolvers: Vec<SocketAddr>,
    /// First thing that the asking thread does.
    pub enter: Enter,
}

impl Name {
    /// Asks for the addresses.
    ///
    /// # Errors
    ///
    /// When the name does not resolve, naming it and the server that was asked.
    pub fn resolve(&self) -> Result<Resolved, LoadError> {
        lookup(&self.host, self.port, &self.resolvers, self.enter.clone())
    }

    /// Asks again whenever the last answer's time to live is over, and tells `targets` when the addresses are others; the
    /// sink is told of every answer. An answer that does not come leaves things as they are. Returns when `done` is set.
    pub fn follow(&self, first: &Resolved, targets: &Targets, sink: &dyn Sink, done: &AtomicBool) {
        let tell = |found: &Resolved| {
            let (name, addresses) = (self.host.clone(), found.addresses.clone());
            sink.emit(Event {
                at: Instant::now(),
                what: What::Resolved { name, addresses, took: found.took },
            });
        };
        // An address is what it is.
        if first.literal {
            return;
        }
        tell(first);
        let mut known = first.clone();
        known.addresses.sort_unstable();
        let mut asked = Instant::now();
        while !done.load(Ordering::Relaxed) {
            let fresh = known.ttl.unwrap_or(UNTOLD).max(SOONEST);
            if asked.elapsed() < fresh {
                thread::sleep(LOOK.min(fresh));
                continue;
            }
            asked = Instant::now();
            let Ok(mut found) = self.resolve() else { continue };
            found.addresses.sort_unstable();
            tell(&found);
            if found.addresses != known.addresses {
                targets.replace(found.addresses.iter().copied().map(Target::Tcp).collect());
                let list: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
                let what = format!("{} is now {}: new connections go there", self.host, list.join(", "));
                sink.emit(Event { at: Instant::now(), what: What::Warning(what) });
            }
            known = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::{Arc, Mutex};

    /// A DNS server whose answer holds for a second, and is another address each time.
    fn moving_dns_server() -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut buffer = [0u8; 512];
            let mut host = 0;
            while let Ok((length, client)) = socket.recv_from(&mut buffer) {
                // The header and the first question, which ends after its name's zero byte, type and class.
                let end = 12 + buffer[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
                let mut answer = buffer[..end].to_vec();
                answer[2..12].copy_from_slice(&[0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
                host += 1;
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, host]);
                socket.send_to(&answer, client).unwrap();
            }
        });
        address
    }

    #[test]
    fn a_name_is_asked_for_again_when_its_answer_is_too_old() {
        let resolvers = vec![moving_dns_server()];
        let name = Name { host: "www.foobar.com".into(), port: 80, resolvers, enter: Arc::new(|| Ok(())) };
        let first = name.resolve().unwrap();
        assert_eq!(first.ttl, Some(Duration::from_secs(1)));
        let targets: Targets = first.addresses.iter().copied().collect();
        let before = targets.list();
        let done = AtomicBool::new(false);
        let answers = Mutex::new(Vec::new());
        let sink = |event: Event| {
            if let What::Resolved { addresses, .. } = event.what {
                answers.lock().unwrap().push((event.at, addresses));
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| name.follow(&first, &targets, &sink, &done));
            while targets.version() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_ne!(before, targets.list());
        let answers = answers.into_inner().unwrap();
        assert!(answers.len() >= 2 && answers[1].0 - answers[0].0 >= SOONEST, "{answers:?}");
    }

    #[test]
    fn an_address_is_not_followed() {
        let enter: Enter = Arc::new(|| Ok(()));
        let name = Name { host: "192.0.2.1".into(), port: 80, resolvers: Vec::new(), enter };
        let first = name.resolve().unwrap();
        let targets: Targets = first.addresses.iter().copied().collect();
        // Returns at once, though nobody says that it is done.
        name.follow(&first, &targets, &model::NullSink, &AtomicBool::new(false));
    }
}
