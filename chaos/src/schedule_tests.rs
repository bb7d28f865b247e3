use model::{Direction, Role};
use proptest::prelude::*;

use super::*;

fn error(text: &str) -> String {
    parse_schedule(text, "plan.toml").unwrap_err().to_string()
}

/// A schedule of one injection with these lines.
fn one(lines: &str) -> String {
    format!("name = \"s\"\n[[injection]]\n{lines}\n")
}

#[test]
fn every_schedule_that_comes_with_the_program_can_be_read_and_is_called_as_its_file() {
    for (name, text) in crate::builtins() {
        let schedule = parse_schedule(text, name).unwrap();
        assert_eq!(schedule.name, name);
        assert!(!schedule.teaches.is_empty(), "{name} teaches nothing");
        assert!(text.starts_with("# "), "{name} has no comment on what it teaches");
    }
    assert!(crate::builtin("kill-database").is_some());
    assert!(crate::builtin("kill-everything").is_none());
}

#[test]
fn the_demo_leaves_time_to_recover_between_its_faults() {
    let demo = parse_schedule(crate::builtin("demo").unwrap(), "demo").unwrap();
    for pair in demo.injections.windows(2) {
        // A recovery counts once it has been held for 5 s, and a part takes up to 2 s to be back.
        assert!(pair[0].at + pair[0].hold + Duration::from_secs(7) <= pair[1].at, "{pair:?}");
    }
    let last = demo.injections.last().unwrap();
    assert!(last.at + last.hold + Duration::from_secs(8) <= Duration::from_secs(35), "{last:?}");
}

#[test]
fn an_injection_is_read_with_all_its_keys() {
    let text = one("name = \"n\"\nat = \"1m 10s\"\nfault = \"drop\"\nfor = \"1500ms\"\ndirection = \"in\"\n\
                    peer = \"server2\"\nport = 3306\nselect = { node = \"server1\", role = \"database\", \
                    part = \"mariadb\", pick = \"first\" }");
    let expected = Injection {
        name: "n".into(),
        fault: FaultKind::Drop { direction: Direction::In, peer: Some("server2".into()), port: Some(3306) },
        select: Selector {
            node: Some("server1".into()),
            role: Some(Role::Database),
            part: Some("mariadb".into()),
            primary: false,
            whole_node: false,
            pick: Pick::First,
        },
        if_present: false,
        at: Duration::from_secs(70),
        hold: Duration::from_millis(1500),
    };
    assert_eq!(parse_schedule(&text, "plan.toml").unwrap().injections, [expected]);
}

#[test]
fn primary_and_random_are_words_of_their_own() {
    let read = |select: &str| {
        let text = one(&format!("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = {select}"));
        parse_schedule(&text, "plan.toml").unwrap().injections.remove(0).select
    };
    assert_eq!(read("\"primary\""), read("{ primary = true }"));
    assert_eq!(read("\"primary\"").role, Some(Role::Database));
    assert_eq!(read("\"random\""), read("{ pick = \"random\" }"));
}

#[test]
fn injections_come_in_order_of_time_with_names_made_of_what_they_are() {
    let text = "name = \"s\"\n\
        [[injection]]\nat = \"9s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = { role = \"web\" }\n\
        [[injection]]\nat = \"5s\"\nfault = \"restart-primary\"\nfor = \"9s\"\n\
        [[injection]]\nat = \"5s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = { role = \"web\" }\n\
        [[injection]]\nat = \"1s\"\nfault = \"noop\"\n";
    let schedule = parse_schedule(text, "plan.toml").unwrap();
    let names: Vec<&str> = schedule.injections.iter().map(|injection| injection.name.as_str()).collect();
    assert_eq!(names, ["noop", "restart-primary-database", "kill-web-2", "kill-web"]);
}

#[test]
fn a_mistake_is_told_with_file_line_key_what_was_expected_and_what_was_found() {
    let base = "at = \"1s\"\nfault = \"kill\"\nselect = \"primary\"\n";
    let cases = [
        ("name = 3".to_owned(), "plan.toml:1: `name`: expected a text in quotes, found `3`"),
        (
            "name = \"s\"".into(),
            "plan.toml:1: `injection`: missing: expected at least one [[injection]] table",
        ),
        (
            "name = \"s\"\nfoo = 1\ninjection = []".into(),
            "plan.toml:2: `foo`: unknown key: expected one of name,",
        ),
        (one(base), "plan.toml:2: `injection.1.for`: missing: expected how long"),
        (
            one(&format!("{base}for = 15")),
            "plan.toml:6: `injection.1.for`: expected a length of time above zero",
        ),
        (
            one(&format!("{base}for = \"0s\"")),
            "plan.toml:6: `injection.1.for`: expected a length of time above",
        ),
        (one(&format!("{base}for = \"1s\"\nport = 1")), "plan.toml:7: `injection.1.port`: unknown key"),
        (one("at = \"soon\""), "plan.toml:3: `injection.1.at`: expected a length of time like \"15s\""),
        (
            one("at = \"1s\"\nfault = \"kil\""),
            "plan.toml:4: `injection.1.fault`: expected a fault, one of noop,",
        ),
        (one("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\""), "plan.toml:2: `injection.1.select`: missing"),
        (
            one("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = { role = \"databse\" }"),
            "plan.toml:6: `injection.1.select.role`: expected one of \"client\", \"dns\"",
        ),
        (
            one("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = {}"),
            "plan.toml:6: `injection.1.select`: selects everything",
        ),
        (
            one("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = { primary = true, pick = \"first\" }"),
            "plan.toml:6: `injection.1.select.pick`: cannot stand beside primary",
        ),
        (
            one("at = \"1s\"\nfault = \"kill\"\nfor = \"1s\"\nselect = { primary = true, role = \"web\" }"),
            "plan.toml:6: `injection.1.select.role`: only a database can be primary",
        ),
        (
            one("at = \"1s\"\nfault = \"drop\"\nport = 65536\nfor = \"1s\"\nselect = \"random\""),
            "plan.toml:5: `injection.1.port`: expected a port number from 1 to 65535, found `65536`",
        ),
        (
            one("at = \"1s\"\nfault = \"drop\"\ndirection = \"up\""),
            "plan.toml:5: `injection.1.direction`: expected one of \"both\", \"in\", \"out\", found `\"up\"`",
        ),
        (
            format!("{}[[injection]]\nname = \"a\"\n", one("name = \"a\"\nat = \"1s\"\nfault = \"noop\"")),
            "plan.toml:7: `injection.2.name`: another injection is called \"a\"",
        ),
        ("name = \"s\"\n[[injection]".into(), "plan.toml:2: `toml`: "),
        ("name = \"s\"\ninjection = 5".into(), "plan.toml:2: `injection`: expected [[injection]] tables"),
    ];
    for (text, expected) in cases {
        let error = error(&text);
        assert!(error.starts_with(expected), "for\n{text}\nexpected {expected}\n     got {error}");
    }
}

fn injection() -> impl Strategy<Value = (u32, &'static str, u32, &'static str)> {
    let fault = prop::sample::select(vec!["kill", "term", "pause", "restart", "drop"]);
    let select = prop::sample::select(vec![
        "\"primary\"",
        "\"random\"",
        "{ node = \"server1\" }",
        "{ role = \"web\", pick = \"last\" }",
        "{ part = \"nginx\", whole_node = true }",
    ]);
    (0..100_000_u32, fault, 1..100_000_u32, select)
}

proptest! {
    #[test]
    fn any_schedule_of_known_words_is_read_in_order_of_time_with_names_of_their_own(
        injections in prop::collection::vec(injection(), 1..9)
    ) {
        let mut text = "name = \"s\"\n".to_owned();
        for (at, fault, hold, select) in &injections {
            text += &format!(
                "[[injection]]\nat = \"{at}ms\"\nfault = \"{fault}\"\nfor = \"{hold}ms\"\nselect = {select}\n"
            );
        }
        let read = parse_schedule(&text, "plan.toml").unwrap().injections;
        prop_assert!(read.is_sorted_by_key(|injection| injection.at));
        let names: std::collections::BTreeSet<&str> = read.iter().map(|one| one.name.as_str()).collect();
        prop_assert_eq!(names.len(), injections.len());
        let mut asked: Vec<_> = injections.iter().map(|(at, fault, hold, _)| (*at, *fault, *hold)).collect();
        asked.sort_by_key(|(at, ..)| *at);
        let got: Vec<_> = read.iter().map(|one| {
            let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap();
            (ms(one.at), one.fault.as_str(), ms(one.hold))
        }).collect();
        prop_assert_eq!(got, asked);
    }

    #[test]
    fn no_text_makes_it_panic_and_every_error_points_into_the_text(
        text in "(name|at|for|injection|select|\\[|\\]|\\{|\\}|=|\"|\n| |[a-z0-9é])*"
    ) {
        if let Err(error) = parse_schedule(&text, "plan.toml") {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{}", error);
        }
    }

    #[test]
    fn a_broken_schedule_of_ours_never_panics(at in 0..2000_usize, junk in "[\\PC\n]{0,3}") {
        let (_, text) = crate::builtins().last().unwrap();
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let _ = parse_schedule(&format!("{}{junk}{}", &text[..at], &text[at..]), "plan.toml");
        let _ = parse_schedule(&text[..at], "plan.toml");
    }
}
