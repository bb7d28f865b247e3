//! How much of its time a worker needs the CPU, second by second and over the whole load.

use std::time::Duration;

use crate::windows::{LENGTH, Windows};

/// What has been seen so far. Times count from the start of the load, at which nothing was needed yet: what opening
/// connections took before is no part of the load, nor is what is waited for after its end.
#[derive(Debug)]
pub(crate) struct Effort {
    /// CPU time that the thread had needed at the start.
    before: Duration,
    /// When it was last looked at, and what had been needed by then.
    looked: Duration,
    needed: Duration,
    /// The end of the window that goes on; none when the load is over.
    next: Option<Duration>,
    end: Duration,
}

impl Effort {
    /// Of a load that ends at `end`.
    pub(crate) fn new(end: Duration) -> Self {
        let next = Some(LENGTH.min(end));
        Self { before: Duration::ZERO, looked: Duration::ZERO, needed: Duration::ZERO, next, end }
    }

    /// The load begins, and its thread has needed so much until now.
    pub(crate) fn begin(&mut self, needed: Duration) {
        self.before = needed;
    }

    /// Tells the windows that are over by `now`. What was `needed` since the last look is spread over it evenly.
    pub(crate) fn look(&mut self, now: Duration, needed: impl FnOnce() -> Duration, windows: &mut Windows) {
        if self.next.is_some_and(|next| next <= now) {
            self.tell(now, needed(), windows);
        }
    }

    /// The load ends already now.
    pub(crate) fn end(&mut self, now: Duration, needed: Duration, windows: &mut Windows) {
        if now < self.end && self.next.is_some() {
            self.end = now;
            self.next = self.next.map(|next| next.min(now));
            self.tell(now, needed, windows);
        }
    }

    fn tell(&mut self, now: Duration, needed: Duration, windows: &mut Windows) {
        let needed = needed.saturating_sub(self.before);
        let share = share(needed.saturating_sub(self.needed), now.saturating_sub(self.looked));
        (self.looked, self.needed) = (now, needed);
        while let Some(next) = self.next.filter(|next| *next <= now) {
            windows.effort(next, share);
            self.next = (next < self.end).then(|| (next + LENGTH).min(self.end));
        }
    }

    /// Share of the load's time in which it needed the CPU.
    pub(crate) fn share(&self) -> f64 {
        share(self.needed, self.looked)
    }
}

fn share(needed: Duration, of: Duration) -> f64 {
    if of.is_zero() { 0.0 } else { needed.as_secs_f64() / of.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The shares by window of a load of 2.5 s, looked at so: when, and what had been needed by then.
    fn seen(looks: &[(u64, u64)]) -> (Vec<u64>, f64) {
        let mut windows = Windows::new(Instant::now(), 1, MS(2_500));
        let mut effort = Effort::new(MS(2_500));
        effort.begin(MS(700));
        for (now, needed) in looks {
            effort.look(MS(*now), || MS(700 + needed), &mut windows);
        }
        let closed = std::iter::from_fn(|| windows.close(MS(2_500), true));
        (closed.map(|interval| interval.worker_cpu.max() / 10_000).collect(), effort.share())
    }

    #[test]
    fn what_was_needed_before_the_start_and_after_the_end_does_not_count() {
        let (by_window, whole) = seen(&[(1_000, 500), (2_000, 1_500), (2_500, 2_000), (9_000, 2_000)]);
        assert_eq!(by_window, [50, 100, 100]);
        assert!((whole - 0.8).abs() < 1e-9, "{whole}");
    }

    #[test]
    fn a_worker_that_could_not_look_for_seconds_tells_each_of_them() {
        let (by_window, whole) = seen(&[(2_600, 2_600)]);
        assert_eq!(by_window, [100, 100, 100]);
        assert!((whole - 1.0).abs() < 1e-9, "{whole}");
    }

    #[test]
    fn a_load_that_is_ended_early_has_the_share_until_then() {
        let mut windows = Windows::new(Instant::now(), 1, MS(2_500));
        let mut effort = Effort::new(MS(2_500));
        effort.look(MS(1_000), || MS(100), &mut windows);
        effort.end(MS(1_200), MS(300), &mut windows);
        effort.look(MS(2_500), || MS(2_000), &mut windows);
        assert!((effort.share() - 0.25).abs() < 1e-9, "{}", effort.share());
        windows.end(MS(1_200));
        let closed = std::iter::from_fn(|| windows.close(MS(1_200), true));
        assert_eq!(closed.map(|interval| interval.worker_cpu.max() / 10_000).collect::<Vec<_>>(), [10, 100]);
    }
}
