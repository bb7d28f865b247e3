//! Searches against targets whose ceiling is known. A trial here is the arithmetic of a queue, so that thousands fit.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// A server of so many per second under an objective of 50 ms: what it cannot serve piles up, and fails a trial once
/// the pile takes longer than the objective, or grows visibly, which shows the sooner the longer it is looked at.
fn sustains(ask: &Ask, capacity: f64) -> bool {
    let (excess, seconds) = (ask.rate_hz / capacity - 1.0, ask.duration.as_secs_f64());
    let visible = (0.003 * (4.0 / seconds).min(1.0)).max(0.001) + 0.0005;
    excess * (seconds + 0.5) < 0.05 && excess < visible
}

fn search(goal: Goal, capacity: f64, spoiled: f64, random: &mut impl Rng) -> (Ended, Duration) {
    let mut search = Search::new(goal);
    let mut spent = Duration::ZERO;
    for _ in 0..2_000 {
        let Some(ask) = search.ask() else { return (search.ended(), spent) };
        let spoilt = random.random_bool(spoiled);
        let verdict = if !spoilt && sustains(&ask, capacity) { Verdict::Pass } else { Verdict::Fail };
        let took = ask.duration + Duration::from_millis(1_000);
        spent += took;
        search.tell(&ask, verdict, took);
    }
    panic!("the search does not end");
}

/// Out of `n` searches of targets with capacities all over the grid: those that `ok` accepts.
fn count(goal: &Goal, n: u64, spoiled: f64, ok: impl Fn(&Ended, f64) -> bool) -> u64 {
    let good = |seed: &u64| {
        let mut random = ChaCha8Rng::seed_from_u64(*seed);
        let capacity = 300.0 * 20f64.powf(random.random::<f64>());
        ok(&search(goal.clone(), capacity, spoiled, &mut random).0, capacity)
    };
    (0..n).filter(good).count() as u64
}

fn within(share: f64) -> impl Fn(&Ended, f64) -> bool {
    move |ended, capacity| {
        ended.found == Found::Both
            && ended.lower_hz.is_some_and(|lower| (lower / capacity - 1.0).abs() <= share)
    }
}

fn contains(ended: &Ended, capacity: f64) -> bool {
    let (Some(lower), Some(upper)) = (ended.lower_hz, ended.upper_hz) else { return false };
    ended.found == Found::Both && lower <= capacity && capacity <= upper
}

#[test]
fn the_lower_bound_is_close_and_the_true_ceiling_between_both_in_19_of_20_searches() {
    for (goal, close) in [(Goal::quick(), 0.05), (Goal::full(), 0.03)] {
        let n = 400;
        let held = count(&goal, n, 0.0, contains);
        assert!(held * 20 >= n * 19, "{held} of {n} (a load little above the ceiling looks sustained)");
        let near = count(&goal, n, 0.0, within(close + 0.001));
        assert!(near * 20 >= n * 19, "{near} of {n} within {close}");
    }
}

#[test]
fn spoiled_trials_are_outvoted() {
    for goal in [Goal::quick(), Goal::full()] {
        let n = 400;
        let near = count(&goal, n, 0.05, within(0.051));
        assert!(near * 20 >= n * 18, "{near} of {n}");
    }
}

#[test]
fn too_many_spoiled_trials_are_too_noisy() {
    for goal in [Goal::quick(), Goal::full()] {
        let n = 400;
        let said = count(&goal, n, 0.3, |ended, _| ended.found == Found::TooNoisy);
        assert!(said * 100 >= n * 93, "{said} of {n}");
        let wrong = count(&goal, n, 0.3, |ended, capacity| {
            ended.found == Found::Both && !within(0.1)(ended, capacity)
        });
        assert!(wrong * 20 <= n, "{wrong} of {n} were wrong and did not say so");
    }
}

#[test]
fn a_quick_search_takes_one_to_two_minutes_and_a_full_one_about_ten() {
    for (goal, least, most) in [(Goal::quick(), 40, 110), (Goal::full(), 300, 900)] {
        for capacity in [300.0, 2_000.0, 20_000.0] {
            let (ended, spent) = search(goal.clone(), capacity, 0.0, &mut ChaCha8Rng::seed_from_u64(1));
            assert_eq!(ended.found, Found::Both);
            assert!((least..=most).contains(&spent.as_secs()), "{capacity}/s took {spent:?}");
        }
    }
}

#[test]
fn a_rough_search_tells_twice_the_capacity_apart_in_less_than_a_minute() {
    for capacity in [250.0, 500.0, 2_000.0] {
        let (ended, spent) = search(Goal::rough(), capacity, 0.0, &mut ChaCha8Rng::seed_from_u64(1));
        assert!(within(0.16)(&ended, capacity), "{capacity}/s: {ended:?}");
        assert!(spent.as_secs() < 60, "{capacity}/s took {spent:?}");
    }
}

#[test]
fn a_search_says_when_there_is_no_bound_to_find() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let all = Goal { most_hz: 1_000.0, ..Goal::quick() };
    let (ended, _) = search(all, 1e9, 0.0, &mut random);
    assert_eq!((ended.found, ended.upper_hz), (Found::AtLeast, None));
    assert!(ended.lower_hz.is_some_and(|lower| (950.0..=1_000.0).contains(&lower)), "{ended:?}");
    let (ended, _) = search(Goal::quick(), 0.1, 0.0, &mut random);
    assert_eq!((ended.found, ended.lower_hz), (Found::NoPassingLoad, None));
}

#[test]
fn a_generator_that_is_the_limit_ends_the_search_with_what_was_sustained() {
    let mut search = Search::new(Goal::quick());
    while let Some(ask) = search.ask() {
        let verdict = if ask.rate_hz < 1_000.0 { Verdict::Pass } else { Verdict::Limited };
        search.tell(&ask, verdict, ask.duration);
    }
    let ended = search.ended();
    assert_eq!((ended.found, ended.upper_hz), (Found::GeneratorLimited, None));
    assert!(ended.lower_hz.is_some_and(|lower| (400.0..1_000.0).contains(&lower)), "{ended:?}");
}

/// Of 20/s, half a second more of arrivals is chance: a pile has to grow by ten requests to be seen.
#[test]
fn a_slow_target_whose_pile_is_seen_late_is_found_all_the_same() {
    let mut search = Search::new(Goal { start_hz: 10.0, ..Goal::quick() });
    while let Some(ask) = search.ask() {
        let grown = (ask.rate_hz - 20.0) * ask.duration.as_secs_f64();
        search.tell(&ask, if grown > 10.0 { Verdict::Fail } else { Verdict::Pass }, ask.duration);
    }
    assert_eq!(search.ended().found, Found::Both);
}

/// A search whose first trials of `below` per second and more were all spoiled, so that its bounds lie there.
fn misled(goal: Goal, below: f64, beyond: Verdict) -> (Ended, u32) {
    let mut search = Search::new(goal);
    let mut asked_beyond = 0;
    while let Some(ask) = search.ask() {
        asked_beyond += u32::from(ask.phase == "beyond");
        let verdict = match ask.phase {
            "beyond" => beyond,
            _ if ask.rate_hz < below => Verdict::Pass,
            _ => Verdict::Fail,
        };
        search.tell(&ask, verdict, ask.duration);
    }
    (search.ended(), asked_beyond)
}

#[test]
fn bounds_below_a_load_that_passes_are_not_believed() {
    let (ended, asked) = misled(Goal::quick(), 300.0, Verdict::Pass);
    assert_eq!((ended.found, asked), (Found::TooNoisy, 1));
    let (ended, asked) = misled(Goal::quick(), 300.0, Verdict::Fail);
    assert_eq!((ended.found, asked), (Found::Both, 2));
    let (ended, asked) = misled(Goal::quick(), 300.0, Verdict::Limited);
    assert_eq!((ended.found, asked), (Found::Both, 1), "it says nothing against the bounds");
    let (ended, asked) = misled(Goal::quick(), 300.0, Verdict::Invalid);
    assert_eq!((ended.found, asked), (Found::TooNoisy, 3), "it is made again, as at any other load");
    let (ended, asked) = misled(Goal { most_hz: 350.0, ..Goal::quick() }, 300.0, Verdict::Pass);
    assert_eq!((ended.found, asked), (Found::Both, 0), "no load above the most is tried");
}

#[test]
fn a_generator_that_cannot_drive_what_it_has_driven_before_is_disturbed_and_not_the_limit() {
    let ended = |limited: fn(usize) -> bool| {
        let mut search = Search::new(Goal::quick());
        let mut made = 0;
        while let Some(ask) = search.ask() {
            let spoiled = limited(made);
            made += 1;
            let verdict = if spoiled {
                Verdict::Limited
            } else if ask.rate_hz < 300.0 {
                Verdict::Pass
            } else {
                Verdict::Fail
            };
            search.tell(&ask, verdict, ask.duration);
        }
        search.ended().found
    };
    assert_eq!(ended(|made| made >= 2), Found::GeneratorLimited, "higher than any before");
    assert_eq!(ended(|made| made >= 6), Found::TooNoisy, "between bounds that it has driven");
}

#[test]
fn a_soak_that_failed_before_one_passed_tells_of_the_machine() {
    let mut search = Search::new(Goal::quick());
    let mut soaks = 0;
    let mut after = 0;
    while let Some(ask) = search.ask() {
        let mut verdict = if ask.rate_hz < 300.0 { Verdict::Pass } else { Verdict::Fail };
        if ask.phase == "soak" {
            soaks += 1;
            if soaks == 1 {
                verdict = Verdict::Fail;
            }
        }
        search.tell(&ask, verdict, ask.duration);
        after = search.ended().noise.failed;
    }
    assert_eq!((search.ended().found, soaks, after), (Found::Both, 2, 1));
}

#[test]
fn a_load_beyond_the_bounds_that_cannot_be_offered_or_told_takes_nothing_from_them() {
    let mut search = Search::new(Goal::quick());
    let ask = loop {
        let ask = search.ask().unwrap();
        if ask.phase == "beyond" {
            break ask;
        }
        search.tell(&ask, if ask.rate_hz < 300.0 { Verdict::Pass } else { Verdict::Fail }, ask.duration);
    };
    search.cannot_offer(&ask);
    let soak = search.ask().unwrap();
    assert_eq!(soak.phase, "soak");
    search.tell(&soak, Verdict::Pass, soak.duration);
    assert_eq!((search.ask(), search.ended().found), (None, Found::Both));
}

#[test]
fn time_that_is_over_ends_the_search_with_what_is_known() {
    let mut search = Search::new(Goal { deadline: Duration::from_secs(5), ..Goal::quick() });
    while let Some(ask) = search.ask() {
        search.tell(&ask, Verdict::Pass, Duration::from_secs(2));
    }
    assert_eq!(search.ended().found, Found::Deadline);
    assert!(search.ended().lower_hz.is_some());
}

#[test]
fn no_trial_begins_that_would_last_beyond_the_deadline() {
    let (deadline, beside) = (Duration::from_secs(20), Duration::from_millis(700));
    let mut search = Search::new(Goal { deadline, ..Goal::quick() });
    let mut spent = Duration::ZERO;
    while let Some(ask) = search.ask() {
        let verdict = if sustains(&ask, 150.0) { Verdict::Pass } else { Verdict::Fail };
        spent += ask.duration + beside;
        search.tell(&ask, verdict, ask.duration + beside);
    }
    assert_eq!(search.ended().found, Found::Deadline);
    assert!(spent <= deadline && spent > Duration::from_secs(15), "{spent:?}");
}

#[test]
fn a_trial_is_longer_at_a_low_load_and_counts_once_all_the_same() {
    let goal = Goal { start_hz: 10.0, fewest: 300.0, ..Goal::rough() };
    let mut search = Search::new(Goal { deadline: Duration::from_secs(10_000), ..goal });
    let mut confirmed = 0;
    while let Some(ask) = search.ask() {
        assert!(ask.duration.as_secs_f64() * ask.rate_hz >= 299.9, "{ask:?}");
        confirmed += u32::from(ask.phase == "confirm");
        search.tell(&ask, if ask.rate_hz < 12.0 { Verdict::Pass } else { Verdict::Fail }, ask.duration);
    }
    assert_eq!(search.ended().found, Found::Both);
    assert!(confirmed >= 4, "two of three trials decide each bound, not one of 30 s: {confirmed}");
}

#[test]
fn no_load_below_the_first_is_tried_unless_it_fails_and_loads_double() {
    let mut search = Search::new(Goal::quick());
    let mut rates = Vec::new();
    for _ in 0..4 {
        let ask = search.ask().unwrap();
        rates.push(ask.rate_hz);
        search.tell(&ask, Verdict::Pass, ask.duration);
    }
    assert!((rates[0] / 100.0 - 1.0).abs() < 0.03, "{rates:?}");
    assert!(rates.windows(2).all(|pair| (pair[1] / pair[0] / 2.0 - 1.0).abs() < 0.03), "{rates:?}");
}
