//! Medians with their spread, and each peer's ratio to this project's generator.

use super::Run;

/// The runs of one client.
pub struct Arm {
    /// The client.
    pub name: &'static str,
    /// In the order in which they were made.
    pub runs: Vec<Run>,
    /// System calls per request, where they were counted.
    pub calls: Option<f64>,
}

/// The middle of `values`, and the least and the greatest.
#[must_use]
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    };
    let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
    (median, end(values.first()), end(values.last()))
}

/// A table in Markdown. A ratio is the median over the rounds of ours divided by the peer's of the same round, so that
/// what slows a whole round down does not count.
#[must_use]
pub fn markdown(title: &str, arms: &[Arm]) -> String {
    let mut text = format!(
        "### {title}\n\n| client | requests/s | req/core-s (least to most) | user us/req | kernel us/req | calls/req | ours / theirs |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    let Some(own) = arms.first() else { return text };
    for arm in arms {
        let of = |value: fn(&Run) -> f64| spread(arm.runs.iter().map(value).collect());
        let (per_core, least, most) = of(Run::per_core_second);
        let ratios = own
            .runs
            .iter()
            .zip(&arm.runs)
            .map(|(own, their)| own.per_core_second() / their.per_core_second());
        let (ratio, low, high) = spread(ratios.collect());
        let calls = arm.calls.map_or("-".to_owned(), |calls| format!("{calls:.2}"));
        text.push_str(&format!(
            "| {} | {:.0} | {per_core:.0} ({least:.0} to {most:.0}) | {:.2} | {:.2} | {calls} | {ratio:.2} ({low:.2} to {high:.2}) |\n",
            arm.name,
            of(|run| run.requests / run.wall_s).0,
            of(|run| run.user_s * 1e6 / run.requests).0,
            of(|run| run.system_s * 1e6 / run.requests).0,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_ratios_are_taken_round_by_round() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
        assert_eq!(spread(vec![4.0, 1.0, 2.0, 3.0]).0, 2.5);
        let run = |requests| Run { requests, wall_s: 1.0, user_s: 0.5, system_s: 0.5 };
        let arm = |name, requests: &[f64]| Arm {
            name,
            runs: requests.iter().copied().map(run).collect(),
            calls: None,
        };
        // The second round was slow for both.
        let text = markdown("t", &[arm("own", &[200.0, 20.0, 200.0]), arm("peer", &[100.0, 10.0, 100.0])]);
        assert!(
            text.contains("| own | 200 | 200 (20 to 200) |") && text.ends_with("2.00 (2.00 to 2.00) |\n"),
            "{text}"
        );
    }
}
