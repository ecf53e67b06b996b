//! Where a picture contradicts the widefield picture of the same field: ANNA-PALM's error map (Ouyang et al. 2018, Nature
//! Biotechnology 36, 460, Online Methods, "Training objectives and error map").
//!
//! In: F, the widefield that the picture lets expect, and L, the widefield that was taken, both from 0 to 1 at a quarter
//! of the picture's sides. Out: a map, one number for the whole, and whether the picture is to be trusted. Never: a
//! judgement without a widefield; of anything finer than its resolution; of brightness alone.
//!
//! `error = (1 − M) (F + L)` with M of [`product_map`]; 0 everywhere where the widefield is even, which is how its absence
//! is written. It lies between 0 and 2.

#[cfg(test)]
mod tests;

use crate::frame::Shape;
use crate::grey::{Border, Grey, blur, halve, quarter};
use crate::similarity::{SimilarityError, product_map};
use crate::squirrel::{SquirrelError, explain};

/// The least range of a widefield of 8 bits that is stretched to 0 to 1.
const WIDEFIELD_RANGE: f32 = 50.0;
/// σ among which the blur of a widefield is looked for, in quarter pixels: 24 to 480 nm where a pixel is 20 nm.
const SIGMAS_PX: (f64, f64) = (0.3, 6.0);

/// When a picture is not to be trusted: when too large a part of the regions with light contradicts the widefield.
///
/// The defaults come from simulated filaments of 20 nm pixels (`tests.rs`): with as many localizations as a dense picture
/// has, the doubt of right pictures stayed below 0.4 everywhere, from 30 to 1,000 photons at the brightest of the
/// widefield; where 3 µm of a lone filament were missing or too many it rose to 0.7 and more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The region over which a contradiction is averaged: σ of a Gaussian, in pixels of the map. As wide as the widest
    /// window of M, which smears a contradiction as far.
    pub region_sigma_px: f64,
    /// F + L, averaged over a region, below which it is dark and contradicts nothing.
    pub light_min: f32,
    /// A region whose doubt is larger contradicts the widefield: more than half of its light does.
    pub doubt_max: f32,
    /// The share of the regions with light that may do so.
    pub share_max: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { region_sigma_px: 8.0, light_min: 0.05, doubt_max: 0.5, share_max: 0.02 }
    }
}

/// The place where a picture contradicts its widefield most, in pixels of the map.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Worst {
    pub doubt: f32,
    pub row: usize,
    pub column: usize,
}

/// The map and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorMap {
    /// `(1 − M) (F + L)`, 0 to 2.
    pub error: Grey,
    /// Mean of the error over the light around each pixel: `G ⊗ error / G ⊗ (F + L)`, 0 to 1; 0 where it is dark.
    pub doubt: Grey,
    /// `Σ error / Σ (F + L)`: the mean of 1 − M, weighed with light, 0 to 1.
    pub summary: f64,
    /// The part of the regions with light whose doubt is too large, 0 to 1.
    pub share: f64,
    /// Where to look first: in a large field one missing filament is a small share.
    pub worst: Worst,
    /// Whether the share is small enough.
    pub trusted: bool,
}

/// L: the widefield at the picture's pixel, in the counts of 8 bits, as 0 to 1 at a quarter of the sides.
pub fn taken(widefield: &Grey) -> Grey {
    quarter(&widefield.scaled(WIDEFIELD_RANGE))
}

/// F, where no network estimates it: the means of 4 × 4 pixels of `picture`, blurred, scaled and shifted so that they
/// come as near to `taken` (a quarter of its sides) as they can, within 0 to 1. A picture without anything in it lets
/// expect nothing.
///
/// # Errors
/// `taken` is even or not a quarter of the picture.
pub fn expected(picture: &Grey, taken: &Grey) -> Result<Grey, SquirrelError> {
    match explain(&halve(&halve(picture)), taken, SIGMAS_PX) {
        Ok(explained) => Ok(explained.expected.map(|value| value.clamp(0.0, 1.0))),
        Err(SquirrelError::Even("super-resolved")) => Ok(Grey::even(taken.shape(), 0.0)),
        Err(other) => Err(other),
    }
}

/// Compares F (`expected`) with L (`taken`).
///
/// # Errors
/// They are not of one shape, or a side is shorter than 33 pixels.
pub fn error_map(expected: &Grey, taken: &Grey, limits: &Limits) -> Result<ErrorMap, SimilarityError> {
    let alike = product_map(expected, taken)?;
    let (low, high) = taken.range();
    if low >= high {
        return Ok(ErrorMap::nothing(taken.shape()));
    }
    let light = of_both(expected, taken, |f, l| f + l);
    let error = of_both(&alike, &light, |m, light| (1.0 - m) * light);
    let region = |grey: &Grey| blur(grey, limits.region_sigma_px, Border::Repeat);
    // Of infinite light nothing is in doubt.
    let near = region(&light).map(|light| if light >= limits.light_min { light } else { f32::INFINITY });
    let doubt = of_both(&region(&error), &near, |error, light| error / light);
    let regions = near.values().iter().filter(|light| light.is_finite()).count();
    let doubted = doubt.values().iter().filter(|doubt| **doubt > limits.doubt_max).count();
    let share = doubted as f64 / regions.max(1) as f64;
    let sum = |grey: &Grey| grey.values().iter().map(|value| f64::from(*value)).sum::<f64>();
    let summary = sum(&error) / sum(&light).max(f64::MIN_POSITIVE);
    let worst = Worst::of(&doubt);
    Ok(ErrorMap { error, doubt, summary, share, worst, trusted: share <= limits.share_max })
}

impl ErrorMap {
    fn nothing(shape: Shape) -> Self {
        let even = Grey::even(shape, 0.0);
        let (error, doubt) = (even.clone(), even);
        Self { error, doubt, summary: 0.0, share: 0.0, worst: Worst::default(), trusted: true }
    }
}

impl Worst {
    fn of(doubt: &Grey) -> Self {
        let places = doubt.values().iter().copied().enumerate();
        let top = places.max_by(|(_, one), (_, other)| one.total_cmp(other));
        let at = |(at, value)| Self { doubt: value, row: at / doubt.width(), column: at % doubt.width() };
        top.map_or_else(Self::default, at)
    }
}

fn of_both(one: &Grey, other: &Grey, value: impl Fn(f32, f32) -> f32) -> Grey {
    let values = one.values().iter().zip(other.values()).map(|(a, b)| value(*a, *b));
    Grey::of(one.shape(), values.collect())
}
