use super::*;
use model::{Capture, Request, Session, Step};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Two steps: the first captures `id` from a header field, the second comes 500 ms later.
fn sessions() -> Sessions {
    let request = |name: &str| Request { name: name.into(), ..Request::default() };
    let capture = Capture { name: "id".into(), place: Place::Header("X-Id".into()) };
    let step = |request, think, captures| Step { request, think: MS(think), captures };
    let scenario = Scenario {
        requests: vec![request("login"), request("cart")],
        sessions: vec![Session {
            name: "buyer".into(),
            weight: 1.0,
            steps: vec![step(0, 0, vec![capture]), step(1, 500, Vec::new())],
        }],
        ..Scenario::default()
    };
    Sessions::new(&scenario, MS(20_000))
}

fn arrival(number: u64) -> Arrival {
    Arrival { number, due: MS(number), request: 0, sequence: number, origin: Origin::Session(0) }
}

fn answer(id: &str) -> Answer {
    let mut answer = Answer::default();
    answer.field(b"X-Id", id.as_bytes());
    answer.field(b"Set-Cookie", b"sid=1");
    answer
}

const OK: Outcome = Outcome::Answered { status: 200 };

#[test]
fn the_next_step_falls_due_when_the_one_before_was_answered_plus_its_think_time() {
    let mut sessions = sessions();
    sessions.settled(&arrival(7), OK, Some(&answer("42")), MS(100));
    assert_eq!((sessions.first_due(), sessions.next_step(MS(599))), (Some(MS(600)), None));
    let next = sessions.next_step(MS(605)).unwrap();
    assert_eq!((next.number, next.sequence, next.request, next.due), (7, 7, 1, MS(600)));
    let memory = sessions.memory(&next).unwrap();
    assert_eq!((&memory.values[0][..], &memory.cookies[0]), (&b"42"[..], &(b"sid".to_vec(), b"1".to_vec())));
    sessions.settled(&next, OK, None, MS(700));
    let totals = &sessions.totals[0];
    assert_eq!((totals.started, totals.completed, totals.failed.len(), totals.unfinished), (1, 1, 0, 0));
    assert_eq!(sessions.first_due(), None);
}

#[test]
fn steps_fall_due_in_order_and_memories_are_used_again() {
    let mut sessions = sessions();
    for (number, done) in [(0, 30), (1, 10), (2, 20)] {
        sessions.settled(&arrival(number), OK, Some(&answer(&number.to_string())), MS(done));
    }
    let order: Vec<u64> = std::iter::from_fn(|| {
        let next = sessions.next_step(MS(10_000))?;
        assert_eq!(sessions.memory(&next).unwrap().values[0], next.number.to_string().into_bytes());
        sessions.settled(&next, OK, None, MS(10_000));
        Some(next.number)
    })
    .collect();
    assert_eq!(order, [1, 2, 0]);
    for number in 3..1_000 {
        sessions.settled(&arrival(number), OK, Some(&answer("x")), MS(0));
        let next = sessions.next_step(MS(10_000)).unwrap();
        sessions.settled(&next, OK, None, MS(0));
    }
    assert_eq!((sessions.memories.len(), sessions.totals[0].completed), (3, 1_000));
}

#[test]
fn a_failed_step_or_a_capture_that_finds_nothing_ends_the_session_and_is_named() {
    let mut sessions = sessions();
    sessions.settled(&arrival(0), Outcome::Answered { status: 503 }, Some(&answer("x")), MS(1));
    sessions.settled(&arrival(1), OK, Some(&Answer::default()), MS(1));
    sessions.settled(&arrival(2), Outcome::Unsent, None, MS(1));
    sessions.settled(&arrival(3), OK, Some(&answer("x")), MS(1));
    let next = sessions.next_step(MS(900)).unwrap();
    sessions.settled(&next, Outcome::TimedOut, None, MS(950));
    let failed: Vec<(&str, u64)> =
        sessions.totals[0].failed.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(
        failed,
        [
            ("cart: timed out", 1),
            ("login: not sent", 1),
            ("login: nothing to capture as id, there is no header field x-id", 1),
            ("login: status 503", 1)
        ]
    );
    assert_eq!((sessions.totals[0].started, sessions.totals[0].completed), (4, 0));
}

#[test]
fn what_has_steps_left_at_the_end_is_unfinished() {
    let mut sessions = sessions();
    sessions.settled(&arrival(0), OK, Some(&answer("x")), MS(1));
    sessions.end();
    assert_eq!((sessions.first_due(), sessions.totals[0].unfinished), (None, 1));
    // The load ends after 20 s, and the step would fall due just then.
    sessions.settled(&arrival(1), OK, Some(&answer("x")), MS(19_500));
    sessions.settled(&arrival(2), OK, Some(&answer("x")), MS(19_499));
    assert_eq!((sessions.first_due(), sessions.totals[0].unfinished), (Some(MS(19_999)), 2));
}

#[test]
fn a_plain_request_is_passed_over() {
    let mut sessions = sessions();
    sessions.settled(&Arrival { origin: Origin::Mix, ..arrival(0) }, OK, None, MS(1));
    assert_eq!((sessions.totals[0].started, sessions.first_due()), (0, None));
}
