//! Sessions as a server sees them: it gives each login an id and a cookie, and knows who comes back with what.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{Said, drive_from, plan, soon};
use load::{Surroundings, parse_scenario};
use model::{Arrivals, Plan};
use std::sync::atomic::AtomicBool;

/// What the shop saw.
#[derive(Default)]
struct Seen {
    /// Time of each login, by its id.
    times: Mutex<Vec<Instant>>,
    /// Carts asked for with the id, the token and the cookie of one and the same login, and how long after it.
    carts: Mutex<Vec<Duration>>,
    strangers: AtomicU64,
}

/// A shop: `POST /login` answers with an id, a token and a cookie that belong together; `GET /cart/ID` wants all three.
/// `fails` says of a login that it is refused, `forgets` that its answer holds no id.
fn shop(fails: fn(u64) -> bool, forgets: fn(u64) -> bool) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
    let shared = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&shared);
            thread::spawn(move || serve(stream, &seen, fails, forgets));
        }
    });
    (address, seen)
}

fn serve(stream: TcpStream, seen: &Seen, fails: fn(u64) -> bool, forgets: fn(u64) -> bool) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let field = |name: &str| {
            let mut fields = head.iter().filter_map(|line| line.split_once(": "));
            fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let length = field("content-length").map_or(0, |length| length.parse().unwrap());
        reader.read_exact(&mut vec![0; length]).ok()?;
        let answer = if head[0].starts_with("POST /login") {
            let id = {
                let mut times = seen.times.lock().unwrap();
                times.push(Instant::now());
                times.len() as u64 - 1
            };
            let body = if forgets(id) { "{}".to_owned() } else { format!("{{\"user\": {{\"id\": {id}}}}}") };
            let status = if fails(id) { "503 No" } else { "200 OK" };
            // In chunks, one of them within the value.
            let (first, second) = body.split_at(body.len() / 2);
            format!(
                "HTTP/1.1 {status}\r\nX-Token: t{id}\r\nSet-Cookie: sid=c{id}; Path=/\r\nTransfer-Encoding: chunked\r\n\r\n\
                 {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
                first.len(),
                second.len()
            )
        } else {
            let id = head[0].split(['/', ' ']).nth(3).unwrap_or_default().to_owned();
            let known =
                field("x-token") == Some(format!("t{id}")) && field("cookie") == Some(format!("sid=c{id}"));
            match id.parse::<usize>() {
                Ok(number) if known => {
                    let login = seen.times.lock().unwrap()[number];
                    seen.carts.lock().unwrap().push(login.elapsed());
                }
                _ => {
                    seen.strangers.fetch_add(1, Ordering::SeqCst);
                }
            }
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
        };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

const SCENARIO: &str = r#"
[[request]]
name = "page"
path = "/page"
weight = 1

[[session]]
name = "buyer"
weight = 1

[[session.step]]
name = "login"
method = "POST"
path = "/login"
body = "{}"
capture = { id = { json = "/user/id" }, token = { header = "X-Token" } }

[[session.step]]
name = "cart"
path = "/cart/{{id}}"
headers = { X-Token = "{{token}}" }
think = "100ms"
"#;

fn sessions(scenario: &str, seconds: f64) -> Plan {
    let mut plan = plan(Arrivals::Constant { rate: 200.0 }, seconds);
    plan.scenario = parse_scenario(scenario, "s.toml", &Surroundings::none()).unwrap();
    plan
}

fn due(said: &Said, request: usize) -> u64 {
    let bins = said.intervals.iter().flat_map(|interval| &interval.requests[request].bins);
    bins.map(|bin| bin.counts.due()).sum()
}

#[test]
fn the_steps_of_a_session_share_what_was_captured_and_wait_their_think_time() {
    for workers in [1, 2] {
        let (address, seen) = shop(|_| false, |_| false);
        let only_sessions = SCENARIO.split_once("[[session]]").unwrap().1;
        let said = drive_from(
            soon(),
            &sessions(&format!("[[session]]{only_sessions}"), 2.0),
            address,
            workers,
            &AtomicBool::new(false),
        );
        let totals = &said.totals.sessions[0];
        assert_eq!((totals.name.as_str(), totals.started, totals.failed.len()), ("buyer", 400, 0));
        assert_eq!(totals.completed + totals.unfinished, 400);
        // 100 ms of 2 s: 20 sessions have their second step after the end.
        assert!((370..=395).contains(&totals.completed), "{totals:?}");
        assert_eq!((due(&said, 0), due(&said, 1)), (400, totals.completed));
        let carts = seen.carts.lock().unwrap();
        assert_eq!((carts.len() as u64, seen.strangers.load(Ordering::SeqCst)), (totals.completed, 0));
        // The server's clock runs from its answer, the client's from when it was read.
        assert!(carts.iter().all(|after| *after >= Duration::from_millis(99)), "{:?}", carts.iter().min());
        assert_eq!(said.counts().good, said.counts().due());
    }
}

#[test]
fn sessions_and_requests_arrive_together_by_weight() {
    let (address, _) = shop(|_| false, |_| false);
    let said = drive_from(soon(), &sessions(SCENARIO, 2.0), address, 1, &AtomicBool::new(false));
    let (pages, logins) = (due(&said, 0), due(&said, 1));
    assert_eq!(pages + logins, 400, "a session is one arrival of the plan");
    // Binomial: 200 of 400 with a standard deviation of 10; the seed is fixed.
    assert!((150..250).contains(&logins), "{logins}");
}

#[test]
fn failed_steps_and_empty_captures_end_sessions_and_are_named() {
    let (address, seen) = shop(|id| id % 4 == 1, |id| id % 4 == 2);
    let only_sessions = SCENARIO.split_once("[[session]]").unwrap().1;
    let plan = sessions(&format!("[[session]]{only_sessions}"), 1.0);
    let said = drive_from(soon(), &plan, address, 1, &AtomicBool::new(false));
    let totals = &said.totals.sessions[0];
    assert_eq!(totals.failed["login: status 503"], 50);
    assert_eq!(totals.failed["login: nothing to capture as id, there is nothing at /user/id"], 50);
    assert_eq!(totals.started, totals.completed + totals.failed.values().sum::<u64>() + totals.unfinished);
    assert_eq!(seen.strangers.load(Ordering::SeqCst), 0);
    let warning = said.warnings.iter().find(|warning| warning.contains("ended early")).unwrap();
    assert!(warning.starts_with("100 of 200 sessions buyer ended early: login"), "{warning}");
}

#[test]
fn a_dead_target_ends_every_session_at_its_first_step() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = drive_from(soon(), &sessions(SCENARIO, 1.0), address, 1, &AtomicBool::new(false));
    let totals = &said.totals.sessions[0];
    assert_eq!((totals.failed["login: refused"], totals.completed), (totals.started, 0));
    assert_eq!(said.counts().due(), 200);
}

#[test]
fn in_a_closed_loop_a_session_goes_on_before_another_one_begins() {
    let (address, seen) = shop(|_| false, |_| false);
    let at_once = SCENARIO.split_once("[[session]]").unwrap().1.replace("think = \"100ms\"", "");
    let mut plan = sessions(&format!("[[session]]{at_once}"), 1.0);
    plan.connections = 4;
    plan.stages[0].arrivals = Arrivals::Closed { think: Duration::ZERO };
    let said = drive_from(soon(), &plan, address, 1, &AtomicBool::new(false));
    let (counts, totals) = (said.counts(), &said.totals.sessions[0]);
    assert_eq!((counts.unsent, totals.failed.len(), seen.strangers.load(Ordering::SeqCst)), (0, 0, 0));
    // Each of four connections has one session at a time, so that all but the last ones are complete.
    assert!(totals.completed > 20 && totals.started - totals.completed <= 4, "{totals:?}");
}
