//! What is sent: a weighted mix of named requests with templated values.

use thiserror::Error;

/// HTTP request methods that a scenario may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the variants are the method names of RFC 9110, section 9")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands on the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl std::str::FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete]
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("unknown method `{text}`: use GET, HEAD, POST, PUT, PATCH or DELETE"))
    }
}

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
    #[error("unknown value `{0}` in a template: use sequence, uuid or random LOW HIGH")]
    Unknown(String),
    /// `random` with its bounds the wrong way round.
    #[error("`random {0} {1}`: the low bound is above the high one")]
    EmptyRange(u64, u64),
}

impl Template {
    /// Reads `text`, in which `{{sequence}}`, `{{uuid}}` and `{{random LOW HIGH}}` stand for values.
    ///
    /// # Errors
    ///
    /// When a brace pair is not closed or names no known value.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 2..];
            let close = inner.find("}}").ok_or_else(|| TemplateError::Unclosed(text.to_owned()))?;
            pieces.push(Self::value(inner[..close].trim())?);
            rest = &inner[close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    fn value(name: &str) -> Result<Piece, TemplateError> {
        let words: Vec<&str> = name.split_whitespace().collect();
        match words.as_slice() {
            ["sequence"] => Ok(Piece::Sequence),
            ["uuid"] => Ok(Piece::Uuid),
            ["random", low, high] => match (low.parse(), high.parse()) {
                (Ok(low), Ok(high)) if low <= high => Ok(Piece::Random(low, high)),
                (Ok(low), Ok(high)) => Err(TemplateError::EmptyRange(low, high)),
                _ => Err(TemplateError::Unknown(name.to_owned())),
            },
            _ => Err(TemplateError::Unknown(name.to_owned())),
        }
    }

    /// Whether every rendering is the same.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Sequence => f.write_str("{{sequence}}"),
            Piece::Random(low, high) => write!(f, "{{{{random {low} {high}}}}}"),
            Piece::Uuid => f.write_str("{{uuid}}"),
        })
    }
}

/// One kind of request of a [`Scenario`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// Names the request in every table: "read", "write", ...
    pub name: String,
    /// Share of the mix relative to the other requests, above 0.
    pub weight: f64,
    /// HTTP method.
    pub method: Method,
    /// Path and query (origin form), beginning with `/`.
    pub path: Template,
    /// Header fields beside Host, Content-Length and Connection, which the generator sets.
    pub headers: Vec<(String, String)>,
    /// Body; empty means none is sent.
    pub body: Template,
    /// Whether the request may change state. Writes are told from reads in tables and findings.
    pub write: bool,
}

/// A weighted mix of requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// In the order of the tables. A request is known elsewhere by its index here.
    pub requests: Vec<Request>,
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
        assert_eq!(Template::parse("{{uid}}"), Err(TemplateError::Unknown("uid".into())));
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
