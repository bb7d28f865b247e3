//! The files that are derived from a record. Scripts, dashboards and continuous integration read them, so keys are
//! added freely and renamed or dropped only with a new `schema_version`. Units stand in the names; what was not
//! measured is absent.

mod ceiling;
mod claims;
mod comparison;
mod findings;
mod hgrm;
mod seconds;
mod summary;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{RecordError, files};

pub use ceiling::{CeilingFile, ScalabilityFile, TrialFile};
pub use claims::{CLAIMS_FILE, ClaimFile, ClaimsFile, FiguresFile};
pub use comparison::{ComparisonFile, DesignFile, PairFile, SpofFile};
pub use findings::{
    AvailabilityFile, BaselineFile, FindingsFile, InjectionFile, OutageFile, RequestFindingFile, StateFile,
};
pub use hgrm::hgrm;
pub use seconds::{SecondRow, seconds_csv};
pub use summary::{
    BreakdownFile, BytesFile, ConnectionsFile, CountsFile, GeneratorFile, ImbalanceFile, MonitoredFile,
    PercentilesFile, RequestSummaryFile, StageSummaryFile, SummaryFile,
};

/// Version of the keys of every derived file.
pub const SCHEMA_VERSION: u32 = 1;

/// `value` as it stands in a file: indented, with a final newline.
///
/// # Errors
///
/// When a value is not a finite number.
pub fn to_json<T: Serialize>(value: &T) -> Result<String, RecordError> {
    files::json_text(Path::new("(json)"), value)
}

/// Reads a derived file; `None` when it is not there.
///
/// # Errors
///
/// When it is there but cannot be read or holds something else.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RecordError> {
    files::read_if_present(path)?.map(|text| files::parse_json(path, &text)).transpose()
}
