//! Writes what is derived from records. Nothing else in this crate touches a file.

use std::path::{Path, PathBuf};

use record::derived::{CLAIMS_FILE, CeilingFile, ClaimsFile, to_json};
use record::{RecordError, Run, write_whole};
use thiserror::Error;

use crate::compare::{Comparison, compare};
use crate::junit::junit;

/// What a report shows of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether what a design's own monitor saw stands beside the generator's count. Without it everything is derived as
    /// if the design had no monitor.
    pub monitor: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { monitor: true }
    }
}

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A record could not be read, or a file not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A chart could not be drawn.
    #[error("cannot draw the chart `{chart}`: {reason} (please report this)")]
    Chart {
        /// Its title.
        chart: String,
        /// What plotters said.
        reason: String,
    },
    /// A page could not be put together.
    #[error("cannot write the page: {0} (please report this)")]
    Page(#[from] minijinja::Error),
    /// There is nothing to report on.
    #[error("no run directory was given: name one or more")]
    NoRuns,
}

/// Reads the records in `run_dirs`, writes `findings.json`, `summary.json`, `junit.xml`, `intervals.csv` and
/// `latency.hgrm` (one for each stretch where the rate differed) into each of them, and
/// `report.html` into `out`, with `comparison.json` beside it when there are several. Where `claims.json` stands in
/// `out`, the page has its table. Everything comes from the records: delete the files and write again with the same
/// `settings`, and they are the same byte for byte.
///
/// # Errors
///
/// When a record cannot be read, or a file not be written.
pub fn write(run_dirs: &[PathBuf], out: &Path, settings: Settings) -> Result<Comparison, ReportError> {
    if run_dirs.is_empty() {
        return Err(ReportError::NoRuns);
    }
    let mut runs = run_dirs.iter().map(|dir| Run::open(dir)).collect::<Result<Vec<Run>, _>>()?;
    if !settings.monitor {
        runs.iter_mut().for_each(|run| run.monitor = None);
    }
    let comparison = compare(runs, None);
    for report in &comparison.runs {
        let dir = &report.run.dir;
        write_whole(&dir.join("findings.json"), to_json(&report.findings)?.as_bytes())?;
        write_whole(&dir.join("summary.json"), to_json(&report.summary)?.as_bytes())?;
        let junit = junit(&report.summary, &report.findings, &report.run.plan.objectives);
        write_whole(&dir.join("junit.xml"), junit.as_bytes())?;
        for (name, text) in crate::outputs::files(&report.run) {
            write_whole(&dir.join(name), text.as_bytes())?;
        }
    }
    if comparison.runs.len() > 1 {
        write_whole(&out.join("comparison.json"), to_json(&comparison.file)?.as_bytes())?;
    }
    let claims: Option<ClaimsFile> = record::derived::read(&out.join(CLAIMS_FILE))?;
    write_whole(&out.join("report.html"), crate::page::html(&comparison, claims.as_ref())?.as_bytes())?;
    Ok(comparison)
}

/// Writes `ceiling.json` and the page of it, `report.html`, into `out`.
///
/// # Errors
///
/// When a chart cannot be drawn, or a file not be written.
pub fn write_ceiling(file: &CeilingFile, out: &Path) -> Result<(), ReportError> {
    write_whole(&out.join("ceiling.json"), to_json(file)?.as_bytes())?;
    write_whole(&out.join("report.html"), crate::page::ceiling_page(file)?.as_bytes())?;
    Ok(())
}
