//! Errors in what a person wrote: they name the file, the line, the key and what was expected.

use std::ops::Range;

use thiserror::Error;

/// Something is wrong in a file that a person wrote.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}:{line}: {message}")]
pub struct InputError {
    /// The file as the person named it.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// The key and what was expected of it.
    pub message: String,
}

/// The text of a file, to say where in it something stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// An error about the value at `span`.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> InputError {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        InputError { file: self.file.to_owned(), line, message: message.into() }
    }

    /// Reads the text into `T`, which refuses what it does not know.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, InputError> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let key = self.text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
            let at = if key.is_empty() { String::new() } else { format!(" (at `{key}`)") };
            self.error(span, format!("{}{at}", error.message()))
        })
    }
}
