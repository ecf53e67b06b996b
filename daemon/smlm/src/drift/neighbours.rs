//! Pairs of near points. In: two sets of points. Out: displacements up to the reach. Never: all pairs.

use super::{PAIRS_MAX, PARTS, Pairs, REACH_NM};

/// Points sorted into squares as wide as the reach, row by row.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Square of each point.
    squares: Vec<(i32, i32)>,
}

fn square((x, y): (f32, f32)) -> (i32, i32) {
    ((y / REACH_NM).floor() as i32, (x / REACH_NM).floor() as i32)
}

impl Neighbours {
    /// Sorts `points`, which must stay as they are afterwards.
    pub fn new(points: &mut [(f32, f32)]) -> Self {
        points.sort_unstable_by_key(|point| square(*point));
        Self { squares: points.iter().map(|point| square(*point)).collect() }
    }

    /// Displacements from `points` to `others`, moved back by `shift`, that are within reach; where there would be too
    /// many, of every n-th of the others only. With n.
    pub fn pairs(&self, points: &[(f32, f32)], others: &[(f32, f32)], shift: (f32, f32)) -> (Pairs, usize) {
        let mut pairs = Pairs::default();
        let mut step = 1;
        let mut at = 0;
        while at < others.len() {
            let other = (others[at].0 - shift.0, others[at].1 - shift.1);
            // Parts are times one after the other: what an emitter shows in successive frames errs alike.
            self.of(points, other, &mut pairs[at * PARTS / others.len()]);
            if pairs.iter().map(Vec::len).sum::<usize>() > PAIRS_MAX {
                // Begin anew with fewer, so that early localizations do not count more.
                step *= 2;
                pairs = Pairs::default();
                at = 0;
                continue;
            }
            at += step;
        }
        (pairs, step)
    }

    fn of(&self, points: &[(f32, f32)], other: (f32, f32), pairs: &mut Vec<(f32, f32)>) {
        let (row, column) = square(other);
        for row in row.saturating_sub(1)..=row.saturating_add(1) {
            let from = self.squares.partition_point(|s| *s < (row, column.saturating_sub(1)));
            let near = self.squares[from..].iter().take_while(|s| **s <= (row, column.saturating_add(1)));
            for (x, y) in &points[from..from + near.count()] {
                let (dx, dy) = (other.0 - x, other.1 - y);
                if dx * dx + dy * dy <= REACH_NM * REACH_NM {
                    pairs.push((dx, dy));
                }
            }
        }
    }
}
