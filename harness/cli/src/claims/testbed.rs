//! What an experiment finds in front of it: a lab that is up, and a load to put on it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::anyhow;
use load::Target;
use model::{
    Arrivals, Event, Inventory, Method, Node, Plan, Request, ResolvedInjection, Role, Scenario, Schedule,
    Seed, Sink, Stage, Template, Timeline, What,
};
use record::derived::{FindingsFile, SummaryFile};
use record::{Machine, Place, Recorder, Run};

use super::figures::Figures;
use crate::connect::Destination;
use crate::failure::{Code, Failure, OrFail};
use crate::interrupt::Interrupt;
use crate::measure::{Measured, Measurement};
use crate::verbs::rehearse;

/// A node that is no part of the design: somebody on the same network.
pub(crate) const STRANGER: &str = "stranger";
/// Arrivals per second: what one small node of `0-simple` carries with room to spare.
const RATE: f64 = 60.0;
const CONNECTIONS: usize = 32;
/// After the last measured second, for the last recovery.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// A request is given up after this, where an experiment does not say otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Alerts of the design's own monitor, as they came: when, and which node each is about where it names one.
#[derive(Default)]
pub(crate) struct Alarms(Mutex<Vec<(Instant, Option<String>)>>);

impl Alarms {
    /// When the first alert between two moments came that is about one of these nodes. One that names no node may be
    /// about what was harmed before.
    pub(crate) fn first(&self, from: Instant, to: Instant, nodes: &[&str]) -> Option<Instant> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |about: &Option<String>| about.as_ref().is_some_and(|about| nodes.contains(&about.as_str()));
        heard.iter().find(|(at, about)| (from..to).contains(at) && fits(about)).map(|(at, _)| *at)
    }
}

impl Sink for Alarms {
    fn emit(&self, event: Event) {
        if let What::AlertReceived { about, firing: true, .. } = event.what {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((event.at, about));
        }
    }
}

/// A lab that is up, for one experiment.
pub(crate) struct Testbed<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) machine: &'a Machine,
    pub(crate) cpus: &'a [usize],
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) alarms: &'a Alarms,
    /// Where the experiment's records are kept.
    pub(crate) dir: PathBuf,
    /// Whether little time is to be taken.
    pub(crate) quick: bool,
    pub(crate) seed: Seed,
}

/// A load that an experiment asks for.
pub(crate) struct Asked<'a> {
    /// Folder of its record.
    pub(crate) name: &'a str,
    pub(crate) scenario: Scenario,
    pub(crate) rate_hz: f64,
    pub(crate) length: Duration,
    pub(crate) injections: Vec<ResolvedInjection>,
    pub(crate) connections: usize,
    /// A new connection for every request.
    pub(crate) new_connections: bool,
    /// Load before the measurement, in which the design must serve; the usual one when absent.
    pub(crate) warm_up: Option<Duration>,
    /// After the measured load, for what is still to come.
    pub(crate) cool_down: Duration,
    /// A request that takes longer is given up.
    pub(crate) timeout: Duration,
    /// Another name than the certificate's.
    pub(crate) server_name: Option<&'a str>,
    /// What is done beside the load, from the start of the measured load on.
    pub(crate) beside: Option<&'a (dyn Fn(Instant) + Sync)>,
}

impl<'a> Asked<'a> {
    /// Reads, writes and static pages in equal parts.
    pub(crate) fn usual(name: &'a str, length: Duration) -> Self {
        Self {
            name,
            scenario: thirds(),
            rate_hz: RATE,
            length,
            injections: Vec::new(),
            connections: CONNECTIONS,
            new_connections: false,
            warm_up: None,
            cool_down: COOL_DOWN,
            timeout: TIMEOUT,
            server_name: None,
            beside: None,
        }
    }
}

/// What a load showed.
pub(crate) struct Observed {
    pub(crate) run: Run,
    pub(crate) summary: SummaryFile,
    pub(crate) findings: FindingsFile,
}

impl Observed {
    /// Start of the measured load, in seconds from the run's epoch; findings count from there.
    pub(crate) fn measured_from_s(&self) -> f64 {
        self.run.load_started().map_or(0.0, |(at_s, _)| at_s) + self.run.plan.warm_up_s
    }
}

impl Testbed<'_> {
    /// `quick` or `full`, as asked for.
    pub(crate) fn time(&self, quick: f64, full: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { quick } else { full })
    }

    /// Ends the experiment once a signal has come.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Failure> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.interrupt.check()?;
            std::thread::sleep(
                Duration::from_millis(20).min(until.saturating_duration_since(Instant::now())),
            );
        }
        Ok(())
    }

    /// The nodes with a process of this role, in the order of the topology.
    pub(crate) fn with_role(&self, role: Role) -> Vec<&Node> {
        self.inventory.nodes.iter().filter(|node| node.roles().contains(&role)).collect()
    }

    /// The node that has the moving address of this name now.
    pub(crate) fn owner(&self, address: &str) -> Result<&Node, Failure> {
        let known = self.inventory.virtual_addresses.iter().find(|moving| moving.name == address);
        let moving = known.ok_or_else(|| {
            Failure::new(Code::Input, anyhow!("no address `{address}` moves in the design"))
        })?;
        let candidates = moving.nodes.iter().filter_map(|name| self.inventory.node(name));
        let owner = candidates
            .into_iter()
            .find(|node| reach::within(&node.reach, || is_here(moving.address)).unwrap_or_default());
        owner.ok_or_else(|| Failure::new(Code::Fail, anyhow!("no node has the address `{address}`")))
    }

    /// Where the public service is, as the client resolves it.
    pub(crate) fn public(&self) -> Result<SocketAddr, Failure> {
        let enter = rehearse::client_network(self.inventory);
        let (targets, _) = rehearse::destination(self.inventory, &enter)?;
        let tcp = targets.into_iter().find_map(|target| match target {
            Target::Tcp(address) => Some(address),
            Target::Unix(_) => None,
        });
        tcp.ok_or_else(|| Failure::new(Code::Fail, anyhow!("the public name has no address")))
    }

    /// The node that load comes from.
    pub(crate) fn client(&self) -> Result<&Node, Failure> {
        let client = self.inventory.client.as_ref().and_then(|name| self.inventory.node(name));
        client.ok_or_else(|| Failure::new(Code::Input, anyhow!("the design names no `client` node")))
    }

    /// Puts a load on the design. What makes it say nothing is a doubt of `figures`.
    pub(crate) fn load(&self, asked: &Asked<'_>, figures: &mut Figures) -> Result<Observed, Failure> {
        let inventory = self.inventory;
        let plan = self.plan(asked);
        let dir = self.dir.join(asked.name);
        let recorder = Recorder::create(Place::Exactly(&dir), &plan, self.machine, SystemTime::now())
            .or_fail(Code::Environment)?;
        recorder.timeline(&Timeline {
            plan: plan.clone(),
            injections: asked.injections.clone(),
            inventory: Some(inventory.clone()),
        });
        let enter = rehearse::client_network(inventory);
        let (targets, name) = rehearse::destination(inventory, &enter)?;
        let measured = Measurement {
            plan: &plan,
            destination: Destination { targets, name: Some(name) },
            way: "X-Served-By".to_owned(),
            authority: rehearse::authority(inventory),
            enter,
            workers: 1,
            cpus: self.cpus.to_vec(),
            precise: false,
            injections: &asked.injections,
            inventory: Some(inventory),
            beside: asked.beside,
            notes: Vec::new(),
            recorder: &recorder,
            interrupt: self.interrupt,
            view: false,
            metrics: None,
        }
        .run();
        let dir = recorder.finish().or_fail(Code::Environment)?;
        self.doubts(&measured?, figures)?;
        let run = Run::open(&dir).or_fail(Code::Bug)?;
        let (summary, findings) = (reports::summary(&run), reports::findings(&run));
        if summary.generator.limited {
            figures.doubt(format!("the generator was the limit: {}", summary.reasons.join("; ")));
        }
        Ok(Observed { run, summary, findings })
    }

    /// Randomness of this experiment's own, by name: the same for the same seed, wherever records are kept.
    fn stream(&self, name: &str) -> u64 {
        let folder = self.dir.file_name().unwrap_or_default();
        self.seed.stream(&format!("{}/{name}", folder.display()))
    }

    /// A word that begins with `name` and that no other experiment uses.
    pub(crate) fn word(&self, name: &str) -> String {
        format!("{name}-{:016x}", self.stream(name))
    }

    fn doubts(&self, measured: &Measured, figures: &mut Figures) -> Result<(), Failure> {
        self.interrupt.check()?;
        if !measured.unhealed.is_empty() {
            return Err(Failure::new(Code::Unhealed, anyhow!(measured.unhealed.join("; "))));
        }
        if let Some(why) = &measured.unsteady {
            // The load ended itself; the experiments after it go on.
            self.interrupt.flag.store(false, Ordering::Relaxed);
            figures.doubt(format!("the design was failing before anything was done to it: {why}"));
        }
        Ok(())
    }

    fn plan(&self, asked: &Asked<'_>) -> Plan {
        let injections = asked.injections.iter().map(|resolved| resolved.injection.clone()).collect();
        let mut transport = rehearse::transport(self.inventory);
        if let (Some(tls), Some(name)) = (&mut transport.tls, asked.server_name) {
            name.clone_into(&mut tls.server_name);
        }
        Plan {
            name: self.inventory.design.clone(),
            // An id that an earlier load wrote would be refused.
            seed: Seed(self.stream(asked.name)),
            base_url: self.inventory.public_url(),
            scenario: asked.scenario.clone(),
            warm_up: asked.warm_up.unwrap_or(self.time(2.0, 5.0)),
            stages: vec![Stage {
                duration: asked.length,
                arrivals: Arrivals::Constant { rate: asked.rate_hz },
            }],
            cool_down: asked.cool_down,
            connections: asked.connections,
            keep_alive: !asked.new_connections,
            transport,
            timeout: asked.timeout,
            schedule: Schedule { name: asked.name.to_owned(), teaches: String::new(), injections },
            objectives: Vec::new(),
        }
    }
}

/// Whether the calling thread's network has this address: only then can it be bound.
pub(crate) fn is_here(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// The shop's requests, as many of each, so that the outage of each is known as closely.
fn thirds() -> Scenario {
    let mut shop = crate::scenario::shop();
    for request in &mut shop.requests {
        request.weight = 1.0;
    }
    shop
}

/// Orders that hold `text`, and nothing else.
pub(crate) fn orders_with(text: &str) -> Scenario {
    let body = format!(r#"{{"id":"{{{{uuid}}}}","item":"{text}","quantity":1}}"#);
    let request = Request {
        name: "order".to_owned(),
        weight: 1.0,
        method: Method::Post,
        path: Template::fixed("/api/orders"),
        headers: vec![("Content-Type".to_owned(), Template::fixed("application/json"))],
        body: Template::parse(&body).unwrap_or_else(|_| Template::fixed(&body)),
        write: true,
        ..Request::default()
    };
    Scenario { requests: vec![request], ..Scenario::default() }
}

/// One kind of the shop's requests, and nothing else: "read", "write" or "page".
pub(crate) fn only(name: &str) -> Scenario {
    let mut shop = crate::scenario::shop();
    shop.requests.retain(|request| request.name == name);
    shop
}
