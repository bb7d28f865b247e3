//! How long the answers of a server take when they do not all take the same time. Nothing is drawn by chance: the times
//! are those of a closed form, so their quantiles are known exactly.

use std::time::Duration;

/// How service times differ from one request to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spread {
    /// They do not.
    #[default]
    Even,
    /// Exponential. Any so many requests in a row have the quantiles (i + 1/2) / `requests`, each of them once and in
    /// a mixed order.
    Exponential {
        /// After so many requests the times repeat.
        requests: u64,
    },
}

impl Spread {
    /// How long the request takes that is the `nth` to arrive, where `mean` is the mean.
    pub(crate) fn time(self, mean: Duration, nth: u64) -> Duration {
        match self {
            Self::Even => mean,
            Self::Exponential { requests } => mean.mul_f64(-(1.0 - share(nth, requests.max(1))).ln()),
        }
    }
}

/// The quantile of the `nth` of so many requests, above 0 and below 1: steps of the golden section, which lie far apart and
/// reach each place once because the step and the number of requests have no common divisor.
#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
fn share(nth: u64, requests: u64) -> f64 {
    let golden = requests / 1_000 * 618 + requests % 1_000 * 618 / 1_000;
    let step = (golden.max(1)..).find(|step| divisor(*step, requests) == 1).unwrap_or(1);
    let place = u128::from(nth) * u128::from(step) % u128::from(requests);
    (place as f64 + 0.5) / requests as f64
}

/// The greatest common divisor.
fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quantile_of_an_exponential_is_taken_once() {
        let (mean, requests) = (Duration::from_millis(50), 1_000);
        let spread = Spread::Exponential { requests };
        let mut times: Vec<Duration> = (7..7 + requests).map(|nth| spread.time(mean, nth)).collect();
        times.sort();
        for (place, time) in (0u32..).zip(&times) {
            let quantile = -(1.0 - (f64::from(place) + 0.5) / 1_000.0).ln() * 0.05;
            assert!((time.as_secs_f64() - quantile).abs() < 1e-6, "{place}: {time:?}, not {quantile} s");
        }
        let sum: Duration = times.iter().sum();
        assert!((sum.as_secs_f64() / 1_000.0 - 0.05).abs() < 0.000_1, "{sum:?}");
    }

    #[test]
    fn without_a_spread_all_take_the_same_time() {
        let mean = Duration::from_millis(3);
        assert!((0..10).all(|nth| Spread::Even.time(mean, nth) == mean));
    }
}
