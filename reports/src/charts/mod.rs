//! Drawings: the course of a run and of each fault by plotters, and the diagram of a design.

mod axis;
mod ceiling;
mod diagram;
mod figure;
mod ink;
mod load;
mod paint;
mod panels;
mod series;
mod strip;

use record::FaultRecord;

pub(crate) use ceiling::ceiling;
pub(crate) use diagram::{Diagram, Way, diagram, drawio, letters, picture, ways};
pub(crate) use figure::{one_fault, whole_runs};

/// What a kind of fault does, in plain words: "Killed (SIGKILL)".
pub(crate) fn harm(fault: &FaultRecord) -> String {
    let text = match fault.kind.as_str() {
        "noop" => "Nothing done (the control)",
        "kill" => "Killed with SIGKILL and kept dead",
        "term" => "Ended with SIGTERM and kept away",
        "pause" => "Paused with SIGSTOP",
        "restart" => "Stopped in good order and started again",
        "restart-primary" => "The primary stopped and started again",
        "drop" => return dropped(fault),
        other => other,
    };
    text.to_owned()
}

fn dropped(fault: &FaultRecord) -> String {
    let which = match fault.direction.as_deref() {
        Some("in") => "Incoming packets",
        Some("out") => "Outgoing packets",
        _ => "Packets both ways",
    };
    let peer = fault.peer.as_ref().map_or(String::new(), |peer| format!(" to and from {peer}"));
    let port = fault.port.map_or(String::new(), |port| format!(" on port {port}"));
    format!("{which}{peer}{port} dropped")
}
