//! One line of an access log.

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A request without a body.
    Replayable {
        /// When, in seconds since 1970 (UTC).
        second: u32,
        /// Whether its method is HEAD; it is GET otherwise.
        head: bool,
        /// Path and query.
        path: String,
    },
    /// A request of a method that may have had a body, which a log does not keep.
    WithBody(String),
}

/// Reads the time and the request of a line: the first text in brackets and the first in quotes after it. What stands
/// before, between and behind differs from one format to the next and is passed over.
pub(super) fn read_line(line: &[u8]) -> Result<Line, &'static str> {
    let open = line.iter().position(|byte| *byte == b'[').ok_or("it has no time in brackets")?;
    let close = line[open..].iter().position(|byte| *byte == b']').ok_or("it has no time in brackets")?;
    let second = time(&line[open + 1..open + close]).and_then(|second| u32::try_from(second).ok());
    let second = second.ok_or("its time is not like 10/Oct/2026:13:55:36 +0200")?;
    let request = quoted(&line[open + close + 1..]).ok_or("it has no request in quotes")?;
    request_line(&request).map(|(method, path)| match method {
        "GET" | "HEAD" => Line::Replayable { second, head: method == "HEAD", path },
        other => Line::WithBody(other.to_owned()),
    })
}

/// The first text in quotes, with what the server escaped as it was: `\xHH`, `\"`, `\\`.
fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let begin = line.iter().position(|byte| *byte == b'"')? + 1;
    let mut text = Vec::new();
    let mut rest = line[begin..].iter();
    loop {
        match rest.next()? {
            b'"' => return Some(text),
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = rest.as_slice().get(..2)?;
                    rest.nth(1);
                    text.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                }
                other => text.push(*other),
            },
            other => text.push(*other),
        }
    }
}

/// Method and path of `METHOD SP target SP version`.
fn request_line(request: &[u8]) -> Result<(&str, String), &'static str> {
    const NONE: &str = "its request is no HTTP request";
    let mut words = request.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(NONE);
    };
    let method = std::str::from_utf8(method).map_err(|_| NONE)?;
    let is_method = (1..=16).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || !version.starts_with(b"HTTP/") {
        return Err(NONE);
    }
    if matches!(method, "GET" | "HEAD") {
        return Ok((method, path(target).ok_or("the path of its request does not begin with /")?));
    }
    Ok((method, String::new()))
}

/// The origin form of a target (RFC 9112, section 3.2): an absolute one, as a proxy gets, loses its scheme and host. Bytes that
/// have no place on a request line are percent-encoded, so that no line of a log can make two requests of one.
fn path(target: &[u8]) -> Option<String> {
    let absolute = [&b"http://"[..], b"https://"].iter().find_map(|scheme| target.strip_prefix(*scheme));
    let target = match absolute {
        Some(rest) => &rest[rest.iter().position(|byte| *byte == b'/')?..],
        None => target,
    };
    if target.first() != Some(&b'/') {
        return None;
    }
    let target = target.split(|byte| *byte == b'#').next().unwrap_or_default();
    let mut path = String::with_capacity(target.len());
    for byte in target {
        if byte.is_ascii_graphic() {
            path.push(char::from(*byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(path)
}

/// `10/Oct/2026:13:55:36 +0200` in seconds since 1970 (UTC).
fn time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (date_and_time, zone) = text.split_once(' ')?;
    let (date, clock) = date_and_time.split_once(':')?;
    let mut date = date.split('/');
    let (day, month, year) = (number(date.next()?, 2)?, date.next()?, number(date.next()?, 4)?);
    let mut clock = clock.split(':');
    let mut next = || number(clock.next()?, 2);
    let (hour, minute, second) = (next()?, next()?, next()?);
    if date.next().is_some() || clock.next().is_some() {
        return None;
    }
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = 1 + i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    // A leap second is the 60th.
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let east = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let offset = number(zone.get(1..)?, 4)?;
    let offset = east * ((offset / 100) * 3600 + (offset % 100) * 60);
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is their last
/// (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayable(line: &str) -> (u32, bool, String) {
        match read_line(line.as_bytes()).unwrap() {
            Line::Replayable { second, head, path } => (second, head, path),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn common_combined_and_a_leading_host_are_read_alike() {
        let common = r#"203.0.113.9 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.0" 200 2326"#;
        // 2000-10-10T20:55:36Z.
        let expected = (971_211_336, false, "/a?b=1".to_owned());
        assert_eq!(replayable(common), expected);
        assert_eq!(replayable(&format!(r#"{common} "-" "Mozilla/5.0 [en] \"x\"""#)), expected);
        assert_eq!(replayable(&format!("www.example.com:443 {common}")), expected);
    }

    #[test]
    fn times_are_brought_to_utc() {
        let at = |time: &str| super::time(time.as_bytes());
        assert_eq!(at("01/Jan/1970:00:00:00 +0000"), Some(0));
        assert_eq!(at("01/Jan/1970:05:30:00 +0530"), Some(0));
        assert_eq!(at("29/Feb/2024:12:00:00 +0000"), Some(1_709_208_000));
        assert_eq!(at("31/Dec/1969:23:59:59 +0000"), Some(-1));
        for wrong in [
            "",
            "10/Oct/2000:13:55:36",
            "10/Okt/2000:13:55:36 +0000",
            "1/Oct/2000:13:55:36 +0000",
            "10/Oct/2000:25:55:36 +0000",
            "10/Oct/2000:13:55 +0000",
            "10/Oct/2000:13:55:36 0000",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_server_escaped_is_sent_encoded_and_never_breaks_a_line() {
        let path = |target: &str| {
            replayable(&format!("[01/Jan/1970:00:00:00 +0000] \"GET {target} HTTP/1.1\" 200")).2
        };
        assert_eq!(path(r"/\xC3\xA9\x22"), "/%C3%A9\"");
        assert_eq!(path(r"/a\x0D\x0AX:\x09y"), "/a%0D%0AX:%09y");
        assert_eq!(path("http://www.example.com/a?b#c"), "/a?b");
    }

    #[test]
    fn what_is_no_request_says_why() {
        for (line, expected) in [
            ("", "no time"),
            ("x [10/Oct/2000 \"GET / HTTP/1.1\"", "no time"),
            ("[yesterday] \"GET / HTTP/1.1\" 200", "its time is not like"),
            ("[01/Jan/1970:00:00:00 +0000] -", "no request in quotes"),
            ("[01/Jan/1970:00:00:00 +0000] \"-\" 400 0", "no HTTP request"),
            (r#"[01/Jan/1970:00:00:00 +0000] "\x16\x03\x01" 400"#, "no HTTP request"),
            ("[01/Jan/1970:00:00:00 +0000] \"GET / x HTTP/1.1\" 400", "no HTTP request"),
            ("[01/Jan/1970:00:00:00 +0000] \"GET * HTTP/1.1\" 400", "does not begin with /"),
        ] {
            let why = read_line(line.as_bytes()).unwrap_err();
            assert!(why.contains(expected), "{line}: {why}");
        }
        let post = read_line(b"[01/Jan/1970:00:00:00 +0000] \"POST /a HTTP/1.1\" 200").unwrap();
        assert_eq!(post, Line::WithBody("POST".into()));
    }
}
