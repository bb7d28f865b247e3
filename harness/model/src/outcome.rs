//! What became of one request, and counts of it.

use std::collections::BTreeMap;
use std::time::Duration;

/// What became of one due arrival. Exactly one of these, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// A complete response with this status code.
    Answered {
        /// HTTP status code, 100 to 599.
        status: u16,
    },
    /// The connection was refused.
    Refused,
    /// The connection was reset or closed before the response was complete.
    Reset,
    /// No complete response within the timeout.
    TimedOut,
    /// Something came back that is not HTTP/1.1.
    Malformed,
    /// The TLS handshake failed: a certificate that does not match, no version in common. Counted among the other
    /// failures, and by itself.
    Tls,
    /// Any other failure after the decision to send: no route.
    Other,
    /// Never sent: no connection was free until it was given up.
    Unsent,
    /// Never sent: this machine had no local port for a connection. Counted among the unsent, and by itself.
    NoPort,
}

impl Outcome {
    /// Whether a user would call it a success: a complete answer with a status below 400.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Outcome::Answered { status } if status < 400)
    }
}

/// One request. Latency is `done - due`, what a user waits; service time is `done - sent`. Times are offsets from the
/// start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Index into [`crate::Scenario::requests`].
    pub request: usize,
    /// When the pacer wanted it sent.
    pub due: Duration,
    /// When it was sent; `None` when it never was.
    pub sent: Option<Duration>,
    /// When it was answered, failed or was given up.
    pub done: Duration,
    /// What became of it.
    pub outcome: Outcome,
    /// Where its service time went.
    pub parts: Parts,
}

/// Where the service time of a request went, as far as it got. What is missing was not needed or never reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// From the beginning of its connection until that stood; only when it opened one.
    pub connect: Option<Duration>,
    /// From then to the end of the TLS handshake, or of the WebSocket upgrade.
    pub handshake: Option<Duration>,
    /// From the request's first write to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// From the answer's first byte to its last.
    pub transfer: Option<Duration>,
}

impl Sample {
    /// What a user waited: `done - due`.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.done.saturating_sub(self.due)
    }

    /// How long the target took: `done - sent`; `None` for what was never sent.
    #[must_use]
    pub fn service_time(&self) -> Option<Duration> {
        self.sent.map(|sent| self.done.saturating_sub(sent))
    }

    /// How late it was sent: `sent - due`, the generator's own share; `None` for what was never sent.
    #[must_use]
    pub fn send_lag(&self) -> Option<Duration> {
        self.sent.map(|sent| sent.saturating_sub(self.due))
    }
}

/// How many arrivals ended in which way. `due = sent + unsent` and
/// `sent = answered + timed_out + refused + reset + malformed + other`, always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Complete responses by status code.
    pub status: BTreeMap<u16, u64>,
    /// Complete responses that are good ([`Outcome::is_good`]).
    pub good: u64,
    /// Never sent.
    pub unsent: u64,
    /// Those of the unsent for which this machine had no local port left.
    pub no_port: u64,
    /// No complete response in time.
    pub timed_out: u64,
    /// Connection refused.
    pub refused: u64,
    /// Connection reset or closed early.
    pub reset: u64,
    /// Not HTTP/1.1.
    pub malformed: u64,
    /// Any other failure.
    pub other: u64,
    /// Those of the other failures whose TLS handshake failed.
    pub tls: u64,
}

impl Counts {
    /// Counts one more arrival.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Answered { status } => *self.status.entry(status).or_insert(0) += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Reset => self.reset += 1,
            Outcome::TimedOut => self.timed_out += 1,
            Outcome::Malformed => self.malformed += 1,
            Outcome::Other => self.other += 1,
            Outcome::Tls => {
                self.other += 1;
                self.tls += 1;
            }
            Outcome::Unsent => self.unsent += 1,
            Outcome::NoPort => {
                self.unsent += 1;
                self.no_port += 1;
            }
        }
        self.good += u64::from(outcome.is_good());
    }

    /// Adds all of `other`'s arrivals.
    pub fn merge(&mut self, other: &Counts) {
        for (status, count) in &other.status {
            *self.status.entry(*status).or_insert(0) += count;
        }
        self.good += other.good;
        self.unsent += other.unsent;
        self.no_port += other.no_port;
        self.timed_out += other.timed_out;
        self.refused += other.refused;
        self.reset += other.reset;
        self.malformed += other.malformed;
        self.other += other.other;
        self.tls += other.tls;
    }

    /// Complete responses of any status.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.status.values().sum()
    }

    /// Arrivals that left the generator.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.answered() + self.timed_out + self.refused + self.reset + self.malformed + self.other
    }

    /// All arrivals.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.sent() + self.unsent
    }

    /// Arrivals that were not good, unsent ones included.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.due() - self.good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            (100u16..600).prop_map(|status| Outcome::Answered { status }),
            Just(Outcome::Refused),
            Just(Outcome::Reset),
            Just(Outcome::TimedOut),
            Just(Outcome::Malformed),
            Just(Outcome::Other),
            Just(Outcome::Tls),
            Just(Outcome::Unsent),
            Just(Outcome::NoPort),
        ]
    }

    proptest! {
        #[test]
        fn the_counts_add_up_and_merging_is_counting_together(
            left in prop::collection::vec(any_outcome(), 0..50),
            right in prop::collection::vec(any_outcome(), 0..50),
        ) {
            let count = |outcomes: &[Outcome]| {
                let mut counts = Counts::default();
                outcomes.iter().for_each(|outcome| counts.add(*outcome));
                counts
            };
            let mut merged = count(&left);
            merged.merge(&count(&right));
            let both: Vec<Outcome> = left.iter().chain(&right).copied().collect();
            prop_assert_eq!(&merged, &count(&both));
            prop_assert_eq!(merged.due(), both.len() as u64);
            prop_assert_eq!(merged.failed(), both.iter().filter(|outcome| !outcome.is_good()).count() as u64);
        }
    }

    #[test]
    fn latency_counts_from_due_and_service_time_from_sent() {
        let ms = Duration::from_millis;
        let sample = Sample {
            request: 0,
            due: ms(10),
            sent: Some(ms(12)),
            done: ms(20),
            outcome: Outcome::Answered { status: 200 },
            parts: Parts::default(),
        };
        assert_eq!(sample.latency(), ms(10));
        assert_eq!(sample.service_time(), Some(ms(8)));
        assert_eq!(sample.send_lag(), Some(ms(2)));
    }
}
