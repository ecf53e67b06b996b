//! Emitters that stand alone, each fitted.
//!
//! Comes in: a movie, its spots, its noise. Goes out: fits of emitters without a neighbour, of those that shone
//! through a whole frame in particular, and what they say of width and light. Never: more than [`FITS_MAX`] fits.

use super::detect::{Spot, Spots};
use super::sample::Movie;
use super::spot_fit::{Fit, NoiseLine, fit, photometry};
use super::{Measured, Part};
use crate::order::{centre_and_spread, half_sample_mode, quantile, refined_mode};

/// Fits, at most.
pub const FITS_MAX: usize = 4000;
/// Fits from which something is concluded.
pub const FITS_MIN: usize = 30;
/// Only spots that stand so far out of the noise tell a width.
const CLEAR_SD: f64 = 5.0;

/// A fitted emitter.
#[derive(Clone, Copy, Debug)]
pub struct Emitter {
    spot: Spot,
    pub fit: Fit,
    /// It shone in the frames before and after too: this frame has all of its light.
    pub full: bool,
}

/// Pixels from a spot to the border of the square in which it is fitted.
pub fn half_side(sigma_px: f64) -> usize {
    ((2.3 * sigma_px).round() as usize + 1).clamp(3, 8)
}

/// Fits emitters that are alone; full frames first, spread evenly over the movie.
pub fn fitted(movie: &Movie, spots: &Spots, sigma_px: f64, noise: &NoiseLine) -> Vec<Emitter> {
    let alone = |reach: f64| {
        let fits = |s: &&Spot| s.height_sd > CLEAR_SD && spots.alone(s, reach * sigma_px);
        spots.all.iter().filter(fits).collect::<Vec<_>>()
    };
    // Where emitters are crowded, some must do that have a neighbour at the border of their square.
    let wide = alone(5.5);
    let alone = if wide.len() < 10 * FITS_MIN { alone(4.2) } else { wide };
    let (full, others): (Vec<_>, Vec<_>) =
        alone.into_iter().partition(|spot| spot.before.is_some() && spot.after.is_some());
    let chosen = |from: &[&Spot], most: usize| {
        let every = from.len().div_ceil(most.max(1)).max(1);
        from.iter().step_by(every).copied().copied().collect::<Vec<Spot>>()
    };
    let full_ones = chosen(&full, FITS_MAX * 3 / 4);
    let other_ones = chosen(&others, FITS_MAX - full_ones.len());
    let each = |spot: &Spot, full: bool| {
        fit_spot(movie, spot, sigma_px, noise).map(|fit| Emitter { spot: *spot, fit, full })
    };
    let full = full_ones.iter().filter_map(|spot| each(spot, true));
    let all: Vec<Emitter> = full.chain(other_ones.iter().filter_map(|spot| each(spot, false))).collect();
    good(all)
}

fn fit_spot(movie: &Movie, spot: &Spot, sigma_px: f64, noise: &NoiseLine) -> Option<Fit> {
    let half = half_side(sigma_px);
    let fit = fit(&square(movie, spot, half)?, 2 * half + 1, sigma_px, noise)?;
    let centred = |at: f64| (at - half as f64).abs() <= 1.5;
    (centred(fit.x_px) && centred(fit.y_px) && fit.light > 3.0 * fit.light_sd).then_some(fit)
}

/// The pixels around a spot, row-major. `None`: they are not all there.
fn square(movie: &Movie, spot: &Spot, half: usize) -> Option<Vec<f64>> {
    let (x, y) = (spot.x_px.round() as usize, spot.y_px.round() as usize);
    let (left, top) = (x.checked_sub(half)?, y.checked_sub(half)?);
    if x + half >= movie.width || y + half >= movie.height {
        return None;
    }
    let side = 2 * half + 1;
    let image = movie.frame(spot.frame);
    let rows = (top..top + side).flat_map(|row| &image[row * movie.width + left..][..side]);
    Some(rows.map(|&count| f64::from(count)).collect())
}

/// Those that one Gaussian describes: what is hidden in the others is a second emitter.
fn good(mut all: Vec<Emitter>) -> Vec<Emitter> {
    let mut misfits: Vec<f64> = all.iter().map(|e| e.fit.misfit).collect();
    let Some(usual) = quantile(&mut misfits, 0.5) else { return all };
    let mut low = misfits;
    let quarter = quantile(&mut low, 0.25).unwrap_or(usual);
    // Of 49 to 121 pixels χ² per degree of freedom varies by 0.13 to 0.2.
    let limit = 1.25_f64.max(quarter);
    all.retain(|e| e.fit.misfit <= limit);
    all
}

/// The width: mode over emitters of the geometric mean of σx and σy, and its deviation.
pub fn width_px(emitters: &[Emitter]) -> Option<Measured> {
    let mut widths: Vec<f64> = emitters.iter().map(|e| mean_width(&e.fit)).collect();
    if widths.len() < FITS_MIN {
        return None;
    }
    let mode = half_sample_mode(&mut widths)?;
    let mut near: Vec<f64> = widths.iter().copied().filter(|w| (w / mode - 1.0).abs() < 0.35).collect();
    let (_, spread) = centre_and_spread(&mut near)?;
    let reach = (1.5 * spread / mode).clamp(0.03, 0.35);
    let value = refined_mode(&mut widths, reach)?;
    let n = widths.iter().filter(|w| (**w / value - 1.0).abs() <= reach).count() as f64;
    Some(Measured { value, sd: 1.25 * spread / n.sqrt() })
}

pub fn mean_width(fit: &Fit) -> f64 {
    (fit.sigma_x_px * fit.sigma_y_px).sqrt()
}

/// Light of full frames: median and outer tenths in counts, and the spread that noise does not explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    pub median: Measured,
    pub part: Part,
    /// Relative.
    pub spread: f64,
    /// Of one measurement, relative: where it is large, only the brighter emitters are seen.
    pub noise: f64,
}

/// Of the emitters that shone through a whole frame, or of all, where none does. `round_px`: all have this width, which
/// leaves less to noise.
pub fn light(
    movie: &Movie,
    emitters: &[Emitter],
    noise: &NoiseLine,
    sigma_px: f64,
    round_px: Option<f64>,
    fleeting: bool,
) -> Option<Light> {
    let near = |e: &&Emitter| round_px.is_none_or(|width| (mean_width(&e.fit) / width - 1.0).abs() < 0.3);
    let full = emitters.iter().filter(|e| e.full || fleeting).filter(near);
    let half = half_side(sigma_px);
    let measured = full.filter_map(|e| match round_px {
        None => Some((e.fit.light, e.fit.light_sd)),
        Some(width) => photometry(&square(movie, &e.spot, half)?, 2 * half + 1, &e.fit, width, noise),
    });
    let (mut lights, mut noises): (Vec<f64>, Vec<f64>) = measured.unzip();
    if lights.len() < FITS_MIN {
        return None;
    }
    let (median, spread) = centre_and_spread(&mut lights)?;
    let noise = quantile(&mut noises, 0.5)?;
    let part = Part { low: quantile(&mut lights, 0.1)?, high: quantile(&mut lights, 0.9)? };
    let sd = 1.25 * spread / (lights.len() as f64).sqrt();
    let own = (spread * spread - noise * noise).max(0.0).sqrt() / median;
    Some(Light { median: Measured { value: median, sd }, part, spread: own, noise: noise / median })
}
