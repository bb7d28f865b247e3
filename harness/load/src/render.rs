//! Renders requests: everything that does not change is made once, values are filled in per arrival.

mod text;
mod values;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use model::{Plan, Replay, Request, Session};

use self::text::{Draw, Place, Text};
use self::values::Values;
use crate::arrivals::{Arrival, Origin, replayed};
use crate::sessions::{Memory, Sessions};

/// Renders the requests of a plan.
#[derive(Debug, Clone)]
pub struct Renderer {
    prepared: Vec<Prepared>,
    replay: Option<Arc<Replay>>,
    seed: u64,
    /// What the sessions of the worker remember.
    pub(crate) sessions: Sessions,
}

/// What a rendered request has beside its path, its changing fields and its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces {
    /// Whether it has a body, be it an empty one.
    pub(crate) has_body: bool,
    /// Whether its answer is to be kept.
    pub(crate) keeps: bool,
}

/// Where a request is rendered that is framed by its protocol.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    pub(crate) path: Vec<u8>,
    /// Header fields that change from one request to the next, as lines of HTTP/1.1 with names in lower case.
    pub(crate) fields: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// A request's fixed texts: `method SP [path] head [fields] [body]`.
#[derive(Debug, Clone)]
struct Prepared {
    method: &'static str,
    path: Text,
    /// From the blank after the path to the last header line that never changes.
    head: String,
    /// Header fields that do, by their names in lower case.
    fields: Vec<(String, Text)>,
    body: Text,
    /// Whether a Content-Length is sent: for a body, and for methods that would have one (RFC 9110, section 8.6).
    has_length: bool,
    is_head: bool,
    /// Whether it is a session's step, of whose answer something may be kept.
    keeps: bool,
}

impl Prepared {
    fn new(plan: &Plan, authority: &str, request: &Request, session: Option<&Session>) -> Self {
        let mut head = format!(" HTTP/1.1\r\nHost: {authority}\r\n");
        let has = |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        if !has("user-agent") {
            head.push_str("User-Agent: brownout\r\n");
        }
        if !has("accept") {
            head.push_str("Accept: */*\r\n");
        }
        if !plan.keep_alive {
            head.push_str("Connection: close\r\n");
        }
        if let Some(credential) = &request.credential {
            // Writing to a string cannot fail.
            let _ = write!(head, "Authorization: {}\r\n", credential.value.reveal());
        }
        let mut fields = Vec::new();
        for (name, value) in &request.headers {
            if value.is_fixed() {
                let _ = write!(head, "{name}: {value}\r\n");
            } else {
                fields.push((name.to_ascii_lowercase(), Text::new(value, Place::Field, plan, session)));
            }
        }
        let may_have_body =
            matches!(request.method, model::Method::Post | model::Method::Put | model::Method::Patch);
        Self {
            method: request.method.as_str(),
            path: Text::new(&request.path, Place::Path, plan, session),
            head,
            fields,
            body: Text::new(&request.body, Place::Body, plan, session),
            has_length: !request.body.0.is_empty() || may_have_body,
            is_head: request.method == model::Method::Head,
            keeps: session.is_some(),
        }
    }

    /// Writes the header fields that change.
    fn write_fields(&self, draw: &mut Draw<'_>, out: &mut Vec<u8>) {
        for (name, value) in &self.fields {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            value.write(draw, out);
            out.extend_from_slice(b"\r\n");
        }
        let cookies = draw.memory.map_or(&[][..], |memory| &memory.cookies);
        for (number, (name, value)) in cookies.iter().enumerate() {
            out.extend_from_slice(if number == 0 { b"cookie: " } else { b"; " });
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(value);
        }
        if !cookies.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl Renderer {
    /// Prepares the requests of `plan` for the Host `authority`.
    #[must_use]
    pub fn new(plan: &Plan, authority: &str) -> Self {
        let sessions = &plan.scenario.sessions;
        let session_of = |index: usize| {
            sessions.iter().find(|session| session.steps.iter().any(|step| step.request == index))
        };
        let requests = plan.scenario.requests.iter().enumerate();
        Self {
            prepared: requests
                .map(|(index, request)| Prepared::new(plan, authority, request, session_of(index)))
                .collect(),
            replay: replayed(&plan.stages).cloned(),
            seed: plan.seed.stream("values"),
            sessions: Sessions::new(&plan.scenario, plan.phases().load_to),
        }
    }

    /// Whether the response to this request has no body whatever its head says.
    #[must_use]
    pub fn is_head(&self, request: usize) -> bool {
        self.prepared[request].is_head
    }

    /// Whether the answer to this request is to be kept.
    pub(crate) fn keeps(&self, request: usize) -> bool {
        self.prepared[request].keeps
    }

    fn draw<'a>(&'a self, arrival: &'a Arrival) -> Draw<'a> {
        let memory: Option<&Memory> = self.sessions.memory(arrival);
        // The steps of a session have its number, and values of their own.
        let step = (self.sessions.step(arrival) as u64).wrapping_mul(0x2545_f491_4f6c_dd1d);
        Draw { arrival, values: Values::new(self.seed ^ step, arrival.number), memory }
    }

    fn write_path(&self, draw: &mut Draw<'_>, out: &mut Vec<u8>) {
        match (draw.arrival.origin, &self.replay) {
            (Origin::Log(target), Some(replay)) => {
                out.extend_from_slice(replay.describe(target).path.as_bytes());
            }
            _ => self.prepared[draw.arrival.request].path.write(draw, out),
        }
    }

    /// Renders the parts of `arrival` that change, for protocols that frame requests themselves.
    pub(crate) fn pieces(&self, arrival: &Arrival, drafts: &mut Drafts) -> Pieces {
        let prepared = &self.prepared[arrival.request];
        let Drafts { path, fields, body } = drafts;
        let mut draw = self.draw(arrival);
        path.clear();
        fields.clear();
        body.clear();
        self.write_path(&mut draw, path);
        prepared.write_fields(&mut draw, fields);
        prepared.body.write(&mut draw, body);
        Pieces { has_body: prepared.has_length, keeps: prepared.keeps }
    }

    /// The head of the first request without its end, as the upgrade request of a WebSocket connection.
    pub(crate) fn upgrade(&self) -> Vec<u8> {
        let arrival =
            Arrival { number: 0, due: Duration::ZERO, request: 0, sequence: 0, origin: Origin::Mix };
        let mut drafts = Drafts::default();
        self.pieces(&arrival, &mut drafts);
        let mut out = b"GET ".to_vec();
        out.extend_from_slice(&drafts.path);
        out.extend_from_slice(self.prepared[0].head.as_bytes());
        out.extend_from_slice(&drafts.fields);
        out
    }

    /// Writes the bytes of `arrival` into `out`, which is cleared first. `body` is kept between calls for its memory.
    pub fn render(&self, arrival: &Arrival, out: &mut Vec<u8>, body: &mut Vec<u8>) {
        let prepared = &self.prepared[arrival.request];
        let mut draw = self.draw(arrival);
        out.clear();
        out.extend_from_slice(prepared.method.as_bytes());
        out.push(b' ');
        self.write_path(&mut draw, out);
        out.extend_from_slice(prepared.head.as_bytes());
        prepared.write_fields(&mut draw, out);
        if prepared.has_length {
            body.clear();
            prepared.body.write(&mut draw, body);
            // Writing to a vector cannot fail.
            let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
            out.extend_from_slice(body);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests;
