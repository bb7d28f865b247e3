//! Moderation of a busy worker's waits: answers are read several at a time, as network cards raise interrupts.
//!
//! A worker that is faster than its target finds one or two answers at each wait, pays a wait for each, and leaves the
//! target to fall asleep between requests, whose waking costs the worker too. Where each of its connections awaits an
//! answer nothing can be sent before one comes, so it may let a few come first. What that does to the times is bounded:
//! it is done only by a worker that needs most of its CPU, only where whatever is due waits already, and for a sixth
//! of the time that an answer takes at most. While the target is the limit not even that shows, since an answer that is
//! read later leaves its next request less time in the target's queue (Little's law).

use std::time::Duration;

/// How busy the worker is is found over so long.
const STRETCH: Duration = Duration::from_millis(5);
/// Requests in flight from which on a pause brings several answers together.
const MANY: usize = 32;
/// With so many answers at a wait it costs little already.
const ENOUGH: usize = 16;
/// The longest pause, and the shortest that is worth asking for.
const LONGEST: Duration = Duration::from_micros(75);
const SHORTEST: Duration = Duration::from_micros(10);
/// Part of the service time that a pause takes at most.
const PART: u32 = 6;

/// What a worker has before it waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Requests in flight.
    pub(crate) in_flight: usize,
    /// Sockets that there was news of at the last wait, and requests that have ended since.
    pub(crate) events: usize,
    pub(crate) ended: usize,
    /// How long answers take lately.
    pub(crate) service_time: Duration,
    /// How often a connection has been opened.
    pub(crate) openings: u64,
}

/// When a worker pauses before it waits for answers.
#[derive(Debug)]
pub(crate) struct Moderation {
    allowed: bool,
    /// The stretch that goes on: when it began, and how much of it passed in waits and in pauses.
    began: Duration,
    idle: Duration,
    busy: bool,
    /// How often a connection had been opened when the stretch before began, and when this one did.
    openings: [u64; 2],
    /// How much longer than asked for pauses last.
    overslept: Duration,
    /// How often it paused.
    pauses: u64,
}

impl Moderation {
    /// A `precise` worker never pauses.
    pub(crate) fn new(precise: bool) -> Self {
        let none = Duration::ZERO;
        Self {
            allowed: !precise,
            began: none,
            idle: none,
            busy: false,
            openings: [0; 2],
            overslept: none,
            pauses: 0,
        }
    }

    /// How long to ask for a pause before the next wait, if for any.
    pub(crate) fn pause(&self, round: &Round) -> Option<Duration> {
        let Round { in_flight, events, ended, service_time, openings } = *round;
        // News that ended no request was of a handshake, or of a part of what is sent or received: that goes on at once.
        let answers_only = events > 0 && ended >= events && openings == self.openings[0];
        let worth = self.allowed && self.busy && in_flight >= MANY && answers_only && ended < ENOUGH;
        let longest = (service_time / PART).min(LONGEST);
        Some(longest.saturating_sub(self.overslept)).filter(|pause| worth && *pause >= SHORTEST)
    }

    /// How often it paused so far.
    pub(crate) fn pauses(&self) -> u64 {
        self.pauses
    }

    /// It asked for a `pause` at `from` and woke at `to`.
    pub(crate) fn paused(&mut self, pause: Duration, from: Duration, to: Duration) {
        let paused = to.saturating_sub(from);
        self.pauses += 1;
        self.idle += paused;
        self.overslept = (self.overslept * 7 + paused.saturating_sub(pause)) / 8;
    }

    /// It waited at `from` until `to`. A worker is busy that spends less than half of its time in waits and in pauses.
    pub(crate) fn waited(&mut self, from: Duration, to: Duration, openings: u64) {
        self.idle += to.saturating_sub(from);
        let stretch = to.saturating_sub(self.began);
        if stretch >= STRETCH {
            self.busy = self.idle * 2 < stretch;
            (self.began, self.idle) = (to, Duration::ZERO);
            self.openings = [self.openings[1], openings];
            // One long sleep among others is forgotten.
            self.overslept = self.overslept * 7 / 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: fn(u64) -> Duration = Duration::from_micros;

    fn round() -> Round {
        Round { in_flight: 64, events: 2, ended: 2, service_time: US(300), openings: 64 }
    }

    /// After rounds of 100 us for 20 ms, each with such a pause and such a wait after it.
    fn go_on(moderation: &mut Moderation, paused: u64, waited: u64) {
        let began = moderation.began;
        for round in 1..=200 {
            let end = began + US(round * 100);
            let from = end.saturating_sub(US(waited));
            moderation.paused(US(paused), from.saturating_sub(US(paused)), from);
            moderation.waited(from, end, 64);
        }
    }

    fn after(precise: bool, paused: u64, waited: u64) -> Moderation {
        let mut moderation = Moderation::new(precise);
        go_on(&mut moderation, paused, waited);
        moderation
    }

    #[test]
    fn a_busy_worker_pauses_for_a_sixth_of_the_service_time() {
        let busy = after(false, 0, 10);
        assert_eq!(busy.pause(&round()), Some(US(50)));
        let slow = Round { in_flight: 1_024, service_time: US(8_000), ..round() };
        assert_eq!(busy.pause(&slow), Some(US(75)), "and no longer than 75 us");
    }

    #[test]
    fn a_worker_that_mostly_waits_takes_each_answer_at_once() {
        assert_eq!(after(false, 0, 60).pause(&round()), None);
        assert_eq!(Moderation::new(false).pause(&round()), None, "nothing is known of it yet");
    }

    #[test]
    fn a_worker_whose_target_becomes_slow_pauses_no_more() {
        let mut moderation = after(false, 30, 10);
        assert!(moderation.pause(&round()).is_some());
        // Answers come during the pauses now, so it hardly waits, and it has little to do.
        go_on(&mut moderation, 60, 1);
        assert_eq!(moderation.pause(&round()), None);
    }

    #[test]
    fn it_pauses_only_where_that_brings_answers_together() {
        let busy = after(false, 0, 10);
        assert_eq!(busy.pause(&Round { in_flight: 31, ..round() }), None, "few are on their way");
        assert_eq!(busy.pause(&Round { ended: 16, ..round() }), None, "many came together as it is");
        assert_eq!(busy.pause(&Round { service_time: US(59), ..round() }), None, "not worth a timer");
    }

    #[test]
    fn what_is_to_be_sent_or_read_in_parts_is_not_kept_waiting() {
        let mut busy = after(false, 0, 10);
        assert_eq!(busy.pause(&Round { ended: 1, ..round() }), None, "a part of an answer came");
        assert_eq!(busy.pause(&Round { events: 0, ended: 0, ..round() }), None, "nothing came");
        let opened = Round { openings: 65, ..round() };
        assert_eq!(busy.pause(&opened), None, "a connection is being opened");
        for stretch in 1..=2 {
            assert_eq!(busy.pause(&opened), None);
            busy.waited(busy.began + STRETCH, busy.began + STRETCH, 65);
            assert_eq!(
                busy.pause(&opened).is_some(),
                stretch == 2,
                "it has stood for a whole stretch by then"
            );
        }
    }

    #[test]
    fn pauses_that_last_longer_than_asked_for_are_asked_for_shorter() {
        let mut busy = after(false, 0, 10);
        (0..100).for_each(|_| busy.paused(US(20), US(0), US(35)));
        let asked = busy.pause(&round()).unwrap();
        assert!((US(35)..US(37)).contains(&asked), "{asked:?}");
        busy.paused(US(20), US(0), US(2_020));
        assert_eq!(busy.pause(&round()), None);
        for _ in 0..20 {
            let end = busy.began + STRETCH;
            busy.waited(end - US(100), end, 64);
        }
        assert!(busy.pause(&round()).is_some(), "one long sleep is forgotten");
    }

    #[test]
    fn a_precise_worker_never_pauses() {
        assert_eq!(after(true, 0, 10).pause(&round()), None);
    }
}
