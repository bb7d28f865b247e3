//! Verbs that Brownout runs itself with; no person types them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use targets::{control, seal};

use crate::failure::{Code, Failure, OrFail, code_of};

/// Runs the inner verb that `args` begins with; `None` when it begins with none.
pub(crate) fn run(args: &[OsString]) -> Option<Result<ExitCode, Failure>> {
    let verb = args.first()?.to_str()?;
    match verb {
        "lab-init" => Some(init(&args[1..])),
        "lab-janitor" => Some(janitor(&args[1..])),
        control::VERB => Some(ask(&args[1..])),
        _ => None,
    }
}

fn init(args: &[OsString]) -> Result<ExitCode, Failure> {
    let [parts, rest @ ..] = args else {
        return Err(Failure::new(Code::Bug, anyhow!("lab-init needs the parts' folder")));
    };
    let status = seal::init(Path::new(parts), rest).or_fail(Code::Environment)?;
    Ok(ExitCode::from(code_of(status)))
}

fn janitor(args: &[OsString]) -> Result<ExitCode, Failure> {
    let cgroups: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
    seal::janitor(&cgroups).or_fail(Code::Bug)?;
    Ok(ExitCode::SUCCESS)
}

fn ask(args: &[OsString]) -> Result<ExitCode, Failure> {
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let [verb, node, process] = words[..] else {
        return Err(Failure::new(
            Code::Input,
            anyhow!("usage: {} start|stop|ready NODE PROCESS", control::VERB),
        ));
    };
    control::ask(verb, node, process).map_err(|why| Failure::new(Code::Bug, anyhow!(why)))?;
    Ok(ExitCode::SUCCESS)
}
