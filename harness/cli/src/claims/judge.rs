//! How figures become a verdict.

use super::figures::Figures;

/// A judgement in the making: what was measured in words, what was expected and not found, what is not known.
pub(crate) struct Judge<'a> {
    figures: &'a Figures,
    said: Vec<String>,
    broken: Vec<String>,
    doubts: Vec<String>,
}

impl<'a> Judge<'a> {
    pub(crate) fn of(figures: &'a Figures) -> Self {
        Self { figures, said: Vec::new(), broken: Vec::new(), doubts: figures.doubts.clone() }
    }

    /// A figure that the verdict needs. Where it is missing the claim is unknown.
    pub(crate) fn need(&mut self, name: &str) -> Option<f64> {
        let found = self.figures.get(name);
        // One reason is enough where the experiment itself said what was in the way.
        if found.is_none() && self.doubts.is_empty() {
            self.doubts.push(format!("{name} was not measured"));
        }
        found
    }

    /// Adds to the sentence.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.said.push(text.into());
    }

    /// The claim does not hold unless `holds`; `otherwise` says what was found.
    pub(crate) fn expect(&mut self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.broken.push(otherwise.into());
        }
    }

    /// The figures say nothing unless `sound`.
    pub(crate) fn trust(&mut self, sound: bool, otherwise: impl Into<String>) {
        if !sound {
            self.doubts.push(otherwise.into());
        }
    }

    /// "holds", "does not hold" or "unknown". What is doubted is neither confirmed nor denied.
    pub(crate) fn verdict(&self) -> &'static str {
        match (self.doubts.is_empty(), self.broken.is_empty()) {
            (false, _) => "unknown",
            (true, false) => "does not hold",
            (true, true) => "holds",
        }
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        let all = if self.doubts.is_empty() { &self.broken } else { &self.doubts };
        let mut reasons: Vec<String> = Vec::new();
        for reason in all {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        reasons
    }

    /// What was measured, as one sentence.
    pub(crate) fn measured(&self) -> String {
        if self.said.is_empty() { "nothing was measured".to_owned() } else { self.said.join("; ") }
    }
}

/// "3.2 s", "45 ms".
pub(crate) fn seconds(value: f64) -> String {
    if value == 0.0 {
        "0 s".to_owned()
    } else if value < 0.1 {
        format!("{:.1} ms", value * 1e3)
    } else {
        format!("{value:.1} s")
    }
}

/// "50 %".
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// "a, b and c".
pub(crate) fn list<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_makes_a_claim_unknown_whatever_else_was_found() {
        let mut figures = Figures::default();
        figures.set("a_s", 1.0);
        let mut judge = Judge::of(&figures);
        assert_eq!(judge.need("a_s"), Some(1.0));
        assert_eq!((judge.verdict(), judge.reasons().len()), ("holds", 0));
        judge.expect(false, "a is too small");
        assert_eq!((judge.verdict(), judge.reasons()), ("does not hold", vec!["a is too small".to_owned()]));
        assert_eq!(judge.need("b_s"), None);
        assert_eq!((judge.verdict(), judge.reasons()), ("unknown", vec!["b_s was not measured".to_owned()]));
    }

    #[test]
    fn figures_are_said_in_words_of_their_size() {
        assert_eq!(
            (seconds(3.21), seconds(0.0042), seconds(0.0)),
            ("3.2 s".into(), "4.2 ms".into(), "0 s".into())
        );
        assert_eq!((list(&["a"]), list(&["a", "b", "c"])), ("a".to_owned(), "a, b and c".to_owned()));
    }
}
