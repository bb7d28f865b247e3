//! How arrows run, and where their numbers stand.

use super::bundle::{Bundle, End, Shape, is_implied};
use super::layout::{COLUMN_GAP, Layout, MARGIN, WIDTH};

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// Commands of an SVG path.
    pub(super) path: String,
    /// Whether it ends in a tip.
    pub(super) tip: bool,
    pub(super) class: &'static str,
}

/// What stands at a bundle's lines.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    pub(super) step: Option<u32>,
    pub(super) locked: bool,
    pub(super) at: (f64, f64),
}

/// Every line and number, and the width that the drawing needs with them.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    pub(super) routes: Vec<Route>,
    pub(super) badges: Vec<Badge>,
    pub(super) width: f64,
}

/// First lane to the right of a column, and the distance of the others.
const FIRST_LANE: f64 = 26.0;
const LANE: f64 = 26.0;
/// Numbers nearer than this would touch.
const APART: f64 = 23.0;
/// How far from a column the lines of a bus run.
const RISER: f64 = 20.0;
/// Parts stand so far within their boxes.
const INSET: f64 = 12.0;
const TURN: f64 = 10.0;

type Point = (f64, f64);

impl Routes {
    pub(super) fn new(bundles: &[Bundle<'_>], layout: &Layout) -> Self {
        let mut all = Self { routes: Vec::new(), badges: Vec::new(), width: layout.width };
        let mut lanes: Vec<usize> = vec![0; layout.nodes.len() + 1];
        for (place, bundle) in bundles.iter().enumerate() {
            let (from, to) = bundle.pairs[0];
            if is_implied(&(from, to)) {
                continue;
            }
            let mut standby = Vec::new();
            let (paths, places) = match bundle.shape {
                Shape::Down => down(&from, &to),
                Shape::Up => up(&from, &to),
                // One that joins what another one joins would lie over it.
                Shape::Hub if bundle.pairs.len() == 1 && !bundle.repeats(&bundles[..place]) => {
                    across(&from, &to)
                }
                Shape::Hub => {
                    let (paths, waiting, point) = hub(bundle, &all.badges);
                    standby = waiting;
                    (paths, vec![point])
                }
                Shape::Bus => bus(bundle, layout),
                Shape::Lane | Shape::Peers => {
                    let column = from.node.column.max(to.node.column);
                    lanes[column] += 1;
                    let bulge = LANE.mul_add((lanes[column] - 1) as f64, FIRST_LANE);
                    let x = MARGIN + column as f64 * (WIDTH + COLUMN_GAP) + WIDTH + bulge;
                    all.width = all.width.max(x + 24.0);
                    if bundle.shape == Shape::Peers {
                        peers(bundle, x)
                    } else {
                        // Arrows that end at one part end on both sides of its middle, in turn.
                        lane(bundle, x, if lanes[column].is_multiple_of(2) { -1.0 } else { 1.0 })
                    }
                }
            };
            let class = match (bundle.shape, bundle.step()) {
                (Shape::Bus, _) => "way aside watch",
                (_, None) => "way aside",
                _ => "way",
            };
            all.routes.extend(paths.into_iter().map(|(path, tip)| Route { path, tip, class }));
            all.routes.extend(standby.into_iter().map(|path| Route {
                path,
                tip: true,
                class: "way standby",
            }));
            let (step, locked) = (bundle.step(), bundle.is_encrypted());
            if step.is_some() || locked {
                let free = |at: &Point| is_free(*at, &all.badges);
                let at = places.iter().copied().find(free).or(places.first().copied()).unwrap_or_default();
                all.badges.push(Badge { step, locked, at });
            }
        }
        all
    }
}

fn is_free(at: Point, badges: &[Badge]) -> bool {
    badges.iter().all(|badge| (badge.at.0 - at.0).hypot(badge.at.1 - at.1) >= APART)
}

/// Paths, each with whether it ends in a tip, and the places at which the number may stand, the best first.
type Drawn = (Vec<(String, bool)>, Vec<Point>);

fn down(from: &End<'_>, to: &End<'_>) -> Drawn {
    let half = |end: &End<'_>| end.node.part(end.process).map_or(0.0, |part| part.height / 2.0);
    let x = from.node.x + WIDTH / 2.0;
    let (top, bottom) = (from.middle() + half(from), to.middle() - half(to));
    (
        vec![(format!("M{x:.1} {top:.1}V{:.1}", bottom - 1.0), true)],
        vec![(x + 18.0, f64::midpoint(top, bottom))],
    )
}

fn up(from: &End<'_>, to: &End<'_>) -> Drawn {
    let x = from.node.x + WIDTH / 2.0;
    let (bottom, top) = (from.node.y, to.node.y + to.node.height);
    (
        vec![(format!("M{x:.1} {bottom:.1}V{:.1}", top + 1.0), true)],
        vec![(x + 18.0, f64::midpoint(top, bottom))],
    )
}

/// From the right of one box to the left of another.
fn across(from: &End<'_>, to: &End<'_>) -> Drawn {
    let (start, end) = (leaves_at(from), (to.node.x - 2.0, to.middle()));
    let at = |t: f64| on_curve(start, end, t);
    (vec![(curve(start, end), true)], [0.5, 0.62, 0.38, 0.72, 0.28, 0.8, 0.2].map(at).to_vec())
}

fn leaves_at(end: &End<'_>) -> Point {
    (end.node.x + WIDTH, end.middle())
}

/// Level at both ends, as its tip shows.
fn curve(start: Point, end: Point) -> String {
    let bend = (end.0 - start.0) / 2.0;
    let (a, b) = (start.0 + bend, end.0 - bend);
    format!(
        "M{:.1} {:.1}C{a:.1} {:.1} {b:.1} {:.1} {:.1} {:.1}",
        start.0, start.1, start.1, end.1, end.0, end.1
    )
}

fn on_curve(start: Point, end: Point, t: f64) -> Point {
    let (bend, u) = ((end.0 - start.0) / 2.0, 1.0 - t);
    let (b0, b1, b2, b3) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
    (
        b0 * start.0 + b1 * (start.0 + bend) + b2 * (end.0 - bend) + b3 * end.0,
        (b0 + b1) * start.1 + (b2 + b3) * end.1,
    )
}

/// All sources to one point, and from there to all targets; the ways to those that wait for an address by themselves.
fn hub(bundle: &Bundle<'_>, badges: &[Badge]) -> (Vec<(String, bool)>, Vec<String>, Point) {
    let (sources, targets) = (bundle.sources(), bundle.targets());
    let left = sources.iter().map(|end| end.node.x + WIDTH).fold(0.0, f64::max);
    let right = targets.iter().map(|end| end.node.x).fold(f64::INFINITY, f64::min);
    let ends = sources.iter().chain(&targets);
    let middle = ends.clone().map(End::middle).sum::<f64>() / ends.count() as f64;
    // A little to the left, clear of the lines that run up beside the column at the right.
    let x = (right - left).mul_add(0.46, left);
    let shifts = [0.0, -26.0, 26.0, -52.0, 52.0, -78.0, 78.0];
    let places = shifts.map(|shift| (x, middle + shift));
    let point = places.into_iter().find(|at| is_free(*at, badges)).unwrap_or((x, middle));
    let mut paths: Vec<(String, bool)> =
        sources.iter().map(|end| (curve(leaves_at(end), point), false)).collect();
    let to = |end: &End<'_>| curve(point, (end.node.x - 2.0, end.middle()));
    let (waiting, active): (Vec<_>, Vec<_>) = targets.iter().partition(|end| end.stands_by());
    paths.extend(active.into_iter().map(|end| (to(end), true)));
    (paths, waiting.into_iter().map(to).collect(), point)
}

/// Around the right of a column at `x`, on this `side` of the targets' middles: 1 below, -1 above. The farthest pair has
/// the whole way, the others join it.
fn lane(bundle: &Bundle<'_>, x: f64, side: f64) -> Drawn {
    let inset = |end: &End<'_>| if end.process.is_some() { INSET } else { 0.0 };
    let start = |end: &End<'_>| (end.node.x + WIDTH - inset(end), end.middle());
    // An arrow that ends where another begins would be taken for its other end.
    let goal = |end: &End<'_>| (end.node.x + WIDTH + 1.0 - inset(end), end.middle() + 6.0 * side);
    let far = bundle.pairs.iter().max_by(|one, other| {
        let length = |pair: &(End<'_>, End<'_>)| (goal(&pair.1).1 - start(&pair.0).1).abs();
        length(one).total_cmp(&length(other))
    });
    let Some((first, last)) = far else { return (Vec::new(), Vec::new()) };
    let ((x1, y1), (x2, y2)) = (start(first), goal(last));
    let turn = (y2 - y1).abs().min(2.0 * TURN) / 2.0 * (y2 - y1).signum();
    let mut paths = vec![(
        format!(
            "M{x1:.1} {y1:.1}H{:.1}Q{x:.1} {y1:.1} {x:.1} {:.1}V{:.1}Q{x:.1} {y2:.1} {:.1} {y2:.1}H{x2:.1}",
            x - TURN,
            y1 + turn,
            y2 - turn,
            x - TURN,
        ),
        true,
    )];
    for end in bundle.sources().iter().filter(|end| end.node.name != first.node.name) {
        let (from, y) = start(end);
        paths
            .push((format!("M{from:.1} {y:.1}H{:.1}Q{x:.1} {y:.1} {x:.1} {:.1}", x - TURN, y + turn), false));
    }
    for end in bundle.targets().iter().filter(|end| end.node.name != last.node.name) {
        let (to, y) = goal(end);
        paths.push((format!("M{x:.1} {:.1}Q{x:.1} {y:.1} {:.1} {y:.1}H{to:.1}", y - turn, x - TURN), true));
    }
    let at = |share: f64| (x, (y2 - y1).mul_add(share, y1));
    (paths, [0.5, 0.4, 0.6, 0.3, 0.7].map(at).to_vec())
}

/// Around the right of a column at `x`, with a tip at every end.
fn peers(bundle: &Bundle<'_>, x: f64) -> Drawn {
    let ends = bundle.all();
    let top = ends.iter().map(End::middle).fold(f64::INFINITY, f64::min);
    let bottom = ends.iter().map(End::middle).fold(0.0, f64::max);
    let mut paths = vec![(format!("M{x:.1} {top:.1}V{bottom:.1}"), false)];
    let to = |end: &End<'_>| format!("M{x:.1} {0:.1}H{1:.1}", end.middle(), end.node.x + WIDTH + 1.0 - INSET);
    paths.extend(ends.iter().map(|end| (to(end), true)));
    (paths, vec![(x, f64::midpoint(top, bottom))])
}

/// Out of the box, below everything, and up beside each column to those that are watched.
fn bus(bundle: &Bundle<'_>, layout: &Layout) -> Drawn {
    let (from, _) = bundle.pairs[0];
    let (x1, y1) = (from.node.x + WIDTH - INSET, from.middle());
    let out = from.node.x + WIDTH + 14.0;
    let low = layout.height - MARGIN + 14.0;
    let targets = bundle.targets();
    let mut risers: Vec<f64> = targets.iter().map(|end| end.node.x - RISER).collect();
    risers.sort_by(f64::total_cmp);
    risers.dedup();
    let mut paths = vec![(format!("M{x1:.1} {y1:.1}H{out:.1}V{low:.1}"), false)];
    let ends =
        (risers.first().copied().unwrap_or(out).min(out), risers.last().copied().unwrap_or(out).max(out));
    paths.push((format!("M{:.1} {low:.1}H{:.1}", ends.0, ends.1), false));
    for riser in risers {
        let own = targets.iter().filter(|end| (end.node.x - RISER - riser).abs() < 0.5);
        let top = own.clone().map(End::middle).fold(low, f64::min);
        paths.push((format!("M{riser:.1} {low:.1}V{top:.1}"), false));
        for end in own {
            let inset = if end.process.is_some() { INSET } else { 0.0 };
            paths.push((format!("M{riser:.1} {:.1}H{:.1}", end.middle(), end.node.x + inset - 1.0), true));
        }
    }
    (paths, vec![(out, f64::midpoint(y1, low))])
}
