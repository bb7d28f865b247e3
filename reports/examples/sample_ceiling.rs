//! Writes the page of a synthetic ceiling search to a directory:
//! `cargo run -p brownout-reports --example sample_ceiling -- DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(out) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: sample_ceiling DIR");
        return ExitCode::from(2);
    };
    let file = reports::synthetic::ceiling();
    let page = match reports::ceiling_page(&file) {
        Ok(page) => page,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let path = out.join("ceiling.html");
    if let Err(error) = std::fs::create_dir_all(&out).and_then(|()| std::fs::write(&path, page)) {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    print!("{}", reports::ceiling_text(&file));
    println!("\n{}", path.display());
    ExitCode::SUCCESS
}
