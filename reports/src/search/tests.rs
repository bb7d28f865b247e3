use record::derived::CeilingFile;

use super::{ceiling_text, load, median, sentence};
use crate::ReportError;
use crate::page::ceiling_page;
use crate::synthetic::ceiling;

fn ended(verdict: &str, lower_hz: Option<f64>, upper_hz: Option<f64>) -> CeilingFile {
    CeilingFile { verdict: verdict.to_owned(), lower_hz, upper_hz, ..ceiling() }
}

#[test]
fn each_verdict_is_said_plainly_with_the_lower_bound_as_the_figure() {
    let (lower, upper) = (Some(1950.0), Some(2050.0));
    for (file, said) in [
        (ended("found", lower, upper), "0-simple sustains 1,950 requests/s; 2,050 is too much"),
        (ended("at_least", lower, None), "sustains at least 1,950 requests/s: no load that was tried"),
        (ended("no_passing_load", None, Some(5.0)), "no passing load; even 5 requests/s is too much"),
        (ended("no_passing_load", None, None), "no passing load"),
        (ended("generator_limited", lower, None), "at least 1,950 requests/s; generator limited"),
        (ended("generator_limited", None, None), "generator limited"),
        (ended("too_noisy", lower, upper), "too noisy to say; as far as it goes, sustains 1,950"),
        (ended("deadline", None, None), "ended before it was done"),
        (ended("interrupted", lower, None), "interrupted; so far sustains at least 1,950"),
        (ended("found", None, None), "no load is known"),
    ] {
        assert!(sentence(&file).contains(said), "{said:?} is not in {:?}", sentence(&file));
    }
}

#[test]
fn the_text_has_the_verdict_first_and_then_what_it_rests_on() {
    let text = ceiling_text(&ceiling());
    assert!(
        text.starts_with("verdict      0-simple sustains 1,950 requests/s; 2,050 is too much\n"),
        "{text}"
    );
    for said in [
        "1,950/s (trials: 7 good, 0 bad, 2 invalid)",
        "2,050/s (trials: 0 good, 4 bad, 0 invalid)",
        "4.9 % (aimed at 5.0 %)",
        "p99<50ms",
        "1,947/s at the sustained load",
        "33 trials",
        "(not the ceiling)",
    ] {
        assert!(text.contains(said), "{said:?} is not in:\n{text}");
    }
    assert!(!text.contains("2,000"), "a point between the bounds is no result:\n{text}");
}

#[test]
fn the_page_has_the_words_and_the_numbers_and_is_the_same_each_time() -> Result<(), ReportError> {
    let file = ceiling();
    let page = ceiling_page(&file)?;
    for said in [
        "<h1>0-simple sustains 1,950 requests&#x2f;s; 2,050 is too much</h1>",
        "<td>7 good, 0 bad, 2 invalid</td>",
        "<dt>Limited by</dt><dd>p99&lt;50ms</dd>",
        "All 33 trials with their reasons",
        "another process took the CPU for 210 ms",
        "A description, not the ceiling",
        "the knee",
    ] {
        assert!(page.contains(said), "{said:?} is not in the page");
    }
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 3);
    assert!(!page.contains("<script") && !page.contains("http"));
    assert_eq!(page, ceiling_page(&file)?);
    Ok(())
}

#[test]
fn what_is_missing_leaves_a_page_all_the_same() -> Result<(), ReportError> {
    let file = CeilingFile {
        trials: Vec::new(),
        regular: false,
        soaked: Some(false),
        spurious_failures: Some(0.2),
        scalability: None,
        knee_hz: None,
        width: None,
        binding: None,
        goodput_at_lower_hz: None,
        target: "<b>".to_owned(),
        ..ended("no_passing_load", None, None)
    };
    let page = ceiling_page(&file)?;
    assert!(page.contains("<h1>&lt;b&gt;: no passing load</h1>") && page.contains("no trial was made"));
    assert!(page.contains("20.0 % of the trials") && !page.contains("A description, not the ceiling"));
    assert!(ceiling_text(&file).contains("width        – (aimed at 5.0 %)"));
    Ok(())
}

#[test]
fn loads_are_written_as_people_write_them() {
    assert_eq!([0.0, 5.0, 42.53, 99.97, 1950.2].map(load), ["0", "5", "42.5", "100", "1,950"]);
    assert_eq!(median([3.0, 1.0, 2.0, 9.0].into_iter()), Some(2.0));
    assert_eq!(median(std::iter::empty()), None);
}
