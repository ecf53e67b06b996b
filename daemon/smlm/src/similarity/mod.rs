//! How alike two pictures are: SSIM, and over several scales.
//!
//! In: two pictures of one shape with values from 0 to 1. Out: maps and numbers up to 1 (the same); 0 is
//! nothing alike.
//! Never: a scaling of what comes in: [`Grey::scaled`] does that, or [`crate::squirrel`].
//!
//! Means μ, variances σ² and the covariance σ_xy are taken under a Gaussian window (Wang et al. 2004, IEEE Transactions
//! on Image Processing 13, 600, eq. 13): `CS = (2 σ_xy + C2) / (σ_x² + σ_y² + C2)`,
//! `SSIM = (2 μ_x μ_y + C1) / (μ_x² + μ_y² + C1) · CS`, C1 = 0.01², C2 = 0.03².

mod moments;
mod scales;
#[cfg(test)]
mod tests;

pub use moments::{Similar, similar};
pub use scales::{SCALES, SIGMAS_PX, WEIGHTS, ms_ssim, product_map};

use crate::frame::Shape;
use crate::grey::Grey;

/// Where the mean is dark it does not count: 0.01².
pub const C1: f32 = 1e-4;
/// Where nothing varies the variance does not count: 0.03².
pub const C2: f32 = 9e-4;

/// Why two pictures cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum SimilarityError {
    #[error(
        "the pictures are {} x {} and {} x {} pixels: they must be of one shape",
        one.width, one.height, other.width, other.height
    )]
    Shapes { one: Shape, other: Shape },
    #[error("a picture of {} x {} pixels is too small: each side must be {least} at least", shape.width, shape.height)]
    TooSmall { shape: Shape, least: u32 },
}

fn comparable(one: &Grey, other: &Grey, least: u32) -> Result<(), SimilarityError> {
    let (shape, other) = (one.shape(), other.shape());
    if shape != other {
        return Err(SimilarityError::Shapes { one: shape, other });
    }
    if shape.width.min(shape.height) < least {
        return Err(SimilarityError::TooSmall { shape, least });
    }
    Ok(())
}
