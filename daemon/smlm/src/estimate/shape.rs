//! Round or astigmatic: what the two widths of many emitters say of the PSF.
//!
//! Comes in: fitted emitters. Goes out: the width in focus, how both widths vary, and the shape. Never: z of an
//! emitter; that takes a calibration.
//!
//! Of an astigmatic PSF, `σx² = s² (1 + ((z − f)/d)²)` and `σy² = s² (1 + ((z + f)/d)²)` (Huang et al. 2008): sum and
//! difference of the squares lie on the parabola `σx² + σy² = 2s² (1 + f²/d²) + (d²/8s²f²) (σx² − σy²)²`, from which s
//! and f/d can be read without knowing any z.

use super::correlate::line;
use super::emitters::{Emitter, FITS_MIN, width_px};
use super::{Measured, Missing, Part};
use crate::order::{centre_and_spread, quantile};
use crate::units::PixelSize;

/// What the PSF looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PsfShape {
    Round,
    /// Some emitters are wide along x, others along y. `focus_per_depth`: f/d; `z_nm`: a guess of the range of z, from
    /// the depth of focus that a lens of this width has.
    Astigmatic {
        focus_per_depth: Option<f64>,
        z_nm: Option<Part>,
    },
    /// The same along the diagonals of the camera.
    DiagonallyAstigmatic,
    /// Too few or too dim emitters to tell.
    Unclear,
}

/// Widths of the PSF.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PsfWidth {
    /// Standard deviation of the Gaussian: of a round PSF the mean of both widths, of an astigmatic one that in focus.
    pub sigma_nm: Measured,
    pub sigma_x_nm: Part,
    pub sigma_y_nm: Part,
    /// σx / σy.
    pub elongation: Part,
    pub shape: PsfShape,
}

/// Elongations vary by more than this (relative) where the PSF is astigmatic; noise is taken off before.
const ASTIGMATIC_FROM: f64 = 0.12;
/// Only emitters whose elongation is known so well tell the shape.
const CLEAR: f64 = 0.12;
/// From here on the fits alone do not make a PSF astigmatic.
const CROWDED: f64 = 0.1;
/// A usual cylindrical lens gives 0.02.
const CROSS_FROM: f64 = 0.008;
/// Of the refractive index of the sample and the wavelength in nm, for the depth of focus `d = 4π n s² / λ`: usual ones.
const INDEX: f64 = 1.4;
const WAVELENGTH_NM: f64 = 670.0;
/// Bins of the difference of squares, for the parabola.
const BINS: usize = 8;

/// What the flicker says of the PSF.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flickering {
    pub sigma_x_px: Measured,
    pub sigma_y_px: Measured,
    /// How much more of the covariance is left along the axes than along the diagonals, as a part of that at no shift:
    /// 0 for a round PSF, more for emitters some of which are wide along x and others along y, less for such whose axes lie
    /// along the diagonals.
    pub cross: Measured,
    /// How much more is left along the diagonal that falls to the right than along the other: 0 for a PSF that is not
    /// elongated in one direction for good.
    pub slanted: f64,
}

/// The PSF of fitted emitters, and of the flicker where there is enough of it.
///
/// `crowding`: spots per frame and area of a spot; in a crowd neighbours make emitters look elongated.
pub fn psf(
    emitters: &[Emitter],
    flicker: Option<Flickering>,
    pixel: PixelSize,
    crowding: f64,
) -> Result<PsfWidth, Missing> {
    let shown = flicker.map(|f| (f.sigma_x_px.times(pixel.x.0), f.sigma_y_px.times(pixel.y.0)));
    let shape = shape(emitters, flicker, pixel, crowding);
    let fitted = width_px(emitters).map(|width| width.times((pixel.x.0 * pixel.y.0).sqrt()));
    let Some(fitted) = fitted else {
        let (x, y) = shown.ok_or(Missing("too few emitters stand alone and nothing flickers"))?;
        return Ok(of_flicker(x, y, shape));
    };
    let widths = widths_nm(emitters, pixel);
    let part = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = widths.iter().map(of).collect();
        let mut at = |part| quantile(&mut values, part).unwrap_or(f64::NAN);
        Part { low: at(0.1), high: at(0.9) }
    };
    let (sigma_x_nm, sigma_y_nm, elongation) = (part(&|w| w.0), part(&|w| w.1), part(&|w| w.0 / w.1));
    let sigma_nm = match shape {
        PsfShape::DiagonallyAstigmatic => narrowest(&widths),
        PsfShape::Astigmatic { .. } => focus(&widths).map_or(narrowest(&widths), |(s, _)| s),
        _ => round(fitted, typical(emitters, |e| e.fit.sigma_sd), shown.map(|(x, y)| mean(x, y))),
    };
    Ok(PsfWidth { sigma_nm, sigma_x_nm, sigma_y_nm, elongation, shape })
}

fn widths_nm(emitters: &[Emitter], pixel: PixelSize) -> Vec<(f64, f64)> {
    emitters.iter().map(|e| (e.fit.sigma_x_px * pixel.x.0, e.fit.sigma_y_px * pixel.y.0)).collect()
}

fn typical(emitters: &[Emitter], of: impl Fn(&Emitter) -> f64) -> f64 {
    quantile(&mut emitters.iter().map(of).collect::<Vec<_>>(), 0.5).unwrap_or(f64::INFINITY)
}

fn of_flicker(x: Measured, y: Measured, shape: PsfShape) -> PsfWidth {
    let only = |m: Measured| Part { low: m.value - m.sd, high: m.value + m.sd };
    let elongation = x.value / y.value;
    PsfWidth {
        sigma_nm: mean(x, y),
        sigma_x_nm: only(x),
        sigma_y_nm: only(y),
        elongation: Part { low: elongation, high: elongation },
        shape,
    }
}

fn mean(x: Measured, y: Measured) -> Measured {
    Measured { value: (x.value * y.value).sqrt(), sd: 0.5 * x.sd.hypot(y.sd) }
}

/// Both methods err beside their noise: fits by a hidden neighbour and, of dim emitters, because the narrow ones are seen
/// first; the flicker by what moves or is out of focus. `each`: relative deviation of one fit.
fn round(fitted: Measured, each: f64, flicker: Option<Measured>) -> Measured {
    const OWN: f64 = 0.02;
    let weight = |m: Measured, own: f64| 1.0 / (m.sd.powi(2) + (own * m.value).powi(2));
    let of_fits = weight(fitted, OWN + 2.0 * each.powi(2));
    let Some(flicker) = flicker else { return Measured { sd: of_fits.sqrt().recip(), ..fitted } };
    let of_flicker = weight(flicker, OWN);
    let weights = of_fits + of_flicker;
    let value = (of_fits * fitted.value + of_flicker * flicker.value) / weights;
    Measured { value, sd: weights.sqrt().recip() }
}

/// What decides that a PSF is astigmatic, as far as it can tell.
struct Signs {
    /// Of the flicker: some emitters are wide along x and others along y; or so along the diagonals.
    crossed: Option<bool>,
    diagonal: bool,
    /// Of the fits of emitters that are seen clearly.
    varies: Option<bool>,
}

/// The flicker decides, as a crowd does not disturb it; fitted emitters do where it cannot.
fn shape(emitters: &[Emitter], flicker: Option<Flickering>, pixel: PixelSize, crowding: f64) -> PsfShape {
    let clear: Vec<Emitter> = emitters.iter().filter(|e| e.fit.elongation_sd < CLEAR).copied().collect();
    let widths = widths_nm(&clear, pixel);
    let signs = signs(&clear, &widths, flicker, crowding);
    match (signs.crossed, signs.varies) {
        _ if signs.diagonal => PsfShape::DiagonallyAstigmatic,
        (Some(false), _) | (None, Some(false)) => PsfShape::Round,
        (None, None) | (Some(true), Some(false)) => PsfShape::Unclear,
        (Some(true), None) => PsfShape::Astigmatic { focus_per_depth: None, z_nm: None },
        (_, Some(true)) => {
            let known = focus(&widths);
            let z_nm = known.map(|(s, ratio)| z_guess(&widths, s.value, ratio));
            PsfShape::Astigmatic { focus_per_depth: known.map(|(_, ratio)| ratio), z_nm }
        }
    }
}

fn signs(clear: &[Emitter], widths: &[(f64, f64)], flicker: Option<Flickering>, crowding: f64) -> Signs {
    let mut elongations: Vec<f64> = widths.iter().map(|(x, y)| (x / y).ln()).collect();
    let noise = typical(clear, |e| e.fit.elongation_sd);
    let varies = centre_and_spread(&mut elongations)
        .filter(|_| clear.len() >= 2 * FITS_MIN)
        .map(|(_, spread)| spread * spread - noise * noise > ASTIGMATIC_FROM.powi(2));
    let far = |f: &Flickering| f.cross.value.abs() > (3.5 * f.cross.sd).max(CROSS_FROM);
    let crossed = flicker.and_then(|f| {
        let is = far(&f) && f.cross.value > 0.0;
        (is || f.cross.value + 2.0 * f.cross.sd < 2.0 * CROSS_FROM).then_some(is)
    });
    // What is elongated along one diagonal for good leaves more along it, and a little more along both.
    let diagonal =
        flicker.is_some_and(|f| far(&f) && f.cross.value < 0.0 && f.slanted.abs() < f.cross.value.abs());
    let trusted = flicker.is_some() || crowding < CROWDED;
    Signs { crossed, diagonal, varies: varies.filter(|varies| trusted || !varies) }
}

/// s and f/d from the parabola of sums and differences of squared widths.
fn focus(widths: &[(f64, f64)]) -> Option<(Measured, f64)> {
    let mut points: Vec<(f64, f64)> =
        widths.iter().map(|(x, y)| ((x * x - y * y).powi(2), x * x + y * y)).collect();
    points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let medians: Vec<(f64, f64)> = points
        .chunks(points.len().div_ceil(BINS))
        .filter_map(|bin| {
            let of =
                |pick: fn(&(f64, f64)) -> f64| quantile(&mut bin.iter().map(pick).collect::<Vec<_>>(), 0.5);
            of(|p| p.0).zip(of(|p| p.1))
        })
        .collect();
    let (slope, intercept) = line(&medians);
    let square = 0.5 * (intercept - 0.25 / slope);
    let ratio = (1.0 / (8.0 * slope * square)).sqrt();
    let plausible = slope > 0.0 && square > 0.0 && (0.15..2.0).contains(&ratio);
    let value = square.max(0.0).sqrt();
    plausible.then_some((Measured { value, sd: 0.06 * value }, ratio))
}

/// The narrower width of those that are narrowest.
fn narrowest(widths: &[(f64, f64)]) -> Measured {
    let mut narrow: Vec<f64> = widths.iter().map(|(x, y)| x.min(*y)).collect();
    let value = quantile(&mut narrow, 0.15).unwrap_or(f64::NAN);
    Measured { value, sd: 0.1 * value }
}

/// Where 90 of 100 emitters are, if the depth of focus is that of a Gaussian beam.
fn z_guess(widths: &[(f64, f64)], sigma_nm: f64, focus_per_depth: f64) -> Part {
    let depth_nm = 4.0 * std::f64::consts::PI * INDEX * sigma_nm.powi(2) / WAVELENGTH_NM;
    let per = depth_nm / (4.0 * sigma_nm.powi(2) * focus_per_depth);
    let mut z: Vec<f64> = widths.iter().map(|(x, y)| (y * y - x * x) * per).collect();
    let mut at = |part| quantile(&mut z, part).unwrap_or(f64::NAN);
    Part { low: at(0.05), high: at(0.95) }
}
