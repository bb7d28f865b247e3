//! Reads the record of a run.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::bins::{self, BinRecord};
use crate::derived::CeilingFile;
use crate::events::{self, EventRecord, TotalsRecord, WhatRecord};
use crate::intervals::{self, IntervalRecord};
use crate::machine::MachineRecord;
use crate::monitor::MonitorRecord;
use crate::plan::PlanRecord;
use crate::timeline::{InjectionRecord, InventoryRecord, PhaseRecord, TimelineRecord};
use crate::{FORMAT_VERSION, RecordError, files, place};

/// Where, in a run's directory, the search for its design's ceiling is kept.
pub const CEILING_DIR: &str = "ceiling";

/// A record as read from its directory. All times are in seconds from the run's epoch unless a field says otherwise.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it was read from.
    pub dir: PathBuf,
    /// What was asked.
    pub plan: PlanRecord,
    /// On what it was made.
    pub machine: MachineRecord,
    /// The phases of the load as planned, from the start of the load; empty when the run never came to its load.
    pub phases: Vec<PhaseRecord>,
    /// The faults; `at_s` counts from the start of the measured load.
    pub injections: Vec<InjectionRecord>,
    /// What was up; `None` for a plain load.
    pub inventory: Option<InventoryRecord>,
    /// In order of time.
    pub events: Vec<EventRecord>,
    /// In order of time, then of request. Bins without arrivals are absent.
    pub bins: Vec<BinRecord>,
    /// In order of time.
    pub intervals: Vec<IntervalRecord>,
    /// Totals of the load; absent when it did not end in good order.
    pub totals: Option<TotalsRecord>,
    /// What the design's own monitor counted; absent when it has none, or it did not answer.
    pub monitor: Option<MonitorRecord>,
    /// The ceiling of the same design, where a search for it was made beside the run.
    pub ceiling: Option<CeilingFile>,
    /// What is not whole about the record: a last line cut short, a file that is missing.
    pub gaps: Vec<String>,
}

impl Run {
    /// Reads the run directory `dir`. The record of a run that was killed is read as far as it goes; what is missing
    /// stands in [`Run::gaps`].
    ///
    /// # Errors
    ///
    /// When `dir` is not a run directory, or a file in it does not hold what it should.
    pub fn open(dir: &Path) -> Result<Self, RecordError> {
        let plan = read_plan(&dir.join("plan.toml"))?;
        let machine_path = dir.join("machine.json");
        let machine = files::parse_json(&machine_path, &files::read_text(&machine_path)?)?;
        let mut gaps = Vec::new();
        let timeline = read_timeline(&dir.join("timeline.json"), &mut gaps)?;
        let tags: Vec<String> = plan.requests.iter().map(|r| place::plain_name(&r.name)).collect();
        let events = read_part(dir, "events.jsonl", &mut gaps, events::read)?;
        let bins = read_part(dir, "bins.csv", &mut gaps, |path, text| bins::read(path, text, &tags))?;
        let intervals =
            read_part(dir, "intervals.hlog", &mut gaps, |path, text| intervals::read(path, text, &tags))?;
        let totals = events.iter().rev().find_map(|event| match &event.what {
            WhatRecord::LoadFinished(totals) => Some(totals.clone()),
            _ => None,
        });
        if totals.is_none() {
            gaps.push("the load did not end in good order: there are no totals".to_owned());
        }
        Ok(Self {
            dir: dir.to_owned(),
            plan,
            machine,
            phases: timeline.phases,
            injections: timeline.injections,
            inventory: timeline.inventory,
            events,
            bins,
            intervals,
            totals,
            monitor: read_json(&dir.join("monitor.json"))?,
            ceiling: read_json(&dir.join(CEILING_DIR).join("ceiling.json"))?,
            gaps,
        })
    }

    /// When the load began and the width of a bin, in seconds; `None` when it never did.
    #[must_use]
    pub fn load_started(&self) -> Option<(f64, f64)> {
        self.events.iter().find_map(|event| match event.what {
            WhatRecord::LoadStarted { bin_s } => Some((event.at_s, bin_s)),
            _ => None,
        })
    }
}

fn read_plan(path: &Path) -> Result<PlanRecord, RecordError> {
    let text = files::read_text(path)?;
    let plan: PlanRecord = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        RecordError::malformed(path, line, error.message())
    })?;
    if plan.format_version > FORMAT_VERSION {
        let (found, known) = (plan.format_version, FORMAT_VERSION);
        return Err(RecordError::Newer { path: path.to_owned(), found, known });
    }
    Ok(plan)
}

fn read_timeline(path: &Path, gaps: &mut Vec<String>) -> Result<TimelineRecord, RecordError> {
    match files::read_if_present(path)? {
        Some(text) => files::parse_json(path, &text),
        None => {
            gaps.push("timeline.json is missing: the run ended before its timeline was resolved".to_owned());
            Ok(TimelineRecord {
                format_version: FORMAT_VERSION,
                phases: Vec::new(),
                injections: Vec::new(),
                inventory: None,
            })
        }
    }
}

/// Reads a whole file, which may be absent.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RecordError> {
    files::read_if_present(path)?.map(|text| files::parse_json(path, &text)).transpose()
}

/// Reads an append-only file, which may be absent or cut short.
fn read_part<T: Default>(
    dir: &Path,
    name: &str,
    gaps: &mut Vec<String>,
    read: impl Fn(&Path, &str) -> Result<(T, bool), RecordError>,
) -> Result<T, RecordError> {
    let path = dir.join(name);
    let Some(text) = files::read_if_present(&path)? else {
        gaps.push(format!("{name} is missing"));
        return Ok(T::default());
    };
    let (value, cut) = read(&path, &text)?;
    if cut {
        gaps.push(format!("the last line of {name} was cut short and left out"));
    }
    Ok(value)
}
