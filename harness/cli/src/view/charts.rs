//! The charts: rates over time, and how long answers took.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::draw::{BAD, BOLD, FAINT, GOOD, micros};
use super::state::{BUCKETS, Column, State, bucket_top_us};

/// Room at the left for the labels of an axis.
const AXIS: u16 = 8;
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// From few to many, readable without colour too.
const HEAT: [(&str, Color); 5] = [
    ("░", Color::Indexed(24)),
    ("▒", Color::Indexed(30)),
    ("▓", Color::Indexed(36)),
    ("█", Color::Indexed(42)),
    ("█", Color::Indexed(220)),
];

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
pub(super) fn whole(value: f64) -> usize {
    value.round().clamp(0.0, 1e9) as usize
}

fn cells(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// The newest columns that fit, with the x of the first.
fn visible(state: &State, area: Rect) -> impl Iterator<Item = (u16, &Column)> {
    let room = usize::from(area.width.saturating_sub(AXIS));
    let skip = state.columns.len().saturating_sub(room);
    state.columns.iter().skip(skip).zip(area.x + AXIS..).map(|(column, x)| (x, column))
}

/// Goodput as bars, with what was offered and not good above it, and the offered load as a mark.
pub(super) fn rates(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width <= AXIS || area.height == 0 {
        return;
    }
    let highest = visible(state, area)
        .map(|(_, column)| column.offered_hz.max(column.throughput_hz))
        .fold(1.0, f64::max);
    // The top stays where it is while rates jitter.
    let top = highest * 1.1;
    let label = |y: u16, text: String, buffer: &mut Buffer| {
        buffer.set_stringn(area.x, y, format!("{text:>7}"), usize::from(AXIS), FAINT);
    };
    label(area.top(), format!("{top:.0}"), buffer);
    label(area.bottom() - 1, "0".to_owned(), buffer);
    let eighths = f64::from(area.height) * 8.0;
    for (x, column) in visible(state, area) {
        let height = |hz: f64| whole(hz / top * eighths);
        let (good, answered, offered) =
            (height(column.goodput_hz), height(column.throughput_hz), height(column.offered_hz));
        for row in 0..usize::from(area.height) {
            let y = area.bottom() - 1 - cells(row);
            let filled = |level: usize| level.saturating_sub(row * 8).min(8);
            let (level, style) = match (filled(good), filled(answered)) {
                (0, answered) if answered > 0 => (answered, BAD),
                (good, _) => (good, GOOD),
            };
            if level > 0 {
                buffer.set_string(x, y, EIGHTHS[level], style);
            } else if offered > row * 8 && offered <= (row + 1) * 8 {
                buffer.set_string(x, y, "·", BOLD);
            }
        }
    }
}

/// How long answers took: time to the right, latency upwards on a logarithmic axis, count as strength.
pub(super) fn heat(state: &State, area: Rect, buffer: &mut Buffer, frame: Rect) {
    let step = state.step.as_secs_f64();
    let title = format!(
        " latency  p50 {}, p99 {}; a column is {step} s ",
        micros(state.now.p50_us),
        micros(state.now.p99_us)
    );
    buffer.set_stringn(frame.x + 1, frame.y, &title, usize::from(frame.width.saturating_sub(2)), BOLD);
    let used = |bucket: &usize| state.columns.iter().any(|column| column.latency[*bucket] > 0);
    let (Some(low), Some(high)) = ((0..BUCKETS).find(used), (0..BUCKETS).rev().find(used)) else {
        buffer.set_stringn(
            area.x + AXIS,
            area.y,
            "no answer yet",
            usize::from(area.width.saturating_sub(AXIS)),
            FAINT,
        );
        return;
    };
    let room = usize::from(area.height);
    if area.width <= AXIS || room == 0 {
        return;
    }
    // Where there is no room for each, neighbours share a row.
    let each = (high + 1 - low).div_ceil(room);
    let rows = (high + 1 - low).div_ceil(each);
    let count_at = |column: &Column, row: usize| {
        let from = low + row * each;
        column.latency[from..(from + each).min(BUCKETS)].iter().sum::<u64>()
    };
    let most = visible(state, area)
        .flat_map(|(_, column)| (0..rows).map(|row| count_at(column, row)).collect::<Vec<_>>())
        .max()
        .unwrap_or(1)
        .max(1);
    for row in 0..rows {
        let y = area.bottom() - 1 - cells(row);
        let label = micros(bucket_top_us((low + (row + 1) * each - 1).min(BUCKETS - 1)));
        buffer.set_stringn(area.x, y, format!("{label:>7}"), usize::from(AXIS), FAINT);
        for (x, column) in visible(state, area) {
            let count = count_at(column, row);
            if count > 0 {
                // By the root: a few slow answers must be seen beside thousands of fast ones.
                let share = (count as f64 / most as f64).sqrt();
                let (symbol, colour) = HEAT[whole(share * HEAT.len() as f64).clamp(1, HEAT.len()) - 1];
                buffer.set_string(x, y, symbol, Style::new().fg(colour));
            }
        }
    }
}
