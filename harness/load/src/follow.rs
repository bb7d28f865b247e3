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
    /// DNS server that is asked; the system's resolver when absent.
    pub resolver: Option<SocketAddr>,
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
        lookup(&self.host, self.port, self.resolver, self.enter.clone())
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
