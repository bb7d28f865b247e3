//! ctrl-C and SIGTERM, as a flag that long work looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Code, Failure, OrFail};

/// Set once a signal has asked the command to end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    pub(crate) flag: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Begins to listen. A second signal does nothing more: what has to be undone is under way.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (flag, number) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let value = usize::try_from(signal).unwrap_or_default();
            // The number first: who sees the flag finds the number.
            signal_hook::flag::register_usize(signal, Arc::clone(&number), value).or_fail(Code::Bug)?;
            signal_hook::flag::register(signal, Arc::clone(&flag)).or_fail(Code::Bug)?;
        }
        Ok(Self { flag, signal: number })
    }

    /// Asks the command to end as ctrl-C does, where that is a key and sends no signal.
    pub(crate) fn ask(&self) {
        self.signal.store(usize::try_from(SIGINT).unwrap_or_default(), Ordering::Release);
        self.flag.store(true, Ordering::Release);
    }

    /// The signal that came, if any.
    pub(crate) fn signal(&self) -> Option<i32> {
        let signal = self.signal.load(Ordering::Acquire);
        (signal != 0).then(|| i32::try_from(signal).unwrap_or(SIGINT))
    }

    /// An error once a signal has come.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.signal().map_or(Ok(()), |signal| Err(Failure::interrupted(signal)))
    }
}
