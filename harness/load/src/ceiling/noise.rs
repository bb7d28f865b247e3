//! Whether the machine spoils so many trials that none of them can be believed.

/// Trials of a sustained load that may fail on a machine that is good enough.
const QUIET: f64 = 0.05;
/// Trials of a sustained load that fail on one that is not.
const NOISY: f64 = 0.3;
/// ln of how much likelier one of the two has to be: either is wrong about once in twenty.
const SURE: f64 = 2.944;
/// Where neither is likely enough after so many trials, the likelier one is taken.
const ENOUGH: u32 = 60;

/// A. Wald's sequential probability ratio test over the trials of loads that are sustained: each should pass.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Noise {
    /// Trials that counted.
    pub trials: u32,
    /// Those that failed all the same.
    pub failed: u32,
}

impl Noise {
    /// Whether the machine is too noisy; `None` as long as more trials are needed.
    #[must_use]
    pub fn too_much(&self) -> Option<bool> {
        let ratio = self.ratio();
        if ratio.abs() < SURE && self.trials < ENOUGH {
            return None;
        }
        Some(ratio > 0.0)
    }

    /// Whether the machine is likelier too noisy than not: what is said when there is no time for more trials.
    #[must_use]
    pub fn likely_too_much(&self) -> bool {
        self.ratio() > 0.0
    }

    /// ln of how much likelier so many failures are on a machine that is too noisy.
    fn ratio(&self) -> f64 {
        let passed = f64::from(self.trials - self.failed);
        f64::from(self.failed) * (NOISY / QUIET).ln() + passed * ((1.0 - NOISY) / (1.0 - QUIET)).ln()
    }

    /// Share that failed; `None` without a trial.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.trials > 0).then(|| f64::from(self.failed) / f64::from(self.trials))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_trials_without_a_failure_are_quiet_and_a_few_failures_are_not() {
        assert_eq!(Noise { trials: 9, failed: 0 }.too_much(), None);
        assert_eq!(Noise { trials: 10, failed: 0 }.too_much(), Some(false));
        assert_eq!(Noise { trials: 10, failed: 1 }.too_much(), None);
        assert_eq!(Noise { trials: 6, failed: 3 }.too_much(), Some(true));
        let likely = |trials, failed| Noise { trials, failed }.likely_too_much();
        assert_eq!([likely(0, 0), likely(10, 1), likely(10, 2)], [false, false, true]);
    }
}
