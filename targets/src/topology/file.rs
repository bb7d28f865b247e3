//! `topology.toml` as it stands in the file, before settings, counts and patterns are resolved.

use std::net::IpAddr;

use serde::Deserialize;
use toml::Spanned;

use crate::part::DatabaseRole;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) public_name: String,
    pub(super) public_address: Spanned<IpAddr>,
    #[serde(default = "http_port")]
    pub(super) public_port: u16,
    #[serde(default)]
    pub(super) public_tls: bool,
    /// `ADDRESS/BITS`: where every address must lie. Without it, anywhere.
    #[serde(default)]
    pub(super) networks: Vec<Spanned<String>>,
    /// One DNS server's node, or several in the order in which they are asked.
    pub(super) resolver: Option<Spanned<OneOrMore>>,
    pub(super) client: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) settings: toml::Table,
    /// What a setting may be.
    #[serde(default)]
    pub(super) choices: toml::Table,
    #[serde(default, rename = "virtual")]
    pub(super) virtuals: Vec<FileVirtual>,
    #[serde(default)]
    pub(super) node: Vec<FileNode>,
    #[serde(default)]
    pub(super) link: Vec<FileLink>,
}

fn http_port() -> u16 {
    80
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }
}

/// Settings that must have these values, or what it stands at is left out.
pub(super) type When = Option<Spanned<toml::Table>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileVirtual {
    pub(super) name: String,
    /// Without it, the public address.
    pub(super) address: Option<Spanned<IpAddr>>,
    /// Whether the public name leads to it.
    #[serde(default)]
    pub(super) public: bool,
    /// Names, or patterns (`lb*`); the first is where it begins.
    pub(super) nodes: Vec<Spanned<String>>,
    pub(super) when: When,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileNode {
    pub(super) name: Spanned<String>,
    /// How many there are, or the setting that says so: `web` with a count of 2 is `web1` and `web2`.
    pub(super) count: Option<Spanned<Count>>,
    pub(super) when: When,
    #[serde(default)]
    pub(super) public: bool,
    /// Of the first one; each of the others has addresses one higher.
    #[serde(default)]
    pub(super) addresses: Vec<Spanned<IpAddr>>,
    #[serde(default)]
    pub(super) firewall: bool,
    /// Names that its certificate vouches for beside its own; without it, the node has no certificate.
    pub(super) certificate: Option<Vec<String>>,
    #[serde(default)]
    pub(super) part: Vec<FilePart>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Count {
    Number(i64),
    Setting(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePart {
    pub(super) part: Spanned<String>,
    /// Of a counted node, the first one's: the others are replicas of it.
    pub(super) database: Option<DatabaseRole>,
    #[serde(default)]
    pub(super) supervised: bool,
    #[serde(default)]
    pub(super) settings: toml::Table,
    pub(super) when: When,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLink {
    /// `node`, `node/process` or a pattern (`web*/nginx`): every node whose name goes on with a number.
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) port: Option<u16>,
    pub(super) protocol: String,
    pub(super) step: Option<u32>,
    #[serde(default)]
    pub(super) label: String,
    /// Whether who connects can only start once who accepts is ready.
    #[serde(default = "yes")]
    pub(super) needs: bool,
    /// Whether only ends on one and the same node are meant.
    #[serde(default)]
    pub(super) same_node: bool,
    pub(super) when: When,
}

fn yes() -> bool {
    true
}
