//! What the sensor makes of light: quantum efficiency, shot noise, gain, read noise, counts.
//!
//! In: expected photons per pixel. Out: 16-bit counts. Every draw is exact and independent; no noise is recycled.
//! Never: a place for emitters.

use rand::Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};
use smlm::frame::Shape;
use smlm::units::{Adu, Camera};

use crate::poisson::PoissonSampler;
use crate::seeds::{Purpose, fast_stream};

/// How pixels of an sCMOS sensor differ from each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSpread {
    /// Standard deviation of the offset over pixels, in ADU.
    pub offset_sd_adu: f64,
    /// Standard deviation of the gain over pixels, relative.
    pub gain_sd: f64,
    /// The read noise of a pixel is log-normal with this σ of the logarithm around the camera's.
    pub read_noise_log_sd: f64,
}

/// A camera: its calibration, which the daemon may know, and its noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraModel {
    pub calibration: Camera,
    /// Electrons, root mean square; behind the electron multiplication where there is one.
    pub read_noise_e: f64,
    /// Counts saturate here.
    pub adu_max: u16,
    /// `None`: all pixels are alike.
    pub spread: Option<PixelSpread>,
}

impl CameraModel {
    /// A back-illuminated sCMOS camera.
    pub const SCMOS: Self = Self {
        calibration: Camera { offset: Adu(100.0), e_per_adu: 0.46, em_gain: None, spurious_e: 0.0, qe: 0.9 },
        read_noise_e: 1.5,
        adu_max: u16::MAX,
        spread: None,
    };

    /// The EMCCD camera of the SMLM 2016 challenge: 6.00 ADU per photon.
    pub const SMLM_2016: Self = Self {
        calibration: Camera {
            offset: Adu(100.0),
            e_per_adu: 45.0,
            em_gain: Some(300.0),
            spurious_e: 0.002,
            qe: 0.9,
        },
        read_noise_e: 74.4,
        adu_max: u16::MAX,
        spread: None,
    };

    pub(crate) fn check(&self, number: &mut impl FnMut(&str, f64, f64, f64)) {
        let c = &self.calibration;
        number("camera.offset", c.offset.0, 0.0, f64::from(u16::MAX));
        number("camera.e_per_adu", c.e_per_adu, 1e-3, 1e4);
        number("camera.em_gain", c.em_gain.unwrap_or(1.0), 1.0, 1e4);
        number("camera.spurious_e", c.spurious_e, 0.0, 1e3);
        number("camera.qe", c.qe, 1e-3, 1.0);
        number("camera.read_noise_e", self.read_noise_e, 0.0, 1e5);
        if let Some(spread) = &self.spread {
            number("camera.spread.offset_sd_adu", spread.offset_sd_adu, 0.0, 1e3);
            number("camera.spread.gain_sd", spread.gain_sd, 0.0, 0.2);
            number("camera.spread.read_noise_log_sd", spread.read_noise_log_sd, 0.0, 2.0);
        }
    }
}

/// One pixel's calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelCalibration {
    pub offset_adu: f32,
    pub adu_per_e: f32,
    pub read_noise_e: f32,
}

/// A camera of a given size, ready to expose.
#[derive(Clone, Debug)]
pub struct Sensor {
    model: CameraModel,
    poisson: PoissonSampler,
    alike: PixelCalibration,
    /// Empty when all pixels are alike.
    map: Vec<PixelCalibration>,
}

impl Sensor {
    /// Draws the pixels of the sensor where they differ.
    pub fn new(model: CameraModel, shape: Shape, seed: u64) -> Self {
        let alike = PixelCalibration {
            offset_adu: model.calibration.offset.0 as f32,
            adu_per_e: (1.0 / model.calibration.e_per_adu) as f32,
            read_noise_e: model.read_noise_e as f32,
        };
        let map = model.spread.map_or_else(Vec::new, |spread| {
            let mut rng = fast_stream(seed, Purpose::CameraMaps, 0, 0);
            (0..shape.pixels()).map(|_| differing(alike, spread, &mut rng)).collect()
        });
        Self { model, poisson: PoissonSampler::default(), alike, map }
    }

    /// Each pixel's calibration, row-major; empty when all pixels are alike.
    pub fn map(&self) -> &[PixelCalibration] {
        &self.map
    }

    /// Counts for the expected photons of each pixel. `counts` is overwritten.
    pub fn expose(&self, photons: &[f32], rng: &mut impl Rng, counts: &mut Vec<u16>) {
        counts.clear();
        if self.map.is_empty() {
            counts.extend(photons.iter().map(|&light| self.count(light, &self.alike, rng)));
        } else {
            let pixels = photons.iter().zip(&self.map);
            counts.extend(pixels.map(|(&light, pixel)| self.count(light, pixel, rng)));
        }
    }

    #[inline]
    fn count(&self, photons: f32, pixel: &PixelCalibration, rng: &mut impl Rng) -> u16 {
        let camera = &self.model.calibration;
        let mean_e = photons * camera.qe as f32 + camera.spurious_e as f32;
        let primary = self.poisson.sample(mean_e, rng) as f32;
        let electrons = camera.em_gain.map_or(primary, |gain| multiplied(primary, gain as f32, rng));
        let noise: f32 = StandardNormal.sample(rng);
        let adu = (electrons + pixel.read_noise_e * noise) * pixel.adu_per_e + pixel.offset_adu;
        // Rounding to nearest leaves the mean as the calibration says; `as` saturates at 0.
        ((adu + 0.5) as u16).min(self.model.adu_max)
    }
}

/// Electrons behind a multiplication register: Gamma(primary, gain), which doubles the variance of shot noise.
fn multiplied(primary: f32, gain: f32, rng: &mut impl Rng) -> f32 {
    if primary < 1.0 {
        return 0.0;
    }
    // Shape and scale are positive and finite: at least one electron, gain checked with the settings.
    Gamma::new(primary, gain).map_or(primary * gain, |gamma| gamma.sample(rng))
}

fn differing(alike: PixelCalibration, spread: PixelSpread, rng: &mut impl Rng) -> PixelCalibration {
    let mut normal = || -> f32 { StandardNormal.sample(rng) };
    PixelCalibration {
        offset_adu: alike.offset_adu + spread.offset_sd_adu as f32 * normal(),
        adu_per_e: alike.adu_per_e * (1.0 + spread.gain_sd as f32 * normal()),
        read_noise_e: alike.read_noise_e * (spread.read_noise_log_sd as f32 * normal()).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { width: 400, height: 500 };

    fn mean_and_variance(model: CameraModel, photons: f32) -> (f64, f64) {
        let sensor = Sensor::new(model, SHAPE, 3);
        let mut counts = Vec::new();
        sensor.expose(
            &vec![photons; SHAPE.pixels()],
            &mut fast_stream(3, Purpose::Camera, 0, 0),
            &mut counts,
        );
        let n = counts.len() as f64;
        let mean = counts.iter().map(|&c| f64::from(c)).sum::<f64>() / n;
        (mean, counts.iter().map(|&c| (f64::from(c) - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }

    #[test]
    fn scmos_counts_have_poisson_and_read_noise_and_convert_back_to_photons() {
        let model = CameraModel::SCMOS;
        let c = model.calibration;
        for photons in [5.0, 20.0, 400.0] {
            let (mean, variance) = mean_and_variance(model, photons as f32);
            let expected = (photons * c.qe + model.read_noise_e.powi(2)) / c.e_per_adu.powi(2) + 1.0 / 12.0;
            let n = SHAPE.pixels() as f64;
            let back = c.photons(Adu(mean)).0;
            let error = (expected / n).sqrt() * c.e_per_adu / c.qe;
            assert!((back - photons).abs() < 4.0 * error, "{photons} came back as {back}");
            assert!((variance / expected - 1.0).abs() < 0.02, "{photons}: {variance}, not {expected}");
        }
    }

    #[test]
    fn electron_multiplication_doubles_the_shot_noise() {
        let model = CameraModel::SMLM_2016;
        let c = model.calibration;
        let per_electron = c.em_gain.unwrap() / c.e_per_adu;
        for photons in [50.0, 300.0] {
            let (mean, variance) = mean_and_variance(model, photons as f32);
            let electrons = photons * c.qe + c.spurious_e;
            let read = (model.read_noise_e / c.e_per_adu).powi(2);
            let expected = 2.0 * electrons * per_electron.powi(2) + read + 1.0 / 12.0;
            assert!((c.photons(Adu(mean)).0 / photons - 1.0).abs() < 0.005, "{photons}: {mean}");
            assert!((variance / expected - 1.0).abs() < 0.02, "{photons}: {variance}, not {expected}");
        }
    }

    #[test]
    fn counts_saturate_and_do_not_wrap() {
        let bright = CameraModel { adu_max: 4095, ..CameraModel::SCMOS };
        assert_eq!(mean_and_variance(bright, 50_000.0), (4095.0, 0.0));
        let below = Camera { offset: Adu(0.0), ..CameraModel::SCMOS.calibration };
        let (mean, _) = mean_and_variance(CameraModel { calibration: below, ..CameraModel::SCMOS }, 0.0);
        assert!(mean < 3.0, "negative read noise is clipped at 0, not wrapped: {mean}");
    }

    #[test]
    fn pixels_differ_as_asked_and_the_same_way_for_the_same_seed() {
        let spread = PixelSpread { offset_sd_adu: 2.0, gain_sd: 0.02, read_noise_log_sd: 0.3 };
        let model = CameraModel { spread: Some(spread), ..CameraModel::SCMOS };
        let sensor = Sensor::new(model, SHAPE, 5);
        let offsets: Vec<f64> = sensor.map().iter().map(|p| f64::from(p.offset_adu)).collect();
        let mean = offsets.iter().sum::<f64>() / offsets.len() as f64;
        let sd = (offsets.iter().map(|o| (o - mean).powi(2)).sum::<f64>() / offsets.len() as f64).sqrt();
        assert!((mean - 100.0).abs() < 0.03 && (sd - 2.0).abs() < 0.02, "{mean} {sd}");
        assert_eq!(sensor.map(), Sensor::new(model, SHAPE, 5).map());
        assert_ne!(sensor.map(), Sensor::new(model, SHAPE, 6).map());
    }
}
