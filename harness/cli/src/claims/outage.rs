//! Parts are killed in turn under load: is what needs them down for as long as they are away? Whoever has an address
//! already does not miss the name server, so a newcomer asks for it beside the load.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use targets::claims::{Outage, Victim};

use super::figures::Figures;
use super::judge::{Judge, list, seconds};
use super::newcomer::Newcomer;
use super::testbed::{Asked, Testbed};
use super::victims::{Rhythm, absence, harmed};
use crate::failure::Failure;

/// A request is down for as long as a part is away when it is down for this share of the absence. What is left is the
/// moment until the first request fell due, and the last bin.
const WHOLE: f64 = 0.85;
/// An outage that lasts longer than the absence by more than this share and time has another cause.
const LONGER: (f64, f64) = (1.5, 2.0);
/// It came back by itself when it was down for less than this share: before the part did.
const BY_ITSELF: f64 = 0.6;
/// What `down` and `up` call a newcomer's question for the public name, beside the load's requests.
const NAME: &str = "name";

pub(crate) fn measure(outage: &Outage, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let away = outage.away_s.map_or(bed.time(3.0, 8.0), Duration::from_secs_f64);
    let rhythm = Rhythm { first: bed.time(3.0, 5.0), away, between: bed.time(4.0, 8.0) };
    let injections = harmed(&outage.victim, rhythm, bed)?;
    let length = rhythm.length(outage.victim.len());
    let (newcomer, began) = (Newcomer::default(), Mutex::new(None));
    let beside = |measure_from: Instant| {
        *began.lock().unwrap_or_else(PoisonError::into_inner) = Some(measure_from);
        if outage.victim.iter().any(asks_names) {
            newcomer.ask(bed, measure_from + length);
        }
    };
    let asked = Asked { injections, beside: Some(&beside), ..Asked::usual("load", length) };
    let seen = bed.load(&asked, &mut figures)?;
    let began = began.into_inner().unwrap_or_else(PoisonError::into_inner);
    for victim in &outage.victim {
        let name = victim.name();
        let found = seen.findings.injections.iter().find(|injection| injection.name == name);
        let Some(away_s) = absence(&name, found, &mut figures) else { continue };
        for (request, finding) in found.iter().flat_map(|found| &found.by_request) {
            figures.set(&format!("{name}_{request}_down_s"), finding.outage_s);
            figures.count(&format!("{name}_{request}_failed_requests"), finding.requests_failed);
        }
        if let (Some(began), Some(found)) = (began, found.filter(|_| asks_names(victim))) {
            let from = began + Duration::from_secs_f64(found.at_s.max(0.0));
            let told = newcomer.told(from, from + Duration::from_secs_f64(away_s));
            figures.count(&format!("{name}_questions_count"), told.asked as u64);
            if told.asked == 0 {
                figures.doubt(format!("nobody asked for a name while {name} was away"));
                continue;
            }
            figures.set(&format!("{name}_{NAME}_down_s"), told.down.as_secs_f64());
            if let Some(slowest) = told.slowest {
                figures.set(&format!("{name}_{NAME}_slowest_s"), slowest.as_secs_f64());
            }
        }
    }
    Ok(figures)
}

fn asks_names(victim: &Victim) -> bool {
    victim.down.iter().chain(&victim.up).any(|request| request == NAME)
}

pub(crate) fn judge<'a>(outage: &Outage, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    for victim in &outage.victim {
        one(victim, figures, &mut judge);
    }
    judge
}

fn one(victim: &Victim, figures: &Figures, judge: &mut Judge<'_>) {
    let name = victim.name();
    let Some(away_s) = judge.need(&format!("{name}_away_s")) else { return };
    let mut worst: Option<f64> = None;
    for request in &victim.down {
        let Some(down_s) = judge.need(&format!("{name}_{request}_down_s")) else { continue };
        worst = Some(worst.map_or(down_s, |worst| worst.min(down_s)));
        judge.expect(
            (away_s * WHOLE..=away_s * LONGER.0 + LONGER.1).contains(&down_s),
            format!(
                "{request} was down for {} of the {} that {name} was away",
                seconds(down_s),
                seconds(away_s)
            ),
        );
    }
    let (mut spared, mut missed) = (Vec::new(), Vec::new());
    for request in &victim.up {
        let Some(down_s) = judge.need(&format!("{name}_{request}_down_s")) else { continue };
        if down_s > 0.0 {
            missed.push(format!("{request} down {}", seconds(down_s)));
        } else {
            spared.push(request.clone());
        }
        judge.expect(
            down_s < away_s * BY_ITSELF,
            format!(
                "{request} was down for {} of the {} that {name} was away",
                seconds(down_s),
                seconds(away_s)
            ),
        );
    }
    let mut said = vec![format!("{name} away {}", seconds(away_s))];
    if let Some(worst) = worst {
        said.push(format!("{} down {}", list(&victim.down), seconds(worst)));
    }
    said.extend(missed);
    if !spared.is_empty() {
        said.push(format!("{} never down", list(&spared)));
    }
    if victim.up.iter().any(|request| request == NAME)
        && let Some(slowest_s) = figures.get(&format!("{name}_{NAME}_slowest_s"))
    {
        said.push(format!("the slowest answer for a name after {}", seconds(slowest_s)));
    }
    judge.say(said.join(", "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Role;
    use targets::claims::{Harm, Which};

    fn database() -> Outage {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Outage {
            victim: vec![Victim {
                role: Role::Database,
                primary: false,
                whole_node: false,
                pick: Which::All,
                fault: Harm::Kill,
                has: None,
                down: words(&["read", "write"]),
                up: words(&["page"]),
            }],
            away_s: None,
        }
    }

    #[test]
    fn a_name_server_is_missed_by_who_comes_anew() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let mut alone = database();
        alone.victim[0] = Victim {
            role: Role::Dns,
            down: words(&["name"]),
            up: words(&["page"]),
            ..alone.victim[0].clone()
        };
        let mut second = alone.clone();
        second.victim[0].down.clear();
        second.victim[0].up = words(&["name", "page"]);
        let mut figures = Figures::default();
        for (name, value) in [("dns_away_s", 3.0), ("dns_page_down_s", 0.0), ("dns_name_down_s", 2.9)] {
            figures.set(name, value);
        }
        assert_eq!(judge(&alone, &figures).verdict(), "holds");
        assert_eq!(judge(&second, &figures).verdict(), "does not hold");
        figures.set("dns_name_down_s", 0.0);
        figures.set("dns_name_slowest_s", 2.0);
        assert_eq!(judge(&alone, &figures).verdict(), "does not hold");
        let judge = judge(&second, &figures);
        assert_eq!(judge.verdict(), "holds");
        let said = "dns away 3.0 s, name and page never down, the slowest answer for a name after 2.0 s";
        assert_eq!(judge.measured(), said);
    }

    fn figures(read_s: f64, write_s: f64, page_s: f64) -> Figures {
        let mut figures = Figures::default();
        figures.set("database_away_s", 4.0);
        for (request, down_s) in [("read", read_s), ("write", write_s), ("page", page_s)] {
            figures.set(&format!("database_{request}_down_s"), down_s);
        }
        figures
    }

    #[test]
    fn a_single_point_of_failure_is_down_for_as_long_as_it_is_away() {
        let figures = figures(4.1, 3.9, 0.0);
        let judge = judge(&database(), &figures);
        assert_eq!(judge.verdict(), "holds");
        assert_eq!(judge.measured(), "database away 4.0 s, read and write down 3.9 s, page never down");
    }

    #[test]
    fn what_comes_back_by_itself_is_no_single_point_of_failure() {
        let figures = figures(1.0, 4.0, 0.0);
        let judge = judge(&database(), &figures);
        assert_eq!(judge.verdict(), "does not hold");
        assert_eq!(judge.reasons(), ["read was down for 1.0 s of the 4.0 s that database was away"]);
    }

    #[test]
    fn what_should_have_gone_on_and_did_not_denies_the_claim_too() {
        let figures = figures(4.0, 4.0, 4.0);
        assert_eq!(judge(&database(), &figures).verdict(), "does not hold");
    }

    #[test]
    fn a_void_fault_says_nothing() {
        let mut figures = Figures::default();
        absence("database", None, &mut figures);
        let judge = judge(&database(), &figures);
        assert_eq!(judge.verdict(), "unknown");
        assert!(judge.reasons()[0].contains("void"), "{:?}", judge.reasons());
    }
}
