//! Frames as they are drawn, at three sizes.

use std::path::PathBuf;
use std::time::Duration;

use load::{Detail, Snapshot};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyEvent;

use super::state::State;
use super::*;

/// A load in its thirtieth second: a stall of 3 s was seen, and one of two backends fails now and then.
fn state() -> State {
    let mut state = State {
        label: "shop.example".to_owned(),
        length: Duration::from_secs(60),
        step: Duration::from_millis(500),
        ..State::default()
    };
    let names = ["read".to_owned(), "write".to_owned()];
    let mut detail = Detail { by_request: vec![[0; 10]; 2], ..Detail::default() };
    for column in 0..60u64 {
        let stalled = (30..36).contains(&column);
        let latency = if stalled { 900_000 } else { 2_000 + column * 40 };
        detail.latency.record_n(latency, 450).unwrap();
        detail.latency.record_n(latency * 4, 50).unwrap();
        detail.by_request[0][0] += 400;
        detail.by_request[1][0] += if stalled { 0 } else { 100 };
        detail.by_request[1][2] += if stalled { 100 } else { 0 };
        let now = Snapshot {
            due: (column + 1) * 500,
            offered_hz: 1_000.0,
            throughput_hz: if stalled { 850.0 } else { 1_000.0 },
            goodput_hz: if stalled { 800.0 } else { 1_000.0 },
            p50_us: 4_000.0,
            p99_us: 17_000.0,
            max_us: 21_000.0,
            send_lag_us: 85.0,
            ..Snapshot::default()
        };
        state.update(Duration::from_millis(500) * (column as u32 + 1), now, &detail, &names);
        state.close_column(&detail);
    }
    detail.backends = vec![("web1".to_owned(), 20_000), ("web2".to_owned(), 9_000)];
    let (elapsed, now) = (state.elapsed, state.now);
    state.update(elapsed, now, &detail, &names);
    state.cpu = 0.123;
    state
}

fn frame(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(state, frame.area(), frame.buffer_mut())).unwrap();
    let lines = terminal.backend().to_string();
    // Each line stands in quotes; what is right of the text does not matter.
    lines.lines().map(|line| line.trim_matches('"').trim_end().to_owned() + "\n").collect()
}

fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs; look at it, then bless it with BROWNOUT_BLESS=1\n{found}");
}

#[test]
fn frames_are_drawn_as_they_were_looked_at() {
    let mut state = state();
    golden("view-80x24.txt", &frame(&state, 80, 24));
    golden("view-140x40.txt", &frame(&state, 140, 40));
    golden("view-30x8.txt", &frame(&state, 30, 8));
    state.faults = vec!["kill-database".to_owned()];
    state.backends.clear();
    golden("view-fault-80x24.txt", &frame(&state, 80, 24));
}

#[test]
fn figures_that_are_the_generators_own_are_called_so() {
    let mut state = state();
    state.now.generator_limited = true;
    for (width, height) in [(80, 24), (140, 40), (30, 8)] {
        assert!(frame(&state, width, height).contains("generator-limited"), "{width}x{height}");
    }
}

#[test]
fn every_size_can_be_drawn_with_and_without_data() {
    for state in [State::default(), state()] {
        for width in [1, 2, 7, 8, 9, 20, 59, 60, 61, 79, 200] {
            for height in [1, 2, 3, 5, 17, 18, 19, 23, 60] {
                frame(&state, width, height);
            }
        }
    }
}

#[test]
fn q_and_ctrl_c_ask_to_end_and_other_keys_do_not() {
    let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
    assert!(asks_to_end(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
    assert!(asks_to_end(&key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    assert!(!asks_to_end(&key(KeyCode::Char('c'), KeyModifiers::NONE)));
    assert!(!asks_to_end(&key(KeyCode::Enter, KeyModifiers::NONE)));
    assert!(!asks_to_end(&Event::Resize(80, 24)));
}
