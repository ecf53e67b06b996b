//! How well a Gaussian spot explains the counts of a square, and which way it would explain them better.
//!
//! In: counts with Poisson noise and a spot. Out: deviance, Fisher's information, slope of the likelihood. Never: a
//! step.
//!
//! `μ = photons · Gx · Gy + background + known`. The deviance is `2 Σ (d ln(d/μ) − d + μ)` (Laurence and Chromy 2010), the
//! information `Σ ∂μ/∂θᵢ ∂μ/∂θⱼ / μ` (Smith et al. 2010). Every derivative is a product of something along x and
//! something along y, so sums over rows are taken first and only their few products are summed over columns.
#![allow(clippy::needless_range_loop)] // rows and columns: an index says more than an iterator

use super::profile::{Profile, ln};
use super::solve::{Matrix, UNKNOWNS, Vector};

/// The counts of a square of `side` pixels, `side < W`; beyond it they are 0.
#[derive(Clone, Debug)]
pub(super) struct Square<const W: usize> {
    pub counts: [[f32; W]; W],
    /// Of them, what others give.
    pub known: [[f32; W]; W],
    pub side: usize,
}

/// A spot in a square. Pixel centres are at integers from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub x: f32,
    pub y: f32,
    pub light: f32,
    pub background: f32,
    pub sigma_x: f32,
    pub sigma_y: f32,
}

/// Order of the unknowns in vectors and matrices: x, y, light, background, σ_x, σ_y.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub deviance: f32,
    /// The lower half.
    pub information: Matrix,
    pub slope: Vector,
}

/// What runs along an axis in the derivatives: the part, its two slopes, and 1.
const KINDS: usize = 4;
/// Pairs of kinds `(k, l)`, `l <= k`, in the order in which the sums stand.
const PAIRS: usize = KINDS * (KINDS + 1) / 2;
/// Of each unknown, the kind along x and along y, and whether it is multiplied by the light.
const DERIVATIVES: [(usize, usize, bool); UNKNOWNS] =
    [(1, 0, true), (0, 1, true), (0, 0, false), (3, 3, false), (2, 0, true), (0, 2, true)];

const fn pair(k: usize, l: usize) -> usize {
    if k >= l { k * (k + 1) / 2 + l } else { l * (l + 1) / 2 + k }
}

/// Everything about `spot` at `square`.
pub(super) fn system<const W: usize>(square: &Square<W>, spot: &Spot) -> System {
    let side = square.side;
    let x = Profile::<W>::new(spot.x, spot.sigma_x, side);
    let y = Profile::<W>::new(spot.y, spot.sigma_y, side);
    let mut inside = [0.0; W];
    inside[..side].fill(1.0);
    let (mut weights, mut excesses, mut deviances) = ([[0.0; W]; PAIRS], [[0.0; W]; KINDS], [0.0; W]);
    for row in 0..side {
        let along = [y.part[row], y.by_centre[row], y.by_sigma[row], 1.0];
        let light = spot.light * along[0];
        let (counts, known) = (&square.counts[row], &square.known[row]);
        let (mut weight, mut excess) = ([0.0; W], [0.0; W]);
        for i in 0..W {
            let model = light * x.part[i] + spot.background + known[i];
            weight[i] = 1.0 / model;
            let ratio = counts[i] * weight[i];
            excess[i] = ratio - 1.0;
            deviances[i] += counts[i] * ln(ratio) - counts[i] + model;
        }
        for k in 0..KINDS {
            for i in 0..W {
                excesses[k][i] += along[k] * excess[i];
            }
            for l in 0..=k {
                let product = along[k] * along[l];
                for i in 0..W {
                    weights[pair(k, l)][i] += product * weight[i];
                }
            }
        }
    }
    let across = [x.part, x.by_centre, x.by_sigma, inside];
    summed(&across, spot.light, &weights, &excesses, 2.0 * dot(&deviances, &inside))
}

/// The sums over columns.
fn summed<const W: usize>(
    across: &[[f32; W]; KINDS],
    light: f32,
    weights: &[[f32; W]; PAIRS],
    excesses: &[[f32; W]; KINDS],
    deviance: f32,
) -> System {
    let (mut information, mut slope) = ([[0.0; UNKNOWNS]; UNKNOWNS], [0.0; UNKNOWNS]);
    let scale = |by_light: bool| if by_light { light } else { 1.0 };
    for (i, &(kx, ky, by_light)) in DERIVATIVES.iter().enumerate() {
        slope[i] = f64::from(scale(by_light) * dot(&across[kx], &excesses[ky]));
        for (j, &(lx, ly, too)) in DERIVATIVES.iter().enumerate().take(i + 1) {
            let both = &weights[pair(ky, ly)];
            let mut sum = 0.0;
            for c in 0..W {
                sum += across[kx][c] * across[lx][c] * both[c];
            }
            information[i][j] = f64::from(scale(by_light) * scale(too) * sum);
        }
    }
    System { deviance, information, slope }
}

fn dot<const W: usize>(a: &[f32; W], b: &[f32; W]) -> f32 {
    let mut sum = 0.0;
    for i in 0..W {
        sum += a[i] * b[i];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crlb::{Noise, Spot as Known, Width, crlb};
    use crate::gaussian::solve::Factor;

    const SPOT: Spot = Spot { x: 3.2, y: 2.7, light: 1000.0, background: 20.0, sigma_x: 1.2, sigma_y: 1.5 };

    fn square(spot: &Spot) -> Square<8> {
        let (x, y) = (Profile::<8>::new(spot.x, spot.sigma_x, 7), Profile::<8>::new(spot.y, spot.sigma_y, 7));
        let mut counts = [[0.0; 8]; 8];
        for row in 0..7 {
            for column in 0..7 {
                counts[row][column] = spot.light * x.part[column] * y.part[row] + spot.background;
            }
        }
        Square { counts, known: [[0.0; 8]; 8], side: 7 }
    }

    fn moved(spot: &Spot, unknown: usize, by: f32) -> Spot {
        let mut spot = *spot;
        let value = [
            &mut spot.x,
            &mut spot.y,
            &mut spot.light,
            &mut spot.background,
            &mut spot.sigma_x,
            &mut spot.sigma_y,
        ];
        *value[unknown] += by;
        spot
    }

    #[test]
    fn the_slope_is_half_the_fall_of_the_deviance() {
        let square = square(&SPOT);
        let off = Spot { x: 3.4, light: 900.0, background: 22.0, sigma_y: 1.4, ..SPOT };
        let slope = system(&square, &off).slope;
        for (unknown, step) in [0.01, 0.01, 5.0, 0.3, 0.01, 0.01].into_iter().enumerate() {
            let deviance = |by: f32| f64::from(system(&square, &moved(&off, unknown, by)).deviance);
            let fall = (deviance(-step) - deviance(step)) / (4.0 * f64::from(step));
            assert!((fall / slope[unknown] - 1.0).abs() < 0.02, "{unknown}: {fall} {}", slope[unknown]);
        }
    }

    #[test]
    fn nothing_is_left_to_explain_at_the_truth() {
        let system = system(&square(&SPOT), &SPOT);
        assert!(system.deviance.abs() < 1e-3, "{}", system.deviance);
        let factor = Factor::new(&system.information, UNKNOWNS).unwrap();
        let step = factor.solve(&system.slope);
        let length: f64 = step.iter().zip(&system.slope).map(|(step, slope)| step * slope).sum();
        assert!(length.abs() < 1e-3, "{length} of what noise would do, squared");
    }

    #[test]
    fn with_known_widths_the_information_is_that_of_the_bound() {
        let information = system(&square(&SPOT), &SPOT).information;
        let inverse = Factor::new(&information, 4).unwrap().inverse();
        let width = |sigma: f32| Width { sigma_px: f64::from(sigma), slope_px_per_nm: 0.0 };
        let known = Known {
            x: width(SPOT.sigma_x),
            y: width(SPOT.sigma_y),
            photons: 1000.0,
            background: 20.0,
            x_px: f64::from(SPOT.x),
            y_px: f64::from(SPOT.y),
            side_px: 7,
            noise: Noise::IDEAL,
            z_unknown: false,
        };
        let bound = crlb(&known).unwrap();
        let expected = [bound.sigma_x_px, bound.sigma_y_px, bound.sigma_photons, bound.sigma_background];
        for (i, expected) in expected.into_iter().enumerate() {
            assert!((inverse[i][i].sqrt() / expected - 1.0).abs() < 1e-4, "{i}");
        }
    }
}
