//! Which database is the primary now: asked when the injection begins, since it may have moved by then.

use std::thread;

use model::{Inventory, Process, ResolvedInjection, Role, Target};

use crate::fault::FaultError;
use crate::node::{Site, run};
use crate::patience::Patience;

/// Whom an injection hits now.
pub(crate) struct Found {
    pub(crate) targets: Vec<Target>,
    /// Something wrong with the answers.
    pub(crate) remark: Option<String>,
}

/// The targets of an injection, narrowed to the primary's where only that one is meant.
///
/// # Errors
///
/// When no candidate says that it is the primary.
pub(crate) fn find(
    resolved: &ResolvedInjection,
    inventory: &Inventory,
    patience: &Patience,
) -> Result<Found, FaultError> {
    let select = &resolved.injection.select;
    if !select.primary {
        return Ok(Found { targets: resolved.targets.clone(), remark: None });
    }
    let is_candidate = |process: &Process| {
        process.role == Role::Database && select.part.as_ref().is_none_or(|part| *part == process.part)
    };
    let candidates: Vec<Site<'_>> = inventory
        .processes()
        .filter(|(node, process)| {
            is_candidate(process) && resolved.targets.iter().any(|target| target.node == node.name)
        })
        .map(|(node, process)| Site { node, process })
        .collect();
    let primaries = ask(&candidates, patience);
    let name = |sites: &[Site<'_>]| sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if primaries.is_empty() {
        return Err(FaultError::NoPrimary(name(&candidates)));
    }
    let remark = (primaries.len() > 1)
        .then(|| format!("{} all say that they are the primary; all of them are hit", name(&primaries)));
    let hit = |target: &Target| {
        primaries.iter().any(|site| {
            let process = target.process.as_ref();
            let same_process = process.is_none_or(|name| *name == site.process.name);
            target.node == site.node.name && (select.whole_node || same_process)
        })
    };
    Ok(Found { targets: resolved.targets.iter().filter(|target| hit(target)).cloned().collect(), remark })
}

/// Asks all at once: one that hangs must not keep the others waiting. No answer is a no.
fn ask<'a>(candidates: &[Site<'a>], patience: &Patience) -> Vec<Site<'a>> {
    if let [only] = candidates
        && only.process.is_primary.is_empty()
    {
        return vec![*only];
    }
    thread::scope(|scope| {
        let asked: Vec<_> = candidates
            .iter()
            .filter(|site| !site.process.is_primary.is_empty())
            .map(|site| {
                let question = || run(site.node, &site.process.is_primary, patience.effect);
                (site, scope.spawn(question))
            })
            .collect();
        asked
            .into_iter()
            .map(|(site, answer)| (site, answer.join()))
            .filter(|(_, answer)| matches!(answer, Ok(Ok(output)) if output.success()))
            .map(|(site, _)| *site)
            .collect()
    })
}
