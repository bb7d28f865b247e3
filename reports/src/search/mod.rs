//! A ceiling search in words: the verdict as a sentence, and what it rests on.

mod fit;
mod knee;
mod law;
#[cfg(test)]
mod tests;
mod text;

use record::derived::{CeilingFile, TrialFile};

use crate::findings::grid::whole;
use crate::words;

pub use fit::scalability;
pub use knee::knee_hz;
pub(crate) use law::description;
pub use text::ceiling_text;

/// A load as it is said: "1,950", "42.5".
pub(crate) fn load(hz: f64) -> String {
    if hz.is_finite() && hz < 99.95 {
        let text = format!("{hz:.1}");
        return text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    }
    words::count(whole(hz) as u64)
}

/// "1,950/s", or a dash.
pub(crate) fn rate(hz: Option<f64>) -> String {
    hz.map_or("–".to_owned(), |hz| format!("{}/s", load(hz)))
}

/// The verdict, with the lower bound as the figure: "web sustains 1,950 requests/s; 2,050 is too much".
pub(crate) fn sentence(file: &CeilingFile) -> String {
    let target = &file.target;
    let bounds = bounds(file);
    match (file.verdict.as_str(), file.lower_hz, file.upper_hz) {
        ("at_least", Some(lower), _) => {
            format!(
                "{target} sustains at least {} requests/s: no load that was tried was too much",
                load(lower)
            )
        }
        ("no_passing_load", _, Some(upper)) => {
            format!("{target}: no passing load; even {} requests/s is too much", load(upper))
        }
        ("no_passing_load", ..) => format!("{target}: no passing load"),
        ("generator_limited", Some(lower), _) => format!(
            "{target} sustains at least {} requests/s; generator limited: above that it was the generator that could not \
             keep up",
            load(lower)
        ),
        ("generator_limited", None, _) => {
            format!("{target}: generator limited, no load could be offered well enough to judge the target")
        }
        ("too_noisy", ..) => format!("{target}: too noisy to say; as far as it goes, {bounds}"),
        ("deadline", ..) => format!("{target}: the search ended before it was done; so far {bounds}"),
        ("interrupted", ..) => format!("{target}: the search was interrupted; so far {bounds}"),
        _ => format!("{target} {bounds}"),
    }
}

fn bounds(file: &CeilingFile) -> String {
    match (file.lower_hz, file.upper_hz) {
        (Some(lower), Some(upper)) => {
            format!("sustains {} requests/s; {} is too much", load(lower), load(upper))
        }
        (Some(lower), None) => format!("sustains at least {} requests/s", load(lower)),
        (None, Some(upper)) => format!("no load passed, and {} requests/s is too much", load(upper)),
        (None, None) => "no load is known to be sustained or too much".to_owned(),
    }
}

/// What stood in the way first: "p99<50ms", or requests that piled up.
pub(crate) fn binding(file: &CeilingFile) -> String {
    match file.binding.as_deref() {
        Some("backlog") => "backlog: requests piled up".to_owned(),
        Some(measure) => {
            let bound = |rest: &str| rest.starts_with(['<', '>']);
            let of = |objective: &&String| objective.strip_prefix(measure).is_some_and(bound);
            file.objectives.iter().find(of).map_or(measure, String::as_str).to_owned()
        }
        None => "–".to_owned(),
    }
}

/// "1,947/s at the sustained load", or a dash.
pub(crate) fn goodput(file: &CeilingFile) -> String {
    let good = file.goodput_at_lower_hz;
    good.map_or("–".to_owned(), |_| format!("{} at the sustained load", rate(good)))
}

/// "4.9 % (aimed at 5.0 %)".
pub(crate) fn width(file: &CeilingFile) -> String {
    let goal = words::percent(file.goal_width);
    file.width.map_or(format!("– (aimed at {goal})"), |width| {
        format!("{} (aimed at {goal})", words::percent(width))
    })
}

/// The trials at a load, whatever came of them.
pub(crate) fn trials_at(file: &CeilingFile, hz: f64) -> impl Iterator<Item = &TrialFile> {
    // Loads lie on a grid whose steps are far wider.
    file.trials.iter().filter(move |trial| (trial.rate_hz - hz).abs() <= hz.abs() * 1e-3)
}

/// "3 good, 1 bad, 0 invalid" of the trials at a load; a dash where there is none.
pub(crate) fn counts_at(file: &CeilingFile, hz: Option<f64>) -> String {
    let Some(hz) = hz else { return "–".to_owned() };
    let of = |verdict: &str| trials_at(file, hz).filter(|trial| trial.verdict == verdict).count();
    format!("{} good, {} bad, {} invalid", of("pass"), of("fail"), of("invalid"))
}

/// Whether the lower bound held for longer, in words.
pub(crate) fn soak(file: &CeilingFile) -> &'static str {
    match file.soaked {
        Some(true) => "the lower bound held for longer",
        Some(false) => "the lower bound did not hold for longer",
        None => "not tried",
    }
}

/// "1 trial", "31 trials".
pub(crate) fn trial_count(file: &CeilingFile) -> String {
    let count = file.trials.len();
    format!("{count} trial{}", if count == 1 { "" } else { "s" })
}

/// The middle one of some values, or the lower one of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}
