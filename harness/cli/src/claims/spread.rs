//! How answers are spread over the nodes that a request meets first: do two active load balancers share the load?

use std::collections::BTreeMap;

use targets::claims::Spread;

use super::figures::Figures;
use super::judge::{Judge, percent};
use super::testbed::{Asked, Testbed, only};
use crate::failure::Failure;

/// Fewer answers say nothing about shares.
const FEWEST: f64 = 100.0;
/// Each of two has at least this part of the even share: clients choose by themselves, so it is never quite even.
const SHARES: f64 = 0.5;

pub(crate) fn measure(bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let asked =
        Asked { scenario: only("read"), new_connections: true, ..Asked::usual("load", bed.time(6.0, 15.0)) };
    let seen = bed.load(&asked, &mut figures)?;
    let mut first: BTreeMap<&str, u64> = BTreeMap::new();
    for (way, count) in &seen.summary.served_by {
        *first.entry(way.split(", ").next().unwrap_or(way)).or_default() += count;
    }
    let all: u64 = first.values().sum();
    figures.count("answers_count", all);
    for (node, count) in first {
        #[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
        figures.set(&format!("first_{node}_share"), count as f64 / all.max(1) as f64);
    }
    Ok(figures)
}

pub(crate) fn judge<'a>(spread: &Spread, figures: &'a Figures) -> Judge<'a> {
    let mut judge = Judge::of(figures);
    let shares = figures.between("first_", "_share");
    if let Some(answers) = judge.need("answers_count") {
        judge.trust(answers >= FEWEST, format!("only {answers:.0} answers"));
    }
    let told: Vec<String> =
        shares.iter().map(|(node, share)| format!("{node} {}", percent(*share))).collect();
    judge.say(format!("answers by {}: {}", spread.over, told.join(", ")));
    judge.expect(shares.len() > 1, format!("only one {} answered", spread.over));
    #[expect(clippy::cast_precision_loss, reason = "a handful of nodes")]
    let least = SHARES / shares.len().max(1) as f64;
    for (node, share) in shares {
        judge.expect(share >= least, format!("{node} had only {}", percent(share)));
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Role;

    fn verdict(answers: f64, shares: &[f64]) -> &'static str {
        let mut figures = Figures::default();
        figures.set("answers_count", answers);
        for (number, share) in shares.iter().enumerate() {
            figures.set(&format!("first_lb{number}_share"), *share);
        }
        judge(&Spread { over: Role::LoadBalancer }, &figures).verdict()
    }

    #[test]
    fn two_share_the_load_when_neither_has_next_to_all() {
        assert_eq!(verdict(360.0, &[0.5, 0.5]), "holds");
        assert_eq!(verdict(360.0, &[0.9, 0.1]), "does not hold");
        assert_eq!(verdict(360.0, &[1.0]), "does not hold");
        assert_eq!(verdict(12.0, &[0.5, 0.5]), "unknown");
    }
}
