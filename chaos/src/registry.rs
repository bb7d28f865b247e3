//! Every fault there is: the only list. A new fault is its file and its line here.

use model::FaultKind;

use crate::fault::Fault;
use crate::faults::{drop, kill, noop, pause, restart};

static ALL: [&dyn Fault; 7] = [
    &noop::Noop,
    &kill::KILL,
    &kill::TERM,
    &pause::Pause,
    &restart::RESTART,
    &restart::RESTART_PRIMARY,
    &drop::Drop,
];

/// Grey, which no fault has.
const NO_COLOUR: &str = "#777777";

/// The names of all faults, in the order in which manuals list them.
#[must_use]
pub fn fault_names() -> Vec<&'static str> {
    ALL.iter().map(|fault| fault.name()).collect()
}

/// The fault of this kind.
#[must_use]
pub fn fault_of(kind: &FaultKind) -> Option<&'static dyn Fault> {
    named(kind.as_str())
}

/// The colour of this kind of fault in every chart, as `#rrggbb`.
#[must_use]
pub fn colour(kind: &FaultKind) -> &'static str {
    fault_of(kind).map_or(NO_COLOUR, |fault| fault.colour())
}

pub(crate) fn named(name: &str) -> Option<&'static dyn Fault> {
    ALL.into_iter().find(|fault| fault.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Direction;

    use super::*;

    #[test]
    fn every_kind_of_harm_has_a_fault_and_a_colour_of_its_own() {
        let kinds = [
            FaultKind::Noop,
            FaultKind::Kill,
            FaultKind::Term,
            FaultKind::Pause,
            FaultKind::Restart,
            FaultKind::RestartPrimary,
            FaultKind::Drop { direction: Direction::Both, peer: None, port: None },
        ];
        let colours: BTreeSet<&str> = kinds.iter().map(colour).collect();
        assert_eq!(colours.len(), kinds.len(), "{colours:?}");
        assert!(!colours.contains(NO_COLOUR), "{colours:?}");
        assert_eq!(kinds.len(), ALL.len());
    }
}
