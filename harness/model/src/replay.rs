//! What an access log holds, kept small: a log of a million lines is tens of megabytes of text.

use std::time::Duration;

/// A request of a log, without a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed<'a> {
    /// Whether its method is HEAD; it is GET otherwise.
    pub head: bool,
    /// Path and query, beginning with `/`.
    pub path: &'a str,
    /// Index into [`crate::Scenario::requests`]: the row of the tables under which it is counted.
    pub request: usize,
}

/// A distinct request: its path ends at `end` in the text of all paths and begins where that of the one before ends.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Target {
    end: u32,
    request: u16,
    head: bool,
}

/// Arrivals whose times and requests come from an access log. A log knows whole seconds; the requests of a second are
/// spread evenly over it.
#[derive(Clone, PartialEq)]
pub struct Replay {
    file: String,
    speed: f64,
    paths: String,
    targets: Vec<Target>,
    /// For each request in order: which target.
    calls: Vec<u32>,
    /// The log's seconds that have requests, from its first: (second, number of the first request in it).
    seconds: Vec<(u32, u32)>,
}

impl Replay {
    /// An empty log called `file`, to be filled in the order of time by [`Replay::target`] and [`Replay::call`], at
    /// `speed` times its own pace.
    #[must_use]
    pub fn new(file: String, speed: f64) -> Self {
        let (paths, targets, calls, seconds) = Default::default();
        Self { file, speed, paths, targets, calls, seconds }
    }

    /// Adds a distinct request, counted under the row `request`. `None` when there are too many of them to be numbered.
    pub fn target(&mut self, head: bool, path: &str, request: u16) -> Option<u32> {
        let number = u32::try_from(self.targets.len()).ok()?;
        let end = u32::try_from(self.paths.len() + path.len()).ok()?;
        self.paths.push_str(path);
        self.targets.push(Target { end, request, head });
        Some(number)
    }

    /// Counts the distinct request `target` under the row `request`.
    pub fn assign(&mut self, target: u32, request: u16) {
        self.targets[target as usize].request = request;
    }

    /// Adds a request of `target` in a second counted from the log's first one; the seconds never go back. `None` when
    /// there are too many requests to be numbered.
    pub fn call(&mut self, second: u32, target: u32) -> Option<()> {
        let number = u32::try_from(self.calls.len()).ok()?;
        match self.seconds.last() {
            Some((last, _)) if *last >= second => {}
            _ => self.seconds.push((second, number)),
        }
        self.calls.push(target);
        Some(())
    }

    /// The log as the person named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// How many times faster than the log.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Number of requests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Number of distinct requests.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// The distinct request `target`.
    #[must_use]
    pub fn describe(&self, target: u32) -> Replayed<'_> {
        let index = target as usize;
        let Target { end, request, head } = self.targets[index];
        let begin = index.checked_sub(1).map_or(0, |before| self.targets[before].end as usize);
        Replayed { head, path: &self.paths[begin..end as usize], request: usize::from(request) }
    }

    /// Which distinct request the request with this number is.
    #[must_use]
    pub fn target_of(&self, number: usize) -> u32 {
        self.calls[number]
    }

    /// When the request with this number falls due, from the beginning. The count of a second rises evenly from its
    /// first request to the next second, so `k` requests of one second lie `1 / k` apart.
    #[must_use]
    pub fn due(&self, number: usize) -> Duration {
        let index = self.seconds.partition_point(|(_, first)| *first as usize <= number).saturating_sub(1);
        let (second, first) = self.seconds[index];
        let place = exact(number - first as usize) / exact(self.calls_of(index));
        Duration::from_secs_f64((f64::from(second) + place) / self.speed)
    }

    /// How many requests fall due before `length` is over.
    #[must_use]
    pub fn before(&self, length: Duration) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.due(middle) < length {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// From the beginning of the log's first second to the end of its last.
    #[must_use]
    pub fn length(&self) -> Duration {
        let seconds = self.seconds.last().map_or(0.0, |(second, _)| f64::from(*second) + 1.0);
        Duration::from_secs_f64(seconds / self.speed)
    }

    /// Requests per second over the whole log.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        exact(self.len()) / self.length().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Requests per second in its busiest second.
    #[must_use]
    pub fn peak_rate(&self) -> f64 {
        let most = (0..self.seconds.len()).map(|index| self.calls_of(index)).max().unwrap_or(0);
        exact(most) * self.speed
    }

    fn calls_of(&self, index: usize) -> usize {
        let end = self.seconds.get(index + 1).map_or(self.len(), |(_, first)| *first as usize);
        end - self.seconds[index].1 as usize
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of requests of a log, below 2^32")]
fn exact(count: usize) -> f64 {
    count as f64
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, speed, .. } = self;
        write!(f, "Replay({file} at {speed} times its pace, {} requests)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn replay(seconds: &[u32], speed: f64) -> Replay {
        let mut replay = Replay::new("log".into(), speed);
        let target = replay.target(false, "/", 0).unwrap();
        seconds.iter().for_each(|second| replay.call(*second, target).unwrap());
        replay
    }

    #[test]
    fn the_requests_of_a_second_are_spread_over_it() {
        let replay = replay(&[0, 0, 0, 0, 3, 3], 2.0);
        let due: Vec<f64> = (0..6).map(|number| replay.due(number).as_secs_f64()).collect();
        assert_eq!(due, [0.0, 0.125, 0.25, 0.375, 1.5, 1.75]);
        assert_eq!((replay.length(), replay.peak_rate()), (Duration::from_secs(2), 8.0));
        assert_eq!(replay.mean_rate(), 3.0);
    }

    #[test]
    fn a_target_is_its_path_and_its_row() {
        let mut replay = Replay::new("log".into(), 1.0);
        let (first, second) =
            (replay.target(false, "/a", 0).unwrap(), replay.target(true, "/b?c", 1).unwrap());
        assert_eq!(replay.describe(first), Replayed { head: false, path: "/a", request: 0 });
        assert_eq!(replay.describe(second), Replayed { head: true, path: "/b?c", request: 1 });
    }

    proptest! {
        #[test]
        fn due_times_never_go_back_and_stay_in_their_second(
            mut seconds in prop::collection::vec(0u32..50, 1..200), speed in 0.1f64..10.0, cut in 0.0f64..60.0,
        ) {
            seconds.sort_unstable();
            let replay = replay(&seconds, speed);
            let due: Vec<Duration> = (0..seconds.len()).map(|number| replay.due(number)).collect();
            prop_assert!(due.is_sorted());
            for (due, second) in due.iter().zip(&seconds) {
                let logged = due.as_secs_f64() * speed - f64::from(*second);
                prop_assert!((-1e-6..1.0).contains(&logged), "{logged}");
            }
            let cut = Duration::from_secs_f64(cut);
            prop_assert_eq!(replay.before(cut), due.iter().filter(|due| **due < cut).count());
        }
    }
}
