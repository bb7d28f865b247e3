use std::time::Duration;

use model::{Method, Plan, Request, Scenario, Schedule, Seed, Template, Transport};

use super::*;
use crate::answer::Answer;

const OK: &[u8] = &[0x88];

fn fields(path: &str) -> Arc<Fields> {
    let request = Request {
        name: "r".into(),
        weight: 1.0,
        method: Method::Post,
        path: Template::parse(path).unwrap(),
        headers: vec![("X-A".into(), Template::fixed("b"))],
        ..Request::default()
    };
    let plan = Plan {
        name: "t".into(),
        seed: Seed(1),
        base_url: String::new(),
        scenario: Scenario { requests: vec![request], ..Scenario::default() },
        warm_up: Duration::ZERO,
        stages: Vec::new(),
        cool_down: Duration::ZERO,
        connections: 1,
        keep_alive: true,
        transport: Transport::default(),
        timeout: Duration::from_secs(1),
        schedule: Schedule::default(),
        objectives: Vec::new(),
    };
    Arc::new(Fields::new(&plan, "host"))
}

/// A client and what it has sent, frame by frame.
struct Client {
    http2: Http2,
    out: Vec<u8>,
    seen: Seen,
}

impl Client {
    fn open(lanes: usize) -> Self {
        let mut http2 = Http2::new(fields("/"), lanes);
        let mut out = Vec::new();
        http2.opened(&mut out);
        assert!(out.starts_with(PREFACE));
        Self { http2, out: Vec::new(), seen: Seen::default() }
    }

    fn begin(&mut self, lane: usize, body: Option<&[u8]>) {
        let draft = Draft { request: 0, path: b"/", fields: b"", body, keeps: false };
        self.http2.begin(lane, &draft, &mut self.out);
    }

    fn read(&mut self, bytes: &[u8]) -> Next {
        self.http2.read(bytes, &mut self.out, &mut self.seen, &mut Ways::default())
    }

    /// Kinds, streams and payload lengths of what was sent since the last call.
    fn sent(&mut self) -> Vec<(u8, u32, usize)> {
        let (mut frames, mut left) = (Vec::new(), self.out.as_slice());
        while let Some(head) = Head::read(left) {
            frames.push((head.kind, head.stream, head.length));
            left = &left[frame::HEAD + head.length..];
        }
        assert!(left.is_empty());
        self.out.clear();
        frames
    }

    fn ended(&mut self) -> Vec<(usize, Outcome)> {
        std::mem::take(&mut self.seen.ended)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, kind, flags, stream, payload);
    out
}

fn answer(stream: u32) -> Vec<u8> {
    let mut bytes = frame(frame::HEADERS, frame::END_HEADERS, stream, OK);
    bytes.extend(frame(frame::DATA, 0, stream, b"hel"));
    bytes.extend(frame(frame::DATA, frame::END_STREAM, stream, b"lo"));
    bytes
}

fn settings(name: u16, value: u32) -> Vec<u8> {
    let mut payload = name.to_be_bytes().to_vec();
    payload.extend(value.to_be_bytes());
    frame(frame::SETTINGS, 0, 0, &payload)
}

const ANSWERED: Outcome = Outcome::Answered { status: 200 };

#[test]
fn an_answer_is_the_same_however_its_bytes_come() {
    let whole = [settings(MAX_FRAME_SIZE, 20_000), answer(1)].concat();
    for split in 0..whole.len() {
        let mut client = Client::open(1);
        client.begin(0, None);
        assert_eq!(client.read(&whole[..split]), Next::Go);
        assert_eq!(client.ended(), [], "after {split} bytes");
        assert_eq!(client.read(&whole[split..]), Next::Go);
        assert_eq!(client.ended(), [(0, ANSWERED)]);
    }
}

#[test]
fn what_is_the_same_in_every_request_is_sent_once() {
    let mut client = Client::open(1);
    client.begin(0, None);
    let first = client.sent()[0];
    client.read(&answer(1));
    client.begin(0, None);
    let second = client.sent()[0];
    assert_eq!((first.1, second.1), (1, 3));
    // Seven fields, a byte each.
    assert!(first.2 > 30 && second.2 == 7, "{first:?} {second:?}");
}

#[test]
fn a_server_without_a_table_is_sent_everything_each_time() {
    let mut client = Client::open(1);
    client.begin(0, None);
    client.sent();
    client.read(&[settings(HEADER_TABLE_SIZE, 0), answer(1)].concat());
    client.sent();
    client.begin(0, None);
    let block = client.out[frame::HEAD..].to_vec();
    let mut decoder = Decoder::default();
    let mut read = Vec::new();
    decoder.read(&block, |name, value| read.push((name.to_vec(), value.to_vec()))).unwrap();
    assert_eq!(
        (block[0], read.len()),
        (0x20, 7),
        "it says that the table is empty and refers to nothing in it"
    );
    assert_eq!(read[2], (b":authority".to_vec(), b"host".to_vec()));
}

#[test]
fn no_more_streams_are_opened_than_the_server_allows() {
    let mut client = Client::open(3);
    client.read(&settings(MAX_CONCURRENT_STREAMS, 2));
    client.sent();
    (0..3).for_each(|lane| client.begin(lane, None));
    assert_eq!(client.sent().iter().map(|frame| frame.1).collect::<Vec<_>>(), [1, 3]);
    client.read(&answer(1));
    assert_eq!(client.sent().iter().map(|frame| frame.1).collect::<Vec<_>>(), [5]);
    client.read(&[answer(5), answer(3)].concat());
    assert_eq!(client.ended(), [(0, ANSWERED), (2, ANSWERED), (1, ANSWERED)]);
}

#[test]
fn a_body_waits_for_the_servers_window() {
    let mut client = Client::open(1);
    client.begin(0, Some(&vec![1; 70_000]));
    let first: usize = client.sent().iter().filter(|frame| frame.0 == frame::DATA).map(|frame| frame.2).sum();
    assert_eq!(first, 65_535);
    client.read(&frame(frame::WINDOW_UPDATE, 0, 0, &10_000u32.to_be_bytes()));
    assert_eq!(client.sent(), [], "the stream's own window is closed");
    client.read(&frame(frame::WINDOW_UPDATE, 0, 1, &4_000u32.to_be_bytes()));
    assert_eq!(client.sent(), [(frame::DATA, 1, 4_000)]);
    client.read(&settings(INITIAL_WINDOW_SIZE, 70_000));
    assert_eq!(client.sent(), [(frame::DATA, 1, 465), (frame::SETTINGS, 0, 0)]);
    client.read(&answer(1));
    assert_eq!(client.ended(), [(0, ANSWERED)]);
}

#[test]
fn an_answer_before_the_body_was_sent_ends_the_request() {
    let mut client = Client::open(1);
    client.begin(0, Some(&vec![1; 70_000]));
    client.sent();
    client.read(&answer(1));
    assert_eq!((client.ended(), client.sent()), (vec![(0, ANSWERED)], vec![(frame::RST_STREAM, 1, 4)]));
}

#[test]
fn a_goodbye_ends_what_is_not_processed_and_the_rest_goes_over_the_next_connection() {
    let mut client = Client::open(3);
    client.begin(0, None);
    client.begin(1, None);
    client.sent();
    let goodbye = frame(frame::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(client.read(&goodbye), Next::Go, "the first is still to be answered");
    assert_eq!(client.ended(), [(1, Outcome::Reset)]);
    client.begin(2, None);
    assert_eq!(client.sent(), [], "no stream is opened after the goodbye");
    assert_eq!(client.read(&answer(1)), Next::Reopen);
    assert_eq!(client.ended(), [(0, ANSWERED)]);
    client.http2.lost(true, |lane| panic!("lane {lane} was never sent"));
    assert!(client.http2.wants_connection());
    client.http2.opened(&mut client.out);
    client.out.drain(..PREFACE.len());
    assert_eq!(client.sent().last().map(|frame| (frame.0, frame.1)), Some((frame::HEADERS, 1)));
    // A request moves once: a server that says goodbye to every connection is not asked for ever.
    let mut again = Client::open(1);
    again.read(&goodbye);
    again.begin(0, None);
    again.http2.lost(true, |_| panic!("it moves"));
    again.http2.lost(true, |lane| assert_eq!(lane, 0));
    assert!(!again.http2.wants_connection());
}

#[test]
fn resets_interim_answers_trailers_and_pings_are_what_the_rfc_says() {
    let mut client = Client::open(2);
    client.begin(0, None);
    client.begin(1, None);
    client.sent();
    let interim = frame(frame::HEADERS, frame::END_HEADERS, 1, &[0x08, 3, b'1', b'0', b'3']);
    client.read(&interim);
    client.read(&frame(frame::RST_STREAM, 0, 3, &[0, 0, 0, 7]));
    client.read(&frame(frame::PING, 0, 0, &[1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!((client.ended(), client.sent()), (vec![(1, Outcome::Reset)], vec![(frame::PING, 0, 8)]));
    client.read(&frame(frame::HEADERS, frame::END_HEADERS, 1, OK));
    assert_eq!(client.seen.began, [0]);
    let trailers = frame(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, 1, &[0x0f, 0x0d, 1, b'0']);
    client.read(&trailers);
    assert_eq!(client.ended(), [(0, ANSWERED)]);
    // What belongs to a stream that has ended concerns nobody.
    assert_eq!(client.read(&answer(1)), Next::Go);
    assert_eq!(client.ended(), []);
}

#[test]
fn an_answer_of_another_length_than_it_says_is_malformed() {
    let mut client = Client::open(1);
    client.begin(0, None);
    client.sent();
    let head = [0x88, 0x5c, 1, b'9'];
    client.read(&frame(frame::HEADERS, frame::END_HEADERS, 1, &head));
    client.read(&frame(frame::DATA, frame::END_STREAM, 1, b"hello"));
    assert_eq!(client.ended(), [(0, Outcome::Malformed)]);
}

#[test]
fn a_header_block_may_come_in_parts_with_nothing_between() {
    let parts = |between: &[u8]| {
        let mut client = Client::open(1);
        client.begin(0, None);
        let mut bytes = frame(frame::HEADERS, frame::END_STREAM, 1, &[0x08, 3, b'2']);
        bytes.extend_from_slice(between);
        bytes.extend(frame(frame::CONTINUATION, frame::END_HEADERS, 1, b"06"));
        (client.read(&bytes), client.ended())
    };
    assert_eq!(parts(&[]), (Next::Go, vec![(0, Outcome::Answered { status: 206 })]));
    let ping = frame(frame::PING, frame::ACK, 0, &[0; 8]);
    assert_eq!(parts(&ping).0, Next::Close(Outcome::Malformed));
}

#[test]
fn what_is_no_http2_ends_the_connection() {
    for bytes in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        frame(frame::PUSH_PROMISE, frame::END_HEADERS, 1, &[0, 0, 0, 2, 0x88]),
        frame(frame::CONTINUATION, frame::END_HEADERS, 1, OK),
        frame(frame::SETTINGS, 0, 0, &[0; 5]),
        frame(frame::PING, 0, 0, &[0; 7]),
        frame(frame::GOAWAY, 0, 0, &[0; 3]),
        frame(frame::WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(frame::HEADERS, frame::END_HEADERS, 1, &[0x80]),
        settings(INITIAL_WINDOW_SIZE, u32::MAX),
    ] {
        let mut client = Client::open(1);
        client.begin(0, None);
        assert_eq!(client.read(&bytes), Next::Close(Outcome::Malformed), "{bytes:?}");
    }
}

mod fuzz {
    use super::*;
    use proptest::prelude::*;

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let payload = prop_oneof![
            Just(OK.to_vec()),
            prop::collection::vec(any::<u8>(), 0..40),
            Just(vec![0, 0, 0, 1, 0, 0, 0, 0])
        ];
        (0u8..11, any::<u8>(), 0u32..8, payload)
            .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload))
    }

    proptest! {
        /// Every request ends at most once, whatever the server sends, and with the connection at the latest.
        #[test]
        fn no_frames_make_it_panic_or_lose_a_request(frames in prop::collection::vec(any_frame(), 0..30)) {
            let mut client = Client::open(4);
            (0..4).for_each(|lane| client.begin(lane, Some(b"body")));
            for bytes in frames {
                if client.read(&bytes) != Next::Go {
                    break;
                }
            }
            let mut ended: Vec<usize> = client.ended().into_iter().map(|(lane, _)| lane).collect();
            client.http2.lost(false, |lane| ended.push(lane));
            ended.sort_unstable();
            prop_assert_eq!(ended, [0, 1, 2, 3]);
        }
    }
}

#[test]
fn an_answer_is_kept_when_it_is_asked_for_and_only_then() {
    let mut client = Client::open(2);
    let draft = Draft { request: 0, path: b"/", fields: b"", body: None, keeps: true };
    client.http2.begin(0, &draft, &mut client.out);
    client.begin(1, None);
    client.read(&[answer(3), answer(1)].concat());
    let [(0, kept)] = &client.seen.answers[..] else { panic!("{:?}", client.seen) };
    let mut expected = Answer::default();
    expected.field(b":status", b"200");
    expected.body(b"hello");
    assert_eq!(*kept, expected);
}

#[test]
fn header_fields_that_change_are_sent_as_they_are() {
    let mut client = Client::open(1);
    let fields = b"x-token: t1\r\ncookie: a=b; c=d\r\n";
    client.http2.begin(
        0,
        &Draft { request: 0, path: b"/", fields, body: None, keeps: true },
        &mut client.out,
    );
    let head = Head::read(&client.out).unwrap();
    let mut sent = Vec::new();
    let block = &client.out[frame::HEAD..frame::HEAD + head.length];
    let read = Decoder::default().read(block, |name, value| sent.push((name.to_owned(), value.to_owned())));
    assert!(read.is_ok());
    for field in [(b"x-token".to_vec(), b"t1".to_vec()), (b"cookie".to_vec(), b"a=b; c=d".to_vec())] {
        assert!(sent.contains(&field), "{sent:?}");
    }
}
