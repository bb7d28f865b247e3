//! The application under gunicorn and on Node.js: the same answers, and TLS to a database that shows who it is.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod common;

use std::fs;
use std::path::Path;

use common::lab::Lab;
use common::{Home, await_that};
use testserver::Authority;

/// Writes a design of one server whose application runs in `part`, and returns its name for the command line.
fn design(home: &Home, part: &str) -> String {
    let folder = home.cwd().join(part);
    fs::create_dir(&folder).unwrap();
    let topology = fs::read_to_string(data("designs/0-simple/topology.toml")).unwrap();
    let topology = topology.replace("part = \"gunicorn\"", &format!("part = \"{part}\""));
    fs::write(folder.join("topology.toml"), topology.replace("/gunicorn", &format!("/{part}"))).unwrap();
    format!("./{part}")
}

fn data(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../targets").join(path)
}

/// Asks the application itself, on its own node, and prints an answer a line: status, headers that mean something, body.
/// A reason is the driver's own words, so only its being there is shown.
const ASK: &str = r#"
import http.client, json, sys
port, *asked = sys.argv[1:]
for line in asked:
    method, path, *body = line.split(" ", 2)
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request(method, path, body[0] if body else None)
    answer = connection.getresponse()
    text = answer.read()
    value = json.loads(text) if text else None
    if isinstance(value, dict) and "reason" in value:
        value["reason"] = bool(value["reason"])
    kept = ("Content-Type", "X-Served-By", "Location", "Allow", "Retry-After")
    print(line, answer.status, [answer.getheader(name) for name in kept], json.dumps(value, sort_keys=True))
"#;

const WHILE_UP: [&str; 15] = [
    "GET /health",
    "GET /ready",
    "GET /api/orders/7",
    "HEAD /api/orders/7",
    "GET /api/orders/%37?x=1",
    "GET /api/orders/nobody",
    "GET /api/orders/a%20b",
    r#"POST /api/orders {"id": "n-1", "item": "Grüße \ud83d\ude00", "quantity": 3}"#,
    r#"POST /api/orders {"id": "n-1", "item": "again", "quantity": 3}"#,
    "GET /api/orders/n-1",
    r#"POST /api/orders {"id": "n-2", "item": "", "quantity": 3}"#,
    "POST /api/orders {",
    "POST /api/orders",
    "DELETE /api/orders/7",
    "GET /admin",
];

const WHILE_DOWN: [&str; 4] = [
    "GET /health",
    "GET /ready",
    "GET /api/orders/7",
    r#"POST /api/orders {"id": "n-3", "item": "late", "quantity": 3}"#,
];

/// The first request finds out, the others are told what is known or find it out again.
const WHILE_SILENT: [&str; 4] = [
    r#"POST /api/orders {"id": "n-4", "item": "stuck", "quantity": 3}"#,
    "GET /api/orders/7",
    "GET /ready",
    "GET /health",
];

/// What a command on the server prints.
#[track_caller]
fn on_server(lab: &Lab<'_>, argv: &[&str]) -> String {
    let ended = lab.on("server1", argv);
    ended.expect(0, &[]);
    ended.stdout
}

fn ask(lab: &Lab<'_>, port: &str, requests: &[&str]) -> String {
    on_server(lab, &[&["/usr/bin/python3", "-c", ASK, port], requests].concat())
}

#[test]
fn the_application_answers_the_same_under_gunicorn_and_on_node() {
    let home = Home::new();
    let answers = ["gunicorn", "node"].map(|part| {
        let lab = Lab::up(&home, &design(&home, part));
        let up = ask(&lab, "8000", &WHILE_UP);
        on_server(&lab, &[env!("CARGO_BIN_EXE_brownout"), "lab-control", "stop", "server1", "mariadbd"]);
        let down = ask(&lab, "8000", &WHILE_DOWN);
        on_server(&lab, &[env!("CARGO_BIN_EXE_brownout"), "lab-control", "start", "server1", "mariadbd"]);
        let signal = |name| {
            let kill = format!("kill -{name} $(cat /run/brownout/nodes/server1/mariadbd.pid)");
            on_server(&lab, &["/bin/sh", "-c", &kill])
        };
        let mut again = String::new();
        await_that("the application finds the database again", || {
            again = ask(&lab, "8000", &["GET /ready", "GET /api/orders/n-1", "GET /api/orders/n-3"]);
            again.contains("GET /ready 200")
        });
        signal("STOP");
        let silent = ask(&lab, "8000", &WHILE_SILENT);
        signal("CONT");
        lab.down().expect(0, &[]);
        up + &down + &again + &silent
    });
    assert_eq!(answers[0], answers[1]);
    for expected in [
        "GET /api/orders/7 200 ['application/json', 'server1', None, None, None]",
        "\"quantity\": 3} 201 ",
        "GET /api/orders/7 503 ['application/json', 'server1', None, None, '1']",
        "GET /api/orders/n-3 404 ",
        "\"stuck\", \"quantity\": 3} 503 ",
    ] {
        assert!(answers[0].contains(expected), "`{expected}` is not in {}", answers[0]);
    }
}

/// Starts the application a second time on the node, with the environment of the first and what is given beside it, and
/// asks it by TLS for an order.
const SECOND: &str = r#"
import http.client, os, signal, ssl, subprocess, sys, time
authority, settings, *command = sys.argv[1:]
pid = open("/run/brownout/nodes/server1/node.pid").read()
environment = dict(pair.split("=", 1) for pair in open("/proc/%s/environ" % pid).read().split("\0") if pair)
environment.update(pair.split("=", 1) for pair in settings.split())
program = subprocess.Popen(command, env=environment, stdout=sys.stderr)
def get(path):
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("127.0.0.1", 8001, timeout=20, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
try:
    for _ in range(400):
        try:
            get("/health")
            break
        except ConnectionError:
            time.sleep(0.05)
    print(*get("/api/orders/7"))
finally:
    program.terminate()
    program.wait(20)
"#;

#[test]
fn a_database_that_does_not_show_who_it_is_gets_no_statement() {
    let home = Home::new();
    let (authority, other) = (Authority::new(), Authority::new());
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let pair = |address: &str| {
        let pair = authority.issue(address);
        (file(&format!("{address}.pem"), &pair.certificate), file(&format!("{address}.key"), &pair.key))
    };
    let ca = file("authority.pem", &authority.certificate());
    let foreign = file("other.pem", &other.certificate());
    let ((database_chain, database_key), (chain, key)) = (pair("203.0.113.8"), pair("127.0.0.1"));

    let design = design(&home, "node");
    let config = fs::read_to_string(data("parts/mariadb/my.cnf")).unwrap();
    let tls = format!("\nbind_address = 0.0.0.0\nssl_cert = {database_chain}\nssl_key = {database_key}\n");
    fs::create_dir(home.cwd().join("node/mariadb")).unwrap();
    fs::write(home.cwd().join("node/mariadb/my.cnf"), config + &tls).unwrap();
    let lab = Lab::up(&home, &design);

    let node = vec!["/usr/bin/node", "/run/brownout/app/node/server.js"];
    let bind = ["--bind", "127.0.0.1:8001", "--certfile", &chain, "--keyfile", &key];
    let gunicorn = ["/usr/bin/python3", "/usr/bin/gunicorn", "--threads", "4", "orders.wsgi:application"];
    let gunicorn = [&gunicorn[..], &bind].concat();
    let answer = |command: &[&str], database: &str, database_authority: &str| {
        let settings = format!(
            "DB_PRIMARY={database}:3306 DB_CA={database_authority} LISTEN_PORT=8001 TLS_CHAIN={chain} TLS_KEY={key} \
             PYTHONPATH=/run/brownout/app"
        );
        on_server(&lab, &[&["/usr/bin/python3", "-c", SECOND, &ca, &settings], command].concat())
    };
    for command in [&node, &gunicorn] {
        let known = answer(command, "203.0.113.8", &ca);
        assert!(known.starts_with("200 ") && known.contains("item 7"), "{command:?}: {known}");
        for (database, database_authority, reason) in
            [("203.0.113.8", &foreign, "certificate"), ("127.0.0.1", &ca, "127.0.0.1")]
        {
            let unknown = answer(command, database, database_authority);
            assert!(unknown.starts_with("503 ") && unknown.contains(reason), "{command:?}: {unknown}");
        }
    }
    let config = "/run/brownout/nodes/server1/mariadbd/my.cnf";
    on_server(&lab, &["/bin/sh", "-c", &format!("sed -i 's/^ssl_.*//' {config}; echo skip_ssl >>{config}")]);
    for verb in ["stop", "start", "ready"] {
        let asked = || {
            let command = [env!("CARGO_BIN_EXE_brownout"), "lab-control", verb, "server1", "mariadbd"];
            lab.on("server1", &command).code == 0
        };
        await_that(&format!("the database without TLS: {verb}"), asked);
    }
    for command in [&node, &gunicorn] {
        let clear = answer(command, "203.0.113.8", &ca);
        assert!(clear.starts_with("503 "), "{command:?}: {clear}");
        assert!(answer(command, "203.0.113.8", "").starts_with("200 "), "{command:?}");
    }
    lab.down().expect(0, &[]);
}
