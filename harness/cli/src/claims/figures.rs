//! What an experiment measured, before anything is concluded from it.

use std::collections::BTreeMap;
use std::path::Path;

use record::derived::{FiguresFile, to_json};

use crate::failure::{Code, Failure, OrFail};

/// Figures by name, and why they say nothing, if they do not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) numbers: BTreeMap<String, f64>,
    pub(crate) doubts: Vec<String>,
}

impl Figures {
    /// An experiment that could not be made.
    pub(crate) fn doubted(why: String) -> Self {
        Self { numbers: BTreeMap::new(), doubts: vec![why] }
    }

    /// Keeps a figure. Its name ends in its unit; what a name of a node or a role has in it is made plain.
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        // Finer digits would only be noise, and JSON has no number that is not finite.
        if value.is_finite() {
            self.numbers.insert(plain(name), (value * 1e4).round() / 1e4);
        }
    }

    /// Keeps a count.
    #[expect(clippy::cast_precision_loss, reason = "counts of requests and packets are far below 2^52")]
    pub(crate) fn count(&mut self, name: &str, value: u64) {
        self.set(name, value as f64);
    }

    pub(crate) fn doubt(&mut self, why: impl Into<String>) {
        self.doubts.push(why.into());
    }

    /// The figure of this name.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.numbers.get(&plain(name)).copied()
    }

    /// Every figure whose name begins with `before` and ends with `after`, with what stands between.
    pub(crate) fn between<'a>(&'a self, before: &'a str, after: &'a str) -> Vec<(&'a str, f64)> {
        let middle = |name: &'a str| name.strip_prefix(before)?.strip_suffix(after);
        self.numbers.iter().filter_map(|(name, value)| Some((middle(name)?, *value))).collect()
    }

    /// Takes the figures of one of several labs in; `label` goes before their names.
    pub(crate) fn absorb(&mut self, label: &str, other: Figures) {
        let prefixed =
            |name: &str| if label.is_empty() { name.to_owned() } else { format!("{label}_{name}") };
        for (name, value) in other.numbers {
            self.numbers.insert(plain(&prefixed(&name)), value);
        }
        let told = |why: String| if label.is_empty() { why } else { format!("{label}: {why}") };
        self.doubts.extend(other.doubts.into_iter().map(told));
    }

    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let file: Option<FiguresFile> = record::derived::read(path).or_fail(Code::Bug)?;
        Ok(file.map(|file| Self { numbers: file.figures, doubts: file.doubts }))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = FiguresFile::new(self.numbers.clone(), self.doubts.clone());
        record::write_whole(path, to_json(&file).or_fail(Code::Bug)?.as_bytes()).or_fail(Code::Environment)
    }
}

/// Names of figures are keys of JSON that scripts read.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_several_labs_are_told_apart_and_come_back_as_they_were_kept() {
        let mut lab = Figures::default();
        lab.set("web-server_away_s", 3.000_04);
        lab.set("never_s", f64::NAN);
        lab.doubt("noisy");
        let mut all = Figures::default();
        all.absorb("round-robin", lab);
        assert_eq!(all.get("round-robin_web-server_away_s"), Some(3.0));
        assert_eq!(all.numbers.len(), 1);
        assert_eq!(all.doubts, ["round-robin: noisy"]);
        assert_eq!(all.between("round_robin_", "_away_s"), [("web_server", 3.0)]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("figures.json");
        assert_eq!(Figures::read(&path).unwrap(), None);
        all.write(&path).unwrap();
        assert_eq!(Figures::read(&path).unwrap(), Some(all));
    }
}
