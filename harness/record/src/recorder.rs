//! Writes the record of a run while it goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use model::{Event, Plan, Sink, Timeline};
use serde::Serialize;

use crate::machine::MachineRecord;
use crate::monitor::MonitorRecord;
use crate::plan::PlanRecord;
use crate::timeline::TimelineRecord;
use crate::utc::Utc;
use crate::writer::{self, Job, Message, Trouble};
use crate::{Machine, Place, RecordError, files, place};

/// Events that may wait for the disk. A window of the load is one event a second, so this is over an hour of them.
const WAITING_EVENTS: usize = 8192;

/// `<utc>-<name>-<seed>`: what the directory of a run, or of a comparison of runs, is called.
#[must_use]
pub fn run_id(name: &str, seed: u64, started: SystemTime) -> String {
    format!("{}-{}-{seed}", Utc::from_system(started).compact(), place::plain_name(name))
}

/// An open record. It is a [`Sink`]: emitting never waits for the disk and never fails. What goes wrong while writing
/// is remembered ([`Recorder::trouble`]) and returned by [`Recorder::finish`]; the run goes on without its record.
pub struct Recorder {
    dir: PathBuf,
    epoch: Instant,
    sender: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    trouble: Trouble,
    missed: AtomicU64,
}

impl Recorder {
    /// Makes the run directory, writes `plan.toml` and `machine.json`, and starts taking events. The run's epoch is
    /// now; `started` is the same moment on the wall clock.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or written, or already holds a run.
    pub fn create(
        place: Place<'_>,
        plan: &Plan,
        machine: &Machine,
        started: SystemTime,
    ) -> Result<Self, RecordError> {
        let epoch = Instant::now();
        let utc = Utc::from_system(started);
        let run_id = run_id(&plan.name, plan.seed.0, started);
        let dir = place::make(place, &run_id)?;
        // Under a root, a second run of the same second has a number in its directory's name.
        let run_id = match place {
            Place::Under(_) => dir.file_name().map_or(run_id, |name| name.to_string_lossy().into_owned()),
            Place::Exactly(_) => run_id,
        };
        let plan_path = dir.join("plan.toml");
        let text = toml::to_string(&PlanRecord::new(plan, run_id)).map_err(|error| RecordError::Write {
            path: plan_path.clone(),
            source: std::io::Error::other(error),
        })?;
        files::write_whole(&plan_path, text.as_bytes())?;
        files::write_json(&dir.join("machine.json"), &MachineRecord::new(machine, utc.rfc3339()))?;
        let trouble = Trouble::default();
        let (sender, receiver) = sync_channel(WAITING_EVENTS);
        let job = Job {
            dir: dir.clone(),
            epoch,
            started,
            tags: plan.scenario.requests.iter().map(|request| place::plain_name(&request.name)).collect(),
            trouble: Arc::clone(&trouble),
        };
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || writer::work(&job, &receiver))
            .map_err(|source| RecordError::Create { path: dir.clone(), source })?;
        Ok(Self { dir, epoch, sender, thread: Mutex::new(Some(thread)), trouble, missed: AtomicU64::new(0) })
    }

    /// The run directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The moment from which every time on disk counts.
    #[must_use]
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Writes `timeline.json`, when every choice is resolved and the design is up. An error is remembered.
    pub fn timeline(&self, timeline: &Timeline) {
        self.write("timeline.json", &TimelineRecord::new(timeline));
    }

    /// Writes `monitor.json`, when the load has ended. An error is remembered.
    pub fn monitor(&self, monitor: &MonitorRecord) {
        self.write("monitor.json", monitor);
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) {
        if let Err(error) = files::write_json(&self.dir.join(name), value) {
            writer::remember(&self.trouble, error);
        }
    }

    /// The directory for the logs of `node`'s processes.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn logs_dir(&self, node: &str) -> Result<PathBuf, RecordError> {
        let path = self.dir.join("logs").join(place::plain_name(node));
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(RecordError::Create { path, source }),
        }
    }

    /// What went wrong first while writing, if anything did: to be said once, while the run goes on.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().ok()?.as_ref().map(ToString::to_string)
    }

    /// Writes what is left and closes the files. Events emitted later are not kept. A second call returns at once.
    ///
    /// # Errors
    ///
    /// What went wrong first while the run went on; what was written before it is kept.
    pub fn finish(&self) -> Result<PathBuf, RecordError> {
        self.close();
        if let Some(error) = self.trouble.lock().ok().and_then(|mut first| first.take()) {
            return Err(error);
        }
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => Ok(self.dir.clone()),
            missed => Err(RecordError::Behind { path: self.dir.clone(), missed }),
        }
    }

    fn close(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Waits for room: the thread always takes messages, even when it can no longer write them.
            let _ = self.sender.send(Message::Finish);
            let _ = thread.join();
        }
    }
}

impl Sink for Recorder {
    fn emit(&self, event: Event) {
        match self.sender.try_send(Message::Event(event)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close();
    }
}
