//! Records made by a program: the same faults and the same arithmetic every time, so that every number of a report
//! can be checked against what was put in. Nothing here was measured, and the records say so.

mod ceiling;
mod designs;
mod harm;
pub mod resilient;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{
    Arrivals, Event, FaultKind, Injection, Interval, Inventory, LoadTotals, Method, Outcome, Phase, Plan,
    Request, ResolvedInjection, Sample, Scenario, Schedule, Seed, Selector, Sink, Stage, Target, Template,
    Timeline, What,
};
use record::{Machine, Place, RecordError, Recorder};

pub use ceiling::ceiling;
pub use harm::Harm;

/// Load before the measured load, in seconds.
const WARM_UP_S: u64 = 5;
/// The measured load.
const MEASURE_S: u64 = 75;
/// Load after it.
const COOL_DOWN_S: u64 = 5;
/// Arrivals per second: 24 reads, 12 writes, 4 pages.
const RATE: u64 = 40;
/// The load begins this long after the record was opened.
const LOAD_AT: Duration = Duration::from_millis(2500);
/// What each of ten arrivals in turn asks for, as an index into the scenario.
const TURN: [usize; 10] = [0, 1, 0, 0, 1, 0, 2, 0, 1, 0];

/// A run to be made.
#[derive(Debug, Clone)]
pub struct Synthetic {
    /// What is up.
    pub inventory: Inventory,
    /// What goes wrong, from the start of the measured load.
    pub harms: Vec<Harm>,
    /// Latency of a good answer, in microseconds.
    pub service_us: u64,
    /// Which node the schedule's last fault, the death of a server, hits.
    pub dying: &'static str,
    /// The database that is primary.
    pub primary: &'static str,
}

/// Writes one record for each of `0-simple` and `1-distributed` under `root` and returns their directories.
///
/// # Errors
///
/// When a record cannot be written.
pub fn write(root: &Path) -> Result<Vec<PathBuf>, RecordError> {
    [Synthetic::simple(), Synthetic::distributed()]
        .iter()
        .map(|run| run.write(&root.join(&run.inventory.design)))
        .collect()
}

impl Synthetic {
    /// One server: down for orders while its database is dead, down for everything while nginx or the server is.
    #[must_use]
    pub fn simple() -> Self {
        Self {
            inventory: designs::simple(),
            harms: harm::simple(),
            service_us: 3_000,
            dying: "server1",
            primary: "server1",
        }
    }

    /// Three servers: writes down while the primary is dead, a moment of failures when a web server or the
    /// replica's server dies.
    #[must_use]
    pub fn distributed() -> Self {
        Self {
            inventory: designs::distributed(),
            harms: harm::distributed(),
            service_us: 4_500,
            dying: "server2",
            primary: "server1",
        }
    }

    /// Writes the record to `dir`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, RecordError> {
        let plan = self.plan();
        let recorder =
            Recorder::create(Place::Exactly(dir), &plan, &machine(&self.inventory.design), started())?;
        recorder.timeline(&Timeline {
            injections: plan.schedule.injections.iter().map(|asked| self.resolve(asked)).collect(),
            plan: plan.clone(),
            inventory: Some(self.inventory.clone()),
        });
        self.emit_events(&recorder, &plan);
        self.emit_load(&recorder);
        recorder.finish()
    }

    fn plan(&self) -> Plan {
        let second = Duration::from_secs;
        let rate = Arrivals::Constant { rate: RATE as f64 };
        let injection = |name: &str, at: u64, hold: u64, select: Selector| Injection {
            name: name.to_owned(),
            fault: FaultKind::Kill,
            select,
            if_present: false,
            at: second(at),
            hold: second(hold),
        };
        let web = Selector { role: Some(model::Role::Web), ..Selector::default() };
        Plan {
            name: self.inventory.design.clone(),
            seed: Seed(42),
            base_url: "http://www.foobar.com:80".to_owned(),
            scenario: Scenario {
                requests: vec![
                    request("read", 6.0, Method::Get, "/api/orders/{{random 1 1000}}", false),
                    request("write", 3.0, Method::Post, "/api/orders", true),
                    request("page", 1.0, Method::Get, "/", false),
                ],
                ..Scenario::default()
            },
            warm_up: second(WARM_UP_S),
            stages: vec![Stage { duration: second(MEASURE_S), arrivals: rate }],
            cool_down: second(COOL_DOWN_S),
            connections: 16,
            keep_alive: true,
            transport: model::Transport::default(),
            timeout: second(2),
            schedule: Schedule {
                name: "demo".to_owned(),
                teaches: "which losses a design survives: its primary database, a web server, a whole server"
                    .to_owned(),
                injections: vec![
                    injection("kill-database", 8, 12, Selector { primary: true, ..Selector::default() }),
                    injection("kill-web", 30, 10, web.clone()),
                    injection("server-death", 51, 10, Selector { whole_node: true, ..web }),
                ],
            },
            objectives: Vec::new(),
        }
    }

    fn resolve(&self, asked: &Injection) -> ResolvedInjection {
        let targets = match asked.name.as_str() {
            "kill-database" => vec![(self.primary, "mariadbd")],
            "kill-web" => vec![(self.dying, "nginx")],
            _ => vec![(self.dying, "mariadbd"), (self.dying, "gunicorn"), (self.dying, "nginx")],
        };
        let target = |(node, process): (&str, &str)| Target {
            node: node.to_owned(),
            process: Some(process.to_owned()),
        };
        ResolvedInjection { injection: asked.clone(), targets: targets.into_iter().map(target).collect() }
    }

    fn emit_events(&self, recorder: &Recorder, plan: &Plan) {
        let emit = |at: Duration, what: What| recorder.emit(Event { at: recorder.epoch() + at, what });
        let ms = Duration::from_millis;
        emit(Duration::ZERO, What::PhaseBegan(Phase::Up));
        for (node, process) in self.inventory.processes() {
            let (node, process) = (node.name.clone(), process.name.clone());
            emit(ms(400), What::ProcessReady { node, process });
        }
        let phases = plan.phases();
        emit(LOAD_AT, What::PhaseBegan(Phase::WarmUp));
        emit(LOAD_AT + phases.measure_from, What::PhaseBegan(Phase::Measure));
        for (index, asked) in plan.schedule.injections.iter().enumerate() {
            let at = LOAD_AT + phases.measure_from + asked.at;
            let resolved = self.resolve(asked);
            for (offset, target) in (0u64..).zip(&resolved.targets) {
                let (node, process) = (target.node.clone(), target.process.clone().unwrap_or_default());
                let (n, p) = (node.clone(), process.clone());
                emit(
                    at + ms(3 + offset),
                    What::ProcessDied { node: n, process: p, status: "signal 9".to_owned() },
                );
                let (n, p) = (node.clone(), process.clone());
                let healed = at + asked.hold;
                emit(
                    healed + ms(offset),
                    What::ProcessStarted { node: n, process: p, pid: 400 + offset as u32 },
                );
                emit(healed + ms(600 + offset * 300), What::ProcessReady { node, process });
            }
            let targets = resolved.targets.iter().map(ToString::to_string).collect();
            let effect = "the process is gone".to_owned();
            emit(at + ms(8), What::FaultInjected { injection: index, targets, effect });
            emit(at + asked.hold + ms(700), What::FaultHealed { injection: index });
        }
        emit(LOAD_AT + phases.measure_to, What::PhaseBegan(Phase::CoolDown));
        emit(LOAD_AT + phases.load_to, What::LoadFinished(Box::new(self.totals(phases.load_to))));
        emit(LOAD_AT + phases.load_to + ms(5), What::PhaseBegan(Phase::Down));
    }

    fn totals(&self, wall: Duration) -> LoadTotals {
        let servers: Vec<&str> = self.inventory.nodes.iter().map(|node| node.name.as_str()).collect();
        let web = servers.into_iter().filter(|name| name.starts_with("server"));
        LoadTotals {
            threads: 1,
            wall,
            cpu: wall / 40,
            busiest_worker: 0.025,
            moderated_waits: 0,
            rss_bytes_max: 24 << 20,
            bytes_received: 1_200_000,
            bytes_sent: 480_000,
            connections_opened: 41,
            reused_requests_min: 12,
            reused_requests_max: 260,
            served_by: web.map(|name| (name.to_owned(), 1_000)).collect(),
            headroom: model::Headroom::default(),
            sessions: Vec::new(),
            interrupted: false,
        }
    }

    fn emit_load(&self, recorder: &Recorder) {
        let second = Duration::from_secs;
        let mut intervals: Vec<Interval> = (0..WARM_UP_S + MEASURE_S + COOL_DOWN_S)
            .map(|index| {
                let start = recorder.epoch() + LOAD_AT + second(index);
                Interval::new(start, second(index), second(1), 3, 10)
            })
            .collect();
        for turn in 0..intervals.len() as u64 * RATE {
            let sample = self.sample(turn);
            let at = |when: Duration| usize::try_from(when.as_secs()).unwrap_or(usize::MAX);
            intervals[at(sample.due)].add(&sample);
            if let Some(interval) = intervals.get_mut(at(sample.done)) {
                interval.add_done(&sample);
            }
        }
        for interval in intervals {
            let at = interval.start + interval.length;
            recorder.emit(Event { at, what: What::IntervalClosed(Box::new(interval)) });
        }
    }

    /// The `turn`-th arrival. Latency varies in a fixed pattern around the design's own, with a slow one now and then.
    fn sample(&self, turn: u64) -> Sample {
        let request = TURN[usize::try_from(turn % 10).unwrap_or(0)];
        let due = Duration::from_micros(turn * 1_000_000 / RATE);
        let sent = due + Duration::from_micros(40 + turn * 7 % 60);
        let noise = Seed(turn).stream("latency") % 1_000;
        let slow = if noise > 985 { 6 } else { 1 };
        let writes = if request == 1 { 3 } else { 2 };
        let latency = self.service_us * slow * writes / 2 + noise * self.service_us / 2_000;
        let since_measure = due.as_secs_f64() - WARM_UP_S as f64;
        let harm = self.harms.iter().find(|harm| harm.hits(since_measure, request, turn));
        let (outcome, latency) = match harm {
            Some(harm) => (harm.outcome, harm.latency_us.unwrap_or(latency)),
            None => (Outcome::Answered { status: if request == 1 { 201 } else { 200 } }, latency),
        };
        let done = sent + Duration::from_micros(latency);
        Sample { request, due, sent: Some(sent), done, outcome, parts: model::Parts::default() }
    }
}

fn request(name: &str, weight: f64, method: Method, path: &str, write: bool) -> Request {
    Request {
        name: name.to_owned(),
        weight,
        method,
        path: Template::parse(path).unwrap_or_else(|_| Template::fixed(path)),
        write,
        ..Request::default()
    }
}

fn started() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_785_585_600)
}

fn machine(design: &str) -> Machine {
    let components =
        [("brownout", "0.1.0"), ("haproxy", "2.6.12"), ("mariadb", "10.11"), ("nginx", "1.22.1")];
    Machine {
        host: "synthetic".to_owned(),
        kernel: "none".to_owned(),
        cpu_model: "none: nothing was measured".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        components: components
            .into_iter()
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect(),
        warnings: vec!["synthetic record: made by a program for tests, nothing was measured".to_owned()],
        command: format!("brownout rehearse {design} --schedule demo --rate 40 --seed 42"),
    }
}
