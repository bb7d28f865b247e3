//! The highest load that designs of equal nodes sustain, in all and per node.

use std::ffi::OsStr;
use std::path::Path;

use record::derived::CeilingFile;
use targets::claims::Ceilings;

use super::figures::Figures;
use super::judge::Judge;
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::verbs::claims::ClaimsArgs;
use crate::verbs::compare::{self, LAX, Search};

/// A rough search gives up before, and a claim needs bounds. At 25/s a trial that can tell 1 % takes 12 s.
const DEADLINE: [&str; 2] = ["--deadline", "150s"];

/// Searches for the ceiling of this design, given by what the command line calls it and by its name, and of those that
/// are to sustain more or are measured beside it.
pub(crate) fn search(
    design: (&str, &str),
    ceilings: &Ceilings,
    args: &ClaimsArgs,
    dir: &Path,
    interrupt: &Interrupt,
) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let how = if args.quick { Search::Rough } else { Search::Quick };
    let deadline = DEADLINE.iter().filter(|_| args.quick);
    let unit = args.unit.words();
    let options: Vec<&OsStr> =
        LAX.iter().chain(deadline).map(OsStr::new).chain(unit.iter().map(OsStr::new)).collect();
    let others = ceilings.above.iter().chain(&ceilings.beside).map(|name| (name.as_str(), name.as_str()));
    for (given, name) in std::iter::once(design).chain(others) {
        // Settings are part of a design's name.
        let dir = dir.join(name.replace([':', '=', ','], "_"));
        let searched = compare::search(how, given, &dir, args.seed, &options, interrupt);
        interrupt.check()?;
        if let Err(failure) = searched {
            figures.doubt(format!("{name}: {failure}"));
            continue;
        }
        let file: Option<CeilingFile> =
            record::derived::read(&dir.join("ceiling.json")).or_fail(Code::Bug)?;
        let Some(file) = file else {
            figures.doubt(format!("{name}: the search left no result"));
            continue;
        };
        let found = matches!(file.verdict.as_str(), "found" | "at_least");
        // Of a design that is only measured beside the others, a search without an end says what it knows.
        if !found && !ceilings.beside.iter().any(|beside| beside == name) {
            figures.doubt(format!("{name}: {}", file.reasons.join("; ")));
        }
        if let (Some(lower_hz), Some(nodes)) = (file.lower_hz, file.nodes) {
            figures.set(&format!("{name}_sustained_hz"), lower_hz);
            let upper_hz = file.upper_hz.filter(|_| found);
            upper_hz.iter().for_each(|hz| figures.set(&format!("{name}_too_much_hz"), *hz));
            figures.count(&format!("{name}_nodes_count"), nodes as u64);
        }
    }
    Ok(figures)
}

pub(crate) fn judge<'a>(design: &str, ceilings: &Ceilings, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    // A load that this design does not sustain and the other one does: both bounds are confirmed.
    let too_much =
        if ceilings.above.is_empty() { None } else { judge.need(&format!("{design}_too_much_hz")) };
    let others = ceilings.above.iter().chain(&ceilings.beside).map(String::as_str);
    for name in std::iter::once(design).chain(others) {
        let known =
            (figures.get(&format!("{name}_sustained_hz")), figures.get(&format!("{name}_nodes_count")));
        let (Some(hz), Some(nodes)) = known else {
            if ceilings.beside.iter().any(|beside| beside == name) {
                judge.say(format!("of {name} no load was found that it sustains"));
            } else {
                judge.need(&format!("{name}_sustained_hz"));
            }
            continue;
        };
        let least = if figures.get(&format!("{name}_too_much_hz")).is_some() { "" } else { "at least " };
        let each = hz / nodes;
        judge.say(format!("{name} sustains {least}{hz:.0}/s on {nodes:.0} nodes, {each:.0}/s per node"));
        if let Some(too_much) = too_much.filter(|_| ceilings.above.iter().any(|above| above == name)) {
            judge.expect(hz >= too_much, format!("{name} was not seen to sustain more than {design}"));
        }
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(one_hz: Option<f64>) -> Figures {
        let mut figures = Figures::default();
        for (design, hz, nodes) in [("0-simple", Some(266.0), 2.0), ("1-distributed", one_hz, 4.0)] {
            if let Some(hz) = hz {
                figures.set(&format!("{design}_sustained_hz"), hz);
                figures.set(&format!("{design}_too_much_hz"), hz * 1.15);
                figures.set(&format!("{design}_nodes_count"), nodes);
            }
        }
        figures
    }

    fn verdict(one_hz: Option<f64>) -> &'static str {
        let ceilings = Ceilings { above: vec!["1-distributed".to_owned()], beside: Vec::new() };
        judge("0-simple", &ceilings, &figures(one_hz)).verdict()
    }

    #[test]
    fn a_design_that_is_only_measured_beside_the_others_decides_nothing() {
        let ceilings = |above: &str, beside: &str| Ceilings {
            above: vec![above.to_owned()],
            beside: vec![beside.to_owned()],
        };
        let mut figures = figures(Some(406.0));
        figures.set("4-resilient_sustained_hz", 68.0);
        figures.count("4-resilient_nodes_count", 12);
        let of = ceilings("1-distributed", "4-resilient");
        let judged = judge("0-simple", &of, &figures);
        assert_eq!(judged.verdict(), "holds");
        assert!(judged.measured().ends_with("4-resilient sustains at least 68/s on 12 nodes, 6/s per node"));
        let of = ceilings("1-distributed", "3-scaled-up");
        let judged = judge("0-simple", &of, &figures);
        assert_eq!(judged.verdict(), "holds");
        assert!(judged.measured().ends_with("of 3-scaled-up no load was found that it sustains"));
        let of = ceilings("3-scaled-up", "1-distributed");
        assert_eq!(judge("0-simple", &of, &figures).verdict(), "unknown");
    }

    #[test]
    fn a_design_of_more_nodes_must_sustain_more_than_a_search_can_err() {
        assert_eq!(verdict(Some(406.0)), "holds");
        assert_eq!(
            verdict(Some(266.0 * 1.15)),
            "holds",
            "a load that the one sustains and the other does not"
        );
        assert_eq!(verdict(Some(280.0)), "does not hold");
        assert_eq!(verdict(None), "unknown");
    }
}
