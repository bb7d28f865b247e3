//! Reports as a reader sees them: in a real browser, in light and dark, on a desk, a phone and paper.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

mod devtools;
mod view;

use std::fs;
use std::path::{Path, PathBuf};

use reports::explain::{self, Explained};
use reports::synthetic::resilient;
use reports::{Settings, synthetic};

use devtools::Browser;
use view::{DESKTOP_DARK, DESKTOP_LIGHT, PHONE_DARK, PHONE_LIGHT, PRINT, View, complaints, picture};

/// The one page that does not say that it fits any window.
const NO_VIEWPORT: &str = "<p>for a desk</p>";

fn page(html: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page.html");
    let head = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>";
    let viewport = "<meta name=viewport content='width=device-width'>";
    fs::write(&path, format!("{head}{}{html}", if html == NO_VIEWPORT { "" } else { viewport })).unwrap();
    (dir, path)
}

/// Without this a check that sees nothing would pass for a page without faults.
#[test]
fn each_fault_of_a_page_is_seen() {
    let faults = [
        ("", "1 or more"),
        ("<svg role=img width=0 height=0><title>t</title></svg>", "cannot be seen"),
        ("<svg role=img width=50 height=50></svg>", "has no title"),
        (
            "<svg width=200 height=50><text x=10 y=20>one</text><text x=14 y=22>two</text></svg>",
            "\"one\" and \"two\" overlap",
        ),
        ("<svg width=50 height=50><text x=40 y=20>beyond</text></svg>", "\"beyond\" is cut off"),
        (
            "<div class=wide style='width:900px'>x</div>",
            "px wide in a window of 390 px: <div class=\"wide\">",
        ),
        (NO_VIEWPORT, "fits a phone's width"),
        ("<p style='color:#bbb'>hard to read</p>", "\"hard to read\" is faint"),
        ("<script>console.log('hello')</script>", "the console says \"hello\""),
        ("<script>throw new Error('x')</script>", "a script failed"),
        ("<img src='http://203.0.113.8/x.png' alt=''>", "the page asks for http://203.0.113.8/x.png"),
    ];
    let mut browser = Browser::start();
    for (html, expected) in faults {
        let (_dir, path) = page(html);
        let found = complaints(&mut browser, &path, PHONE_LIGHT, usize::from(html.is_empty()));
        assert!(found.iter().any(|what| what.contains(expected)), "{html}: {found:?}");
    }
}

#[test]
fn a_page_without_faults_is_found_to_have_none() {
    let html = "<style>:root{color-scheme:light dark}</style>\
        <h1>Report</h1><div style='overflow-x:auto'><div style='width:900px'>wide, in a frame of its own</div></div>\
        <figure><table><tr><td>1</td></tr></table><svg role=img width=300 height=60><title>A chart</title><text x=10 y=20>one</text><text x=10 y=36>two</text>\
        <text x=100 y=20 stroke='white'>halo</text><text x=100 y=20>halo</text></svg></figure>";
    let (_dir, path) = page(html);
    let mut browser = Browser::start();
    for view in [DESKTOP_LIGHT, DESKTOP_DARK, PHONE_LIGHT] {
        assert_eq!(complaints(&mut browser, &path, view, 1), [""; 0]);
        let png = fs::read(picture(&mut browser, &format!("plain-{}", view.name))).unwrap();
        assert_eq!(png[1..4], *b"PNG");
    }
}

/// Every view of a report, with a picture of each in `target/browser/`.
fn look_at(name: &str, page: &Path, charts: usize) {
    const VIEWS: [View; 5] = [DESKTOP_LIGHT, DESKTOP_DARK, PHONE_LIGHT, PHONE_DARK, PRINT];
    let mut browser = Browser::start();
    let mut found = Vec::new();
    for view in VIEWS {
        found.extend(complaints(&mut browser, page, view, charts));
        picture(&mut browser, &format!("{name}-{}", view.name));
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_comparison_of_two_designs_is_fit_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let runs = synthetic::write(dir.path()).unwrap();
    reports::write(&runs, dir.path(), Settings::default()).unwrap();
    // A diagram and a chart of the whole run for each of two designs, and a chart of each under each of three faults.
    look_at("comparison", &dir.path().join("report.html"), 2 + 2 + 2 * 3);
}

#[test]
fn the_report_of_one_run_is_fit_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let runs = synthetic::write(dir.path()).unwrap();
    reports::write(&runs[..1], &runs[0], Settings::default()).unwrap();
    look_at("one-run", &runs[0].join("report.html"), 1 + 1 + 3);
}

#[test]
fn a_design_explained_is_fit_to_be_read() {
    let (inventory, words) = (resilient::resilient(), resilient::words());
    let (zone, terms, measured) = (resilient::zone(), resilient::terms(), resilient::measured());
    let explained = Explained {
        inventory: &inventory,
        words: Some(&words),
        zone: &zone,
        terms: &terms,
        measured: &measured,
    };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("design.html");
    fs::write(&page, reports::explain_page(&explained).unwrap()).unwrap();
    look_at("explain", &page, 1);
    // The drawing by itself, in which no words of the page stand around it.
    let drawing = dir.path().join("design.svg.html");
    let head = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><meta name=viewport content='width=device-width'><style>body{margin:0;overflow-x:auto}</style>";
    let table = "<table><tr><td>1</td></tr></table>";
    fs::write(&drawing, format!("{head}<figure>{}{table}</figure>", explain::picture(&inventory))).unwrap();
    let mut browser = Browser::start();
    let wide = View { width: 1600, ..DESKTOP_LIGHT };
    assert_eq!(complaints(&mut browser, &drawing, wide, 1), [""; 0]);
}
