//! Whatever comes in: nothing that reads other people's bytes panics, and how the bytes are cut makes no difference.
//!
//! Inputs are those of tests/corpus with pieces taken out, doubled, swapped and replaced by words that mean something. A
//! few hundred are tried with every run of the tests; for longer ones see CONTRIBUTING.md. What fails is kept beside this
//! file and tried first ever after; put the input into the corpus too.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::io::{BufReader, ErrorKind};
use std::path::Path;

use load::{CodecEvent, Malformed, ResponseParser, Surroundings, parse_scenario, read_access_log};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// The files of a corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// One change: its kind, where, how much, which word.
type Change = (u8, prop::sample::Index, prop::sample::Index, prop::sample::Index);

fn change(input: &mut Vec<u8>, (kind, at, length, word): &Change, others: &[Vec<u8>], words: &[&[u8]]) {
    if input.is_empty() {
        input.extend_from_slice(others[word.index(others.len())].as_slice());
    }
    let from = at.index(input.len());
    let to = from + 1 + length.index((input.len() - from).min(64));
    match kind {
        0 => drop(input.drain(from..to)),
        1 => {
            let piece = input[from..to].to_vec();
            input.splice(from..from, piece);
        }
        2 => drop(input.splice(from..from, words[word.index(words.len())].iter().copied())),
        3 => drop(input.splice(from..to, words[word.index(words.len())].iter().copied())),
        4 => input[from] = u8::try_from(word.index(256)).unwrap(),
        5 => {
            let other = &others[word.index(others.len())];
            input.extend_from_slice(&other[length.index(other.len())..]);
        }
        _ => input.truncate(to),
    }
}

/// Inputs made from a corpus.
fn inputs(name: &str, words: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let corpus = corpus(name);
    let change_of =
        (0u8..7, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (prop::sample::select(corpus.clone()), prop::collection::vec(change_of, 0..8)).prop_map(
        move |(mut input, changes)| {
            changes.iter().for_each(|made| change(&mut input, made, &corpus, words));
            input
        },
    )
}

const OF_RESPONSES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b":",
    b",",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"-1",
    b"+5",
    b"18446744073709551616",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 101 X\r\n\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Connection: close\r\n",
    b"\r\n\r\n",
    b" \t",
];
const OF_SCENARIOS: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{{id}}",
    b"{{random 9 1}}",
    b"{{users.name}}",
    b"\"",
    b"'''",
    b"[[",
    b"]]",
    b"\n",
    b"=",
    b"-1",
    b"nan",
    b"1e999",
    b"[[request]]\n",
    b"[[session.step]]\n",
    b"[auth]\n",
    b"bearer = {}\n",
    b"think = \"1s\"\n",
    b"\\u0000",
    b"\xff",
    b"/",
];
const OF_LOGS: &[&[u8]] = &[
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\x",
    b"\\xZZ",
    b"\n",
    b"\r\n",
    b"/",
    b"GET ",
    b"99",
    b"-0000",
    b"Feb",
    b"HTTP/1.1",
    b"\xff",
    b"\0",
    b"[31/Dec/9999:23:59:60 -9999]",
    b"[01/Jan/0000:00:00:00 +0000]",
];

/// The status and whether the connection may serve another request, when the response is complete; else the status that
/// it has if the connection closes now.
type End = (Option<(u16, bool)>, Option<u16>);

/// What a response comes to when it is read in these pieces: its end, or what it ends as when the connection closes now.
fn read_in<'a>(
    parser: &mut ResponseParser,
    pieces: impl Iterator<Item = &'a [u8]>,
    to_head: bool,
) -> Result<End, Malformed> {
    parser.begin(to_head);
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if let CodecEvent::Complete { status, reusable } = parser.read(piece)? {
            // Bytes that nobody asked for make it unfit, whether they come along or later.
            return Ok((Some((status, reusable && pieces.peek().is_none())), None));
        }
    }
    Ok((None, parser.closed()))
}

/// Proptest's own settings, which PROPTEST_CASES changes, and failures kept beside this file.
fn settings() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_response_is_the_same_however_its_bytes_are_cut(
        input in inputs("response", OF_RESPONSES), cut in any::<prop::sample::Index>(), to_head in any::<bool>(),
    ) {
        let mut parser = ResponseParser::default();
        let whole = read_in(&mut parser, std::iter::once(&input[..]), to_head);
        let again = read_in(&mut parser, std::iter::once(&input[..]), to_head);
        prop_assert_eq!(whole, again, "after another response on the same connection");
        let mut fresh = ResponseParser::default();
        prop_assert_eq!(whole, read_in(&mut fresh, input.chunks(1), to_head), "byte by byte");
        let (first, second) = input.split_at(cut.index(input.len() + 1));
        let halves = [first, second].into_iter().filter(|half| !half.is_empty());
        prop_assert_eq!(whole, read_in(&mut fresh, halves, to_head), "cut at {}", first.len());
    }

    #[test]
    fn a_scenario_is_read_or_refused_with_a_line_of_its_own(input in inputs("scenario", OF_SCENARIOS)) {
        let surroundings = Surroundings {
            read: Box::new(|name| match name {
                "users.csv" => Ok(b"name,age\nann,7\n".to_vec()),
                "token.txt" => Ok(b"s3cr3t".to_vec()),
                "body.txt" => Ok(b"{{uuid}}".to_vec()),
                _ => Err(ErrorKind::NotFound.into()),
            }),
            variable: Box::new(|name| (name == "SECRET").then(|| "hunter2".to_owned())),
        };
        let text = String::from_utf8_lossy(&input);
        match parse_scenario(&text, "s.toml", &surroundings) {
            Ok(scenario) => {
                prop_assert!(!scenario.requests.is_empty());
                let printed = format!("{scenario:?}");
                prop_assert!(!printed.contains("hunter2") && !printed.contains("s3cr3t"));
                // What is sent fits its place on the request line.
                prop_assert!(scenario.requests.iter().all(|request| request.path.to_string().starts_with('/')));
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1, "{error}");
                prop_assert!(!error.message.is_empty() && !error.message.contains("hunter2"));
            }
        }
    }

    #[test]
    fn an_access_log_is_the_same_however_it_is_read(input in inputs("access_log", OF_LOGS)) {
        let whole = read_access_log(&input[..], "a.log", 1.0);
        let bytes = read_access_log(BufReader::with_capacity(1, &input[..]), "a.log", 1.0);
        let (log, other) = match (whole, bytes) {
            (Ok(log), Ok(other)) => (log, other),
            (Err(one), Err(other)) => {
                prop_assert_eq!(one.to_string(), other.to_string());
                return Ok(());
            }
            (one, other) => return Err(TestCaseError::fail(format!("{one:?} and {other:?}"))),
        };
        prop_assert_eq!(&log.notes, &other.notes);
        prop_assert_eq!(&*log.replay, &*other.replay);
        prop_assert!(log.replay.len() <= input.iter().filter(|byte| **byte == b'\n').count() + 1);
        let due: Vec<_> = (0..log.replay.len()).map(|number| log.replay.due(number)).collect();
        prop_assert!(due.is_sorted() && due.iter().all(|due| *due < log.replay.length()));
        for number in 0..log.replay.len() {
            let target = log.replay.describe(log.replay.target_of(number));
            prop_assert!(target.path.starts_with('/') && target.path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(target.request < log.scenario.requests.len());
        }
    }
}
