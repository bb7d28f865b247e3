use std::fmt::Write;

use model::Histogram;

/// Steps for each halving of what is left to 100 %, as HdrHistogram's own tools take.
const STEPS: u32 = 5;
/// Values of a bucket that are told apart, at 3 significant digits.
const SUB_BUCKETS: u32 = 2048;

/// `histogram`, of microseconds, as the text that HdrHistogram's plotter reads (`.hgrm`, the output of
/// `outputPercentileDistribution` of HdrHistogram's Java implementation). Values are in milliseconds. A
/// comment at its end says so where the generator was the limit.
#[must_use]
pub fn hgrm(histogram: &Histogram, generator_limited: bool) -> String {
    let ms = |us: f64| us / 1e3;
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let line = |written: std::fmt::Result| {
        if written.is_err() {
            unreachable!("writing to a string cannot fail");
        }
    };
    let mut total = 0;
    for step in histogram.iter_quantiles(STEPS) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (ms(step.value_iterated_to() as f64), step.quantile_iterated_to());
        line(write!(text, "{value:>12.3} {quantile:>14.12} {total:>10}"));
        // The last one has no inverse.
        if quantile < 1.0 {
            line(write!(text, " {:>14.2}", 1.0 / (1.0 - quantile)));
        }
        text.push('\n');
    }
    let (mean, deviation) = (ms(histogram.mean()), ms(histogram.stdev()));
    line(writeln!(text, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]"));
    let (most, count) = (ms(histogram.max() as f64), histogram.len());
    line(writeln!(text, "#[Max     = {most:>12.3}, Total count    = {count:>12}]"));
    let buckets = histogram.buckets();
    line(writeln!(text, "#[Buckets = {buckets:>12}, SubBuckets     = {SUB_BUCKETS:>12}]"));
    if generator_limited {
        text.push_str("#[generator-limited: these are the generator's times and not the target's]\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plotter_finds_values_quantiles_and_counts() {
        let mut histogram = model::new_histogram();
        (1..=1000u64).for_each(|ms| histogram.record(ms * 1000).unwrap());
        let text = hgrm(&histogram, false);
        assert!(!text.contains("limited") && hgrm(&histogram, true).contains("#[generator-limited"));
        let rows: Vec<Vec<f64>> = (text.lines().skip(2).filter(|line| !line.starts_with('#')))
            .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
            .collect();
        assert!(text.starts_with("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"), "{text}");
        assert!(rows.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2]));
        let half = rows.iter().find(|row| row[1] >= 0.5).unwrap();
        assert!((half[0] - 500.0).abs() < 1.0 && (half[2] - 500.0).abs() < 1.0, "{half:?}");
        let last = rows.last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 1000.0));
        assert!(text.contains("Total count    =         1000]"), "{text}");
    }
}
