//! The widefield of a tile as the network and the error map want it.
//!
//! In: the mean of a tile's widefield frames, in ADU, at the camera's pixel. Out: the same at the picture's pixel, and
//! as 0 to 1. Never: a camera's single bright pixels taken for the brightest place; noise stretched until it looks like
//! structure.

use smlm::grey::{Border, Grey, blur};
use smlm::order::median;

use super::Canvas;

/// Of all pixels so many at either end, in percent, are cut to the value next to them: hot and dead pixels.
const ENDS_PERCENT: f64 = 0.05;
/// The least range in ADU that is stretched to 0 to 1: the published software's, in counts of its 8-bit files.
const RANGE_ADU: f32 = 50.0;
/// A picture is even where, blurred over a pixel, its range is under so many deviations of the noise of a pixel. Noise
/// alone, a quarter of a million pixels of it, has a range of about 2.6.
const EVEN_SIGMAS: f64 = 5.0;
/// The blur that keeps nearly all of an in-focus structure and takes two thirds of the noise.
const BLUR_PX: f64 = 1.0;

/// A widefield that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// At the picture's pixel.
    pub adu: Grey,
    /// It shows nothing but noise.
    pub even: bool,
    /// A camera's pixel, in pixels of the picture.
    pub camera_px: f64,
}

impl Taken {
    /// `widefield`: one value per camera pixel of the canvas' field.
    pub fn of(widefield: &Grey, canvas: &Canvas) -> Self {
        let clipped = clipped(widefield);
        let camera_px = canvas.camera_pixel();
        Self { even: is_even(&clipped), adu: resampled(&clipped, canvas), camera_px }
    }

    /// 0 to 1 over the whole field of view; less than 1 where it hardly varies.
    pub fn fraction(&self) -> Grey {
        self.adu.scaled(RANGE_ADU)
    }
}

fn clipped(picture: &Grey) -> Grey {
    let mut sorted = picture.values().to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let cut = (sorted.len() as f64 * ENDS_PERCENT / 100.0) as usize;
    let (Some(low), Some(high)) = (sorted.get(cut), sorted.get(sorted.len().wrapping_sub(1 + cut))) else {
        return picture.clone();
    };
    picture.map(|value| value.clamp(*low, *high))
}

fn is_even(picture: &Grey) -> bool {
    let rows = picture.values().chunks_exact(picture.width().max(1));
    let mut steps: Vec<f64> =
        rows.flat_map(|row| row.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs()))).collect();
    // The median of |a - b| of two normal numbers of deviation 1 is 0.954.
    let noise = median(&mut steps).unwrap_or(0.0) / 0.954;
    let (low, high) = blur(picture, BLUR_PX, Border::Repeat).range();
    f64::from(high - low) <= EVEN_SIGMAS * noise || low >= high
}

/// Bilinear between the centres of camera pixels.
fn resampled(picture: &Grey, canvas: &Canvas) -> Grey {
    let shape = canvas.shape();
    let (width, height) = (picture.width(), picture.height());
    let between = |at: f64, length: usize| {
        let at = at.clamp(0.0, (length - 1) as f64);
        let first = (at as usize).min(length.saturating_sub(2));
        (first, (first + 1).min(length - 1), (at - first as f64) as f32)
    };
    let across: Vec<_> =
        (0..shape.width as usize).map(|x| between(canvas.camera_px((x, 0)).0, width)).collect();
    let mut values = Vec::with_capacity(shape.pixels());
    for y in 0..shape.height as usize {
        let (above, below, down) = between(canvas.camera_px((0, y)).1, height);
        let row = |at: usize| &picture.values()[at * width..(at + 1) * width];
        let (above, below) = (row(above), row(below));
        values.extend(across.iter().map(|(left, right, along)| {
            let mix = |row: &[f32]| row[*left] + along * (row[*right] - row[*left]);
            mix(above) + down * (mix(below) - mix(above))
        }));
    }
    // Between finite values lie finite ones.
    Grey::new(shape, values).unwrap_or_else(|_| Grey::even(shape, 0.0))
}
