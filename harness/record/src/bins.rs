//! `bins.csv`: what became of the arrivals that fell due in each bin.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use model::{Bin, Counts, Done};

use crate::{RecordError, files};

/// The columns. `done_answered` and `done_good` are answers that came in the bin, whenever they fell due. `no_port` is counted in `unsent` too, and `tls` in `other`. `status` holds `code:count` pairs with a blank between them. Bins without either have no row.
pub(crate) const HEADER: &str = "at_s,request,due,sent,good,unsent,timed_out,refused,reset,malformed,other,status,first_good_s,last_good_s,no_port,tls,done_answered,done_good\n";
/// Columns that earlier versions did not write.
const LATER: usize = 2;

/// The arrivals of one request that fell due in one bin.
#[derive(Debug, Clone, PartialEq)]
pub struct BinRecord {
    /// Beginning of the bin, in seconds from the run's epoch.
    pub at_s: f64,
    /// Index into the plan's requests.
    pub request: usize,
    /// What became of them.
    pub counts: Counts,
    /// Due time of the first good one, in seconds from the run's epoch.
    pub first_good_s: Option<f64>,
    /// Due time of the last good one, in seconds from the run's epoch.
    pub last_good_s: Option<f64>,
    /// Answers that came in it, whenever they fell due.
    pub done: Done,
}

/// Appends the row of `bin`, which begins at `at_s`, to `text`. `load_start_s` is the start of the load.
pub(crate) fn append(text: &mut String, at_s: f64, request: &str, bin: &Bin, load_start_s: f64) {
    let c = &bin.counts;
    if c.due() == 0 && bin.done == Done::default() {
        return;
    }
    let status: Vec<String> = c.status.iter().map(|(status, count)| format!("{status}:{count}")).collect();
    let good = |time: Option<std::time::Duration>| {
        time.map_or_else(String::new, |due| format!("{:.6}", load_start_s + due.as_secs_f64()))
    };
    let row = writeln!(
        text,
        "{at_s:.6},{request},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
        c.due(),
        c.sent(),
        c.good,
        c.unsent,
        c.timed_out,
        c.refused,
        c.reset,
        c.malformed,
        c.other,
        status.join(" "),
        good(bin.first_good),
        good(bin.last_good),
        c.no_port,
        c.tls,
        bin.done.answered,
        bin.done.good,
    );
    if row.is_err() {
        unreachable!("writing to a string cannot fail");
    }
}

/// Reads `bins.csv`; `tags` are the plan's requests as they stand in the file.
pub(crate) fn read(path: &Path, text: &str, tags: &[String]) -> Result<(Vec<BinRecord>, bool), RecordError> {
    let (lines, cut) = files::complete_lines(text);
    let mut bins = Vec::new();
    for (number, line) in lines.filter(|(number, _)| *number > 1) {
        let bin = row(line, tags).map_err(|reason| RecordError::malformed(path, number, reason))?;
        bins.push(bin);
    }
    Ok((bins, cut))
}

fn row(line: &str, tags: &[String]) -> Result<BinRecord, String> {
    let columns: Vec<&str> = line.split(',').collect();
    let names: Vec<&str> = HEADER.trim_end().split(',').collect();
    if ![names.len(), names.len() - LATER].contains(&columns.len()) {
        return Err(format!("expected {} columns, found {}", names.len(), columns.len()));
    }
    let count = |index: usize| {
        columns[index].parse::<u64>().map_err(|_| format!("column {} is not a count", names[index]))
    };
    let seconds = |index: usize| {
        columns[index].parse::<f64>().map_err(|_| format!("column {} is not a time", names[index]))
    };
    let optional = |index: usize| match columns[index] {
        "" => Ok(None),
        _ => seconds(index).map(Some),
    };
    let counts = Counts {
        status: statuses(columns[11])?,
        good: count(4)?,
        unsent: count(5)?,
        timed_out: count(6)?,
        refused: count(7)?,
        reset: count(8)?,
        malformed: count(9)?,
        other: count(10)?,
        no_port: count(14)?,
        tls: count(15)?,
    };
    if counts.due() != count(2)?
        || counts.sent() != count(3)?
        || counts.good > counts.answered()
        || counts.no_port > counts.unsent
        || counts.tls > counts.other
    {
        return Err("the counts do not add up: due = sent + unsent, sent = answered + failures".to_owned());
    }
    // Of an earlier record only the due times are known.
    let done = match columns.len() == names.len() {
        true => Done { answered: count(16)?, good: count(17)? },
        false => Done { answered: counts.answered(), good: counts.good },
    };
    let request = tags.iter().position(|tag| tag == columns[1]);
    let request = request.ok_or_else(|| format!("request `{}` is not in plan.toml", columns[1]))?;
    Ok(BinRecord {
        at_s: seconds(0)?,
        request,
        counts,
        first_good_s: optional(12)?,
        last_good_s: optional(13)?,
        done,
    })
}

fn statuses(text: &str) -> Result<BTreeMap<u16, u64>, String> {
    text.split_whitespace()
        .map(|pair| {
            let (status, count) = pair.split_once(':')?;
            Some((status.parse().ok()?, count.parse().ok()?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| format!("column status is not like `200:9 503:1`: {text}"))
}
