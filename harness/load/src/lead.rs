//! The time before the start of a load, in which its connections are opened.

use std::time::{Duration, Instant};

/// Opens connections one after the other, so that the target's queue of new ones does not overflow.
#[derive(Debug)]
pub(crate) struct Lead {
    began: Instant,
    start: Instant,
    connections: usize,
    /// How many have had their turn.
    opened: usize,
}

impl Lead {
    /// Begins now, for a load that starts at `start` with so many connections.
    pub(crate) fn new(start: Instant, connections: usize) -> Self {
        Self { began: Instant::now(), start, connections, opened: 0 }
    }

    /// The time in which connections are opened: most of what there is before the start, to leave the last ones some
    /// time to be established.
    fn length(&self) -> Duration {
        self.start.saturating_duration_since(self.began).mul_f64(0.8)
    }

    /// The next connection to open, if its turn has come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<usize> {
        let length = self.length().as_secs_f64().max(f64::MIN_POSITIVE);
        let share = now.saturating_duration_since(self.began).as_secs_f64() / length;
        if self.is_over() || f64_of(self.opened) > share * f64_of(self.connections) {
            return None;
        }
        self.opened += 1;
        Some(self.opened - 1)
    }

    /// Whether all have had their turn.
    pub(crate) fn is_over(&self) -> bool {
        self.opened >= self.connections
    }

    /// From one turn to the next.
    pub(crate) fn step(&self) -> Duration {
        self.length() / u32::try_from(self.connections).unwrap_or(u32::MAX)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of connections, far below 2^52")]
fn f64_of(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_opened_evenly_over_four_fifths_of_the_time_before_the_start() {
        let began = Instant::now();
        let start = began + Duration::from_secs(10);
        let mut lead = Lead { began, start, connections: 4, opened: 0 };
        assert_eq!(lead.step(), Duration::from_secs(2));
        let mut turns = Vec::new();
        for second in 0..=10 {
            turns.extend(
                std::iter::from_fn(|| lead.next(began + Duration::from_secs(second))).map(|_| second),
            );
        }
        assert_eq!(turns, [0, 2, 4, 6]);
        assert!(lead.is_over());
    }
}
