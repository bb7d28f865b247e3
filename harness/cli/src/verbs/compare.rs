//! `brownout compare DESIGN...` and `demo`: the same load, scenario and schedule over each design, then one report.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use targets::parts::Set;
use targets::{Design, seal};

use crate::bring_up::design_failure;
use crate::conclude;
use crate::failure::{Code, Failure, OrFail, code_of};
use crate::interrupt::Interrupt;
use crate::page::PageArgs;
use crate::sandbox::{ensure_parts, runs_root};
use crate::schedule;

/// How close the bounds of a ceiling are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// Within 15 %
    Rough,
    /// Within 5 %
    Quick,
    /// Within 2 %
    Full,
}

/// Options of searches that tell designs apart. Their objective is laxer than a search's own 50 ms: many small nodes on few
/// cores now and then wait for one of them for so long even where there is room, and the question is how much they can do.
/// Small nodes take long to open many connections, too.
pub(crate) const LAX: [&str; 6] = ["--slo", "p99<200ms", "--slo", "errors<0.1%", "--connections", "16"];

/// Puts the same load and the same faults on several designs, and draws one report
#[derive(Debug, Clone, Args)]
pub(crate) struct CompareArgs {
    /// Designs, the first of which is the baseline
    #[arg(required_unless_present = "all", num_args = 1..)]
    pub(crate) designs: Vec<String>,
    /// All built-in designs
    #[arg(long, conflicts_with = "designs")]
    pub(crate) all: bool,
    /// The short schedule `demo` (35 s for each design) in place of `thorough`
    #[arg(long, conflicts_with = "schedule")]
    pub(crate) quick: bool,
    /// File, or the name of a ready-made schedule
    #[arg(long, value_name = "SCHEDULE", default_value = "thorough")]
    pub(crate) schedule: String,
    /// Search for the ceiling of each design too: `rough` takes less than a minute for each (p99<200ms, 16 connections), `quick`
    /// two and `full` ten (p99<50ms, 64 connections)
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) ceiling: Option<Search>,
    /// Measure what is claimed about the designs too; with --quick in less time
    #[arg(long)]
    pub(crate) claims: bool,
    /// Arrivals per second, the same for every design
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) rate: Option<f64>,
    /// How long the measured load of each design lasts
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// What is sent: a TOML file of weighted requests
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// All randomness comes from it
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Where the records and the report are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the comparison as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    if args.all {
        return run(&CompareArgs { designs: targets::builtin_designs(), all: false, ..args.clone() });
    }
    let schedule = if args.quick { "demo" } else { &args.schedule };
    check(args, schedule)?;
    // Here, so that its progress is seen once and not from within a rehearsal.
    ensure_parts(Set::Stack)?;
    let interrupt = Interrupt::listen()?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => runs_root().join(record::run_id("compare", args.seed, SystemTime::now())),
    };
    let mut worst = 0;
    let mut dirs = Vec::new();
    for (index, design) in args.designs.iter().enumerate() {
        eprintln!("[{}/{}] {design}", index + 1, args.designs.len());
        let dir = out.join(folder_name(design));
        let code = code_of(rehearse(args, schedule, design, &dir, &interrupt)?);
        interrupt.check()?;
        match code {
            // Pass, fail and unknown are results, and a comparison shows them.
            0 | 3 | 4 => worst = worst.max(if code == 4 && worst == 3 { 3 } else { code }),
            _ => {
                return Err(Failure {
                    code,
                    reason: anyhow!("the rehearsal of {design} ended with exit code {code}"),
                });
            }
        }
        if let Some(how) = args.ceiling {
            let scenario = args.scenario.as_deref().map(|path| [OsStr::new("--scenario"), path.as_os_str()]);
            let objectives = LAX.iter().filter(|_| how == Search::Rough).map(OsStr::new);
            let options: Vec<&OsStr> = scenario.into_iter().flatten().chain(objectives).collect();
            search(how, design, &dir.join(record::CEILING_DIR), args.seed, &options, &interrupt)?;
            interrupt.check()?;
        }
        dirs.push(dir);
    }
    if args.claims {
        measure_claims(args, &out, &interrupt)?;
        interrupt.check()?;
    }
    conclude::compare(&dirs, &out, args.json, args.page.settings())?;
    Ok(ExitCode::from(worst))
}

/// Everything that can be wrong is found before the first design comes up.
fn check(args: &CompareArgs, name: &str) -> Result<(), Failure> {
    let schedule = schedule::find(name)?;
    for (index, name) in args.designs.iter().enumerate() {
        let design = Design::find(name).map_err(design_failure)?;
        let inventory = targets::intended(&design).or_fail(Code::Input)?;
        chaos::resolve(&schedule, &inventory, model::Seed(args.seed))
            .with_context(|| format!("{name} does not fit the schedule"))
            .or_fail(Code::Input)?;
        if args.designs[..index].contains(name) {
            return Err(Failure::new(
                Code::Input,
                anyhow!("{name} is named twice: compare different designs"),
            ));
        }
    }
    Ok(())
}

/// The folder of a design's records.
pub(crate) fn folder_name(design: &str) -> String {
    Path::new(design)
        .file_name()
        .map_or_else(|| "design".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn rehearse(
    args: &CompareArgs,
    schedule: &str,
    design: &str,
    dir: &Path,
    interrupt: &Interrupt,
) -> Result<ExitStatus, Failure> {
    let exe = std::env::current_exe().context("cannot find this program's file").or_fail(Code::Bug)?;
    let mut command = Command::new(exe);
    command.args(["rehearse", design, "--schedule", schedule, "--within-comparison"]);
    command.arg("--seed").arg(args.seed.to_string()).arg("--out").arg(dir);
    if let Some(rate) = args.rate {
        command.arg("--rate").arg(rate.to_string());
    }
    if let Some(duration) = args.duration {
        command.arg("--duration").arg(humantime::format_duration(duration).to_string().replace(' ', ""));
    }
    if let Some(scenario) = &args.scenario {
        command.arg("--scenario").arg(scenario);
    }
    spawn(command, interrupt)
}

/// Searches for the ceiling of a design, with more options of `brownout ceiling`; what it found, and whether it did,
/// stands in its file.
pub(crate) fn search(
    how: Search,
    design: &str,
    dir: &Path,
    seed: u64,
    options: &[&OsStr],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let exe = std::env::current_exe().context("cannot find this program's file").or_fail(Code::Bug)?;
    let mut command = Command::new(exe);
    command.args(["ceiling", design, "--within-comparison", "--seed", &seed.to_string()]);
    command.arg("--out").arg(dir);
    match how {
        Search::Rough => command.arg("--rough"),
        Search::Quick => command.arg("--quick"),
        Search::Full => &mut command,
    };
    command.args(options);
    match code_of(spawn(command, interrupt)?) {
        0 | 3 | 4 | 130 | 143 => Ok(()),
        code => Err(Failure {
            code,
            reason: anyhow!("the search for the ceiling of {design} ended with exit code {code}"),
        }),
    }
}

/// Measures what is claimed about the designs. Whether it holds stands in the report and decides no exit code here.
fn measure_claims(args: &CompareArgs, out: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let exe = std::env::current_exe().context("cannot find this program's file").or_fail(Code::Bug)?;
    let mut command = Command::new(exe);
    command.arg("claims").args(&args.designs).arg("--within-comparison");
    command.arg("--seed").arg(args.seed.to_string()).arg("--out").arg(out);
    if args.quick {
        command.arg("--quick");
    }
    match code_of(spawn(command, interrupt)?) {
        0 | 3 | 4 | 130 | 143 => Ok(()),
        code => Err(Failure { code, reason: anyhow!("measuring the claims ended with exit code {code}") }),
    }
}

/// Runs another command of ours to its end.
pub(crate) fn spawn(mut command: Command, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
    let mut child = command
        .env(seal::PARENT, std::process::id().to_string())
        .spawn()
        .context("cannot start a part of the comparison")
        .or_fail(Code::Bug)?;
    wait(&mut child, interrupt)
}

/// Waits for a rehearsal, passing a signal on to it once.
fn wait(child: &mut Child, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
    let mut passed_on = false;
    loop {
        if let Some(status) = child.try_wait().or_fail(Code::Bug)? {
            return Ok(status);
        }
        if let Some(signal) = interrupt.signal().filter(|_| !passed_on) {
            passed_on = true;
            if let Ok(signal) = Signal::try_from(signal) {
                // From a terminal it has had the signal already; a second one changes nothing.
                let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}
