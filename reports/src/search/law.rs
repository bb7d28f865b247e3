//! What the scalability law and the knee say. They describe the trials; they never are the ceiling.

use record::derived::CeilingFile;

use super::load;

/// Sentences, none when neither could be fitted.
pub(crate) fn description(file: &CeilingFile) -> Vec<String> {
    let law = file.scalability.as_ref().map(|law| {
        format!(
            "The universal scalability law fitted to {} passing loads has {} requests/s for one request at a time, \
             contention α = {:.4} and coherency β = {:.6}.",
            law.points,
            load(law.gamma_hz),
            law.alpha,
            law.beta
        )
    });
    let knee = file.knee_hz.map(|knee| {
        format!("Latency rises steeply above about {} requests/s (the knee; Kneedle, S = 1).", load(knee))
    });
    [law, knee].into_iter().flatten().collect()
}
