//! A stranger opens connections as fast as it can and holds them, while a user opens one for each request.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, connect, recv, socket};
use targets::claims::Flood;

use super::figures::Figures;
use super::judge::{Judge, percent};
use super::testbed::{Asked, STRANGER, Testbed, only};
use crate::failure::{Code, Failure};

const RATE: f64 = 20.0;
/// A user who is not served by then is not served: the stranger's silent connections are closed after some seconds.
const USER_WAITS: Duration = Duration::from_millis(1500);
/// Opened in one go before the stranger looks which are still there.
const BURST: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);
/// The stranger begins before the user's load is judged.
const LEAD: Duration = Duration::from_millis(1000);
/// Files that this process needs beside the stranger's connections.
const OTHERS: u64 = 256;
/// Others are served when this share of their requests is good.
const SERVED: f64 = 0.95;
/// Without limits the same flood must cost at least so much of it, or it is none.
const HARM: f64 = 0.2;

pub(crate) fn measure(flood: &Flood, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let (public, stranger) = (bed.public()?, bed.inventory.node(STRANGER));
    let stranger = stranger.ok_or_else(|| Failure::new(Code::Bug, anyhow!("the lab has no stranger")))?;
    let most = allowed(flood.connections)?;
    let (attempts, held) = (AtomicU64::new(0), AtomicU64::new(0));
    let length = bed.time(6.0, 15.0);
    let asked = |name| Asked {
        scenario: only("page"),
        rate_hz: RATE,
        new_connections: true,
        timeout: USER_WAITS,
        ..Asked::usual(name, length)
    };
    let calm = bed.load(&asked("calm"), &mut figures)?.summary;
    figures.count("calm_good_requests", calm.requests.good);
    figures.count("calm_requests", calm.requests.due);
    let beside = |measure_from: Instant| {
        let until = measure_from + length;
        // Who is out of reach floods nobody, which the counts show.
        let _ = reach::within(&stranger.reach, || pour(public, most, until, &attempts, &held));
    };
    let flooded = bed.load(&Asked { beside: Some(&beside), ..asked("flooded") }, &mut figures)?;
    let from_s = flooded.measured_from_s() + LEAD.as_secs_f64();
    let after = flooded.run.bins.iter().filter(|bin| bin.at_s >= from_s);
    let (good, due) = after.fold((0, 0), |(good, due), bin| (good + bin.counts.good, due + bin.counts.due()));
    figures.count("flooded_good_requests", good);
    figures.count("flooded_requests", due);
    figures.count("attempts_count", attempts.load(Ordering::Relaxed));
    figures.count("held_most_count", held.load(Ordering::Relaxed));
    Ok(figures)
}

/// As many connections as are wanted, or as this process may have files for.
fn allowed(wanted: u32) -> Result<usize, Failure> {
    let error = |errno: nix::Error| Failure::new(Code::Environment, errno);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(error)?;
    let needed = (u64::from(wanted) + OTHERS).min(hard);
    if needed > soft {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(error)?;
    }
    Ok(usize::try_from(needed.max(soft).saturating_sub(OTHERS).min(u64::from(wanted))).unwrap_or_default())
}

/// Opens connections and says nothing on them; what is closed is opened again.
fn pour(to: SocketAddr, most: usize, until: Instant, attempts: &AtomicU64, held: &AtomicU64) {
    let mut open: Vec<OwnedFd> = Vec::new();
    while Instant::now() < until {
        for _ in 0..BURST.min(most - open.len().min(most)) {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let Ok(socket) = socket(AddressFamily::Inet, SockType::Stream, flags, None) else { break };
            attempts.fetch_add(1, Ordering::Relaxed);
            // Under way; what becomes of it is looked at below.
            let _ = connect(socket.as_raw_fd(), &SockaddrStorage::from(to));
            open.push(socket);
        }
        std::thread::sleep(PAUSE);
        open.retain(is_open);
        held.fetch_max(open.iter().filter(|socket| is_connected(socket)).count() as u64, Ordering::Relaxed);
    }
}

/// Neither refused nor closed by the other side.
fn is_open(socket: &OwnedFd) -> bool {
    let peek = recv(socket.as_raw_fd(), &mut [0; 1], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT);
    matches!(peek, Ok(1..) | Err(nix::errno::Errno::EAGAIN))
}

fn is_connected(socket: &OwnedFd) -> bool {
    nix::sys::socket::getpeername::<SockaddrStorage>(socket.as_raw_fd()).is_ok()
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    let mut share = |label: &str, load: &str| -> Option<f64> {
        let good = judge.need(&format!("{label}_{load}_good_requests"))?;
        let due = judge.need(&format!("{label}_{load}_requests"))?;
        Some(good / due.max(1.0))
    };
    let shares = (share("limited", "calm"), share("limited", "flooded"), share("unlimited", "flooded"));
    let (Some(calm), Some(limited), Some(unlimited)) = shares else { return judge };
    let held = judge.need("limited_held_most_count").unwrap_or_default();
    judge.say(format!(
        "while a stranger held {held:.0} connections and tried more, {} of a user's requests were good; without limits {}",
        percent(limited),
        percent(unlimited)
    ));
    judge.trust(calm >= SERVED, format!("only {} were good before the flood", percent(calm)));
    judge.trust(
        unlimited < limited - HARM || limited < SERVED,
        format!("the flood harms nobody even without limits ({} good)", percent(unlimited)),
    );
    judge.expect(limited >= SERVED, format!("only {} of a user's requests were good", percent(limited)));
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(calm: f64, limited: f64, unlimited: f64) -> &'static str {
        let mut figures = Figures::default();
        let loads = [("limited_calm", calm), ("limited_flooded", limited), ("unlimited_flooded", unlimited)];
        for (load, share) in loads {
            figures.set(&format!("{load}_requests"), 100.0);
            figures.set(&format!("{load}_good_requests"), 100.0 * share);
        }
        figures.set("limited_held_most_count", 1000.0);
        judge(&figures).verdict()
    }

    #[test]
    fn others_are_served_when_the_limit_holds_what_would_harm_them() {
        assert_eq!(verdict(1.0, 0.99, 0.4), "holds");
        assert_eq!(verdict(1.0, 0.6, 0.4), "does not hold");
    }

    #[test]
    fn a_flood_that_harms_nobody_proves_nothing() {
        assert_eq!(verdict(1.0, 1.0, 0.98), "unknown");
        assert_eq!(verdict(0.5, 1.0, 0.4), "unknown");
    }
}
