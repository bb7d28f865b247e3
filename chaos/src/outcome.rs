//! What a schedule left behind.

/// Something that could not be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealed {
    /// Index of the injection; `None` for what the last sweep found.
    pub injection: Option<usize>,
    /// What is left.
    pub left: String,
    /// The command that undoes it, with the node it has to be run on.
    pub remedy: String,
}

/// How a schedule went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Injections in force for a time with their effect seen.
    pub injected: usize,
    /// Injections that did nothing, or were not applied.
    pub void: usize,
    /// What could not be undone; empty when all is well.
    pub unhealed: Vec<Unhealed>,
}
