//! What is said about the objectives.

use model::{Histogram, Limit, Metric, Objective, Verdict, allowed_lag};
use record::Run;

use super::Measured;
use super::stretch::Stretch;
use super::sums::{Sum, Sums};
use crate::words;

/// How the reason begins when there was no objective.
const NOTHING_ASKED: &str = "No objective was asked for";
/// The reason when nothing at all was good.
pub(crate) const NO_SUCCESS: &str = "no request succeeded";

/// One objective held against one part of the load.
struct Held {
    verdict: Verdict,
    /// How far on the wrong side of the bound: the part with the most is told.
    excess: f64,
    /// "12.3 ms", or why nothing can be said.
    text: String,
}

/// By what the generator was the limit of a part of a run: with its lateness there, the requests without a port, and the share
/// of the time that its busiest worker needed the CPU, for which the whole run's stands in where it is not known.
pub(crate) fn limits(run: &Run, own_lag: &Histogram, no_port: u64, busiest: Option<f64>) -> Vec<Limit> {
    let objectives: Vec<Objective> = objectives(run).filter_map(Result::ok).collect();
    let busiest = busiest.or(run.totals.as_ref().map(|totals| totals.busiest_worker)).unwrap_or(0.0);
    model::limits(own_lag, allowed_lag(&objectives), busiest, no_port)
}

impl Sums {
    /// By what the generator was the limit of this part.
    pub(crate) fn limits(&self, run: &Run) -> Vec<Limit> {
        limits(run, &self.own_lag, self.all.counts.no_port, self.busiest_worker)
    }
}

impl Measured {
    /// By what the generator was the limit, of the whole or of one of its stretches: a short one in which it was hardly shows in
    /// the whole.
    pub(crate) fn limits(&self, run: &Run) -> Vec<String> {
        let whole = self.whole.limits(run);
        if !whole.is_empty() {
            return whole.iter().map(Limit::to_string).collect();
        }
        let stretches = self.stretches.iter();
        let of = |(stretch, sums): &(Stretch, Sums)| {
            let said = |limit: Limit| format!("{}: {limit}", stretch.name);
            sums.limits(run).into_iter().map(said).collect::<Vec<_>>()
        };
        stretches.flat_map(of).collect()
    }

    pub(super) fn judge(&self, run: &Run) -> (Verdict, Vec<String>) {
        let mut verdict = Verdict::Pass;
        let mut reasons = Vec::new();
        let mut say = |worse: Verdict, reason: String| {
            verdict = verdict.max(worse);
            reasons.push(reason);
        };
        let interrupted = run.totals.as_ref().is_none_or(|totals| totals.interrupted);
        if interrupted {
            let reason = "the run did not end in good order: no objective is judged".to_owned();
            return (Verdict::Unknown, vec![reason]);
        }
        let limits = self.limits(run);
        if !limits.is_empty() {
            return (Verdict::Unknown, limits);
        }
        let counts = &self.whole.all.counts;
        if counts.due() == 0 {
            return (Verdict::Unknown, vec!["no request fell due: there is nothing to judge".to_owned()]);
        }
        if counts.good == 0 {
            say(Verdict::Fail, NO_SUCCESS.to_owned());
        }
        for objective in objectives(run) {
            let (worse, reason) = match objective {
                Ok(objective) => self.hold(run, &objective),
                // A record of a later version may ask for what this one cannot judge.
                Err(reason) => (Verdict::Unknown, reason),
            };
            say(worse, reason);
        }
        for injection in crate::findings::findings(run).injections.iter().filter(|i| i.verdict == "void") {
            say(Verdict::Unknown, format!("{} {}", injection.name, injection.sentence));
        }
        if reasons.is_empty() {
            reasons.push(format!("{NOTHING_ASKED}: set one with --slo, such as --slo 'p99<50ms'"));
        }
        (verdict, reasons)
    }

    /// One objective held against what was measured. Where the rate differed, against each stretch by itself: it is met
    /// when every stretch meets it, and the worst one is told.
    fn hold(&self, run: &Run, objective: &Objective) -> (Verdict, String) {
        let index = match &objective.request {
            None => None,
            Some(name) => match run.plan.requests.iter().position(|request| request.name == *name) {
                Some(index) => Some(index),
                None => return (Verdict::Unknown, format!("{objective}: no request is called {name}")),
            },
        };
        let held: Vec<(Option<&str>, Held)> = if self.stretches.is_empty() {
            vec![(None, hold(objective, self.whole.of(index)))]
        } else {
            let stretches = self.stretches.iter();
            stretches.map(|(stretch, sums)| (Some(&*stretch.name), hold(objective, sums.of(index)))).collect()
        };
        let worst = held.iter().max_by(|(_, left), (_, right)| {
            left.verdict.cmp(&right.verdict).then(left.excess.total_cmp(&right.excess))
        });
        let Some((name, worst)) = worst else { unreachable!("there is the whole load, or a stretch") };
        let place = name.map_or(String::new(), |name| format!(" in {name}"));
        let text = &worst.text;
        let reason = match (worst.verdict, name) {
            (Verdict::Unknown, _) => format!("{objective}: {text}{place}"),
            (Verdict::Fail, _) => format!("{objective} broken: {text}{place}"),
            (Verdict::Pass, None) => format!("{objective} met: {text}"),
            (Verdict::Pass, Some(name)) => format!("{objective} met: {text} at worst, in {name}"),
        };
        (worst.verdict, reason)
    }
}

fn hold(objective: &Objective, sum: &Sum) -> Held {
    let due = sum.counts.due();
    let share = |part: u64| part as f64 / due.max(1) as f64;
    let unknown = |text: String| Held { verdict: Verdict::Unknown, excess: 0.0, text };
    if due == 0 {
        return unknown("no request fell due".to_owned());
    }
    let (found, text) = match objective.metric {
        Metric::Latency(percentile) => {
            let least = fewest_samples(percentile);
            if due < least {
                let reason = format!(
                    "{due} requests say nothing about p{percentile}, which needs {least}: run longer"
                );
                return unknown(reason);
            }
            let us = sum.latency.value_at_percentile(percentile);
            (us as f64, words::latency(us))
        }
        Metric::Errors => (share(sum.counts.failed()), words::percent(share(sum.counts.failed()))),
        Metric::Goodput => (share(sum.counts.good), words::percent(share(sum.counts.good))),
    };
    let met = objective.comparator.holds(found, objective.bound);
    let up = matches!(objective.metric, Metric::Goodput);
    let excess = if up { objective.bound - found } else { found - objective.bound };
    Held { verdict: if met { Verdict::Pass } else { Verdict::Fail }, excess, text }
}

fn objectives(run: &Run) -> impl Iterator<Item = Result<Objective, String>> + '_ {
    let read = |text: &String| text.parse::<Objective>().map_err(|error| error.to_string());
    run.plan.objectives.iter().map(read)
}

/// Arrivals below which even a percentile without a single exceedance cannot be said to hold with 95 % confidence:
/// `ln(1 - 0.95) / ln(p)`, the binomial early-stopping rule of MLPerf's LoadGen (`early_stopping.cc`) with no
/// exceedance allowed.
fn fewest_samples(percentile: f64) -> u64 {
    let p = percentile / 100.0;
    if p <= 0.0 || p >= 1.0 {
        return 1;
    }
    crate::findings::grid::whole((0.05f64.ln() / p.ln()).ceil()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_needs_as_many_samples_as_the_early_stopping_rule_says() {
        assert_eq!([95.0, 99.0, 99.9].map(fewest_samples), [59, 299, 2_995]);
    }
}
