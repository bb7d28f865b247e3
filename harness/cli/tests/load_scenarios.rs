//! What a scenario file can ask of `brownout load`, and what of it reaches the record.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;

use common::Home;
use testserver::{Behaviour, TestServer};

const INPUT: i32 = 2;
const SECRETS: [&str; 4] = ["hunter2", "s3cr3t-t0ken", "aHVudGVyMg", "correct-horse"];

const SCENARIO: &str = r#"
[auth]
bearer = { env = "SHOP_TOKEN" }

[data.users]
file = "users.csv"

[[request]]
name = "read"
path = "/read/{{users.name}}"
objectives = ["errors<1%"]

[[request]]
name = "write"
method = "POST"
path = "/write"
headers = { X-User = "{{users.name}}", X-Password = "{{users.password}}" }
auth = { basic = { user = "ann", file = "password.txt" } }
body_file = "order.json"
templated = true

[[session]]
name = "buyer"

[[session.step]]
name = "enter"
path = "/enter"

[[session.step]]
name = "leave"
path = "/leave"
think = "50ms"
"#;

fn shop() -> Home {
    let home = Home::new();
    let write = |name: &str, text: &str| fs::write(home.cwd().join(name), text).unwrap();
    write("shop.toml", SCENARIO);
    write("users.csv", "name,password\nann,correct-horse\nbob,correct-horse\n");
    write("password.txt", "hunter2\n");
    write("order.json", "{\"id\": \"{{uuid}}\", \"by\": \"{{users.name}}\", \"note\": \"correct-horse\"}");
    home
}

#[test]
fn a_scenario_is_sent_as_it_says_and_no_secret_reaches_the_record() {
    let server = TestServer::start(Behaviour::default());
    let home = shop();
    let url = format!("http://{}/", server.address());
    let mut command = home.brownout([
        "load",
        &url,
        "--scenario",
        "shop.toml",
        "--rate",
        "100",
        "--duration",
        "2s",
        "--json",
        "--out",
        "run",
    ]);
    let output = command.env("SHOP_TOKEN", "s3cr3t-t0ken").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    // On a busy machine the generator may be too late to be sure of anything.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    let started = summary["sessions"]["buyer"]["started"].as_u64().unwrap();
    assert_eq!(summary["by_request"]["enter"]["requests"]["due"], started);
    assert!(started > 0 && summary["by_request"]["leave"]["requests"]["good"].as_u64() > Some(0), "{out}");
    // Where the time of each request went; both were answered over connections that stood.
    for request in ["enter", "leave"] {
        let parts = &summary["by_request"][request]["breakdown_us"];
        assert!(
            parts["first_byte"]["p99"].is_u64() && parts["transfer"]["p99"].is_u64(),
            "{request}: {parts}"
        );
    }
    assert!(server.requests().iter().any(|request| request.line == "GET /read/bob"));
    // Every file of the run, and what was printed.
    let run = home.cwd().join("run");
    let files: Vec<_> = home.files().into_iter().filter(|file| file.starts_with(&run)).collect();
    assert!(files.len() >= 8, "{files:?}");
    let texts = files.iter().map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
    for text in texts.chain([out, err]) {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let plan = fs::read_to_string(run.join("plan.toml")).unwrap();
    for part in [
        "auth = \"bearer, the token from the environment variable SHOP_TOKEN\"",
        "auth = \"basic, the password from the file password.txt\"",
        "body_file = \"order.json\"",
        "file = \"users.csv\"",
        "name = \"buyer\"",
        "read:errors<1%",
    ] {
        assert!(plan.contains(part), "{part} is not in {plan}");
    }
}

#[test]
fn secrets_of_the_command_line_do_not_reach_the_record_either() {
    let server = TestServer::start(Behaviour::default());
    let home = Home::new();
    let url = format!("http://{}/?token=correct-horse", server.address());
    let header = "Authorization: Bearer s3cr3t-t0ken";
    let body = "{\"password\": \"hunter2\"}";
    let args = ["load", &url, "-H", header, "-b", body, "--rate", "20", "--duration", "1s", "--out", "run"];
    let ended = home.run(args);
    assert!(matches!(ended.code, 0 | 4), "{}", ended.stderr);
    assert!(server.requests().iter().all(|request| request.line == "POST /?token=correct-horse"));
    let files = home.files();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {}", file.display());
        }
    }
}

#[test]
fn what_is_missing_is_named_with_file_and_line() {
    let home = shop();
    let load = ["load", "http://127.0.0.1:1/", "--scenario", "shop.toml", "--duration", "1s"];
    home.run(load).expect(INPUT, &["shop.toml:3", "environment variable SHOP_TOKEN is not set"]);
    let run = || {
        let output = home.brownout(load).env("SHOP_TOKEN", "x").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (file, expected) in [
        ("order.json", "shop.toml:19: body_file = \"order.json\": cannot read it"),
        ("users.csv", "shop.toml:6: data.users.file = \"users.csv\": cannot read it"),
        ("password.txt", "shop.toml:18: auth.basic.file = \"password.txt\": cannot read it"),
    ] {
        let kept = fs::read(home.cwd().join(file)).unwrap();
        fs::remove_file(home.cwd().join(file)).unwrap();
        let (code, message) = run();
        assert!(code == Some(INPUT) && message.contains(expected), "{message}");
        fs::write(home.cwd().join(file), kept).unwrap();
    }
    home.run(["load", "http://127.0.0.1:1/", "--slo", "nobody:p99<1s"]).expect(INPUT, &["`nobody`", "get"]);
}
