//! A large access log takes little memory. In a process of its own, since a process knows only its own peak.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::io::{BufReader, Read};

use load::read_access_log;

const LINES: u32 = 1_000_000;
const LIMIT: usize = 100 << 20;

/// A million lines, each with a path of its own, which is the worst case; none is kept.
struct Log {
    written: u32,
    line: Vec<u8>,
}

impl Read for Log {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.line.is_empty() && self.written < LINES {
            let (minute, second) = (self.written / 60_000, self.written / 1_000 % 60);
            self.line = format!(
                "1.2.3.4 - - [10/Oct/2026:13:{minute:02}:{second:02} +0000] \
                 \"GET /catalogue/item/{}?page=2 HTTP/1.1\" 200 5 \"-\" \"-\"\n",
                self.written
            )
            .into_bytes();
            self.written += 1;
        }
        let taken = self.line.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.line[..taken]);
        self.line.drain(..taken);
        Ok(taken)
    }
}

#[test]
fn a_million_lines_take_less_than_100_mib() {
    let before = peak_resident();
    let log =
        read_access_log(BufReader::new(Log { written: 0, line: Vec::new() }), "access.log", 1.0).unwrap();
    assert_eq!((log.replay.len(), log.replay.targets()), (1_000_000, 1_000_000));
    let taken = peak_resident() - before;
    assert!(taken < LIMIT, "{} MiB", taken >> 20);
    eprintln!("{} MiB", taken >> 20);
}

/// In bytes.
fn peak_resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}
