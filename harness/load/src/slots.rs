//! Which connection slots are free, and which request in flight is given up first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// Free slots, in the order in which they became free so that all are used alike. In a closed stage a slot may rest:
/// its user thinks, or its target was dead a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Free {
    ready: VecDeque<usize>,
    resting: BinaryHeap<Reverse<(Duration, usize)>>,
    /// Not to be used before their time by anybody.
    held: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl Free {
    /// All slots, one lane of every connection after the other so that connections are used alike. With a slow start
    /// the connections come into use one after the other.
    pub(crate) fn new(connections: usize, lanes: usize, slow_start: Duration) -> Self {
        let mut free = Self::default();
        for lane in 0..lanes {
            for number in 0..connections {
                let slot = number * lanes + lane;
                #[expect(clippy::cast_precision_loss, reason = "numbers of connections, far below 2^52")]
                let after = slow_start.mul_f64(number as f64 / connections as f64);
                if after.is_zero() { free.push(slot) } else { free.hold(slot, after) }
            }
        }
        free
    }

    /// Whether no slot is free, nor will be without an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.resting.is_empty() && self.held.is_empty()
    }

    pub(crate) fn push(&mut self, slot: usize) {
        self.ready.push_back(slot);
    }

    /// The slot makes no request of its own before `until`.
    pub(crate) fn rest(&mut self, slot: usize, until: Duration) {
        self.resting.push(Reverse((until, slot)));
    }

    /// The slot is used by nobody before `until`.
    pub(crate) fn hold(&mut self, slot: usize, until: Duration) {
        self.held.push(Reverse((until, slot)));
    }

    /// When the next slot that is held may be used.
    pub(crate) fn held_until(&self) -> Option<Duration> {
        self.held.peek().map(|Reverse((until, _))| *until)
    }

    /// Makes slots ready that were held until now.
    pub(crate) fn let_go(&mut self, now: Duration) {
        while self.held_until().is_some_and(|until| until <= now)
            && let Some(Reverse((_, slot))) = self.held.pop()
        {
            self.ready.push_back(slot);
        }
    }

    /// When the next slot has rested.
    pub(crate) fn rested_at(&self) -> Option<Duration> {
        self.resting.peek().map(|Reverse((until, _))| *until)
    }

    /// A slot for a closed stage's next request.
    pub(crate) fn pop_rested(&mut self, now: Duration) -> Option<usize> {
        self.ready.pop_front().or_else(|| {
            let due = self.rested_at().is_some_and(|until| until <= now);
            due.then(|| self.resting.pop().map(|Reverse((_, slot))| slot)).flatten()
        })
    }

    /// A slot for an arrival that is due: it does not wait for a closed stage's users to have thought.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        self.ready.pop_front().or_else(|| self.resting.pop().map(|Reverse((_, slot))| slot))
    }
}

/// Slots with a request in flight, by the time at which it is given up: a list threaded through the slots, so that its
/// size is that of the slots and settling a request takes it out at once.
#[derive(Debug)]
pub(crate) struct Deadlines {
    links: Vec<Link>,
    first: Option<usize>,
    last: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Link {
    before: Option<usize>,
    after: Option<usize>,
    /// `None` when the slot is not in the list.
    deadline: Option<Duration>,
}

impl Deadlines {
    pub(crate) fn new(slots: usize) -> Self {
        Self { links: vec![Link::default(); slots], first: None, last: None }
    }

    /// The request that is given up first.
    pub(crate) fn first(&self) -> Option<(Duration, usize)> {
        let slot = self.first?;
        self.links[slot].deadline.map(|deadline| (deadline, slot))
    }

    /// Adds a slot that is not in the list. Deadlines come in order but for the seam between an open and a closed
    /// stage, so looking for the place from the end is looking once.
    pub(crate) fn insert(&mut self, slot: usize, deadline: Duration) {
        let mut before = self.last;
        while let Some(other) = before.filter(|other| self.links[*other].deadline > Some(deadline)) {
            before = self.links[other].before;
        }
        let after = match before {
            Some(before) => self.links[before].after,
            None => self.first,
        };
        self.links[slot] = Link { before, after, deadline: Some(deadline) };
        self.join(before, Some(slot));
        self.join(Some(slot), after);
    }

    /// Takes a slot out, if it is in the list.
    pub(crate) fn remove(&mut self, slot: usize) {
        let link = std::mem::take(&mut self.links[slot]);
        if link.deadline.is_some() {
            self.join(link.before, link.after);
        }
    }

    fn join(&mut self, before: Option<usize>, after: Option<usize>) {
        match before {
            Some(before) => self.links[before].after = after,
            None => self.first = after,
        }
        match after {
            Some(after) => self.links[after].before = before,
            None => self.last = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_resting_slot_is_woken_by_an_arrival_but_not_by_a_closed_stage() {
        let mut free = Free::default();
        free.rest(7, MS(100));
        free.rest(8, MS(50));
        assert_eq!(free.pop_rested(MS(49)), None);
        assert_eq!(free.rested_at(), Some(MS(50)));
        assert_eq!(free.pop_rested(MS(50)), Some(8));
        assert!(!free.is_empty(), "one rests");
        assert_eq!(free.pop(), Some(7));
        assert_eq!(free.pop(), None);
        assert!(free.is_empty());
        free.hold(7, MS(200));
        assert!(!free.is_empty(), "one is held");
    }

    #[test]
    fn free_slots_are_used_in_turn() {
        let mut free = Free::default();
        (0..3).for_each(|slot| free.push(slot));
        let first = free.pop().unwrap();
        free.push(first);
        assert_eq!([free.pop(), free.pop(), free.pop()], [Some(1), Some(2), Some(0)]);
    }

    proptest! {
        #[test]
        fn the_first_deadline_is_the_earliest_whatever_came_and_went(
            steps in prop::collection::vec((0usize..8, prop::option::of(0u64..50)), 0..100)
        ) {
            let mut deadlines = Deadlines::new(8);
            let mut model: BTreeMap<usize, u64> = BTreeMap::new();
            for (slot, deadline) in steps {
                deadlines.remove(slot);
                model.remove(&slot);
                if let Some(deadline) = deadline {
                    deadlines.insert(slot, MS(deadline));
                    model.insert(slot, deadline);
                }
                let earliest = model.values().min().map(|deadline| MS(*deadline));
                prop_assert_eq!(deadlines.first().map(|(deadline, _)| deadline), earliest);
            }
            let mut in_order = Vec::new();
            while let Some((deadline, slot)) = deadlines.first() {
                prop_assert_eq!(model.remove(&slot).map(MS), Some(deadline));
                in_order.push(deadline);
                deadlines.remove(slot);
            }
            prop_assert!(model.is_empty() && in_order.is_sorted());
        }
    }
}
