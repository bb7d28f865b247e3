use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SCHEMA_VERSION;
use crate::{RecordError, files};

/// Name of the file that holds a [`ClaimsFile`].
pub const CLAIMS_FILE: &str = "claims.json";

/// `claims.json`: what is claimed about designs, and what the experiments measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimsFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "claims".
    pub kind: String,
    /// In the order of the designs given and of their `claims.toml`.
    pub claims: Vec<ClaimFile>,
}

/// One claim with its measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimFile {
    /// "0-simple".
    pub design: String,
    /// Unique within its design: "spof".
    pub id: String,
    /// The claim as a person would make it.
    pub claim: String,
    /// How it was measured, in a few words.
    pub experiment: String,
    /// What was measured: one sentence with figures.
    pub measured: String,
    /// "holds", "does not hold" or "unknown".
    pub verdict: String,
    /// Why it does not hold or is unknown; empty when it holds.
    pub reasons: Vec<String>,
    /// Every figure by its name, which ends in its unit: `web_away_s`.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
}

/// `figures.json`: what one experiment measured in one lab, before anything is concluded from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiguresFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "figures".
    pub kind: String,
    /// Every figure by its name, which ends in its unit.
    pub figures: BTreeMap<String, f64>,
    /// Why they say nothing; empty when they do.
    pub doubts: Vec<String>,
}

impl ClaimsFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        files::parse_json(path, &files::read_text(path)?)
    }

    /// A file of these claims.
    #[must_use]
    pub fn new(claims: Vec<ClaimFile>) -> Self {
        Self { schema_version: SCHEMA_VERSION, kind: "claims".to_owned(), claims }
    }
}

impl FiguresFile {
    /// A file of these figures.
    #[must_use]
    pub fn new(figures: BTreeMap<String, f64>, doubts: Vec<String>) -> Self {
        Self { schema_version: SCHEMA_VERSION, kind: "figures".to_owned(), figures, doubts }
    }
}
