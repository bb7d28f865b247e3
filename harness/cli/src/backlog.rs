//! What ends a trial before its time, to protect the target: requests that pile up, in an open loop the earliest sign of
//! overload and the most reliable, and failures that no later answer can make good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use load::Live;
use model::{Metric, Plan};

/// How often the live state is read; workers tell it five times a second.
const EVERY: Duration = Duration::from_millis(200);
/// Growth per second, as a share of the offered rate, that is overload: what a trial of [`GROWTH_SEEN`] tells from chance.
const GROWTH: f64 = 0.003;
/// A longer trial tells less growth from chance, in proportion,
const GROWTH_SEEN: Duration = Duration::from_secs(4);
/// down to this: what waits for it waits a tenth of a second longer after a hundred.
const GROWTH_LEAST: f64 = 0.001;
/// Fewer requests than this come and go by chance.
const FEWEST: f64 = 10.0;
/// Growth over the trial that stands out of its own scatter: so many times the mean deviation from the trend.
const OUTSTANDING: f64 = 4.0;
/// A pile of so much time's arrivals ends a trial at once, to protect the target.
const TOO_MUCH: Duration = Duration::from_secs(1);
/// It has to last this long.
const SUSTAINED: Duration = Duration::from_secs(1);
/// More than this share of what was answered in [`FAILING_FOR`] has failed: the target is not past it.
const FAILING: f64 = 0.1;
const FAILING_FOR: Duration = Duration::from_secs(3);

/// What a trial offers, and how much of it may fail.
#[derive(Debug)]
pub(crate) struct Limits {
    rate_hz: f64,
    /// Requests that may fail in all; one more and an objective is broken, whatever comes.
    failures: f64,
    /// The objective that would be, if there is one.
    broken: Option<String>,
}

impl Limits {
    /// Of a trial of `plan`, which offers `rate_hz`.
    pub(crate) fn new(plan: &Plan, rate_hz: f64) -> Self {
        let allowed = plan.objectives.iter().filter(|objective| objective.request.is_none());
        let allowed = allowed.filter_map(|objective| match objective.metric {
            Metric::Errors => Some((objective.bound, objective)),
            Metric::Goodput => Some((1.0 - objective.bound, objective)),
            Metric::Latency(_) => None,
        });
        let tightest = allowed.min_by(|left, right| left.0.total_cmp(&right.0));
        let due = rate_hz * plan.stages.iter().map(|stage| stage.duration.as_secs_f64()).sum::<f64>();
        let share = tightest.map_or(1.0, |(share, _)| share.min(1.0));
        let broken = tightest.map(|(_, objective)| format!("{objective} broken: "));
        Self { rate_hz, failures: share * due, broken }
    }
}

/// How many requests were good and how many failed, over time.
#[derive(Debug, Default)]
struct Answers(Vec<(Instant, u64, u64)>);

impl Answers {
    /// Why it is of no use to go on, if it is.
    #[expect(clippy::cast_precision_loss, reason = "numbers of requests, far below 2^52")]
    fn hopeless(&mut self, now: Instant, good: u64, failed: u64, limits: &Limits) -> Option<String> {
        self.0.push((now, good, failed));
        let (_, _, failed_before) = self.0[0];
        let (_, good_then, failed_then) = *self.0.iter().rfind(|(at, ..)| now - *at >= FAILING_FOR)?;
        let lately = (failed - failed_then) as f64 / (good + failed - good_then - failed_then).max(1) as f64;
        let broken = (failed - failed_before) as f64 > limits.failures;
        (broken && lately > FAILING).then(|| {
            let broken = limits.broken.as_deref().unwrap_or_default();
            format!("{broken}{:.0} % of the requests of 3 s failed, cut short", lately * 100.0)
        })
    }
}

/// What was seen of the pile.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// (seconds, requests on their way)
    seen: Vec<(f64, f64)>,
    /// Why the trial was ended before its time.
    pub(crate) cut_short: Option<String>,
}

/// Watches until `done`; raises `stop` when the pile is far too high, when failures go on that have broken an objective
/// already, or when `interrupted` is set.
pub(crate) fn watch(
    live: &Live,
    limits: &Limits,
    from: Instant,
    done: &AtomicBool,
    stop: &AtomicBool,
    interrupted: &AtomicBool,
) -> Backlog {
    let mut backlog = Backlog::default();
    let mut high_since: Option<Instant> = None;
    let mut answers = Answers::default();
    while !done.load(Ordering::Relaxed) {
        thread::sleep(EVERY);
        if interrupted.load(Ordering::Relaxed) {
            stop.store(true, Ordering::Relaxed);
        }
        let now = Instant::now();
        if done.load(Ordering::Relaxed) || now < from {
            continue;
        }
        let state = live.snapshot();
        #[expect(clippy::cast_precision_loss, reason = "requests on their way, far below 2^52")]
        let pile = state.due.saturating_sub(state.good + state.failed) as f64;
        backlog.seen.push(((now - from).as_secs_f64(), pile));
        let hopeless = answers.hopeless(now, state.good, state.failed, limits);
        let piled_up = if pile < limits.rate_hz * TOO_MUCH.as_secs_f64() {
            high_since = None;
            None
        } else if now - *high_since.get_or_insert(now) >= SUSTAINED {
            Some(format!("backlog: {pile:.0} requests piled up, cut short"))
        } else {
            None
        };
        if backlog.cut_short.is_none()
            && let Some(reason) = piled_up.or(hopeless)
        {
            backlog.cut_short = Some(reason);
            stop.store(true, Ordering::Relaxed);
        }
    }
    backlog
}

impl Backlog {
    /// Why the pile says that the load was too much, if it does: by the Theil-Sen slope, which a single stall does not
    /// bend.
    pub(crate) fn overload(&self, rate_hz: f64, offered_for: Duration) -> Option<String> {
        if self.cut_short.is_some() {
            return self.cut_short.clone();
        }
        // What is on its way after the last due time only runs dry.
        let end = offered_for.as_secs_f64();
        let seen: Vec<(f64, f64)> = self.seen.iter().copied().filter(|(at, _)| *at <= end).collect();
        let (first, last) = (seen.first()?, seen.last()?);
        let pairs = seen.iter().enumerate().flat_map(|(index, from)| {
            seen[index + 1..].iter().map(move |to| (to.1 - from.1) / (to.0 - from.0))
        });
        let slope = median(pairs.collect())?;
        let level = median(seen.iter().map(|(at, pile)| pile - slope * at).collect())?;
        // The mean and not the median: a pile that swings between two heights is on one of them half of the time.
        #[expect(clippy::cast_precision_loss, reason = "a few hundred readings")]
        let scatter =
            seen.iter().map(|(at, pile)| (pile - level - slope * at).abs()).sum::<f64>() / seen.len() as f64;
        let growth = slope * (last.0 - first.0);
        let outstanding = growth > FEWEST.max(OUTSTANDING * scatter);
        let share = (GROWTH * (GROWTH_SEEN.as_secs_f64() / end).min(1.0)).max(GROWTH_LEAST);
        (slope > rate_hz * share && outstanding)
            .then(|| format!("backlog: {slope:.0} more requests on their way every second"))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a trial of 2,000/s for so many seconds.
    fn overload_in(seconds: u32, pile: impl Fn(f64) -> f64) -> Option<String> {
        let seen = (0..seconds * 5).map(|index| f64::from(index) * 0.2).map(|at| (at, pile(at))).collect();
        Backlog { seen, cut_short: None }.overload(2_000.0, Duration::from_secs(seconds.into()))
    }

    fn overload(pile: impl Fn(f64) -> f64) -> Option<String> {
        overload_in(5, pile)
    }

    #[test]
    fn a_longer_trial_sees_a_slower_growth() {
        let excess = |percent: f64| move |at: f64| 3.0 + 2_000.0 * percent / 100.0 * at + (at * 5.0) % 2.0;
        assert_eq!(overload_in(4, excess(0.28)), None);
        assert!(overload_in(8, excess(0.28)).is_some());
        assert_eq!(overload_in(8, excess(0.14)), None);
        assert!(overload_in(120, excess(0.14)).is_some());
        assert_eq!(overload_in(120, excess(0.05)), None);
    }

    #[test]
    fn a_trial_that_cannot_pass_any_more_is_ended_while_it_fails_and_a_burst_is_waited_out() {
        let limits = Limits { rate_hz: 100.0, failures: 20.0, broken: Some("errors<2% broken: ".to_owned()) };
        let start = Instant::now();
        let told = |failing: fn(u64) -> bool| {
            let (mut answers, mut good, mut failed) = (Answers::default(), 0, 0);
            (0..50u64).find_map(|at| {
                *(if failing(at) { &mut failed } else { &mut good }) += 20;
                answers
                    .hopeless(start + EVERY * u32::try_from(at).unwrap(), good, failed, &limits)
                    .map(|_| at)
            })
        };
        assert_eq!(told(|_| true), Some(15), "as soon as three seconds are seen");
        assert_eq!(told(|at| at == 5), None, "twenty may fail");
        assert_eq!(told(|at| at % 20 == 0), None, "one in twenty at a time is for the end to judge");
    }

    #[test]
    fn a_pile_that_grows_is_overload_and_one_that_comes_and_goes_is_not() {
        assert!(overload(|at| 5.0 + 20.0 * at).is_some());
        assert_eq!(overload(|_| 50.0), None);
        assert_eq!(overload(|at| 5.0 + at), None, "ten requests in ten seconds are chance");
        let stall = |at: f64| if (2.0..2.6).contains(&at) { 1_000.0 * (at - 1.9) } else { 3.0 };
        assert_eq!(overload(stall), None);
        let uneasy = |at: f64| 40.0 + 8.0 * at + if (at * 5.0).round() % 2.0 < 1.0 { 30.0 } else { -30.0 };
        assert_eq!(overload(uneasy), None, "within its own scatter");
    }
}
