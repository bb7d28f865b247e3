//! A resolved schedule for people: what `--dry-run` prints.

use std::fmt::Write as _;
use std::time::Duration;

use model::ResolvedInjection;

use crate::registry;

/// One line per injection: begin, end, name, fault, whom. Ends with the moment at which the last fault is undone.
#[must_use]
pub fn dry_run(injections: &[ResolvedInjection]) -> String {
    let rows: Vec<[String; 5]> = injections.iter().map(row).collect();
    let head = ["at", "until", "injection", "fault", "hits"].map(str::to_owned);
    let all: Vec<&[String; 5]> = std::iter::once(&head).chain(&rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::new();
    for [at, until, name, fault, hits] in &all {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{at:>a$}  {until:>u$}  {name:<n$}  {fault:<f$}  {hits}",
            a = width(0),
            u = width(1),
            n = width(2),
            f = width(3)
        );
    }
    let end = injections.iter().map(|resolved| resolved.injection.at + resolved.injection.hold).max();
    let _ = writeln!(text, "all faults are undone by {}", duration(end.unwrap_or_default()));
    text
}

fn row(resolved: &ResolvedInjection) -> [String; 5] {
    let injection = &resolved.injection;
    let detail = registry::fault_of(&injection.fault).map(|fault| fault.detail(&injection.fault));
    let fault = match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{} {detail}", injection.fault.as_str()),
        None => injection.fault.as_str().to_owned(),
    };
    let targets: Vec<String> = resolved.targets.iter().map(ToString::to_string).collect();
    let hits = match (targets.is_empty(), injection.select.primary) {
        (true, _) => "nothing".to_owned(),
        (false, true) if targets.len() > 1 => format!("the primary of {}", targets.join(", ")),
        (false, _) => targets.join(", "),
    };
    let until = injection.at + injection.hold;
    [duration(injection.at), duration(until), injection.name.clone(), fault, hits]
}

fn duration(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
