//! What the trials of one load say together.

/// What a load is, as far as its trials tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Sustained.
    Lower,
    /// Too much.
    Upper,
    Undecided,
}

/// Share of the trials' time that may be bad. A half gives the search the least variation (MLRsearch, 4.5.6).
const EXCEED: f64 = 0.5;

/// Trials of one load, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    good_long: f64,
    bad_long: f64,
    good_short: f64,
    bad_short: f64,
}

impl Sums {
    /// Adds a trial of so many seconds. It is a long one when it lasted at least `long` seconds.
    pub(super) fn add(&mut self, seconds: f64, good: bool, long: f64) {
        *match (good, seconds >= long) {
            (true, true) => &mut self.good_long,
            (false, true) => &mut self.bad_long,
            (true, false) => &mut self.good_short,
            (false, false) => &mut self.bad_short,
        } += seconds;
    }

    /// MLRsearch's classification: decided once no trial that is missing of `enough` seconds could change it. Short good
    /// trials only offset short bad ones.
    pub(super) fn class(&self, enough: f64) -> Class {
        let excess = (self.bad_short - self.good_short * EXCEED / (1.0 - EXCEED)).max(0.0);
        let bad = self.bad_long + excess;
        let whole = (self.good_long + bad).max(enough);
        let limit = whole * EXCEED;
        if whole - self.good_long <= limit {
            Class::Lower
        } else if bad > limit {
            Class::Upper
        } else {
            Class::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(trials: &[(f64, bool)], long: f64, enough: f64) -> Class {
        let mut sums = Sums::default();
        trials.iter().for_each(|(seconds, good)| sums.add(*seconds, *good, long));
        sums.class(enough)
    }

    #[test]
    fn more_than_half_of_the_trials_decide() {
        let (good, bad) = ((10.0, true), (10.0, false));
        assert_eq!(class(&[], 10.0, 50.0), Class::Undecided);
        assert_eq!(class(&[good, good], 10.0, 50.0), Class::Undecided);
        assert_eq!(class(&[good, good, bad, good], 10.0, 50.0), Class::Lower);
        assert_eq!(class(&[bad, good, bad], 10.0, 50.0), Class::Undecided);
        assert_eq!(class(&[bad, good, bad, bad], 10.0, 50.0), Class::Upper);
    }

    #[test]
    fn short_trials_alone_show_no_load_to_be_sustained() {
        assert_eq!(class(&[(1.0, true); 100], 10.0, 50.0), Class::Undecided);
        assert_eq!(class(&[(1.0, false); 26], 10.0, 50.0), Class::Upper);
    }
}
