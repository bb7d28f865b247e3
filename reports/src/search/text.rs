//! A ceiling search for people at a terminal.

use record::derived::CeilingFile;

use super::{binding, counts_at, description, goodput, rate, sentence, soak, trial_count, width};
use crate::words;

/// Width of the names at the left of lines.
const NAME: usize = 12;

/// What was found, the verdict first, with a final newline.
#[must_use]
pub fn ceiling_text(file: &CeilingFile) -> String {
    let named = |name: &str, text: &str| format!("{name:<NAME$} {text}");
    let bound = |hz: Option<f64>| match hz {
        Some(_) => format!("{} (trials: {})", rate(hz), counts_at(file, hz)),
        None => "–".to_owned(),
    };
    let mut lines = vec![named("verdict", &sentence(file))];
    lines.extend(file.reasons.iter().map(|reason| named("", reason)));
    lines.push(named("sustained", &bound(file.lower_hz)));
    lines.push(named("too much", &bound(file.upper_hz)));
    lines.push(named("width", &width(file)));
    lines.push(named("limited by", &binding(file)));
    lines.push(named("goodput", &goodput(file)));
    lines.push(named("soak", soak(file)));
    if !file.regular {
        lines.push(named("mind", "the bounds are not both known, close and confirmed"));
    }
    lines.extend(file.warnings.iter().map(|warning| named("warning", warning)));
    lines.push(named("objectives", &file.objectives.join(", ")));
    lines.push(named("took", &format!("{}, {}", words::seconds(file.search_s), trial_count(file))));
    let described = description(file);
    if !described.is_empty() {
        lines.push(named("description", &format!("(not the ceiling) {}", described.join(" "))));
    }
    lines.join("\n") + "\n"
}
