//! The nodes that the application runs on: their commands, and the version of the application that answers there.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use model::{Node, Process, Role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::testbed::Testbed;
use crate::failure::{Code, Failure};

const COMMAND: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A node that the application runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server<'a> {
    pub(crate) node: &'a Node,
    pub(crate) application: &'a Process,
    port: u16,
    scheme: &'a str,
}

impl<'a> Server<'a> {
    /// Every one of them, in the order of the topology; at least one.
    pub(crate) fn all(bed: &Testbed<'a>) -> Result<Vec<Self>, Failure> {
        let links = &bed.inventory.links;
        let servers: Vec<Self> = (bed.inventory.processes())
            .filter(|(_, process)| process.role == Role::Application)
            .filter_map(|(node, application)| {
                let link = links.iter().find(|link| link.to.is(&node.name, &application.name))?;
                Some(Self { node, application, port: link.port?, scheme: &link.protocol })
            })
            .collect();
        if servers.is_empty() {
            let message = anyhow!("no link leads to an application in this design");
            return Err(Failure::new(Code::Input, message));
        }
        Ok(servers)
    }

    /// Runs a command on the node to its end.
    pub(crate) fn command(&self, argv: &[String]) -> anyhow::Result<()> {
        let output = reach::run(&self.node.reach, argv, COMMAND)?;
        if output.success() { Ok(()) } else { Err(anyhow!("{}: {}", argv.join(" "), output.complaint())) }
    }

    /// Has the application replace its workers by ones that read its files anew.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        let pid = fs::read_to_string(&self.application.pid_file).context("the application is not running")?;
        Ok(kill(Pid::from_raw(pid.trim().parse()?), Signal::SIGHUP)?)
    }

    /// Waits until all that runs on the node does its work.
    pub(crate) fn await_ready(&self) -> anyhow::Result<()> {
        let processes = &self.node.processes;
        self.await_that("everything is up", || processes.iter().all(|one| self.command(&one.ready).is_ok()))
    }

    /// Waits until this version answers.
    pub(crate) fn await_version(&self, version: &str) -> anyhow::Result<()> {
        let answers = || self.version().is_ok_and(|found| found == version);
        self.await_that(&format!("version {version} answers"), answers)
    }

    fn await_that(&self, what: &str, mut condition: impl FnMut() -> bool) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        while !condition() {
            if Instant::now() > give_up {
                return Err(anyhow!("on {} it was in vain awaited that {what}", self.node.name));
            }
            std::thread::sleep(ASK_EVERY);
        }
        Ok(())
    }

    /// The version that answers now, asked of the application itself.
    fn version(&self) -> anyhow::Result<String> {
        // Where there is a tier in front it listens on its address, else on the loopback's.
        let address =
            if self.same_node_only() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.node.addresses[0] };
        let url = format!("{}://{address}:{}/health", self.scheme, self.port);
        let answer = targets::probe::get(&self.node.reach, &url).map_err(|said| anyhow!(said))?;
        let after = answer.split_once("\"version\": \"").context("it tells no version")?.1;
        Ok(after.split('"').next().unwrap_or_default().to_owned())
    }

    fn same_node_only(&self) -> bool {
        self.node.roles().contains(&Role::Web)
    }
}

/// Writes another version of the application over the one that runs, for all nodes at once.
pub(crate) fn install(version: &str) -> anyhow::Result<()> {
    let file = targets::builtin_app_dir().join("orders/__init__.py");
    let text = fs::read_to_string(&file)
        .with_context(|| format!("{}: only the built-in application can be deployed anew", file.display()))?;
    let lines = text.lines().map(|line| {
        if line.starts_with("VERSION = ") { format!("VERSION = \"{version}\"") } else { line.to_owned() }
    });
    let new = lines.collect::<Vec<_>>().join("\n") + "\n";
    // Renamed into place, so that no worker reads half a file.
    let part = file.with_extension("part");
    fs::write(&part, new)?;
    Ok(fs::rename(part, file)?)
}
