//! Which of the arrivals that waited are still worth sending.

use std::time::Duration;

/// How long the target has been taking lately, from below: follows a faster answer at once and a slower one slowly, so a
/// stall does not change it.
///
/// Above the target's capacity the arrival whose turn it is has always waited for almost the whole timeout. Sent
/// regardless, none could be answered in time, each would cost a connection, and an overload would become a flood of new
/// connections that the target owes nothing to. So an arrival with less time left than twice of what the target takes, or
/// than a 32nd part of the timeout, is given up unsent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    timeout: Duration,
    /// Zero until something was answered.
    service_time: Duration,
}

impl Patience {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, service_time: Duration::ZERO }
    }

    /// From when on a request that fell due at `due` has failed.
    pub(crate) fn deadline(&self, due: Duration) -> Duration {
        due + self.timeout
    }

    /// From when on it is not worth sending any more.
    pub(crate) fn send_by(&self, due: Duration) -> Duration {
        due + self.timeout - (self.service_time * 2).clamp(self.timeout / 32, self.timeout / 2)
    }

    /// How long the target takes lately; zero until something was answered.
    pub(crate) fn service_time(&self) -> Duration {
        self.service_time
    }

    /// The target took this long to answer.
    pub(crate) fn answered(&mut self, service_time: Duration) {
        let known = self.service_time;
        self.service_time = if known.is_zero() {
            service_time
        } else if service_time < known {
            (service_time + known) / 2
        } else {
            known + (service_time - known) / 64
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn what_cannot_be_answered_in_time_is_not_sent() {
        let mut patience = Patience::new(MS(1_000));
        assert_eq!(patience.send_by(MS(0)), MS(1_000) * 31 / 32, "nothing is known of the target yet");
        (0..100).for_each(|_| patience.answered(MS(100)));
        let send_by = patience.send_by(MS(500));
        assert!((MS(1_299)..=MS(1_301)).contains(&send_by), "{send_by:?}");
        assert_eq!(patience.deadline(MS(500)), MS(1_500));
    }

    #[test]
    fn a_stall_does_not_make_it_impatient() {
        let mut patience = Patience::new(MS(5_000));
        (0..100).for_each(|_| patience.answered(MS(1)));
        // What was on its way during a stall of a second: a few answers of that length.
        (0..4).for_each(|_| patience.answered(MS(1_000)));
        (0..8).for_each(|_| patience.answered(MS(1)));
        assert_eq!(patience.send_by(MS(0)), MS(5_000) * 31 / 32);
    }

    #[test]
    fn half_of_the_timeout_is_always_left_to_wait_in() {
        let mut patience = Patience::new(MS(100));
        (0..1_000).for_each(|_| patience.answered(MS(90)));
        assert_eq!(patience.send_by(MS(0)), MS(50));
    }
}
