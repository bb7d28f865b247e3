//! What getting the parts is doing at the moment.

use std::fmt;

/// A step on the way; its `Display` is a line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process is getting parts into the same cache.
    Waiting,
    /// Fetching the distribution's lists of packages.
    Lists,
    /// Fetching packages.
    Downloading {
        /// 0 to 100.
        percent: u8,
        /// "12 of 42".
        files: String,
    },
    /// Fetching the application's modules for Node.js.
    Modules,
    /// Unpacking a package.
    Unpacking {
        /// Packages unpacked.
        done: usize,
        /// Packages in all.
        total: usize,
    },
}

impl Progress {
    /// Which tenth of its step this is, so that a log shows ten lines of it and not a hundred.
    fn tenth(&self) -> (u8, usize) {
        match self {
            Self::Waiting => (0, 0),
            Self::Lists => (1, 0),
            Self::Downloading { percent, .. } => (2, usize::from(*percent) / 10),
            Self::Modules => (4, 0),
            Self::Unpacking { done, total } => (3, done * 10 / (*total).max(1)),
        }
    }
}

/// Passes on a step only when it is another tenth than the one before.
pub(super) fn thinned(tell: &mut dyn FnMut(Progress)) -> impl FnMut(Progress) {
    let mut last = None;
    move |progress| {
        let tenth = Some(progress.tenth());
        if tenth != last {
            last = tenth;
            tell(progress);
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(f, "parts: waiting for another process that is getting them"),
            Self::Lists => write!(f, "parts: reading the distribution's package lists"),
            Self::Downloading { percent, files } => {
                write!(f, "parts: downloading, {percent} % ({files} packages)")
            }
            Self::Modules => write!(f, "parts: fetching the application's modules for Node.js by npm"),
            Self::Unpacking { done, total } => write!(f, "parts: unpacking, {done} of {total} packages"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_once_for_each_tenth() {
        let mut told = Vec::new();
        let mut tell = |progress: Progress| told.push(progress);
        let mut thin = thinned(&mut tell);
        (0..=100).for_each(|percent| thin(Progress::Downloading { percent, files: "1 of 1".into() }));
        (0..=42).for_each(|done| thin(Progress::Unpacking { done, total: 42 }));
        drop(thin);
        assert_eq!(told.len(), 22);
        assert_eq!(told.last(), Some(&Progress::Unpacking { done: 42, total: 42 }));
    }
}
