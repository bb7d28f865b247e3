use super::*;
use std::time::Duration;

fn line(second: u32, request: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "203.0.113.9 - - [10/Oct/2026:13:{minute:02}:{second:02} +0000] \"{request} HTTP/1.1\" 200 5 \"-\" \"x\"\n"
    )
}

fn read(log: &str) -> Result<AccessLog, AccessLogError> {
    read_access_log(log.as_bytes(), "access.log", 1.0)
}

#[test]
fn a_log_is_replayed_in_the_order_of_time() {
    let log = [line(3, "GET /b"), line(1, "GET /a"), line(3, "HEAD /b"), line(2, "GET /a")].concat();
    let log = read(&log).unwrap();
    let replay = &log.replay;
    let all: Vec<(f64, bool, &str)> = (0..replay.len())
        .map(|number| {
            let target = replay.describe(replay.target_of(number));
            (replay.due(number).as_secs_f64(), target.head, target.path)
        })
        .collect();
    assert_eq!(all, [(0.0, false, "/a"), (1.0, false, "/a"), (2.0, false, "/b"), (2.5, true, "/b")]);
    assert_eq!((replay.length(), log.notes), (Duration::from_secs(3), Vec::<String>::new()));
}

#[test]
fn bad_lines_and_bodies_are_counted_and_the_first_are_named() {
    let mut log = String::new();
    for _ in 0..2 {
        log += &line(0, "GET /");
        log += "nonsense\n\n[10/Oct/2026:13:00:00 +0000] \"-\" 400 0\n";
        log += &line(0, "POST /order");
    }
    log += &line(1, "DELETE /order");
    let log = read(&log).unwrap();
    assert_eq!(log.replay.len(), 2);
    let [bad, bodies] = &log.notes[..] else { panic!("{:?}", log.notes) };
    for part in [
        "4 of 11 lines",
        "access.log:2: it has no time",
        "access.log:4: its request is no",
        "access.log:7",
        "...",
    ] {
        assert!(bad.contains(part), "{bad}");
    }
    assert!(!bad.contains("access.log:9"), "{bad}");
    assert!(bodies.starts_with("1 DELETE, 2 POST"), "{bodies}");
}

#[test]
fn a_log_without_a_request_is_an_error_that_says_why() {
    for (log, expected) in [
        ("".to_owned(), "it is empty"),
        ("x\n".to_owned(), "access.log:1: it has no time"),
        (line(0, "POST /"), "1 POST"),
        ("a".repeat(LINE_LIMIT + 1), "longer than 64 KiB"),
    ] {
        let error = read(&log).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("access.log"), "{error}");
    }
    let speed = read_access_log(line(0, "GET /").as_bytes(), "access.log", 0.0).unwrap_err().to_string();
    assert!(speed.contains("a speed of 0"), "{speed}");
}

#[test]
fn the_rows_are_the_most_frequent_paths_without_their_queries() {
    let mut log = String::new();
    for index in 0..30u32 {
        for _ in 0..=index {
            log += &line(0, &format!("GET /page{index}?id={}", index % 3));
        }
    }
    log += &line(0, "HEAD /page29");
    let log = read(&log).unwrap();
    let rows = &log.scenario.requests;
    assert_eq!(rows.len(), ROWS + 2);
    assert_eq!((rows[0].name.as_str(), rows[0].weight), ("GET /page29", 30.0));
    assert_eq!((rows[ROWS].name.as_str(), rows[ROWS].weight), ("others", f64::from((1..=18).sum::<u32>())));
    assert_eq!((rows[ROWS + 1].name.as_str(), rows[ROWS + 1].method), ("others (HEAD)", model::Method::Head));
    assert_eq!(rows.iter().map(|row| row.weight).sum::<f64>(), log.replay.len() as f64);
    for number in 0..log.replay.len() {
        let target = log.replay.describe(log.replay.target_of(number));
        let row = &rows[target.request];
        let path = target.path.split('?').next().unwrap();
        assert_eq!(row.method == model::Method::Head, target.head);
        assert!(
            row.name == format!("GET {path}") || row.name.starts_with("others"),
            "{path} under {}",
            row.name
        );
    }
}

#[test]
fn rows_that_would_have_the_same_tag_are_told_apart() {
    let log = read(&[line(0, "GET /a"), line(0, "GET /a/"), line(0, "GET /a.")].concat()).unwrap();
    let names: Vec<&str> = log.scenario.requests.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["GET /a", "GET /a/", "GET /a. (2)"]);
}
