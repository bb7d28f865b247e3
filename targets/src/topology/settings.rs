//! Settings of a design: their defaults stand in its topology and in its parts, and who uses it may give others.

use std::collections::HashMap;
use std::ops::Range;

use toml::Value;

use super::file::{Count, When};
use crate::input::{InputError, Source};
use crate::part::Part;

/// `NAME=VALUE` as a person gave it.
pub type Setting = (String, String);

/// The most nodes that a count may make: more than a lab of this kind is for.
const MOST_NODES: i64 = 16;

/// The settings in force, and the file that they are from, for errors.
pub(super) struct Settings<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) values: toml::Table,
}

impl<'a> Settings<'a> {
    /// `defaults` with what was `given`.
    pub(super) fn new(
        source: &'a Source<'a>,
        defaults: &toml::Table,
        choices: &toml::Table,
        given: &[Setting],
        parts: &HashMap<String, Part>,
    ) -> Result<Self, InputError> {
        let mut values = defaults.clone();
        for (name, text) in given {
            let of_part = || parts.values().find_map(|part| part.settings.get(name));
            let Some(default) = defaults.get(name).or_else(of_part) else {
                let mut known: Vec<&str> = defaults.keys().map(String::as_str).collect();
                known.extend(parts.values().flat_map(|part| part.settings.keys().map(String::as_str)));
                known.sort_unstable();
                known.dedup();
                return Err(said(source, format!("no setting `{name}`: use one of {}", known.join(", "))));
            };
            let value =
                alike(default, text).map_err(|why| said(source, format!("setting {name}={text}: {why}")))?;
            values.insert(name.clone(), value);
        }
        let settings = Self { source, values };
        settings.check(choices)?;
        Ok(settings)
    }

    fn check(&self, choices: &toml::Table) -> Result<(), InputError> {
        for (name, allowed) in choices {
            let allowed = allowed.as_array().map(Vec::as_slice).unwrap_or_default();
            let value = self.values.get(name);
            if !value.is_some_and(|value| allowed.contains(value)) {
                let list: Vec<String> = allowed.iter().map(plain).collect();
                let value = value.map(plain).unwrap_or_default();
                return Err(said(
                    self.source,
                    format!("setting {name}={value}: use one of {}", list.join(", ")),
                ));
            }
        }
        Ok(())
    }

    /// Whether what stands under this condition is there.
    pub(super) fn hold(&self, when: &When) -> Result<bool, InputError> {
        let Some(when) = when else { return Ok(true) };
        for (name, wanted) in when.get_ref() {
            let Some(value) = self.values.get(name) else {
                return Err(self.source.error(when.span(), format!("when: no setting `{name}`")));
            };
            if value != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many nodes there are.
    pub(super) fn count(&self, count: &Count, span: Range<usize>) -> Result<usize, InputError> {
        let number = match count {
            Count::Number(number) => *number,
            Count::Setting(name) => match self.values.get(name).and_then(Value::as_integer) {
                Some(number) => number,
                None => {
                    return Err(self
                        .source
                        .error(span, format!("count = \"{name}\" is no setting with a number")));
                }
            },
        };
        let fits = (1..=MOST_NODES).contains(&number);
        usize::try_from(number)
            .ok()
            .filter(|_| fits)
            .ok_or_else(|| self.source.error(span, format!("a count of {number}: use 1 to {MOST_NODES}")))
    }
}

/// An error about what was given on the command line, which has no line in the file.
fn said(source: &Source<'_>, message: String) -> InputError {
    source.error(0..0, message)
}

/// `text` as a value of the same type as `default`.
fn alike(default: &Value, text: &str) -> Result<Value, String> {
    let wanted = |what: &str| format!("expected {what}, such as {}", plain(default));
    match default {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| wanted("a whole number")),
        Value::Float(_) => text.parse().map(Value::Float).map_err(|_| wanted("a number")),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| wanted("true or false")),
        Value::String(_) => Ok(Value::String(text.to_owned())),
        _ => Err("this setting is a list or a table: write it in a topology.toml".to_owned()),
    }
}

/// A value as it is given on the command line.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
