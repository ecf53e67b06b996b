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
    let mut last = [0usize; 9];
    for &count in counts {
        if let Some(seen) = last.get_mut(usize::from(top - count)) {
            *seen += 1;
        }
    }
    let [at_top, below @ ..] = last;
    let piled_up = at_top > 20 && below.iter().all(|&seen| at_top > 4 * seen);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Adu;

    #[test]
    fn counts_that_pile_up_at_the_top_are_saturated_and_a_tail_is_not() {
        let tail: Vec<u16> = (0..2000u16).map(|i| 100 + (i % 50).min(i % 37)).collect();
        assert_eq!(saturated(&tail).0, 0.0);
        let mut cut = tail.clone();
        cut.extend([4095; 100]);
        assert_eq!(saturated(&cut), (100.0 / 2100.0, 4095));
        assert_eq!(saturated(&[]), (0.0, 0));
    }

    #[test]
    fn a_calibration_is_kept_and_the_curve_judged_by_it() {
        let line = NoiseLine { level: 140.0, variance: 2.0 * 40.0 + 9.0 * 4.0, slope: 2.0 };
        let curve = Curve { line, slope: Some(Measured { value: 2.0, sd: 0.02 }), crowding: 0.0 };
        let camera = Camera { offset: Adu(100.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 0.8 };
        let noise = curve.noise(Some(camera), 0.0);
        assert!((noise.excess.unwrap().value - 1.0).abs() < 1e-9);
        assert!((noise.read_noise_e.unwrap().value - 3.0).abs() < 1e-9, "{noise:?}");
        let units = curve.units(Some(camera), &noise).unwrap();
        assert!((units.adu_per_photon - 1.6).abs() < 1e-9 && (units.offset_adu - 100.0).abs() < 1e-9);
        let unknown = curve.noise(None, 0.0);
        assert!(unknown.excess.is_err() && unknown.read_noise_e.is_err());
        let offset = unknown.offset_adu.unwrap();
        assert!((offset.value - 100.0).abs() < 4.0 * offset.sd && offset.sd > 1.0, "{offset:?}");
    }
}
