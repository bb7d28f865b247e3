//! Which way the answers took.

/// Values of the field, with how many answers had each.
pub(crate) type WayCounts = Vec<(Box<[u8]>, u64)>;

/// Answers by the value of a header field, `X-Served-By` as a rule.
#[derive(Debug)]
pub(crate) struct Ways {
    /// In lower case.
    field: Box<[u8]>,
    counts: WayCounts,
}

impl Default for Ways {
    fn default() -> Self {
        Self::new("x-served-by")
    }
}

impl Ways {
    /// More different values than this are not kept: they would be ids, not servers.
    const LIMIT: usize = 64;

    /// By the field `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self { field: name.to_ascii_lowercase().into_bytes().into(), counts: Vec::new() }
    }

    /// Whether the field `name`, in lower case, tells the way.
    pub(crate) fn is_way(&self, name: &[u8]) -> bool {
        *name == *self.field
    }

    /// Counts an answer. Allocates for a value that was not seen before, and never more than the limit.
    pub(crate) fn add(&mut self, way: &[u8]) {
        if way.is_empty() {
            return;
        }
        match self.counts.iter().position(|(known, _)| **known == *way) {
            Some(index) => self.counts[index].1 += 1,
            None if self.counts.len() < Self::LIMIT => self.counts.push((way.into(), 1)),
            None => {}
        }
    }

    pub(crate) fn counts(&self) -> &[(Box<[u8]>, u64)] {
        &self.counts
    }

    pub(crate) fn into_counts(self) -> impl Iterator<Item = (String, u64)> {
        self.counts.into_iter().map(|(way, count)| (String::from_utf8_lossy(&way).into_owned(), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn ways_are_counted_and_their_number_is_bounded() {
        let mut ways = Ways::default();
        for _ in 0..2 {
            (0..1000u32).for_each(|id| ways.add(format!("server{id}").as_bytes()));
        }
        ways.add(b"");
        let counts: BTreeMap<String, u64> = ways.into_counts().collect();
        assert_eq!((counts.len(), counts["server0"], counts.get("server64")), (Ways::LIMIT, 2, None));
    }
}
