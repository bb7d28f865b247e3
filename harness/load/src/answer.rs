//! What is kept of an answer for the next steps of a session. Plain requests keep nothing.

use model::Place;

/// No more of a body is kept than this; a value that lies behind it is not found.
const LIMIT: usize = 1 << 20;

/// Head and body of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) {
        self.fields.push((name.to_ascii_lowercase(), value.trim_ascii().to_owned()));
    }

    pub(crate) fn body(&mut self, bytes: &[u8]) {
        let room = LIMIT - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The value at `place`, or why there is none. Of several fields of a name the first counts.
    pub(crate) fn find(&self, place: &Place) -> Result<Vec<u8>, String> {
        match place {
            Place::Header(name) => {
                let name = name.to_ascii_lowercase();
                let found = self.fields.iter().find(|(own, _)| *own == name.as_bytes());
                found
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| format!("there is no header field {name}"))
            }
            Place::Json(pointer) => {
                let body: serde_json::Value =
                    serde_json::from_slice(&self.body).map_err(|_| "the body is not JSON".to_owned())?;
                match body.pointer(pointer) {
                    None | Some(serde_json::Value::Null) => Err(format!("there is nothing at {pointer}")),
                    Some(serde_json::Value::String(text)) => Ok(text.clone().into_bytes()),
                    Some(other) => Ok(other.to_string().into_bytes()),
                }
            }
        }
    }

    /// Name and value of each cookie that is set; no value when it is to be forgotten (RFC 6265, section 5.2: a Max-Age of 0
    /// or less).
    pub(crate) fn cookies(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.fields.iter().filter(|(name, _)| name == b"set-cookie").filter_map(|(_, cookie)| {
            let mut parts = cookie.split(|byte| *byte == b';');
            let pair = parts.next()?;
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
            let forget = parts.any(|attribute| {
                let text = std::str::from_utf8(attribute).unwrap_or_default().trim();
                let age =
                    text.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"));
                age.and_then(|(_, age)| age.trim().parse::<i64>().ok()).is_some_and(|age| age <= 0)
            });
            (!name.is_empty()).then_some((name, (!forget).then_some(value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fields: &[(&str, &str)], body: &str) -> Answer {
        let mut answer = Answer::default();
        fields.iter().for_each(|(name, value)| answer.field(name.as_bytes(), value.as_bytes()));
        answer.body(body.as_bytes());
        answer
    }

    #[test]
    fn values_are_found_by_pointer_and_by_field() {
        let answer =
            answer(&[("X-Token", " abc ")], r#"{"id": 7, "items": [{"name": "a~b"}], "none": null}"#);
        let json = |pointer: &str| answer.find(&Place::Json(pointer.into()));
        assert_eq!(json("/id"), Ok(b"7".to_vec()));
        assert_eq!(json("/items/0/name"), Ok(b"a~b".to_vec()));
        assert_eq!(json("/items/0"), Ok(br#"{"name":"a~b"}"#.to_vec()));
        assert_eq!(json("/none"), Err("there is nothing at /none".to_owned()));
        assert_eq!(answer.find(&Place::Header("x-token".into())), Ok(b"abc".to_vec()));
        assert_eq!(
            answer.find(&Place::Header("ETag".into())),
            Err("there is no header field etag".to_owned())
        );
        assert_eq!(
            self::answer(&[], "<p>").find(&Place::Json("/id".into())),
            Err("the body is not JSON".to_owned())
        );
    }

    #[test]
    fn cookies_are_set_and_forgotten() {
        let answer = answer(
            &[
                ("Set-Cookie", "a=1; Path=/; HttpOnly"),
                ("set-cookie", "b=x=y"),
                ("set-cookie", "c=; max-age=0"),
                ("set-cookie", "bad"),
            ],
            "",
        );
        let cookies: Vec<_> = answer.cookies().collect();
        assert_eq!(
            cookies,
            [(&b"a"[..], Some(&b"1"[..])), (&b"b"[..], Some(&b"x=y"[..])), (&b"c"[..], None)]
        );
    }

    #[test]
    fn a_body_is_kept_up_to_its_limit() {
        let mut answer = Answer::default();
        (0..3).for_each(|_| answer.body(&vec![b'x'; LIMIT / 2 + 1]));
        assert_eq!(answer.body.len(), LIMIT);
    }
}
