//! `brownout claims DESIGN...`: what is said about designs, measured.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Args;
use record::derived::{CLAIMS_FILE, ClaimFile, ClaimsFile, to_json};
use targets::claims::{Claim, Experiment};
use targets::parts::Set;
use targets::{Design, builtin_designs};

use crate::bring_up::{UnitArgs, design_failure};
use crate::claims::{Figures, Sitting, Task, judge, search_ceilings, sittings, with_settings};
use crate::conclude;
use crate::failure::{Code, Failure, OrFail, code_of};
use crate::interrupt::Interrupt;
use crate::sandbox::{ensure_parts, runs_root};
use crate::verbs::compare::{folder_name, spawn};

/// Measures what is claimed about designs: single points of failure, replication, no HTTPS, ...
#[derive(Debug, Args)]
pub(crate) struct ClaimsArgs {
    /// Built-in designs (`brownout designs` lists them) or folders that hold a topology.toml and a claims.toml
    #[arg(required_unless_present = "list", num_args = 1..)]
    pub(crate) designs: Vec<String>,
    /// Only these claims
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Print the claims and how each is measured, and measure nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Less time for each experiment
    #[arg(long)]
    pub(crate) quick: bool,
    /// All randomness comes from it
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Where the records, the logs and claims.json are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave the table to the comparison that this is a part of
    #[arg(long, hide = true)]
    pub(crate) within_comparison: bool,
    #[command(flatten)]
    pub(crate) unit: UnitArgs,
}

/// A design with those of its claims that were asked for.
struct Asked {
    /// What the command line calls it.
    given: String,
    design: Design,
    claims: Vec<Claim>,
}

pub(crate) fn run(args: &ClaimsArgs) -> Result<ExitCode, Failure> {
    let asked = decide(args)?;
    args.unit.unit()?;
    if args.list {
        for (design, claim) in asked.iter().flat_map(|one| one.claims.iter().map(move |claim| (one, claim))) {
            println!("{}  {}: {}\n    {}", design.given, claim.id, claim.claim, claim.how);
        }
        return Ok(ExitCode::SUCCESS);
    }
    // Here, so that its progress is seen once and not from within an experiment.
    ensure_parts(Set::Stack)?;
    let interrupt = Interrupt::listen()?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => runs_root().join(record::run_id("claims", args.seed, SystemTime::now())),
    };
    let file_path = out.join(CLAIMS_FILE);
    if file_path.exists() {
        let message = anyhow!("{} is there already: give another --out", file_path.display());
        return Err(Failure::new(Code::Input, message));
    }
    let mut claims = Vec::new();
    for one in &asked {
        claims.extend(one.measure(args, &out, &interrupt)?);
    }
    let file = ClaimsFile::new(claims);
    let text = to_json(&file).or_fail(Code::Bug)?;
    record::write_whole(&file_path, text.as_bytes()).or_fail(Code::Environment)?;
    if args.json {
        print!("{text}");
    } else if !args.within_comparison {
        print!("{}", reports::claims_text(&file, conclude::width()));
        println!("\nkept in {}", file_path.display());
    }
    ended(&file.claims)
}

fn ended(claims: &[ClaimFile]) -> Result<ExitCode, Failure> {
    let with = |verdict: &str| -> Vec<String> {
        let such = claims.iter().filter(|claim| claim.verdict == verdict);
        such.map(|claim| format!("{}/{}", claim.design, claim.id)).collect()
    };
    for (verdict, code) in [("does not hold", Code::Fail), ("unknown", Code::Unknown)] {
        let such = with(verdict);
        if !such.is_empty() {
            return Err(Failure::new(code, anyhow!("{verdict}: {}", such.join(", "))));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be wrong is found before the first lab comes up.
fn decide(args: &ClaimsArgs) -> Result<Vec<Asked>, Failure> {
    let all = if args.designs.is_empty() { builtin_designs() } else { args.designs.clone() };
    let wrong = |message: String| Err(Failure::new(Code::Input, anyhow!(message)));
    let mut asked: Vec<Asked> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for given in all {
        let design = Design::find(&given).map_err(design_failure)?;
        if asked.iter().any(|one| one.design.topology.name == design.topology.name) {
            return wrong(format!("{given} is named twice"));
        }
        let mut claims = design.claims().map_err(design_failure)?;
        if claims.is_empty() {
            return wrong(format!("{given} claims nothing: write its claims.toml (docs/claims.md)"));
        }
        known.extend(claims.iter().map(|claim| claim.id.clone()));
        claims.retain(|claim| args.only.is_empty() || args.only.contains(&claim.id));
        for claim in &claims {
            check(&given, claim)?;
        }
        asked.push(Asked { given, design, claims });
    }
    if let Some(id) = args.only.iter().find(|id| !known.contains(*id)) {
        let mut known: Vec<String> = known.into_iter().collect();
        known.sort();
        return wrong(format!("no claim `{id}`: use one of {}", known.join(", ")));
    }
    Ok(asked)
}

/// Whether the design has what the experiment needs.
fn check(given: &str, claim: &Claim) -> Result<(), Failure> {
    for sitting in sittings(std::iter::once(claim)) {
        let design = sitting.design.as_deref().unwrap_or(given);
        Design::find(&with_settings(design, &sitting.settings)).map_err(design_failure)?;
    }
    for experiment in &claim.experiments {
        if let Experiment::Ceilings(ceilings) = experiment {
            for other in ceilings.above.iter().chain(&ceilings.beside) {
                Design::find(other).map_err(design_failure)?;
            }
        }
    }
    Ok(())
}

impl Asked {
    fn measure(
        &self,
        args: &ClaimsArgs,
        out: &Path,
        interrupt: &Interrupt,
    ) -> Result<Vec<ClaimFile>, Failure> {
        let dir = out.join(folder_name(&self.given));
        let sittings = sittings(self.claims.iter());
        let name = &self.design.topology.name;
        let mut failed = Vec::new();
        for (index, sitting) in sittings.iter().enumerate() {
            let tasks: Vec<String> = sitting.tasks.iter().map(Task::name).collect();
            eprintln!("[{}/{}] {name}: {}", index + 1, sittings.len(), tasks.join(", "));
            match self.sit(sitting, args, &dir, interrupt) {
                // A lab that did not come up leaves its claims unknown and is no reason to forget the others.
                Err(failure) if failure.code == Code::Environment as u8 => {
                    eprintln!("  {failure}");
                    failed.push(failure);
                }
                sat => sat?,
            }
        }
        if failed.len() == sittings.len()
            && let Some(first) = failed.into_iter().next()
        {
            return Err(first);
        }
        let tasks: Vec<&Task> = sittings.iter().flat_map(|sitting| &sitting.tasks).collect();
        let mut claims = Vec::new();
        for claim in &self.claims {
            let mut figures = vec![Figures::default(); claim.experiments.len()];
            for (experiment, figures) in claim.experiments.iter().zip(&mut figures) {
                if let Experiment::Ceilings(ceilings) = experiment {
                    let design = (self.given.as_str(), name.as_str());
                    let dir = dir.join(&claim.id);
                    *figures = search_ceilings(design, ceilings, args, &dir, interrupt)?;
                }
            }
            for task in tasks.iter().filter(|task| task.claim == claim.id) {
                let path = dir.join(task.name()).join("figures.json");
                let figures = &mut figures[task.experiment];
                match Figures::read(&path)? {
                    Some(measured) => figures.absorb(&task.label, measured),
                    None => figures.doubt(format!("the lab of {} did not come up", task.name())),
                }
            }
            let claim = judge(name, claim, &figures);
            eprintln!("  {}: {}", claim.id, claim.verdict);
            claims.push(claim);
        }
        Ok(claims)
    }

    /// Brings a lab up and makes experiments in it.
    fn sit(
        &self,
        sitting: &Sitting,
        args: &ClaimsArgs,
        dir: &Path,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let exe = std::env::current_exe().context("cannot find this program's file").or_fail(Code::Bug)?;
        let mut command = Command::new(exe);
        let design = sitting.design.as_deref().unwrap_or(&self.given);
        let design = with_settings(design, &sitting.settings);
        command.args(["experiment", &design, "--of", &self.given]).arg("--out").arg(dir);
        command.args(["--seed", &args.seed.to_string()]).args(args.unit.words());
        for task in &sitting.tasks {
            command.args(["--task", &task.name()]);
        }
        if args.quick {
            command.arg("--quick");
        }
        let code = code_of(spawn(command, interrupt)?);
        interrupt.check()?;
        if code == 0 {
            return Ok(());
        }
        let tasks: Vec<String> = sitting.tasks.iter().map(Task::name).collect();
        let reason =
            anyhow!("the lab of {} for {} ended with exit code {code}", self.given, tasks.join(", "));
        Err(Failure { code, reason })
    }
}
