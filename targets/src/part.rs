//! A part: a program of a stack (nginx, MariaDB, ...), how it is configured, started and asked whether it is ready.
//! Parts are data: `targets/parts/<name>/part.toml` with the templates beside it.

use std::time::Duration;

use model::Role;
use nix::sys::signal::Signal;
use serde::{Deserialize, Deserializer, de};

use crate::input::{InputError, Source};

/// What a database node begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseRole {
    /// Takes writes.
    Primary,
    /// Follows the primary and refuses writes.
    Replica,
}

/// How a part is asked whether it does its work.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Ready {
    /// An HTTP GET that is answered with 2xx.
    Http {
        /// `http://ADDRESS[:PORT]/PATH` or `https://...`, asked on the node.
        http: String,
        /// For `https`: PEM file of the authority that vouches for the server. Empty or not there for `http`.
        #[serde(default)]
        authority: String,
    },
    /// An SQL statement whose last line of output is 1.
    Sql {
        /// The statement.
        sql: String,
        /// The server's unix socket.
        socket: String,
    },
    /// A command that exits with 0 when run on the node.
    Command {
        /// The command line.
        command: Vec<String>,
    },
    /// A name that has an A record.
    Dns {
        /// The name, asked at the node's first address.
        dns: String,
    },
}

/// A file that is rendered before the first start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFile {
    /// The template's name, and the file's in the process's own directory.
    pub template: String,
    /// Whether it is a program.
    #[serde(default)]
    pub executable: bool,
}

/// SQL that runs once, after the first readiness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterReady {
    /// A template of SQL.
    pub sql: String,
}

/// What has to be made before the first start and no template can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// A fresh MariaDB data directory in `data`.
    MariadbDatadir,
}

/// A program of a stack.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// "nginx", "mariadb".
    pub name: String,
    /// Its process's name in tables: "nginx", "mariadbd".
    pub process: String,
    /// What it is for.
    #[serde(deserialize_with = "parsed")]
    pub role: Role,
    /// The distribution's package.
    pub package: String,
    /// Whether it needs the application's modules for Node.js, which npm gets.
    #[serde(default)]
    pub node_modules: bool,
    /// Templates of the command line; it stays in the foreground.
    pub start: Vec<String>,
    /// Templates of `NAME=VALUE`, added to the environment.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Sent to stop it in good order.
    #[serde(deserialize_with = "signal")]
    pub stop_signal: Signal,
    /// How long it may take to stop before it is killed.
    #[serde(deserialize_with = "duration")]
    pub stop_timeout: Duration,
    /// Files rendered into its directory.
    #[serde(default)]
    pub file: Vec<PartFile>,
    /// How it is asked whether it does its work.
    pub ready: Ready,
    /// How long it may take from start to ready.
    #[serde(deserialize_with = "duration")]
    pub ready_timeout: Duration,
    /// What is made before the first start.
    pub prepare: Option<Prepare>,
    /// What runs once after the first readiness.
    pub after_ready: Option<AfterReady>,
    /// Asked after `after_ready`, for a replica only: it follows its primary.
    pub following: Option<Ready>,
    /// Templates of a command line that exits with 0 while it is the primary.
    #[serde(default)]
    pub is_primary: Vec<String>,
    /// Defaults for `settings`.
    #[serde(default)]
    pub settings: toml::Table,
}

impl Part {
    /// Reads a `part.toml`.
    ///
    /// # Errors
    ///
    /// Names the file, the line and the key.
    pub fn parse(text: &str, file: &str) -> Result<Self, InputError> {
        let source = Source { file, text };
        let part: Part = source.parse()?;
        if part.start.is_empty() {
            return Err(source.error(0..0, "start = [] starts nothing"));
        }
        Ok(part)
    }
}

pub(crate) fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(
    input: D,
) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(de::Error::custom)
}

fn duration<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    humantime::parse_duration(&String::deserialize(input)?).map_err(de::Error::custom)
}

fn signal<'de, D: Deserializer<'de>>(input: D) -> Result<Signal, D::Error> {
    let name = String::deserialize(input)?;
    format!("SIG{name}")
        .parse()
        .map_err(|_| de::Error::custom(format!("unknown signal `{name}`: use TERM, QUIT, ...")))
}
