//! A user who comes anew: knows no address yet and asks the design's name servers, again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::testbed::Testbed;

/// Often enough to see an outage of a second, seldom enough to cost a name server nothing.
const EVERY: Duration = Duration::from_millis(100);

/// One question: when it was asked, how long the answer took, and whether there was one.
#[derive(Debug, Clone, Copy)]
struct Question {
    asked: Instant,
    took: Duration,
    answered: bool,
}

/// What a newcomer was told while something was away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Told {
    /// How many questions were asked or unanswered then.
    pub(crate) asked: usize,
    /// How long there was no answer to be had.
    pub(crate) down: Duration,
    /// How long the slowest answer took: a resolver waits for the first server before it asks the next one.
    pub(crate) slowest: Option<Duration>,
}

/// All questions of a load.
#[derive(Debug, Default)]
pub(crate) struct Newcomer(Mutex<Vec<Question>>);

impl Newcomer {
    /// Asks for the public name until `end`, each time as if for the first time.
    pub(crate) fn ask(&self, bed: &Testbed<'_>, end: Instant) {
        while Instant::now() < end && bed.interrupt.check().is_ok() {
            let asked = Instant::now();
            let answered = bed.public().is_ok();
            let question = Question { asked, took: asked.elapsed(), answered };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(question);
            std::thread::sleep(EVERY.saturating_sub(question.took));
        }
    }

    /// What was told between two moments. There is no answer to be had from a question in vain until the next one.
    pub(crate) fn told(&self, from: Instant, to: Instant) -> Told {
        let questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Told { asked: 0, down: Duration::ZERO, slowest: None };
        for (number, question) in questions.iter().enumerate() {
            let ended = question.asked + question.took;
            if question.asked >= to || ended <= from {
                continue;
            }
            told.asked += 1;
            if question.answered {
                told.slowest = told.slowest.max(Some(question.took));
            } else {
                let next = questions.get(number + 1).map_or(ended, |next| next.asked);
                told.down += next.min(to).saturating_duration_since(question.asked.max(from));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_no_answer_has_waited_in_vain_for_as_long_as_it_asked() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let question = |ms: u64, took_ms: u64, answered: bool| Question {
            asked: at(ms),
            took: Duration::from_millis(took_ms),
            answered,
        };
        let newcomer = Newcomer(Mutex::new(vec![
            question(0, 1, true),
            // Refused at once, then silent for two seconds, then answered by another server.
            question(100, 1, false),
            question(220, 2_000, false),
            question(2_230, 900, true),
            question(3_140, 1, true),
        ]));
        let told = newcomer.told(at(50), at(3_000));
        let expected =
            Told { asked: 3, down: Duration::from_millis(2_130), slowest: Some(Duration::from_millis(900)) };
        assert_eq!(told, expected);
        // Whoever had asked before and waited in vain meanwhile counts for that while.
        let told = newcomer.told(at(1_000), at(2_000));
        assert_eq!(told, Told { asked: 1, down: Duration::from_secs(1), slowest: None });
        assert_eq!(newcomer.told(at(5_000), at(6_000)).asked, 0);
    }
}
