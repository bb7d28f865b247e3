//! Tells the phases at their times and merges what the workers saw of each second.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use model::{Event, Histogram, Interval, Phase, Plan, Sink, What, new_histogram};

use crate::run::{Options, Stop};

/// A phase is told at most this late when a stop is asked for in between.
const LOOK: Duration = Duration::from_millis(100);

/// How late requests were over a whole load, in microseconds.
pub(crate) struct Lateness {
    /// From due to sent.
    pub(crate) send_lag: Histogram,
    /// From due to when the worker saw it.
    pub(crate) own_lag: Histogram,
}

pub(crate) struct Collector<'a> {
    start: Instant,
    workers: usize,
    sink: &'a dyn Sink,
    phases: Peekable<IntoIter<(Phase, Instant)>>,
    /// Seconds that not every worker has told of, with the number of those that have.
    partial: BTreeMap<Duration, (Interval, usize)>,
    send_lag: Histogram,
    own_lag: Histogram,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(plan: &Plan, options: &Options, sink: &'a dyn Sink) -> Self {
        let phases = plan.phases();
        let to_come = [
            (Phase::WarmUp, Duration::ZERO, !plan.warm_up.is_zero()),
            (Phase::Measure, phases.measure_from, true),
            (Phase::CoolDown, phases.measure_to, !plan.cool_down.is_zero()),
        ];
        let to_come: Vec<_> = to_come
            .into_iter()
            .filter(|(.., has_length)| *has_length)
            .map(|(phase, at, _)| (phase, options.start + at))
            .collect();
        Self {
            start: options.start,
            workers: options.workers,
            sink,
            phases: to_come.into_iter().peekable(),
            partial: BTreeMap::new(),
            send_lag: new_histogram(),
            own_lag: new_histogram(),
        }
    }

    /// Collects until the last worker has ended.
    pub(crate) fn collect(mut self, receiver: &Receiver<Interval>, stop: Stop<'_>) -> Lateness {
        loop {
            let wait = self.tell_phases(stop);
            match receiver.recv_timeout(wait) {
                Ok(interval) => self.add(interval),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.tell_phases(stop);
        // After a stop one worker may have begun a second that another had not.
        for (interval, _) in std::mem::take(&mut self.partial).into_values() {
            self.close(interval);
        }
        Lateness { send_lag: self.send_lag, own_lag: self.own_lag }
    }

    /// Tells the phases whose time has come. Returns how long to wait for the next.
    fn tell_phases(&mut self, stop: Stop<'_>) -> Duration {
        let now = Instant::now();
        while let Some((phase, at)) = self.phases.next_if(|(_, at)| *at <= now && !stop.is_set()) {
            self.sink.emit(Event { at, what: What::PhaseBegan(phase) });
        }
        self.phases.peek().map_or(LOOK, |(_, at)| at.saturating_duration_since(now).min(LOOK))
    }

    fn add(&mut self, interval: Interval) {
        match self.partial.get_mut(&interval.offset) {
            Some((merged, seen)) => {
                merged.merge(&interval);
                *seen += 1;
            }
            None => {
                self.partial.insert(interval.offset, (interval, 1));
            }
        }
        let workers = self.workers;
        while let Some(entry) = self.partial.first_entry().filter(|entry| entry.get().1 == workers) {
            let interval = entry.remove().0;
            self.close(interval);
        }
    }

    fn close(&mut self, interval: Interval) {
        // Histograms that resize themselves accept each other's values.
        let _ = self.send_lag.add(&interval.send_lag);
        let _ = self.own_lag.add(&interval.own_lag);
        let at = self.start + interval.offset + interval.length;
        self.sink.emit(Event { at, what: What::IntervalClosed(Box::new(interval)) });
    }
}
