//! Experiments: what is claimed about a design, measured in a lab of it and judged.
//!
//! An experiment is a file with two functions. The first works in a lab and gives [`Figures`]. The second is pure: it
//! holds figures against what the claim expects and is tested with known answers.

mod alerts;
mod balance;
mod capture;
mod ceilings;
mod figures;
mod flood;
mod handshake;
mod judge;
mod ledger;
mod maintenance;
mod neighbour;
mod newcomer;
mod outage;
mod packets;
mod ports;
mod replication;
mod scan;
mod server;
mod sitting;
mod split_brain;
mod spread;
mod sql;
mod testbed;
mod tls_cost;
mod victims;

use record::derived::ClaimFile;
use targets::claims::{Claim, Experiment};

use crate::failure::Failure;

pub(crate) use ceilings::search as search_ceilings;
pub(crate) use figures::Figures;
use judge::Judge;
pub(crate) use sitting::{Sitting, Task, sittings, with_settings};
pub(crate) use testbed::{Alarms, STRANGER, Testbed};

/// Makes an experiment in the lab of `bed`.
pub(crate) fn measure(experiment: &Experiment, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    match experiment {
        Experiment::Outage(outage) => outage::measure(outage, bed),
        Experiment::Maintenance(maintenance) => maintenance::measure(maintenance, bed),
        Experiment::Balance(_) => balance::measure(bed),
        Experiment::Replication(_) => replication::measure(bed),
        Experiment::Capture(capture) => capture::measure(capture, bed),
        Experiment::Scan(scan) => scan::measure(scan, bed),
        Experiment::Alerts(alerts) => alerts::measure(alerts, bed),
        Experiment::Handshake(handshake) => handshake::measure(handshake, bed),
        Experiment::TlsCost(_) => tls_cost::measure(bed),
        Experiment::Flood(flood) => flood::measure(flood, bed),
        Experiment::Neighbour(_) => neighbour::measure(bed),
        Experiment::SplitBrain(split) => split_brain::measure(split, bed),
        Experiment::Spread(_) => spread::measure(bed),
        Experiment::Ledger(ledger) => ledger::measure(ledger, bed),
        Experiment::Ceilings(_) => Ok(Figures::doubted("a search for ceilings needs no such lab".to_owned())),
    }
}

fn judged<'a>(design: &str, experiment: &Experiment, figures: &'a Figures) -> Judge<'a> {
    match experiment {
        Experiment::Outage(outage) => outage::judge(outage, figures),
        Experiment::Maintenance(maintenance) => maintenance::judge(maintenance, figures),
        Experiment::Balance(balance) => balance::judge(balance, figures),
        Experiment::Replication(_) => replication::judge(figures),
        Experiment::Capture(capture) => capture::judge(capture, figures),
        Experiment::Scan(scan) => scan::judge(scan, figures),
        Experiment::Alerts(alerts) => alerts::judge(alerts, figures),
        Experiment::Handshake(handshake) => handshake::judge(handshake, figures),
        Experiment::TlsCost(_) => tls_cost::judge(figures),
        Experiment::Flood(_) => flood::judge(figures),
        Experiment::Neighbour(neighbour) => neighbour::judge(neighbour, figures),
        Experiment::SplitBrain(_) => split_brain::judge(figures),
        Experiment::Spread(spread) => spread::judge(spread, figures),
        Experiment::Ledger(_) => ledger::judge(figures),
        Experiment::Ceilings(ceilings) => ceilings::judge(design, ceilings, figures),
    }
}

/// Holds figures, those of each experiment of `claim`, against what it expects.
pub(crate) fn judge(design: &str, claim: &Claim, figures: &[Figures]) -> ClaimFile {
    let judges: Vec<Judge<'_>> = (claim.experiments.iter().zip(figures))
        .map(|(experiment, figures)| judged(design, experiment, figures))
        .collect();
    let mut all = Figures::default();
    for (experiment, figures) in claim.experiments.iter().zip(figures) {
        let label = if claim.experiments.len() > 1 { experiment.kind() } else { "" };
        all.absorb(label, figures.clone());
    }
    // What is not known of one experiment is not known of the claim.
    let worst = ["unknown", "does not hold", "holds"];
    let with = |verdict: &str| judges.iter().filter(|judge| judge.verdict() == verdict).collect::<Vec<_>>();
    let verdict = worst.into_iter().find(|verdict| !with(verdict).is_empty()).unwrap_or("unknown");
    ClaimFile {
        design: design.to_owned(),
        id: claim.id.clone(),
        claim: claim.claim.clone(),
        experiment: claim.how.clone(),
        measured: judges.iter().map(Judge::measured).collect::<Vec<_>>().join("; "),
        verdict: verdict.to_owned(),
        reasons: with(verdict).into_iter().flat_map(Judge::reasons).collect(),
        figures: all.numbers,
    }
}
