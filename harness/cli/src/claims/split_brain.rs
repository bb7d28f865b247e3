//! An address that moves: who has it, and who answers from it, while everybody is alive and around the death of what
//! moves it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use model::{FaultKind, Injection, Node, Role, Schedule, Selector, VirtualAddress};
use targets::claims::SplitBrain;

use super::figures::Figures;
use super::judge::{Judge, seconds};
use super::packets;
use super::testbed::{Asked, Observed, Testbed, is_here, only};
use crate::failure::{Code, Failure, OrFail};

const SAMPLE: Duration = Duration::from_millis(10);
/// Answers from two nodes count as given at once when they are this close.
const WINDOW: Duration = Duration::from_millis(100);
/// Fewer looks say nothing.
const FEWEST: f64 = 200.0;
/// What moves from one to the other may be seen on both, or answered by both, for this long.
const HANDOVER_S: f64 = 0.25;

/// What was seen on the nodes that may have the address.
#[derive(Default)]
struct Watch {
    /// How many had it, at each look.
    owners: Mutex<Vec<(Instant, usize)>>,
    /// Which nodes said something from it, by the window.
    speakers: Mutex<BTreeMap<u128, BTreeSet<String>>>,
}

pub(crate) fn measure(split: &SplitBrain, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let moving = bed.inventory.virtual_addresses.iter().find(|moving| moving.name == split.address);
    let moving = moving
        .ok_or_else(|| Failure::new(Code::Input, anyhow!("no address `{}` moves here", split.address)))?;
    let nodes: Vec<&Node> = moving.nodes.iter().filter_map(|name| bed.inventory.node(name)).collect();
    let (calm, away, after) = (bed.time(5.0, 15.0), bed.time(3.0, 6.0), bed.time(4.0, 8.0));
    let owner = bed.owner(&split.address)?;
    let schedule = Schedule {
        injections: vec![Injection {
            name: "mover".to_owned(),
            fault: FaultKind::Kill,
            select: Selector {
                node: Some(owner.name.clone()),
                role: Some(Role::Failover),
                ..Selector::default()
            },
            at: calm,
            hold: away,
            if_present: false,
        }],
        ..Schedule::default()
    };
    let injections = chaos::resolve(&schedule, bed.inventory, bed.seed).or_fail(Code::Input)?;
    let watch = Watch::default();
    let stop = AtomicBool::new(false);
    let began: Mutex<Option<Instant>> = Mutex::new(None);
    let beside = |measure_from: Instant| {
        *began.lock().unwrap_or_else(PoisonError::into_inner) = Some(measure_from);
    };
    let seen = thread::scope(|scope| {
        let watching = scope.spawn(|| watch.run(moving, &nodes, &stop));
        let asked = Asked {
            scenario: only("read"),
            injections,
            new_connections: true,
            rate_hz: 30.0,
            beside: Some(&beside),
            ..Asked::usual("load", calm + away + after)
        };
        let seen = bed.load(&asked, &mut figures);
        stop.store(true, Ordering::Release);
        let watched = watching.join().unwrap_or_else(|_| Err(anyhow!("the watch panicked")));
        watched.or_fail(Code::Environment)?;
        seen
    })?;
    let Some(began) = *began.lock().unwrap_or_else(PoisonError::into_inner) else { return Ok(figures) };
    conclude(&watch, began, calm, &seen, &mut figures);
    Ok(figures)
}

impl Watch {
    fn run(&self, moving: &VirtualAddress, nodes: &[&Node], stop: &AtomicBool) -> anyhow::Result<()> {
        let has: Vec<AtomicBool> = nodes.iter().map(|_| AtomicBool::new(false)).collect();
        let origin = Instant::now();
        thread::scope(|scope| {
            for (node, has) in nodes.iter().zip(&has) {
                scope.spawn(move || {
                    reach::within(&node.reach, || {
                        while !stop.load(Ordering::Acquire) {
                            has.store(is_here(moving.address), Ordering::Release);
                            thread::sleep(SAMPLE);
                        }
                    })
                });
                scope.spawn(move || {
                    let take = |packet: &[u8]| {
                        if packets::speaker(packet) == Some(moving.address) {
                            self.heard(origin, &node.name);
                        }
                    };
                    reach::within(&node.reach, || packets::listen(&AtomicBool::new(false), stop, take))
                });
            }
            while !stop.load(Ordering::Acquire) {
                thread::sleep(SAMPLE);
                let owners = has.iter().filter(|has| has.load(Ordering::Acquire)).count();
                self.owners.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), owners));
            }
        });
        Ok(())
    }

    fn heard(&self, origin: Instant, node: &str) {
        let window = origin.elapsed().as_millis() / WINDOW.as_millis();
        let mut speakers = self.speakers.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = speakers.entry(window).or_default();
        if !heard.contains(node) {
            heard.insert(node.to_owned());
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of looks are far below 2^52")]
fn conclude(watch: &Watch, began: Instant, calm: Duration, seen: &Observed, figures: &mut Figures) {
    let owners = watch.owners.lock().unwrap_or_else(PoisonError::into_inner);
    let killed = began + calm;
    let looks = |after: bool| owners.iter().filter(move |(at, _)| *at >= began && (*at >= killed) == after);
    let with = |after: bool, fits: &dyn Fn(usize) -> bool| {
        looks(after).filter(|(_, owners)| fits(*owners)).count() as f64
    };
    figures.set("calm_looks_count", with(false, &|_| true));
    figures.set("calm_not_one_owner_count", with(false, &|owners| owners != 1));
    let sample_s = match (owners.first(), owners.last()) {
        (Some((first, _)), Some((last, _))) => (*last - *first).as_secs_f64() / owners.len().max(1) as f64,
        _ => 0.0,
    };
    figures.set("killed_two_owners_s", with(true, &|owners| owners > 1) * sample_s);
    figures.set("killed_no_owner_s", with(true, &|owners| owners == 0) * sample_s);
    let speakers = watch.speakers.lock().unwrap_or_else(PoisonError::into_inner);
    let both = speakers.values().filter(|nodes| nodes.len() > 1).count() as f64;
    figures.set("windows_with_answers_count", speakers.len() as f64);
    figures.set("both_answered_s", both * WINDOW.as_secs_f64());
    let names: BTreeSet<&String> = speakers.values().flatten().collect();
    figures.set("nodes_that_answered_count", names.len() as f64);
    if let Some(found) = seen.findings.injections.first() {
        if found.verdict == "void" {
            figures.doubt(format!("the death of keepalived was void: {}", found.sentence));
        }
        figures.set("killed_down_s", found.outage_s);
        figures.count("killed_failed_requests", found.requests_failed);
    }
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    let (Some(looks), Some(not_one), Some(two_s), Some(answered), Some(both_s)) = (
        judge.need("calm_looks_count"),
        judge.need("calm_not_one_owner_count"),
        judge.need("killed_two_owners_s"),
        judge.need("windows_with_answers_count"),
        judge.need("both_answered_s"),
    ) else {
        return judge;
    };
    judge.say(format!(
        "with both alive exactly one had the address in {:.0} of {looks:.0} looks",
        looks - not_one
    ));
    judge.trust(looks >= FEWEST, format!("only {looks:.0} looks at who has the address"));
    judge.trust(answered > 0.0, "no answer from the address was seen");
    judge.expect(
        not_one == 0.0,
        format!("in {not_one:.0} of {looks:.0} looks not exactly one had the address"),
    );
    judge.expect(both_s <= HANDOVER_S, format!("both answered for {}", seconds(both_s)));
    let down = judge.need("killed_down_s").unwrap_or_default();
    judge.say(format!(
        "after kill -9 of keepalived two had it for {}, both answered for {}, users were down for {}",
        seconds(two_s),
        seconds(both_s),
        seconds(down)
    ));
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(change: &[(&str, f64)]) -> &'static str {
        let mut figures = Figures::default();
        let usual = [
            ("calm_looks_count", 500.0),
            ("calm_not_one_owner_count", 0.0),
            ("killed_two_owners_s", 3.0),
            ("windows_with_answers_count", 100.0),
            ("both_answered_s", 0.1),
            ("killed_down_s", 0.4),
        ];
        usual.iter().chain(change).for_each(|(name, value)| figures.set(name, *value));
        judge(&figures).verdict()
    }

    #[test]
    fn one_owner_and_one_voice_is_no_split_brain() {
        assert_eq!(verdict(&[]), "holds");
        assert_eq!(verdict(&[("calm_not_one_owner_count", 3.0)]), "does not hold");
        assert_eq!(verdict(&[("both_answered_s", 2.0)]), "does not hold");
    }

    #[test]
    fn silence_proves_nothing() {
        assert_eq!(verdict(&[("windows_with_answers_count", 0.0)]), "unknown");
        assert_eq!(verdict(&[("calm_looks_count", 20.0)]), "unknown");
    }
}
