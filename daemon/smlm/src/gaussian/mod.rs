//! ThunderSTORM's recipe: a wavelet filter shows where spots are, a Gaussian is fitted to each by maximum likelihood.
//!
//! In: strips of a frame in photons. Out: localizations with Cramér–Rao deviations. Never: training, a neighbouring
//! frame, an allocation once warm.
//!
//! Filter, threshold of so many standard deviations of the first wavelet plane, local maxima among eight neighbours,
//! fit in a square, limits on what comes out (Ovesny et al. 2014). With a calibration of astigmatism both widths are
//! free and tell z (Huang et al. 2008). What ThunderSTORM's default does not have: where neighbours are near, each spot
//! is fitted again with their fits in its model. Of the recordings in `app/tests/gaussian.rs` it finds 1 to 24 % more
//! so, and the sparse one with errors a fifth smaller. Emitters closer than about two widths of the PSF still become
//! one localization.

mod crowd;
pub mod depth;
pub mod detect;
pub mod fit;
mod likelihood;
mod profile;
mod solve;
pub mod wavelet;

use crate::crlb::Noise;
use crate::frame::Shape;
use crate::localization::Localization;
pub use depth::{Calibration, Curve, DepthError, Depths};
use detect::{Peak, peaks};
use fit::{Fit, How, Outline, RADIUS_PX};
use wavelet::{Spread, Wavelet};

/// What is looked for, and what is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// A spot counts from so many standard deviations of the first wavelet plane on.
    pub threshold_factor: f64,
    /// A spot is fitted in a square of 2 · radius + 1 pixels.
    pub radius_px: usize,
    /// The width that fits begin with.
    pub sigma_start_px: f64,
    /// Fits with a width outside are dropped.
    pub sigma_min_px: f64,
    pub sigma_max_px: f64,
    /// Fits that end farther from the maximum they began at are dropped: they went to a neighbour.
    pub moved_max_px: f64,
    /// Deviance per degree of freedom, at most: 1 is a Gaussian with Poisson noise; it grows with the photons where the
    /// PSF is another or the camera's calibration is wrong. Infinite: no limit.
    pub deviance_max: f64,
    /// On the larger of both lateral deviations.
    pub sigma_lateral_max_px: f64,
    pub photons_min: f64,
    /// Astigmatism; `None` for round spots.
    pub calibration: Option<Calibration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold_factor: 1.25,
            radius_px: 3,
            sigma_start_px: 1.3,
            sigma_min_px: 0.5,
            sigma_max_px: 3.0,
            moved_max_px: 1.5,
            deviance_max: f64::INFINITY,
            sigma_lateral_max_px: 0.5,
            photons_min: 0.0,
            calibration: None,
        }
    }
}

/// Settings that find nothing.
#[derive(Debug, thiserror::Error, PartialEq)]
#[must_use]
pub enum SettingsError {
    #[error("{name} is {value}; it must be {range}")]
    Value { name: &'static str, value: f64, range: &'static str },
    #[error(transparent)]
    Depth(#[from] DepthError),
}

/// How often a spot with neighbours is fitted again. Each time its error by their light changes its sign and becomes
/// less than half.
const AGAIN: usize = 3;

impl Settings {
    /// A spot matters to another one within so many rows and columns.
    const fn near_px(&self) -> usize {
        self.radius_px + crowd::BEYOND_PX
    }

    /// Rows that a strip needs above and below its own, where the frame has them: for every spot that matters, be it by
    /// way of others, and for its own search the filter's reach and one more row, or its square.
    pub const fn halo_px(&self) -> usize {
        const SEARCH_PX: usize = wavelet::REACH_PX + 1;
        const { assert!(SEARCH_PX >= *RADIUS_PX.end()) };
        AGAIN * self.near_px() + SEARCH_PX
    }

    /// Refuses what cannot find anything.
    pub fn check(&self) -> Result<(), SettingsError> {
        let above_0 = |value: f64| value > 0.0;
        let (start, factor) = (self.sigma_start_px, self.threshold_factor);
        let radius = self.radius_px as f64;
        let values = [
            ("threshold_factor", factor, above_0(factor) && factor <= 1e6, "above 0"),
            ("radius_px", radius, RADIUS_PX.contains(&self.radius_px), "2 to 7 px"),
            ("sigma_start_px", start, (0.3..=5.0).contains(&start), "0.3 to 5 px"),
            ("sigma_min_px", self.sigma_min_px, self.sigma_min_px >= 0.0, "0 px or more"),
            ("sigma_max_px", self.sigma_max_px, self.sigma_max_px > self.sigma_min_px, "above sigma_min_px"),
            ("moved_max_px", self.moved_max_px, above_0(self.moved_max_px), "above 0 px"),
            ("deviance_max", self.deviance_max, above_0(self.deviance_max), "above 0"),
            (
                "sigma_lateral_max_px",
                self.sigma_lateral_max_px,
                above_0(self.sigma_lateral_max_px),
                "above 0 px",
            ),
            ("photons_min", self.photons_min, self.photons_min >= 0.0, "0 or more"),
        ];
        match values.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, range)) => Err(SettingsError::Value { name, value, range }),
            None => Ok(()),
        }
    }
}

/// Rows of a frame or a strip, `first` to `end - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub first: usize,
    pub end: usize,
}

impl Rows {
    pub fn contains(self, row: usize) -> bool {
        (self.first..self.end).contains(&row)
    }

    /// So many rows more on both sides, within `height`.
    fn wider(self, rows: usize, height: usize) -> Self {
        Self { first: self.first.saturating_sub(rows), end: (self.end + rows).min(height) }
    }
}

/// The recipe with checked settings.
#[derive(Clone, Debug)]
pub struct Recipe {
    settings: Settings,
    depths: Option<Depths>,
}

/// A strip of a frame and its buffers, kept from frame to frame.
#[derive(Debug, Default)]
pub struct Strip {
    /// Photons, row-major, to be filled by the caller.
    pub image: Vec<f32>,
    pub found: Vec<Localization>,
    width: usize,
    /// The frame's row that is the strip's row 0.
    top: usize,
    /// The strip's rows in which maxima are looked for; the others are the halo.
    own: Rows,
    filtered: Vec<f32>,
    wavelet: Wavelet,
    peaks: Vec<Peak>,
    fits: Vec<Option<Fit>>,
    /// The next fits, while they are made from the ones before.
    better: Vec<Option<Fit>>,
}

impl Strip {
    /// Becomes the strip of the rows `own` of a frame of `shape` with [`Settings::halo_px`], and makes room for its image.
    pub fn cover(&mut self, shape: Shape, own: Rows, halo_px: usize) {
        let end = own.end.min(shape.height as usize);
        let bottom = (end + halo_px).min(shape.height as usize);
        self.top = own.first.saturating_sub(halo_px).min(bottom);
        self.own = Rows { first: own.first.min(end) - self.top, end: end - self.top };
        self.width = shape.width as usize;
        self.image.resize((bottom - self.top) * self.width, 0.0);
    }

    /// The frame's rows that the image holds, halo included.
    pub fn rows(&self) -> Rows {
        let height = self.image.len().checked_div(self.width).unwrap_or(0);
        Rows { first: self.top, end: self.top + height }
    }

    /// Makes room for so many localizations.
    pub fn reserve(&mut self, localizations: usize) {
        self.found.reserve(localizations);
        self.peaks.reserve(localizations);
        self.fits.reserve(localizations);
        self.better.reserve(localizations);
    }
}

impl Recipe {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let depths = settings.calibration.map(Depths::new).transpose()?;
        Ok(Self { settings, depths })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The first step for each strip of a frame. What all strips give, added up, makes the threshold.
    pub fn filter(&self, strip: &mut Strip) -> Spread {
        let Strip { image, width, own, filtered, wavelet, .. } = strip;
        wavelet.filter(image, *width, *own, filtered)
    }

    /// The threshold of a frame.
    pub fn threshold(&self, frame: &Spread) -> f32 {
        (self.settings.threshold_factor * frame.deviation()) as f32
    }

    /// The second step: fills `found` with the localizations of a filtered strip's own rows, in coordinates of the
    /// frame, row by row. `noise`: of the camera, for photons.
    ///
    /// A spot with neighbours is fitted again beside their fits; where that fails, the fit before stands.
    pub fn find(&self, strip: &mut Strip, threshold: f32, noise: Noise) {
        let Strip { image, width, top, own, found, filtered, peaks: places, fits, better, .. } = strip;
        let near_px = self.settings.near_px();
        let height = image.len().checked_div(*width).unwrap_or(0);
        let how = How {
            outline: if self.depths.is_some() { Outline::Elliptic } else { Outline::Round },
            radius_px: self.settings.radius_px,
            sigma_px: self.settings.sigma_start_px as f32,
            noise,
        };
        places.clear();
        peaks(filtered, *width, own.wider(AGAIN * near_px, height), threshold, places);
        fits.clear();
        fits.extend(places.iter().map(|peak| fit::fit(image, *width, peak, &how, std::iter::empty())));
        for left in (0..AGAIN).rev() {
            let rows = own.wider(left * near_px, height);
            better.clone_from(fits);
            for (index, peak) in places.iter().enumerate().filter(|(_, peak)| rows.contains(peak.row)) {
                let mut others = crowd::others(places, fits, index, near_px).peekable();
                if others.peek().is_some() {
                    let fit = fit::fit(image, *width, peak, &how, others);
                    better[index] = fit.filter(|fit| self.keeps(fit, peak)).or(fits[index]);
                }
            }
            std::mem::swap(fits, better);
        }
        found.clear();
        for (fit, peak) in fits.iter().zip(&*places).filter(|(_, peak)| own.contains(peak.row)) {
            let kept = fit.as_ref().filter(|fit| self.keeps(fit, peak));
            found.extend(kept.and_then(|fit| self.localization(fit, *top)));
        }
    }

    fn keeps(&self, fit: &Fit, peak: &Peak) -> bool {
        let limits = &self.settings;
        let moved = (fit.x_px - peak.column as f64).hypot(fit.y_px - peak.row as f64);
        let width = |sigma: f64| (limits.sigma_min_px..=limits.sigma_max_px).contains(&sigma);
        let lateral = fit.covariance[0][0].max(fit.covariance[1][1]).sqrt();
        width(fit.sigma_x_px)
            && width(fit.sigma_y_px)
            && moved <= limits.moved_max_px
            && fit.deviance <= limits.deviance_max
            && lateral <= limits.sigma_lateral_max_px
            && fit.photons >= limits.photons_min
    }

    fn localization(&self, fit: &Fit, top: usize) -> Option<Localization> {
        let variance = |i: usize| fit.covariance[i][i];
        let sd = |i: usize| variance(i).sqrt() as f32;
        let widths = [variance(4), variance(5), fit.covariance[4][5]];
        let depth = match &self.depths {
            Some(depths) => Some(depths.of(fit.sigma_x_px, fit.sigma_y_px, widths)?),
            None => None,
        };
        Some(Localization {
            frame: 0,
            tile: 0,
            x_px: fit.x_px as f32,
            y_px: (fit.y_px + top as f64) as f32,
            z_nm: depth.map_or(0.0, |depth| depth.z_nm as f32),
            photons: fit.photons as f32,
            background: fit.background as f32,
            sigma_x_px: sd(0),
            sigma_y_px: sd(1),
            sigma_z_nm: depth.map_or(0.0, |depth| depth.sigma_z_nm as f32),
            sigma_photons: sd(2),
            probability: 1.0,
        })
    }
}

#[cfg(test)]
mod tests;
