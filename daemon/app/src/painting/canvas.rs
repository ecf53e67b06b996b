//! A tile at the network's pixel: its counts, and the windows that cover it.
//!
//! In: localizations in camera pixels; the geometry of the network. Out: counts per pixel of 20 nm, cut into windows.
//! Never: nothing beyond the tile's border, which would look like the structure's end: windows reach beyond it, and
//! there they see the tile mirrored.
//!
//! ```text
//!        |<----------- tile, in the middle ----------->|
//!   |--window 0--|         |--window 2--|
//!            |--window 1--|         |--window 3--|            each a stride after the one before
//! ```
//! The windows are as few as cover the tile with full weight: at 20 nm a tile of 512 camera pixels of 108 nm is 2,765 px
//! wide, which takes 7 x 7 windows of 512 px that overlap by 64.

use smlm::blend::{self, Blend, BlendError, Window};
use smlm::frame::Shape;
use smlm::grey::Grey;
use smlm::localization::Localization;
use smlm::map::PixelBox;
use smlm::placement::Field;
use smlm::units::{Nm, Px};

use super::Windows;

/// A tile at the picture's pixel.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    field: Field,
    pixel: Nm,
    shape: Shape,
}

impl Canvas {
    /// Pixel (0, 0) begins at the corner of the first camera pixel; the last row and column may reach beyond the field.
    pub fn of(field: Field, pixel: Nm) -> Self {
        let pixels = |side: u32, camera: Nm| {
            // A hair less, so that a whole number of pixels stays one.
            let pixels = (f64::from(side) * camera.0 / pixel.0 - 1e-6).ceil();
            pixels.clamp(1.0, f64::from(blend::REGION_MAX_PX + 1)) as u32
        };
        let Field { shape, pixel: camera } = field;
        let shape = Shape { width: pixels(shape.width, camera.x), height: pixels(shape.height, camera.y) };
        Self { field, pixel, shape }
    }

    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Side of a camera pixel in pixels of the picture, the mean of both.
    pub fn camera_pixel(&self) -> f64 {
        let camera = self.field.pixel;
        (camera.x.0 + camera.y.0) / 2.0 / self.pixel.0
    }

    /// Centre of a picture pixel in camera pixels, along x and along y.
    pub fn camera_px(&self, at: (usize, usize)) -> (f64, f64) {
        let nm = |at: usize| Nm((at as f64 + 0.5) * self.pixel.0);
        let (x, y) = self.field.pixel.centre_px(nm(at.0), nm(at.1));
        (x.0, y.0)
    }

    /// Localizations per pixel. What lies outside the field is left out.
    pub fn counts(&self, localizations: &[Localization]) -> Counts {
        let mut counts = vec![0u16; self.shape.pixels()];
        let mut counted = 0;
        for l in localizations {
            let (x, y) = self.field.pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            let (column, row) = ((x.0 / self.pixel.0).floor(), (y.0 / self.pixel.0).floor());
            let inside = |at: f64, side: u32| at >= 0.0 && at < f64::from(side);
            if inside(column, self.shape.width) && inside(row, self.shape.height) {
                let count = &mut counts[row as usize * self.shape.width as usize + column as usize];
                *count = count.saturating_add(1);
                counted += 1;
            }
        }
        Counts { shape: self.shape, counts, counted }
    }
}

/// Localizations per pixel, two bytes each.
#[derive(Clone, Debug)]
pub struct Counts {
    shape: Shape,
    counts: Vec<u16>,
    counted: u64,
}

impl Counts {
    /// Rows of counts, as another map has them.
    #[cfg(test)]
    pub fn new(shape: Shape, counts: Vec<u16>) -> Self {
        let counted = counts.iter().map(|count| u64::from(*count)).sum();
        Self { shape, counts, counted }
    }

    pub const fn shape(&self) -> Shape {
        self.shape
    }

    pub const fn is_empty(&self) -> bool {
        self.counted == 0
    }

    #[cfg(test)]
    pub fn at(&self, x: usize, y: usize) -> u16 {
        self.counts[y * self.shape.width as usize + x]
    }

    /// A window that begins at `from`, mirrored beyond the borders.
    pub fn cut(&self, from: (i64, i64), side: usize, into: &mut [f32]) {
        cut_of(self.shape, from, side, into, |at| f32::from(self.counts[at]));
    }
}

/// A window of a picture that begins at `from`, mirrored beyond the borders.
pub fn cut(picture: &Grey, from: (i64, i64), side: usize, into: &mut [f32]) {
    cut_of(picture.shape(), from, side, into, |at| picture.values()[at]);
}

fn cut_of(shape: Shape, (x, y): (i64, i64), side: usize, into: &mut [f32], value: impl Fn(usize) -> f32) {
    let columns: Vec<usize> = (0..side as i64).map(|i| mirrored(x + i, shape.width)).collect();
    for (row, line) in into.chunks_exact_mut(side).enumerate() {
        let first = mirrored(y + row as i64, shape.height) * shape.width as usize;
        line.iter_mut().zip(&columns).for_each(|(to, column)| *to = value(first + column));
    }
}

/// …2 1 0 | 0 1 2 … n-1 | n-1 n-2…
fn mirrored(at: i64, length: u32) -> usize {
    let length = i64::from(length);
    let folded = at.rem_euclid(2 * length);
    folded.min(2 * length - 1 - folded) as usize
}

/// Where a tile's windows lie.
pub struct Plan {
    windows: blend::Windows,
    /// The tile in the grid of windows.
    region: PixelBox,
}

impl Plan {
    /// # Errors
    /// Windows of this geometry cannot be blended.
    pub fn of(shape: Shape, geometry: &Windows) -> Result<Self, BlendError> {
        let Windows { side_px, overlap_px, .. } = *geometry;
        let windows = blend::Windows::new(side_px, 0, overlap_px)?;
        let first = |length: u32| middle(length, overlap_px, windows.stride());
        let region = PixelBox {
            x: first(shape.width) as i32,
            y: first(shape.height) as i32,
            width: shape.width,
            height: shape.height,
        };
        Ok(Self { windows, region })
    }

    pub fn picture(&self) -> Result<Blend, BlendError> {
        Blend::new(&self.windows, self.region)
    }

    /// A window's first pixel, in pixels of the tile.
    pub fn inside(&self, window: Window) -> (i64, i64) {
        (window.x - i64::from(self.region.x), window.y - i64::from(self.region.y))
    }
}

/// Where `length` pixels begin in the grid so that they lie in the middle of as few windows as can be.
const fn middle(length: u32, overlap: u32, stride: u32) -> u32 {
    let windows = (length + overlap).div_ceil(stride);
    let slack = windows * stride - overlap - length;
    overlap + slack / 2
}
