//! How arrows run: straight down between parts of one box, curved from column to column, and around the right of a
//! column between boxes that stand below each other, each in a lane of its own.

use record::InventoryRecord;

use super::layout::{Layout, NodeBox, PART_HEIGHT, WIDTH, node_of};

/// An arrow.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// Commands of an SVG path.
    pub(super) path: String,
    pub(super) step: Option<u32>,
    /// Where its number stands.
    pub(super) number_at: (f64, f64),
}

/// First lane to the right of a column, and the distance of the others.
const FIRST_LANE: f64 = 26.0;
const LANE: f64 = 26.0;
/// Numbers nearer than this would touch.
const APART: f64 = 23.0;

/// Every arrow, and the width that the drawing needs with them.
pub(super) fn routes(inventory: &InventoryRecord, layout: &Layout) -> (Vec<Route>, f64) {
    let mut routes: Vec<Route> = Vec::new();
    let mut lanes: Vec<usize> = vec![0; layout.nodes.len() + 1];
    let mut width = layout.width;
    for link in &inventory.links {
        let ends = layout.node(node_of(&link.from)).zip(layout.node(node_of(&link.to)));
        let Some((from, to)) = ends else { continue };
        let process = |end: &str| end.split_once('/').map(|(_, process)| process.to_owned());
        let (from_part, to_part) = (process(&link.from), process(&link.to));
        let ends = Ends { from, to, from_part: from_part.as_deref(), to_part: to_part.as_deref() };
        let (path, places) = if ends.are_neighbours() {
            ends.straight_down()
        } else if from.column < to.column {
            ends.across()
        } else {
            let lane = &mut lanes[from.column.max(to.column)];
            *lane += 1;
            let bulge = LANE.mul_add((*lane - 1) as f64, FIRST_LANE);
            width = width.max(from.x.max(to.x) + WIDTH + bulge + 24.0);
            // Arrows that end at one part end on both sides of its middle, in turn.
            ends.around(bulge, if lane.is_multiple_of(2) { -1.0 } else { 1.0 })
        };
        let free = |at: &(f64, f64)| {
            routes.iter().all(|other| {
                let (x, y) = other.number_at;
                other.step.is_none() || (x - at.0).hypot(y - at.1) >= APART
            })
        };
        let number_at = places.iter().copied().find(free).or(places.first().copied()).unwrap_or_default();
        routes.push(Route { path, step: link.step, number_at });
    }
    (routes, width)
}

/// Two ends of an arrow.
struct Ends<'a> {
    from: &'a NodeBox,
    to: &'a NodeBox,
    from_part: Option<&'a str>,
    to_part: Option<&'a str>,
}

/// A path with the places at which its number may stand, the best first.
type Drawn = (String, Vec<(f64, f64)>);

impl Ends<'_> {
    /// Whether the second part stands right below the first.
    fn are_neighbours(&self) -> bool {
        let places = self.from.place_of(self.from_part).zip(self.to.place_of(self.to_part));
        self.from.name == self.to.name && places.is_some_and(|(from, to)| to == from + 1)
    }

    fn straight_down(&self) -> Drawn {
        let x = self.from.x + WIDTH / 2.0;
        let top = self.from.middle_of(self.from_part) + PART_HEIGHT / 2.0;
        let bottom = self.to.middle_of(self.to_part) - PART_HEIGHT / 2.0;
        (format!("M{x:.1} {top:.1}V{:.1}", bottom - 1.0), vec![(x + 18.0, f64::midpoint(top, bottom))])
    }

    /// From the right of one box to the left of another.
    fn across(&self) -> Drawn {
        let (x1, y1) = (self.from.x + WIDTH, self.from.middle_of(self.from_part));
        let (x2, y2) = (self.to.x - 2.0, self.to.middle_of(self.to_part));
        let bend = (x2 - x1) / 2.0;
        let path =
            format!("M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}", x1 + bend, x2 - bend);
        let at = |t: f64| {
            let u = 1.0 - t;
            let (b0, b1, b2, b3) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
            (b0 * x1 + b1 * (x1 + bend) + b2 * (x2 - bend) + b3 * x2, (b0 + b1) * y1 + (b2 + b3) * y2)
        };
        (path, [0.5, 0.62, 0.38, 0.72, 0.28, 0.8, 0.2].map(at).to_vec())
    }

    /// Around the right of both boxes, `bulge` beyond them,
    /// on this `side` of the second's middle: 1 below, -1 above.
    fn around(&self, bulge: f64, side: f64) -> Drawn {
        let (x1, y1) = (self.from.x + WIDTH, self.from.middle_of(self.from_part));
        // An arrow that ends where another begins would be taken for its other end.
        let (x2, y2) = (self.to.x + WIDTH + 1.0, self.to.middle_of(self.to_part) + 6.0 * side);
        let (from_x, to_x) = match (self.from_part, self.to_part) {
            (Some(_), Some(_)) => (x1 - 12.0, x2 - 12.0),
            _ => (x1, x2),
        };
        let lane = x1.max(x2) + bulge;
        let turn = (y2 - y1).abs().min(20.0) / 2.0 * (y2 - y1).signum();
        let path = format!(
            "M{from_x:.1} {y1:.1}H{:.1}Q{lane:.1} {y1:.1} {lane:.1} {:.1}V{:.1}Q{lane:.1} {y2:.1} {:.1} {y2:.1}H{to_x:.1}",
            lane - 10.0,
            y1 + turn,
            y2 - turn,
            lane - 10.0,
        );
        let at = |share: f64| (lane, (y2 - y1).mul_add(share, y1));
        (path, [0.5, 0.4, 0.6, 0.3, 0.7].map(at).to_vec())
    }
}
