//! A scenario as a person writes it: TOML, read strictly.

mod credential;
mod file;
mod request;
mod session;
mod surroundings;
mod table;

use std::ops::Range;

use model::Scenario;
use thiserror::Error;

use self::file::File;
use self::request::Context;
pub use self::surroundings::Surroundings;

/// What is wrong in a scenario file.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}:{line}: {message}")]
pub struct ScenarioError {
    /// The file as the person named it.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// The key and what was expected of it.
    pub message: String,
}

/// Something wrong at a place of the text.
struct Wrong {
    span: Range<usize>,
    message: String,
}

impl Wrong {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

/// Reads `text`, which came from `file`. Files that it names are read from `surroundings`.
///
/// # Errors
///
/// Names the file, the line and the key of the first thing that is wrong.
pub fn parse_scenario(
    text: &str,
    file: &str,
    surroundings: &Surroundings<'_>,
) -> Result<Scenario, ScenarioError> {
    read(text, surroundings).map_err(|Wrong { span, message }| {
        let before = &text.as_bytes()[..span.start.min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ScenarioError { file: file.to_owned(), line, message }
    })
}

fn read(text: &str, surroundings: &Surroundings<'_>) -> Result<Scenario, Wrong> {
    let file: File = toml::from_str(text)
        .map_err(|wrong| Wrong::new(wrong.span().unwrap_or(0..0), wrong.message().trim()))?;
    if file.request.is_empty() && file.session.is_empty() {
        return Err(Wrong::new(0..0, "a scenario needs at least one [[request]] or [[session]]"));
    }
    let tables = table::read_all(&file.data, surroundings)?;
    let credential = file.auth.as_ref().map(|auth| credential::read(auth, surroundings)).transpose()?;
    let mut scenario = Scenario { tables, ..Scenario::default() };
    let context = Context { credential: credential.as_ref(), surroundings };
    for read in &file.request {
        let weight = request::weight(read.weight.as_ref())?;
        request::no_step(read)?;
        request::read(read, weight, &[], &context, &mut scenario)?;
    }
    for read in &file.session {
        session::read(read, &context, &mut scenario)?;
    }
    Ok(scenario)
}

#[cfg(test)]
mod tests;
