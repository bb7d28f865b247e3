//! Which way the answers took.

/// Answers by the value of `X-Served-By`.
#[derive(Debug, Default)]
pub(crate) struct Ways(Vec<(Box<[u8]>, u64)>);

impl Ways {
    /// More different values than this are not kept: they would be ids, not servers.
    const LIMIT: usize = 64;

    /// Counts an answer. Allocates for a value that was not seen before, and never more than the limit.
    pub(crate) fn add(&mut self, way: &[u8]) {
        if way.is_empty() {
            return;
        }
        match self.0.iter().position(|(known, _)| **known == *way) {
            Some(index) => self.0[index].1 += 1,
            None if self.0.len() < Self::LIMIT => self.0.push((way.into(), 1)),
            None => {}
        }
    }

    pub(crate) fn into_counts(self) -> impl Iterator<Item = (String, u64)> {
        self.0.into_iter().map(|(way, count)| (String::from_utf8_lossy(&way).into_owned(), count))
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
