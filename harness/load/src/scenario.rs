//! A scenario as a person writes it: TOML, read strictly.

use std::ops::Range;

use model::{Method, Request, Scenario, Template};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    request: Vec<FileRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRequest {
    name: Spanned<String>,
    #[serde(default = "one")]
    weight: Spanned<f64>,
    #[serde(default = "get")]
    method: Spanned<String>,
    path: Spanned<String>,
    #[serde(default)]
    headers: toml::Table,
    body: Option<Spanned<String>>,
    write: Option<bool>,
}

fn one() -> Spanned<f64> {
    Spanned::new(0..0, 1.0)
}

fn get() -> Spanned<String> {
    Spanned::new(0..0, "GET".to_owned())
}

/// Reads `text`, which came from `file`.
///
/// # Errors
///
/// Names the file, the line and the key of the first thing that is wrong.
pub fn parse_scenario(text: &str, file: &str) -> Result<Scenario, ScenarioError> {
    let error = |span: Range<usize>, message: String| {
        let before = &text.as_bytes()[..span.start.min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ScenarioError { file: file.to_owned(), line, message }
    };
    let read: File = toml::from_str(text)
        .map_err(|wrong| error(wrong.span().unwrap_or(0..0), wrong.message().trim().to_owned()))?;
    if read.request.is_empty() {
        return Err(error(0..0, "a scenario needs at least one [[request]]".to_owned()));
    }
    let mut requests: Vec<Request> = Vec::new();
    for request in &read.request {
        let name = request.name.get_ref();
        if name.is_empty() || requests.iter().any(|other| other.name == *name) {
            let message = format!("name = \"{name}\": every request has a name of its own");
            return Err(error(request.name.span(), message));
        }
        requests.push(check(request).map_err(|(span, message)| error(span, message))?);
    }
    Ok(Scenario { requests })
}

fn check(read: &FileRequest) -> Result<Request, (Range<usize>, String)> {
    let weight = *read.weight.get_ref();
    if !(weight > 0.0 && weight.is_finite()) {
        return Err((read.weight.span(), format!("weight = {weight}: use a number above 0")));
    }
    let method: Method = read.method.get_ref().parse().map_err(|why| (read.method.span(), why))?;
    let template = |text: &Spanned<String>| {
        Template::parse(text.get_ref()).map_err(|why| (text.span(), why.to_string()))
    };
    let path = template(&read.path)?;
    let written = read.path.get_ref();
    if !written.starts_with('/') || written.chars().any(|c| c.is_ascii_control()) {
        return Err((read.path.span(), format!("path = \"{written}\": a path begins with /")));
    }
    let mut headers = Vec::new();
    for (name, value) in &read.headers {
        let own = ["host", "content-length", "connection", "transfer-encoding"];
        if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err((read.name.span(), format!("headers.{name}: the generator sets this one itself")));
        }
        match value.as_str() {
            Some(value) if !value.contains(['\r', '\n']) => headers.push((name.clone(), value.to_owned())),
            _ => return Err((read.name.span(), format!("headers.{name}: use one line of text"))),
        }
    }
    let body = read.body.as_ref().map(template).transpose()?.unwrap_or_default();
    let write = read.write.unwrap_or(!matches!(method, Method::Get | Method::Head));
    Ok(Request { name: read.name.get_ref().clone(), weight, method, path, headers, body, write })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_a_list_of_weighted_requests() {
        let text = r#"
[[request]]
name = "read"
weight = 3
path = "/api/orders/{{random 1 9}}"
headers = { Accept = "application/json" }

[[request]]
name = "write"
method = "post"
path = "/api/orders"
body = '{"id": "{{uuid}}"}'
"#;
        let scenario = parse_scenario(text, "s.toml").unwrap();
        let [read, write] = &scenario.requests[..] else { panic!("{scenario:?}") };
        assert_eq!((read.weight, read.write, read.headers.len()), (3.0, false, 1));
        assert_eq!((write.method, write.write, write.body.is_fixed()), (Method::Post, true, false));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let cases = [
            ("", 1, "at least one"),
            ("[[request]]\nname = \"a\"\npath = \"x\"", 3, "begins with /"),
            ("[[request]]\nname = \"a\"\npath = \"/{{uid}}\"", 3, "unknown value `uid`"),
            ("[[request]]\nname = \"a\"\npath = \"/\"\nweight = 0", 4, "above 0"),
            ("[[request]]\nname = \"a\"\npath = \"/\"\ncolour = 1", 4, "colour"),
            ("[[request]]\nname = \"a\"\npath = \"/\"\nmethod = \"BREW\"", 4, "BREW"),
            (
                "[[request]]\nname = \"a\"\npath = \"/\"\n[[request]]\nname = \"a\"\npath = \"/\"",
                5,
                "of its own",
            ),
            ("[[request]]\nname = \"a\"\npath = \"/\"\nheaders = { Host = \"x\" }", 2, "headers.Host"),
        ];
        for (text, line, expected) in cases {
            let error = parse_scenario(text, "s.toml").unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
