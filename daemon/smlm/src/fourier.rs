//! Fourier transforms of pictures in two dimensions. In: complex values row by row. Out: the same, transformed. Never:
//! a normalisation.

use rustfft::num_complex::Complex32;
use rustfft::{FftDirection, FftPlanner};

/// Transforms a picture of `width` columns and `height` rows. Forward leaves it transposed (`height` columns); inverse
/// expects it so.
pub(crate) fn transform(
    values: &mut Vec<Complex32>,
    (width, height): (usize, usize),
    direction: FftDirection,
) {
    let mut planner = FftPlanner::new();
    let (first, second) = if direction == FftDirection::Forward { (width, height) } else { (height, width) };
    planner.plan_fft(first, direction).process(values);
    *values = transposed(values, first);
    planner.plan_fft(second, direction).process(values);
}

fn transposed(values: &[Complex32], width: usize) -> Vec<Complex32> {
    const BLOCK: usize = 32;
    let height = values.len() / width;
    let mut turned = vec![Complex32::default(); values.len()];
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for row in top..(top + BLOCK).min(height) {
                for column in left..(left + BLOCK).min(width) {
                    turned[column * height + row] = values[row * width + column];
                }
            }
        }
    }
    turned
}
