//! The fit of one spot: a Gaussian, integrated over pixels, on an even background, by maximum likelihood.
//!
//! In: an image in photons and where to begin. Out: place, light, background and widths with their Cramér–Rao
//! deviations, and how well they explain the pixels. Never: a second emitter, an allocation.
//!
//! Levenberg–Marquardt on the Poisson likelihood (Laurence and Chromy 2010) with the expected information in the place
//! of the curvature. A camera that makes `per_photon · μ + floor` of the variance μ is taken for one that counts
//! `(photons + floor / per_photon) / per_photon`: there, variance is mean again (Huang et al. 2013). What is below 0 in
//! these counts is taken for 0.

use super::detect::Peak;
use super::likelihood::{Spot, Square, System, system};
use super::profile::Profile;
use super::solve::{Factor, Matrix, UNKNOWNS, Vector};
use crate::crlb::Noise;

/// Whether both widths are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outline {
    Round,
    Elliptic,
}

/// How spots are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct How {
    pub outline: Outline,
    /// The square has 2 · radius + 1 pixels along a side.
    pub radius_px: usize,
    /// The width to begin with.
    pub sigma_px: f32,
    pub noise: Noise,
}

/// The radius of a square, at least and at most.
pub const RADIUS_PX: std::ops::RangeInclusive<usize> = 2..=7;

/// A fitted spot, in coordinates of the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub x_px: f64,
    pub y_px: f64,
    pub photons: f64,
    /// Photons per pixel.
    pub background: f64,
    pub sigma_x_px: f64,
    pub sigma_y_px: f64,
    /// Variances and covariances of x, y, photons, background, σ_x and σ_y, in this order, from the inverse of Fisher's
    /// information. Of one width for both, row and column of σ_x and σ_y are the same.
    pub covariance: [[f64; UNKNOWNS]; UNKNOWNS],
    /// Deviance per degree of freedom: about 1 where one Gaussian explains all.
    pub deviance: f64,
}

/// Rounds at most; few spots need more than ten.
const ROUNDS: usize = 25;
/// The search ends where a step makes the deviance smaller by less: within a few hundredths of the bound of the best.
const SETTLED: f32 = 1e-3;
/// Of the background in counts: a model is never 0.
const LEAST: f32 = 1e-2;
/// Widths that are tried, in px and in sides.
const NARROWEST_PX: f32 = 0.25;

/// Fits the spot at `peak` in `image` (`width` columns). `None`: the image is smaller than the square, holds something
/// that is not a number, or the search does not settle on a spot.
///
/// What `others` give is part of the model; their errors are not part of the deviations.
pub fn fit<'a>(
    image: &[f32],
    width: usize,
    peak: &Peak,
    how: &How,
    others: impl Iterator<Item = &'a Fit>,
) -> Option<Fit> {
    debug_assert!(RADIUS_PX.contains(&how.radius_px));
    match how.radius_px {
        ..=3 => fit_in::<8>(image, width, peak, how, others),
        4 | 5 => fit_in::<12>(image, width, peak, how, others),
        _ => fit_in::<16>(image, width, peak, how, others),
    }
}

fn fit_in<'a, const W: usize>(
    image: &[f32],
    width: usize,
    peak: &Peak,
    how: &How,
    others: impl Iterator<Item = &'a Fit>,
) -> Option<Fit> {
    let side = 2 * how.radius_px + 1;
    let left = corner(peak.column, how.radius_px, width)?;
    let top = corner(peak.row, how.radius_px, image.len() / width)?;
    let mut square = cut::<W>(&image[top * width + left..], width, side, how.noise)?;
    others.for_each(|other| square.knows(other, [left, top], how.noise));
    // Relative to the square, so that a spot is fitted alike wherever it is.
    let place = [(peak.column - left) as f32 + peak.dx_px, (peak.row - top) as f32 + peak.dy_px];
    let begin = start(&square, place, how.sigma_px);
    let (spot, system) = search(&square, begin, how.outline)?;
    let unknowns = how.outline.unknowns();
    let inverse = Factor::new(&how.outline.tied(&system).information, unknowns)?.inverse();
    let per_photon = how.noise.per_photon;
    // Light and background are counted in photons again.
    let unit = |i: usize| if i == 2 || i == 3 { per_photon } else { 1.0 };
    let same = |i: usize| if i < unknowns { i } else { unknowns - 1 };
    let covariance =
        std::array::from_fn(|i| std::array::from_fn(|j| inverse[same(i)][same(j)] * unit(i) * unit(j)));
    let fit = Fit {
        x_px: left as f64 + f64::from(spot.x),
        y_px: top as f64 + f64::from(spot.y),
        photons: f64::from(spot.light) * per_photon,
        background: f64::from(spot.background) * per_photon - how.noise.floor / per_photon,
        sigma_x_px: f64::from(spot.sigma_x),
        sigma_y_px: f64::from(spot.sigma_y),
        covariance,
        deviance: f64::from(system.deviance) / (side * side - unknowns) as f64,
    };
    let whole = [fit.x_px, fit.y_px, fit.photons, fit.background, fit.deviance];
    whole.iter().all(|value| value.is_finite()).then_some(fit)
}

/// Where a square around `at` begins, so that all of it is within `length`.
fn corner(at: usize, radius: usize, length: usize) -> Option<usize> {
    let last = length.checked_sub(2 * radius + 1)?;
    Some(at.saturating_sub(radius).min(last))
}

/// The square's counts. `None`: one is not a number.
fn cut<const W: usize>(from: &[f32], width: usize, side: usize, noise: Noise) -> Option<Square<W>> {
    let gain = (1.0 / noise.per_photon) as f32;
    let bias = (noise.floor / (noise.per_photon * noise.per_photon)) as f32;
    let mut square = Square { counts: [[0.0; W]; W], known: [[0.0; W]; W], side };
    let mut finite = true;
    for (row, counts) in square.counts.iter_mut().enumerate().take(side) {
        for (count, photons) in counts.iter_mut().zip(&from[row * width..][..side]) {
            let value = gain * photons + bias;
            finite &= value < MOST;
            *count = if value > 0.0 { value } else { 0.0 };
            finite &= !photons.is_nan();
        }
    }
    finite.then_some(square)
}

impl<const W: usize> Square<W> {
    /// Adds the light of another spot; `corner` is the square's place in the image.
    fn knows(&mut self, other: &Fit, corner: [usize; 2], noise: Noise) {
        let [left, top] = corner.map(|px| px as f64);
        let x = Profile::<W>::new((other.x_px - left) as f32, other.sigma_x_px as f32, self.side);
        let y = Profile::<W>::new((other.y_px - top) as f32, other.sigma_y_px as f32, self.side);
        let light = (other.photons / noise.per_photon) as f32;
        for (known, part) in self.known.iter_mut().zip(y.part) {
            for (known, across) in known.iter_mut().zip(x.part) {
                *known += light * part * across;
            }
        }
    }
}

/// More counts than any camera gives, and few enough for single precision.
const MOST: f32 = 1e9;

/// A background from the rim, the light above it, and the width that is expected.
fn start<const W: usize>(square: &Square<W>, [x, y]: [f32; 2], sigma: f32) -> Spot {
    let side = square.side;
    let mut counts = square.counts;
    for (counts, known) in counts.iter_mut().flatten().zip(square.known.iter().flatten()) {
        *counts -= known;
    }
    let mut rim = [0.0f32; 64];
    let sides = 4 * (side - 1);
    for i in 0..side - 1 {
        let values = [counts[0][i], counts[side - 1][i + 1], counts[i + 1][0], counts[i][side - 1]];
        rim[4 * i..4 * i + 4].copy_from_slice(&values);
    }
    // Below the median, because a neighbour's light only adds.
    let (_, &mut background, _) = rim[..sides].select_nth_unstable_by(sides * 2 / 5, f32::total_cmp);
    let background = background.max(LEAST);
    let mut light = 0.0;
    for row in &counts[..side] {
        light += row[..side].iter().map(|count| count - background).sum::<f32>();
    }
    let peak = counts[y.round().clamp(0.0, side as f32 - 1.0) as usize]
        [x.round().clamp(0.0, side as f32 - 1.0) as usize];
    let least = (peak - background).max(1.0) * sigma * sigma;
    Spot { x, y, light: light.max(least), background, sigma_x: sigma, sigma_y: sigma }
}

/// The best spot, and the system at it.
fn search<const W: usize>(square: &Square<W>, begin: Spot, outline: Outline) -> Option<(Spot, System)> {
    let (mut spot, mut here) = (begin, system(square, &begin));
    let mut tied = outline.tied(&here);
    let mut damping = 1e-3;
    for _ in 0..ROUNDS {
        let step = Factor::damped(&tied.information, outline.unknowns(), damping)?.solve(&tied.slope);
        let next = outline.stepped(&spot, &step);
        if !plausible(&next, square.side) {
            damping = f64::max(damping * 10.0, 0.1);
            continue;
        }
        let there = system(square, &next);
        let fall = here.deviance - there.deviance;
        if fall >= -1e-4 * SETTLED * here.deviance.abs() {
            (spot, here) = (next, there);
            tied = outline.tied(&here);
            damping *= 0.1;
            if fall < SETTLED {
                return Some((spot, here));
            }
        } else if damping > 1e6 {
            return Some((spot, here)); // No step helps: rounding is all that is left.
        } else {
            damping = f64::max(damping * 10.0, 1e-2);
        }
    }
    None
}

fn plausible(spot: &Spot, side: usize) -> bool {
    let end = side as f32 - 0.5;
    let inside = |at: f32| (-0.5..=end).contains(&at);
    let width = |sigma: f32| (NARROWEST_PX..=side as f32).contains(&sigma);
    inside(spot.x)
        && inside(spot.y)
        && spot.light > 0.0
        && spot.light < MOST
        && width(spot.sigma_x)
        && width(spot.sigma_y)
}

impl Outline {
    const fn unknowns(self) -> usize {
        match self {
            Self::Round => UNKNOWNS - 1,
            Self::Elliptic => UNKNOWNS,
        }
    }

    /// What a step in x, y, light, background and the widths makes of a spot.
    fn stepped(self, spot: &Spot, step: &Vector) -> Spot {
        let step = step.map(|value| value as f32);
        let other = if self == Self::Round { step[4] } else { step[5] };
        Spot {
            x: spot.x + step[0],
            y: spot.y + step[1],
            light: spot.light + step[2],
            background: (spot.background + step[3]).max(LEAST),
            sigma_x: spot.sigma_x + step[4],
            sigma_y: spot.sigma_y + other,
        }
    }

    /// The system of this outline's unknowns: for one width, both widths' rows and columns are added up.
    fn tied(self, system: &System) -> Tied {
        let (mut information, mut slope) = (system.information, system.slope);
        if self == Self::Round {
            let [.., x, y] = system.information;
            for j in 0..4 {
                information[4][j] = x[j] + y[j];
            }
            information[4][4] = x[4] + y[5] + 2.0 * y[4];
            slope[4] += system.slope[5];
        }
        Tied { information, slope }
    }
}

/// Information and slope by the unknowns of an outline.
struct Tied {
    information: Matrix,
    slope: Vector,
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
