//! How fine the structures are that a picture resolves: Fourier ring correlation of two halves of the data.
//!
//! In: localizations, counted into two pictures by blocks of frames. Out: the length at which the two pictures stop
//! agreeing (Nieuwenhuizen et al. 2013, Nature Methods 10, 557: the ring correlation falls below 1/7). Never: a
//! correction for emitters that come back in both halves; where they do, the length is too short.

use rustfft::FftDirection;
use rustfft::num_complex::Complex32;

use crate::fourier::transform;
use crate::units::Nm;

/// Side of the two pictures, which show a part of the field.
pub const SIDE_PX: usize = 512;
/// Their pixel.
pub const PIXEL: Nm = Nm(10.0);
/// Side of the squares in which the busiest part of a field is looked for.
const SQUARE_NM: f64 = 1280.0;
/// Frames of one half that follow each other, so that an emitter that shines on does so in one half.
const BLOCK_FRAMES: u64 = 100;
/// Below this correlation structures are noise.
const THRESHOLD: f64 = 1.0 / 7.0;
/// Rings to each side over which the curve is averaged.
const SMOOTH: usize = 4;
/// The coarsest rings hold the outline of the sample only.
const FIRST_RING: usize = 4;
/// The part of a picture's side over which its edges fade.
const FADE: f64 = 1.0 / 8.0;
/// Fewer localizations in the part of the field say nothing.
const ENOUGH: u64 = 2000;

/// Why there is no resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoResolution {
    #[error("not enough localizations yet")]
    TooFew,
    #[error("the two halves of the data agree on nothing yet")]
    NoAgreement,
}

/// Localizations of a part of the field in two pictures.
#[derive(Clone)]
pub struct Halves {
    /// The first pixel's corner.
    origin: (Nm, Nm),
    pictures: [Vec<f32>; 2],
    localizations: u64,
}

impl Halves {
    /// A part of the field around a place.
    pub fn around(x: Nm, y: Nm) -> Self {
        let half = SIDE_PX as f64 * PIXEL.0 / 2.0;
        let picture = || vec![0.0; SIDE_PX * SIDE_PX];
        Self { origin: (Nm(x.0 - half), Nm(y.0 - half)), pictures: [picture(), picture()], localizations: 0 }
    }

    /// Around the square of the field in which most of the given places lie.
    pub fn around_busiest(places: impl Iterator<Item = (Nm, Nm)>) -> Self {
        let square = |nm: Nm| (nm.0 / SQUARE_NM).floor() as i64;
        let mut squares = std::collections::BTreeMap::<(i64, i64), usize>::new();
        places.for_each(|(x, y)| *squares.entry((square(x), square(y))).or_default() += 1);
        let place = squares.into_iter().max_by_key(|(_, n)| *n).map_or((0, 0), |(place, _)| place);
        let middle = |at: i64| Nm((at as f64 + 0.5) * SQUARE_NM);
        Self::around(middle(place.0), middle(place.1))
    }

    /// Counts a localization, if it lies within.
    pub fn add(&mut self, seq: u64, x: Nm, y: Nm) {
        let at = |value: f64| (0.0..SIDE_PX as f64).contains(&value).then_some(value as usize);
        let column = at((x.0 - self.origin.0.0) / PIXEL.0);
        let row = at((y.0 - self.origin.1.0) / PIXEL.0);
        if let (Some(column), Some(row)) = (column, row) {
            self.pictures[(seq / BLOCK_FRAMES % 2) as usize][row * SIDE_PX + column] += 1.0;
            self.localizations += 1;
        }
    }

    /// Localizations that were counted.
    pub fn localizations(&self) -> u64 {
        self.localizations
    }

    /// The finest structures that both halves show. Takes some tens of milliseconds.
    ///
    /// # Errors
    /// There is nothing to compare, or the halves do not agree even on coarse structures.
    pub fn resolution(&self) -> Result<Nm, NoResolution> {
        if self.localizations < ENOUGH {
            return Err(NoResolution::TooFew);
        }
        crossing(&smooth(&rings(&spectrum(&self.pictures[0]), &spectrum(&self.pictures[1]))))
    }
}

/// Of a picture without its mean, faded at the edges.
fn spectrum(picture: &[f32]) -> Vec<Complex32> {
    let mean = picture.iter().sum::<f32>() / picture.len() as f32;
    let fade: Vec<f32> = (0..SIDE_PX).map(fade).collect();
    let mut values: Vec<Complex32> = picture
        .chunks_exact(SIDE_PX)
        .zip(&fade)
        .flat_map(|(row, down)| row.iter().zip(&fade).map(move |(v, across)| (v - mean) * down * across))
        .map(|value| Complex32::new(value, 0.0))
        .collect();
    transform(&mut values, (SIDE_PX, SIDE_PX), FftDirection::Forward);
    values
}

/// Cosine edges (Tukey's window).
fn fade(at: usize) -> f32 {
    let from_edge = (at as f64 + 0.5).min(SIDE_PX as f64 - at as f64 - 0.5) / (FADE * SIDE_PX as f64);
    let part = from_edge.min(1.0);
    ((1.0 - (std::f64::consts::PI * part).cos()) / 2.0) as f32
}

/// Correlation of two spectra on rings of one frequency each, up to half the pixel's.
fn rings(a: &[Complex32], b: &[Complex32]) -> Vec<f64> {
    const RINGS: usize = SIDE_PX / 2;
    let mut sums = [[0.0f64; 3]; RINGS];
    let frequency = |at: usize| at.min(SIDE_PX - at) as f64;
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        let ring = frequency(at / SIDE_PX).hypot(frequency(at % SIDE_PX)).round() as usize;
        if let Some(sum) = sums.get_mut(ring) {
            sum[0] += f64::from((a * b.conj()).re);
            sum[1] += f64::from(a.norm_sqr());
            sum[2] += f64::from(b.norm_sqr());
        }
    }
    sums.iter().map(|[both, one, other]| both / (one * other).sqrt().max(f64::MIN_POSITIVE)).collect()
}

fn smooth(curve: &[f64]) -> Vec<f64> {
    let mean = |at: usize| {
        let near = &curve[at.saturating_sub(SMOOTH).max(1)..(at + SMOOTH + 1).min(curve.len())];
        near.iter().sum::<f64>() / near.len() as f64
    };
    (0..curve.len()).map(mean).collect()
}

/// The length of the first ring below the threshold, between it and the one before.
fn crossing(curve: &[f64]) -> Result<Nm, NoResolution> {
    let side_nm = SIDE_PX as f64 * PIXEL.0;
    if curve[FIRST_RING] < THRESHOLD {
        return Err(NoResolution::NoAgreement);
    }
    let below = (FIRST_RING + 1..curve.len()).find(|at| curve[*at] < THRESHOLD);
    let Some(below) = below else { return Ok(Nm(2.0 * PIXEL.0)) };
    let (before, after) = (curve[below - 1], curve[below]);
    let ring = below as f64 - (THRESHOLD - after) / (before - after);
    Ok(Nm(side_nm / ring))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Sites at random, each localized `times` in each half with an error of `sigma_nm`.
    fn sites(sites: usize, times: usize, sigma_nm: f64) -> Halves {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut halves = Halves::around(Nm(0.0), Nm(0.0));
        let normal =
            |random: &mut ChaCha8Rng| (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
        for _ in 0..sites {
            let (x, y) = (random.random_range(-2500.0..2500.0), random.random_range(-2500.0..2500.0));
            for half in 0..2 * times as u64 {
                let (dx, dy) = (normal(&mut random), normal(&mut random));
                halves.add(half * BLOCK_FRAMES, Nm(x + sigma_nm * dx), Nm(y + sigma_nm * dy));
            }
        }
        halves
    }

    #[test]
    fn sites_with_a_known_error_have_the_resolution_of_theory() {
        for (times, sigma_nm) in [(5usize, 15.0), (10, 20.0), (20, 30.0)] {
            let found = sites(2000, times, sigma_nm).resolution().expect("it is resolved").0;
            // FRC = m·e / (1 + m·e) with e = exp(−(2π σ q)²) for m localizations of each site in each half.
            let theory = std::f64::consts::TAU * sigma_nm / (6.0 * times as f64).ln().sqrt();
            assert!((found / theory - 1.0).abs() < 0.08, "{found} nm, theory {theory} nm");
        }
    }

    #[test]
    fn what_is_never_seen_twice_resolves_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let mut halves = Halves::around(Nm(0.0), Nm(0.0));
        for seq in 0..20_000 {
            let at = |random: &mut ChaCha8Rng| Nm(random.random_range(-2500.0..2500.0));
            halves.add(seq, at(&mut random), at(&mut random));
        }
        assert_eq!(halves.resolution(), Err(NoResolution::NoAgreement));
        assert_eq!(Halves::around(Nm(0.0), Nm(0.0)).resolution(), Err(NoResolution::TooFew));
    }

    #[test]
    fn what_lies_outside_is_not_counted() {
        let mut halves = Halves::around(Nm(10_000.0), Nm(10_000.0));
        halves.add(0, Nm(0.0), Nm(0.0));
        halves.add(0, Nm(f64::NAN), Nm(10_000.0));
        halves.add(0, Nm(10_000.0), Nm(10_000.0));
        assert_eq!(halves.localizations(), 1);
    }
}
