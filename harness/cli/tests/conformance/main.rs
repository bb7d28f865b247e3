//! What a load generator must get right, tried on the program itself: each check has a known answer and a stated
//! tolerance. `docs/conformance.md` has them all, and how to try another tool.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "tests say what they expect by unwrapping it, and their counts are small"
)]

mod answers;
mod attempts;
mod ports;
mod quantiles;
mod saturation;
mod schedule;
mod stall;
mod throttle;
mod tool;
