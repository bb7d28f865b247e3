//! `cargo run --release -p brownout-benches --bin peers`: this project's generator beside those that are installed.
//!
//! nginx has CPU 0 and the client CPU 1. The arms of a round follow one another, in another order each round. Options:
//! `--rounds N` (5), `--seconds N` (4), `--only WORD` (cases whose name holds it), `--calls` (count system calls too).

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use benches::peers::clients::{Case, Client, Spoken, installed};
use benches::peers::server::Nginx;
use benches::peers::table::{Arm, markdown};
use benches::peers::{run, system_calls};

struct Asked {
    rounds: usize,
    length: Duration,
    only: String,
    calls: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked = asked(std::env::args().skip(1))?;
    let brownout = brownout()?;
    let clients = installed(&brownout);
    let server = Nginx::start(0)?;
    for connections in [1, 16, 64, 256, 1024] {
        compare(&clients, &server.case(Spoken::Http1, connections), &asked)?;
    }
    compare(&clients, &server.case(Spoken::Tls, 64), &asked)?;
    compare(&clients, &server.case(Spoken::Http2(1), 64), &asked)?;
    compare(&clients, &server.case(Spoken::Http2(16), 16), &asked)
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, Box<dyn Error>> {
    let mut asked = Asked { rounds: 5, length: Duration::from_secs(4), only: String::new(), calls: false };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--rounds" => asked.rounds = value()?.parse()?,
            "--seconds" => asked.length = Duration::from_secs(value()?.parse()?),
            "--only" => asked.only = value()?,
            "--calls" => asked.calls = true,
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    Ok(asked)
}

/// The program that was built with this one.
fn brownout() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::current_exe()?.with_file_name("brownout");
    if path.exists() {
        return Ok(path);
    }
    Err("build the generator first: cargo build --release -p brownout".into())
}

fn compare(clients: &[Client], case: &Case, asked: &Asked) -> Result<(), Box<dyn Error>> {
    if !case.name().contains(&asked.only) {
        return Ok(());
    }
    let speaking: Vec<&Client> = clients.iter().filter(|client| client.speaks(case)).collect();
    let mut arms: Vec<Arm> =
        speaking.iter().map(|client| Arm { name: client.name, runs: Vec::new(), calls: None }).collect();
    for round in 0..asked.rounds {
        for turn in 0..speaking.len() {
            // Another one begins each round, so that no arm always follows the same.
            let index = (turn + round) % speaking.len();
            arms[index].runs.push(run(speaking[index], case, 1, asked.length)?);
        }
        eprintln!("{}: round {} of {}", case.name(), round + 1, asked.rounds);
    }
    if asked.calls {
        for (client, arm) in speaking.iter().zip(&mut arms) {
            arm.calls = system_calls(client, case, Duration::from_secs(2))?;
        }
    }
    println!("{}", markdown(&case.name(), &arms));
    Ok(())
}
