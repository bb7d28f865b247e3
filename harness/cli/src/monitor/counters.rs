//! Sums over counters that were looked at in different moments.

use std::collections::BTreeMap;

use model::Curve;
use record::MonitorSample;

/// A counter of one server's answers as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counter {
    pub(super) server: String,
    /// Moment in seconds and value, in order of time.
    pub(super) seen: Vec<(f64, f64)>,
}

/// What all servers had answered by each moment at which any counter was seen. Counters that were not seen in that
/// moment are taken to have grown evenly between the two looks around it. The samples count from `epoch_s`, and begin
/// when every counter that was there from the beginning was seen: what they counted before is in the first sample, and
/// when is not known.
pub(super) fn sum(counters: &[Counter], epoch_s: f64) -> Vec<MonitorSample> {
    let interval_s = usual_interval(counters);
    let first_looks = || counters.iter().filter_map(|counter| counter.seen.first()).map(|(at_s, _)| *at_s);
    // Two are seen by one round of looks when no other could lie between them.
    let first_round = first_looks().fold(f64::INFINITY, f64::min) + interval_s * 1.5;
    let begin_s = first_looks().filter(|at_s| *at_s <= first_round).fold(f64::NEG_INFINITY, f64::max);
    let grown: Vec<(&str, Curve)> = counters
        .iter()
        .map(|counter| (counter.server.as_str(), grown(&counter.seen, interval_s, first_round)))
        .collect();
    let mut moments: Vec<f64> =
        grown.iter().flat_map(|(_, curve)| curve.points()).map(|(at_s, _)| *at_s).collect();
    moments.retain(|at_s| *at_s >= begin_s);
    moments.sort_by(f64::total_cmp);
    moments.dedup();
    let sample = |at_s: f64| {
        let mut by_server = BTreeMap::new();
        for (server, curve) in &grown {
            *by_server.entry((*server).to_owned()).or_default() += curve.at(at_s);
        }
        MonitorSample::new(at_s - epoch_s, by_server)
    };
    moments.into_iter().map(sample).collect()
}

/// Seconds from one look to the next, the median of all; 0 where nothing was looked at twice.
fn usual_interval(counters: &[Counter]) -> f64 {
    let looks = counters.iter().flat_map(|counter| counter.seen.windows(2));
    let mut gaps: Vec<f64> = looks.map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

/// The counter without its new beginnings. A process that was started again counts from 0, and what it counted is
/// taken to belong to the last interval before it was seen: an earlier look would have seen it. The same holds for one
/// that is first seen after the first round of looks.
fn grown(seen: &[(f64, f64)], interval_s: f64, first_round: f64) -> Curve {
    let mut curve = Curve::default();
    let (mut total, mut before) = (0.0, None);
    for &(at_s, value) in seen {
        let (last_s, last) = before.unwrap_or((f64::NEG_INFINITY, 0.0));
        let began_anew = value < last || (before.is_none() && at_s > first_round);
        let began_s = at_s - interval_s;
        if began_anew && last_s < began_s && began_s < at_s {
            curve.push(began_s, total);
        }
        total += if value < last { value } else { value - last };
        curve.push(at_s, total);
        before = Some((at_s, value));
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counter(server: &str, seen: &[(f64, f64)]) -> Counter {
        Counter { server: server.to_owned(), seen: seen.to_vec() }
    }

    /// Moment and sum over all servers.
    fn sums(counters: &[Counter]) -> Vec<(f64, f64)> {
        sum(counters, 100.0).into_iter().map(|sample| (sample.at_s, sample.requests)).collect()
    }

    #[test]
    fn counters_of_one_look_are_added_up() {
        let ok = counter("server1", &[(101.0, 0.0), (102.0, 20.0), (103.0, 40.0)]);
        let failed = counter("server1", &[(101.0, 0.0), (102.0, 1.0), (103.0, 1.0)]);
        let other = counter("server2", &[(101.0, 0.0), (102.0, 19.0), (103.0, 39.0)]);
        let samples = sum(&[ok, failed, other], 100.0);
        let all: Vec<(f64, f64)> = samples.iter().map(|sample| (sample.at_s, sample.requests)).collect();
        assert_eq!(all, [(1.0, 0.0), (2.0, 40.0), (3.0, 80.0)]);
        assert_eq!(samples[2].by_server["server1"], 41.0);
        assert_eq!(samples[2].by_server["server2"], 39.0);
    }

    #[test]
    fn counters_seen_in_different_moments_are_interpolated_to_common_ones() {
        // 10 a second through each of two load balancers that are looked at in turn.
        let one = counter("server1", &[(101.0, 0.0), (102.0, 10.0), (103.0, 20.0)]);
        let other = counter("server1", &[(101.25, 0.0), (102.25, 10.0), (103.25, 20.0)]);
        assert_eq!(sums(&[one, other]), [(1.25, 2.5), (2.0, 17.5), (2.25, 22.5), (3.0, 37.5), (3.25, 40.0)]);
    }

    #[test]
    fn a_counter_that_begins_anew_goes_on_from_where_it_was() {
        // Away from 102 to some time before 107, where it had answered 5 again.
        let seen = [(101.0, 0.0), (102.0, 10.0), (107.0, 5.0), (108.0, 15.0)];
        assert_eq!(
            sums(&[counter("server1", &seen)]),
            [(1.0, 0.0), (2.0, 10.0), (6.0, 10.0), (7.0, 15.0), (8.0, 25.0)]
        );
    }

    #[test]
    fn a_counter_that_appears_late_or_is_gone_early_keeps_what_it_had() {
        let always = counter("server1", &[(101.0, 0.0), (102.0, 0.0), (103.0, 0.0), (104.0, 0.0)]);
        let late = counter("server2", &[(103.0, 4.0), (104.0, 8.0)]);
        let gone = counter("server3", &[(101.0, 0.0), (102.0, 7.0)]);
        assert_eq!(sums(&[always, late, gone]), [(1.0, 0.0), (2.0, 7.0), (3.0, 11.0), (4.0, 15.0)]);
        assert_eq!(sums(&[]), []);
    }

    #[test]
    fn what_was_counted_before_the_first_look_has_no_moment() {
        // 10 a second since 100, and nobody looked before 103.
        let one = counter("server1", &[(103.0, 30.0), (104.0, 40.0), (105.0, 50.0)]);
        let other = counter("server1", &[(103.5, 35.0), (104.5, 45.0), (105.5, 55.0)]);
        assert_eq!(sums(std::slice::from_ref(&one)), [(3.0, 30.0), (4.0, 40.0), (5.0, 50.0)]);
        // Of both only when both were seen.
        let both = sums(&[one, other]);
        assert_eq!(both[..4], [(3.5, 70.0), (4.0, 80.0), (4.5, 90.0), (5.0, 100.0)]);
    }

    proptest! {
        #[test]
        fn the_sum_never_falls_and_ends_with_all_that_was_counted(
            looks in prop::collection::vec(prop::collection::vec((0.05f64..3.0, 0u32..50), 1..20), 1..5)
        ) {
            let counters: Vec<Counter> = looks.iter().map(|looks| {
                let (mut at_s, mut value) = (100.0, 0.0);
                let seen = looks.iter().map(|(gap_s, growth)| {
                    at_s += gap_s;
                    value += f64::from(*growth);
                    (at_s, value)
                });
                counter("server1", &seen.collect::<Vec<_>>())
            }).collect();
            let found = sums(&counters);
            prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1 + 1e-9), "{found:?}");
            let counted: u32 = looks.iter().flatten().map(|(_, growth)| *growth).sum();
            prop_assert!((found.last().unwrap().1 - f64::from(counted)).abs() < 1e-3, "{found:?}");
        }
    }
}
