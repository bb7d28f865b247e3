//! Verbs that need a lab run themselves again inside the sandbox.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use targets::parts::{self, PartsRoot, Progress, Set};
use targets::seal::{self, Sealed};

use crate::failure::{Code, Failure, OrFail, code_of};

/// How often progress is printed where there is no terminal to draw on.
const PRINT_EVERY: Duration = Duration::from_secs(2);

/// Where a verb that needs a lab finds itself.
pub(crate) enum Place {
    /// In the sandbox: go on.
    Inside(Sealed, PartsRoot),
    /// The sandboxed command has ended like this.
    Outside(ExitCode),
}

/// Outside the sandbox: makes it, runs this command line in it and says how that ended. Inside: says so.
pub(crate) fn enter(label: &str) -> Result<Place, Failure> {
    if let Some(sealed) = seal::sealed() {
        let parts = parts::locate().ok_or_else(|| {
            Failure::new(Code::Environment, anyhow::anyhow!("the parts are gone: run `brownout setup`"))
        })?;
        return Ok(Place::Inside(sealed, parts));
    }
    let parts = ensure_parts(Set::Stack)?;
    let status = seal::run_sealed(&parts.root, label).or_fail(Code::Environment)?;
    Ok(Place::Outside(ExitCode::from(code_of(status))))
}

/// Gets the parts of `set` unless they are there, with progress on standard error.
pub(crate) fn ensure_parts(set: Set) -> Result<PartsRoot, Failure> {
    if let Some(root) = parts::locate_set(set) {
        return Ok(root);
    }
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let plain = bar.is_hidden();
    let mut printed: Option<Instant> = None;
    let result = parts::ensure(set, &mut |progress: Progress| {
        if plain {
            if printed.is_none_or(|at| at.elapsed() >= PRINT_EVERY) {
                eprintln!("{progress}");
                printed = Some(Instant::now());
            }
        } else {
            bar.set_message(progress.to_string());
            bar.tick();
        }
    });
    bar.finish_and_clear();
    result.or_fail(Code::Environment)
}

/// Where runs are kept unless `--out` says otherwise.
pub(crate) fn runs_root() -> PathBuf {
    PathBuf::from("runs")
}
