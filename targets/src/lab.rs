//! Brings a design up inside the sandbox: wires, then processes in parallel along their dependencies.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use model::{Inventory, Node, Process, Reach, Sink};
use thiserror::Error;

use crate::alerts;
use crate::certificates::{self, CertificateError};
use crate::config::{ConfigError, LabFacts, Renderer, process_dir};
use crate::control;
use crate::design::{Design, write_app};
use crate::firewall;
use crate::hardware::{Hardware, Unit};
use crate::network::{self, NetworkError, namespace_path};
use crate::part::{DatabaseRole, Part, Prepare, Ready};
use crate::seal::RUN_DIR;
use crate::supervisor::{Service, ServiceError, Supervisor};
use crate::topology::{NodePlan, PartPlan};
use crate::tree::copy_tree;

/// How long the SQL that a part runs once may take.
const SQL_DEADLINE: Duration = Duration::from_secs(20);

/// Why a design did not come up.
#[derive(Debug, Error)]
pub enum UpError {
    /// The network could not be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A packet filter could not be put in force.
    #[error("cannot put the firewall of {node} in force: {complaint}")]
    Firewall {
        /// The node.
        node: String,
        /// What is wrong with its rules.
        complaint: String,
    },
    /// Nobody could listen for the design's alerts.
    #[error("cannot listen for alerts on {node}: {source}")]
    Alerts {
        /// The node.
        node: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A certificate could not be made or written.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A template could not be rendered.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A process could not be started or did not become ready.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A file of the lab could not be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A node's share of the machine could not be set.
    #[error("cannot limit node {node}: {source}")]
    Hardware {
        /// The node.
        node: String,
        /// The system's answer.
        source: io::Error,
    },
    /// What a part does once after its start failed.
    #[error("{process} on {node}: {what} failed: {complaint}")]
    Once {
        /// The node.
        node: String,
        /// The process.
        process: String,
        /// What was done.
        what: String,
        /// What was answered.
        complaint: String,
    },
    /// Asked to stop while coming up.
    #[error("interrupted while coming up")]
    Interrupted,
}

/// How a design is brought up.
pub struct UpOptions<'a> {
    /// Where logs go: `<logs>/<node>/<process>.log`.
    pub logs: &'a Path,
    /// What each node may use.
    pub unit: Unit,
    /// The cgroups that were claimed for the nodes.
    pub hardware: &'a Hardware,
    /// Where the packages' own `/etc` is.
    pub parts_etc: &'a Path,
    /// The application's modules for Node.js, for a design that [needs them](Design::needs_node_modules).
    pub node_modules: Option<&'a Path>,
    /// A fresh MariaDB data directory, to be copied.
    pub mariadb_datadir: &'a Path,
    /// Set to give up.
    pub stop: &'a AtomicBool,
}

/// A design that is up. Everything of it vanishes with the sandbox.
pub struct Lab {
    /// What is up.
    pub inventory: Inventory,
    logs: PathBuf,
}

impl Drop for Lab {
    fn drop(&mut self) {
        firewall::keep_counters(&self.inventory.firewalls, &self.logs);
    }
}

impl Lab {
    /// Brings `design` up. Must be called inside the sandbox.
    ///
    /// # Errors
    ///
    /// The first thing that did not come up, with the node, the probe's answer and the last lines of its log.
    pub fn up(design: &Design, options: &UpOptions<'_>, sink: &Arc<dyn Sink>) -> Result<Self, UpError> {
        let nodes: Vec<_> = design
            .topology
            .nodes
            .iter()
            .map(|node| (node.name.as_str(), node.addresses.as_slice()))
            .collect();
        network::connect(&nodes)?;
        network::resolve_at(&resolvers(design))?;
        certificates::issue(&design.topology)?;
        firewall::raise(design)?;
        let facts = lab_facts(design, options)?;
        let mut inventory = intended(design)?;
        let mut services = Vec::new();
        let mut starts = Vec::new();
        for (node, up) in design.topology.nodes.iter().zip(&mut inventory.nodes) {
            up.reach = reach_of(node, options)?;
            for plan in &node.parts {
                let site = Site::new(design, node, plan, &facts);
                services.push(site.service(up.reach.clone(), options.logs)?);
                starts.push(site.start(options.mariadb_datadir)?);
            }
        }
        let supervisor = Supervisor::new(services, Arc::clone(sink));
        control::serve(&supervisor)
            .map_err(|source| UpError::File { path: Path::new(RUN_DIR).join("control"), source })?;
        alerts::listen(design, sink)?;
        start_all(&supervisor, &starts, options.stop)?;
        for node in design.topology.nodes.iter().filter(|node| !node.parts.is_empty()) {
            let error = |source| UpError::Hardware { node: node.name.clone(), source };
            options.hardware.limit(&node.name, options.unit).map_err(error)?;
        }
        Ok(Self { inventory, logs: options.logs.to_owned() })
    }
}

/// The inventory of `design` as it will be once it is up, so that a schedule can be checked before anything starts.
///
/// # Errors
///
/// When a template of a command line cannot be rendered.
pub fn intended(design: &Design) -> Result<Inventory, UpError> {
    // Command lines name sockets and files, never secrets.
    let facts = LabFacts::default();
    let node = |node: &NodePlan| -> Result<Node, UpError> {
        let processes = node.parts.iter().map(|plan| Site::new(design, node, plan, &facts).process());
        Ok(Node {
            name: node.name.clone(),
            addresses: node.addresses.clone(),
            reach: Reach::Namespace { net: namespace_path(&node.name), cgroup_procs: Vec::new() },
            processes: processes.collect::<Result<_, _>>()?,
        })
    };
    let topology = &design.topology;
    Ok(Inventory {
        design: topology.name.clone(),
        summary: topology.summary.clone(),
        nodes: topology.nodes.iter().map(node).collect::<Result<_, _>>()?,
        links: topology.links.clone(),
        public_name: topology.public_name.clone(),
        public_port: topology.public_port,
        public_tls: topology.public_tls,
        authority: topology.public_tls.then(certificates::authority_file),
        virtual_addresses: topology.virtual_addresses.clone(),
        firewalls: topology.firewalls(),
        resolvers: resolvers(design),
        client: topology.client.clone(),
    })
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), UpError> {
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    fs::write(path, text).map_err(|source| UpError::File { path: path.to_owned(), source })
}

fn make_dir(path: &Path) -> Result<(), UpError> {
    fs::create_dir_all(path).map_err(|source| UpError::File { path: path.to_owned(), source })
}

/// Where, inside a lab, the built-in application's files are. All nodes run them from there.
#[must_use]
pub fn builtin_app_dir() -> PathBuf {
    Path::new(RUN_DIR).join("app")
}

fn lab_facts(design: &Design, options: &UpOptions<'_>) -> Result<LabFacts, UpError> {
    let own = design.folder.as_ref().map(|folder| folder.join("app")).filter(|app| app.is_dir());
    let app_dir = match own {
        Some(app) => app,
        None => {
            let app = builtin_app_dir();
            write_app(&app).map_err(|source| UpError::File { path: app.clone(), source })?;
            app
        }
    };
    let random = Path::new("/proc/sys/kernel/random/uuid");
    let password =
        fs::read_to_string(random).map_err(|source| UpError::File { path: random.into(), source })?;
    Ok(LabFacts {
        app_dir,
        parts_etc: options.parts_etc.to_owned(),
        // Programs that a part starts have folders of their own.
        logs: std::path::absolute(options.logs).unwrap_or_else(|_| options.logs.to_owned()),
        node_modules: options.node_modules.map(Path::to_owned).unwrap_or_default(),
        password: password.trim().replace('-', ""),
    })
}

fn resolvers(design: &Design) -> Vec<SocketAddr> {
    let topology = &design.topology;
    let address = |name: &String| {
        let node = topology.nodes.iter().find(|node| node.name == *name)?;
        Some(SocketAddr::new(*node.addresses.first()?, 53))
    };
    topology.resolvers.iter().filter_map(address).collect()
}

fn reach_of(node: &NodePlan, options: &UpOptions<'_>) -> Result<Reach, UpError> {
    let error = |source| UpError::Hardware { node: node.name.clone(), source };
    // A node without processes is where load comes from: the generator's, not a unit of hardware.
    let cgroup_procs =
        if node.parts.is_empty() { Vec::new() } else { options.hardware.node(&node.name).map_err(error)? };
    let listed: Vec<String> = cgroup_procs.iter().map(|path| path.display().to_string()).collect();
    write(&Path::new(RUN_DIR).join("cgroups").join(&node.name), &listed.join("\n"))?;
    Ok(Reach::Namespace { net: namespace_path(&node.name), cgroup_procs })
}

/// One part on one node.
struct Site<'a> {
    design: &'a Design,
    node: &'a NodePlan,
    plan: &'a PartPlan,
    part: &'a Part,
    renderer: Renderer<'a>,
}

/// What it takes to start one process for the first time.
struct Start {
    /// Indices of the services that must be ready before.
    needs: Vec<usize>,
    datadir: Option<(PathBuf, PathBuf)>,
    after_ready: Option<(String, String)>,
    following: Option<Ready>,
}

impl<'a> Site<'a> {
    fn new(design: &'a Design, node: &'a NodePlan, plan: &'a PartPlan, facts: &LabFacts) -> Self {
        let part = &design.parts[&plan.part];
        Self { design, node, plan, part, renderer: Renderer::new(design, node, plan, facts) }
    }

    fn dir(&self) -> PathBuf {
        process_dir(&self.node.name, &self.part.process)
    }

    fn pid_file(&self) -> PathBuf {
        self.dir().with_extension("pid")
    }

    /// Renders the files and everything that the supervisor has to know.
    fn service(&self, reach: Reach, logs: &Path) -> Result<Service, UpError> {
        let dir = self.dir();
        make_dir(&dir)?;
        for file in &self.part.file {
            let name = format!("{}/{}", self.part.name, file.template);
            let template = self.design.templates.get(&name).map(String::as_str).unwrap_or_default();
            let path = dir.join(&file.template);
            write(&path, &self.renderer.render(&name, template)?)?;
            if file.executable {
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&path, mode).map_err(|source| UpError::File { path, source })?;
            }
        }
        let logs = logs.join(&self.node.name);
        make_dir(&logs)?;
        let mut environment = BTreeMap::new();
        for line in &self.part.environment {
            let line = self.renderer.render("environment", line)?;
            if let Some((name, value)) = line.split_once('=') {
                environment.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(Service {
            node: self.node.name.clone(),
            process: self.part.process.clone(),
            reach,
            address: self.node.addresses[0],
            argv: self.renderer.render_words("start", &self.part.start)?,
            environment,
            pid_file: self.pid_file(),
            log: logs.join(format!("{}.log", self.part.process)),
            stop_signal: self.part.stop_signal,
            stop_timeout: self.part.stop_timeout,
            ready: self.ready(&self.part.ready)?,
            ready_timeout: self.part.ready_timeout,
            supervised: self.plan.supervised,
        })
    }

    fn ready(&self, ready: &Ready) -> Result<Ready, UpError> {
        let render = |text: &str| self.renderer.render("ready", text);
        Ok(match ready {
            Ready::Http { http, authority } => {
                Ready::Http { http: render(http)?, authority: render(authority)? }
            }
            Ready::Sql { sql, socket } => Ready::Sql { sql: render(sql)?, socket: render(socket)? },
            Ready::Dns { dns } => Ready::Dns { dns: render(dns)? },
            Ready::Command { command } => {
                Ready::Command { command: self.renderer.render_words("ready", command)? }
            }
        })
    }

    /// A process needs what its links lead to.
    fn start(&self, fresh_datadir: &Path) -> Result<Start, UpError> {
        let topology = &self.design.topology;
        let is_replica = self.plan.database == Some(DatabaseRole::Replica);
        let all = topology.nodes.iter().flat_map(|node| node.parts.iter().map(move |plan| (node, plan)));
        let leads_to = |node: &NodePlan, plan: &PartPlan| {
            let process = self.design.parts[&plan.part].process.as_str();
            topology
                .needs
                .iter()
                .any(|(from, to)| from.is(&self.node.name, &self.part.process) && to.is(&node.name, process))
        };
        let needs = all
            .enumerate()
            .filter(|(_, (node, plan))| leads_to(node, plan))
            .map(|(index, _)| index)
            .collect();
        let after_ready = match (&self.part.after_ready, &self.part.ready) {
            (Some(after), Ready::Sql { socket, .. }) => {
                let name = format!("{}/{}", self.part.name, after.sql);
                let template = self.design.templates.get(&name).map(String::as_str).unwrap_or_default();
                Some((self.renderer.render("socket", socket)?, self.renderer.render(&name, template)?))
            }
            _ => None,
        };
        let following = match &self.part.following {
            Some(ready) if is_replica => Some(self.ready(ready)?),
            _ => None,
        };
        let datadir = self
            .part
            .prepare
            .map(|Prepare::MariadbDatadir| (fresh_datadir.to_owned(), self.dir().join("data")));
        Ok(Start { needs, datadir, after_ready, following })
    }

    fn process(&self) -> Result<Process, UpError> {
        let exe = std::env::current_exe()
            .map_err(|source| UpError::File { path: PathBuf::from("/proc/self/exe"), source })?;
        let command = |verb| control::command_line(&exe, verb, &self.node.name, &self.part.process);
        Ok(Process {
            name: self.part.process.clone(),
            part: self.part.name.clone(),
            role: self.part.role,
            pid_file: self.pid_file(),
            start: command("start"),
            stop: command("stop"),
            ready: command("ready"),
            is_primary: if self.plan.database.is_some() {
                self.renderer.render_words("is_primary", &self.part.is_primary)?
            } else {
                Vec::new()
            },
            supervised: self.plan.supervised,
        })
    }
}

/// What is known of the starts while they go on.
#[derive(Default)]
struct Progress {
    ready: Vec<bool>,
    failed: Option<UpError>,
}

fn start_all(supervisor: &Arc<Supervisor>, starts: &[Start], stop: &AtomicBool) -> Result<(), UpError> {
    let progress = Mutex::new(Progress { ready: vec![false; starts.len()], failed: None });
    let changed = Condvar::new();
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let give_up = || stop.load(Ordering::Relaxed) || lock().failed.is_some();
    thread::scope(|scope| {
        for (index, start) in starts.iter().enumerate() {
            let (changed, give_up, lock) = (&changed, &give_up, &lock);
            scope.spawn(move || {
                let mut state = lock();
                while !start.needs.iter().all(|need| state.ready[*need]) && state.failed.is_none() {
                    // The pause is for the stop flag, which nobody signals.
                    let pause = Duration::from_millis(50);
                    state = changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
                    if stop.load(Ordering::Relaxed) {
                        state.failed.get_or_insert(UpError::Interrupted);
                    }
                }
                if state.failed.is_some() {
                    return;
                }
                drop(state);
                let result = start_one(supervisor, index, start, give_up);
                let mut state = lock();
                match result {
                    Ok(()) => state.ready[index] = true,
                    // Only the first failure is a cause; the others follow from it.
                    Err(_) if stop.load(Ordering::Relaxed) => {
                        state.failed.get_or_insert(UpError::Interrupted);
                    }
                    Err(error) => {
                        state.failed.get_or_insert(error);
                    }
                }
                changed.notify_all();
            });
        }
    });
    let failed = lock().failed.take();
    failed.map_or(Ok(()), Err)
}

fn start_one(
    supervisor: &Arc<Supervisor>,
    index: usize,
    start: &Start,
    give_up: &dyn Fn() -> bool,
) -> Result<(), UpError> {
    let service = &supervisor.services()[index];
    let once = |what: &str, complaint: String| UpError::Once {
        node: service.node.clone(),
        process: service.process.clone(),
        what: what.to_owned(),
        complaint,
    };
    if let Some((from, to)) = &start.datadir {
        copy_tree(from, to).map_err(|error| once("copying a fresh data directory", error.to_string()))?;
    }
    supervisor.start(index)?;
    supervisor.wait_ready(index, &service.ready, give_up)?;
    if let Some((socket, sql)) = &start.after_ready
        && !sql.trim().is_empty()
    {
        let argv = ["mariadb", "--no-defaults", "--socket", socket, "--user", "root", "--execute", sql];
        let output = reach::run(&Reach::Local, &argv.map(str::to_owned), SQL_DEADLINE)
            .map_err(|error| once("its first SQL", error.to_string()))?;
        if !output.success() {
            return Err(once("its first SQL", output.complaint()));
        }
    }
    if let Some(following) = &start.following {
        supervisor.wait_ready(index, following, give_up)?;
    }
    Ok(())
}
