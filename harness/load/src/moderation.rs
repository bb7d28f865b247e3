//! Moderation of a busy worker's waits: answers are read several at a time, as network cards raise interrupts.
//!
//! A worker that is faster than its target finds one or two answers at each wait, pays a wait for each, and leaves the
//! target to fall asleep between requests, whose waking costs the worker too. Where all of its connections carry a
//! request nothing can be sent before an answer comes, so it may let a few come first. What that does to the times is
//! bounded: it is done only by a worker that needs most of its CPU, only where whatever is due waits already, and for
//! an eighth of the time that the target takes at most. While the target is the limit not even that shows, since an
//! answer that is read later leaves its next request less time in the target's queue (Little's law).

use std::time::Duration;

/// How busy the worker is is found over so long.
const STRETCH: Duration = Duration::from_millis(5);
/// Requests in flight from which on a pause brings several answers together.
const MANY: usize = 32;
/// With so many answers at a wait it costs little already.
const ENOUGH: usize = 16;
/// The longest pause, and the shortest that is worth its timer.
const LONGEST: Duration = Duration::from_micros(50);
const SHORTEST: Duration = Duration::from_micros(10);
/// Part of the target's service time that a pause takes at most.
const PART: u32 = 8;

/// When a worker pauses before it waits for answers.
#[derive(Debug)]
pub(crate) struct Moderation {
    allowed: bool,
    /// The stretch that goes on: when it began, and how much of it passed in waits and in pauses.
    began: Duration,
    waited: Duration,
    paused: Duration,
    busy: bool,
}

impl Moderation {
    /// A `precise` worker never pauses.
    pub(crate) fn new(precise: bool) -> Self {
        let none = Duration::ZERO;
        Self { allowed: !precise, began: none, waited: none, paused: none, busy: false }
    }

    /// How long to pause before the next wait, if at all, with so many requests `in_flight`, after so many were
    /// `answered` since the last one, where the target takes `service_time` lately.
    pub(crate) fn pause(
        &self,
        in_flight: usize,
        answered: usize,
        service_time: Duration,
    ) -> Option<Duration> {
        let worth = self.allowed && self.busy && in_flight >= MANY && answered < ENOUGH;
        Some((service_time / PART).min(LONGEST)).filter(|pause| worth && *pause >= SHORTEST)
    }

    /// It paused at `from` until `to`.
    pub(crate) fn paused(&mut self, from: Duration, to: Duration) {
        self.paused += to.saturating_sub(from);
    }

    /// It waited at `from` until `to`. A worker is busy that does not spend half of its time in waits.
    pub(crate) fn waited(&mut self, from: Duration, to: Duration) {
        self.waited += to.saturating_sub(from);
        let stretch = to.saturating_sub(self.began);
        if stretch >= STRETCH {
            self.busy = self.waited * 2 < stretch.saturating_sub(self.paused);
            (self.began, self.waited, self.paused) = (to, Duration::ZERO, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: fn(u64) -> Duration = Duration::from_micros;

    /// After rounds of 100 us for 20 ms, each with such a wait and, before it, such a pause.
    fn after(precise: bool, waited: u64, paused: u64) -> Moderation {
        let mut moderation = Moderation::new(precise);
        for round in 0..200 {
            let end = (round + 1) * 100;
            moderation.paused(US(end - waited - paused), US(end - waited));
            moderation.waited(US(end - waited), US(end));
        }
        moderation
    }

    #[test]
    fn a_busy_worker_pauses_for_an_eighth_of_the_service_time() {
        let busy = after(false, 10, 0);
        assert_eq!(busy.pause(64, 2, US(320)), Some(US(40)));
        assert_eq!(busy.pause(1_024, 2, US(8_000)), Some(US(50)), "and no longer than 50 us");
    }

    #[test]
    fn a_worker_that_mostly_waits_takes_each_answer_at_once() {
        assert_eq!(after(false, 60, 0).pause(64, 2, US(320)), None);
        assert_eq!(Moderation::new(false).pause(64, 2, US(320)), None, "nothing is known of it yet");
    }

    #[test]
    fn pauses_do_not_make_a_worker_idle() {
        assert!(after(false, 5, 60).pause(64, 2, US(320)).is_some());
        assert!(after(false, 30, 60).pause(64, 2, US(320)).is_none());
    }

    #[test]
    fn it_pauses_only_where_that_brings_answers_together() {
        let busy = after(false, 10, 0);
        assert_eq!(busy.pause(31, 2, US(320)), None, "few are on their way");
        assert_eq!(busy.pause(64, 16, US(320)), None, "many came together as it is");
        assert_eq!(busy.pause(64, 2, US(79)), None, "not worth a timer");
    }

    #[test]
    fn a_precise_worker_never_pauses() {
        assert_eq!(after(true, 10, 0).pause(64, 2, US(320)), None);
    }
}
