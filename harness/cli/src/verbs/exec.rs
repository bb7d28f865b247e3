//! `brownout exec NODE -- CMD`: a command on a node of a running lab.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, anyhow};
use clap::Args;
use model::Reach;
use targets::seal::{self, RUN_DIR};
use targets::{RunningLab, namespace_path, running_labs};

use crate::failure::{Code, Failure, OrFail, code_of};

/// Runs a command on a node of a running lab
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Node of the lab, as `brownout up` shows it
    node: String,
    /// Which lab, when several are up: the number that the error message shows
    #[arg(long, value_name = "NUMBER")]
    lab: Option<i32>,
    /// Command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(crate) fn run(args: &ExecArgs) -> Result<ExitCode, Failure> {
    let lab = choose(&running_labs(), args.lab)?;
    seal::enter(&lab).or_fail(Code::Environment)?;
    let net = namespace_path(&args.node);
    if !net.exists() {
        let known: Vec<String> = std::fs::read_dir(Path::new(RUN_DIR).join("net"))
            .map(|entries| entries.flatten().map(|entry| entry.file_name().display().to_string()).collect())
            .unwrap_or_default();
        let message = anyhow!("no node `{}` in {}: use one of {}", args.node, lab.label, known.join(", "));
        return Err(Failure::new(Code::Input, message));
    }
    let listed =
        std::fs::read_to_string(Path::new(RUN_DIR).join("cgroups").join(&args.node)).unwrap_or_default();
    for procs in listed.lines().map(PathBuf::from) {
        std::fs::write(&procs, "0")
            .with_context(|| format!("cannot join {}", procs.display()))
            .or_fail(Code::Environment)?;
    }
    reach::join(&Reach::Namespace { net, cgroup_procs: Vec::new() }).or_fail(Code::Environment)?;
    let status = Command::new(&args.command[0])
        .args(&args.command[1..])
        .env("PATH", seal::PATH)
        .status()
        .with_context(|| format!("cannot run `{}`", args.command[0]))
        .or_fail(Code::Input)?;
    Ok(ExitCode::from(code_of(status)))
}

fn choose(labs: &[RunningLab], wanted: Option<i32>) -> Result<RunningLab, Failure> {
    let found: Vec<&RunningLab> =
        labs.iter().filter(|lab| wanted.is_none_or(|guard| guard == lab.guard)).collect();
    match found[..] {
        [lab] => Ok(lab.clone()),
        [] => Err(Failure::new(Code::Input, anyhow!("no lab is up: start one by `brownout up DESIGN`"))),
        _ => {
            let list: Vec<String> =
                labs.iter().map(|lab| format!("--lab {} ({})", lab.guard, lab.label)).collect();
            Err(Failure::new(Code::Input, anyhow!("several labs are up: choose {}", list.join(" or "))))
        }
    }
}
