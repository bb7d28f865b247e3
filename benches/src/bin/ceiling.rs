//! Ceiling searches against a server whose ceiling is known: does the true value lie between the bounds, and how far is
//! the lower one from it? Needs the release build of the command: `cargo build --release -p brownout`.

use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use serde_json::Value;
use testserver::{Capacity, Pace, SteadyServer};

/// Searches for the ceiling of a token bucket with a bounded queue, again and again
#[derive(Debug, Parser)]
struct Args {
    /// Searches
    #[arg(long, default_value_t = 20)]
    runs: u64,
    /// What the server can do, per second
    #[arg(long, default_value_t = 2_000.0)]
    capacity: f64,
    /// The full search in place of the quick one
    #[arg(long)]
    full: bool,
}

/// Requests that may wait: four times what the objective of 50 ms has room for.
const QUEUE: usize = 400;

fn main() -> ExitCode {
    let args = Args::parse();
    println!("| run | true | verdict | lower | upper | true value between | lower / true | s |");
    println!("|---:|---:|---|---:|---:|---|---:|---:|");
    let (mut between, mut near) = (0, 0);
    for run in 1..=args.runs {
        // Up to 5 % more from run to run, so that the true value lies anywhere between two loads of the grid.
        let truth = args.capacity * (1.0 + 0.05 * (run as f64 * 0.618).fract());
        let capacity = Capacity { per_second: truth, queue: QUEUE };
        let server = SteadyServer::start(Pace { capacity: Some(capacity), ..Pace::default() });
        match search(&server, &args) {
            Ok(found) => {
                let number = |key: &str| found[key].as_f64().unwrap_or(f64::NAN);
                let (lower, upper) = (number("lower_hz"), number("upper_hz"));
                let holds = lower <= truth && truth <= upper;
                let ratio = lower / truth;
                between += u64::from(holds);
                near += u64::from((ratio - 1.0).abs() <= if args.full { 0.03 } else { 0.05 });
                println!(
                    "| {run} | {truth:.0} | {} | {lower:.0} | {upper:.0} | {} | {ratio:.3} | {:.0} |",
                    found["verdict"].as_str().unwrap_or("?"),
                    if holds { "yes" } else { "no" },
                    number("search_s")
                );
            }
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "\nbetween the bounds: {between} of {}; lower bound as near as asked for: {near} of {}",
        args.runs, args.runs
    );
    ExitCode::SUCCESS
}

fn search(server: &SteadyServer, args: &Args) -> Result<Value, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let binary = exe.with_file_name("brownout");
    let mut command = Command::new(&binary);
    command.args(["ceiling", &format!("http://{}/", server.address()), "--json", "--slo", "p99<50ms"]);
    command.args(["--connections", "256"]);
    if !args.full {
        command.arg("--quick");
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}
