//! Orders are placed while a part dies; each that was acknowledged is read back some time later.
//!
//! A user places an order, waits until the design has recovered, and asks for it by the id of the answer. What was
//! acknowledged and is not there is lost.

use std::time::Duration;

use targets::claims::Ledger;

use super::figures::Figures;
use super::judge::{Judge, seconds};
use super::sql::{Session, databases};
use super::testbed::{Asked, Testbed};
use super::victims::{Rhythm, absence, harmed};
use crate::failure::{Code, Failure, OrFail};

const RATE: f64 = 30.0;
/// From an acknowledgement to the reading back: longer than any failover takes.
const LATER: Duration = Duration::from_secs(12);
/// Fewer acknowledged orders say nothing.
const FEWEST: f64 = 100.0;
/// Of the orders asked for, this share must have been answered, by yes or no.
const ANSWERED: f64 = 0.9;

pub(crate) fn measure(ledger: &Ledger, bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let word = bed.word("order");
    let later_s = LATER.as_secs();
    let text = format!(
        r#"
        [[session]]
        name = "ledger"
        [[session.step]]
        name = "place"
        method = "POST"
        path = "/api/orders"
        headers = {{ Content-Type = "application/json" }}
        body = '{{"id":"{word}-{{{{sequence}}}}","item":"lamp","quantity":1}}'
        capture = {{ id = {{ json = "/id" }} }}
        [[session.step]]
        name = "look"
        think = "{later_s}s"
        path = "/api/orders/{{{{id}}}}"
        "#
    );
    let surroundings = load::Surroundings::of(&bed.dir);
    let scenario = load::parse_scenario(&text, "the ledger", &surroundings).or_fail(Code::Bug)?;
    let rhythm =
        Rhythm { first: bed.time(3.0, 5.0), away: bed.time(10.0, 15.0), between: bed.time(5.0, 10.0) };
    let injections = harmed(std::slice::from_ref(&ledger.victim), rhythm, bed)?;
    let length = rhythm.length(1);
    let asked = Asked {
        scenario,
        rate_hz: RATE,
        injections,
        // The last order of the measured load is looked for in the cool-down.
        cool_down: LATER + Duration::from_secs(3),
        ..Asked::usual("ledger", length)
    };
    let seen = bed.load(&asked, &mut figures)?;
    let victim = ledger.victim.name();
    absence(&victim, seen.findings.injections.first(), &mut figures);
    let request = |name: &str| seen.run.plan.requests.iter().position(|request| request.name == name);
    let (place, look) = (request("place"), request("look"));
    let of = |request: Option<usize>| seen.run.bins.iter().filter(move |bin| Some(bin.request) == request);
    let status =
        |request, code: u16| -> u64 { of(request).filter_map(|bin| bin.counts.status.get(&code)).sum() };
    figures.count("acknowledged_orders_count", status(place, 201));
    // What was placed so late that it would be asked for after the end is not; what came long before it all is.
    let end_s = seen.run.bins.iter().map(|bin| bin.at_s).fold(0.0, f64::max);
    let early = of(place).filter(|bin| bin.at_s + LATER.as_secs_f64() + 1.0 < end_s);
    figures.count("early_orders_count", early.filter_map(|bin| bin.counts.status.get(&201)).sum());
    figures.count("asked_for_orders_count", of(look).map(|bin| bin.counts.due()).sum());
    figures.count("found_orders_count", status(look, 200));
    figures.count("lost_orders_count", status(look, 404));
    match databases(bed).and_then(|(primary, _)| {
        let counted =
            Session::open(primary)?.ask(&format!("SELECT COUNT(*) FROM orders WHERE id LIKE '{word}-%'"))?;
        Ok((primary.node.name.clone(), counted.concat().parse::<u64>()?))
    }) {
        Ok((_, rows)) => figures.count("rows_on_the_primary_count", rows),
        Err(error) => figures.doubt(format!("the primary's rows cannot be counted: {error:#}")),
    }
    Ok(figures)
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    let (Some(acknowledged), Some(early), Some(asked), Some(found), Some(lost), Some(rows)) = (
        judge.need("acknowledged_orders_count"),
        judge.need("early_orders_count"),
        judge.need("asked_for_orders_count"),
        judge.need("found_orders_count"),
        judge.need("lost_orders_count"),
        judge.need("rows_on_the_primary_count"),
    ) else {
        return judge;
    };
    let away = figures.between("", "_away_s").first().map_or(String::new(), |(_, away_s)| seconds(*away_s));
    let later = seconds(LATER.as_secs_f64());
    judge.say(format!(
        "{asked:.0} orders acknowledged around a death of {away} were asked for {later} later: {found:.0} found, {lost:.0} lost; {acknowledged:.0} were acknowledged in all, and the primary has {rows:.0}"
    ));
    judge.trust(acknowledged >= FEWEST, format!("only {acknowledged:.0} orders were acknowledged"));
    judge.trust(asked >= early, format!("{:.0} orders were not asked for", early - asked));
    judge.trust(
        found + lost >= asked * ANSWERED,
        format!("{:.0} of {asked:.0} questions had no answer", asked - found - lost),
    );
    judge.expect(lost == 0.0, format!("{lost:.0} acknowledged orders are lost"));
    judge.expect(
        rows >= acknowledged,
        format!("the primary lacks {:.0} acknowledged orders", acknowledged - rows),
    );
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(acknowledged: f64, found: f64, lost: f64, rows: f64) -> &'static str {
        let mut figures = Figures::default();
        for (name, value) in [
            ("acknowledged_orders_count", acknowledged),
            ("early_orders_count", 495.0),
            ("asked_for_orders_count", 500.0),
            ("found_orders_count", found),
            ("lost_orders_count", lost),
            ("rows_on_the_primary_count", rows),
        ] {
            figures.set(name, value);
        }
        judge(&figures).verdict()
    }

    #[test]
    fn no_write_is_lost_when_each_is_found_again() {
        // A commit whose acknowledgement was lost is a row more, and nobody's loss.
        assert_eq!(verdict(520.0, 500.0, 0.0, 521.0), "holds");
        assert_eq!(verdict(520.0, 499.0, 1.0, 521.0), "does not hold");
        assert_eq!(verdict(520.0, 500.0, 0.0, 519.0), "does not hold");
    }

    #[test]
    fn questions_without_an_answer_leave_it_open() {
        assert_eq!(verdict(520.0, 300.0, 0.0, 521.0), "unknown");
        assert_eq!(verdict(20.0, 500.0, 0.0, 521.0), "unknown");
    }
}
