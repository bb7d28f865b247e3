//! Renders requests: everything that does not change is made once, values are filled in per arrival.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use model::{Piece, Plan, Replay, Request, Template};

use crate::arrivals::{Arrival, Origin, replayed};

/// Renders the requests of a plan.
#[derive(Debug, Clone)]
pub struct Renderer {
    prepared: Vec<Prepared>,
    replay: Option<Arc<Replay>>,
    seed: u64,
}

/// What a rendered request has beside its path and its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces {
    /// Whether it has a body, be it an empty one.
    pub(crate) has_body: bool,
}

/// A request's fixed texts: `method SP [path] head [body]`.
#[derive(Debug, Clone)]
struct Prepared {
    method: &'static str,
    path: Template,
    /// From the blank after the path to the last header line.
    head: String,
    body: Template,
    /// Whether a Content-Length is sent: for a body, and for methods that would have one (RFC 9110, section 8.6).
    has_length: bool,
    is_head: bool,
}

impl Renderer {
    /// Prepares the requests of `plan` for the Host `authority`.
    #[must_use]
    pub fn new(plan: &Plan, authority: &str) -> Self {
        let prepare = |request: &Request| {
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
            for (name, value) in &request.headers {
                // Writing to a string cannot fail.
                let _ = write!(head, "{name}: {value}\r\n");
            }
            Prepared {
                method: request.method.as_str(),
                path: request.path.clone(),
                head,
                body: request.body.clone(),
                has_length: !request.body.0.is_empty()
                    || matches!(
                        request.method,
                        model::Method::Post | model::Method::Put | model::Method::Patch
                    ),
                is_head: request.method == model::Method::Head,
            }
        };
        Self {
            prepared: plan.scenario.requests.iter().map(prepare).collect(),
            replay: replayed(&plan.stages).cloned(),
            seed: plan.seed.stream("values"),
        }
    }

    /// Whether the response to this request has no body whatever its head says.
    #[must_use]
    pub fn is_head(&self, request: usize) -> bool {
        self.prepared[request].is_head
    }

    /// The path that a log says, if the arrival comes from one.
    fn logged(&self, arrival: &Arrival) -> Option<&str> {
        match (arrival.origin, &self.replay) {
            (Origin::Log(target), Some(replay)) => Some(replay.describe(target).path),
            _ => None,
        }
    }

    /// Renders the path and the body of `arrival`, for protocols that frame requests themselves.
    pub(crate) fn pieces(&self, arrival: &Arrival, path: &mut Vec<u8>, body: &mut Vec<u8>) -> Pieces {
        let prepared = &self.prepared[arrival.request];
        let mut values = Values::new(self.seed, arrival.number);
        path.clear();
        body.clear();
        match self.logged(arrival) {
            Some(logged) => path.extend_from_slice(logged.as_bytes()),
            None => fill(&prepared.path, arrival, &mut values, path),
        }
        fill(&prepared.body, arrival, &mut values, body);
        Pieces { has_body: prepared.has_length }
    }

    /// The head of the first request without its end, as the upgrade request of a WebSocket connection.
    pub(crate) fn upgrade(&self) -> Vec<u8> {
        let arrival =
            Arrival { number: 0, due: Duration::ZERO, request: 0, sequence: 0, origin: Origin::Mix };
        let (mut out, mut body) = (b"GET ".to_vec(), Vec::new());
        let mut path = Vec::new();
        self.pieces(&arrival, &mut path, &mut body);
        out.extend_from_slice(&path);
        out.extend_from_slice(self.prepared[0].head.as_bytes());
        out
    }

    /// Writes the bytes of `arrival` into `out`, which is cleared first. `body` is kept between calls for its memory.
    pub fn render(&self, arrival: &Arrival, out: &mut Vec<u8>, body: &mut Vec<u8>) {
        let prepared = &self.prepared[arrival.request];
        out.clear();
        let mut values = Values::new(self.seed, arrival.number);
        out.extend_from_slice(prepared.method.as_bytes());
        out.push(b' ');
        match self.logged(arrival) {
            Some(logged) => out.extend_from_slice(logged.as_bytes()),
            None => fill(&prepared.path, arrival, &mut values, out),
        }
        out.extend_from_slice(prepared.head.as_bytes());
        if prepared.has_length {
            body.clear();
            fill(&prepared.body, arrival, &mut values, body);
            // Writing to a vector cannot fail.
            let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
            out.extend_from_slice(body);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn fill(template: &Template, arrival: &Arrival, values: &mut Values, out: &mut Vec<u8>) {
    for piece in &template.0 {
        // Writing to a vector cannot fail.
        let _ = match piece {
            Piece::Text(text) => out.write_all(text.as_bytes()),
            Piece::Sequence => write!(out, "{}", arrival.sequence),
            Piece::Random(low, high) => write!(out, "{}", values.within(*low, *high)),
            Piece::Uuid => values.uuid(out),
        };
    }
}

/// The values of one arrival: a SplitMix64 sequence (Steele, Lea, Flood, OOPSLA 2014) that begins at its number, so they
/// depend on nothing that was sent before.
struct Values(u64);

impl Values {
    fn new(seed: u64, number: u64) -> Self {
        let mut values = Self(number);
        Self(seed ^ values.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low..=high` by the high half of a product (Lemire, 2019, without its rejection step: the bias is
    /// below the range divided by 2^64).
    fn within(&mut self, low: u64, high: u64) -> u64 {
        let range = u128::from(high - low) + 1;
        low + u64::try_from((u128::from(self.next()) * range) >> 64).unwrap_or(high - low)
    }

    /// A random UUID: version 4, variant 10 (RFC 9562, section 5.4).
    fn uuid(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let high = (self.next() & !0xf000) | 0x4000;
        let low = (self.next() & !(0b11 << 62)) | (0b10 << 62);
        write!(
            out,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Method, Scenario, Schedule, Seed};
    use std::time::Duration;

    fn plan(method: Method, path: &str, body: &str, keep_alive: bool) -> Plan {
        let request = Request {
            name: "r".into(),
            weight: 1.0,
            method,
            path: Template::parse(path).unwrap(),
            headers: vec![("X-A".into(), "b".into())],
            body: Template::parse(body).unwrap(),
            write: false,
        };
        Plan {
            name: "t".into(),
            seed: Seed(1),
            base_url: String::new(),
            scenario: Scenario { requests: vec![request] },
            warm_up: Duration::ZERO,
            stages: Vec::new(),
            cool_down: Duration::ZERO,
            connections: 1,
            keep_alive,
            transport: model::Transport::default(),
            timeout: Duration::from_secs(1),
            schedule: Schedule::default(),
            objectives: Vec::new(),
        }
    }

    fn render(plan: &Plan, number: u64) -> String {
        let arrival =
            Arrival { number, due: Duration::ZERO, request: 0, sequence: number, origin: Origin::Mix };
        let (mut out, mut body) = (Vec::new(), Vec::new());
        Renderer::new(plan, "host:8080").render(&arrival, &mut out, &mut body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_is_framed_as_http_1_1() {
        let text = render(&plan(Method::Post, "/o/{{sequence}}", "id={{sequence}}", true), 12);
        assert_eq!(
            text,
            "POST /o/12 HTTP/1.1\r\nHost: host:8080\r\nUser-Agent: brownout\r\nAccept: */*\r\nX-A: b\r\n\
             Content-Length: 5\r\n\r\nid=12"
        );
        let text = render(&plan(Method::Get, "/", "", false), 0);
        assert!(text.contains("Connection: close\r\n") && !text.contains("Content-Length"), "{text}");
    }

    #[test]
    fn values_depend_on_the_arrival_alone() {
        let plan = plan(Method::Get, "/{{random 5 9}}/{{uuid}}", "", true);
        assert_eq!(render(&plan, 3), render(&plan, 3));
        assert_ne!(render(&plan, 3), render(&plan, 4));
        for number in 0..200 {
            let text = render(&plan, number);
            let mut parts = text[5..].split('/');
            let random: u64 = parts.next().unwrap().parse().unwrap();
            assert!((5..=9).contains(&random));
            let uuid = &parts.next().unwrap()[..36];
            assert_eq!((&uuid[14..15], uuid.matches('-').count()), ("4", 4), "{uuid}");
            assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        }
    }
}
