//! What each fault of a run did.

use record::derived::{InjectionFile, RequestFindingFile};
use record::{InjectionRecord, Run, WhatRecord};

use super::effect::{Effect, Span, Word};
use super::grid::{Grid, tally};
use super::recovery::longest_gap;
use super::windows::measured_from;
use super::{Study, tidy, words};

/// What the events tell of one injection, in seconds from the start of the measured load.
#[derive(Debug, Clone, Default)]
struct Told {
    injected: Option<(f64, Vec<String>)>,
    healed_s: Option<f64>,
    void: Option<String>,
    /// Alerts that began after the injection, in order.
    alerts: Vec<(f64, String)>,
}

/// Every injection of the timeline, in order.
pub(super) fn all(run: &Run, study: &Study) -> Vec<InjectionFile> {
    let told: Vec<Told> = (0..run.injections.len()).map(|index| told(run, index)).collect();
    let spans: Vec<Option<Span>> =
        run.injections.iter().zip(&told).map(|(asked, told)| span(asked, told, &study.grid)).collect();
    let next_s = |after: f64| {
        let later = spans.iter().flatten().map(|span| span.from_s).filter(|from_s| *from_s > after);
        later.fold(study.grid.end_s(), f64::min)
    };
    run.injections
        .iter()
        .zip(&told)
        .zip(&spans)
        .map(|((asked, told), span)| match span {
            Some(span) => felt(run, study, asked, told, Span { to_s: next_s(span.from_s), ..*span }),
            None => void(asked, told),
        })
        .collect()
}

fn told(run: &Run, index: usize) -> Told {
    let zero_s = measured_from(run);
    let mut told = Told::default();
    for event in &run.events {
        let at_s = event.at_s - zero_s;
        match &event.what {
            WhatRecord::FaultInjected { injection, targets, .. } if *injection == index => {
                told.injected.get_or_insert((at_s, targets.clone()));
            }
            WhatRecord::FaultHealed { injection } if *injection == index => told.healed_s = Some(at_s),
            WhatRecord::AlertReceived { alert, about, firing: true } if told.injected.is_some() => {
                let about = about.as_ref().map_or(String::new(), |node| format!(" ({node})"));
                told.alerts.push((at_s, format!("{alert}{about}")));
            }
            WhatRecord::FaultVoid { injection, reason } if *injection == index => {
                told.void = Some(reason.clone());
            }
            _ => {}
        }
    }
    told
}

/// How long applying a fault may take before its effect is seen.
const APPLYING_S: f64 = 1.0;

fn span(asked: &InjectionRecord, told: &Told, grid: &Grid) -> Option<Span> {
    let (at_s, _) = told.injected.as_ref().filter(|_| told.void.is_none())?;
    let planned = (0.0..APPLYING_S).contains(&(at_s - asked.at_s));
    Some(Span {
        at_s: *at_s,
        from_s: if planned { asked.at_s } else { *at_s },
        // The undo begins when the injection's time is over, or when the run was ended before that.
        undo_s: told.healed_s.map(|healed_s| healed_s.min(asked.at_s + asked.for_s)),
        to_s: grid.end_s(),
    })
}

fn felt(run: &Run, study: &Study, asked: &InjectionRecord, told: &Told, span: Span) -> InjectionFile {
    let names = run.plan.requests.iter().map(|request| request.name.as_str());
    let effects: Vec<(&str, Effect)> = names
        .enumerate()
        .map(|(index, name)| (name, Effect::new(&study.grid, &study.row(index), span)))
        .filter(|(_, effect)| effect.due > 0)
        .collect();
    let grid = &study.grid;
    let most =
        |of: &dyn Fn(&Effect) -> Option<f64>| effects.iter().filter_map(|(_, e)| of(e)).reduce(f64::max);
    let first = effects.iter().filter_map(|(_, effect)| effect.felt_s).reduce(f64::min);
    let needed = effects.iter().filter(|(_, effect)| effect.word >= Word::Degraded);
    // Recovered when the last request that had to is back; not at all when one of them is not.
    let recovered_s = needed.map(|(_, effect)| effect.recovered_s).collect::<Option<Vec<f64>>>();
    let recovered_s = recovered_s.and_then(|all| all.into_iter().reduce(f64::max));
    let mut failed_by_kind = std::collections::BTreeMap::new();
    for (kind, count) in effects.iter().flat_map(|(_, effect)| &effect.failed_by_kind) {
        *failed_by_kind.entry(kind.clone()).or_insert(0) += count;
    }
    let word = effects.iter().map(|(_, effect)| effect.word).max().unwrap_or(Word::Void);
    // What comes after the next fault began may be about that one.
    let alert = told.alerts.iter().find(|(at_s, _)| *at_s < span.to_s);
    let overall = tally(&grid.all[grid.columns_of(span.from_s, span.to_s)]);
    InjectionFile {
        at_s: tidy(span.at_s),
        healed_s: told.healed_s.map(tidy),
        detected_s: first.map(tidy),
        felt_after_s: first.map(|felt_s| tidy((felt_s - span.at_s).max(0.0))),
        alerted_after_s: alert.map(|(at_s, _)| tidy((at_s - span.at_s).max(0.0))),
        alert: alert.map(|(_, alert)| alert.clone()),
        recovered_s: recovered_s.map(tidy),
        recovery_s: recovered_s.map(|at_s| tidy((at_s - span.at_s).max(0.0))),
        recovery_after_heal_s: recovered_s
            .zip(span.undo_s)
            .map(|(at_s, undo_s)| tidy((at_s - undo_s).max(0.0))),
        max_gap_s: most(&|effect| effect.max_gap_s).map(tidy),
        max_gap_overall_s: longest_gap(grid, &grid.all, span.from_s, span.to_s).map(tidy),
        outage_s: tidy(most(&|effect| Some(effect.outage_s)).unwrap_or(0.0)),
        requests_failed: overall.1 - overall.0,
        failed_by_kind,
        goodput_deficit_requests: tidy(effects.iter().map(|(_, effect)| effect.deficit).sum()),
        verdict: word.as_str().to_owned(),
        sentence: words::injection(&effects),
        by_request: effects.iter().map(|(name, effect)| ((*name).to_owned(), request(effect))).collect(),
        ..named(asked, told)
    }
}

fn request(effect: &Effect) -> RequestFindingFile {
    RequestFindingFile {
        verdict: effect.word.as_str().to_owned(),
        outage_s: tidy(effect.outage_s),
        max_gap_s: effect.max_gap_s.map(tidy),
        detected_s: effect.felt_s.map(tidy),
        recovered_s: effect.recovered_s.map(tidy),
        requests_due: effect.due,
        requests_failed: effect.failed,
        goodput_deficit_requests: tidy(effect.deficit),
    }
}

fn void(asked: &InjectionRecord, told: &Told) -> InjectionFile {
    let reason = told.void.as_deref().unwrap_or("the run ended before its time came");
    InjectionFile {
        at_s: asked.at_s,
        verdict: Word::Void.as_str().to_owned(),
        sentence: format!("says nothing: {reason}"),
        ..named(asked, told)
    }
}

/// The names and targets of an injection: what was really hit, or else what was to be.
fn named(asked: &InjectionRecord, told: &Told) -> InjectionFile {
    let targets = match &told.injected {
        Some((_, targets)) if !targets.is_empty() => targets.clone(),
        _ => asked.targets.clone(),
    };
    let (node, process) = match targets.as_slice() {
        [one] => match one.split_once('/') {
            Some((node, process)) => (Some(node.to_owned()), Some(process.to_owned())),
            None => (Some(one.clone()), None),
        },
        // Several processes of one node are the node.
        [first, ..] => {
            let node = first.split('/').next().unwrap_or_default();
            let same = targets.iter().all(|target| target.split('/').next() == Some(node));
            (same.then(|| node.to_owned()), None)
        }
        [] => (None, None),
    };
    InjectionFile {
        name: asked.name.clone(),
        fault: asked.fault.kind.clone(),
        node,
        process,
        targets,
        ..InjectionFile::default()
    }
}
