//! Measurements on a machine that others use too. One that is wrong is only tried again when there is evidence that it
//! was disturbed: the tool says so itself, or a thread beside it was woken late.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::tool::Said;

const ATTEMPTS: usize = 5;
const NAP: Duration = Duration::from_millis(1);
/// A nap that ends so late shows that the machine was not ours.
const DISTURBED: Duration = Duration::from_millis(1);

/// Something measured beside what it must be.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) expected: f64,
    pub(crate) tolerance: f64,
    /// The same of the part of the load that was disturbed least, where a part can be told. It counts only when each of
    /// the attempts was disturbed.
    pub(crate) quietest: Option<f64>,
}

impl Figure {
    fn right(&self) -> bool {
        self.is_near(self.measured)
    }

    fn right_where_quiet(&self) -> bool {
        self.is_near(self.quietest.unwrap_or(self.measured))
    }

    fn is_near(&self, measured: f64) -> bool {
        (measured - self.expected).abs() <= self.tolerance
    }
}

/// Repeats a measurement until its figures are right; a wrong one that nothing disturbed is a failure at once. Where all
/// were disturbed, one of them has to be right in its quietest part.
#[track_caller]
pub(crate) fn settle(mut attempt: impl FnMut() -> (Said, Vec<Figure>)) {
    let mut failed = Vec::new();
    let mut right_where_quiet = false;
    for _ in 0..ATTEMPTS {
        let ((said, figures), late) = watched(&mut attempt);
        let disturbed = said.unsure() || late > DISTURBED;
        if !said.unsure() && figures.iter().all(Figure::right) {
            for Figure { what, measured, expected, tolerance, .. } in figures {
                println!("{what}: {measured:.1}, expected {expected:.1} within {tolerance:.1}");
            }
            return;
        }
        println!("not right, the machine late by {late:?}, the tool unsure: {}: {figures:#?}", said.unsure());
        right_where_quiet |= !said.unsure() && figures.iter().all(Figure::right_where_quiet);
        failed.push(figures);
        assert!(disturbed, "wrong, and nothing disturbed it: {failed:#?}\n{said:#?}");
    }
    assert!(right_where_quiet, "no attempt of {ATTEMPTS} was right, and all were disturbed: {failed:#?}");
}

/// Does something and tells by how much a thread beside it was late at worst.
fn watched<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut worst = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let began = Instant::now();
                thread::sleep(NAP);
                worst = worst.max(began.elapsed().saturating_sub(NAP));
            }
            worst
        });
        // The watch ends whatever becomes of what it watches.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(what));
        done.store(true, Ordering::Relaxed);
        let late = watch.join().unwrap();
        (ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), late)
    })
}
