//! What two workers do beside one, where there are only two cores for servers and generator together.
//!
//! One worker shares a core with a server, then another such pair has the other core, then both pairs have both: twice
//! what one pair did is what workers that never wait for each other would do. Connections of either worker go to both
//! servers, so that crossing from core to core is paid for too. `--rounds N` (7), `--seconds N` (3).

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use benches::drive::drive;
use benches::{get, plan};
use model::Arrivals;
use rustix::thread::{CpuSet, sched_setaffinity};
use testserver::{Pace, SteadyServer};

const CONNECTIONS: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut rounds, mut seconds) = (7_usize, 3);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--rounds" => rounds = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    let length = Duration::from_secs(seconds);
    let mut ratios = Vec::new();
    println!("{:<10}{:>12}{:>12}{:>12}{:>8}", "round", "on CPU 0", "on CPU 1", "on both", "ratio");
    for round in 1..=rounds {
        let (first, second) = (pairs(&[0], length)?, pairs(&[1], length)?);
        let both = pairs(&[0, 1], length)?;
        let ratio = both / f64::midpoint(first, second);
        println!("{round:<10}{first:>10.0}/s{second:>10.0}/s{both:>10.0}/s{ratio:>8.2}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (ratios.first(), ratios.last()) else { return Ok(()) };
    println!("two workers to one: {:.2} ({least:.2} to {most:.2})", ratios[ratios.len() / 2]);
    Ok(())
}

/// Answers per second of a server and a worker on each of `cpus`, in a closed loop.
fn pairs(cpus: &[usize], length: Duration) -> Result<f64, Box<dyn Error>> {
    let servers: Vec<SteadyServer> = cpus.iter().map(|cpu| server(*cpu)).collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = servers.iter().map(SteadyServer::address).collect();
    let closed = Arrivals::Closed { think: Duration::ZERO };
    let plan = plan(closed, length, CONNECTIONS * cpus.len(), get("/"));
    Ok(drive(&plan, &addresses, cpus, false)?.rate())
}

/// A server's thread takes over the affinity of this one.
fn server(cpu: usize) -> Result<SteadyServer, Box<dyn Error>> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)?;
    Ok(SteadyServer::start(Pace::default()))
}
