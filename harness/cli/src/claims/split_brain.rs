//! An address that moves: who has it, and who answers from it, while everybody is alive, while those that may have it do not
//! hear each other, and around the death of what moves it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use model::{Direction, FaultKind, Injection, Node, Role, Schedule, Selector, VirtualAddress};
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
    /// Which nodes said something from it, by the window since the origin.
    speakers: Mutex<BTreeMap<u32, BTreeSet<String>>>,
    origin: Option<Instant>,
}

/// When what happens, from the start of the measured load.
#[derive(Debug, Clone, Copy)]
struct Phases {
    /// Those that may have the address do not hear each other from here on, for `held`.
    cut: Duration,
    /// What moves the address is killed, and away for `held`.
    killed: Duration,
    held: Duration,
    end: Duration,
}

pub(crate) fn measure(split: &SplitBrain, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let moving = bed.inventory.virtual_addresses.iter().find(|moving| moving.name == split.address);
    let moving = moving
        .ok_or_else(|| Failure::new(Code::Input, anyhow!("no address `{}` moves here", split.address)))?;
    let nodes: Vec<&Node> = moving.nodes.iter().filter_map(|name| bed.inventory.node(name)).collect();
    let (cut, held, after) = (bed.time(5.0, 15.0), bed.time(3.0, 6.0), bed.time(4.0, 8.0));
    let phases = Phases { cut, killed: cut + held + after, held, end: cut + (held + after) * 2 };
    let owner = bed.owner(&split.address)?;
    let other = nodes.iter().find(|node| node.name != owner.name);
    let other = other
        .ok_or_else(|| Failure::new(Code::Input, anyhow!("only {} may have the address", owner.name)))?;
    let at_owner = || Selector { node: Some(owner.name.clone()), ..Selector::default() };
    let injection = |name: &str, fault, select, at| Injection {
        name: name.to_owned(),
        fault,
        select,
        at,
        hold: held,
        if_present: false,
    };
    let apart = FaultKind::Drop { direction: Direction::Both, peer: Some(other.name.clone()), port: None };
    let schedule = Schedule {
        injections: vec![
            injection("apart", apart, at_owner(), phases.cut),
            injection(
                "mover",
                FaultKind::Kill,
                Selector { role: Some(Role::Failover), ..at_owner() },
                phases.killed,
            ),
        ],
        ..Schedule::default()
    };
    let injections = chaos::resolve(&schedule, bed.inventory, bed.seed).or_fail(Code::Input)?;
    let watch = Watch { origin: Some(Instant::now()), ..Watch::default() };
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
            ..Asked::usual("load", phases.end)
        };
        let seen = bed.load(&asked, &mut figures);
        stop.store(true, Ordering::Release);
        let watched = watching.join().unwrap_or_else(|_| Err(anyhow!("the watch panicked")));
        watched.or_fail(Code::Environment)?;
        seen
    })?;
    let Some(began) = *began.lock().unwrap_or_else(PoisonError::into_inner) else { return Ok(figures) };
    conclude(&watch, began, phases, &seen, &mut figures);
    Ok(figures)
}

impl Watch {
    fn run(&self, moving: &VirtualAddress, nodes: &[&Node], stop: &AtomicBool) -> anyhow::Result<()> {
        let has: Vec<AtomicBool> = nodes.iter().map(|_| AtomicBool::new(false)).collect();
        let origin = self.origin.unwrap_or_else(Instant::now);
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
        let window = u32::try_from(origin.elapsed().as_millis() / WINDOW.as_millis()).unwrap_or(u32::MAX);
        let mut speakers = self.speakers.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = speakers.entry(window).or_default();
        if !heard.contains(node) {
            heard.insert(node.to_owned());
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of looks are far below 2^52")]
fn conclude(watch: &Watch, began: Instant, phases: Phases, seen: &Observed, figures: &mut Figures) {
    let owners = watch.owners.lock().unwrap_or_else(PoisonError::into_inner);
    let looks = |from: Duration, to: Duration, fits: &dyn Fn(usize) -> bool| {
        let within = owners.iter().filter(|(at, _)| (began + from..began + to).contains(at));
        within.filter(|(_, owners)| fits(*owners)).count() as f64
    };
    figures.set("calm_looks_count", looks(Duration::ZERO, phases.cut, &|_| true));
    figures.set("calm_not_one_owner_count", looks(Duration::ZERO, phases.cut, &|owners| owners != 1));
    let sample_s = match (owners.first(), owners.last()) {
        (Some((first, _)), Some((last, _))) => (*last - *first).as_secs_f64() / owners.len().max(1) as f64,
        _ => 0.0,
    };
    let speakers = watch.speakers.lock().unwrap_or_else(PoisonError::into_inner);
    let origin = watch.origin.unwrap_or(began);
    let both_s = |from: Duration, to: Duration| {
        let of = |window: &u32| (began + from..began + to).contains(&(origin + WINDOW * *window));
        let both = speakers.iter().filter(|(window, nodes)| of(window) && nodes.len() > 1).count();
        both as f64 * WINDOW.as_secs_f64()
    };
    for (name, from, to) in
        [("apart", phases.cut, phases.killed), ("killed", phases.killed, phases.end + Duration::from_secs(1))]
    {
        figures.set(&format!("{name}_two_owners_s"), looks(from, to, &|owners| owners > 1) * sample_s);
        figures.set(&format!("{name}_no_owner_s"), looks(from, to, &|owners| owners == 0) * sample_s);
        figures.set(&format!("{name}_both_answered_s"), both_s(from, to));
    }
    // Whether two have it still once they hear each other again, and have had a second for it.
    let again = phases.cut + phases.held + Duration::from_secs(1);
    figures.set("again_two_owners_s", looks(again, phases.killed, &|owners| owners > 1) * sample_s);
    figures.set("calm_both_answered_s", both_s(Duration::ZERO, phases.cut));
    figures.set("windows_with_answers_count", speakers.len() as f64);
    let names: BTreeSet<&String> = speakers.values().flatten().collect();
    figures.set("nodes_that_answered_count", names.len() as f64);
    for (name, found) in ["apart", "killed"].iter().zip(&seen.findings.injections) {
        if found.verdict == "void" {
            figures.doubt(format!("{} was void: {}", found.name, found.sentence));
        }
        figures.set(&format!("{name}_down_s"), found.outage_s);
        figures.count(&format!("{name}_failed_requests"), found.requests_failed);
    }
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    let (Some(looks), Some(not_one), Some(answered), Some(calm_s), Some(again_s)) = (
        judge.need("calm_looks_count"),
        judge.need("calm_not_one_owner_count"),
        judge.need("windows_with_answers_count"),
        judge.need("calm_both_answered_s"),
        judge.need("again_two_owners_s"),
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
    judge.expect(calm_s == 0.0, format!("with both alive both answered for {}", seconds(calm_s)));
    for (phase, name) in
        [("while they did not hear each other", "apart"), ("after kill -9 of keepalived", "killed")]
    {
        let mut need = |what: &str| judge.need(&format!("{name}_{what}"));
        let (Some(two_s), Some(both_s), Some(down_s)) =
            (need("two_owners_s"), need("both_answered_s"), need("down_s"))
        else {
            return judge;
        };
        judge.say(format!(
            "{phase} two had it for {}, both answered for {}, users were down for {}",
            seconds(two_s),
            seconds(both_s),
            seconds(down_s)
        ));
        judge.expect(both_s <= HANDOVER_S, format!("{phase} both answered for {}", seconds(both_s)));
        judge.expect(name != "apart" || two_s > 0.0, "cut off from each other, only one had the address");
    }
    judge.expect(
        again_s <= HANDOVER_S,
        format!("when they heard each other again two had it for {} more", seconds(again_s)),
    );
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
            ("windows_with_answers_count", 100.0),
            ("calm_both_answered_s", 0.0),
            ("apart_two_owners_s", 2.0),
            ("apart_both_answered_s", 0.1),
            ("apart_down_s", 0.3),
            ("again_two_owners_s", 0.0),
            ("killed_two_owners_s", 3.0),
            ("killed_both_answered_s", 0.1),
            ("killed_down_s", 0.4),
        ];
        usual.iter().chain(change).for_each(|(name, value)| figures.set(name, *value));
        judge(&figures).verdict()
    }

    #[test]
    fn one_owner_and_one_voice_is_no_split_brain() {
        assert_eq!(verdict(&[]), "holds");
        assert_eq!(verdict(&[("calm_not_one_owner_count", 3.0)]), "does not hold");
        for wrong in
            ["calm_both_answered_s", "apart_both_answered_s", "again_two_owners_s", "killed_both_answered_s"]
        {
            assert_eq!(verdict(&[(wrong, 2.0)]), "does not hold", "{wrong}");
        }
        assert_eq!(verdict(&[("apart_two_owners_s", 0.0)]), "does not hold", "the cut did nothing");
    }

    #[test]
    fn silence_proves_nothing() {
        assert_eq!(verdict(&[("windows_with_answers_count", 0.0)]), "unknown");
        assert_eq!(verdict(&[("calm_looks_count", 20.0)]), "unknown");
    }
}
