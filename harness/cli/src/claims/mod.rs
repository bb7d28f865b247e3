//! Experiments: what is claimed about a design, measured in a lab of it and judged.
//!
//! An experiment is a file with two functions. The first works in a lab and gives [`Figures`]. The second is pure: it
//! holds figures against what the claim expects and is tested with known answers.

mod alerts;
mod balance;
mod capture;
mod ceilings;
mod figures;
mod http;
mod judge;
mod maintenance;
mod outage;
mod packets;
mod ports;
mod replication;
mod scan;
mod sitting;
mod sql;
mod testbed;
mod victims;

use record::derived::ClaimFile;
use targets::claims::{Claim, Experiment};

use crate::failure::Failure;

pub(crate) use ceilings::search as search_ceilings;
pub(crate) use figures::Figures;
pub(crate) use sitting::{Sitting, Task, sittings};
pub(crate) use testbed::{STRANGER, Testbed, quiet};

/// Makes the experiment of `claim` in the lab of `bed`. `label` tells the labs of one claim apart.
pub(crate) fn measure(claim: &Claim, label: &str, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    match &claim.experiment {
        Experiment::Outage(outage) => outage::measure(outage, bed),
        Experiment::Maintenance(maintenance) => maintenance::measure(maintenance, bed),
        Experiment::Balance(_) => balance::measure(bed),
        Experiment::Replication(_) => replication::measure(bed),
        Experiment::Capture(capture) => capture::measure(capture, bed),
        Experiment::Scan(scan) => scan::measure(scan, bed),
        Experiment::Alerts(alerts) => alerts::measure(alerts, bed),
        Experiment::Ceilings(_) => {
            Ok(Figures::doubted(format!("a search needs no lab of its own ({label})")))
        }
    }
}

/// Holds `figures` against what `claim` expects.
pub(crate) fn judge(design: &str, claim: &Claim, figures: &Figures) -> ClaimFile {
    let judgement = match &claim.experiment {
        Experiment::Outage(outage) => outage::judge(outage, figures),
        Experiment::Maintenance(maintenance) => maintenance::judge(maintenance, figures),
        Experiment::Balance(balance) => balance::judge(balance, figures),
        Experiment::Replication(_) => replication::judge(figures),
        Experiment::Capture(capture) => capture::judge(capture, figures),
        Experiment::Scan(scan) => scan::judge(scan, figures),
        Experiment::Alerts(alerts) => alerts::judge(alerts, figures),
        Experiment::Ceilings(ceilings) => ceilings::judge(design, ceilings, figures),
    };
    ClaimFile {
        design: design.to_owned(),
        id: claim.id.clone(),
        claim: claim.claim.clone(),
        experiment: claim.how.clone(),
        measured: judgement.measured(),
        verdict: judgement.verdict().to_owned(),
        reasons: judgement.reasons(),
        figures: figures.numbers.clone(),
    }
}
