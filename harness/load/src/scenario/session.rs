//! `[[session]]`: a sequence of steps by one user.

use std::time::Duration;

use model::{Capture, Place, Scenario, Session, Step};
use toml::Spanned;

use super::Wrong;
use super::file::{FileCapture, FileRequest, FileSession};
use super::request::{self, Context};

/// Reads a session and adds it and its steps to `scenario`.
pub(super) fn read(read: &FileSession, context: &Context<'_>, scenario: &mut Scenario) -> Result<(), Wrong> {
    let name = read.name.get_ref();
    if name.is_empty() || scenario.sessions.iter().any(|other| other.name == *name) {
        let message = format!("name = \"{name}\": every session has a name of its own");
        return Err(Wrong::new(read.name.span(), message));
    }
    if read.step.is_empty() {
        return Err(Wrong::new(read.name.span(), format!("session {name} needs a [[session.step]]")));
    }
    let weight = request::weight(read.weight.as_ref())?;
    let mut session = Session { name: name.clone(), weight, steps: Vec::new() };
    for (number, step) in read.step.iter().enumerate() {
        if let Some(weight) = &step.weight {
            return Err(Wrong::new(
                weight.span(),
                "weight: a step comes with its session, which has the weight",
            ));
        }
        let captured: Vec<String> = session.captured().into_iter().map(str::to_owned).collect();
        let captured: Vec<&str> = captured.iter().map(String::as_str).collect();
        let request = request::read(step, 0.0, &captured, context, scenario)?;
        session.steps.push(Step { request, think: think(step, number)?, captures: captures(step)? });
    }
    scenario.sessions.push(session);
    Ok(())
}

fn think(step: &FileRequest, number: usize) -> Result<Duration, Wrong> {
    let Some(think) = &step.think else { return Ok(Duration::ZERO) };
    if number == 0 {
        let why =
            "think: the first step comes when its session does; later steps may have a pause before them";
        return Err(Wrong::new(think.span(), why));
    }
    humantime::parse_duration(think.get_ref()).map_err(|_| {
        let why =
            format!("think = \"{}\": a time like 500ms or 2s is expected", think.get_ref().escape_debug());
        Wrong::new(think.span(), why)
    })
}

fn captures(step: &FileRequest) -> Result<Vec<Capture>, Wrong> {
    let read = step.capture.as_ref().map_or(&[][..], |captures| &captures.get_ref().0);
    read.iter().map(|(name, capture)| self::capture(name, capture)).collect()
}

fn capture(name: &Spanned<String>, read: &FileCapture) -> Result<Capture, Wrong> {
    let called = name.get_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let taken = ["sequence", "uuid", "random"].contains(&called.as_str());
    if called.is_empty() || taken || !called.chars().all(plain) {
        let why = format!("capture.{}: use a name of letters, digits, _ and -", called.escape_debug());
        return Err(Wrong::new(name.span(), why));
    }
    let place = match (&read.json, &read.header) {
        (Some(pointer), None) => {
            // RFC 6901, section 3.
            if !pointer.get_ref().is_empty() && !pointer.get_ref().starts_with('/') {
                let why = format!("capture.{called}.json: a JSON pointer begins with /, like /items/0/id");
                return Err(Wrong::new(pointer.span(), why));
            }
            Place::Json(pointer.get_ref().clone())
        }
        (None, Some(header)) => Place::Header(header.get_ref().clone()),
        _ => {
            let why =
                format!("capture.{called}: use one of json (a pointer like /id) and header (a field's name)");
            return Err(Wrong::new(name.span(), why));
        }
    };
    Ok(Capture { name: called.clone(), place })
}
