//! The universal scalability law, fitted to the trials that passed.

use record::derived::{ScalabilityFile, TrialFile};

use super::knee::by_load;

/// Loads below which three coefficients describe nothing.
const FEWEST: usize = 6;

/// The law fitted to the passing trials, one point a load, by least squares of the mean latency's relative error. The
/// number of requests on their way is N = X R (Little), so the law is linear: R = (1 + alpha (N - 1) + beta N (N - 1)) /
/// gamma. No coefficient is negative. `None` with fewer than six loads. Above saturation there is no equilibrium, so
/// failing trials say nothing here.
#[must_use]
pub fn scalability(trials: &[TrialFile]) -> Option<ScalabilityFile> {
    let mean = |trial: &TrialFile| trial.latency_us.as_ref().map(|latency| latency.mean / 1e6);
    let passing: Vec<TrialFile> = trials.iter().filter(|trial| trial.verdict == "pass").cloned().collect();
    let points: Vec<(f64, f64)> = by_load(&passing, &mean)
        .into_iter()
        .filter(|(rate_hz, latency_s)| *rate_hz > 0.0 && *latency_s > 0.0)
        .map(|(rate_hz, latency_s)| (rate_hz * latency_s, latency_s))
        .collect();
    if points.len() < FEWEST {
        return None;
    }
    let terms = |n: f64| [1.0, n - 1.0, n * (n - 1.0)];
    // Each choice of terms, and of those without a negative coefficient the one that fits best.
    let fitted = [&[0][..], &[0, 1], &[0, 2], &[0, 1, 2]].into_iter().filter_map(|chosen| {
        let rows = points
            .iter()
            .map(|(n, latency)| chosen.iter().map(|term| terms(*n)[*term] / latency).collect::<Vec<f64>>());
        let rows: Vec<Vec<f64>> = rows.collect();
        let found = least_squares(&rows)?;
        let mut all = [0.0; 3];
        chosen.iter().zip(&found).for_each(|(term, value)| all[*term] = *value);
        let residual = |row: &Vec<f64>| {
            let fit: f64 = row.iter().zip(&found).map(|(x, c)| x * c).sum();
            (fit - 1.0).powi(2)
        };
        let error: f64 = rows.iter().map(residual).sum();
        (all[0] > 0.0 && all.iter().all(|value| *value >= 0.0)).then_some((error, all))
    });
    let (_, [base, contention, coherency]) = fitted.min_by(|left, right| left.0.total_cmp(&right.0))?;
    let digits = |value: f64| format!("{value:.4e}").parse().unwrap_or(value);
    Some(ScalabilityFile {
        gamma_hz: digits(1.0 / base),
        alpha: digits(contention / base),
        beta: digits(coherency / base),
        points: points.len(),
    })
}

/// Coefficients that bring the sum of each row nearest to 1, by the normal equations; `None` when they have no single
/// solution.
fn least_squares(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let n = rows.first()?.len();
    let sum = |of: &dyn Fn(&Vec<f64>) -> f64| rows.iter().map(of).sum::<f64>();
    let mut matrix: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let mut line: Vec<f64> = (0..n).map(|j| sum(&|row| row[i] * row[j])).collect();
            line.push(sum(&|row| row[i]));
            line
        })
        .collect();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        matrix.swap(column, pivot);
        let top = matrix[column].clone();
        if top[column].abs() < 1e-12 || !top[column].is_finite() {
            return None;
        }
        for line in matrix.iter_mut().enumerate().filter(|(index, _)| *index != column).map(|(_, line)| line)
        {
            let factor = line[column] / top[column];
            line.iter_mut().zip(&top).for_each(|(value, above)| *value -= factor * above);
        }
    }
    Some((0..n).map(|index| matrix[index][n] / matrix[index][index]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::knee::tests::trial;

    #[test]
    fn a_target_that_follows_the_law_gives_its_coefficients_back() {
        let (gamma, alpha, beta) = (500.0, 0.05, 0.002);
        let at = |n: f64| {
            let rate_hz = gamma * n / (1.0 + alpha * (n - 1.0) + beta * n * (n - 1.0));
            trial(rate_hz, "pass", n / rate_hz * 1e6)
        };
        let trials: Vec<TrialFile> = [0.5, 1.0, 2.0, 4.0, 8.0, 12.0].map(at).to_vec();
        let fitted = scalability(&trials).unwrap();
        for (found, expected) in [(fitted.gamma_hz, gamma), (fitted.alpha, alpha), (fitted.beta, beta)] {
            assert!((found / expected - 1.0).abs() < 0.01, "{fitted:?}");
        }
        assert_eq!(fitted.points, 6);
    }

    #[test]
    fn too_few_loads_and_loads_that_failed_describe_nothing() {
        let five: Vec<TrialFile> = (1..=5).map(|n| trial(f64::from(n), "pass", 1e3)).collect();
        assert_eq!(scalability(&five), None);
        let failed: Vec<TrialFile> = (1..=9).map(|n| trial(f64::from(n), "fail", 1e3)).collect();
        assert_eq!(scalability(&failed), None);
    }
}
