//! What must not reach a record.

/// Stands where a secret was.
pub(crate) const WITHHELD: &str = "(withheld)";

const TELLING: [&str; 8] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "api-key", "credential"];

/// Whether a name or a text speaks of a secret.
fn speaks_of_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    TELLING.iter().any(|word| text.contains(word))
}

/// The value of a header field, or what stands in its place.
pub(crate) fn header_value(name: &str, value: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let carries = lower.ends_with("authorization") || lower.ends_with("cookie") || lower.contains("auth");
    if carries || speaks_of_a_secret(name) { WITHHELD.to_owned() } else { value.to_owned() }
}

/// A body: withheld as a whole when it speaks of a secret, since its format is not known here.
pub(crate) fn body(text: &str) -> String {
    if speaks_of_a_secret(text) { WITHHELD.to_owned() } else { text.to_owned() }
}

/// A URL or an origin-form path without user, password and the values of telling query parameters.
pub(crate) fn url(text: &str) -> String {
    let (rest, query) = match text.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (text, None),
    };
    let rest = match rest.split_once("://") {
        Some((scheme, authority_and_path)) => {
            let slash = authority_and_path.find('/').unwrap_or(authority_and_path.len());
            let (authority, path) = authority_and_path.split_at(slash);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => rest.to_owned(),
    };
    let Some(query) = query else { return rest };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if speaks_of_a_secret(key) => format!("{key}={WITHHELD}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{rest}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_do_not_pass() {
        assert_eq!(url("http://me:pw@host:80/a?x=1&token=abc"), "http://host:80/a?x=1&token=(withheld)");
        assert_eq!(url("/api/orders/{{random 1 9}}"), "/api/orders/{{random 1 9}}");
        assert_eq!(header_value("Authorization", "Bearer abc"), WITHHELD);
        assert_eq!(header_value("X-Api-Key", "abc"), WITHHELD);
        assert_eq!(header_value("Cookie", "abc"), WITHHELD);
        assert_eq!(header_value("Accept", "text/html"), "text/html");
        assert_eq!(body(r#"{"password":"abc"}"#), WITHHELD);
        assert_eq!(body(r#"{"id":1}"#), r#"{"id":1}"#);
    }
}
