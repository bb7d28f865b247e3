//! Reading and writing of whole files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RecordError;

/// Writes `bytes` to `path` under a temporary name and renames it, so that nobody ever sees half a file. Directories
/// that are missing are made.
///
/// # Errors
///
/// When the file cannot be written; the temporary one is removed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let temporary = path.with_file_name(name);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = directory
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| File::create(&temporary))
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        RecordError::Write { path: path.to_owned(), source }
    })
}

/// Reads a whole text file.
///
/// # Errors
///
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, RecordError> {
    fs::read_to_string(path).map_err(|source| RecordError::Read { path: path.to_owned(), source })
}

/// Reads a text file that may be absent.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<String>, RecordError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RecordError::Read { path: path.to_owned(), source }),
    }
}

/// The complete lines of an append-only file with their numbers, and whether a last line without its end was left
/// out: a run that was killed while writing leaves one.
pub(crate) fn complete_lines(text: &str) -> (impl Iterator<Item = (usize, &str)>, bool) {
    let end = text.rfind('\n').map_or(0, |last| last + 1);
    let lines = text[..end].lines().enumerate().map(|(index, line)| (index + 1, line));
    (lines, end < text.len())
}

/// `value` as indented JSON with a final newline.
pub(crate) fn json_text<T: Serialize>(path: &Path, value: &T) -> Result<String, RecordError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| RecordError::Write { path: path.to_owned(), source: error.into() })?;
    Ok(text + "\n")
}

/// Writes `value` as JSON.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RecordError> {
    write_whole(path, json_text(path, value)?.as_bytes())
}

/// Reads JSON text that came from `path`.
pub(crate) fn parse_json<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, RecordError> {
    serde_json::from_str(text)
        .map_err(|error| RecordError::malformed(path, error.line(), format!("not as expected: {error}")))
}

/// Seconds rounded to whole microseconds: finer digits would only be noise in a text file.
pub(crate) fn tidy_seconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
