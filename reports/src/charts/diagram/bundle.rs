//! Links that say the same are drawn as one: all of a tier with all of the next meet in one point, several within a
//! column share a lane, peers have one line, and whoever watches everybody has one line to all.

use record::{InventoryRecord, LinkRecord};

use super::ends::{is_encrypted, node_of, process_of};
use super::layout::{Layout, NodeBox, PartBox};

/// An end of a link as it stands on the sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) node: &'a NodeBox,
    pub(super) process: Option<&'a str>,
}

impl End<'_> {
    pub(super) fn middle(&self) -> f64 {
        self.node.middle_of(self.process)
    }

    /// Whether it is a load balancer that has no address of those that it may take.
    pub(super) fn stands_by(&self) -> bool {
        let balances = self.node.part(self.process).is_some_and(|part| part.process.role == "load-balancer");
        balances && self.node.waits
    }

    fn is_aside(&self) -> bool {
        self.node.part(self.process).is_some_and(PartBox::is_aside)
    }

    fn is(&self, other: &End<'_>) -> bool {
        self.node.name == other.node.name && self.process == other.process
    }
}

/// How a bundle runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Straight down to the part below.
    Down,
    /// Straight up to the node above.
    Up,
    /// From column to column, all through one point.
    Hub,
    /// Around the right of a column.
    Lane,
    /// Around the right of a column, from each to each.
    Peers,
    /// Below everything, and up beside each column.
    Bus,
}

/// Links that are drawn as one.
#[derive(Debug, Clone)]
pub(super) struct Bundle<'a> {
    pub(super) links: Vec<&'a LinkRecord>,
    pub(super) pairs: Vec<(End<'a>, End<'a>)>,
    pub(super) shape: Shape,
}

impl<'a> Bundle<'a> {
    pub(super) fn step(&self) -> Option<u32> {
        self.links.first().and_then(|link| link.step)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.links.first().is_some_and(|link| is_encrypted(&link.protocol))
    }

    pub(super) fn sources(&self) -> Vec<End<'a>> {
        distinct(self.pairs.iter().map(|(from, _)| *from))
    }

    pub(super) fn targets(&self) -> Vec<End<'a>> {
        distinct(self.pairs.iter().map(|(_, to)| *to))
    }

    /// Both sides, each end once.
    pub(super) fn all(&self) -> Vec<End<'a>> {
        distinct(self.pairs.iter().flat_map(|(from, to)| [*from, *to]))
    }

    /// Whether it joins what an earlier one joins.
    pub(super) fn repeats(&self, earlier: &[Bundle<'_>]) -> bool {
        let same = |(from, to): &(End<'_>, End<'_>)| {
            self.pairs.iter().any(|(own_from, own_to)| own_from.is(from) && own_to.is(to))
        };
        earlier.iter().any(|other| other.shape == self.shape && other.pairs.iter().any(same))
    }

    /// Whether everyone of the one side talks with everyone of the other, so that a common point tells no lie.
    fn is_complete(&self) -> bool {
        self.pairs.len() == self.sources().len() * self.targets().len()
    }

    fn touches(&self, pair: &(End<'a>, End<'a>)) -> bool {
        self.pairs.iter().any(|(from, to)| from.is(&pair.0) || to.is(&pair.1))
    }
}

fn distinct<'a>(ends: impl Iterator<Item = End<'a>>) -> Vec<End<'a>> {
    let mut found: Vec<End<'a>> = Vec::new();
    for end in ends {
        if !found.iter().any(|known| known.is(&end)) {
            found.push(end);
        }
    }
    found
}

/// Whether a link goes without saying: what helps a node looks at the other parts of the same node.
pub(super) fn is_implied((from, to): &(End<'_>, End<'_>)) -> bool {
    from.node.name == to.node.name && from.is_aside()
}

/// Every link of `inventory`, each in one bundle, in the order of the links.
pub(super) fn bundles<'a>(inventory: &'a InventoryRecord, layout: &'a Layout) -> Vec<Bundle<'a>> {
    let mut bundles: Vec<Bundle<'a>> = Vec::new();
    for link in &inventory.links {
        let Some((from, to)) = layout.node(node_of(&link.from)).zip(layout.node(node_of(&link.to))) else {
            continue;
        };
        let end = |node, end: &'a str| End { node, process: process_of(end) };
        let pair = (end(from, &link.from), end(to, &link.to));
        let shape = shape(inventory, layout, link, &pair);
        let joins = |bundle: &&mut Bundle<'a>| {
            let first = (bundle.links[0], &bundle.pairs[0]);
            let alike =
                (first.0.step, &first.0.label, &first.0.protocol) == (link.step, &link.label, &link.protocol);
            let same_columns =
                first.1.0.node.column == pair.0.node.column && first.1.1.node.column == pair.1.node.column;
            match shape {
                _ if bundle.shape != shape => false,
                Shape::Down | Shape::Up => false,
                Shape::Bus => first.1.0.is(&pair.0),
                Shape::Peers => alike && same_columns,
                Shape::Hub | Shape::Lane => alike && same_columns && bundle.touches(&pair),
            }
        };
        match bundles.iter_mut().find(joins) {
            Some(bundle) => {
                bundle.links.push(link);
                bundle.pairs.push(pair);
            }
            None => bundles.push(Bundle { links: vec![link], pairs: vec![pair], shape }),
        }
    }
    bundles.into_iter().flat_map(honest).collect()
}

/// A bundle that would seem to hold more links than it does is taken apart.
fn honest(bundle: Bundle<'_>) -> Vec<Bundle<'_>> {
    if bundle.is_complete() || matches!(bundle.shape, Shape::Bus | Shape::Peers) {
        return vec![bundle];
    }
    let shape = bundle.shape;
    let alone = |(link, pair)| Bundle { links: vec![link], pairs: vec![pair], shape };
    bundle.links.into_iter().zip(bundle.pairs).map(alone).collect()
}

fn shape(
    inventory: &InventoryRecord,
    layout: &Layout,
    link: &LinkRecord,
    (from, to): &(End<'_>, End<'_>),
) -> Shape {
    let places = from.node.place_of(from.process).zip(to.node.place_of(to.process));
    if from.node.name == to.node.name && places.is_some_and(|(from, to)| to == from + 1) {
        return Shape::Down;
    }
    // Whoever asks several others, and no user waits for it, watches them.
    let watched = inventory.links.iter().filter(|other| {
        other.step.is_none() && other.from == link.from && node_of(&other.to) != from.node.name
    });
    if link.step.is_none() && from.node.watches() && from.node.name != to.node.name && watched.count() > 1 {
        return Shape::Bus;
    }
    let back = |other: &LinkRecord| {
        other.from == link.to && other.to == link.from && other.protocol == link.protocol
    };
    if from.node.column == to.node.column && inventory.links.iter().any(back) {
        return Shape::Peers;
    }
    if from.node.column < to.node.column {
        return Shape::Hub;
    }
    let alone =
        inventory.links.iter().filter(|other| other.from == link.from && other.step == link.step).count()
            == 1;
    let between =
        |node: &NodeBox| node.column == from.node.column && node.y > to.node.y && node.y < from.node.y;
    let above = from.node.column == to.node.column && to.node.y < from.node.y;
    // Only in a node without parts nothing stands between the name and the arrow.
    let free = from.node.parts.is_empty() && !layout.nodes.iter().any(between);
    if alone && above && free { Shape::Up } else { Shape::Lane }
}
