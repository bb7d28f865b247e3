//! How evenly answers were spread over backends.

use std::collections::BTreeMap;

use record::derived::ImbalanceFile;

/// The spread of `served_by`; `None` with fewer than two backends.
///
/// The Gini coefficient is that of Corrado Gini (1912): `sum((2 i - n - 1) x_i) / (n sum(x))` over the counts in rising
/// order.
pub(crate) fn imbalance(served_by: &BTreeMap<String, u64>) -> Option<ImbalanceFile> {
    let mut counts: Vec<u64> = served_by.values().copied().collect();
    counts.sort_unstable();
    let (backends, total) = (counts.len(), counts.iter().sum::<u64>() as f64);
    if backends < 2 || total <= 0.0 {
        return None;
    }
    let n = backends as f64;
    let weighted: f64 = counts
        .iter()
        .enumerate()
        .map(|(index, count)| (2.0 * (index as f64 + 1.0) - n - 1.0) * *count as f64)
        .sum();
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let (least, most) = (counts[0] as f64 / total, counts[backends - 1] as f64 / total);
    Some(ImbalanceFile {
        backends,
        share_min: round(least),
        share_mean: round(1.0 / n),
        share_max: round(most),
        max_to_mean: round(most * n),
        gini: round(weighted / (n * total)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[u64]) -> Option<ImbalanceFile> {
        imbalance(&counts.iter().enumerate().map(|(index, count)| (format!("s{index}"), *count)).collect())
    }

    #[test]
    fn an_even_spread_has_no_imbalance_and_one_backend_has_none_at_all() {
        let even = of(&[50, 50]).unwrap();
        assert_eq!((even.share_min, even.share_max, even.max_to_mean, even.gini), (0.5, 0.5, 1.0, 0.0));
        assert_eq!(of(&[50]), None);
        assert_eq!(of(&[0, 0]), None);
    }

    #[test]
    fn an_uneven_spread_is_told_by_the_share_of_the_busiest_and_by_gini() {
        let uneven = of(&[10, 30]).unwrap();
        assert_eq!(
            (uneven.share_min, uneven.share_max, uneven.max_to_mean, uneven.gini),
            (0.25, 0.75, 1.5, 0.25)
        );
        assert_eq!(of(&[0, 0, 0, 8]).unwrap().gini, 0.75);
    }
}
