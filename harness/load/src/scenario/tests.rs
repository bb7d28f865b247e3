use super::*;
use model::{Method, Order, Piece, Place};
use std::io;

const USERS: &str = "name,password\nann,hunter2\n\"bob, jr\",x\n";

/// A few files and one variable.
fn surroundings() -> Surroundings<'static> {
    let read = |name: &str| match name {
        "users.csv" => Ok(USERS.as_bytes().to_vec()),
        "empty.csv" => Ok(b"name,password\n".to_vec()),
        "ragged.csv" => Ok(b"name,password\nann,x\nbob\n".to_vec()),
        "order.json" => Ok(br#"{"id": "{{uuid}}"}"#.to_vec()),
        "image.png" => Ok(b"\x89PNG\xff".to_vec()),
        "token.txt" => Ok(b"s3cr3t\n".to_vec()),
        "two.txt" => Ok(b"one\ntwo\n".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    Surroundings {
        read: Box::new(read),
        variable: Box::new(|name| (name == "SHOP_PASSWORD").then(|| "hunter2".to_owned())),
    }
}

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    parse_scenario(text, "s.toml", &surroundings())
}

#[test]
fn a_scenario_is_a_list_of_weighted_requests() {
    let text = r#"
[[request]]
name = "read"
weight = 3
path = "/api/orders/{{random 1 9}}"
headers = { Accept = "application/json" }

[[request]]
name = "write"
method = "post"
path = "/api/orders"
body = '{"id": "{{uuid}}"}'
"#;
    let scenario = parse(text).unwrap();
    let [read, write] = &scenario.requests[..] else { panic!("{scenario:?}") };
    assert_eq!((read.weight, read.write, read.headers.len()), (3.0, false, 1));
    assert_eq!((write.method, write.write, write.body.is_fixed()), (Method::Post, true, false));
}

#[test]
fn mistakes_are_named_with_their_line() {
    let cases = [
        ("", 1, "at least one"),
        ("[[request]]\nname = \"a\"\npath = \"x\"", 3, "begins with /"),
        ("[[request]]\nname = \"a\"\npath = \"/{{uid}}\"", 3, "unknown value `uid`"),
        ("[[request]]\nname = \"a\"\npath = \"/\"\nweight = 0", 4, "above 0"),
        ("[[request]]\nname = \"a\"\npath = \"/\"\ncolour = 1", 4, "colour"),
        ("[[request]]\nname = \"a\"\npath = \"/\"\nmethod = \"BREW\"", 4, "BREW"),
        ("[[request]]\nname = \"a\"\npath = \"/\"\n[[request]]\nname = \"a\"\npath = \"/\"", 5, "of its own"),
        ("[[request]]\nname = \"a\"\npath = \"/\"\nheaders = { Host = \"x\" }", 4, "headers.Host"),
    ];
    for (text, line, expected) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

const REQUEST: &str = "[[request]]\nname = \"a\"\npath = \"/\"\n";

#[test]
fn a_body_comes_from_a_file_as_it_stands_or_as_a_template() {
    let body = |keys: &str| {
        parse(&format!("{REQUEST}method = \"POST\"\n{keys}")).map(|scenario| scenario.requests[0].clone())
    };
    let raw = body("body_file = \"order.json\"").unwrap();
    assert_eq!(raw.body.0, [Piece::Bytes(br#"{"id": "{{uuid}}"}"#.as_slice().into())]);
    assert_eq!(raw.body_file.as_deref(), Some("order.json"));
    assert!(!body("body_file = \"order.json\"\ntemplated = true").unwrap().body.is_fixed());
    assert!(body("body_file = \"image.png\"").is_ok());
    for (keys, expected) in [
        ("body_file = \"gone.json\"", "body_file = \"gone.json\": cannot read it"),
        ("body_file = \"image.png\"\ntemplated = true", "UTF-8"),
        ("body = \"x\"\nbody_file = \"order.json\"", "one of them"),
        ("templated = true", "there is none"),
    ] {
        let error = body(keys).unwrap_err();
        assert!((5..=6).contains(&error.line) && error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn values_come_from_the_columns_of_a_csv_file() {
    let text = format!(
        "[data.users]\nfile = \"users.csv\"\norder = \"random\"\n{REQUEST}body = \"{{{{users.name}}}}\""
    );
    let scenario = parse(&text).unwrap();
    let users = &scenario.tables[0];
    assert_eq!((users.order, users.rows(), users.cell(1, 0)), (Order::Random, 2, "bob, jr"));
    let column = Piece::Column { table: "users".into(), column: "name".into() };
    assert_eq!(scenario.requests[0].body.0, [column]);
    for (data, expected) in [
        ("file = \"gone.csv\"", "data.users.file = \"gone.csv\": cannot read it"),
        ("file = \"empty.csv\"", "no row"),
        ("file = \"ragged.csv\"", "line: 3"),
        ("file = \"users.csv\"\norder = \"backwards\"", "in-order or random"),
        ("file = \"users.csv\"\ncolour = 1", "colour"),
    ] {
        let error = parse(&format!("[data.users]\n{data}\n{REQUEST}")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let error = parse(&text.replace("users.name", "users.nam")).unwrap_err().to_string();
    assert!(error.contains("a column of users: name, password"), "{error}");
    let error = parse(&text.replace("users.name", "user.name")).unwrap_err().to_string();
    assert!(error.contains("a column of users"), "{error}");
}

#[test]
fn credentials_come_from_the_environment_or_from_a_file_and_are_not_printed() {
    let with = |auth: &str| parse(&format!("[auth]\n{auth}\n{REQUEST}"));
    let basic = with("basic = { user = \"ann\", env = \"SHOP_PASSWORD\" }").unwrap();
    let credential = basic.requests[0].credential.clone().unwrap();
    // RFC 7617: base64 of ann:hunter2.
    assert_eq!(credential.value.reveal(), "Basic YW5uOmh1bnRlcjI=");
    assert_eq!(credential.source, "basic, the password from the environment variable SHOP_PASSWORD");
    let bearer = with("bearer = { file = \"token.txt\" }").unwrap();
    assert_eq!(bearer.requests[0].credential.as_ref().unwrap().value.reveal(), "Bearer s3cr3t");
    for scenario in [&basic, &bearer] {
        let printed = format!("{scenario:?}");
        assert!(
            !printed.contains("hunter2") && !printed.contains("s3cr3t") && !printed.contains("YW5u"),
            "{printed}"
        );
    }
    for (auth, expected) in [
        ("basic = { user = \"ann\", env = \"NOT_SET\" }", "environment variable NOT_SET is not set"),
        ("basic = { user = \"a:b\", env = \"SHOP_PASSWORD\" }", "no colon"),
        ("bearer = { file = \"gone.txt\" }", "auth.bearer.file = \"gone.txt\": cannot read it"),
        ("bearer = { file = \"two.txt\" }", "more than one line"),
        ("bearer = {}", "use one of env"),
        ("bearer = { env = \"A\", file = \"b\" }", "use one of env"),
        ("", "one of basic and bearer"),
        ("digest = 1", "digest"),
        ("bearer = { token = \"abc\" }", "token"),
    ] {
        let error = with(auth).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("one\n"), "{error}");
    }
    // A request may have its own, and none has two.
    let own = format!(
        "[auth]\nbearer = {{ file = \"token.txt\" }}\n{REQUEST}auth = {{ basic = {{ user = \"a\", env = \"SHOP_PASSWORD\" }} }}"
    );
    assert!(parse(&own).unwrap().requests[0].credential.as_ref().unwrap().source.starts_with("basic"));
    let two = format!(
        "[auth]\nbearer = {{ file = \"token.txt\" }}\n{REQUEST}headers = {{ authorization = \"x\" }}"
    );
    assert!(parse(&two).unwrap_err().message.contains("one or the other"));
}

const SESSION: &str = r#"
[[session]]
name = "buyer"
weight = 2

[[session.step]]
name = "login"
method = "POST"
path = "/login"
capture = { id = { json = "/user/id" }, token = { header = "X-Token" } }

[[session.step]]
name = "cart"
path = "/cart/{{id}}"
headers = { X-Token = "{{token}}" }
think = "500ms"
"#;

#[test]
fn a_session_is_a_sequence_of_named_steps_that_share_values() {
    let scenario = parse(&format!("{SESSION}{REQUEST}")).unwrap();
    let names: Vec<(&str, f64)> = scenario.requests.iter().map(|r| (r.name.as_str(), r.weight)).collect();
    assert_eq!(names, [("a", 1.0), ("login", 0.0), ("cart", 0.0)]);
    let session = &scenario.sessions[0];
    assert_eq!(
        (session.name.as_str(), session.weight, session.captured()),
        ("buyer", 2.0, vec!["id", "token"])
    );
    assert_eq!(session.steps[0].captures[0].place, Place::Json("/user/id".into()));
    assert_eq!((session.steps[1].request, session.steps[1].think.as_millis()), (2, 500));
}

#[test]
fn mistakes_in_sessions_are_named_with_their_line() {
    for (from, to, line, expected) in [
        ("/cart/{{id}}", "/cart/{{ido}}", 14, "what an earlier step captured: id, token"),
        ("\"/login\"", "\"/login/{{id}}\"", 9, "unknown value `id`"),
        ("name = \"cart\"", "name = \"login\"", 13, "a name of its own"),
        ("think = \"500ms\"", "think = \"a while\"", 16, "a time like 500ms"),
        ("think = \"500ms\"", "weight = 2", 16, "comes with its session"),
        ("method = \"POST\"", "think = \"1s\"", 8, "the first step comes when"),
        ("json = \"/user/id\"", "json = \"user\"", 10, "begins with /"),
        ("id = { json", "uuid = { json", 10, "letters, digits"),
        ("json = \"/user/id\"", "", 10, "use one of json"),
        ("weight = 2", "weight = -1", 4, "above 0"),
        ("weight = 2", "pace = 2", 4, "pace"),
    ] {
        assert!(SESSION.contains(from), "{from}");
        let error = parse(&SESSION.replacen(from, to, 1)).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
    let error = parse("[[session]]\nname = \"s\"").unwrap_err();
    assert!(error.message.contains("[[session.step]]"), "{error}");
    let error = parse(&format!("{REQUEST}think = \"1s\"")).unwrap_err();
    assert!(error.line == 4 && error.message.contains("only the [[session.step]]"), "{error}");
}

#[test]
fn objectives_of_a_request_are_about_it_alone() {
    let scenario = parse(&format!("{REQUEST}objectives = [\"p99<50ms\", \"errors<1%\"]")).unwrap();
    let written: Vec<String> = scenario.objectives.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["a:p99<50ms", "a:errors<1%"]);
    for (objective, expected) in [("p99<5", "us, ms or s"), ("b:p99<5ms", "leave the name out")] {
        let error = parse(&format!("{REQUEST}objectives = [\"{objective}\"]")).unwrap_err();
        assert!(error.line == 4 && error.message.contains(expected), "{error}");
    }
}
