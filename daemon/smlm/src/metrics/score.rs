//! The scores of the SMLM challenge, from sums that frames add to.
//!
//! In: matched frames. Out: counts, errors in nm, efficiencies. Never: a number where there is nothing to
//! judge: it is `None` then.

use std::ops::AddAssign;

use super::matches::frames;
use super::{Gate, MatchError, Matcher, Pair, Point};

/// Speiser et al. 2021, below equation 15: α in 1/nm.
const ALPHA_LATERAL: f64 = 1e-2;
const ALPHA_AXIAL: f64 = 0.5e-2;

/// Sums over any number of frames.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Tally {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
    /// Found minus true, over the pairs: x, y, z.
    sums_nm: [f64; 3],
    squares_nm2: [f64; 3],
}

/// What a challenge table shows. Fractions are 0 to 1, lengths in nm, means are over the pairs.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Scores {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
    /// Equation 14: TP / (TP + FP + FN).
    pub jaccard: Option<f64>,
    /// TP / (TP + FP).
    pub precision: Option<f64>,
    /// TP / (TP + FN).
    pub recall: Option<f64>,
    /// √mean(dx² + dy²): √2 times equation 13 with d = 2.
    pub rmse_lateral_nm: Option<f64>,
    /// √mean(dz²): equation 13 with d = 1.
    pub rmse_axial_nm: Option<f64>,
    /// √mean(dx² + dy² + dz²).
    pub rmse_volume_nm: Option<f64>,
    /// Mean of found minus true: a wrong origin shows here first.
    pub bias_nm: Option<[f64; 3]>,
    /// Equation 15; 1 is perfect, and it may be negative.
    pub efficiency_lateral: Option<f64>,
    pub efficiency_axial: Option<f64>,
    /// The mean of both in 3D, the lateral one in 2D.
    pub efficiency: Option<f64>,
}

impl Tally {
    /// Adds a frame and the pairs that [`Matcher::frame`] found in it.
    pub fn add(&mut self, truth: &[Point], found: &[Point], pairs: &[Pair]) {
        let matched = pairs.len() as u64;
        self.false_positives += found.len() as u64 - matched;
        self.false_negatives += truth.len() as u64 - matched;
        pairs.iter().for_each(|pair| self.pair(&truth[pair.truth], &found[pair.found]));
    }

    /// Adds one true positive.
    pub fn pair(&mut self, truth: &Point, found: &Point) {
        self.true_positives += 1;
        let errors = [found.x_nm - truth.x_nm, found.y_nm - truth.y_nm, found.z_nm - truth.z_nm];
        for (axis, d) in errors.into_iter().enumerate() {
            self.sums_nm[axis] += d;
            self.squares_nm2[axis] += d * d;
        }
    }

    /// The scores; those with z only where the gate looks at z.
    pub fn scores(&self, gate: Gate) -> Scores {
        let matched = self.true_positives as f64;
        let share = |others: u64| {
            let all = self.true_positives + others;
            (all > 0).then(|| matched / all as f64)
        };
        let mean = |sum: f64| (self.true_positives > 0).then(|| sum / matched);
        let [x2, y2, z2] = self.squares_nm2;
        let volume = gate.axial_nm.is_some();
        let jaccard = share(self.false_positives + self.false_negatives);
        let rmse_lateral_nm = mean(x2 + y2).map(f64::sqrt);
        let rmse_axial_nm = mean(z2).map(f64::sqrt).filter(|_| volume);
        let efficiency = |alpha: f64, rmse: Option<f64>| {
            Some(1.0 - ((1.0 - jaccard?).powi(2) + (alpha * rmse?).powi(2)).sqrt())
        };
        let efficiency_lateral = efficiency(ALPHA_LATERAL, rmse_lateral_nm);
        let efficiency_axial = efficiency(ALPHA_AXIAL, rmse_axial_nm);
        Scores {
            true_positives: self.true_positives,
            false_positives: self.false_positives,
            false_negatives: self.false_negatives,
            jaccard,
            precision: share(self.false_positives),
            recall: share(self.false_negatives),
            rmse_lateral_nm,
            rmse_axial_nm,
            rmse_volume_nm: mean(x2 + y2 + z2).map(f64::sqrt).filter(|_| volume),
            bias_nm: (self.true_positives > 0).then(|| self.sums_nm.map(|sum| sum / matched)),
            efficiency_lateral,
            efficiency_axial,
            efficiency: if volume {
                efficiency_lateral.zip(efficiency_axial).map(|(lateral, axial)| (lateral + axial) / 2.0)
            } else {
                efficiency_lateral
            },
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
        for axis in 0..3 {
            self.sums_nm[axis] += other.sums_nm[axis];
            self.squares_nm2[axis] += other.squares_nm2[axis];
        }
    }
}

/// The scores of a whole recording. Sorts both lists by frame, in place; copies neither.
pub fn evaluate(truth: &mut [Point], found: &mut [Point], gate: Gate) -> Result<Scores, MatchError> {
    truth.sort_by_key(|point| point.frame);
    found.sort_by_key(|point| point.frame);
    let (mut tally, mut matcher) = (Tally::default(), Matcher::new(gate));
    for frame in frames(truth, found) {
        let (these, those) = (&truth[frame.truth], &found[frame.found]);
        tally.add(these, those, matcher.frame(these, those)?);
    }
    Ok(tally.scores(gate))
}
