//! Which found point is which true one, as the SMLM challenge asks: frame by frame, one to one.
//!
//! In: the true and the found points of one frame. Out: pairs of indices. Never: greedy choices.
//!
//! Two points may be a pair if they lie within the gate: 250 nm laterally and, in 3D, less than 500 nm
//! axially (Speiser et al. 2021, Methods, "Evaluating localization error"). Of all matchings, the one with
//! the fewest points unmatched is taken, and of those the one with the smallest sum of squared distances.
//! DECODE's own evaluation takes the best pair first and never looks back; ours is never worse.

use super::Point;
use super::assignment::{Assignment, Graph, NONE};

/// Points of one frame on either side; more are refused.
pub const MAX_POINTS_PER_FRAME: usize = 1 << 20;
/// Pairs within the gate in one frame, 16 bytes each; more are refused.
pub const MAX_PAIRS_PER_FRAME: usize = 1 << 22;

/// How far apart a true and a found point may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// At most.
    pub lateral_nm: f64,
    /// Less than; `None`: z is not looked at.
    pub axial_nm: Option<f64>,
}

impl Gate {
    /// The challenge's, without z.
    pub const LATERAL: Self = Self { lateral_nm: 250.0, axial_nm: None };
    /// The challenge's in 3D.
    pub const VOLUME: Self = Self { lateral_nm: 250.0, axial_nm: Some(500.0) };

    /// Squared distance in nm², in the dimensions looked at; `None` outside the gate or where not finite.
    fn squared(&self, a: &Point, b: &Point) -> Option<f64> {
        let lateral = (a.x_nm - b.x_nm).powi(2) + (a.y_nm - b.y_nm).powi(2);
        let near = lateral <= self.lateral_nm.powi(2);
        match self.axial_nm {
            None => near.then_some(lateral),
            Some(limit) => {
                let axial = (a.z_nm - b.z_nm).abs();
                (near && axial < limit).then_some(lateral + axial.powi(2))
            }
        }
    }
}

/// Indices into the true and the found points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub truth: usize,
    pub found: usize,
}

/// A frame too full to be matched in bounded memory.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[must_use]
pub enum MatchError {
    #[error("frame {frame} has {points} points; at most {MAX_POINTS_PER_FRAME} can be matched")]
    TooManyPoints { frame: u32, points: usize },
    #[error(
        "frame {frame} has more than {MAX_PAIRS_PER_FRAME} pairs within {lateral_nm} nm; use a smaller gate"
    )]
    TooDense { frame: u32, lateral_nm: u64 },
}

/// Matches frames, one at a time, in memory that is kept.
#[derive(Clone, Debug)]
pub struct Matcher {
    gate: Gate,
    /// Found points, left to right.
    by_x: Vec<(f64, u32)>,
    graph: Graph,
    assignment: Assignment,
    pairs: Vec<Pair>,
}

impl Matcher {
    pub fn new(gate: Gate) -> Self {
        Self { gate, by_x: vec![], graph: Graph::default(), assignment: Assignment::default(), pairs: vec![] }
    }

    pub const fn gate(&self) -> Gate {
        self.gate
    }

    /// The pairs of one frame, in the order of `truth`. The points' own frame numbers are not looked at.
    pub fn frame(&mut self, truth: &[Point], found: &[Point]) -> Result<&[Pair], MatchError> {
        let frame = truth.first().or(found.first()).map_or(0, |point| point.frame);
        let points = truth.len().max(found.len());
        if points > MAX_POINTS_PER_FRAME {
            return Err(MatchError::TooManyPoints { frame, points });
        }
        if !self.connect(truth, found) {
            return Err(MatchError::TooDense { frame, lateral_nm: self.gate.lateral_nm as u64 });
        }
        self.assignment.solve(&self.graph);
        self.pairs.clear();
        let columns = self.assignment.column_of.iter().enumerate();
        self.pairs.extend(
            columns
                .filter(|(_, column)| **column != NONE)
                .map(|(truth, &column)| Pair { truth, found: column as usize }),
        );
        Ok(&self.pairs)
    }

    /// Builds the graph of all pairs within the gate; false where there are too many.
    fn connect(&mut self, truth: &[Point], found: &[Point]) -> bool {
        let Self { gate, by_x, graph, .. } = self;
        by_x.clear();
        by_x.extend(found.iter().zip(0u32..).map(|(point, index)| (point.x_nm, index)));
        by_x.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        graph.columns = found.len();
        graph.edges.clear();
        graph.starts.clear();
        graph.starts.push(0);
        for point in truth {
            let first = by_x.partition_point(|near| near.0 < point.x_nm - gate.lateral_nm);
            let reach = by_x[first..].iter().take_while(|near| near.0 <= point.x_nm + gate.lateral_nm);
            for &(_, index) in reach {
                let Some(squared) = gate.squared(point, &found[index as usize]) else { continue };
                if graph.edges.len() == MAX_PAIRS_PER_FRAME {
                    return false;
                }
                graph.edges.push((index, squared));
            }
            graph.starts.push(graph.edges.len());
        }
        true
    }
}
