//! Verbs that need a lab run themselves again inside the sandbox.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use targets::Design;
use targets::parts::{self, PartsError, PartsRoot, Progress, Set};
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

/// Outside the sandbox: makes it for `design`, runs this command line in it and says how that ended. Inside: says so.
pub(crate) fn enter(design: &Design) -> Result<Place, Failure> {
    let needed = |parts: &PartsRoot| parts.node_modules.is_none() && design.needs_node_modules();
    if let Some(sealed) = seal::sealed() {
        let parts = parts::locate().filter(|parts| !needed(parts)).ok_or_else(|| {
            Failure::new(Code::Environment, anyhow::anyhow!("the parts are gone: run `brownout setup`"))
        })?;
        return Ok(Place::Inside(sealed, parts));
    }
    let parts = ensure_parts(Set::Stack)?;
    if needed(&parts) {
        ensure_node_modules().or_fail(Code::Environment)?;
    }
    let status = seal::run_sealed(&parts.root, &design.topology.name).or_fail(Code::Environment)?;
    Ok(Place::Outside(ExitCode::from(code_of(status))))
}

/// Gets the parts of `set` unless they are there, with progress on standard error.
pub(crate) fn ensure_parts(set: Set) -> Result<PartsRoot, Failure> {
    if let Some(root) = parts::locate_set(set) {
        return Ok(root);
    }
    with_progress(|progress| parts::ensure(set, progress)).or_fail(Code::Environment)
}

/// Gets the application's modules for Node.js unless they are there, with progress on standard error.
pub(crate) fn ensure_node_modules() -> Result<PathBuf, PartsError> {
    with_progress(parts::ensure_node_modules)
}

fn with_progress<T>(get: impl FnOnce(&mut dyn FnMut(Progress)) -> T) -> T {
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let plain = bar.is_hidden();
    let mut printed: Option<Instant> = None;
    let result = get(&mut |progress: Progress| {
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
    result
}

/// Where runs are kept unless `--out` says otherwise.
pub(crate) fn runs_root() -> PathBuf {
    PathBuf::from("runs")
}
