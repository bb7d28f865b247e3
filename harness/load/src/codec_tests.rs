use super::*;
use proptest::prelude::*;

/// Reads `parts` one after the other; ends with the first that completes the response.
fn read_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>, to_head: bool) -> Result<Event, Malformed> {
    let mut parser = ResponseParser::default();
    parser.begin(to_head);
    let mut last = Event::Partial;
    for part in parts {
        last = parser.read(part)?;
    }
    Ok(last)
}

fn complete(status: u16, reusable: bool) -> Result<Event, Malformed> {
    Ok(Event::Complete { status, reusable })
}

/// Responses that are whole, with what is to be read from them.
const WHOLE: [(&[u8], u16, bool); 10] = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, true),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, true),
    (b"HTTP/1.1 503 No\r\ncontent-length: 2\r\nConnection: close\r\n\r\nno", 503, false),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", 200, true),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", 200, true),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 1\r\n\r\nx", 201, true),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, true),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, true),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", 200, true),
];

/// An interim answer in front of a final one must not be taken for it, nor an answer to HEAD for one to GET.
#[test]
fn a_head_that_comes_again_says_the_same_again() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Served-By: a\r\n\r\nhello";
    let other = b"HTTP/1.1 503 No\r\nContent-Length: 5\r\nX-Served-By: b\r\n\r\nhello";
    let interim = [&b"HTTP/1.1 103 Early Hints\r\n\r\n"[..], answer].concat();
    let mut parser = ResponseParser::default();
    for bytes in [&answer[..], answer, other, answer, &interim, &interim, answer] {
        parser.begin(false);
        let status = if bytes == other { 503 } else { 200 };
        assert_eq!(parser.read(bytes), Ok(Event::Complete { status, reusable: true }));
        assert_eq!(parser.served_by(), if bytes == other { b"b" } else { b"a" });
    }
    let head = &answer[..answer.len() - 5];
    parser.begin(true);
    assert_eq!(parser.read(head), Ok(Event::Complete { status: 200, reusable: true }));
    parser.begin(false);
    assert_eq!(parser.read(head), Ok(Event::Partial));
    assert_eq!(parser.read(b"hello"), Ok(Event::Complete { status: 200, reusable: true }));
}

#[test]
fn a_response_is_read_whole_and_split_at_every_byte() {
    for (bytes, status, reusable) in WHOLE {
        assert_eq!(read_all([bytes], false), complete(status, reusable), "{}", bytes.escape_ascii());
        for at in 1..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(read_all([first, second], false), complete(status, reusable), "split at {at}");
        }
        assert_eq!(read_all(bytes.chunks(1), false), complete(status, reusable), "byte by byte");
        for short in 1..bytes.len() {
            // No prefix of a response is taken for the whole.
            assert_eq!(read_all([&bytes[..short]], false), Ok(Event::Partial), "{short} bytes");
        }
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(read_all([&bytes[..]], true), complete(200, true));
}

#[test]
fn without_a_length_the_close_ends_the_response() {
    let mut parser = ResponseParser::default();
    parser.begin(false);
    assert_eq!(parser.read(b"HTTP/1.1 200 OK\r\n\r\nhello"), Ok(Event::Partial));
    assert_eq!(parser.closed(), Some(200));
    parser.begin(false);
    assert_eq!(parser.read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), Ok(Event::Partial));
    assert_eq!(parser.closed(), None);
}

#[test]
fn bytes_that_nobody_asked_for_end_the_connection() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(read_all([&bytes[..]], false), complete(200, false));
}

#[test]
fn what_is_not_http_is_malformed() {
    let long = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'a'; HEAD_LIMIT]].concat();
    let many =
        [b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(FIELDS_LIMIT + 1), b"\r\n".to_vec()].concat();
    let cases: [(&[u8], Malformed); 10] = [
        (b"SSH-2.0-OpenSSH\r\n\r\n", Malformed::Head),
        (b"\x16\x03\x01\x02\x00", Malformed::Head),
        (b"HTTP/1.1 999 OK\r\n\r\n", Malformed::Head),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Malformed::Length),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", Malformed::Length),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Malformed::Chunk),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", Malformed::Chunk),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", Malformed::Chunk),
        (&long, Malformed::HeadTooLarge),
        (&many, Malformed::HeadTooLarge),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            read_all([bytes], false),
            Err(expected),
            "{}",
            bytes[..40.min(bytes.len())].escape_ascii()
        );
    }
}

#[test]
fn the_way_of_an_answer_is_kept() {
    let mut parser = ResponseParser::default();
    parser.begin(false);
    parser.read(b"HTTP/1.1 200 OK\r\nX-Served-By: lb1, server2\r\nContent-Length: 0\r\n\r\n").unwrap();
    assert_eq!(parser.served_by(), b"lb1, server2");
    parser.begin(false);
    assert_eq!(parser.served_by(), b"");
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic_and_splitting_changes_nothing(
        head in prop::sample::select(WHOLE.map(|(bytes, ..)| bytes).to_vec()),
        noise in prop::collection::vec(any::<u8>(), 0..40),
        at in 0usize..200,
        split in 0usize..200,
    ) {
        let mut bytes = head.to_vec();
        let at = at.min(bytes.len());
        bytes.splice(at..at, noise);
        let split = split.min(bytes.len());
        let whole = read_all([&bytes[..]], false);
        let parts = read_all([&bytes[..split], &bytes[split..]].into_iter().filter(|part| !part.is_empty()), false);
        // Bytes after the end are seen as such only when they come with it.
        match (whole, parts) {
            (Ok(Event::Complete { status, .. }), Ok(Event::Complete { status: other, .. })) => prop_assert_eq!(status, other),
            (whole, parts) => prop_assert_eq!(whole, parts),
        }
    }
}

#[test]
fn a_head_is_too_large_however_its_bytes_come() {
    let head = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(HEAD_LIMIT));
    assert_eq!(read_all([head.as_bytes()], false), Err(Malformed::HeadTooLarge));
    assert_eq!(read_all(head.as_bytes().chunks(4_000), false), Err(Malformed::HeadTooLarge));
}
