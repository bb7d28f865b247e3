//! The load generators, how each is asked for the same load, and how each says what it did.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/1.1 in clear.
    Http1,
    /// HTTP/1.1 over TLS 1.3.
    Tls,
    /// HTTP/2 over TLS 1.3, with so many requests at a time on a connection.
    Http2(usize),
}

/// A load that every client is asked for: as much as goes, over so many connections.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is spoken.
    pub spoken: Spoken,
    /// Keep-alive connections.
    pub connections: usize,
    /// Where to.
    pub url: String,
}

impl Case {
    /// For a table's heading.
    #[must_use]
    pub fn name(&self) -> String {
        match self.spoken {
            Spoken::Http1 => format!("HTTP/1.1, {} connections", self.connections),
            Spoken::Tls => format!("HTTP/1.1 over TLS 1.3, {} connections", self.connections),
            Spoken::Http2(streams) => {
                format!("HTTP/2 over TLS, {} connections x {streams}", self.connections)
            }
        }
    }
}

/// How a client is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As much as goes, the next request when the last was answered.
    BrownoutClosed,
    /// Open loop, more offered than goes.
    BrownoutOpen,
    /// A client on epoll that does nothing else, taking each answer at once.
    Bare,
    /// The same, letting answers come together.
    BarePausing,
    Wrk,
    Wrk2,
    Oha,
    H2load,
    Ab,
    Hey,
    Autocannon,
}

/// An installed load generator.
#[derive(Debug, Clone)]
pub struct Client {
    /// For the table.
    pub name: &'static str,
    /// What is run.
    pub program: String,
    kind: Kind,
}

/// An offer that no client here can keep up with.
const BEYOND: &str = "200000";

/// This project's generator first, as it is judged: in the open loop. Then its closed one and the peers that are installed.
#[must_use]
pub fn installed(brownout: &Path) -> Vec<Client> {
    let own = brownout.display().to_string();
    let mut clients = vec![
        Client { name: "brownout, open loop", program: own.clone(), kind: Kind::BrownoutOpen },
        Client { name: "brownout, closed loop", program: own, kind: Kind::BrownoutClosed },
    ];
    let bare = brownout.with_file_name("bare");
    if bare.exists() {
        let program = bare.display().to_string();
        clients.push(Client { name: "a bare loop", program: program.clone(), kind: Kind::Bare });
        clients.push(Client { name: "a bare loop that pauses", program, kind: Kind::BarePausing });
    }
    let peers = [
        ("wrk", Kind::Wrk),
        ("wrk2", Kind::Wrk2),
        ("oha", Kind::Oha),
        ("h2load", Kind::H2load),
        ("ab", Kind::Ab),
        ("hey", Kind::Hey),
        ("autocannon", Kind::Autocannon),
    ];
    for (name, kind) in peers {
        // Some answer `--version` with an error, but all can be started.
        if Command::new(name).arg("--version").output().is_ok() {
            clients.push(Client { name, program: name.to_owned(), kind });
        }
    }
    clients
}

impl Client {
    /// Whether it speaks what the case asks for.
    #[must_use]
    pub fn speaks(&self, case: &Case) -> bool {
        match case.spoken {
            Spoken::Http1 => true,
            Spoken::Tls => !matches!(self.kind, Kind::Hey | Kind::Bare | Kind::BarePausing),
            Spoken::Http2(_) => {
                matches!(self.kind, Kind::BrownoutClosed | Kind::BrownoutOpen | Kind::Oha | Kind::H2load)
            }
        }
    }

    pub(super) fn arguments(&self, case: &Case, length: Duration) -> Vec<String> {
        let (seconds, connections) = (length.as_secs().max(1), case.connections.to_string());
        let time = format!("{seconds}s");
        let url = case.url.as_str();
        let words: Vec<&str> = match self.kind {
            Kind::BrownoutClosed => {
                vec!["load", url, "--json", "--connections", &connections, "--duration", &time, "--closed"]
            }
            Kind::BrownoutOpen => vec![
                "load",
                url,
                "--json",
                "--connections",
                &connections,
                "--duration",
                &time,
                "--rate",
                BEYOND,
                "--timeout",
                "1s",
            ],
            Kind::Bare => vec!["-c", &connections, "-d", &time, "-p", "0", url],
            Kind::BarePausing => vec!["-c", &connections, "-d", &time, "-p", "50", url],
            Kind::Wrk => vec!["-t1", "-c", &connections, "-d", &time, url],
            Kind::Wrk2 => vec!["-t1", "-c", &connections, "-d", &time, "-R", BEYOND, url],
            Kind::Oha => vec!["--no-tui", "--output-format", "json", "-c", &connections, "-z", &time, url],
            Kind::H2load => vec!["-t1", "-c", &connections, "-D", &time, url],
            Kind::Ab => {
                vec!["-k", "-q", "-n", "100000000", "-c", &connections, "-t", time.trim_end_matches('s'), url]
            }
            Kind::Hey => vec!["-c", &connections, "-z", &time, url],
            Kind::Autocannon => vec!["-j", "-c", &connections, "-d", time.trim_end_matches('s'), url],
        };
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        words.splice(self.position(words.len())..self.position(words.len()), self.protocol(case));
        words
    }

    /// Options stand before the address, but for our own.
    fn position(&self, words: usize) -> usize {
        match self.kind {
            Kind::BrownoutClosed | Kind::BrownoutOpen => words,
            _ => words - 1,
        }
    }

    fn protocol(&self, case: &Case) -> Vec<String> {
        let streams = match case.spoken {
            Spoken::Http2(streams) => streams.to_string(),
            Spoken::Http1 | Spoken::Tls => String::new(),
        };
        let words: Vec<&str> = match (self.kind, case.spoken) {
            (Kind::BrownoutClosed | Kind::BrownoutOpen, Spoken::Tls) => vec!["--insecure"],
            (Kind::BrownoutClosed | Kind::BrownoutOpen, Spoken::Http2(_)) => {
                vec!["--insecure", "--http2", "--streams", &streams]
            }
            (Kind::Oha, Spoken::Tls) => vec!["--insecure"],
            (Kind::Oha, Spoken::Http2(_)) => vec!["--insecure", "--http2", "-p", &streams],
            (Kind::H2load, Spoken::Http1 | Spoken::Tls) => vec!["--h1"],
            (Kind::H2load, Spoken::Http2(_)) => vec!["-m", &streams],
            _ => Vec::new(),
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// How many requests were answered, from what it printed.
    pub(super) fn requests(&self, text: &str) -> Option<f64> {
        let json = || serde_json::from_str::<serde_json::Value>(text).ok();
        let word = |line: &str, index: usize| line.split_whitespace().nth(index)?.parse::<f64>().ok();
        let line = |with: &str| text.lines().find(|line| line.contains(with));
        match self.kind {
            Kind::BrownoutClosed | Kind::BrownoutOpen => json()?["requests"]["answered"].as_f64(),
            Kind::Bare | Kind::BarePausing | Kind::Wrk | Kind::Wrk2 => word(line(" requests in ")?, 0),
            Kind::Oha => {
                let codes = json()?;
                let codes = codes["statusCodeDistribution"].as_object()?.values();
                Some(codes.filter_map(serde_json::Value::as_f64).sum())
            }
            // `requests: 10 total, 10 started, 10 done, 10 succeeded, ...`; with a duration only `done` counts the
            // measured stretch.
            Kind::H2load => word(line("requests:")?, 5),
            Kind::Ab => word(line("Complete requests:")?, 2),
            Kind::Hey => text.lines().find(|line| line.contains("responses")).and_then(|line| word(line, 1)),
            Kind::Autocannon => json()?["requests"]["total"].as_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(kind: Kind) -> Client {
        Client { name: "x", program: "x".to_owned(), kind }
    }

    #[test]
    fn what_each_client_prints_is_understood() {
        for (kind, text, requests) in [
            (Kind::Wrk, "  Latency  1ms\n  4500 requests in 2.00s, 1MB read\nRequests/sec: 2250\n", 4500.0),
            (Kind::H2load, "requests: 70 total, 70 started, 68 done, 68 succeeded, 0 failed\n", 68.0),
            (Kind::Ab, "Complete requests:      123\nFailed requests: 0\n", 123.0),
            (Kind::Hey, "Status code distribution:\n  [200]\t99 responses\n", 99.0),
            (Kind::Oha, r#"{"statusCodeDistribution":{"200":7,"503":1}}"#, 8.0),
            (Kind::BrownoutClosed, r#"{"requests":{"answered":12}}"#, 12.0),
            (Kind::Autocannon, r#"{"requests":{"total":5}}"#, 5.0),
        ] {
            assert_eq!(client(kind).requests(text), Some(requests), "{kind:?}");
            assert_eq!(client(kind).requests("nothing of the kind"), None, "{kind:?}");
        }
    }

    #[test]
    fn every_client_is_asked_for_the_same_load() {
        let case = Case { spoken: Spoken::Http2(8), connections: 16, url: "https://h/".to_owned() };
        let arguments = |kind| client(kind).arguments(&case, Duration::from_secs(3)).join(" ");
        assert_eq!(arguments(Kind::H2load), "-t1 -c 16 -D 3s -m 8 https://h/");
        assert_eq!(
            arguments(Kind::Oha),
            "--no-tui --output-format json -c 16 -z 3s --insecure --http2 -p 8 https://h/"
        );
        assert!(
            arguments(Kind::BrownoutClosed)
                .ends_with("--connections 16 --duration 3s --closed --insecure --http2 --streams 8")
        );
    }
}
