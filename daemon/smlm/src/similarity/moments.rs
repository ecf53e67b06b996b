//! One scale: SSIM and its contrast-structure term at every pixel. In: two pictures and σ. Out: two maps of their shape,
//! from -1 to 1. Never: a mean over them.

use super::{C1, C2, SimilarityError, comparable};
use crate::grey::{Border, Grey, Kernel, convolve};

/// Maps of one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Similar {
    /// Luminance, contrast and structure.
    pub ssim: Grey,
    /// Contrast and structure alone.
    pub contrast: Grey,
}

/// Pixels to each side of the middle of the window of `max(4 σ + 1, 11)` pixels; an even window loses its last pixel.
pub(super) fn radius_px(sigma_px: f64) -> usize {
    ((4.0 * sigma_px + 1.0).max(11.0) as usize - 1) / 2
}

/// SSIM of two pictures under a Gaussian window of `sigma_px` > 0. Beyond the border both are 0, as ANNA-PALM has it.
///
/// # Errors
/// The pictures are not of one shape.
pub fn similar(one: &Grey, other: &Grey, sigma_px: f64) -> Result<Similar, SimilarityError> {
    comparable(one, other, 1)?;
    let kernel = Kernel::gaussian(sigma_px, radius_px(sigma_px));
    let mean = |picture: &Grey| convolve(picture, &kernel, Border::Zero);
    let (mean_one, mean_other) = (mean(one), mean(other));
    // Variances only ever stand as a sum, so four blurs do.
    let squares = mean(&of_both(one, other, |x, y| x * x + y * y));
    let products = mean(&of_both(one, other, |x, y| x * y));
    let means = mean_one.values().iter().zip(mean_other.values());
    let moments = means.zip(squares.values().iter().zip(products.values()));
    let (mut ssim, mut contrast) = (Vec::new(), Vec::new());
    ssim.reserve_exact(one.values().len());
    contrast.reserve_exact(one.values().len());
    for ((x, y), (squares, products)) in moments {
        let (luminance, structure) = terms(*x, *y, *squares, *products);
        ssim.push(luminance * structure);
        contrast.push(structure);
    }
    let shaped = |values| Grey::of(one.shape(), values);
    Ok(Similar { ssim: shaped(ssim), contrast: shaped(contrast) })
}

/// Luminance, and contrast with structure, from the means, the mean of x² + y² and that of x y.
fn terms(x: f32, y: f32, squares: f32, products: f32) -> (f32, f32) {
    let (covariance, variances) = (products - x * y, squares - x * x - y * y);
    let luminance = (2.0 * x * y + C1) / (x * x + y * y + C1);
    // Rounding may leave a little less than no variance.
    (luminance, (2.0 * covariance + C2) / (variances.max(0.0) + C2))
}

fn of_both(one: &Grey, other: &Grey, value: impl Fn(f32, f32) -> f32) -> Grey {
    let values = one.values().iter().zip(other.values()).map(|(x, y)| value(*x, *y)).collect();
    Grey::of(one.shape(), values)
}
