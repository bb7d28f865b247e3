//! How long it takes until somebody is told of a fault: a listener for alerts on the user's network, and parts that die.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use model::Role;
use targets::claims::{Alerts, Victim};
use targets::take_post;

use super::figures::Figures;
use super::judge::{Judge, seconds};
use super::testbed::{Asked, Testbed};
use super::victims::{Rhythm, absence, harmed};
use crate::failure::{Code, Failure, OrFail};
use crate::http;

/// Where alerts are listened for, on the client's node.
const PORT: u16 = 9094;
/// Long enough for a node with a fifth of a core.
const PATIENCE: Duration = Duration::from_secs(3);
const TURN: Duration = Duration::from_millis(20);

/// Whoever is told: an HTTP server that takes every POST and answers 200.
struct Listener {
    heard: Mutex<Vec<(Instant, String)>>,
}

impl Listener {
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            match listener.accept() {
                Ok((stream, _)) => {
                    let at = Instant::now();
                    // Half an alert is no alert.
                    let _ = take_post(stream, |body| {
                        self.lock().push((at, String::from_utf8_lossy(&body).into_owned()));
                        Ok(())
                    });
                }
                Err(_) => thread::sleep(TURN),
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, String)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the first alert after `from` came.
    fn first_after(&self, from: Instant, until: Instant) -> Option<Duration> {
        let heard = self.lock();
        heard.iter().find(|(at, _)| (from..until).contains(at)).map(|(at, _)| *at - from)
    }
}

pub(crate) fn measure(alerts: &Alerts, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let client = bed.client()?;
    let address = client.addresses.first().copied();
    let address = address.ok_or_else(|| Failure::new(Code::Bug, anyhow!("the client has no address")))?;
    let bound =
        reach::within(&client.reach, || TcpListener::bind((address, PORT))).or_fail(Code::Environment)?;
    let socket = bound.or_fail(Code::Environment)?;
    socket.set_nonblocking(true).or_fail(Code::Environment)?;
    let (listener, stop) = (Listener { heard: Mutex::new(Vec::new()) }, AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| listener.serve(&socket, &stop));
        let figures = observe(alerts, bed, &listener, address);
        stop.store(true, Ordering::Release);
        figures
    })
}

fn observe(
    alerts: &Alerts,
    bed: &Testbed<'_>,
    listener: &Listener,
    address: IpAddr,
) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let monitors = bed.with_role(Role::Monitor).len();
    figures.count("monitors_count", monitors as u64);
    control(bed, listener, address, &mut figures)?;
    let rhythm = Rhythm { first: bed.time(3.0, 5.0), away: bed.time(8.0, 30.0), between: bed.time(4.0, 8.0) };
    let injections = harmed(&alerts.victim, rhythm, bed)?;
    let began: Mutex<Option<Instant>> = Mutex::new(None);
    let beside = |measure_from: Instant| {
        *began.lock().unwrap_or_else(PoisonError::into_inner) = Some(measure_from);
    };
    let length = rhythm.length(alerts.victim.len());
    let asked = Asked { injections, beside: Some(&beside), ..Asked::usual("load", length) };
    let seen = bed.load(&asked, &mut figures)?;
    let Some(began) = *began.lock().unwrap_or_else(PoisonError::into_inner) else { return Ok(figures) };
    let at = |at_s: f64| began + Duration::from_secs_f64(at_s.max(0.0));
    for victim in &alerts.victim {
        let name = victim.name();
        let found = seen.findings.injections.iter().find(|injection| injection.name == name);
        let Some(away_s) = absence(&name, found, &mut figures) else { continue };
        let Some(found) = found else { continue };
        figures.count(&format!("{name}_failed_requests"), found.requests_failed);
        // Who is told once all is well again was told too late; that nobody is told must hold for longer.
        let more_s = if alerts.told { 0.0 } else { rhythm.between.as_secs_f64() };
        let until = at(found.at_s + away_s + more_s);
        let nodes: Vec<&str> =
            found.targets.iter().map(|target| target.split('/').next().unwrap_or(target)).collect();
        let own = bed.alarms.first(at(found.at_s), until, &nodes).map(|moment| moment - at(found.at_s));
        let first = [listener.first_after(at(found.at_s), until), own].into_iter().flatten().min();
        match first {
            Some(after) => figures.set(&format!("{name}_told_after_s"), after.as_secs_f64()),
            None => figures.set(&format!("{name}_untold_for_s"), (until - at(found.at_s)).as_secs_f64()),
        }
    }
    Ok(figures)
}

/// From every server the listener can be told: that nothing is heard is not for want of a way.
fn control(
    bed: &Testbed<'_>,
    listener: &Listener,
    address: IpAddr,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let servers: Vec<_> = bed.inventory.nodes.iter().filter(|node| !node.processes.is_empty()).collect();
    let to = SocketAddr::new(address, PORT);
    let mut heard = 0;
    for node in &servers {
        let answer = reach::within(&node.reach, || {
            http::ask(to, "POST", "/", &format!("control {}", node.name), PATIENCE)
        });
        heard += u64::from(matches!(answer.or_fail(Code::Environment)?, Ok((200, _))));
    }
    let kept = listener.lock().iter().filter(|(_, body)| body.starts_with("control ")).count();
    listener.lock().clear();
    figures.count("servers_count", servers.len() as u64);
    figures.count("controls_heard_count", heard.min(kept as u64));
    Ok(())
}

pub(crate) fn judge<'a>(alerts: &Alerts, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    let controls = (judge.need("servers_count"), judge.need("controls_heard_count"));
    if let (Some(servers), Some(heard)) = controls {
        judge.trust(heard >= servers, format!("{heard:.0} of {servers:.0} servers could tell the listener"));
    }
    if let Some(monitors) = judge.need("monitors_count") {
        // What dies may be the monitor: then there is one, and nobody is told all the same.
        let watchers_die = alerts.victim.iter().all(|victim| victim.role == Role::Monitor);
        let expected = watchers_die || (monitors > 0.0) == alerts.told;
        judge.expect(expected, format!("the design has {monitors:.0} monitors"));
    }
    for victim in &alerts.victim {
        one(victim, alerts.told, figures, &mut judge);
    }
    judge
}

fn one(victim: &Victim, told: bool, figures: &Figures, judge: &mut Judge<'_>) {
    let name = victim.name();
    let (Some(away_s), Some(failed)) =
        (judge.need(&format!("{name}_away_s")), judge.need(&format!("{name}_failed_requests")))
    else {
        return;
    };
    let away = seconds(away_s);
    if let Some(after_s) = figures.get(&format!("{name}_told_after_s")) {
        judge.say(format!("{name} away {away}: told after {}", seconds(after_s)));
        judge.expect(told, format!("somebody was told of {name} after {}", seconds(after_s)));
    } else if let Some(for_s) = judge.need(&format!("{name}_untold_for_s")) {
        let users = format!("{failed:.0} requests of users failed");
        judge.say(format!("{name} away {away}: {users}, no alert in {}", seconds(for_s)));
        judge.expect(!told, format!("nobody was told of {name} in {}", seconds(for_s)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use targets::claims::{Harm, Which};

    fn plan(told: bool) -> Alerts {
        let victim = Victim {
            role: Role::Web,
            primary: false,
            whole_node: true,
            pick: Which::Last,
            fault: Harm::Kill,
            has: None,
            down: Vec::new(),
            up: Vec::new(),
        };
        Alerts { victim: vec![victim], told }
    }

    fn figures(monitors: f64, heard: f64, told: &str) -> Figures {
        let mut figures = Figures::default();
        let usual = [
            ("monitors_count", monitors),
            ("servers_count", 4.0),
            ("controls_heard_count", heard),
            ("web-server_away_s", 8.0),
            ("web-server_failed_requests", 3.0),
            (told, 5.0),
        ];
        usual.iter().for_each(|(name, value)| figures.set(name, *value));
        figures
    }

    #[test]
    fn without_a_monitor_nobody_is_told() {
        let figures = figures(0.0, 4.0, "web-server_untold_for_s");
        let judge = judge(&plan(false), &figures);
        assert_eq!(judge.verdict(), "holds");
        assert_eq!(judge.measured(), "web-server away 8.0 s: 3 requests of users failed, no alert in 5.0 s");
    }

    #[test]
    fn a_monitor_or_an_alert_denies_that_there_is_none() {
        assert_eq!(
            judge(&plan(false), &figures(1.0, 4.0, "web-server_untold_for_s")).verdict(),
            "does not hold"
        );
        assert_eq!(
            judge(&plan(false), &figures(0.0, 4.0, "web-server_told_after_s")).verdict(),
            "does not hold"
        );
        assert_eq!(judge(&plan(true), &figures(1.0, 4.0, "web-server_told_after_s")).verdict(), "holds");
        assert_eq!(
            judge(&plan(true), &figures(1.0, 4.0, "web-server_untold_for_s")).verdict(),
            "does not hold"
        );
    }

    #[test]
    fn silence_counts_only_where_an_alert_would_have_been_heard() {
        assert_eq!(judge(&plan(false), &figures(0.0, 3.0, "web-server_untold_for_s")).verdict(), "unknown");
    }

    #[test]
    fn an_alert_is_heard_with_its_moment_and_its_body() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let to = socket.local_addr().unwrap();
        let (listener, stop) = (Listener { heard: Mutex::new(Vec::new()) }, AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| listener.serve(&socket, &stop));
            let before = Instant::now();
            assert_eq!(http::ask(to, "POST", "/", "down", PATIENCE).unwrap().0, 200);
            while listener.lock().is_empty() {
                thread::sleep(TURN);
            }
            stop.store(true, Ordering::Release);
            assert_eq!(listener.lock()[0].1, "down");
            assert!(listener.first_after(before, before + Duration::from_secs(60)).is_some());
        });
    }
}
