//! Writes the report of the synthetic runs to a directory: `cargo run -p brownout-reports --example sample_report -- DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(out) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: sample_report DIR");
        return ExitCode::from(2);
    };
    let written = reports::synthetic::write(&out)
        .map_err(reports::ReportError::from)
        .and_then(|runs| reports::write(&runs, &out, reports::Settings::default()));
    match written {
        Ok(comparison) => {
            print!("{}", reports::verdict_table(&comparison, 100));
            println!("\n{}", out.join("report.html").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
