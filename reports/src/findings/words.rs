//! Findings in plain words.

use super::effect::{Effect, Word};

/// "read, page: no failure; write: down 12.7 s, until the fault was undone"
pub(super) fn injection(effects: &[(&str, Effect)]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, effect) in effects {
        let phrase = phrase(effect);
        match groups.iter_mut().find(|(known, _)| *known == phrase) {
            Some((_, names)) => names.push(name),
            None => groups.push((phrase, vec![name])),
        }
    }
    match groups.as_slice() {
        [] => "says nothing: no request fell due".to_owned(),
        [(phrase, names)] if names.len() > 1 => format!("all requests: {phrase}"),
        _ => {
            let part = |(phrase, names): &(String, Vec<&str>)| format!("{}: {phrase}", names.join(", "));
            groups.iter().map(part).collect::<Vec<String>>().join("; ")
        }
    }
}

fn phrase(effect: &Effect) -> String {
    let down = format!("down {:.1} s", effect.outage_s);
    match effect.word {
        Word::Survived => "no failure".to_owned(),
        Word::Degraded if effect.failed == 0 => "slow for a while, no failure".to_owned(),
        Word::Degraded => format!("{} of {} failed, never down", effect.failed, effect.due),
        Word::RecoveredByItself => format!("{down}, recovered by itself"),
        Word::DownUntilHealed => format!("{down}, until the fault was undone"),
        Word::NeverRecovered if effect.outage_s > 0.0 => format!("{down}, not recovered by the end"),
        Word::NeverRecovered => {
            format!("{} of {} failed, not recovered by the end", effect.failed, effect.due)
        }
        Word::Void => "no data".to_owned(),
    }
}
