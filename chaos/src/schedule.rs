//! What a person writes: injections in TOML.

use std::time::Duration;

use model::{FaultKind, Injection, Pick, Schedule, Selector};
use toml::de::DeTable;

use crate::fault::Scope;
use crate::keys::{Keys, ScheduleError, Source};
use crate::registry;
use crate::select;

/// Reads a schedule; `file` is the name it is spoken of in errors.
///
/// ```toml
/// name = "kill-database"
/// teaches = "what is lost while the database is dead"
///
/// [[injection]]
/// name = "database"           # optional; the draws of "random" hang on it
/// at = "10s"                  # from the start of the measured load
/// fault = "kill"
/// for = "15s"                 # every fault but noop must end
/// select = "primary"          # or "random", or { node, role, part, pick, primary, whole_node }
/// ```
///
/// Injections come back in order of time; those that begin together keep the order of the file. They may overlap.
///
/// # Errors
///
/// At the first mistake, with the file, line and key, what was expected and what was found.
pub fn parse_schedule(text: &str, file: &str) -> Result<Schedule, ScheduleError> {
    let source = Source { file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        source.error(&span, "toml", error.message())
    })?;
    let mut top = Keys::new(source, String::new(), table.span(), table.into_inner());
    let name = top.text("name")?;
    let name = top.required(name, "name", "the schedule's name, like \"kill-database\"")?;
    let teaches = top.text("teaches")?.unwrap_or_default();
    let tables = match top.take("injection") {
        Some(value) => value.into_tables("[[injection]] tables")?,
        None => return Err(top.error("injection", "missing: expected at least one [[injection]] table")),
    };
    top.finish()?;
    let mut injections: Vec<Injection> = Vec::new();
    for keys in tables {
        let injection = read_injection(keys, &injections)?;
        injections.push(injection);
    }
    injections.sort_by_key(|injection| injection.at);
    Ok(Schedule { name, teaches, injections })
}

fn read_injection(mut keys: Keys<'_>, earlier: &[Injection]) -> Result<Injection, ScheduleError> {
    let given = read_name(&mut keys, earlier)?;
    let at = keys.duration("at")?;
    let at = keys.required(at, "at", "when it begins, like \"10s\"")?;
    let names = registry::fault_names();
    let expected = format!("a fault, one of {}", names.join(", "));
    let fault = keys.parsed("fault", &expected, registry::named)?;
    let fault = keys.required(fault, "fault", &expected)?;
    let kind = fault.read(&mut keys)?;
    let hold = match keys.take("for") {
        Some(value) => match value.as_str().and_then(|text| humantime::parse_duration(text).ok()) {
            Some(hold) if hold > Duration::ZERO || kind == FaultKind::Noop => hold,
            _ => return Err(value.expected("a length of time above zero, like \"15s\"")),
        },
        None if kind == FaultKind::Noop => Duration::ZERO,
        None => {
            return Err(keys.error("for", "missing: expected how long the fault is in force, like \"15s\""));
        }
    };
    let select = select::read(&mut keys, fault.primary_only())?;
    if select.is_none() && fault.scope() != Scope::Nothing && !fault.primary_only() {
        return Err(keys.error("select", format!("missing: expected {}", select::EXPECTED)));
    }
    let select = select.unwrap_or_else(|| fault.default_select());
    let if_present = keys.flag("if_present")?;
    let name = given.unwrap_or_else(|| own_name(&kind, &select, earlier));
    keys.finish()?;
    Ok(Injection { name, fault: kind, select, if_present, at, hold })
}

fn read_name(keys: &mut Keys<'_>, earlier: &[Injection]) -> Result<Option<String>, ScheduleError> {
    let Some(value) = keys.take("name") else { return Ok(None) };
    match value.as_str() {
        Some(name) if name.trim().is_empty() => Err(value.expected("a name of its own")),
        Some(name) if earlier.iter().any(|injection| injection.name == name) => {
            Err(value.error(format!("another injection is called \"{name}\": expected a name of its own")))
        }
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(value.expected("a name in quotes")),
    }
}

/// A name made of what the injection is, not of its place, so that one more injection does not rename the others.
fn own_name(kind: &FaultKind, select: &Selector, earlier: &[Injection]) -> String {
    let mut words = vec![kind.as_str().to_owned()];
    if select.primary && *kind != FaultKind::RestartPrimary {
        words.push("primary".to_owned());
    }
    words.extend(select.node.clone());
    words.extend(select.part.clone().or_else(|| select.role.map(|role| role.as_str().to_owned())));
    if select.pick == Pick::Random {
        words.push("random".to_owned());
    }
    let base = words.join("-");
    let taken = |name: &str| earlier.iter().any(|injection| injection.name == name);
    if !taken(&base) {
        return base;
    }
    let numbered = |n: usize| format!("{base}-{n}");
    // One of as many names as there are injections, and one more, is free.
    (2..=earlier.len() + 2).map(numbered).find(|name| !taken(name)).unwrap_or(base)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
