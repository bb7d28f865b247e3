//! Which labs the experiments of a design need: those that leave a lab as it was share one.

use targets::claims::{Claim, Experiment};

/// One experiment, or a part of one, in a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    /// The claim's id.
    pub(crate) claim: String,
    /// Tells the labs of one claim apart; empty where there is only one.
    pub(crate) label: String,
}

impl Task {
    /// Folder of its record, and its word on the command line.
    pub(crate) fn name(&self) -> String {
        if self.label.is_empty() { self.claim.clone() } else { format!("{}.{}", self.claim, self.label) }
    }
}

/// One lab and what is done in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sitting {
    /// Settings of the design.
    pub(crate) settings: toml::Table,
    /// In order.
    pub(crate) tasks: Vec<Task>,
    shared: bool,
}

/// The labs for these claims, in order. A search for ceilings brings its own up.
pub(crate) fn sittings<'a>(claims: impl Iterator<Item = &'a Claim>) -> Vec<Sitting> {
    let mut sittings: Vec<Sitting> = Vec::new();
    for claim in claims {
        for (label, settings) in labs(claim) {
            let task = Task { claim: claim.id.clone(), label };
            let shared = harmless(&claim.experiment);
            let same = sittings.iter_mut().find(|sitting| sitting.shared && sitting.settings == settings);
            match same.filter(|_| shared) {
                Some(sitting) => sitting.tasks.push(task),
                None => sittings.push(Sitting { settings, tasks: vec![task], shared }),
            }
        }
    }
    sittings
}

/// Label and settings of each lab of a claim.
fn labs(claim: &Claim) -> Vec<(String, toml::Table)> {
    let with = |name: &str, value: &str| {
        let mut settings = claim.settings.clone();
        settings.insert(name.to_owned(), value.into());
        settings
    };
    match &claim.experiment {
        Experiment::Ceilings(_) => Vec::new(),
        Experiment::Balance(balance) => balance
            .algorithms
            .iter()
            .map(|algorithm| (algorithm.as_str().to_owned(), with("balance", algorithm.as_str())))
            .collect(),
        _ => vec![(String::new(), claim.settings.clone())],
    }
}

/// Whether a lab is afterwards as it was.
fn harmless(experiment: &Experiment) -> bool {
    matches!(experiment, Experiment::Capture(_) | Experiment::Scan(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use targets::Design;

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
