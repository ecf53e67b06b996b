//! Grey pictures of numbers, for comparing one with another.
//!
//! In: f32 values row by row. Out: pictures blurred, shrunk and scaled. Never: bytes, colours, a pyramid: pictures that
//! are looked at are drawn by [`crate::render`].

mod blur;
mod resize;

pub use blur::{Border, Kernel, blur, convolve};
pub use resize::{halve, quarter};

use crate::frame::Shape;

/// Why values are no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum GreyError {
    #[error("{values} values are no picture of {width} x {height} pixels")]
    Length { width: u32, height: u32, values: usize },
    #[error("the value of the pixel in row {row}, column {column} is not a finite number")]
    NotFinite { row: usize, column: usize },
}

/// A picture, `height` rows of `width` finite values.
#[derive(Clone, Debug, PartialEq)]
pub struct Grey {
    shape: Shape,
    values: Vec<f32>,
}

impl Grey {
    /// `values`: row by row, `width · height` of them.
    ///
    /// # Errors
    /// Their number does not fit the shape, or one is infinite or not a number.
    pub fn new(shape: Shape, values: Vec<f32>) -> Result<Self, GreyError> {
        let Shape { width, height } = shape;
        if values.len() != shape.pixels() {
            return Err(GreyError::Length { width, height, values: values.len() });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let width = width as usize;
            return Err(GreyError::NotFinite { row: at / width, column: at % width });
        }
        Ok(Self { shape, values })
    }

    /// Of values that were computed from pictures of this shape, one per pixel.
    pub(crate) fn of(shape: Shape, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), shape.pixels());
        Self { shape, values }
    }

    /// A picture of one value.
    pub fn even(shape: Shape, value: f32) -> Self {
        Self { shape, values: vec![value; shape.pixels()] }
    }

    pub const fn shape(&self) -> Shape {
        self.shape
    }

    pub const fn width(&self) -> usize {
        self.shape.width as usize
    }

    pub const fn height(&self) -> usize {
        self.shape.height as usize
    }

    /// Row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Each value by itself.
    pub fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { shape: self.shape, values: self.values.iter().map(|value| change(*value)).collect() }
    }

    /// Smallest and largest value; (0, 0) of a picture without pixels.
    pub fn range(&self) -> (f32, f32) {
        let first = self.values.first().copied().unwrap_or(0.0);
        self.values.iter().fold((first, first), |(low, high), v| (low.min(*v), high.max(*v)))
    }

    /// `(x − min) / max(floor, max − min)`: 0 to 1, and less than 1 where the picture hardly varies. `floor` must be
    /// positive and is in the unit of the values.
    pub fn scaled(&self, floor: f32) -> Self {
        let (low, high) = self.range();
        let span = (high - low).max(floor);
        self.map(|value| (value - low) / span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_refused_with_its_place() {
        let shape = Shape { width: 2, height: 2 };
        let short = Grey::new(shape, vec![0.0; 3]);
        assert_eq!(short, Err(GreyError::Length { width: 2, height: 2, values: 3 }));
        let nan = Grey::new(shape, vec![0.0, 0.0, 0.0, f32::NAN]);
        assert_eq!(nan, Err(GreyError::NotFinite { row: 1, column: 1 }));
    }

    #[test]
    fn a_faint_picture_is_not_stretched_to_white() {
        let shape = Shape { width: 3, height: 1 };
        let picture = Grey::new(shape, vec![10.0, 20.0, 35.0]).unwrap();
        assert_eq!(picture.scaled(50.0).values(), [0.0, 0.2, 0.5]);
        assert_eq!(picture.scaled(1.0).values(), [0.0, 0.4, 1.0]);
    }
}
