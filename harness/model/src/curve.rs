//! A quantity over time that is known at some moments.

/// A quantity that is known at some moments and taken to change evenly between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Adds what the quantity was at a moment, in seconds, after all moments before it; one that does not come after
    /// them replaces the last.
    pub fn push(&mut self, at_s: f64, value: f64) {
        if self.points.last().is_some_and(|(last_s, _)| *last_s >= at_s) {
            self.points.pop();
        }
        self.points.push((at_s, value));
    }

    /// The moments at which it is known and what it was, in order of time.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Its value at a moment: on the line between the points around it, level beyond its ends, 0 when nothing is known.
    #[must_use]
    pub fn at(&self, at_s: f64) -> f64 {
        let next = self.points.partition_point(|(point_s, _)| *point_s < at_s);
        let last = next.checked_sub(1).and_then(|last| self.points.get(last));
        match (last, self.points.get(next)) {
            (Some((from_s, from)), Some((to_s, to))) => {
                from + (to - from) * (at_s - from_s) / (to_s - from_s)
            }
            (Some((_, only)), None) | (None, Some((_, only))) => *only,
            (None, None) => 0.0,
        }
    }
}

impl FromIterator<(f64, f64)> for Curve {
    fn from_iter<I: IntoIterator<Item = (f64, f64)>>(points: I) -> Self {
        let mut curve = Self::default();
        points.into_iter().for_each(|(at_s, value)| curve.push(at_s, value));
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_on_the_line_between_what_is_known() {
        let curve: Curve = [(1.0, 0.0), (2.0, 10.0), (4.0, 12.0)].into_iter().collect();
        assert_eq!([1.0, 1.5, 2.0, 3.0, 4.0].map(|at_s| curve.at(at_s)), [0.0, 5.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn beyond_what_is_known_nothing_changes() {
        let curve: Curve = [(1.0, 3.0), (2.0, 10.0)].into_iter().collect();
        assert_eq!((curve.at(0.0), curve.at(9.0)), (3.0, 10.0));
        assert_eq!(Curve::default().at(1.0), 0.0);
    }

    #[test]
    fn a_moment_is_known_once() {
        let curve: Curve = [(1.0, 3.0), (1.0, 4.0), (2.0, 6.0)].into_iter().collect();
        assert_eq!(curve.points(), [(1.0, 4.0), (2.0, 6.0)]);
        assert_eq!(curve.at(1.5), 5.0);
    }
}
