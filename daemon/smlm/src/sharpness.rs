//! How sharp frames are: the width of what blinks in them, and whether it stands out among the neighbours'.
//!
//! In: some consecutive frames of a tile, or one still picture; numbers of neighbouring tiles. Out: widths in pixels;
//! how many deviations a number lies off. Never: an emitter found; a depth.
//!
//! Over steps of h pixels the Laplacian L and the gradient D of points under a Gaussian PSF have
//! `⟨L²⟩ / ⟨D²⟩ = 5 − 3 q − q² − q³` with q = exp(−h² / 4 σ²), wherever the points lie: the autocorrelation is
//! exp(−d² / 4 σ²). The mean squares of frames would be those of their noise. Noise is independent from frame to frame, so
//! that products of neighbouring frames are taken; and what does not blink drops out of differences of frames that lie
//! further apart.

mod blinking;

pub use blinking::{BANDS, Blinking, Energy, FRAMES_MIN, SIDE_MIN, blinking_width};

use crate::grey::Grey;
use crate::order::centre_and_spread;

/// Step of Laplacian and gradient: with one pixel a broad PSF drowns in noise, with more a narrow one is missed.
const STEP_PX: usize = 2;

/// The width of a blur, and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Width {
    pub sigma_px: f64,
    pub sd_px: f64,
}

/// How fine the structures of one still picture are, as σ of the Gaussian blur that would leave points as broad. Noise
/// makes it smaller: only pictures of one sample and one exposure can be compared. `None` where it is even or too small.
pub fn still_width(picture: &Grey) -> Option<f64> {
    if picture.width().min(picture.height()) < SIDE_MIN {
        return None;
    }
    let mut energy = Energy::default();
    energy.add(picture.values(), picture.values(), picture.width());
    let (laplacian, gradient) = energy.whole();
    sigma_px(laplacian / gradient)
}

/// σ from the ratio of the energies, by halving; `None` where no Gaussian has it.
fn sigma_px(ratio: f64) -> Option<f64> {
    // 5 of single pixels, 0 of infinite width.
    if !(ratio > 0.0 && ratio < 5.0) {
        return None;
    }
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..60 {
        let q = (low + high) / 2.0;
        if 5.0 - q * (3.0 + q * (1.0 + q)) > ratio {
            low = q;
        } else {
            high = q;
        }
    }
    let q = (low + high) / 2.0;
    Some(STEP_PX as f64 * (-1.0 / (4.0 * q.ln())).sqrt()).filter(|sigma| sigma.is_finite())
}

/// A number among those of the neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The neighbours' median.
    pub median: f64,
    /// Their standard deviation, from the median absolute deviation; never less than the given floor.
    pub sd: f64,
    /// How many of these the number lies above the median.
    pub above: f64,
}

/// Compares with the neighbours; a few strangers among them do not matter. `sd_floor` > 0: neighbours that agree by chance
/// make no stranger of a number. `None` where fewer than `least` neighbours have a finite number.
pub fn compared(value: f64, neighbours: &[f64], sd_floor: f64, least: usize) -> Option<Compared> {
    let mut known: Vec<f64> = neighbours.iter().copied().filter(|value| value.is_finite()).collect();
    if known.len() < least.max(1) || !value.is_finite() {
        return None;
    }
    let (median, spread) = centre_and_spread(&mut known)?;
    let sd = spread.max(sd_floor);
    Some(Compared { median, sd, above: (value - median) / sd })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const SHAPE: Shape = Shape { width: 96, height: 96 };

    fn normal(random: &mut ChaCha8Rng) -> f32 {
        (0..12).map(|_| random.random_range(0.0..1.0f32)).sum::<f32>() - 6.0
    }

    /// Emitters that shine for two or three frames, on a steady pattern, with noise of each pixel.
    fn frames(sigma: f32, emitters: usize, noise: f32) -> Vec<Vec<f32>> {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let pattern: Vec<f32> = (0..SHAPE.pixels()).map(|_| 100.0 + 40.0 * normal(&mut random)).collect();
        let mut frames = vec![pattern; 60];
        for _ in 0..emitters * 20 {
            let (x, y) = (random.random_range(0.0..96.0f32), random.random_range(0.0..96.0f32));
            let begin = random.random_range(0..58usize);
            for frame in &mut frames[begin..begin + 2 + begin % 2] {
                for (at, value) in frame.iter_mut().enumerate() {
                    let (dx, dy) = ((at % 96) as f32 - x, (at / 96) as f32 - y);
                    if dx.abs() < 6.0 * sigma && dy.abs() < 6.0 * sigma {
                        let light = (-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp();
                        *value += 400.0 / (sigma * sigma) * light;
                    }
                }
            }
        }
        frames.iter_mut().flatten().for_each(|value| *value += noise * normal(&mut random));
        frames
    }

    fn width(frames: &[Vec<f32>]) -> Option<Width> {
        blinking_width(&frames.iter().map(Vec::as_slice).collect::<Vec<_>>(), SHAPE)
    }

    #[test]
    fn the_width_of_what_blinks_is_found_under_noise_and_a_pattern() {
        for sigma in [1.0f32, 1.3, 1.8, 2.6] {
            let found = width(&frames(sigma, 40, 15.0)).expect("they blink");
            let off = (found.sigma_px - f64::from(sigma)).abs();
            assert!(off < (4.0 * found.sd_px).max(0.03), "{sigma}: {found:?}");
            assert!(found.sd_px < 0.15 * f64::from(sigma), "{sigma}: {found:?}");
        }
    }

    #[test]
    fn where_nothing_blinks_there_is_no_width() {
        assert_eq!(width(&frames(1.3, 0, 15.0)), None);
        assert_eq!(width(&frames(1.3, 40, 15.0)[..FRAMES_MIN - 1]), None);
        assert_eq!(blinking_width(&[[0.0; 4].as_slice(); 9], SHAPE), None);
    }

    #[test]
    fn a_blurred_picture_is_broader() {
        let mut values = vec![0.0; SHAPE.pixels()];
        values[40 * 96 + 50] = 1.0;
        values[60 * 96 + 30] = 2.0;
        let points = Grey::new(SHAPE, values).unwrap();
        for sigma in [0.8, 1.5, 3.0] {
            let blurred = crate::grey::blur(&points, sigma, crate::grey::Border::Zero);
            let found = still_width(&blurred).unwrap();
            assert!((found / sigma - 1.0).abs() < 0.02, "{sigma}: {found}");
        }
        assert_eq!(still_width(&Grey::even(SHAPE, 3.0)), None);
    }

    #[test]
    fn one_stranger_among_the_neighbours_does_not_hide_another() {
        let found = compared(2.0, &[1.2, 1.3, 1.25, 1.22, 9.0, f64::NAN], 0.05, 4).unwrap();
        assert!((found.median - 1.25).abs() < 1e-9 && found.above > 6.0, "{found:?}");
        assert_eq!(compared(2.0, &[1.2, 1.3, f64::NAN], 0.05, 3), None);
        // All alike: the floor is the deviation.
        assert_eq!(compared(1.3, &[1.2; 8], 0.05, 4).unwrap().sd, 0.05);
    }
}
