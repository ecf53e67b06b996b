//! Whether a model was made for what stands on the table.
//!
//! In: a card, what is known of microscope and sample, the other bundles. Out: nothing to say, or a refusal
//! with the reasons and the nearest bundle that fits. Never: a refusal over something that nobody knows.

use smlm::units::PixelSize;

use super::{Card, Span};

/// Whether emitters at different z are wide along different axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Astigmatism {
    /// The PSF is round.
    None,
    /// Along the rows and columns of the camera.
    AlongAxes,
    AlongDiagonals,
}

/// What is known of a microscope and a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    pub pixel_size: PixelSize,
    /// Standard deviation of the PSF in focus, nm in the sample.
    pub psf_sigma_nm: Option<f64>,
    /// Of a typical emitter in one frame.
    pub photons: Option<f64>,
    /// Photons per pixel and frame.
    pub background_photons: Option<f64>,
    pub density_per_um2: Option<f64>,
    pub astigmatism: Option<Astigmatism>,
}

impl Setup {
    /// Only the pixel size is known.
    pub const fn of_pixel_size(pixel_size: PixelSize) -> Self {
        Self {
            pixel_size,
            psf_sigma_nm: None,
            photons: None,
            background_photons: None,
            density_per_um2: None,
            astigmatism: None,
        }
    }
}

/// The model was made for something else.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the bundle '{bundle}' does not fit: {}. {nearest}", .reasons.join("; "))]
#[must_use]
pub struct Misfit {
    pub bundle: String,
    pub reasons: Vec<String>,
    /// A sentence.
    pub nearest: String,
}

/// Refuses a bundle outside its card's range. With `overrule`, returns the reasons as warnings instead.
pub fn check_fit(card: &Card, setup: &Setup, known: &[&Card], overrule: bool) -> Result<Vec<String>, Misfit> {
    let reasons = reasons(card, setup);
    if reasons.is_empty() || overrule {
        return Ok(reasons);
    }
    let fitting =
        known.iter().filter(|other| other.name != card.name && self::reasons(other, setup).is_empty());
    let nearest = fitting.min_by(|a, b| off_centre(a, setup).total_cmp(&off_centre(b, setup)));
    let nearest = match nearest {
        Some(other) => format!("'{}' fits: {}", other.name, other.description),
        None => {
            "None of the known bundles fits; correct the pixel size, train a bundle, or overrule this check by model.overrule = true".to_owned()
        }
    };
    Err(Misfit { bundle: card.name.clone(), reasons, nearest })
}

/// Why a model was not made for this; empty: it fits.
pub fn reasons(card: &Card, setup: &Setup) -> Vec<String> {
    let range = &card.range;
    let (width, height) = (setup.pixel_size.x.0, setup.pixel_size.y.0);
    let square = width == height;
    let checks = [
        (if square { "pixel size" } else { "pixel width" }, "nm", Some(width), range.pixel_size_nm),
        ("pixel height", "nm", Some(height).filter(|_| !square), range.pixel_size_nm),
        ("PSF sigma", "nm", setup.psf_sigma_nm, range.psf_sigma_nm),
        ("photons per emitter", "", setup.photons, range.photons),
        ("background per pixel", "photons", setup.background_photons, range.background_photons),
        ("density", "emitters per µm² and frame", setup.density_per_um2, range.density_per_um2),
    ];
    let reason = |(what, unit, value, span): (&str, &str, Option<f64>, Span)| {
        let value = value.filter(|value| !span.holds(*value))?;
        // Five digits tell apart what a person would; a measured number has more.
        let value: f64 = format!("{value:.4e}").parse().unwrap_or(value);
        Some(format!("{what} is {value} {unit} where it was trained for {span}").replace("  ", " "))
    };
    let shape = match (setup.astigmatism, card.psf.astigmatic()) {
        (Some(Astigmatism::AlongAxes | Astigmatism::AlongDiagonals), Some(false)) => {
            Some("the PSF is astigmatic where it was trained for a round one")
        }
        (Some(Astigmatism::None), Some(true)) => {
            Some("the PSF is round where it was trained for an astigmatic one")
        }
        (Some(Astigmatism::AlongDiagonals), Some(true)) => {
            Some("the PSF is astigmatic along the camera's diagonals where it was trained for its axes")
        }
        _ => None,
    };
    checks.into_iter().filter_map(reason).chain(shape.map(str::to_owned)).collect()
}

/// How far the pixel size is from the middle of the range, in parts of it; for choosing among those that fit.
fn off_centre(card: &Card, setup: &Setup) -> f64 {
    let Span { low, high } = card.range.pixel_size_nm;
    let middle = (low * high).sqrt().max(f64::MIN_POSITIVE);
    let side = (setup.pixel_size.x.0 * setup.pixel_size.y.0).sqrt();
    (side / middle).ln().abs()
}
