//! Scores by brightness and by crowding: where a method is good and where it fails.
//!
//! In: matched emitters. Out: the scores of each bin. Never: an emitter in two bins.
//!
//! A pair or a miss belongs to the bin of the true emitter; what was found but is not there to that of the found one.

use super::bound::Bounds;
use super::matches::{neighbours, points};
use super::{Emitter, Gate, Matches, Scores, Tally};

/// Photons; the last bin has no end.
pub const PHOTON_EDGES: [f64; 7] = [0.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0];
/// Neighbours: the first and the last count of each bin.
pub const NEIGHBOUR_BINS: [(u32, Option<u32>); 5] =
    [(0, Some(0)), (1, Some(1)), (2, Some(2)), (3, Some(4)), (5, None)];
/// Within this an emitter is a neighbour, in nm.
pub const NEIGHBOUR_NM: f64 = 500.0;

/// The scores of a part of the emitters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin<T> {
    pub low: T,
    /// `None` has no end.
    pub high: Option<T>,
    pub scores: Scores,
    /// √mean of the pairs' bounds on var(x) + var(y); `None` where no PSF was given or the bin is empty.
    pub crlb_lateral_nm: Option<f64>,
    /// √mean of the pairs' bounds on var(z).
    pub crlb_axial_nm: Option<f64>,
}

impl<T> Bin<T> {
    /// The error as a multiple of what is possible.
    pub fn lateral_over_crlb(&self) -> Option<f64> {
        Some(self.scores.rmse_lateral_nm? / self.crlb_lateral_nm?)
    }

    pub fn axial_over_crlb(&self) -> Option<f64> {
        Some(self.scores.rmse_axial_nm? / self.crlb_axial_nm?)
    }
}

/// The bin of [`PHOTON_EDGES`], its lower edge inclusive; less than nothing counts as nothing. `None` for photons that
/// are unknown.
pub(super) fn photon_bin(photons: Option<f64>) -> Option<usize> {
    let photons = photons.filter(|photons| !photons.is_nan())?;
    Some(PHOTON_EDGES[1..].partition_point(|edge| *edge <= photons))
}

/// Scores per bin of photons.
pub(super) fn by_photons(
    truth: &[Emitter],
    found: &[Emitter],
    matches: &Matches,
    gate: Gate,
    bounds: Option<&Bounds>,
) -> Vec<Bin<f64>> {
    let mut tallies = [Tally::default(); PHOTON_EDGES.len()];
    let mut sums = [Bounds::NOTHING; PHOTON_EDGES.len()];
    for pair in &matches.pairs {
        let Some(bin) = photon_bin(truth[pair.truth].photons) else { continue };
        tallies[bin].pair(&truth[pair.truth].at, &found[pair.found].at);
        if let Some(bounds) = bounds {
            sums[bin].add(bounds.of(&truth[pair.truth], gate.axial_nm.is_some()));
        }
    }
    let of = |list: &[Emitter], at: usize| photon_bin(list[at].photons);
    matches.missed.iter().filter_map(|&at| of(truth, at)).for_each(|bin| tallies[bin].false_negatives += 1);
    matches.invented.iter().filter_map(|&at| of(found, at)).for_each(|bin| tallies[bin].false_positives += 1);
    let bin = |at: usize| Bin {
        low: PHOTON_EDGES[at],
        high: PHOTON_EDGES.get(at + 1).copied(),
        scores: tallies[at].scores(gate),
        crlb_lateral_nm: sums[at].lateral_nm(),
        crlb_axial_nm: sums[at].axial_nm(),
    };
    (0..PHOTON_EDGES.len()).map(bin).collect()
}

/// Scores per number of true neighbours within [`NEIGHBOUR_NM`]; an emitter is not its own neighbour, and every true
/// emitter is one of what was invented.
pub(super) fn by_neighbours(
    truth: &[Emitter],
    found: &[Emitter],
    matches: &Matches,
    gate: Gate,
) -> Vec<Bin<u32>> {
    let (true_points, found_points) = (points(truth), points(found));
    let around_truth = neighbours(&true_points, &true_points, NEIGHBOUR_NM);
    let around_found = neighbours(&found_points, &true_points, NEIGHBOUR_NM);
    let mut tallies = [Tally::default(); NEIGHBOUR_BINS.len()];
    let bin_of = |count: u32| NEIGHBOUR_BINS.partition_point(|(low, _)| *low <= count) - 1;
    // Not finite: it is not even near itself.
    let others = |at: usize| around_truth[at].saturating_sub(1);
    for pair in &matches.pairs {
        tallies[bin_of(others(pair.truth))].pair(&true_points[pair.truth], &found_points[pair.found]);
    }
    matches.missed.iter().for_each(|&at| tallies[bin_of(others(at))].false_negatives += 1);
    matches.invented.iter().for_each(|&at| tallies[bin_of(around_found[at])].false_positives += 1);
    let bins = NEIGHBOUR_BINS.iter().zip(tallies).map(|(&(low, high), tally)| Bin {
        low,
        high,
        scores: tally.scores(gate),
        crlb_lateral_nm: None,
        crlb_axial_nm: None,
    });
    bins.collect()
}
