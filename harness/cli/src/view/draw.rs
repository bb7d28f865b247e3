//! Draws a state: a pure function to a buffer of cells.

use std::time::Duration;

use load::Kind;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::{Block, Widget};

use super::charts;
use super::state::State;

/// A terminal with less than this shows the numbers alone.
const LEAST_WIDTH: u16 = 60;
const LEAST_HEIGHT: u16 = 18;
/// Height of the panel of numbers.
const NUMBERS: u16 = 9;

pub(super) const FAINT: Style = Style::new().fg(Color::DarkGray);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const GOOD: Style = Style::new().fg(Color::Cyan);
pub(super) const BAD: Style = Style::new().fg(Color::Red);

/// Draws one frame.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    let line = Rect { height: 1, ..area };
    head(state, line, buffer);
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    if area.width < LEAST_WIDTH || area.height < LEAST_HEIGHT {
        lines(&rate_lines(state), rest, buffer);
    } else {
        panels(state, rest, buffer);
    }
    foot(state, Rect { y: area.bottom().saturating_sub(1), ..line }, buffer);
}

fn panels(state: &State, area: Rect, buffer: &mut Buffer) {
    let rates = if area.height > 30 { 10 } else { 6 };
    let rows = Layout::vertical([Constraint::Length(rates), Constraint::Min(5), Constraint::Length(NUMBERS)]);
    let [rate, heat, numbers] = rows.areas(area);
    let title = format!(
        "rate  offered {}  throughput {}  goodput {}",
        hertz(state.now.offered_hz),
        hertz(state.now.throughput_hz),
        hertz(state.now.goodput_hz)
    );
    charts::rates(state, framed(&title, rate, buffer), buffer);
    charts::heat(state, framed("", heat, buffer), buffer, heat);
    let columns = Layout::horizontal([Constraint::Fill(5), Constraint::Fill(4), Constraint::Fill(4)]);
    let [left, middle, right] = columns.areas(numbers);
    lines(&latency_lines(state), framed("latency and generator", left, buffer), buffer);
    lines(&outcome_lines(state), framed("requests", middle, buffer), buffer);
    let (name, told) = share_lines(state);
    lines(&told, framed(name, right, buffer), buffer);
}

/// A frame with a title; returns what is inside.
fn framed(title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let block = Block::bordered().border_set(border::ROUNDED).border_style(FAINT).title_style(BOLD);
    let block = block.title(format!(" {title} "));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Lines of a name and a value; what has no room is left out.
fn lines(lines: &[(String, String, Style)], area: Rect, buffer: &mut Buffer) {
    for ((name, value, style), y) in lines.iter().zip(area.top()..area.bottom()) {
        let width = usize::from(area.width);
        buffer.set_stringn(area.x, y, name, width, Style::new());
        let taken = value.chars().count().min(width);
        let x = area.right() - u16::try_from(taken).unwrap_or(area.width);
        buffer.set_stringn(x, y, value, taken, *style);
    }
}

fn head(state: &State, area: Rect, buffer: &mut Buffer) {
    let clock = format!(" {} of {}", seconds(state.elapsed), seconds(state.length));
    let width = usize::from(area.width);
    let label_width = state.label.chars().count() + 1;
    let bar = width.saturating_sub(clock.chars().count() + label_width);
    let share = state.elapsed.as_secs_f64() / state.length.as_secs_f64().max(1e-9);
    let done = charts::whole(share.clamp(0.0, 1.0) * bar as f64).min(bar);
    let (x, _) = buffer.set_stringn(area.x, area.y, &state.label, width, BOLD);
    if bar >= 8 {
        let (x, _) = buffer.set_stringn(x + 1, area.y, "━".repeat(done), width, GOOD);
        buffer.set_stringn(x, area.y, "─".repeat(bar - done), width, FAINT);
    }
    let x = area.right().saturating_sub(u16::try_from(clock.chars().count()).unwrap_or(area.width));
    buffer.set_stringn(x, area.y, &clock, width, Style::new());
}

fn foot(state: &State, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let (text, style) = if state.ending {
        ("ending: waiting for what is on its way".to_owned(), BOLD)
    } else if !state.faults.is_empty() {
        (format!("in force: {}", state.faults.join(", ")), BAD)
    } else if let Some(last) = state.said.back() {
        (last.clone(), Style::new())
    } else {
        ("q ends the run and prints what there is".to_owned(), FAINT)
    };
    buffer.set_stringn(area.x, area.y, text, width, style);
}

fn plain(name: &str, value: String) -> (String, String, Style) {
    (name.to_owned(), value, Style::new())
}

fn rate_lines(state: &State) -> Vec<(String, String, Style)> {
    let now = &state.now;
    let rates = [
        plain("offered", hertz(now.offered_hz)),
        plain("throughput", hertz(now.throughput_hz)),
        plain("goodput", hertz(now.goodput_hz)),
        plain("p50", micros(now.p50_us)),
        plain("p99", micros(now.p99_us)),
        ("failed".to_owned(), count(now.failed), if now.failed > 0 { BAD } else { Style::new() }),
    ];
    // Where there is little room, what takes the meaning from the other lines comes first.
    let limited = now.generator_limited.then(|| generator_line(state));
    limited.into_iter().chain(rates).collect()
}

fn latency_lines(state: &State) -> Vec<(String, String, Style)> {
    let mut told = vec![("".to_owned(), format!("{:>9} {:>9}", "last 1 s", "whole"), FAINT)];
    let now = &state.now;
    let whole = state.latency_us;
    let at = |index: usize| whole.map_or("-".to_owned(), |all| micros(all[index] as f64));
    for (name, last, whole) in [
        ("p50", micros(now.p50_us), at(0)),
        ("p99", micros(now.p99_us), at(2)),
        ("p99.9", "-".to_owned(), at(3)),
        ("max", micros(now.max_us), at(4)),
    ] {
        told.push(plain(name, format!("{last:>9} {whole:>9}")));
    }
    told.push(plain("send lag, longest", micros(now.send_lag_us)));
    told.push(generator_line(state));
    told
}

/// The generator's CPU, and that its figures are not the target's when they are not.
fn generator_line(state: &State) -> (String, String, Style) {
    let cpu = format!("{:.0} %", state.cpu * 100.0);
    if state.now.generator_limited {
        ("generator-limited, CPU".to_owned(), cpu, BAD)
    } else {
        plain("CPU", cpu)
    }
}

fn outcome_lines(state: &State) -> Vec<(String, String, Style)> {
    let mut told = vec![plain("due", count(state.now.due))];
    for (kind, number) in Kind::ALL.into_iter().zip(state.total) {
        let style = if kind == Kind::Good { GOOD } else { BAD };
        if number > 0 || kind == Kind::Good {
            told.push((kind_word(kind).to_owned(), count(number), style));
        }
    }
    told
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Answered => "answered with error",
        Kind::TimedOut => "timed out",
        Kind::Tls => "TLS failed",
        Kind::NoPort => "no local port",
        other => other.as_str(),
    }
}

/// Backends where answers name them, or else requests.
fn share_lines(state: &State) -> (&'static str, Vec<(String, String, Style)>) {
    let of_all = |number: u64, all: u64| format!("{} {:>5.1} %", count(number), percent(number, all));
    if state.backends.is_empty() {
        let told = state.requests.iter().map(|(name, tally)| {
            let settled: u64 = tally.iter().sum();
            let good = tally[Kind::Good as usize];
            let style = if good < settled { BAD } else { Style::new() };
            (name.clone(), format!("{} {:>5.1} % good", count(settled), percent(good, settled)), style)
        });
        return ("by request", told.collect());
    }
    let all: u64 = state.backends.iter().map(|(_, number)| number).sum();
    let mut told: Vec<_> =
        state.backends.iter().map(|(name, number)| plain(name, of_all(*number, all))).collect();
    let room = usize::from(NUMBERS) - 2;
    if told.len() > room {
        let more = told.len() - room + 1;
        told.truncate(room - 1);
        told.push((format!("and {more} more"), String::new(), FAINT));
    }
    ("by backend", told)
}

fn percent(part: u64, all: u64) -> f64 {
    part as f64 * 100.0 / all.max(1) as f64
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{}:{:02} min", whole / 60, whole % 60)
    }
}

fn hertz(rate: f64) -> String {
    match rate {
        1e6.. => format!("{:.2}M/s", rate / 1e6),
        1e4.. => format!("{:.1}k/s", rate / 1e3),
        _ => format!("{rate:.0}/s"),
    }
}

pub(super) fn micros(us: f64) -> String {
    match us {
        1e6.. => format!("{:.2} s", us / 1e6),
        1e4.. => format!("{:.0} ms", us / 1e3),
        1e3.. => format!("{:.1} ms", us / 1e3),
        _ => format!("{us:.0} µs"),
    }
}

fn count(number: u64) -> String {
    number.to_string()
}
