//! The closed stages of a load: when they are in force, and how long their users think.

use std::time::Duration;

use model::{Arrivals, Stage};

#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Duration,
    to: Duration,
    think: Duration,
}

/// The closed stages of a load with their places in it.
#[derive(Debug, Clone)]
pub(crate) struct ClosedStages(Vec<Stretch>);

impl ClosedStages {
    pub(crate) fn new(stages: &[Stage]) -> Self {
        let mut from = Duration::ZERO;
        let mut closed = Vec::new();
        for stage in stages {
            let to = from + stage.duration;
            if let Arrivals::Closed { think } = stage.arrivals {
                closed.push(Stretch { from, to, think });
            }
            from = to;
        }
        Self(closed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pause of the stage in force at that time; `None` when it is an open one.
    pub(crate) fn think_at(&self, when: Duration) -> Option<Duration> {
        self.0.iter().find(|stretch| (stretch.from..stretch.to).contains(&when)).map(|stretch| stretch.think)
    }

    /// When the next closed stage begins.
    pub(crate) fn next_from(&self, now: Duration) -> Option<Duration> {
        self.0.iter().map(|stretch| stretch.from).find(|from| *from > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_stages_have_their_place_between_open_ones() {
        let second = Duration::from_secs(1);
        let open = Stage { duration: second, arrivals: Arrivals::Constant { rate: 1.0 } };
        let closed = Stage { duration: second, arrivals: Arrivals::Closed { think: second / 4 } };
        let stages = ClosedStages::new(&[open.clone(), closed, open]);
        assert_eq!(stages.think_at(second / 2), None);
        assert_eq!(stages.think_at(second), Some(second / 4));
        assert_eq!(stages.think_at(second * 2), None);
        assert_eq!((stages.next_from(Duration::ZERO), stages.next_from(second)), (Some(second), None));
    }
}
