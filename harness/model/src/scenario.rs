//! What is sent: a weighted mix of named requests and of sessions, with templated values.

use std::sync::Arc;
use std::time::Duration;

use crate::objective::Objective;
use crate::secret::Secret;
use crate::table::Table;
use crate::template::Template;

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

/// A credential that goes with a request as its Authorization header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is and where it comes from, for people: "bearer from the environment variable SHOP_TOKEN".
    pub source: String,
    /// The field's value.
    pub value: Secret,
}

/// One kind of request of a [`Scenario`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// Names the request in every table: "read", "write", ...
    pub name: String,
    /// Share of the mix relative to the other requests and sessions; 0 for a session's step, which comes with its session.
    pub weight: f64,
    /// HTTP method.
    pub method: Method,
    /// Path and query (origin form), beginning with `/`.
    pub path: Template,
    /// Header fields beside Host, Content-Length and Connection, which the generator sets.
    pub headers: Vec<(String, Template)>,
    /// Who asks.
    pub credential: Option<Credential>,
    /// Body; empty means none is sent.
    pub body: Template,
    /// The file that the body was read from, if it was.
    pub body_file: Option<String>,
    /// Whether the request may change state. Writes are told from reads in tables and findings.
    pub write: bool,
}

/// Where a captured value is found in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In its body, which is JSON, by a pointer (RFC 6901).
    Json(String),
    /// In a header field.
    Header(String),
}

/// A value that a step takes from its answer for the steps after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// What later templates call it.
    pub name: String,
    /// Where it is found.
    pub place: Place,
}

/// One request of a [`Session`].
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Index into [`Scenario::requests`].
    pub request: usize,
    /// Pause between the answer to the step before and this step; 0 for the first.
    pub think: Duration,
    /// What is kept of the answer.
    pub captures: Vec<Capture>,
}

/// A sequence of requests by one user, who keeps cookies and captured values. The session arrives on schedule like any
/// request; each further step falls due when the one before was answered, plus its think time. This is the one place where
/// a due time of an open load depends on a response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Session {
    /// Names the session.
    pub name: String,
    /// Share of the mix relative to the other sessions and requests, above 0.
    pub weight: f64,
    /// In order; at least one.
    pub steps: Vec<Step>,
}

impl Session {
    /// The names of all values that its steps capture, each once.
    #[must_use]
    pub fn captured(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for capture in self.steps.iter().flat_map(|step| &step.captures) {
            if !names.contains(&capture.name.as_str()) {
                names.push(&capture.name);
            }
        }
        names
    }
}

/// A weighted mix of requests and sessions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// In the order of the tables, the steps of sessions last. A request is known elsewhere by its index here.
    pub requests: Vec<Request>,
    /// In the order of the file.
    pub sessions: Vec<Session>,
    /// What templates take values from, by name.
    pub tables: Vec<Arc<Table>>,
    /// Service levels of single requests.
    pub objectives: Vec<Objective>,
}
