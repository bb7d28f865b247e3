//! A drawing: panels on one time axis, with its title, its legend and its table.

use std::ops::Range;

use plotters::prelude::*;
use record::WhatRecord;

use super::ink::{FINE, Ink};
use super::load::Scales;
use super::paint::{HEAT_LEVELS, Paint};
use super::panels::{Band, Drawn};
use super::series::{Failure, LatencyColumn, RatePoint, latencies, rates};
use super::strip::{self, Lane, Mark, StripRow};
use super::{axis, load};
use crate::compare::RunReport;
use crate::findings::Study;
use crate::findings::states::stretches;
use crate::findings::windows::{measured_from, windows};
use crate::monitor::{MonitorRate, Monitored};
use crate::page::{Figure, TextTable};
use crate::words;
use crate::write::ReportError;

/// Width of every drawing, in pixels.
pub(super) const WIDTH: u32 = 960;
const GOODPUT_HEIGHT: u32 = 190;
const LATENCY_HEIGHT: u32 = 250;
/// Shown before a fault.
const BEFORE_S: f64 = 5.0;
/// Shown after its planned end.
const AFTER_S: f64 = 15.0;

/// Everything that one drawing shows.
struct Scene {
    time: Range<f64>,
    rows: Vec<StripRow>,
    bands: Vec<Band>,
    lanes: Vec<Lane>,
    rates: Vec<RatePoint>,
    /// Empty where the design has no monitor.
    monitor: Vec<MonitorRate>,
    latencies: Vec<LatencyColumn>,
}

/// A drawing that waits for the scales it shares with others.
struct Draft {
    title: String,
    design: String,
    scene: Scene,
}

/// The whole measured load of each run, with the same axes.
pub(crate) fn whole_runs(reports: &[&RunReport]) -> Result<Vec<Figure>, ReportError> {
    let draft = |report: &&RunReport| {
        let study = Study::new(&report.run);
        let mut scene = Scene::new(report, &study, 0.0..study.grid.measured_s, 0.0);
        scene.lanes.clear();
        Draft { title: whole_title(report), design: report.findings.design.clone(), scene }
    };
    drawn(&reports.iter().map(draft).collect::<Vec<_>>())
}

fn whole_title(report: &RunReport) -> String {
    let (summary, findings) = (&report.summary, &report.findings);
    if findings.injections.is_empty() {
        let p99 = summary.latency_us.as_ref().map(|latency| format!(", p99 {}", words::latency(latency.p99)));
        let (good, offered) = (words::rate(summary.goodput_hz), words::rate(summary.offered_rate_hz));
        return format!("{good} good of {offered} offered{}", p99.unwrap_or_default());
    }
    let good = words::percent(findings.availability.by_request);
    let due = words::count(summary.requests.due);
    let down = |outages: &Vec<record::derived::OutageFile>| {
        outages
            .iter()
            .filter(|outage| outage.state == "down")
            .map(|outage| outage.to_s - outage.from_s)
            .sum::<f64>()
    };
    let told: Vec<String> = (report.run.plan.requests.iter())
        .filter_map(|request| Some((&request.name, down(findings.outages_by_request.get(&request.name)?))))
        .filter(|(_, down_s)| *down_s > 0.0)
        .map(|(name, down_s)| format!("{name} {}", words::seconds(down_s)))
        .collect();
    let told = if told.is_empty() {
        "nothing was ever down".to_owned()
    } else {
        format!("time down: {}", told.join(", "))
    };
    format!("The whole run: {good} of {due} requests were good; {told}")
}

/// One fault in each run that had it, from a little before it to the next one, with the same axes.
pub(crate) fn one_fault(reports: &[(&RunReport, usize)]) -> Result<Vec<Figure>, ReportError> {
    let draft = |(report, index): &(&RunReport, usize)| {
        let study = Study::new(&report.run);
        let asked = &report.run.injections[*index];
        let next_s = report.run.injections.iter().map(|other| other.at_s).filter(|at_s| *at_s > asked.at_s);
        let end_s = next_s.fold(study.grid.end_s(), f64::min).min(asked.at_s + asked.for_s + AFTER_S);
        let time = (asked.at_s - BEFORE_S).max(study.grid.from_s)..end_s;
        Draft {
            title: fault_title(&report.findings.injections[*index]),
            design: report.findings.design.clone(),
            scene: Scene::new(report, &study, time, asked.at_s),
        }
    };
    drawn(&reports.iter().map(draft).collect::<Vec<_>>())
}

fn fault_title(found: &record::derived::InjectionFile) -> String {
    let mut title = found.sentence.clone() + ".";
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if let Some(after_s) = found.felt_after_s {
        title += &format!(" Felt {}.", words::after(after_s));
    }
    if let Some(recovery_s) = found.recovery_s {
        title += &format!(" Back to normal {}.", words::after(recovery_s));
    }
    title
}

fn drawn(drafts: &[Draft]) -> Result<Vec<Figure>, ReportError> {
    let scales = Scales::over(
        drafts
            .iter()
            .map(|draft| (&draft.scene.rates[..], &draft.scene.monitor[..], &draft.scene.latencies[..])),
    );
    drafts.iter().map(|draft| draft.scene.figure(&draft.title, &draft.design, &scales)).collect()
}

impl Scene {
    fn new(report: &RunReport, study: &Study, time: Range<f64>, origin_s: f64) -> Self {
        let time = axis::safe_range(time.start, time.end);
        let grid = &study.grid;
        let columns = grid.columns_of(time.start, time.end);
        let row = |(request, row): (&record::RequestRecord, &crate::findings::StudyRow)| StripRow {
            name: request.name.clone(),
            stretches: stretches(&row.states, columns.clone())
                .into_iter()
                .map(|(range, state)| (grid.start_of(range.start), grid.start_of(range.end), state))
                .collect(),
        };
        let band = |injection: &record::derived::InjectionFile| Band {
            name: injection.name.clone(),
            from_s: injection.at_s,
            to_s: injection.healed_s.unwrap_or(grid.end_s()),
        };
        let injected = report.findings.injections.iter().filter(|injection| injection.verdict != "void");
        Self {
            rows: report.run.plan.requests.iter().zip(&study.rows).map(row).collect(),
            bands: injected.map(band).collect(),
            lanes: lanes(report, &time),
            rates: rates(grid, time.start, time.end, origin_s),
            monitor: Monitored::new(&report.run).map(|seen| seen.rates(&time)).unwrap_or_default(),
            latencies: latencies(&windows(&report.run), time.start, time.end),
            time,
        }
    }

    fn figure(&self, title: &str, design: &str, scales: &Scales) -> Result<Figure, ReportError> {
        let failed = |reason: String| ReportError::Chart { chart: title.to_owned(), reason };
        let svg = self.draw(title, design, scales).map_err(|error| failed(error.to_string()))?;
        let table = self.table();
        Ok(Figure { title: title.to_owned(), over: design.to_owned(), svg, legend: self.legend(), table })
    }

    fn draw(
        &self,
        title: &str,
        design: &str,
        scales: &Scales,
    ) -> Result<String, DrawingAreaErrorKind<std::convert::Infallible>> {
        let with_lanes = !self.bands.is_empty() || !self.lanes.is_empty();
        let strip_height = strip::height(self.rows.len());
        let lanes_height = if with_lanes { strip::height(self.lanes.len() + 1) } else { 0 };
        let height = strip_height + lanes_height + GOODPUT_HEIGHT + LATENCY_HEIGHT;
        let ink = Ink::new(WIDTH, height);
        self.draw_panels(
            &ink.clone().into_drawing_area(),
            [strip_height, lanes_height, GOODPUT_HEIGHT],
            scales,
        )?;
        let description = format!(
            "{design}, from {} to {} s of the measured load. From the top: the state of each request, {}good answers \
             and failures per second with the offered load, and the latency of good answers on a logarithmic axis.",
            words::seconds(self.time.start),
            words::seconds(self.time.end),
            if with_lanes { "the faults in force with the processes they hit, " } else { "" },
        );
        Ok(ink.into_svg(&format!("{design}: {title}"), &description))
    }

    fn draw_panels(
        &self,
        root: &DrawingArea<Ink, plotters::coord::Shift>,
        heights: [u32; 3],
        scales: &Scales,
    ) -> Drawn {
        let [strip, lanes, goodput] = heights.map(|height| height * FINE.unsigned_abs());
        let (strip_area, below) = root.split_vertically(strip);
        strip::states(&strip_area, &self.time, &self.rows)?;
        let (lanes_area, below) = below.split_vertically(lanes);
        if lanes > 0 {
            strip::lanes(&lanes_area, &self.time, &self.bands, &self.lanes)?;
        }
        let (goodput_area, latency_area) = below.split_vertically(goodput);
        load::goodput(&goodput_area, &self.time, &self.bands, &self.rates, &self.monitor, scales)?;
        load::latency(&latency_area, &self.time, &self.bands, &self.latencies, scales)
    }

    /// Only what the drawing shows is explained.
    fn legend(&self) -> Vec<(String, String)> {
        let area = |paint: Paint, text: &str| {
            (format!("<path class=\"{}\" d=\"M0 0h16v12h-16z\"/>", paint.fill_class()), text.to_owned())
        };
        let line = |paint: Paint, text: &str| {
            (
                format!("<path class=\"{}\" stroke-width=\"2\" d=\"M0 6h16\"/>", paint.stroke_class()),
                text.to_owned(),
            )
        };
        let states =
            |state| self.rows.iter().flat_map(|row| &row.stretches).any(|(_, _, found)| *found == state);
        let mut legend = vec![area(Paint::Up, "up")];
        for (state, paint, text) in [
            (crate::findings::states::State::Degraded, Paint::Degraded, "degraded"),
            (crate::findings::states::State::Down, Paint::Down, "down (D)"),
            (crate::findings::states::State::NoData, Paint::NoData, "no data (?)"),
        ] {
            legend.extend(states(state).then(|| area(paint, text)));
        }
        if !self.bands.is_empty() {
            legend.push(area(Paint::Band, "fault in force"));
        }
        if !self.lanes.is_empty() {
            let mark = |body: String, text: &str| (body, text.to_owned());
            legend.push(area(Paint::Gone, "process away"));
            let died = Paint::Died.stroke_class();
            legend.push(mark(
                format!("<path class=\"{died}\" stroke-width=\"2\" d=\"M4 2l8 8M12 2l-8 8\"/>"),
                "died",
            ));
            let started = Paint::Started.fill_class();
            legend.push(mark(format!("<path class=\"{started}\" d=\"M8 2l4 7h-8z\"/>"), "started"));
            let ready = Paint::Ready.fill_class();
            legend.push(mark(format!("<circle class=\"{ready}\" cx=\"8\" cy=\"6\" r=\"4\"/>"), "ready"));
        }
        legend.push(line(Paint::Offered, "offered load"));
        if !self.monitor.is_empty() {
            legend.push(line(Paint::Monitor, "answers of the web servers, as the monitor sees them"));
        }
        legend.push(area(Paint::Good, "good answers"));
        for (index, failure) in Failure::ALL.iter().enumerate() {
            if self.rates.iter().any(|point| point.failed[index] > 0.0) {
                legend.push(area(failure.paint(), failure.label()));
            }
        }
        let heat: String = (1..=HEAT_LEVELS)
            .map(|level| {
                let x = f64::from(level - 1) * 16.0 / f64::from(HEAT_LEVELS);
                let width = 16.0 / f64::from(HEAT_LEVELS) + 0.2;
                format!(
                    "<path class=\"{}\" d=\"M{x:.2} 0h{width:.2}v12h-{width:.2}z\"/>",
                    Paint::Heat(level).fill_class()
                )
            })
            .collect();
        legend.push((heat, "few to many answers".to_owned()));
        legend.push(line(Paint::P50, "p50 (median)"));
        legend.push(line(Paint::P99, "p99"));
        legend
    }

    /// One row for each window of latency: a second, as a rule.
    fn table(&self) -> TextTable {
        let head = ["second", "offered /s", "good /s", "failed /s", "p50", "p99", "state"];
        let mut head: Vec<String> = head.map(str::to_owned).to_vec();
        if !self.monitor.is_empty() {
            head.insert(4, "monitor /s".to_owned());
        }
        let rows = self.latencies.iter().map(|column| {
            let (from_s, to_s) = (column.from_s, column.to_s);
            let within: Vec<&RatePoint> = self
                .rates
                .iter()
                .filter(|point| (from_s..to_s).contains(&f64::midpoint(point.from_s, point.to_s)))
                .collect();
            let mean = |of: &dyn Fn(&RatePoint) -> f64| {
                let sum: f64 = within.iter().map(|point| of(point)).sum();
                if within.is_empty() { "–".to_owned() } else { format!("{:.1}", sum / within.len() as f64) }
            };
            let percentile = |at| match column.good.is_empty() {
                true => "–".to_owned(),
                false => words::latency(column.good.value_at_percentile(at)),
            };
            let mut row = vec![
                format!("{from_s:.0}"),
                mean(&|point| point.offered),
                mean(&|point| point.good),
                mean(&|point| point.failed.iter().sum()),
                percentile(50.0),
                percentile(99.0),
                self.states_in(from_s, to_s),
            ];
            if !self.monitor.is_empty() {
                let seen = self.monitored(from_s, to_s);
                row.insert(4, seen.map_or("–".to_owned(), |hz| format!("{hz:.1}")));
            }
            row
        });
        TextTable { head, rows: rows.collect() }
    }

    /// Answers per second over a stretch as the monitor saw them; `None` when it did not see all of it.
    fn monitored(&self, from_s: f64, to_s: f64) -> Option<f64> {
        let shared = |rate: &MonitorRate| (rate.to_s.min(to_s) - rate.from_s.max(from_s)).max(0.0);
        let seen_s: f64 = self.monitor.iter().map(shared).sum();
        let answers: f64 = self.monitor.iter().map(|rate| shared(rate) * rate.hz).sum();
        (to_s - from_s - seen_s < 1e-3).then(|| answers / (to_s - from_s))
    }

    /// "write down", "up".
    fn states_in(&self, from_s: f64, to_s: f64) -> String {
        let worse = self.rows.iter().filter_map(|row| {
            let touching =
                row.stretches.iter().filter(|(from, to, _)| *from < to_s - 1e-6 && *to > from_s + 1e-6);
            let states: Vec<&str> = touching.map(|(.., state)| state.as_str()).collect();
            let worst = ["down", "degraded", "no-data"].into_iter().find(|state| states.contains(state))?;
            Some(format!("{} {worst}", row.name))
        });
        let told: Vec<String> = worse.collect();
        if told.is_empty() { "up".to_owned() } else { told.join(", ") }
    }
}

/// Most lanes that a drawing has room for.
const MOST_LANES: usize = 8;

/// The processes to which something happened in `time`, in the order in which it did.
fn lanes(report: &RunReport, time: &Range<f64>) -> Vec<Lane> {
    let run = &report.run;
    let zero_s = measured_from(run);
    let mut lanes: Vec<Lane> = Vec::new();
    for event in &run.events {
        let at_s = event.at_s - zero_s;
        let (node, process, mark) = match &event.what {
            WhatRecord::ProcessDied { node, process, .. } => (node, process, Mark::Died),
            WhatRecord::ProcessStarted { node, process, .. } => (node, process, Mark::Started),
            WhatRecord::ProcessReady { node, process } => (node, process, Mark::Ready),
            _ => continue,
        };
        let name = format!("{node}/{process}");
        match lanes.iter_mut().find(|lane| lane.name == name) {
            Some(lane) => lane.marks.push((at_s, mark)),
            None => lanes.push(Lane { name, marks: vec![(at_s, mark)] }),
        }
    }
    lanes.retain(|lane| lane.marks.iter().any(|(at_s, _)| time.contains(at_s)));
    lanes.truncate(MOST_LANES);
    lanes
}
