//! Reads a table of a schedule key by key, so that every mistake is told with its file, line and key.

use std::ops::Range;
use std::time::Duration;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A mistake in a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: `{key}`: {what}")]
pub struct ScheduleError {
    /// The name that the schedule was read under.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The key's way from the top: `injection.2.select.role`.
    pub key: String,
    /// What was expected, and what was found.
    pub what: String,
}

/// A schedule's text and the name it is spoken of.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    pub(crate) fn error(&self, span: &Range<usize>, key: &str, what: impl Into<String>) -> ScheduleError {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ScheduleError { file: self.file.to_owned(), line, key: key.to_owned(), what: what.into() }
    }
}

/// A value, and where it stands.
pub(crate) struct Value<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) key: String,
    pub(crate) value: Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    /// The error that this key should have held `expected`.
    pub(crate) fn expected(&self, expected: &str) -> ScheduleError {
        let found = &self.source.text[self.value.span()];
        let first = found.lines().next().unwrap_or_default();
        self.error(format!("expected {expected}, found `{first}`"))
    }

    pub(crate) fn error(&self, what: impl Into<String>) -> ScheduleError {
        self.source.error(&self.value.span(), &self.key, what)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        self.value.get_ref().as_str()
    }

    /// The value as a table of its own, or an error that `expected` should stand here.
    pub(crate) fn into_keys(self, expected: &str) -> Result<Keys<'a>, ScheduleError> {
        if !self.value.get_ref().is_table() {
            return Err(self.expected(expected));
        }
        let span = self.value.span();
        match self.value.into_inner() {
            DeValue::Table(table) => Ok(Keys::new(self.source, self.key, span, table)),
            _ => Err(self.source.error(&span, &self.key, format!("expected {expected}"))),
        }
    }

    /// The tables of an array of tables.
    pub(crate) fn into_tables(self, expected: &str) -> Result<Vec<Keys<'a>>, ScheduleError> {
        if !self.value.get_ref().is_array() {
            return Err(self.expected(expected));
        }
        let (source, key) = (self.source, self.key);
        match self.value.into_inner() {
            DeValue::Array(array) => array
                .into_iter()
                .enumerate()
                .map(|(n, value)| {
                    Value { source, key: format!("{key}.{}", n + 1), value }.into_keys(expected)
                })
                .collect(),
            _ => Ok(Vec::new()),
        }
    }
}

/// The keys of one table, taken one after the other; what is left at the end is a mistake.
pub struct Keys<'a> {
    source: Source<'a>,
    path: String,
    span: Range<usize>,
    left: Vec<(String, Range<usize>, Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(source: Source<'a>, path: String, span: Range<usize>, table: DeTable<'a>) -> Self {
        let left =
            table.into_iter().map(|(key, value)| (key.get_ref().to_string(), key.span(), value)).collect();
        Keys { source, path, span, left, known: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    fn way(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// The error that the table is wrong at `key`, or as a whole when that is empty.
    pub(crate) fn error(&self, key: &str, what: impl Into<String>) -> ScheduleError {
        self.source.error(&self.span, &self.way(key), what)
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let at = self.left.iter().position(|(name, ..)| name == key)?;
        let (_, _, value) = self.left.remove(at);
        Some(Value { source: self.source, key: self.way(key), value })
    }

    /// The text under `key`, where there is one.
    ///
    /// # Errors
    ///
    /// When it is not a text.
    pub fn text(&mut self, key: &'static str) -> Result<Option<String>, ScheduleError> {
        self.parsed(key, "a text in quotes", |text| (!text.trim().is_empty()).then(|| text.to_owned()))
    }

    /// The text under `key` as `parse` reads it, where there is one; `expected` says what would have been right.
    ///
    /// # Errors
    ///
    /// When it is not a text, or `parse` finds nothing in it.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ScheduleError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.as_str().and_then(parse) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(value.expected(expected)),
        }
    }

    /// One of the words of `choices` under `key`, where there is one.
    ///
    /// # Errors
    ///
    /// When it is none of them.
    pub fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ScheduleError> {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        self.parsed(key, &format!("one of {}", words.join(", ")), |text| {
            choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice)
        })
    }

    /// The length of time under `key`, where there is one.
    ///
    /// # Errors
    ///
    /// When it is not a length of time.
    pub fn duration(&mut self, key: &'static str) -> Result<Option<Duration>, ScheduleError> {
        self.parsed(key, "a length of time like \"15s\" or \"1m 30s\"", |text| {
            humantime::parse_duration(text).ok()
        })
    }

    /// The boolean under `key`; `false` where there is none.
    ///
    /// # Errors
    ///
    /// When it is not a boolean.
    pub fn flag(&mut self, key: &'static str) -> Result<bool, ScheduleError> {
        let Some(value) = self.take(key) else { return Ok(false) };
        value.value.get_ref().as_bool().ok_or_else(|| value.expected("true or false"))
    }

    /// The port number under `key`, where there is one.
    ///
    /// # Errors
    ///
    /// When it is not a number from 1 to 65535.
    pub fn port(&mut self, key: &'static str) -> Result<Option<u16>, ScheduleError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number = value
            .value
            .get_ref()
            .as_integer()
            .and_then(|integer| u16::from_str_radix(integer.as_str(), integer.radix()).ok());
        match number {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => Err(value.expected("a port number from 1 to 65535")),
        }
    }

    /// `value`, or the error that the table has no `key`, which should be `expected`.
    pub(crate) fn required<T>(
        &self,
        value: Option<T>,
        key: &str,
        expected: &str,
    ) -> Result<T, ScheduleError> {
        value.ok_or_else(|| self.error(key, format!("missing: expected {expected}")))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// When a key was not asked for: it is unknown here.
    pub(crate) fn finish(self) -> Result<(), ScheduleError> {
        let Some((key, span, _)) = self.left.first() else { return Ok(()) };
        let what = format!("unknown key: expected one of {}", self.known.join(", "));
        Err(self.source.error(span, &self.way(key), what))
    }
}
