//! `plan.toml`: what was asked.

use std::collections::BTreeMap;

use model::{
    Arrivals, Direction, FaultKind, Pick, Place, Plan, Request, Schedule, Selector, Session, Stage, Step,
    Table,
};
use serde::{Deserialize, Serialize};

use crate::transport::TransportRecord;
use crate::{FORMAT_VERSION, secrets};

/// `plan.toml`. Times are in seconds, rates in arrivals per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Version of the record's formats.
    pub format_version: u32,
    /// Names the run: `<utc>-<name>-<seed>`.
    pub run_id: String,
    /// The design, or the host of a URL.
    pub name: String,
    /// All randomness came from it. Text, since TOML's integers end at 2^63.
    pub seed: String,
    /// Where requests went, without user and password.
    pub base_url: String,
    /// Load before the measurement.
    pub warm_up_s: f64,
    /// Load after the measurement.
    pub cool_down_s: f64,
    /// Connections over all workers.
    pub connections: usize,
    /// Whether a connection served more than one request.
    pub keep_alive: bool,
    /// How requests travelled.
    #[serde(default)]
    pub transport: TransportRecord,
    /// A request was given up this long after it fell due.
    pub timeout_s: f64,
    /// Service levels, as people write them: "p99<50ms".
    pub objectives: Vec<String>,
    /// The measured load.
    pub stages: Vec<StageRecord>,
    /// The mix, and the steps of sessions.
    pub requests: Vec<RequestRecord>,
    /// Sequences of steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionRecord>,
    /// What templates took values from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataRecord>,
    /// The faults.
    pub schedule: ScheduleRecord,
}

/// A stretch of the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// How long.
    pub duration_s: f64,
    /// "constant", "poisson", "ramp", "step", "spike", "sine", "replay" or "closed".
    pub arrivals: String,
    /// Rate of constant and Poisson arrivals, first rate of ramps and steps, rate around a spike, mean rate of a sine and of
    /// a log; absent for a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<f64>,
    /// Last rate of ramps and steps, rate of a spike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_hz: Option<f64>,
    /// Beginning of a spike, from the beginning of the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    /// Length of a spike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// How far a sine goes above and below its mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplitude_hz: Option<f64>,
    /// Time from one crest of a sine to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_s: Option<f64>,
    /// The access log that was replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// How many times faster than the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Number of steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Pause of a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think_s: Option<f64>,
}

/// One kind of request. Values that speak of secrets are withheld.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Names it in every table.
    pub name: String,
    /// Share of the mix relative to the others.
    pub weight: f64,
    /// HTTP method.
    pub method: String,
    /// Path and query, templated.
    pub path: String,
    /// Whether it may change state.
    pub write: bool,
    /// Body, templated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The file that the body was read from, in place of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_file: Option<String>,
    /// What credential went with it, and where that came from; never the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Header fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// A sequence of steps by one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Names it.
    pub name: String,
    /// Share of the mix relative to the others.
    pub weight: f64,
    /// In order.
    pub steps: Vec<StepRecord>,
}

/// A step of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The request's name.
    pub request: String,
    /// Pause between the answer to the step before and this one.
    pub think_s: f64,
    /// Names of captured values, with the JSON pointer or `header NAME` that they were taken from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capture: BTreeMap<String, String>,
}

/// Rows of values. The values are not kept: they may be passwords.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// What templates called it.
    pub name: String,
    /// The file that it was read from.
    pub file: String,
    /// "in-order" or "random".
    pub order: String,
    /// Number of rows.
    pub rows: usize,
}

/// The schedule as asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRecord {
    /// Names the schedule; empty without faults.
    pub name: String,
    /// What it teaches.
    pub teaches: String,
    /// In order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub injections: Vec<InjectionPlan>,
}

/// An injection as asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectionPlan {
    /// Names it.
    pub name: String,
    /// When, from the start of the measured load.
    pub at_s: f64,
    /// How long.
    pub for_s: f64,
    /// The kind of harm.
    pub fault: FaultRecord,
    /// Whom: every field that was given, by name.
    pub select: BTreeMap<String, String>,
}

/// A kind of harm with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// "kill", "drop", ...
    pub kind: String,
    /// Which way packets are dropped, when not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The other node of a network fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The port of a network fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl PlanRecord {
    pub(crate) fn new(plan: &Plan, run_id: String) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            run_id,
            name: plan.name.clone(),
            seed: plan.seed.0.to_string(),
            base_url: secrets::url(&plan.base_url),
            warm_up_s: plan.warm_up.as_secs_f64(),
            cool_down_s: plan.cool_down.as_secs_f64(),
            connections: plan.connections,
            keep_alive: plan.keep_alive,
            transport: TransportRecord::new(&plan.transport),
            timeout_s: plan.timeout.as_secs_f64(),
            objectives: plan.objectives.iter().map(ToString::to_string).collect(),
            stages: plan.stages.iter().map(StageRecord::new).collect(),
            requests: plan.scenario.requests.iter().map(RequestRecord::new).collect(),
            sessions: plan
                .scenario
                .sessions
                .iter()
                .map(|session| SessionRecord::new(session, plan))
                .collect(),
            data: plan.scenario.tables.iter().map(|table| DataRecord::new(table)).collect(),
            schedule: ScheduleRecord::new(&plan.schedule),
        }
    }

    /// Length of the measured load, in seconds.
    #[must_use]
    pub fn measure_s(&self) -> f64 {
        self.stages.iter().map(|stage| stage.duration_s).sum()
    }

    /// Whether due times were independent of responses.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stages.iter().all(|stage| stage.arrivals != "closed")
    }
}

impl StageRecord {
    fn new(stage: &Stage) -> Self {
        let record = Self { duration_s: stage.duration.as_secs_f64(), ..Self::default() };
        let named = |arrivals: &str, rate_hz: f64| Self {
            arrivals: arrivals.to_owned(),
            rate_hz: Some(rate_hz),
            ..record.clone()
        };
        match &stage.arrivals {
            Arrivals::Constant { rate } => named("constant", *rate),
            Arrivals::Poisson { rate } => named("poisson", *rate),
            Arrivals::Ramp { from, to } => Self { to_hz: Some(*to), ..named("ramp", *from) },
            Arrivals::Step { from, to, steps } => {
                Self { to_hz: Some(*to), steps: Some(*steps), ..named("step", *from) }
            }
            Arrivals::Spike { base, peak, at, hold } => Self {
                to_hz: Some(*peak),
                at_s: Some(at.as_secs_f64()),
                for_s: Some(hold.as_secs_f64()),
                ..named("spike", *base)
            },
            Arrivals::Sine { mean, amplitude, period } => Self {
                amplitude_hz: Some(*amplitude),
                period_s: Some(period.as_secs_f64()),
                ..named("sine", *mean)
            },
            Arrivals::Replay(replay) => Self {
                log: Some(replay.file().to_owned()),
                speed: Some(replay.speed()),
                ..named("replay", replay.mean_rate())
            },
            Arrivals::Closed { think } => {
                Self { arrivals: "closed".to_owned(), think_s: Some(think.as_secs_f64()), ..record }
            }
        }
    }
}

impl RequestRecord {
    fn new(request: &Request) -> Self {
        let headers = request.headers.iter();
        Self {
            name: request.name.clone(),
            weight: request.weight,
            method: request.method.as_str().to_owned(),
            path: secrets::url(&request.path.to_string()),
            write: request.write,
            body: match &request.body_file {
                Some(_) => String::new(),
                None => secrets::body(&request.body.to_string()),
            },
            body_file: request.body_file.clone(),
            auth: request.credential.as_ref().map(|credential| credential.source.clone()),
            headers: headers
                .map(|(name, value)| (name.clone(), secrets::header_value(name, &value.to_string())))
                .collect(),
        }
    }
}

impl SessionRecord {
    fn new(session: &Session, plan: &Plan) -> Self {
        let place = |place: &Place| match place {
            Place::Json(pointer) => pointer.clone(),
            Place::Header(name) => format!("header {name}"),
        };
        let step = |step: &Step| StepRecord {
            request: plan.scenario.requests[step.request].name.clone(),
            think_s: step.think.as_secs_f64(),
            capture: step.captures.iter().map(|known| (known.name.clone(), place(&known.place))).collect(),
        };
        Self {
            name: session.name.clone(),
            weight: session.weight,
            steps: session.steps.iter().map(step).collect(),
        }
    }
}

impl DataRecord {
    fn new(table: &Table) -> Self {
        Self {
            name: table.name.clone(),
            file: table.file.clone(),
            order: table.order.as_str().to_owned(),
            rows: table.rows(),
        }
    }
}

impl ScheduleRecord {
    fn new(schedule: &Schedule) -> Self {
        let injections = schedule.injections.iter().map(|injection| InjectionPlan {
            name: injection.name.clone(),
            at_s: injection.at.as_secs_f64(),
            for_s: injection.hold.as_secs_f64(),
            fault: FaultRecord::new(&injection.fault),
            select: selector(&injection.select),
        });
        Self {
            name: schedule.name.clone(),
            teaches: schedule.teaches.clone(),
            injections: injections.collect(),
        }
    }
}

impl FaultRecord {
    pub(crate) fn new(fault: &FaultKind) -> Self {
        let (direction, peer, port) = match fault {
            FaultKind::Drop { direction, peer, port } => (Some(*direction), peer.clone(), *port),
            _ => (None, None, None),
        };
        let direction = match direction {
            None | Some(Direction::Both) => None,
            Some(Direction::In) => Some("in".to_owned()),
            Some(Direction::Out) => Some("out".to_owned()),
        };
        Self { kind: fault.as_str().to_owned(), direction, peer, port }
    }
}

fn selector(select: &Selector) -> BTreeMap<String, String> {
    let pick = match select.pick {
        Pick::All => None,
        Pick::Random => Some("random"),
        Pick::First => Some("first"),
        Pick::Last => Some("last"),
    };
    let fields = [
        ("node", select.node.clone()),
        ("role", select.role.map(|role| role.as_str().to_owned())),
        ("part", select.part.clone()),
        ("primary", select.primary.then(|| "true".to_owned())),
        ("whole-node", select.whole_node.then(|| "true".to_owned())),
        ("pick", pick.map(str::to_owned)),
    ];
    fields.into_iter().filter_map(|(key, value)| value.map(|value| (key.to_owned(), value))).collect()
}
