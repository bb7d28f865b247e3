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

/// The arguments of a command line as a record may hold them: header fields, bodies and addresses are options and may
/// carry secrets as they do in a scenario.
#[must_use]
pub fn without_secrets(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut before = String::new();
    let mut told = Vec::new();
    for argument in arguments {
        let withheld = match before.as_str() {
            "-H" | "--header" => header_line(&argument),
            "-b" | "--body" => body(&argument),
            _ => option(&argument),
        };
        told.push(withheld);
        before = argument;
    }
    told
}

/// An option with its value in one word, or any other word.
fn option(argument: &str) -> String {
    // A word that begins with one hyphen is a short option with its value.
    let short = !argument.starts_with("--");
    for (name, withhold) in [
        ("--header=", header_line as fn(&str) -> String),
        ("--body=", body),
        ("-H", header_line),
        ("-b", body),
    ] {
        if let Some(value) = argument.strip_prefix(name).filter(|_| short || name.len() > 2) {
            return format!("{name}{}", withhold(value));
        }
    }
    url(argument)
}

fn header_line(line: &str) -> String {
    match line.split_once(':') {
        Some((name, value)) => format!("{name}: {}", header_value(name.trim(), value.trim())),
        None => line.to_owned(),
    }
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

    #[test]
    fn a_command_line_is_recorded_without_its_secrets() {
        let told = |line: &[&str]| without_secrets(line.iter().map(|word| (*word).to_owned())).join(" ");
        assert_eq!(
            told(&["load", "http://h/?token=abc", "-H", "Authorization: Bearer abc", "--rate", "5"]),
            "load http://h/?token=(withheld) -H Authorization: (withheld) --rate 5"
        );
        assert_eq!(
            told(&["--header=Cookie:abc", "-HX-Api-Key: abc"]),
            "--header=Cookie: (withheld) -HX-Api-Key: (withheld)"
        );
        assert_eq!(
            told(&["-b", r#"{"password":"abc"}"#, "--body={\"id\":1}"]),
            "-b (withheld) --body={\"id\":1}"
        );
        assert_eq!(
            told(&["-H", "Accept: text/html", "--body-file", "b"]),
            "-H Accept: text/html --body-file b"
        );
    }
}
