//! The shape of a scenario file.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) request: Vec<FileRequest>,
    #[serde(default)]
    pub(super) session: Vec<FileSession>,
    #[serde(default)]
    pub(super) data: Pairs<FileTable>,
    pub(super) auth: Option<Spanned<FileAuth>>,
}

/// A request, or a step of a session.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRequest {
    pub(super) name: Spanned<String>,
    pub(super) weight: Option<Spanned<f64>>,
    pub(super) method: Option<Spanned<String>>,
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) headers: Pairs<Spanned<String>>,
    pub(super) auth: Option<Spanned<FileAuth>>,
    pub(super) body: Option<Spanned<String>>,
    pub(super) body_file: Option<Spanned<String>>,
    pub(super) templated: Option<Spanned<bool>>,
    pub(super) write: Option<bool>,
    #[serde(default)]
    pub(super) objectives: Vec<Spanned<String>>,
    pub(super) think: Option<Spanned<String>>,
    pub(super) capture: Option<Spanned<Pairs<FileCapture>>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSession {
    pub(super) name: Spanned<String>,
    pub(super) weight: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) step: Vec<FileRequest>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileCapture {
    pub(super) json: Option<Spanned<String>>,
    pub(super) header: Option<Spanned<String>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTable {
    pub(super) file: Spanned<String>,
    pub(super) order: Option<Spanned<String>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileAuth {
    pub(super) basic: Option<Spanned<FileBasic>>,
    pub(super) bearer: Option<Spanned<FileSource>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileBasic {
    pub(super) user: Spanned<String>,
    pub(super) env: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSource {
    pub(super) env: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
}

/// A table of names that the person chose, in the order of the file and with its places.
pub(super) struct Pairs<V>(pub(super) Vec<(Spanned<String>, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}
