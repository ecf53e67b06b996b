//! What a network for such recordings should be trained with.
//!
//! Comes in: an estimate. Goes out: ranges, wide enough for the next recordings of the same kind. Never: a file; the
//! names are those of the training package's `Ranges`.

use super::{Estimate, Missing, Part, PsfShape};
use crate::units::PixelSize;

/// From and to, each drawn from while training.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    pub pixel_size_nm: Part,
    pub psf_sigma_nm: Part,
    pub photons: Part,
    pub photons_spread: Part,
    pub background_photons: Part,
    pub density_per_um2: Part,
    pub on_time_frames: Part,
    pub z_nm: Part,
    /// Of an astigmatic PSF; its training needs them.
    pub focus_nm: Option<Part>,
    pub depth_nm: Option<Part>,
}

/// Half the range of z where an astigmatic PSF does not tell it.
const USUAL_Z_NM: f64 = 600.0;
/// Focus and depth of a usual cylindrical lens.
const USUAL_FOCUS_NM: f64 = 200.0;
const USUAL_DEPTH_NM: f64 = 400.0;

impl Estimate {
    /// Ranges around what was found.
    ///
    /// # Errors
    /// What is missing: a range around nothing would be a guess.
    pub fn ranges(&self, pixel: PixelSize) -> Result<Ranges, Missing> {
        let (psf, photons, background) = (self.psf?, self.photons?, self.background?);
        let (density, on_time) = (self.density_per_um2?.value, self.on_time_frames?.value);
        let (x, y) = (pixel.x.0, pixel.y.0);
        let sigma = psf.sigma_nm.value;
        let off = (2.0 * psf.sigma_nm.sd / sigma).clamp(0.1, 0.25);
        let around = |value: f64, down: f64, up: f64| Part { low: value * down, high: value * up };
        let level = background.median.value.max(0.5);
        let (z_nm, focus_nm, depth_nm) = match psf.shape {
            PsfShape::DiagonallyAstigmatic => {
                return Err(Missing(
                    "its astigmatism lies along the diagonals of the camera, and no range says that: turn lens or camera \
                     by 45°, or train with the spline PSF of a bead stack",
                ));
            }
            PsfShape::Round | PsfShape::Unclear => (Part { low: 0.0, high: 0.0 }, None, None),
            PsfShape::Astigmatic { z_nm, focus_per_depth } => {
                let z = z_nm.map_or(USUAL_Z_NM, |z| z.high.abs().max(z.low.abs()).clamp(300.0, 1500.0));
                let focus = focus_per_depth.map_or(USUAL_FOCUS_NM, |ratio| ratio * USUAL_DEPTH_NM);
                let wide = |nm| Some(around(nm, 0.8, 1.2));
                (Part { low: -z, high: z }, wide(focus), wide(USUAL_DEPTH_NM))
            }
        };
        Ok(Ranges {
            pixel_size_nm: Part { low: 0.97 * x.min(y), high: 1.03 * x.max(y) },
            psf_sigma_nm: around(sigma, 1.0 - off, 1.0 + off),
            photons: Part { low: (0.6 * photons.part.low).max(100.0), high: 1.7 * photons.part.high },
            photons_spread: Part {
                low: (0.5 * photons.spread).min(0.1),
                high: (1.5 * photons.spread).clamp(0.2, 0.6),
            },
            background_photons: around(level, 0.5, 2.0),
            // Bleaching makes a recording sparser than its beginning, a structure denser than its mean.
            density_per_um2: Part { low: (0.1 * density).min(0.1), high: (2.5 * density).max(0.5) },
            on_time_frames: around(on_time, 0.6, 1.6),
            z_nm,
            focus_nm,
            depth_nm,
        })
    }
}

impl Ranges {
    /// Name and range, in the order of the training package.
    pub fn named(&self) -> Vec<(&'static str, Part)> {
        let always = [
            ("pixel_size_nm", self.pixel_size_nm),
            ("psf_sigma_nm", self.psf_sigma_nm),
            ("photons", self.photons),
            ("photons_spread", self.photons_spread),
            ("background_photons", self.background_photons),
            ("density_per_um2", self.density_per_um2),
            ("on_time_frames", self.on_time_frames),
            ("z_nm", self.z_nm),
        ];
        let astigmatic = [("focus_nm", self.focus_nm), ("depth_nm", self.depth_nm)];
        let there = astigmatic.into_iter().filter_map(|(name, range)| Some((name, range?)));
        always.into_iter().chain(there).collect()
    }
}
