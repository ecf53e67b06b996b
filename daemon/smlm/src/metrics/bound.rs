//! What was possible: the Cramér–Rao bound of each true emitter, as if it were alone.
//!
//! In: optics and true emitters. Out: root mean bounds in nm. Never: an emitter's neighbours.

use super::Emitter;
use crate::crlb::{Noise, Spot, Width, crlb};
use crate::psf::Psf;
use crate::units::{Nm, PixelSize};

/// Pixels on either side of the emitter's own: the bound is that of a fit in a region of 21 × 21 px.
const REGION_RADIUS_PX: u32 = 10;

/// What the light went through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optics {
    pub psf: Psf,
    pub pixel_size: PixelSize,
    /// Photons per pixel, for all emitters; `None`: what the truth says of each.
    pub background: Option<f64>,
    pub noise: Noise,
}

/// Variances in nm²: lateral (x and y together) and axial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Variances {
    pub lateral_nm2: f64,
    pub axial_nm2: Option<f64>,
}

/// Makes bounds, and sums them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub optics: Optics,
}

/// Sums of bounds; one that does not exist spoils the sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    count: u64,
    lateral_nm2: f64,
    axial_nm2: f64,
}

impl Bounds {
    pub const NOTHING: Sum = Sum { count: 0, lateral_nm2: 0.0, axial_nm2: 0.0 };

    /// The bound of a true emitter with z unknown too if `volume` and the PSF tells it; `None` where there is none.
    pub fn of(&self, emitter: &Emitter, volume: bool) -> Option<Variances> {
        let Optics { psf, pixel_size, background, noise } = self.optics;
        let z_unknown = volume && psf.tells_z();
        let (x, y) = Width::of(psf, emitter.at.z_nm, pixel_size);
        let middle = |nm: f64, side: Nm| {
            let px = nm / side.0 - 0.5;
            f64::from(REGION_RADIUS_PX) + px - px.round()
        };
        let spot = Spot {
            x,
            y,
            photons: emitter.photons?,
            background: background.or(emitter.background)?,
            x_px: middle(emitter.at.x_nm, pixel_size.x),
            y_px: middle(emitter.at.y_nm, pixel_size.y),
            side_px: 2 * REGION_RADIUS_PX + 1,
            noise,
            z_unknown,
        };
        let bound = crlb(&spot).ok()?;
        let (x_nm, y_nm) = (bound.sigma_x_px * pixel_size.x.0, bound.sigma_y_px * pixel_size.y.0);
        let axial_nm2 = bound.sigma_z_nm.map(|sigma| sigma * sigma);
        Some(Variances { lateral_nm2: x_nm * x_nm + y_nm * y_nm, axial_nm2 })
    }
}

impl Sum {
    pub fn add(&mut self, bound: Option<Variances>) {
        self.count += 1;
        self.lateral_nm2 += bound.map_or(f64::NAN, |bound| bound.lateral_nm2);
        self.axial_nm2 += bound.and_then(|bound| bound.axial_nm2).unwrap_or(f64::NAN);
    }

    pub fn lateral_nm(&self) -> Option<f64> {
        self.root_mean(self.lateral_nm2)
    }

    pub fn axial_nm(&self) -> Option<f64> {
        self.root_mean(self.axial_nm2)
    }

    fn root_mean(&self, sum: f64) -> Option<f64> {
        (self.count > 0 && sum.is_finite()).then(|| (sum / self.count as f64).sqrt())
    }
}
