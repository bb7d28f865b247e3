//! The report of the synthetic runs, and of records that are not whole.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use record::Run;
use record::derived::{ClaimFile, ClaimsFile, to_json};
use reports::synthetic::{self, Synthetic};
use reports::{Settings, Summary, compare, load_text, summary, verdict_table, write};

const DERIVED: [&str; 3] = ["findings.json", "summary.json", "junit.xml"];

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// A record of the lone server, changed by `change`.
fn changed(change: impl Fn(&Path)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Synthetic::simple().write(dir.path()).unwrap();
    change(dir.path());
    dir
}

fn page(dir: &Path) -> String {
    write(&[dir.to_owned()], dir, Settings::default()).unwrap();
    fs::read_to_string(dir.join("report.html")).unwrap()
}

/// What a reader reads: the page without its drawings, their tables, its styles and its tags.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text += &rest[..open];
        let element = &rest[open..];
        let skipped =
            ["svg", "style", "title", "details"].iter().find(|name| element[1..].starts_with(*name));
        let end = skipped.map_or(">".to_owned(), |name| format!("</{name}>"));
        let close = element.find(&end).unwrap() + end.len();
        rest = &element[close..];
        text.push(if element.starts_with("<td") || element.starts_with("<span") { ' ' } else { '\n' });
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.to_owned() + "\n").collect()
}

fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs; look at it, then bless it with BROWNOUT_BLESS=1\n{found}");
}

#[test]
fn what_is_derived_comes_back_byte_for_byte() {
    let root = tempfile::tempdir().unwrap();
    let runs = synthetic::write(root.path()).unwrap();
    let files = || -> Vec<PathBuf> {
        let derived = runs.iter().flat_map(|run| DERIVED.map(|name| run.join(name)));
        derived.chain(["comparison.json", "report.html"].map(|name| root.path().join(name))).collect()
    };
    let read = || files().iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>();
    write(&runs, root.path(), Settings::default()).unwrap();
    let first = read();
    files().iter().for_each(|file| fs::remove_file(file).unwrap());
    write(&runs, root.path(), Settings::default()).unwrap();
    assert!(first == read());
}

#[test]
fn the_report_says_the_same_every_time() {
    let root = tempfile::tempdir().unwrap();
    let runs = synthetic::write(root.path()).unwrap();
    let comparison = write(&runs, root.path(), Settings::default()).unwrap();
    let html = fs::read_to_string(root.path().join("report.html")).unwrap();
    golden("report.txt", &text_of(&html));
    golden("table-100.txt", &verdict_table(&comparison, 100));
    golden("table-50.txt", &verdict_table(&comparison, 50));
    golden("junit.xml", &fs::read_to_string(runs[1].join("junit.xml")).unwrap());
    golden("summary.json", &fs::read_to_string(runs[1].join("summary.json")).unwrap());
    for width in [30, 50, 80, 100, 200] {
        let table = verdict_table(&comparison, width);
        assert!(table.lines().all(|line| line.chars().count() <= width), "{table}");
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let root = tempfile::tempdir().unwrap();
    let runs = synthetic::write(root.path()).unwrap();
    write(&runs, root.path(), Settings::default()).unwrap();
    let html = fs::read_to_string(root.path().join("report.html")).unwrap();
    for outside in ["<script", "<img", "<link rel=\"stylesheet", "src=", "@import", "https://", "href=\"http"]
    {
        assert!(!html.contains(outside), "{outside}");
    }
    // A diagram and a drawing for each design, and a drawing for each fault of each.
    assert_eq!(html.matches("role=\"img\"").count(), 2 * (2 + 3));
    assert_eq!(html.matches("role=\"img\"").count(), html.matches("</title><desc>").count());
    assert_eq!(html.matches("<details>").count(), 2 * (1 + 3));
}

#[test]
fn many_designs_fit_in_a_page_that_can_be_sent() {
    let root = tempfile::tempdir().unwrap();
    let designs = ["0-simple", "1-distributed", "2-secured", "3-scaled-up", "4-resilient"];
    let runs = designs.map(|design| {
        let mut synthetic = Synthetic::distributed();
        design.clone_into(&mut synthetic.inventory.design);
        synthetic.write(&root.path().join(design)).unwrap()
    });
    write(&runs, root.path(), Settings::default()).unwrap();
    let bytes = fs::metadata(root.path().join("report.html")).unwrap().len();
    assert!(bytes < 2_000_000, "{bytes} bytes");
}

#[test]
fn a_plain_load_has_a_report_without_faults_and_diagram() {
    let dir = changed(|dir| fs::remove_file(dir.join("timeline.json")).unwrap());
    let html = page(dir.path());
    assert_eq!(html.matches("role=\"img\"").count(), 1);
    assert!(html.contains("<h1>0-simple under load</h1>"));
    assert!(!dir.path().join("comparison.json").exists());
}

#[test]
fn a_record_that_is_not_whole_has_a_report_that_says_so() {
    for name in ["events.jsonl", "bins.csv", "intervals.hlog", "timeline.json"] {
        let dir = changed(|dir| fs::remove_file(dir.join(name)).unwrap());
        let html = page(dir.path());
        assert!(html.contains(&format!("{name} is missing")), "{name}");
        for number in ["NaN", "inf\"", "inf "] {
            assert!(!html.contains(number), "{name}: {number}");
        }
    }
    let dir = changed(|dir| {
        for name in ["events.jsonl", "bins.csv", "intervals.hlog", "timeline.json"] {
            fs::remove_file(dir.join(name)).unwrap();
        }
    });
    assert!(page(dir.path()).contains("did not end in good order"));
}

#[test]
fn a_run_that_was_ended_half_way_is_judged_by_what_there_is_of_it() {
    // Killed in the middle of the database's absence.
    let dir = changed(|dir| {
        let keep = |name: &str, until: f64| {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            let at_s = |line: &str| {
                let text = line.trim_start_matches("{\"at_s\":").split(',').next().unwrap().to_owned();
                text.parse::<f64>().unwrap_or(0.0)
            };
            let kept: String =
                text.lines().filter(|line| at_s(line) < until).map(|line| format!("{line}\n")).collect();
            fs::write(dir.join(name), kept).unwrap();
        };
        keep("events.jsonl", 20.0);
        keep("bins.csv", 20.0);
        fs::remove_file(dir.join("intervals.hlog")).unwrap();
    });
    write(&[dir.path().to_owned()], dir.path(), Settings::default()).unwrap();
    let run = Run::open(dir.path()).unwrap();
    let comparison = compare(vec![run], None);
    let verdicts: Vec<&str> =
        comparison.file.designs[0].injections.iter().map(|injection| injection.verdict.as_str()).collect();
    assert_eq!(verdicts, ["never-recovered", "void", "void"]);
    assert_eq!(comparison.file.verdict, "unknown");
}

fn judged(objectives: &str) -> Summary {
    let dir = changed(|dir| {
        edit(&dir.join("plan.toml"), "objectives = []", &format!("objectives = [{objectives}]"));
    });
    summary(&Run::open(dir.path()).unwrap())
}

#[test]
fn objectives_are_held_against_all_that_fell_due() {
    let pass = judged("\"errors<50%\", \"p50<50ms\"");
    assert_eq!((pass.verdict.as_str(), pass.reasons.len()), ("pass", 2));
    let fail = judged("\"errors<1%\", \"p50<50ms\"");
    assert_eq!(fail.verdict, "fail");
    assert_eq!(fail.reasons, ["errors<1% broken: 43.9 %", "p50<50ms met: 3.3 ms"]);
}

#[test]
fn too_few_samples_and_a_late_generator_say_nothing() {
    let few = judged("\"p99.99<10s\"");
    assert_eq!(few.verdict, "unknown");
    assert!(few.reasons[0].contains("3000 requests say nothing about p99.99, which needs 29956"), "{few:?}");
    let dir =
        changed(|dir| edit(&dir.join("events.jsonl"), "\"busiest_worker\":0.025", "\"busiest_worker\":0.95"));
    let busy = summary(&Run::open(dir.path()).unwrap());
    assert_eq!((busy.verdict.as_str(), busy.generator.limited), ("unknown", true));
    assert!(busy.reasons[0].contains("lower the rate"), "{busy:?}");
    assert!(busy.warnings[0].starts_with("generator-limited"), "{busy:?}");
    let html = page(dir.path());
    for label in ["<b>Mind:</b> generator-limited", "good (generator-limited)"] {
        assert!(html.contains(label), "{label} is not on the page");
    }
}

#[test]
fn what_an_earlier_version_did_not_tell_is_absent() {
    let told = summary(&Run::open(changed(|_| ()).path()).unwrap());
    assert_eq!(told.generator.moderated_waits, Some(0));
    let dir = changed(|dir| edit(&dir.join("events.jsonl"), "\"moderated_waits\":0,", ""));
    assert_eq!(summary(&Run::open(dir.path()).unwrap()).generator.moderated_waits, None);
}

#[test]
fn a_fault_that_did_nothing_makes_the_verdict_unknown() {
    let dir = changed(|dir| {
        edit(
            &dir.join("events.jsonl"),
            "\"event\":\"fault_injected\",\"injection\":1",
            "\"event\":\"fault_void\",\"reason\":\"no such process\",\"injection\":1",
        );
    });
    let html = page(dir.path());
    assert!(html.contains("says nothing: no such process"));
    assert_eq!(summary(&Run::open(dir.path()).unwrap()).verdict, "unknown");
}

/// The lone server under two steps of the same load, judged by `objectives`.
fn stepped(objectives: &str) -> (tempfile::TempDir, Summary) {
    let dir = changed(|dir| {
        edit(&dir.join("plan.toml"), "objectives = []", &format!("objectives = [{objectives}]"));
        edit(
            &dir.join("plan.toml"),
            "arrivals = \"constant\"",
            "arrivals = \"step\"\nto_hz = 90.0\nsteps = 2",
        );
    });
    let found = summary(&Run::open(dir.path()).unwrap());
    (dir, found)
}

#[test]
fn different_rates_are_never_summed_into_one_percentile() {
    let (dir, found) = stepped("");
    assert_eq!((&found.latency_us, &found.latency_good_us, &found.service_time_us), (&None, &None, &None));
    assert!(found.by_request.values().all(|request| request.latency_us.is_none()));
    assert_eq!(found.by_stage.len(), 2);
    assert_eq!(found.by_stage.iter().map(|stage| stage.requests.due).sum::<u64>(), found.requests.due);
    assert!(found.by_stage.iter().all(|stage| stage.latency_us.is_some() && stage.name.starts_with("step")));
    let text = load_text(&found);
    assert!(text.contains("by stage") && !text.contains("\nlatency"), "{text}");
    let html = page(dir.path());
    assert!(html.contains("step 2 of 2"));
    let comparison = compare(vec![Run::open(dir.path()).unwrap()], None);
    assert!(comparison.file.designs[0].latency_at_matched_load_us.is_none());
    assert!(!dir.path().join("latency.hgrm").exists() && dir.path().join("latency.02.hgrm").exists());
}

#[test]
fn a_rate_at_which_the_generator_was_the_limit_is_told_by_itself() {
    let (dir, _) = stepped("\"errors<1%\"");
    let mut run = Run::open(dir.path()).unwrap();
    let from = run.intervals.len() / 2;
    for (index, interval) in run.intervals.iter_mut().enumerate() {
        // Over the whole load it needed the CPU for less than nine tenths of the time.
        interval.worker_cpu.record(if index < from { 100_000 } else { 990_000 }).unwrap();
    }
    let found = summary(&run);
    assert_eq!((found.verdict.as_str(), found.generator.limited), ("unknown", true));
    assert!(found.reasons[0].starts_with("step 2 of 2") && found.reasons[0].contains("99 %"), "{found:?}");
    let limited: Vec<bool> = found.by_stage.iter().map(|stage| stage.generator_limited).collect();
    assert_eq!(limited, [false, true]);
    assert!(load_text(&found).contains("(generator-limited)"));
    assert!(reports::findings(&run).generator_limited);
}

#[test]
fn objectives_on_different_rates_are_judged_for_each_by_itself() {
    let (_dir, whole) = stepped("\"errors<50%\"");
    // 43.9 % over all of it, and more in the worse half.
    assert_eq!(whole.verdict, "fail");
    assert!(whole.reasons[0].starts_with("errors<50% broken: ") && whole.reasons[0].contains(" in step "));
    assert_eq!(judged("\"errors<50%\"").verdict, "pass");
    let (_dir, met) = stepped("\"p50<5s\"");
    assert!(met.reasons[0].contains("at worst, in step"), "{:?}", met.reasons);
}

#[test]
fn an_objective_of_one_request_is_held_against_that_request_alone() {
    let (dir, of) = {
        let dir = changed(|_| {});
        let of = summary(&Run::open(dir.path()).unwrap()).by_request;
        (dir, of)
    };
    drop(dir);
    let (best, worst) = {
        let p50 = |name: &&String| of[*name].latency_us.as_ref().unwrap().p50;
        (of.keys().min_by_key(p50).unwrap().clone(), of.keys().max_by_key(p50).unwrap().clone())
    };
    let bound = of[&worst].latency_us.as_ref().unwrap().p50;
    assert!(
        of[&best].latency_us.as_ref().unwrap().p50 < bound,
        "the two must differ for this to say anything"
    );
    let both = judged(&format!("\"{best}:p50<{bound}us\", \"{worst}:p50<{bound}us\""));
    assert!(
        both.reasons[0].contains(" met: ") && both.reasons[1].contains(" broken: "),
        "{:?}",
        both.reasons
    );
    assert_eq!(judged("\"nobody:p50<1s\"").verdict, "unknown");
}

#[test]
fn a_comparison_shows_the_ceilings_that_were_searched_for() {
    let root = tempfile::tempdir().unwrap();
    let dirs = synthetic::write(root.path()).unwrap();
    for (dir, factor) in dirs.iter().zip([1.0, 2.0]) {
        let mut ceiling = synthetic::ceiling();
        ceiling.lower_hz = ceiling.lower_hz.map(|hz| hz * factor);
        ceiling.upper_hz = ceiling.upper_hz.map(|hz| hz * factor);
        let kept = dir.join(record::CEILING_DIR);
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("ceiling.json"), record::derived::to_json(&ceiling).unwrap()).unwrap();
    }
    let comparison = write(&dirs, root.path(), Settings::default()).unwrap();
    let table = verdict_table(&comparison, 120);
    assert!(table.contains("sustains 1,950/s") && table.contains("sustains 3,900/s"), "{table}");
    let page = fs::read_to_string(root.path().join("report.html")).unwrap();
    assert!(page.contains("sustains 3,900"));
    let pair = comparison.file.pairs.iter().find(|pair| pair.metric == "ceiling_lower_hz").unwrap();
    assert_eq!((pair.ratio, pair.verdict.as_str()), (Some(2.0), "better"));
    // The trials stay with the search.
    assert!(comparison.file.designs.iter().all(|design| design.ceiling.as_ref().unwrap().trials.is_empty()));
}

#[test]
fn claims_that_were_measured_beside_a_comparison_stand_on_its_page() {
    let dir = changed(|_| {});
    assert!(!page(dir.path()).contains("id=\"claims\""), "a page of claims that nobody measured");
    let claim = ClaimFile {
        design: "0-simple".to_owned(),
        id: "spof".to_owned(),
        claim: "Every part is a single point of failure.".to_owned(),
        experiment: "kill each part in turn".to_owned(),
        measured: "web away 3.0 s, page down 3.1 s".to_owned(),
        verdict: "does not hold".to_owned(),
        reasons: vec!["page <went> on".to_owned()],
        figures: BTreeMap::new(),
    };
    let text = to_json(&ClaimsFile::new(vec![claim])).unwrap();
    fs::write(dir.path().join("claims.json"), text).unwrap();
    let text = text_of(&page(dir.path()));
    for said in
        ["Every part is", "kill each part", "page down 3.1 s", "does not hold", "page &lt;went&gt; on"]
    {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}
