//! What the photon-transfer curve says of the camera, and how counts become photons.
//!
//! Comes in: the line of variance against mean, the calibration where it is given. Goes out: gain, offset, read noise,
//! excess noise; the unit of light. Never: a calibration replaced by what the noise says.

use super::spot_fit::NoiseLine;
use super::{Measured, Missing, Noise};
use crate::units::Camera;

/// Of today's sCMOS cameras, in electrons, and how far they differ; for the offset, which noise alone cannot tell.
const READ_NOISE_E: f64 = 1.6;
const READ_NOISE_SQUARED_SD: f64 = 2.5;

/// A line of variance against mean that was measured.
pub struct Curve {
    pub line: NoiseLine,
    pub slope: Option<Measured>,
    /// Emitters per frame and area of a spot: neighbours add to the variance.
    pub crowding: f64,
}

/// How counts become photons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    pub adu_per_photon: f64,
    /// Counts without light.
    pub offset_adu: f64,
    /// Deviation that the offset brings to a level of light, in photons.
    pub level_sd: f64,
}

/// Part of the counts at the top of the scale, and the top. 0 where counts thin out towards it.
pub fn saturated(counts: &[u16]) -> (f64, u16) {
    let Some(&top) = counts.iter().max() else { return (0.0, 0) };
    let at_top = counts.iter().filter(|&&count| count == top).count();
    let just_below = counts.iter().filter(|&&count| count < top && count + 8 >= top).count();
    let piled_up = at_top > 20 && at_top > 4 * just_below;
    (if piled_up { at_top as f64 / counts.len() as f64 } else { 0.0 }, top)
}

/// What the slope of variance against mean should be, in counts.
pub fn expected_slope(camera: Camera) -> f64 {
    match camera.em_gain {
        None => 1.0 / camera.e_per_adu,
        Some(gain) => 2.0 * gain / camera.e_per_adu,
    }
}

impl Curve {
    pub fn noise(&self, camera: Option<Camera>, saturated: f64) -> Noise {
        let unsure = |slope: Measured| slope.sd.hypot(slope.value * (0.06 + 0.5 * self.crowding));
        let slope = self.slope.map(|slope| Measured { sd: unsure(slope), ..slope });
        let slope = slope.ok_or(Missing("too few spots that stand alone shine on from frame to frame"));
        let dark = slope.map(|slope| self.dark(slope));
        match camera {
            None => Noise {
                transfer_adu: slope,
                offset_adu: dark,
                read_noise_e: Err(Missing("needs the offset of the camera")),
                excess: Err(Missing("needs the calibration of the camera")),
                saturated,
            },
            Some(camera) => {
                let electrons = camera.e_per_adu / camera.em_gain.unwrap_or(1.0);
                let excess = slope.map(|slope| slope.times(electrons));
                let read = slope.and_then(|slope| self.read(slope, camera.offset.0, electrons));
                let offset = Ok(Measured { value: camera.offset.0, sd: 0.0 });
                Noise { transfer_adu: slope, offset_adu: offset, read_noise_e: read, excess, saturated }
            }
        }
    }

    /// Where the variance is that of the read noise alone.
    fn dark(&self, slope: Measured) -> Measured {
        let shot = self.line.variance / slope.value;
        let value = self.line.level - shot + READ_NOISE_E.powi(2) * slope.value;
        let sd = (shot * slope.sd / slope.value).hypot(READ_NOISE_SQUARED_SD * slope.value);
        Measured { value, sd }
    }

    /// What the shot noise of the light above the offset leaves of the variance, in photo-electrons.
    fn read(&self, slope: Measured, offset: f64, electrons: f64) -> Result<Measured, Missing> {
        let light = self.line.level - offset;
        let left = (self.line.variance - slope.value * light) * electrons.powi(2);
        let sd = light.abs() * slope.sd * electrons.powi(2);
        if left <= sd {
            return Err(Missing("shot noise hides it"));
        }
        Ok(Measured { value: left.sqrt(), sd: 0.5 * sd / left.sqrt() })
    }

    /// The given calibration, or that of the curve.
    pub fn units(&self, camera: Option<Camera>, noise: &Noise) -> Option<Units> {
        if let Some(camera) = camera {
            let (gain, bias) = camera.line();
            return Some(Units { adu_per_photon: 1.0 / gain, offset_adu: -bias / gain, level_sd: 0.0 });
        }
        let (slope, offset) = noise.transfer_adu.ok().zip(noise.offset_adu.ok())?;
        Some(Units {
            adu_per_photon: slope.value,
            offset_adu: offset.value,
            level_sd: offset.sd / slope.value,
        })
    }
}
