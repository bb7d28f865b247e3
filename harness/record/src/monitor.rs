//! `monitor.json`: what the design's own monitoring counted while the load went on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FORMAT_VERSION, files};

/// The answers of a design's web servers as its monitor counted them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorRecord {
    /// [`FORMAT_VERSION`].
    pub schema_version: u32,
    /// "monitor".
    pub kind: String,
    /// What the monitor was asked for.
    pub query: String,
    /// In order of time.
    pub samples: Vec<MonitorSample>,
}

/// What had been counted at one moment. A part of a request stands between two looks of the monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorSample {
    /// When, in seconds from the run's epoch.
    pub at_s: f64,
    /// Answers of all web servers since their load balancers came up.
    pub requests: f64,
    /// The same for each server by itself.
    pub by_server: BTreeMap<String, f64>,
}

impl MonitorRecord {
    /// What `query` was answered with.
    #[must_use]
    pub fn new(query: &str, samples: Vec<MonitorSample>) -> Self {
        Self { schema_version: FORMAT_VERSION, kind: "monitor".to_owned(), query: query.to_owned(), samples }
    }
}

impl MonitorSample {
    /// What each server had answered `at_s` seconds after the run's epoch.
    #[must_use]
    pub fn new(at_s: f64, by_server: BTreeMap<String, f64>) -> Self {
        let tidy = |count: f64| (count * 1e3).round() / 1e3;
        Self {
            at_s: files::tidy_seconds(at_s),
            requests: tidy(by_server.values().sum()),
            by_server: by_server.into_iter().map(|(server, count)| (server, tidy(count))).collect(),
        }
    }
}
