//! The program under test, and what it says of a load.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Names another program to be tried, with its first arguments where it needs some.
const OTHER: &str = "BROWNOUT_CONFORMANCE_TOOL";

/// A load generator: a program and the arguments that come before the address.
pub(crate) struct Tool {
    words: Vec<String>,
}

impl Tool {
    /// Ours, or the one that the environment names.
    pub(crate) fn of_environment() -> Self {
        let words = match std::env::var(OTHER) {
            Ok(other) => other.split_whitespace().map(str::to_owned).collect(),
            Err(_) => vec![env!("CARGO_BIN_EXE_brownout").to_owned(), "load".to_owned()],
        };
        assert!(!words.is_empty(), "{OTHER} is empty: name a program or leave it unset");
        Self { words }
    }

    /// The program with what it needs to load this address; `load` has its options, blanks between them.
    pub(crate) fn words(&self, address: SocketAddr, load: &str) -> Vec<String> {
        let mut words = self.words.clone();
        words.push(format!("http://{address}/"));
        words.extend(load.split_whitespace().map(str::to_owned));
        words.push("--json".to_owned());
        words
    }

    /// Runs a load to its end.
    pub(crate) fn load(&self, address: SocketAddr, load: &str) -> Said {
        Said::of(&run(&self.words(address, load)))
    }
}

/// Runs a program to its end.
pub(crate) fn run(words: &[String]) -> Output {
    let ended = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    ended.unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", words[0]))
}

/// What a tool said of a load, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) summary: Value,
    pub(crate) messages: String,
}

impl Said {
    /// Reads it, and checks what holds for every load whatever became of it: its counts add up.
    pub(crate) fn of(output: &Output) -> Self {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout);
        let summary = serde_json::from_str(&printed).unwrap_or_else(|error| {
            panic!(
                "standard output is no JSON ({error}): {printed}\nit ended with {} and said: {messages}",
                output.status
            )
        });
        let said = Self { code: output.status.code(), summary, messages };
        let ends = ["answered", "timed_out", "refused", "reset", "malformed", "other"];
        let counts = &said.summary["requests"];
        assert_eq!(said.count("due"), said.count("sent") + said.count("unsent"), "{counts}");
        assert_eq!(said.count("sent"), ends.iter().map(|end| said.count(end)).sum::<u64>(), "{counts}");
        said
    }

    /// One of the counts of `requests`.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let count = self.summary["requests"][name].as_u64();
        count.unwrap_or_else(|| panic!("`requests.{name}` is no count: {}", self.summary["requests"]))
    }

    /// A percentile of latency in microseconds by its name in `summary.json`: "p99".
    pub(crate) fn latency_us(&self, percentile: &str) -> f64 {
        let value = self.summary["latency_us"][percentile].as_f64();
        value.unwrap_or_else(|| panic!("no {percentile} in {}", self.summary["latency_us"]))
    }

    /// Whether the tool says that it was the limit itself.
    pub(crate) fn limited(&self) -> bool {
        self.summary["generator"]["limited"] == true
    }

    /// Whether the tool says that its figures are not to be believed.
    pub(crate) fn unsure(&self) -> bool {
        self.limited() || self.code == Some(4) || self.summary["verdict"] == "unknown"
    }
}
