//! What is written while a run goes on is what is read back, however the run ends.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use model::{
    Arrivals, Event, FaultKind, Injection, Interval, LoadTotals, Outcome, Phase, Plan, Request,
    ResolvedInjection, Sample, Scenario, Schedule, Seed, Selector, Sink, Stage, Target, Template, Timeline,
    What,
};
use record::{Machine, MonitorRecord, MonitorSample, Place, RecordError, Recorder, Run, WhatRecord};

fn request(name: &str) -> Request {
    Request {
        name: name.to_owned(),
        weight: 1.0,
        path: Template::parse("/a?token=abc").unwrap(),
        headers: vec![("Authorization".to_owned(), Template::fixed("Bearer abc"))],
        ..Request::default()
    }
}

fn plan() -> Plan {
    let injection = Injection {
        name: "kill it".to_owned(),
        fault: FaultKind::Kill,
        select: Selector::default(),
        if_present: false,
        at: Duration::from_secs(1),
        hold: Duration::from_millis(1500),
    };
    Plan {
        name: "0-simple".to_owned(),
        seed: Seed(u64::MAX),
        base_url: "http://me:abc@host:80".to_owned(),
        scenario: Scenario { requests: vec![request("read one"), request("write")], ..Scenario::default() },
        warm_up: Duration::from_secs(1),
        stages: vec![Stage { duration: Duration::from_secs(2), arrivals: Arrivals::Constant { rate: 10.0 } }],
        cool_down: Duration::ZERO,
        connections: 1,
        keep_alive: true,
        transport: model::Transport::default(),
        timeout: Duration::from_secs(1),
        schedule: Schedule { name: "kill".to_owned(), teaches: "it".to_owned(), injections: vec![injection] },
        objectives: vec!["p99<50ms".parse().unwrap()],
    }
}

fn create(dir: &Path) -> Recorder {
    let started = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    Recorder::create(Place::Exactly(dir), &plan(), &Machine::here(), started).unwrap()
}

/// One second of load, in which request 0 is answered in 2 ms ten times and request 1 is reset once.
fn interval(recorder: &Recorder, second: u64) -> Interval {
    let offset = Duration::from_secs(second);
    let start = recorder.epoch() + Duration::from_millis(500) + offset;
    let mut interval = Interval::new(start, offset, Duration::from_secs(1), 2, 10);
    let sample = |request, due_ms, outcome| {
        let due = offset + Duration::from_millis(due_ms);
        Sample {
            request,
            due,
            sent: Some(due),
            done: due + Duration::from_millis(2),
            outcome,
            parts: model::Parts::default(),
        }
    };
    for tenth in 0..10 {
        interval.add(&sample(0, tenth * 100 + 50, Outcome::Answered { status: 200 }));
    }
    interval.add(&sample(1, 350, Outcome::Reset));
    interval
}

fn emit(recorder: &Recorder, at_ms: u64, what: What) {
    recorder.emit(Event { at: recorder.epoch() + Duration::from_millis(at_ms), what });
}

fn write_run(dir: &Path) -> Recorder {
    let recorder = create(dir);
    emit(&recorder, 500, What::PhaseBegan(Phase::WarmUp));
    for second in 0..3 {
        emit(&recorder, 1500, What::IntervalClosed(Box::new(interval(&recorder, second))));
    }
    emit(&recorder, 2500, What::FaultInjected { injection: 0, targets: vec![], effect: "gone".to_owned() });
    emit(&recorder, 3500, What::LoadFinished(Box::new(LoadTotals { threads: 2, ..LoadTotals::default() })));
    recorder
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = write_run(dir.path());
    let plan = plan();
    let injections = plan.schedule.injections.iter().map(|injection| ResolvedInjection {
        injection: injection.clone(),
        targets: vec![Target { node: "server1".to_owned(), process: Some("nginx".to_owned()) }],
    });
    recorder.timeline(&Timeline { injections: injections.collect(), plan: plan.clone(), inventory: None });
    assert_eq!(recorder.finish().unwrap(), dir.path());

    let run = Run::open(dir.path()).unwrap();
    assert_eq!(run.gaps, Vec::<String>::new());
    assert_eq!(run.plan.run_id, "20010909T014640Z-0-simple-18446744073709551615");
    assert_eq!(run.plan.objectives, ["p99<50ms"]);
    assert_eq!(run.machine.started_utc, "2001-09-09T01:46:40Z");
    assert_eq!(run.injections[0].targets, ["server1/nginx"]);
    assert_eq!((run.injections[0].at_s, run.injections[0].for_s), (1.0, 1.5));
    assert_eq!(run.load_started(), Some((0.5, 0.1)));
    assert_eq!(run.totals.as_ref().unwrap().threads, 2);
    assert_eq!(run.events.len(), 4);
    assert!(matches!(&run.events[2].what, WhatRecord::FaultInjected { effect, .. } if effect == "gone"));

    assert_eq!(run.bins.len(), 33);
    assert_eq!(run.bins[0].first_good_s, Some(0.55));
    let reset: Vec<f64> = run.bins.iter().filter(|bin| bin.counts.reset == 1).map(|bin| bin.at_s).collect();
    assert_eq!(reset, [0.8, 1.8, 2.8]);
    assert_eq!(run.intervals.len(), 3);
    assert_eq!(run.intervals[2].at_s, 2.5);
    assert_eq!(run.intervals[2].requests[0].good.len(), 10);
    assert_eq!(
        run.intervals[2].requests[0].good.max(),
        interval(&create_elsewhere(), 2).requests[0].good.max()
    );
    assert_eq!(run.intervals[2].requests[1].failed.len(), 1);
    assert_eq!(run.intervals[2].send_lag.len(), 11);
}

#[test]
fn what_the_monitor_counted_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = write_run(dir.path());
    let by_server =
        [("server1", 3.0), ("server2", 4.0 / 3.0)].map(|(server, count)| (server.to_owned(), count));
    let samples = vec![MonitorSample::new(1.0 / 3.0, by_server.into())];
    let counted = MonitorRecord::new("up", samples);
    recorder.monitor(&counted);
    recorder.finish().unwrap();
    assert_eq!(Run::open(dir.path()).unwrap().monitor.unwrap(), counted);
    let text = fs::read_to_string(dir.path().join("monitor.json")).unwrap();
    for part in ["\"kind\": \"monitor\"", "\"at_s\": 0.333333,", "\"requests\": 4.333,", "\"server2\": 1.333"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    let without = tempfile::tempdir().unwrap();
    write_run(without.path()).finish().unwrap();
    assert_eq!(Run::open(without.path()).unwrap().monitor, None);
}

fn create_elsewhere() -> Recorder {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path())
}

#[test]
fn a_secret_never_reaches_the_record() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path()).finish().unwrap();
    for file in fs::read_dir(dir.path()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("abc"), "{text}");
    }
}

#[test]
fn the_record_of_a_killed_run_is_read_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path()).finish().unwrap();
    let whole = Run::open(dir.path()).unwrap();
    for name in ["events.jsonl", "bins.csv", "intervals.hlog"] {
        let path = dir.path().join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    }
    let run = Run::open(dir.path()).unwrap();
    assert_eq!(run.bins.len(), whole.bins.len() - 1);
    assert_eq!(run.events.len(), whole.events.len() - 1);
    assert_eq!(run.totals, None);
    let told = run.gaps.join("\n");
    for name in ["timeline.json", "events.jsonl", "bins.csv", "intervals.hlog", "did not end in good order"] {
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path()).finish().unwrap();
    let spoil = |name: &str, from: &str, to: &str| {
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = Run::open(dir.path()).unwrap_err().to_string();
        fs::write(&path, text).unwrap();
        error
    };
    let error = spoil("bins.csv", "read_one,1,1", "read_one,2,1");
    assert!(error.contains("bins.csv:2: the counts do not add up"), "{error}");
    let error = spoil("bins.csv", "read_one", "other");
    assert!(error.contains("bins.csv:2: request `other` is not in plan.toml"), "{error}");
    let error = spoil("intervals.hlog", "Tag=write.failed", "Tag=write.good!");
    assert!(error.contains("intervals.hlog:7: tag `write.good!` is not known"), "{error}");
    let error = spoil("events.jsonl", "{\"at_s\"", "{\"at\"");
    assert!(error.contains("events.jsonl:1: not an event"), "{error}");
    fs::write(dir.path().join("monitor.json"), "{}\n").unwrap();
    let error = Run::open(dir.path()).unwrap_err().to_string();
    fs::remove_file(dir.path().join("monitor.json")).unwrap();
    assert!(error.contains("monitor.json:1: not as expected"), "{error}");
    let error = spoil("plan.toml", "connections = 1", "connections = \"many\"");
    assert!(error.contains("plan.toml:") && error.contains("expected"), "{error}");
}

#[test]
fn a_full_disk_is_told_at_the_end_and_does_not_stop_the_run() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/dev/full", dir.path().join("bins.csv")).unwrap();
    let recorder = write_run(dir.path());
    let error = recorder.finish().unwrap_err();
    assert!(matches!(&error, RecordError::Write { path, .. } if path.ends_with("bins.csv")), "{error}");
    emit(&recorder, 4000, What::Warning("still taken".to_owned()));
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let open = |place| Recorder::create(place, &plan(), &Machine::default(), UNIX_EPOCH).map(|_| ());
    assert!(matches!(open(Place::Under(&file)), Err(RecordError::Create { .. })));
    assert!(matches!(open(Place::Exactly(&file)), Err(RecordError::Create { .. })));
    let taken = dir.path().join("taken");
    open(Place::Exactly(&taken)).unwrap();
    assert!(matches!(open(Place::Exactly(&taken)), Err(RecordError::Occupied { .. })));
}

#[test]
fn two_runs_of_one_second_have_directories_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let open =
        || Recorder::create(Place::Under(root.path()), &plan(), &Machine::default(), UNIX_EPOCH).unwrap();
    let (first, second) = (open(), open());
    assert_ne!(first.dir(), second.dir());
    first.finish().unwrap();
    second.finish().unwrap();
    let run_id = Run::open(second.dir()).unwrap().plan.run_id;
    assert_eq!(second.dir().file_name().unwrap().to_str(), Some(run_id.as_str()));
    assert_eq!(second.logs_dir("lb/1").unwrap(), second.dir().join("logs/lb_1"));
}
