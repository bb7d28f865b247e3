use super::*;
use model::{Credential, Method, Order, Piece, Scenario, Schedule, Secret, Seed, Table, Template};
use std::time::Duration;

fn plan(method: Method, path: &str, body: &str, keep_alive: bool) -> Plan {
    let request = Request {
        name: "r".into(),
        weight: 1.0,
        method,
        path: Template::parse(path).unwrap(),
        headers: vec![("X-A".into(), Template::fixed("b"))],
        body: Template::parse(body).unwrap(),
        ..Request::default()
    };
    Plan {
        name: "t".into(),
        seed: Seed(1),
        base_url: String::new(),
        scenario: Scenario { requests: vec![request], ..Scenario::default() },
        warm_up: Duration::ZERO,
        stages: Vec::new(),
        cool_down: Duration::ZERO,
        connections: 1,
        keep_alive,
        transport: model::Transport::default(),
        timeout: Duration::from_secs(1),
        schedule: Schedule::default(),
        objectives: Vec::new(),
    }
}

fn render(plan: &Plan, number: u64) -> String {
    let arrival = Arrival { number, due: Duration::ZERO, request: 0, sequence: number, origin: Origin::Mix };
    let (mut out, mut body) = (Vec::new(), Vec::new());
    Renderer::new(plan, "host:8080").render(&arrival, &mut out, &mut body);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_request_is_framed_as_http_1_1() {
    let text = render(&plan(Method::Post, "/o/{{sequence}}", "id={{sequence}}", true), 12);
    assert_eq!(
        text,
        "POST /o/12 HTTP/1.1\r\nHost: host:8080\r\nUser-Agent: brownout\r\nAccept: */*\r\nX-A: b\r\n\
         Content-Length: 5\r\n\r\nid=12"
    );
    let text = render(&plan(Method::Get, "/", "", false), 0);
    assert!(text.contains("Connection: close\r\n") && !text.contains("Content-Length"), "{text}");
}

#[test]
fn values_depend_on_the_arrival_alone() {
    let plan = plan(Method::Get, "/{{random 5 9}}/{{uuid}}", "", true);
    assert_eq!(render(&plan, 3), render(&plan, 3));
    assert_ne!(render(&plan, 3), render(&plan, 4));
    for number in 0..200 {
        let text = render(&plan, number);
        let mut parts = text[5..].split('/');
        let random: u64 = parts.next().unwrap().parse().unwrap();
        assert!((5..=9).contains(&random));
        let uuid = &parts.next().unwrap()[..36];
        assert_eq!((&uuid[14..15], uuid.matches('-').count()), ("4", 4), "{uuid}");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    }
}

fn users(order: Order) -> Arc<Table> {
    let mut users =
        Table::new("users".into(), "u.csv".into(), order, vec!["name".to_owned(), "role".to_owned()]);
    for (name, role) in [("ann", "admin"), ("bob\r\nX: 1", "a b#c")] {
        users.push([name, role].into_iter());
    }
    Arc::new(users)
}

fn column(column: &str) -> Template {
    Template(vec![Piece::Column { table: "users".into(), column: column.into() }])
}

#[test]
fn values_of_a_row_belong_together_and_cannot_break_out_of_their_place() {
    let mut plan = plan(Method::Post, "/", "", true);
    plan.scenario.tables = vec![users(Order::InOrder)];
    let request = &mut plan.scenario.requests[0];
    request.path = Template([Template::fixed("/").0, column("role").0].concat());
    request.headers = vec![("X-User".into(), column("name"))];
    request.body = column("name");
    assert!(render(&plan, 0).starts_with("POST /admin HTTP/1.1\r\n"));
    let second = render(&plan, 1);
    assert!(second.starts_with("POST /a%20b%23c HTTP/1.1\r\n"), "{second}");
    assert!(second.contains("x-user: bob  X: 1\r\n"), "{second}");
    assert!(second.ends_with("Content-Length: 9\r\n\r\nbob\r\nX: 1"), "{second}");
    assert_eq!(render(&plan, 2).replace("/2", "/0"), render(&plan, 0), "after the last row comes the first");
}

#[test]
fn random_rows_depend_on_the_seed_and_the_arrival_alone() {
    let mut plan = plan(Method::Get, "/", "", true);
    plan.scenario.tables = vec![users(Order::Random)];
    plan.scenario.requests[0].path = Template([Template::fixed("/").0, column("role").0].concat());
    let rows =
        |plan: &Plan| (0..200).map(|number| render(plan, number).contains("admin")).collect::<Vec<_>>();
    let first = rows(&plan);
    assert_eq!(first, rows(&plan));
    let admins = first.iter().filter(|admin| **admin).count();
    // Binomial: 100 of 200 with a standard deviation of 7; the seed is fixed.
    assert!((70..130).contains(&admins), "{admins}");
    plan.seed = Seed(2);
    assert_ne!(first, rows(&plan));
}

#[test]
fn a_credential_is_sent_with_the_request() {
    let mut plan = plan(Method::Get, "/", "", true);
    plan.scenario.requests[0].credential =
        Some(Credential { source: "bearer".into(), value: Secret::new("Bearer abc".into()) });
    assert!(render(&plan, 0).contains("\r\nAuthorization: Bearer abc\r\n"));
}
