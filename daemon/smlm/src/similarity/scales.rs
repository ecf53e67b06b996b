//! Several scales at once. In: two pictures. Out: one number for a pair of pictures, or a map. Never: the two mixed up:
//! the number halves the pictures and weighs the scales, the map widens the window and multiplies them.

use super::moments::{radius_px, similar};
use super::{SimilarityError, comparable};
use crate::grey::{Grey, halve};

/// Scales of the number, each of half the sides of the one before.
pub const SCALES: usize = 5;
/// Their exponents (Wang, Simoncelli and Bovik 2003, Asilomar Conference, section 3.2).
pub const WEIGHTS: [f64; SCALES] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// The window of each of them (Wang et al. 2004).
const WINDOW_SIGMA_PX: f64 = 1.5;
/// Windows of the map, in pixels.
pub const SIGMAS_PX: [f64; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];

/// MS-SSIM of two pictures (Wang, Simoncelli and Bovik 2003, eq. 7): `SSIM_5^w5 · Π CS_j^wj` over the four finer scales,
/// each the mean over the pixels whose whole window lies in the picture. A negative mean is taken as 0: structures
/// are opposed there.
///
/// # Errors
/// The pictures are not of one shape, or a side is shorter than the 176 pixels that leave a window on the coarsest scale.
pub fn ms_ssim(one: &Grey, other: &Grey) -> Result<f64, SimilarityError> {
    let radius = radius_px(WINDOW_SIGMA_PX);
    comparable(one, other, (2 * radius as u32 + 1) << (SCALES - 1))?;
    let (mut one, mut other) = (one.clone(), other.clone());
    let mut whole = 1.0;
    for (scale, weight) in WEIGHTS.into_iter().enumerate() {
        let maps = similar(&one, &other, WINDOW_SIGMA_PX)?;
        let map = if scale + 1 < SCALES { &maps.contrast } else { &maps.ssim };
        whole *= inner_mean(map, radius).max(0.0).powf(weight);
        (one, other) = (halve(&one), halve(&other));
    }
    Ok(whole)
}

/// Mean of all but the outer `margin` pixels.
fn inner_mean(map: &Grey, margin: usize) -> f64 {
    let (width, height) = (map.width(), map.height());
    let rows = map.values().chunks_exact(width).take(height - margin).skip(margin);
    let sum: f64 = rows.flat_map(|row| &row[margin..width - margin]).map(|value| f64::from(*value)).sum();
    sum / ((width - 2 * margin) * (height - 2 * margin)) as f64
}

/// `M = SSIM_8 · Π CS_σ` over σ of 0.5, 1, 2, 4 and 8 pixels, each clipped to 0 to 1, at every pixel: what ANNA-PALM's error map is made of. The
/// contrast of the widest window thus counts twice, as in the published software.
///
/// # Errors
/// The pictures are not of one shape, or a side is shorter than the widest window of 33 pixels.
pub fn product_map(one: &Grey, other: &Grey) -> Result<Grey, SimilarityError> {
    let [.., widest] = SIGMAS_PX;
    comparable(one, other, 2 * radius_px(widest) as u32 + 1)?;
    let mut product = vec![1.0f32; one.values().len()];
    for sigma in SIGMAS_PX {
        let maps = similar(one, other, sigma)?;
        times(&mut product, &maps.contrast);
        if sigma == widest {
            times(&mut product, &maps.ssim);
        }
    }
    Ok(Grey::of(one.shape(), product))
}

fn times(product: &mut [f32], map: &Grey) {
    product.iter_mut().zip(map.values()).for_each(|(product, value)| *product *= value.clamp(0.0, 1.0));
}
