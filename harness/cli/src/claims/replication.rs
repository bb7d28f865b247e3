//! A write on the primary is read on the replica: how much later, under load? Does the replica answer without its
//! primary, and does it refuse writes?

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use model::Role;
use targets::claims::{Harm, Victim, Which};

use super::figures::Figures;
use super::judge::{Judge, seconds};
use super::sql::{Database, Session, databases};
use super::testbed::{Asked, Testbed};
use super::victims::{Rhythm, absence, harmed};
use crate::failure::Failure;

/// Between two writes whose way to the replica is followed.
const EVERY: Duration = Duration::from_millis(40);
/// Between two looks at the replica.
const LOOK_EVERY: Duration = Duration::from_micros(300);
/// A write that is not there by then is not followed further.
const GIVE_UP: Duration = Duration::from_secs(3);
/// Fewer say nothing about a 99th percentile.
const FEWEST: f64 = 40.0;
/// Reads went on when they were down for less than this share of the primary's absence.
const WENT_ON: f64 = 0.3;
/// The replica's answer to a write (ER_OPTION_PREVENTS_STATEMENT).
const REFUSED: &str = "1290";

pub(crate) fn measure(bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let (primary, replica) = match databases(bed).and_then(|(primary, replicas)| {
        Ok((primary, replicas.into_iter().next().context("the design has no replica")?))
    }) {
        Ok(pair) => pair,
        Err(error) => return Ok(Figures::doubted(format!("{error:#}"))),
    };
    lag(bed, primary, replica, &mut figures)?;
    match writes(bed, primary, replica) {
        Ok((accepted, refused)) => {
            figures.set("primary_accepts_writes", f64::from(accepted));
            figures.set("replica_refuses_writes", f64::from(refused));
        }
        Err(error) => figures.doubt(format!("no write could be tried: {error:#}")),
    }
    without_primary(bed, &mut figures)?;
    Ok(figures)
}

/// Follows single writes from their commit on the primary until the replica shows them, while the design serves a load.
fn lag(
    bed: &Testbed<'_>,
    primary: Database<'_>,
    replica: Database<'_>,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let length = bed.time(6.0, 20.0);
    let outcome: Mutex<Option<anyhow::Result<Vec<Option<Duration>>>>> = Mutex::new(None);
    let beside = |measure_from: Instant| {
        let stop = || Instant::now() >= measure_from + length || bed.interrupt.check().is_err();
        let followed = follow(primary, replica, &bed.word("lag"), &stop);
        *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(followed);
    };
    bed.load(&Asked { beside: Some(&beside), ..Asked::usual("lag", length) }, figures)?;
    match outcome.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Ok(lags)) => keep(&lags, figures),
        Some(Err(error)) => figures.doubt(format!("writes could not be followed: {error:#}")),
        None => figures.doubt("no write was followed"),
    }
    Ok(())
}

fn follow(
    primary: Database<'_>,
    replica: Database<'_>,
    word: &str,
    stop: &dyn Fn() -> bool,
) -> anyhow::Result<Vec<Option<Duration>>> {
    let (mut writer, mut reader) = (Session::open(primary)?, Session::open(replica)?);
    let mut lags = Vec::new();
    while !stop() {
        let id = format!("{word}-{}", lags.len());
        writer.ask(&format!("INSERT INTO orders (id, item, quantity) VALUES ('{id}', 'lamp', 1)"))?;
        let committed = Instant::now();
        lags.push(loop {
            let seen = reader.ask(&format!("SELECT id FROM orders WHERE id = '{id}'"))?;
            if seen == [id.as_str()] {
                break Some(committed.elapsed());
            }
            if committed.elapsed() > GIVE_UP {
                break None;
            }
            std::thread::sleep(LOOK_EVERY);
        });
        std::thread::sleep(EVERY);
    }
    Ok(lags)
}

fn keep(lags: &[Option<Duration>], figures: &mut Figures) {
    let mut arrived: Vec<f64> = lags.iter().flatten().map(Duration::as_secs_f64).collect();
    arrived.sort_by(f64::total_cmp);
    figures.count("followed_writes_count", u64::try_from(lags.len()).unwrap_or(u64::MAX));
    figures.count("arrived_writes_count", u64::try_from(arrived.len()).unwrap_or(u64::MAX));
    // Nearest rank: the smallest lag that so many in a hundred do not exceed.
    let rank = |hundredths: usize| arrived.get((arrived.len() * hundredths).div_ceil(100).saturating_sub(1));
    for (name, hundredths) in [("lag_p50_ms", 50), ("lag_p99_ms", 99), ("lag_max_ms", 100)] {
        if let Some(lag_s) = rank(hundredths) {
            figures.set(name, lag_s * 1e3);
        }
    }
}

/// Whether the primary accepts and the replica refuses the same write, by the application's own account.
fn writes(bed: &Testbed<'_>, primary: Database<'_>, replica: Database<'_>) -> anyhow::Result<(bool, bool)> {
    let application = bed.inventory.processes().find(|(_, process)| process.role == Role::Application);
    let (node, process) = application.context("the design has no application")?;
    let insert = |id: &str| format!("INSERT INTO orders (id, item, quantity) VALUES ('{id}', 'lamp', 1)");
    let counted = |id: &str| format!("SELECT COUNT(*) FROM orders WHERE id = '{id}'");
    let (taken, refused) = (bed.word("primary"), bed.word("replica"));
    let mut session = Session::of_application(node, process, primary)?;
    session.ask(&insert(&taken))?;
    let accepted = session.ask(&counted(&taken))? == ["1"];
    let mut session = Session::of_application(node, process, replica)?;
    // In one go: the next statement would forget why this one failed.
    let error = session.ask(&format!("{}; SHOW WARNINGS", insert(&refused)))?;
    let absent = session.ask(&counted(&refused))? == ["0"];
    Ok((accepted, absent && error.iter().any(|line| line.contains(REFUSED))))
}

fn without_primary(bed: &Testbed<'_>, figures: &mut Figures) -> Result<(), Failure> {
    let primary = Victim {
        role: Role::Database,
        primary: true,
        whole_node: false,
        pick: Which::All,
        fault: Harm::Kill,
        has: None,
        down: Vec::new(),
        up: Vec::new(),
    };
    let rhythm = Rhythm { first: bed.time(3.0, 5.0), away: bed.time(3.0, 8.0), between: bed.time(3.0, 8.0) };
    let injections = harmed(std::slice::from_ref(&primary), rhythm, bed)?;
    let asked = Asked { injections, ..Asked::usual("without-primary", rhythm.length(1)) };
    let seen = bed.load(&asked, figures)?;
    let found = seen.findings.injections.first();
    absence("primary", found, figures);
    for request in ["read", "write"] {
        if let Some(finding) = found.and_then(|found| found.by_request.get(request)) {
            figures.set(&format!("{request}_down_s"), finding.outage_s);
            figures.count(&format!("{request}_failed_requests"), finding.requests_failed);
        }
    }
    Ok(())
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    let counts = (judge.need("followed_writes_count"), judge.need("arrived_writes_count"));
    if let (Some(followed), Some(arrived)) = counts {
        judge.trust(followed >= FEWEST, format!("only {followed:.0} writes were followed"));
        judge.expect(
            arrived >= followed,
            format!("{:.0} of {followed:.0} writes never arrived", followed - arrived),
        );
    }
    if let (Some(p50), Some(p99)) = (judge.need("lag_p50_ms"), judge.need("lag_p99_ms")) {
        judge.say(format!("lag p50 {p50:.1} ms, p99 {p99:.1} ms"));
    }
    let down = (judge.need("primary_away_s"), judge.need("read_down_s"), judge.need("read_failed_requests"));
    if let (Some(away_s), Some(down_s), Some(failed)) = down {
        let (away, down) = (seconds(away_s), seconds(down_s));
        judge.say(format!("reads down {down} and {failed:.0} failed while the primary was away {away}"));
        judge.expect(
            down_s < away_s * WENT_ON,
            format!("reads were down for {down} of {away} without the primary"),
        );
    }
    let answers = (judge.need("primary_accepts_writes"), judge.need("replica_refuses_writes"));
    if let (Some(accepts), Some(refuses)) = answers {
        judge.trust(accepts > 0.0, "the primary refused the write that the replica was tried with");
        judge.expect(refuses > 0.0, "the replica took a write");
        judge.say(if refuses > 0.0 { "the replica refused a write" } else { "the replica took a write" });
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(change: &[(&str, f64)]) -> Figures {
        let lags: Vec<Option<Duration>> = (1..=100).map(|ms| Some(Duration::from_millis(ms))).collect();
        let mut figures = Figures::default();
        keep(&lags, &mut figures);
        let usual = [
            ("primary_away_s", 3.0),
            ("read_down_s", 0.0),
            ("read_failed_requests", 0.0),
            ("primary_accepts_writes", 1.0),
            ("replica_refuses_writes", 1.0),
        ];
        for (name, value) in usual.iter().chain(change) {
            figures.set(name, *value);
        }
        figures
    }

    #[test]
    fn percentiles_of_the_lag_are_by_nearest_rank() {
        let figures = figures(&[]);
        let of = |name: &str| figures.get(name).unwrap();
        assert_eq!((of("lag_p50_ms"), of("lag_p99_ms"), of("lag_max_ms")), (50.0, 99.0, 100.0));
        assert_eq!(judge(&figures).verdict(), "holds");
    }

    #[test]
    fn each_part_of_the_claim_can_deny_it() {
        for wrong in [("read_down_s", 2.9), ("replica_refuses_writes", 0.0), ("arrived_writes_count", 99.0)] {
            assert_eq!(judge(&figures(&[wrong])).verdict(), "does not hold", "{wrong:?}");
        }
    }

    #[test]
    fn a_control_that_fails_makes_it_unknown() {
        for wrong in [("primary_accepts_writes", 0.0), ("followed_writes_count", 5.0)] {
            assert_eq!(judge(&figures(&[wrong])).verdict(), "unknown", "{wrong:?}");
        }
    }
}
