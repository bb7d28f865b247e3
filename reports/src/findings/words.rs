//! Findings in plain words.

use super::effect::{Effect, Word};
use crate::words::list;

/// Outages of two requests that differ by no more than this are told as one: rare requests are known to no better.
const ALIKE_S: f64 = 0.5;

/// Requests to which the same happened.
struct Group<'a> {
    word: Word,
    names: Vec<&'a str>,
    /// The longest.
    outage_s: f64,
    failed: u64,
    due: u64,
}

impl Group<'_> {
    /// Whether what happened to one more request is the same.
    fn is_like(&self, effect: &Effect) -> bool {
        self.word == effect.word
            && (self.failed == 0) == (effect.failed == 0)
            && (self.outage_s - effect.outage_s).abs() <= ALIKE_S
    }

    fn phrase(&self) -> String {
        let down = format!("down {:.1} s", self.outage_s);
        let lost = format!("{} of {} failed", self.failed, self.due);
        match self.word {
            Word::Survived => "no failure".to_owned(),
            Word::Degraded if self.failed == 0 => "slow for a while, no failure".to_owned(),
            Word::Degraded => format!("{lost}, never down"),
            Word::RecoveredByItself => format!("{down}, recovered by itself"),
            Word::DownUntilHealed => format!("{down}, until the fault was undone"),
            Word::NeverRecovered if self.outage_s > 0.0 => format!("{down}, not recovered by the end"),
            Word::NeverRecovered => format!("{lost}, not recovered by the end"),
            Word::Void => "no data".to_owned(),
        }
    }
}

/// "read and page: no failure; write: down 12.7 s, until the fault was undone"
pub(super) fn injection(effects: &[(&str, Effect)]) -> String {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, effect) in effects {
        match groups.iter_mut().find(|group| group.is_like(effect)) {
            Some(group) => {
                group.names.push(name);
                group.outage_s = group.outage_s.max(effect.outage_s);
                group.failed += effect.failed;
                group.due += effect.due;
            }
            None => groups.push(Group {
                word: effect.word,
                names: vec![name],
                outage_s: effect.outage_s,
                failed: effect.failed,
                due: effect.due,
            }),
        }
    }
    match groups.as_slice() {
        [] => "says nothing: no request fell due".to_owned(),
        [group] if group.names.len() > 1 => format!("all requests: {}", group.phrase()),
        _ => {
            let part = |group: &Group<'_>| format!("{}: {}", list(&group.names), group.phrase());
            groups.iter().map(part).collect::<Vec<String>>().join("; ")
        }
    }
}
