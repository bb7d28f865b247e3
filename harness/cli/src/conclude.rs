//! What a verb that ends in a result does at its end: findings, report, the result on standard output, the exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use model::Verdict;
use record::Run;
use record::derived::{SummaryFile, to_json};
use reports::{Comparison, ReportError, Settings, load_text, verdict_table};

use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::Measured;
use crate::outputs::OutputArgs;

/// Width of the verdict table where the terminal does not say.
const WIDTH: usize = 100;

/// The command line that makes the same run again, for the record: without secrets, which have to be given anew.
pub(crate) fn command_line() -> String {
    let word = |arg: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=%,@+".contains(c);
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    };
    let args: Vec<String> = record::without_secrets(std::env::args().skip(1)).into_iter().map(word).collect();
    format!("brownout {}", args.join(" "))
}

/// Ends a run: writes what is derived from its record, prints the result, and says how it ended.
pub(crate) fn run(
    dir: &Path,
    measured: &Measured,
    interrupt: &Interrupt,
    json: bool,
    outputs: &OutputArgs,
    settings: Settings,
) -> Result<ExitCode, Failure> {
    let comparison = write(&[dir.to_owned()], dir, settings)?;
    let copied = outputs.copy_from(dir);
    let summary = &comparison.runs[0].summary;
    if json {
        print!("{}", to_json(summary).or_fail(Code::Bug)?);
    } else if comparison.runs[0].run.inventory.is_some() {
        println!("{}", verdict_table(&comparison, width()));
        println!("report: {}", absolute(&dir.join("report.html")).display());
    } else {
        print!("{}", load_text(summary));
    }
    // The result comes first: a file that cannot be written must not hide it.
    let ended = ended(comparison.verdict(), &summary.reasons, measured, interrupt);
    copied.and(ended)
}

/// Ends a load whose record is not kept: prints the result and draws no page that nobody would see.
pub(crate) fn unkept(
    dir: &Path,
    measured: &Measured,
    interrupt: &Interrupt,
    json: bool,
) -> Result<ExitCode, Failure> {
    let summary = reports::summary(&Run::open(dir).or_fail(Code::Bug)?);
    if json {
        print!("{}", to_json(&summary).or_fail(Code::Bug)?);
    } else {
        print!("{}", load_text(&summary));
    }
    judged(&summary, measured, interrupt)
}

/// Ends a run whose report is a comparison's.
pub(crate) fn quietly(dir: &Path, measured: &Measured, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let run = Run::open(dir).or_fail(Code::Bug)?;
    judged(&reports::summary(&run), measured, interrupt)
}

fn judged(summary: &SummaryFile, measured: &Measured, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let verdict = match summary.verdict.as_str() {
        "pass" => Verdict::Pass,
        "fail" => Verdict::Fail,
        _ => Verdict::Unknown,
    };
    ended(verdict, &summary.reasons, measured, interrupt)
}

/// Ends a comparison.
pub(crate) fn compare(dirs: &[PathBuf], out: &Path, json: bool, settings: Settings) -> Result<(), Failure> {
    let comparison = write(dirs, out, settings)?;
    if json {
        print!("{}", to_json(&comparison.file).or_fail(Code::Bug)?);
    } else {
        println!("\n{}", verdict_table(&comparison, width()));
        println!("report: {}", absolute(&out.join("report.html")).display());
    }
    Ok(())
}

/// Draws the report of recorded runs again.
pub(crate) fn again(
    given: &[PathBuf],
    out: Option<&Path>,
    json: bool,
    settings: Settings,
) -> Result<ExitCode, Failure> {
    let mut dirs = Vec::new();
    for dir in given {
        dirs.extend(runs_in(dir)?);
    }
    let out = out.unwrap_or(&given[0]);
    if let [dir] = &dirs[..]
        && json
    {
        let comparison = write(std::slice::from_ref(dir), out, settings)?;
        print!("{}", to_json(&comparison.runs[0].findings).or_fail(Code::Bug)?);
        return Ok(ExitCode::SUCCESS);
    }
    compare(&dirs, out, json, settings)?;
    Ok(ExitCode::SUCCESS)
}

/// The run that `dir` is, or the runs that it holds, in the order in which they were made.
fn runs_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_run = |dir: &Path| dir.join("plan.toml").is_file();
    if is_run(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let entries = std::fs::read_dir(dir).map_err(|error| {
        Failure::new(Code::Input, anyhow!("cannot read the run directory {}: {error}", dir.display()))
    })?;
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_run(path)).collect();
    // The baseline was made first.
    let made = |dir: &PathBuf| Run::open(dir).map(|run| run.machine.started_utc).unwrap_or_default();
    found.sort_by_cached_key(|dir| (made(dir), dir.clone()));
    if found.is_empty() {
        let message = anyhow!("{} is no run directory and holds none: there is no plan.toml", dir.display());
        return Err(Failure::new(Code::Input, message));
    }
    Ok(found)
}

fn write(dirs: &[PathBuf], out: &Path, settings: Settings) -> Result<Comparison, Failure> {
    reports::write(dirs, out, settings).map_err(|error| {
        let code = match &error {
            ReportError::Record(_) => Code::Environment,
            ReportError::NoRuns => Code::Input,
            ReportError::Chart { .. } | ReportError::Page(_) => Code::Bug,
        };
        Failure::new(code, error)
    })
}

fn ended(
    verdict: Verdict,
    reasons: &[String],
    measured: &Measured,
    interrupt: &Interrupt,
) -> Result<ExitCode, Failure> {
    if !measured.unhealed.is_empty() {
        return Err(Failure::new(Code::Unhealed, anyhow!(measured.unhealed.join("; "))));
    }
    // An interrupted run is kept but not judged.
    interrupt.check()?;
    if let Some(why) = &measured.unsteady {
        return Err(Failure::new(
            Code::Fail,
            anyhow!("nothing was injected into a stack that is failing: {why}"),
        ));
    }
    let judged = |code, word| Err(Failure::new(code, anyhow!("verdict {word}: {}", reasons.join("; "))));
    match verdict {
        Verdict::Pass => Ok(ExitCode::SUCCESS),
        Verdict::Fail => judged(Code::Fail, "fail"),
        Verdict::Unknown => judged(Code::Unknown, "unknown"),
    }
}

/// The terminal's width, or a page's where there is none.
pub(crate) fn width() -> usize {
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns),
        None => WIDTH,
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
