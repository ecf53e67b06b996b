//! All frames of a recording matched, and who stands near whom.
//!
//! In: true and found emitters, sorted by frame. Out: indices. Never: judges.

use super::{Emitter, Gate, MatchError, Matcher, Pair, Point};

/// Who belongs to whom in a recording; indices into the lists it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    pub pairs: Vec<Pair>,
    /// True emitters that were not found.
    pub missed: Vec<usize>,
    /// Found ones that are not there.
    pub invented: Vec<usize>,
}

/// Where a frame's emitters lie in both lists.
pub(super) struct Frame {
    pub truth: std::ops::Range<usize>,
    pub found: std::ops::Range<usize>,
}

/// The frames in which there is anything, in order; both lists are sorted by frame.
pub(super) fn frames<'l>(truth: &'l [Point], found: &'l [Point]) -> impl Iterator<Item = Frame> + 'l {
    let (mut t, mut f) = (0, 0);
    std::iter::from_fn(move || {
        let frame = truth[t..].first().into_iter().chain(found[f..].first()).map(|p| p.frame).min()?;
        let end = |list: &[Point], from: usize| {
            from + list[from..].iter().take_while(|point| point.frame <= frame).count()
        };
        let this = Frame { truth: t..end(truth, t), found: f..end(found, f) };
        (t, f) = (this.truth.end, this.found.end);
        Some(this)
    })
}

/// Matches every frame.
pub(super) fn match_all(truth: &[Point], found: &[Point], gate: Gate) -> Result<Matches, MatchError> {
    let mut matcher = Matcher::new(gate);
    let mut matches = Matches::default();
    let (mut is_true, mut is_found) = (vec![false; truth.len()], vec![false; found.len()]);
    for frame in frames(truth, found) {
        for pair in matcher.frame(&truth[frame.truth.clone()], &found[frame.found.clone()])? {
            let pair = Pair { truth: pair.truth + frame.truth.start, found: pair.found + frame.found.start };
            (is_true[pair.truth], is_found[pair.found]) = (true, true);
            matches.pairs.push(pair);
        }
    }
    let unmarked = |marks: &[bool]| (0..marks.len()).filter(|&at| !marks[at]).collect();
    (matches.missed, matches.invented) = (unmarked(&is_true), unmarked(&is_found));
    Ok(matches)
}

/// How many true emitters of the same frame lie within `reach_nm` laterally of each emitter of `list`; an emitter that
/// stands in `truth` itself counts as its own neighbour.
pub(super) fn neighbours(list: &[Point], truth: &[Point], reach_nm: f64) -> Vec<u32> {
    let mut counts = vec![0; list.len()];
    let mut by_x: Vec<(f64, f64)> = Vec::new();
    for frame in frames(truth, list) {
        by_x.clear();
        by_x.extend(truth[frame.truth].iter().map(|point| (point.x_nm, point.y_nm)));
        by_x.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        for at in frame.found {
            let (x, y) = (list[at].x_nm, list[at].y_nm);
            let first = by_x.partition_point(|near| near.0 < x - reach_nm);
            let reach = by_x[first..].iter().take_while(|near| near.0 <= x + reach_nm);
            let near = reach.filter(|near| (near.0 - x).powi(2) + (near.1 - y).powi(2) <= reach_nm.powi(2));
            counts[at] = near.count() as u32;
        }
    }
    counts
}

/// The places of emitters alone.
pub(super) fn points(list: &[Emitter]) -> Vec<Point> {
    list.iter().map(|emitter| emitter.at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(frame: u32, x_nm: f64, y_nm: f64) -> Point {
        Point { frame, x_nm, y_nm, z_nm: 0.0 }
    }

    #[test]
    fn every_emitter_is_in_a_pair_or_missed_or_invented() {
        let truth = [point(0, 0.0, 0.0), point(2, 0.0, 0.0), point(2, 900.0, 0.0)];
        let found = [point(1, 0.0, 0.0), point(2, 905.0, 0.0), point(2, 5000.0, 0.0), point(7, 0.0, 0.0)];
        let matches = match_all(&truth, &found, Gate::LATERAL).unwrap();
        assert_eq!(matches.pairs, [Pair { truth: 2, found: 1 }]);
        assert_eq!((matches.missed, matches.invented), (vec![0, 1], vec![0, 2, 3]));
    }

    #[test]
    fn neighbours_are_counted_within_a_circle_of_the_same_frame() {
        let truth = [point(0, 0.0, 0.0), point(0, 500.0, 0.0), point(0, 400.0, 400.0), point(1, 10.0, 0.0)];
        assert_eq!(neighbours(&truth, &truth, 500.0), [2, 3, 2, 1]);
        assert_eq!(neighbours(&[point(1, 0.0, 0.0), point(3, 0.0, 0.0)], &truth, 500.0), [1, 0]);
    }
}
