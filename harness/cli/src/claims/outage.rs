//! Parts are killed in turn under load: is what needs them down for as long as they are away?

use std::time::Duration;

use targets::claims::{Outage, Victim};

use super::figures::Figures;
use super::judge::{Judge, list, seconds};
use super::testbed::{Asked, Testbed};
use super::victims::{Rhythm, absence, harmed};
use crate::failure::Failure;

/// A request is down for as long as a part is away when it is down for this share of the absence. What is left is the
/// moment until the first request fell due, and the last bin.
const WHOLE: f64 = 0.85;
/// It came back by itself when it was down for less than this share: before the part did.
const BY_ITSELF: f64 = 0.6;

pub(crate) fn measure(outage: &Outage, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let away = outage.away_s.map_or(bed.time(3.0, 8.0), Duration::from_secs_f64);
    let rhythm = Rhythm { first: bed.time(3.0, 5.0), away, between: bed.time(4.0, 8.0) };
    let injections = harmed(&outage.victim, rhythm, bed)?;
    let asked = Asked { injections, ..Asked::usual("load", rhythm.length(outage.victim.len())) };
    let seen = bed.load(&asked, &mut figures)?;
    for victim in &outage.victim {
        let name = victim.name();
        let found = seen.findings.injections.iter().find(|injection| injection.name == name);
        if absence(&name, found, &mut figures).is_none() {
            continue;
        }
        for (request, finding) in found.iter().flat_map(|found| &found.by_request) {
            figures.set(&format!("{name}_{request}_down_s"), finding.outage_s);
            figures.count(&format!("{name}_{request}_failed_requests"), finding.requests_failed);
        }
    }
    Ok(figures)
}

pub(crate) fn judge<'a>(outage: &Outage, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    for victim in &outage.victim {
        one(victim, &mut judge);
    }
    judge
}

fn one(victim: &Victim, judge: &mut Judge<'_>) {
    let name = victim.name();
    let Some(away_s) = judge.need(&format!("{name}_away_s")) else { return };
    let mut worst: Option<f64> = None;
    for request in &victim.down {
        let Some(down_s) = judge.need(&format!("{name}_{request}_down_s")) else { continue };
        worst = Some(worst.map_or(down_s, |worst| worst.min(down_s)));
        judge.expect(
            down_s >= away_s * WHOLE,
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
