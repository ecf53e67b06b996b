//! Gently bent filaments, localizations on them, and the widefield that a camera would see.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::frame::Shape;
use smlm::grey::Grey;
use smlm::localization::Localization;
use smlm::placement::Field;
use smlm::units::{Nm, PixelSize};

/// A camera pixel, a step along a filament, and the error of a localization.
const PIXEL_NM: f64 = 108.0;
const STEP_NM: f64 = 20.0;
const ERROR_NM: f64 = 15.0;
/// Of the microscope's PSF, and the light of the background over that of the brightest place.
const PSF_NM: f64 = 150.0;
const BACKGROUND: f64 = 0.1;
/// The mean of three frames of a camera with one count per photon.
const FRAMES: f64 = 3.0;
const OFFSET_ADU: f64 = 100.0;

pub fn field(side: u32) -> Field {
    Field { shape: Shape { width: side, height: side }, pixel: PixelSize::square(Nm(PIXEL_NM)) }
}

#[derive(Clone)]
pub struct Scene {
    random: ChaCha8Rng,
    side: u32,
    /// A point each [`STEP_NM`], nm from the corner.
    filaments: Vec<Vec<(f64, f64)>>,
}

impl Scene {
    pub fn new(seed: u64, side: u32, filaments: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let whole = f64::from(side) * PIXEL_NM;
        let mut filament = || {
            let (mut x, mut y) = (random.random_range(0.0..whole), random.random_range(0.0..whole));
            let mut angle = random.random_range(0.0..std::f64::consts::TAU);
            // A circle is wider than the field: every filament ends.
            let bend = random.random_range(-4e-4..4e-4);
            let mut points = Vec::new();
            while (0.0..whole).contains(&x) && (0.0..whole).contains(&y) {
                points.push((x, y));
                (x, y, angle) = (x + STEP_NM * angle.cos(), y + STEP_NM * angle.sin(), angle + bend);
            }
            points
        };
        let filaments = (0..filaments).map(|_| filament()).collect();
        Self { random, side, filaments }
    }

    /// `per_um` of each filament; without the middle `gap_um` of the longest.
    pub fn localizations(&mut self, per_um: f64, gap_um: Option<f64>) -> Vec<Localization> {
        let mut filaments = self.filaments.clone();
        if let (Some(gap), Some(longest)) = (gap_um, filaments.iter_mut().max_by_key(|points| points.len())) {
            let points = ((gap * 1e3 / STEP_NM) as usize).min(longest.len());
            let from = (longest.len() - points) / 2;
            longest.drain(from..from + points);
        }
        let points: Vec<(f64, f64)> = filaments.concat();
        self.found(&points, per_um)
    }

    /// Nothing is localized in the upper left quarter.
    pub fn quarter_missing(&mut self, per_um: f64) -> Vec<Localization> {
        let half = f64::from(self.side) * PIXEL_NM / 2.0;
        let seen = |(x, y): &(f64, f64)| *x > half || *y > half;
        let points: Vec<(f64, f64)> = self.filaments.concat().into_iter().filter(seen).collect();
        self.found(&points, per_um)
    }

    /// As many as on the filaments, anywhere.
    pub fn background(&mut self, per_um: f64) -> Vec<Localization> {
        let whole = f64::from(self.side) * PIXEL_NM;
        let points: Vec<(f64, f64)> = (0..self.filaments.concat().len())
            .map(|_| (self.random.random_range(0.0..whole), self.random.random_range(0.0..whole)))
            .collect();
        self.found(&points, per_um)
    }

    fn found(&mut self, points: &[(f64, f64)], per_um: f64) -> Vec<Localization> {
        let mut found = Vec::new();
        for (x, y) in points {
            for _ in 0..self.poisson(per_um * STEP_NM / 1e3) as usize {
                let px = |nm: f64| (nm / PIXEL_NM - 0.5) as f32;
                let (x, y) = (x + ERROR_NM * self.normal(), y + ERROR_NM * self.normal());
                found.push(Localization { x_px: px(x), y_px: px(y), ..Localization::default() });
            }
        }
        found
    }

    /// `photons` at the brightest pixel.
    pub fn widefield(&mut self, photons: f64) -> Grey {
        self.light(photons, PSF_NM, 0.0)
    }

    pub fn blurred_widefield(&mut self, photons: f64, psf_nm: f64) -> Grey {
        self.light(photons, psf_nm, 0.0)
    }

    /// The stage stood elsewhere.
    pub fn shifted_widefield(&mut self, photons: f64, shift_nm: f64) -> Grey {
        self.light(photons, PSF_NM, shift_nm)
    }

    fn light(&mut self, photons: f64, psf_nm: f64, shift_nm: f64) -> Grey {
        let side = self.side as i64;
        let mut sums = vec![0.0f64; (side * side) as usize];
        let (sigma, reach) = (psf_nm / PIXEL_NM, (4.0 * psf_nm / PIXEL_NM) as i64 + 1);
        for (x, y) in self.filaments.iter().flatten() {
            let (x, y) = ((x + shift_nm) / PIXEL_NM - 0.5, y / PIXEL_NM - 0.5);
            for row in (y as i64 - reach).max(0)..(y as i64 + reach).min(side) {
                for column in (x as i64 - reach).max(0)..(x as i64 + reach).min(side) {
                    let far = ((column as f64 - x).powi(2) + (row as f64 - y).powi(2)) / sigma.powi(2);
                    sums[(row * side + column) as usize] += (-0.5 * far).exp();
                }
            }
        }
        let top = sums.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let values: Vec<f32> = sums
            .iter()
            .map(|sum| self.poisson(FRAMES * photons * (sum / top + BACKGROUND)) / FRAMES + OFFSET_ADU)
            .map(|adu| adu as f32)
            .collect();
        Grey::new(field(self.side).shape, values).unwrap()
    }

    /// Normal where there are many.
    fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).max(0.0).round();
        }
        let at = self.random.random_range(0.0..1.0f64);
        let (mut n, mut term) = (0.0, (-mean).exp());
        let mut below = term;
        while at > below && n < 200.0 {
            n += 1.0;
            term *= mean / n;
            below += term;
        }
        n
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.random_range(0.0..1.0f64)).sum::<f64>() - 6.0
    }
}
