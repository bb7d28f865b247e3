//! Statements to a database of the lab: through its own client, one process for many statements.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, anyhow};
use model::{Node, Process, Reach, Role};

use super::testbed::Testbed;

/// Ends the answer to each statement.
const END: &str = "-- end";

/// A database process and where it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Database<'a> {
    pub(crate) node: &'a Node,
    pub(crate) process: &'a Process,
}

/// The databases: the primary, and those that are not.
pub(crate) fn databases<'a>(bed: &Testbed<'a>) -> anyhow::Result<(Database<'a>, Vec<Database<'a>>)> {
    let all = bed.inventory.processes().filter(|(_, process)| process.role == Role::Database);
    let (mut primary, mut replicas) = (None, Vec::new());
    for (node, process) in all {
        let database = Database { node, process };
        let asked = reach::run(&node.reach, &process.is_primary, std::time::Duration::from_secs(5));
        if asked.is_ok_and(|output| output.success()) {
            primary = Some(database);
        } else {
            replicas.push(database);
        }
    }
    Ok((primary.context("no database says that it is the primary")?, replicas))
}

/// A client that stays connected to one database.
pub(crate) struct Session {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Session {
    /// Through the database's socket, which is in the folder beside its pid file. Not in the node's cgroup: asking costs
    /// the node only what its server spends on the answer.
    pub(crate) fn open(database: Database<'_>) -> anyhow::Result<Self> {
        let socket: PathBuf = database.process.pid_file.with_extension("").join("mysql.sock");
        let socket = format!("--socket={}", socket.display());
        Self::start(&["--user=root", &socket], None, &Reach::Local)
    }

    /// Over the network from `from`, as the application does it and with its password.
    pub(crate) fn of_application(
        from: &Node,
        application: &Process,
        to: Database<'_>,
    ) -> anyhow::Result<Self> {
        let address = to.node.addresses.first().context("the database's node has no address")?;
        let environment = environment(application)?;
        let value =
            |name: &str| environment.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let user = format!("--user={}", value("DB_USER").unwrap_or("orders"));
        let port = value("DB_PRIMARY").and_then(|address| address.rsplit(':').next()).unwrap_or("3306");
        let (host, port) = (format!("--host={address}"), format!("--port={port}"));
        let net = match &from.reach {
            Reach::Namespace { net, .. } => Reach::Namespace { net: net.clone(), cgroup_procs: Vec::new() },
            Reach::Local => Reach::Local,
        };
        Self::start(&[&user, &host, &port, "--connect-timeout=3"], value("DB_PASSWORD"), &net)
    }

    fn start(options: &[&str], password: Option<&str>, reach: &Reach) -> anyhow::Result<Self> {
        let fixed = ["mariadb", "--no-defaults"];
        let how = ["--batch", "--skip-column-names", "--unbuffered", "--force", "shop"];
        let argv: Vec<String> = [&fixed, options, &how].concat().iter().map(ToString::to_string).collect();
        let mut child = reach::spawn(reach, &argv, |command: &mut Command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            // Never on the command line, where others could read it.
            if let Some(password) = password {
                command.env("MYSQL_PWD", password);
            }
        })?;
        let stdin = child.stdin.take().context("the client has no standard input")?;
        let stdout = child.stdout.take().context("the client has no standard output")?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout) })
    }

    /// Runs one statement and gives the lines of its answer.
    pub(crate) fn ask(&mut self, statement: &str) -> anyhow::Result<Vec<String>> {
        writeln!(self.stdin, "{statement}; SELECT '{END}';")?;
        self.stdin.flush()?;
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line)? == 0 {
                return Err(anyhow!("the database hung up"));
            }
            let line = line.trim_end();
            if line == END {
                return Ok(answer);
            }
            answer.push(line.to_owned());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The environment that a process was started with.
fn environment(process: &Process) -> anyhow::Result<Vec<String>> {
    let pid = std::fs::read_to_string(&process.pid_file).context("the application is not running")?;
    let bytes = std::fs::read(format!("/proc/{}/environ", pid.trim()))?;
    Ok(bytes.split(|byte| *byte == 0).map(|line| String::from_utf8_lossy(line).into_owned()).collect())
}
