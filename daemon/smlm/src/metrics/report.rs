//! Everything that can be said of localizations when the truth is known.
//!
//! In: true and found emitters. Out: a [`Report`]. Never: a part for which the tables have no values.

use super::bins::{by_neighbours, by_photons};
use super::bound::Bounds;
use super::calibration::calibration;
use super::linearity::{line, photon_line};
use super::matches::{match_all, points};
use super::subpixel::subpixel;
use super::{
    Bin, Calibration, Emitter, Gate, Linearity, MatchError, Matches, Optics, Scores, Subpixel, Tally,
};
use crate::units::{Nm, PixelSize};

/// How to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    pub gate: Gate,
    /// For what depends on the place in a pixel.
    pub pixel_size: Option<PixelSize>,
    /// For bounds beside the errors.
    pub optics: Option<Optics>,
}

/// The answer; `None` where a table says nothing of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub overall: Scores,
    pub by_photons: Option<Vec<Bin<f64>>>,
    pub by_neighbours: Vec<Bin<u32>>,
    /// x, y, and z in 3D.
    pub sigma: Option<Vec<Calibration>>,
    /// x, y.
    pub subpixel: Option<[Subpixel; 2]>,
    pub photons: Option<Linearity>,
    pub background: Option<Linearity>,
}

/// Matches and judges. Sorts both lists by frame, in place; takes about 100 bytes more per emitter.
pub fn judge(
    truth: &mut [Emitter],
    found: &mut [Emitter],
    question: &Question,
) -> Result<Report, MatchError> {
    truth.sort_by_key(|emitter| emitter.at.frame);
    found.sort_by_key(|emitter| emitter.at.frame);
    let (truth, found) = (&*truth, &*found);
    let Question { gate, pixel_size, optics } = *question;
    let matches = match_all(&points(truth), &points(found), gate)?;
    let bounds = optics.map(|optics| Bounds { optics });
    let bright = truth.iter().any(|emitter| emitter.photons.is_some());
    let photons = values(truth, found, &matches, |emitter| emitter.photons);
    let background = values(truth, found, &matches, |emitter| emitter.background);
    Ok(Report {
        overall: overall(truth, found, &matches).scores(gate),
        by_photons: bright.then(|| by_photons(truth, found, &matches, gate, bounds.as_ref())),
        by_neighbours: by_neighbours(truth, found, &matches, gate),
        sigma: calibrations(truth, found, &matches, gate),
        subpixel: pixel_size.map(|size| [0, 1].map(|axis| within_pixel(truth, found, &matches, axis, size))),
        photons: (!photons.is_empty()).then(|| photon_line(&photons)),
        background: (!background.is_empty()).then(|| line(&background)),
    })
}

fn overall(truth: &[Emitter], found: &[Emitter], matches: &Matches) -> Tally {
    let mut tally = Tally::default();
    (tally.false_positives, tally.false_negatives) =
        (matches.invented.len() as u64, matches.missed.len() as u64);
    matches.pairs.iter().for_each(|pair| tally.pair(&truth[pair.truth].at, &found[pair.found].at));
    tally
}

/// The value of both sides of each pair where both have it.
fn values(
    truth: &[Emitter],
    found: &[Emitter],
    matches: &Matches,
    of: fn(&Emitter) -> Option<f64>,
) -> Vec<(f64, f64)> {
    matches.pairs.iter().filter_map(|pair| of(&truth[pair.truth]).zip(of(&found[pair.found]))).collect()
}

const fn along(emitter: &Emitter, axis: usize) -> f64 {
    [emitter.at.x_nm, emitter.at.y_nm, emitter.at.z_nm][axis]
}

fn calibrations(
    truth: &[Emitter],
    found: &[Emitter],
    matches: &Matches,
    gate: Gate,
) -> Option<Vec<Calibration>> {
    found.iter().any(|emitter| emitter.sigma_nm.is_some()).then(|| {
        let axis = |axis: usize| {
            calibration(matches.pairs.iter().filter_map(|pair| {
                let (a, b) = (&truth[pair.truth], &found[pair.found]);
                Some((b.sigma_nm?[axis], along(b, axis) - along(a, axis)))
            }))
        };
        let axes = if gate.axial_nm.is_some() { 3 } else { 2 };
        (0..axes).map(axis).collect()
    })
}

fn within_pixel(
    truth: &[Emitter],
    found: &[Emitter],
    matches: &Matches,
    axis: usize,
    pixel_size: PixelSize,
) -> Subpixel {
    let Nm(side) = [pixel_size.x, pixel_size.y][axis];
    let pair = |pair: &super::Pair| {
        let (a, b) = (along(&truth[pair.truth], axis), along(&found[pair.found], axis));
        (a / side, b - a)
    };
    subpixel(found.iter().map(|emitter| along(emitter, axis) / side), matches.pairs.iter().map(pair))
}
