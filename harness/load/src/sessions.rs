//! Sessions: what a user who asks one thing after another remembers in between.
//!
//! A session arrives on schedule; its further steps fall due when the step before was answered, plus their think time. So
//! they are the one kind of arrivals whose due time depends on a response. A step that fails, or whose answer does not hold
//! what is to be captured, ends its session; it is counted by the name of the step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use model::{Outcome, Place, Scenario, SessionTotals};

use crate::answer::Answer;
use crate::arrivals::{Arrival, Origin};

/// Different reasons for an end that are told apart; further ones are counted together.
const REASONS: usize = 16;

/// What a session remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    session: usize,
    /// The step that is on its way or falls due next.
    step: usize,
    /// By their place among the session's captures.
    pub(crate) values: Vec<Vec<u8>>,
    pub(crate) cookies: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone)]
struct PreparedStep {
    request: usize,
    name: String,
    think: Duration,
    captures: Vec<(usize, String, Place)>,
}

/// A step that falls due later: when, which came first, and its arrival.
type Scheduled = Reverse<(Duration, u64)>;

/// The sessions of one worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    plans: Vec<Vec<PreparedStep>>,
    memories: Vec<Memory>,
    free: Vec<u32>,
    due: BinaryHeap<(Scheduled, u32)>,
    /// The arrivals of scheduled steps, by their memory.
    next: Vec<Option<Arrival>>,
    scheduled: u64,
    /// The end of the load: what would fall due later is not sent.
    until: Duration,
    pub(crate) totals: Vec<SessionTotals>,
}

impl Sessions {
    /// The sessions of `scenario` in a load that ends at `until`.
    pub(crate) fn new(scenario: &Scenario, until: Duration) -> Self {
        let prepared = |session: &model::Session| {
            let slots = session.captured();
            let steps = session.steps.iter().map(|step| PreparedStep {
                request: step.request,
                name: scenario.requests[step.request].name.clone(),
                think: step.think,
                captures: step
                    .captures
                    .iter()
                    .filter_map(|capture| {
                        let slot = slots.iter().position(|name| *name == capture.name)?;
                        Some((slot, capture.name.clone(), capture.place.clone()))
                    })
                    .collect(),
            });
            steps.collect()
        };
        let totals = |session: &model::Session| SessionTotals {
            name: session.name.clone(),
            ..SessionTotals::default()
        };
        Self {
            plans: scenario.sessions.iter().map(prepared).collect(),
            totals: scenario.sessions.iter().map(totals).collect(),
            until,
            ..Self::default()
        }
    }

    /// What the session of this arrival remembers; nothing before its second step.
    pub(crate) fn memory(&self, arrival: &Arrival) -> Option<&Memory> {
        match arrival.origin {
            Origin::Step { memory } => self.memories.get(memory as usize),
            _ => None,
        }
    }

    /// The place of this arrival's step in its session.
    pub(crate) fn step(&self, arrival: &Arrival) -> usize {
        self.memory(arrival).map_or(0, |memory| memory.step)
    }

    /// When the next step falls due.
    pub(crate) fn first_due(&self) -> Option<Duration> {
        self.due.peek().map(|(Reverse((due, _)), _)| *due)
    }

    /// The next step, if it is due.
    pub(crate) fn next_step(&mut self, now: Duration) -> Option<Arrival> {
        self.first_due().filter(|due| *due <= now)?;
        let (_, memory) = self.due.pop()?;
        self.next[memory as usize].take()
    }

    /// A request has ended: what is to be remembered is, and the next step falls due after its think time. Anything but a
    /// session's request is passed over.
    pub(crate) fn settled(
        &mut self,
        arrival: &Arrival,
        outcome: Outcome,
        answer: Option<&Answer>,
        done: Duration,
    ) {
        let (session, step, memory) = match arrival.origin {
            Origin::Session(session) => (usize::from(session), 0, None),
            Origin::Step { memory } => {
                let Some(known) = self.memories.get(memory as usize) else { return };
                (known.session, known.step, Some(memory))
            }
            Origin::Mix | Origin::Log(_) => return,
        };
        self.totals[session].started += u64::from(step == 0);
        let ended = if outcome.is_good() {
            self.remember(session, step, memory, answer)
        } else {
            Err(words(outcome))
        };
        match ended {
            Ok(memory) => match self.plans[session].get(step + 1) {
                Some(next) if done + next.think >= self.until => {
                    self.totals[session].unfinished += 1;
                    self.forget(memory);
                }
                Some(next) => {
                    let (request, due) = (next.request, done + next.think);
                    let memory = memory.unwrap_or_else(|| self.remembered(session));
                    self.memories[memory as usize].step = step + 1;
                    self.schedule(
                        memory,
                        Arrival { request, due, origin: Origin::Step { memory }, ..*arrival },
                    );
                }
                None => {
                    self.totals[session].completed += 1;
                    self.forget(memory);
                }
            },
            Err(why) => {
                let name = &self.plans[session][step].name;
                let reason = format!("{name}: {why}");
                count(&mut self.totals[session].failed, reason);
                self.forget(memory);
            }
        }
    }

    /// Takes from the answer what is to be remembered. The memory, when there is one now.
    fn remember(
        &mut self,
        session: usize,
        step: usize,
        mut memory: Option<u32>,
        answer: Option<&Answer>,
    ) -> Result<Option<u32>, String> {
        let Some(answer) = answer else { return Ok(memory) };
        let mut values = Vec::new();
        for (slot, name, place) in &self.plans[session][step].captures {
            let value = answer.find(place).map_err(|why| format!("nothing to capture as {name}, {why}"))?;
            values.push((*slot, value));
        }
        let mut cookies = answer.cookies().peekable();
        if values.is_empty() && cookies.peek().is_none() {
            return Ok(memory);
        }
        let number = *memory.get_or_insert_with(|| self.remembered(session));
        let memory_of = &mut self.memories[number as usize];
        for (slot, value) in values {
            if memory_of.values.len() <= slot {
                memory_of.values.resize(slot + 1, Vec::new());
            }
            memory_of.values[slot] = value;
        }
        for (name, value) in cookies {
            memory_of.cookies.retain(|(own, _)| own != name);
            memory_of.cookies.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        Ok(memory)
    }

    /// A new memory.
    fn remembered(&mut self, session: usize) -> u32 {
        let memory = Memory { session, ..Memory::default() };
        if let Some(number) = self.free.pop() {
            self.memories[number as usize] = memory;
            return number;
        }
        self.memories.push(memory);
        self.next.push(None);
        u32::try_from(self.memories.len() - 1).unwrap_or(u32::MAX)
    }

    fn schedule(&mut self, memory: u32, arrival: Arrival) {
        self.scheduled += 1;
        self.due.push((Reverse((arrival.due, self.scheduled)), memory));
        self.next[memory as usize] = Some(arrival);
    }

    fn forget(&mut self, memory: Option<u32>) {
        if let Some(memory) = memory {
            self.memories[memory as usize] = Memory::default();
            self.free.push(memory);
        }
    }

    /// The load was ended before its time: steps that have not fallen due are not sent, and their sessions stay
    /// unfinished.
    pub(crate) fn end(&mut self) {
        while let Some((_, memory)) = self.due.pop() {
            let session = self.memories[memory as usize].session;
            self.totals[session].unfinished += 1;
            self.next[memory as usize] = None;
            self.forget(Some(memory));
        }
    }
}

fn words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answered { status } => format!("status {status}"),
        Outcome::Refused => "refused".to_owned(),
        Outcome::Reset => "reset".to_owned(),
        Outcome::TimedOut => "timed out".to_owned(),
        Outcome::Malformed => "malformed answer".to_owned(),
        Outcome::Unsent => "not sent".to_owned(),
        Outcome::NoPort => "no local port".to_owned(),
        Outcome::Tls => "TLS failed".to_owned(),
        Outcome::Other => "failed".to_owned(),
    }
}

fn count(failed: &mut BTreeMap<String, u64>, reason: String) {
    let reason =
        if failed.len() < REASONS || failed.contains_key(&reason) { reason } else { "others".to_owned() };
    *failed.entry(reason).or_insert(0) += 1;
}

#[cfg(test)]
mod tests;
