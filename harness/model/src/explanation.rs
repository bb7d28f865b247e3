//! What a design teaches: the words beside its nodes and links. Data, as the design itself is.

/// A design in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// What it is about, in a few sentences.
    pub idea: String,
    /// The design that it goes on from.
    pub before: Option<String>,
    /// What it adds over the one before, or over nothing.
    pub adds: Vec<String>,
    /// A request's way, step by step.
    pub steps: Vec<WayStep>,
    /// How the answer comes back.
    pub back: String,
    /// Why each element is there.
    pub elements: Vec<Element>,
    /// What it cannot do, and the experiment that measures it.
    pub weaknesses: Vec<Weakness>,
    /// What to try with it.
    pub tries: Vec<Try>,
    /// The names of the [`Term`]s that it takes to understand it.
    pub terms: Vec<String>,
}

/// A step of a request's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayStep {
    /// The number at the arrow: a link's step.
    pub step: u32,
    /// What happens there.
    pub text: String,
}

/// Nodes or processes that are there for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Which they are.
    pub of: Pattern,
    /// What they are called in words: "the load balancer".
    pub title: String,
    /// Why they are there.
    pub why: String,
    /// What they add over the design before; `None` where it had them too.
    pub adds: Option<String>,
}

/// Which nodes or processes are meant: `lb1`, `web*`, `server*/nginx`, `app*/gunicorn | app*/node`. A star stands for any
/// characters, a bar stands between alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether `name`, a node's (`lb1`) or a process's with its node (`lb1/haproxy`), is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let one = |pattern: &str| {
            let (mine, theirs) = (pattern.trim().split('/'), name.split('/'));
            mine.clone().count() == theirs.clone().count()
                && mine.zip(theirs).all(|(own, other)| like(own, other))
        };
        self.0.split('|').any(one)
    }
}

/// Whether `text` is `pattern` with any characters for its star.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a design cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// In a few words.
    pub title: String,
    /// What it means for users.
    pub text: String,
    /// What measures it.
    pub measure: Measure,
}

/// What measures a weakness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// A claim about a design, by the design's name and the claim's.
    Claim {
        /// The design whose claim it is: this one, or an earlier one that has the weakness too.
        design: String,
        /// The claim.
        id: String,
    },
    /// A command that shows it.
    Command(String),
}

/// Something to try with a design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The command.
    pub command: String,
    /// What is seen.
    pub text: String,
}

/// A word of the field in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What other data call it: "tls".
    pub name: String,
    /// How it is written: "TLS (Transport Layer Security)".
    pub title: String,
    /// What it means.
    pub text: String,
}

/// A record of a DNS zone, with what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRecord {
    /// The name that it is about, in full: "www.foobar.com".
    pub name: String,
    /// How long an answer may be kept, in seconds.
    pub ttl_s: u32,
    /// "A", "NS", "MX".
    pub kind: String,
    /// What is answered.
    pub value: String,
    /// What it is for.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_nodes_or_processes_never_both() {
        let matches = |pattern: &str, name| Pattern(pattern.to_owned()).matches(name);
        for (pattern, name) in [
            ("lb1", "lb1"),
            ("web*", "web12"),
            ("*", "client"),
            ("server*/nginx", "server2/nginx"),
            ("*/*-exporter", "db1/mysqld-exporter"),
            ("app*/gunicorn | app*/node", "app1/node"),
        ] {
            assert!(matches(pattern, name), "{pattern} means {name}");
        }
        for (pattern, name) in
            [("lb1", "lb2"), ("web*", "web1/nginx"), ("*/nginx", "nginx"), ("aba*ba", "aba"), ("we", "web1")]
        {
            assert!(!matches(pattern, name), "{pattern} does not mean {name}");
        }
    }
}
