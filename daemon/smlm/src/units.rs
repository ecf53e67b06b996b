//! Units and the coordinate convention, written once.
//!
//! Inside blinkd a position is a pixel coordinate of the **original sensor ROI**: x along columns, y along
//! rows, pixel **centres at integers**, origin at the centre of the first pixel. z is in nm, positive away
//! from the objective. Frames count from 0. Foreign conventions (DECODE's x along rows, a corner origin in
//! nm, frames from 1) are converted at the door that lets them in or out, never here in the middle.
//!
//! ```text
//!        x = -0.5   0        1        2     (px, inside)
//!              +----------+--------+
//!   y = 0      |    .     |   .    |        '.' is a pixel centre
//!              +----------+--------+
//!     x_nm     0         100      200       (corner origin, 100 nm pixels, outside)
//! ```

/// A length in nanometres.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Nm(pub f64);
/// A length or position in camera pixels.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Px(pub f64);
/// A number of detected photons.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Photons(pub f64);
/// A camera count (analogue-to-digital unit).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Adu(pub f64);

/// The size of a camera pixel in the sample plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSize {
    pub x: Nm,
    pub y: Nm,
}

impl PixelSize {
    /// A square pixel.
    pub const fn square(side: Nm) -> Self {
        Self { x: side, y: side }
    }

    /// From the inside convention (pixel centres at integers) to nm from the corner of the first pixel.
    pub fn corner_nm(self, x: Px, y: Px) -> (Nm, Nm) {
        (Nm((x.0 + 0.5) * self.x.0), Nm((y.0 + 0.5) * self.y.0))
    }

    /// From nm from the corner of the first pixel to the inside convention.
    pub fn centre_px(self, x: Nm, y: Nm) -> (Px, Px) {
        (Px(x.0 / self.x.0 - 0.5), Px(y.0 / self.y.0 - 0.5))
    }
}

/// A camera's calibration: how counts become photons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    pub offset: Adu,
    pub e_per_adu: f64,
    /// Electron-multiplying gain; `None` for a camera without one.
    pub em_gain: Option<f64>,
    /// Clock-induced charge in electrons per pixel and frame.
    pub spurious_e: f64,
    /// Quantum efficiency, photo-electrons per photon.
    pub qe: f64,
}

impl Camera {
    /// Counts are photons already.
    pub const IDENTITY: Self =
        Self { offset: Adu(0.0), e_per_adu: 1.0, em_gain: None, spurious_e: 0.0, qe: 1.0 };

    /// `((adu − offset) · e_per_adu / em_gain − spurious) / qe` (DECODE, `Photon2Camera.backward`; not clamped).
    pub fn photons(self, adu: Adu) -> Photons {
        let (gain, bias) = self.line();
        Photons(gain * adu.0 + bias)
    }

    /// The same conversion as a line: `photons = gain · adu + bias`, for the loop over pixels.
    pub fn line(self) -> (f64, f64) {
        let gain = self.e_per_adu / self.em_gain.unwrap_or(1.0) / self.qe;
        (gain, -self.offset.0 * gain - self.spurious_e / self.qe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_pixel_centre_is_half_a_pixel_from_the_corner() {
        let size = PixelSize { x: Nm(100.0), y: Nm(110.0) };
        assert_eq!(size.corner_nm(Px(0.0), Px(0.0)), (Nm(50.0), Nm(55.0)));
        assert_eq!(size.corner_nm(Px(-0.5), Px(-0.5)), (Nm(0.0), Nm(0.0)));
        assert_eq!(size.centre_px(Nm(250.0), Nm(55.0)), (Px(2.0), Px(0.0)));
    }

    #[test]
    fn counts_become_photons_by_the_published_formula() {
        let camera =
            Camera { offset: Adu(100.0), e_per_adu: 45.0, em_gain: Some(300.0), spurious_e: 0.002, qe: 0.9 };
        let by_hand = ((700.0 - 100.0) * 45.0 / 300.0 - 0.002) / 0.9;
        assert!((camera.photons(Adu(700.0)).0 - by_hand).abs() < 1e-9);
        // The SMLM 2016 camera: 6.00 ADU per photon.
        let per_photon = camera.photons(Adu(106.0)).0 - camera.photons(Adu(100.0)).0;
        assert!((per_photon - 1.0).abs() < 1e-9);
    }
}
