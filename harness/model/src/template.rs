//! Text with values that are filled in anew for each request.

use std::sync::Arc;

use thiserror::Error;

/// One part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Sent as it stands.
    Text(String),
    /// `{{sequence}}`: 0, 1, 2, ... counted per request over all workers.
    Sequence,
    /// `{{random LOW HIGH}}`: a whole number drawn uniformly from `LOW..=HIGH`.
    Random(u64, u64),
    /// `{{uuid}}`: a random (version 4) UUID drawn from the run's seed.
    Uuid,
    /// `{{users.name}}`: a column of a table, of the row that the arrival draws.
    Column {
        /// The table's name.
        table: String,
        /// The column's.
        column: String,
    },
    /// `{{id}}`: what an earlier step of the same session captured under this name.
    Captured(String),
    /// A file's content, sent as it stands.
    Bytes(Arc<[u8]>),
}

/// Text with values filled in anew for each request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template(pub Vec<Piece>);

/// Why a template could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// `{{` without its `}}`.
    #[error("`{{{{` without `}}}}` in template `{0}`")]
    Unclosed(String),
    /// A value that is not one of the known ones.
    #[error("unknown value `{name}` in a template: use sequence, uuid, random LOW HIGH{others}")]
    Unknown {
        /// What stands between the braces.
        name: String,
        /// What else could stand there.
        others: String,
    },
    /// `random` with its bounds the wrong way round.
    #[error("`random {0} {1}`: the low bound is above the high one")]
    EmptyRange(u64, u64),
}

impl Template {
    /// Text that is sent as it stands, braces and all.
    #[must_use]
    pub fn fixed(text: impl Into<String>) -> Self {
        let text = text.into();
        Self(if text.is_empty() { Vec::new() } else { vec![Piece::Text(text)] })
    }

    /// Reads `text`, in which `{{sequence}}`, `{{uuid}}` and `{{random LOW HIGH}}` stand for values.
    ///
    /// # Errors
    ///
    /// When a brace pair is not closed or names no known value.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, |_| Err(String::new()))
    }

    /// Reads `text` as [`Template::parse`] does; `known` says what further names stand for, or what others there are.
    ///
    /// # Errors
    ///
    /// When a brace pair is not closed or names no known value.
    pub fn parse_with(
        text: &str,
        known: impl Fn(&str) -> Result<Piece, String>,
    ) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 2..];
            let close = inner.find("}}").ok_or_else(|| TemplateError::Unclosed(shortened(text)))?;
            pieces.push(Self::value(inner[..close].trim(), &known)?);
            rest = &inner[close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    fn value(name: &str, known: &impl Fn(&str) -> Result<Piece, String>) -> Result<Piece, TemplateError> {
        let unknown = |others| TemplateError::Unknown { name: shortened(name), others };
        let words: Vec<&str> = name.split_whitespace().collect();
        match words.as_slice() {
            ["sequence"] => Ok(Piece::Sequence),
            ["uuid"] => Ok(Piece::Uuid),
            ["random", low, high] => match (low.parse(), high.parse()) {
                (Ok(low), Ok(high)) if low <= high => Ok(Piece::Random(low, high)),
                (Ok(low), Ok(high)) => Err(TemplateError::EmptyRange(low, high)),
                _ => Err(unknown(String::new())),
            },
            [word] => known(word).map_err(unknown),
            _ => Err(unknown(String::new())),
        }
    }

    /// Whether every rendering is the same.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_) | Piece::Bytes(_)))
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Sequence => f.write_str("{{sequence}}"),
            Piece::Random(low, high) => write!(f, "{{{{random {low} {high}}}}}"),
            Piece::Uuid => f.write_str("{{uuid}}"),
            Piece::Column { table, column } => write!(f, "{{{{{table}.{column}}}}}"),
            Piece::Captured(name) => write!(f, "{{{{{name}}}}}"),
            Piece::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
        })
    }
}

/// So much of a text that a message can name it.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_holds_text_and_values() {
        let template = Template::parse("/api/orders/{{random 1 1000}}?n={{ sequence }}").unwrap();
        assert_eq!(
            template.0,
            [
                Piece::Text("/api/orders/".into()),
                Piece::Random(1, 1000),
                Piece::Text("?n=".into()),
                Piece::Sequence
            ]
        );
        assert!(!template.is_fixed());
    }

    #[test]
    fn what_is_not_a_value_is_refused_by_name() {
        assert_eq!(
            Template::parse("{{uid}}"),
            Err(TemplateError::Unknown { name: "uid".into(), others: String::new() })
        );
        assert_eq!(Template::parse("{{uuid"), Err(TemplateError::Unclosed("{{uuid".into())));
        assert_eq!(Template::parse("{{random 9 1}}"), Err(TemplateError::EmptyRange(9, 1)));
    }

    proptest! {
        #[test]
        fn a_template_printed_and_read_again_is_the_same(text in "[a-z/{}0-9 ]{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
            }
        }
    }
}
