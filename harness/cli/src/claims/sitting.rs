//! Which labs the experiments of a design need: those that leave a lab as it was share one.

use targets::Setting;
use targets::claims::{Claim, Experiment};

/// One experiment, or a part of one, in a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    /// The claim's id.
    pub(crate) claim: String,
    /// Which of its experiments.
    pub(crate) experiment: usize,
    /// Tells the experiments of one claim apart; empty where there is only one.
    kind: String,
    /// Tells the labs of one experiment apart; empty where there is only one.
    pub(crate) label: String,
}

impl Task {
    /// Folder of its record, and its word on the command line.
    pub(crate) fn name(&self) -> String {
        let words = [&self.claim, &self.kind, &self.label];
        words.into_iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(".")
    }
}

/// One lab and what is done in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sitting {
    /// Another design than the one that the claims are about.
    pub(crate) design: Option<String>,
    /// Settings of the design.
    pub(crate) settings: Vec<Setting>,
    /// In order.
    pub(crate) tasks: Vec<Task>,
    shared: bool,
}

/// What a design with these settings is called on the command line: `1-distributed:balance=source`.
pub(crate) fn with_settings(design: &str, settings: &[Setting]) -> String {
    let mut name = design.to_owned();
    for (key, value) in settings {
        let has_some = name.rsplit_once(':').is_some_and(|(_, list)| list.contains('='));
        name += &format!("{}{key}={value}", if has_some { ',' } else { ':' });
    }
    name
}

/// The labs for these claims, in order. A search for ceilings brings its own up.
pub(crate) fn sittings<'a>(claims: impl Iterator<Item = &'a Claim>) -> Vec<Sitting> {
    let mut sittings: Vec<Sitting> = Vec::new();
    for claim in claims {
        for (index, experiment) in claim.experiments.iter().enumerate() {
            let kind = if claim.experiments.len() > 1 { experiment.kind() } else { "" };
            for Lab { label, design, settings } in labs(experiment, &claim.settings) {
                let kind = kind.to_owned();
                let task = Task { claim: claim.id.clone(), experiment: index, kind, label };
                let shared = harmless(experiment);
                let same = |sitting: &&mut Sitting| {
                    sitting.shared && sitting.settings == settings && sitting.design == design
                };
                match sittings.iter_mut().find(same).filter(|_| shared) {
                    Some(sitting) => sitting.tasks.push(task),
                    None => sittings.push(Sitting { design, settings, tasks: vec![task], shared }),
                }
            }
        }
    }
    sittings
}

/// A lab that an experiment needs.
struct Lab {
    label: String,
    /// Another design than the one that is claimed about.
    design: Option<String>,
    settings: Vec<Setting>,
}

fn labs(experiment: &Experiment, settings: &[Setting]) -> Vec<Lab> {
    let lab = |label: &str, more: &[(&str, &str)]| {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = settings.iter().cloned().chain(more).collect();
        Lab { label: label.to_owned(), design: None, settings }
    };
    let other = |label: &str, design: &str| Lab {
        label: label.to_owned(),
        design: Some(design.to_owned()),
        settings: Vec::new(),
    };
    match experiment {
        Experiment::Ceilings(_) => Vec::new(),
        Experiment::Balance(balance) => {
            let words = balance.algorithms.iter().map(|algorithm| algorithm.as_str());
            words.map(|word| lab(word, &[("balance", word)])).collect()
        }
        Experiment::TlsCost(cost) => vec![lab("with", &[]), other("without", &cost.than)],
        Experiment::Neighbour(neighbour) => vec![lab("together", &[]), other("apart", &neighbour.apart)],
        Experiment::Flood(_) => {
            let none = [("connections_per_source", "1000000"), ("new_connections_per_s", "1000000")];
            vec![lab("limited", &[]), lab("unlimited", &none)]
        }
        _ => vec![lab("", &[])],
    }
}

/// Whether a lab is afterwards as it was.
fn harmless(experiment: &Experiment) -> bool {
    matches!(experiment, Experiment::Capture(_) | Experiment::Scan(_) | Experiment::Handshake(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use targets::Design;

    #[test]
    fn settings_follow_the_name_of_a_design() {
        let settings = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x".to_owned())];
        assert_eq!(with_settings("d", &settings), "d:a=1,b=x");
        assert_eq!(with_settings("d:c=2", &settings[..1]), "d:c=2,a=1");
        assert_eq!(with_settings("d", &[]), "d");
    }

    #[test]
    fn experiments_that_break_nothing_share_a_lab_and_settings_have_labs_of_their_own() {
        let claims = Design::find("1-distributed").unwrap().claims().unwrap();
        let labs: Vec<Vec<String>> = sittings(claims.iter())
            .iter()
            .map(|sitting| sitting.tasks.iter().map(Task::name).collect())
            .collect();
        assert!(labs.contains(&vec!["no-https".to_owned(), "no-firewall".to_owned()]), "{labs:?}");
        assert!(labs.contains(&vec!["balancing.source".to_owned()]), "{labs:?}");
        assert!(labs.contains(&vec!["spofs-remain".to_owned()]), "{labs:?}");
    }
}
