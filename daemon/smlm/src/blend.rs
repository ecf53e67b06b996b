//! Pictures of overlapping windows of one size become the picture of a region, without seams.
//!
//! In: the region, in pixels of the whole picture; then the window's pictures, one after the other. Out: one picture.
//! Never: a window whose place depends on the region: they stand at multiples of the stride in the whole picture, so that
//! a pixel has the same value whichever region it is asked for with, though a network's picture depends on its window.
//!
//! ```text
//!   margin   overlap          overlap   margin
//!  |······/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾\······|            weight of a window
//!                      |······/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾ …       of the next, a stride on
//! ```
//!
//! Weights are raised cosines, `(1 − cos π t) / 2` over the overlap, rounded to 1/2048: products of two are then exact in
//! f32, and the weights at a pixel sum to 1 exactly.

use crate::frame::Shape;
use crate::grey::{Grey, GreyError};
use crate::map::PixelBox;

/// Largest side of a region.
pub const REGION_MAX_PX: u32 = 16_384;
/// Largest side of a window.
pub const WINDOW_MAX_PX: u32 = 8192;
/// Most windows of a region: 128 strides along each side of a square.
pub const WINDOWS_MAX: usize = 16_384;
/// Steps of a weight from 0 to 1.
const STEPS: f32 = 2048.0;

/// Why windows cannot be put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum BlendError {
    #[error(
        "windows of {side} px with margins of {margin} px cannot overlap by {overlap} px: at most half of what is \
         between the margins can, and a window has at most {WINDOW_MAX_PX} px"
    )]
    Windows { side: u32, margin: u32, overlap: u32 },
    #[error(
        "a region of {width} x {height} px cannot be put together: each side must be 1 to {REGION_MAX_PX} px"
    )]
    Region { width: u32, height: u32 },
    #[error(
        "the region takes {0} windows; at most {WINDOWS_MAX} are put together: ask for less, or larger windows"
    )]
    TooMany(usize),
    #[error("a window's picture has {found} values instead of {expected}")]
    Length { found: usize, expected: usize },
    #[error("there is no window left to add")]
    Complete,
    #[error("{0} windows are missing")]
    Missing(usize),
    #[error(transparent)]
    Picture(#[from] GreyError),
}

/// How windows lie in the whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    side: u32,
    margin: u32,
    stride: u32,
    /// Along one axis, `side` of them.
    weights: Vec<f32>,
}

impl Windows {
    /// Windows of `side` × `side` pixels. The outer `margin` pixels of each count nothing, since a network knows too little
    /// there; within these, neighbours fade into each other over `overlap` pixels.
    ///
    /// # Errors
    /// The overlap is more than half of what is between the margins, nothing is between them, or the window is too large.
    pub fn new(side: u32, margin: u32, overlap: u32) -> Result<Self, BlendError> {
        let between = side.saturating_sub(margin.saturating_mul(2));
        if between == 0 || overlap > between / 2 || side > WINDOW_MAX_PX {
            return Err(BlendError::Windows { side, margin, overlap });
        }
        let rise = |at: u32| {
            let part = (f64::from(at) + 0.5) / f64::from(overlap);
            let weight = (1.0 - (std::f64::consts::PI * part).cos()) / 2.0;
            (weight as f32 * STEPS).round() / STEPS
        };
        let weight = |at: u32| match at.checked_sub(margin).filter(|at| *at < between) {
            None => 0.0,
            Some(at) if at < overlap => rise(at),
            Some(at) if at >= between - overlap => 1.0 - rise(at - (between - overlap)),
            Some(_) => 1.0,
        };
        let weights = (0..side).map(weight).collect();
        Ok(Self { side, margin, stride: between - overlap, weights })
    }

    /// Pixels from one window to the next.
    pub const fn stride(&self) -> u32 {
        self.stride
    }

    /// First pixels, along one axis, of the windows that have weight between `from` and `from + length`.
    fn along(&self, from: i32, length: u32) -> impl Iterator<Item = i64> + Clone + use<> {
        let (stride, margin) = (i64::from(self.stride), i64::from(self.margin));
        let between = i64::from(self.side) - 2 * margin;
        let (from, end) = (i64::from(from), i64::from(from) + i64::from(length));
        // Of window k the part between the margins is [k stride, k stride + between).
        let first = (from - between).div_euclid(stride) + 1;
        let last = (end - 1).div_euclid(stride);
        (first..=last).map(move |k| k * stride - margin)
    }
}

/// One window's place in the whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first pixel.
    pub x: i64,
    pub y: i64,
    pub side: u32,
}

/// A region that is being put together.
#[derive(Clone, Debug)]
pub struct Blend {
    windows: Windows,
    region: PixelBox,
    places: Vec<Window>,
    added: usize,
    sums: Vec<f32>,
}

impl Blend {
    /// Plans the windows of a region: all that reach into it, also those that begin or end outside.
    ///
    /// # Errors
    /// The region is empty, too large, or takes too many windows.
    pub fn new(windows: &Windows, region: PixelBox) -> Result<Self, BlendError> {
        let PixelBox { x, y, width, height } = region;
        if width.min(height) == 0 || width.max(height) > REGION_MAX_PX {
            return Err(BlendError::Region { width, height });
        }
        let (rows, columns) = (windows.along(y, height), windows.along(x, width));
        let count = rows.clone().count() * columns.clone().count();
        if count > WINDOWS_MAX {
            return Err(BlendError::TooMany(count));
        }
        let side = windows.side;
        let places = rows.flat_map(|y| columns.clone().map(move |x| Window { x, y, side }));
        Ok(Self {
            windows: windows.clone(),
            region,
            places: places.collect(),
            added: 0,
            sums: vec![0.0; width as usize * height as usize],
        })
    }

    /// All windows, row by row: the order in which their pictures are added.
    pub fn places(&self) -> &[Window] {
        &self.places
    }

    /// The window whose picture is added next.
    pub fn next_place(&self) -> Option<Window> {
        self.places.get(self.added).copied()
    }

    /// Adds the picture of [`Blend::next_place`], `side · side` values row by row. In this order only, so that a pixel is
    /// always the same sum.
    ///
    /// # Errors
    /// No window is left, or the number of values is wrong; nothing is added then.
    pub fn add(&mut self, picture: &[f32]) -> Result<(), BlendError> {
        let window = self.next_place().ok_or(BlendError::Complete)?;
        let side = window.side as usize;
        if picture.len() != side * side {
            return Err(BlendError::Length { found: picture.len(), expected: side * side });
        }
        self.added += 1;
        let (left, top) = (i64::from(self.region.x), i64::from(self.region.y));
        let rows = common(window.y - top, window.side, self.region.height);
        let columns = common(window.x - left, window.side, self.region.width);
        let across = &self.windows.weights[columns.clone()];
        for row in rows {
            let down = self.windows.weights[row];
            let to_row = (window.y - top + row as i64) as usize;
            let to_column = (window.x - left + columns.start as i64) as usize;
            let to = to_row * self.region.width as usize + to_column;
            let from = row * side + columns.start;
            let sums = &mut self.sums[to..to + columns.len()];
            for ((sum, value), across) in sums.iter_mut().zip(&picture[from..]).zip(across) {
                let weight = down * across;
                // What counts nothing may be anything, also no number.
                *sum += if weight > 0.0 { weight * value } else { 0.0 };
            }
        }
        Ok(())
    }

    /// The picture of the region.
    ///
    /// # Errors
    /// Windows are missing, or one of their values was not a finite number.
    pub fn finish(self) -> Result<Grey, BlendError> {
        let missing = self.places.len() - self.added;
        if missing > 0 {
            return Err(BlendError::Missing(missing));
        }
        let shape = Shape { width: self.region.width, height: self.region.height };
        Ok(Grey::new(shape, self.sums)?)
    }
}

/// Pixels of a window that begins `offset` pixels after the region and lie within it.
fn common(offset: i64, side: u32, length: u32) -> std::ops::Range<usize> {
    let from = (-offset).clamp(0, i64::from(side));
    let to = (i64::from(length) - offset).clamp(from, i64::from(side));
    from as usize..to as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each window's picture depends on its place in the window and on the window, as a network's does.
    fn put_together(windows: &Windows, region: PixelBox, picture: impl Fn(Window, i64, i64) -> f32) -> Grey {
        let mut blend = Blend::new(windows, region).unwrap();
        while let Some(window) = blend.next_place() {
            let side = i64::from(window.side);
            let values: Vec<f32> = (0..side * side).map(|i| picture(window, i % side, i / side)).collect();
            blend.add(&values).unwrap();
        }
        blend.finish().unwrap()
    }

    #[test]
    fn weights_sum_to_exactly_one_everywhere() {
        for (side, margin, overlap) in [(64, 0, 32), (64, 4, 20), (50, 3, 7), (16, 0, 0), (512, 32, 96)] {
            let windows = Windows::new(side, margin, overlap).unwrap();
            let region = PixelBox { x: -77, y: 1003, width: 150, height: 90 };
            let ones = put_together(&windows, region, |_, _, _| 1.0);
            assert!(ones.values().iter().all(|value| *value == 1.0), "{side} {margin} {overlap}");
        }
    }

    #[test]
    fn a_pixel_is_the_same_whichever_region_it_is_asked_for_with() {
        let windows = Windows::new(48, 4, 12).unwrap();
        let network = |window: Window, x: i64, y: i64| {
            ((window.x * 7 + window.y * 3) as f32).sin() + (x as f32 * 0.13).cos() * (y as f32 * 0.29).sin()
        };
        let one = put_together(&windows, PixelBox { x: -30, y: 20, width: 100, height: 90 }, network);
        let other = put_together(&windows, PixelBox { x: 11, y: -15, width: 70, height: 80 }, network);
        // Common: x from 11 to 70, y from 20 to 65.
        for (x, y) in (11..70).flat_map(|x| (20..65).map(move |y| (x, y))) {
            let (a, b) = ((y - 20) * 100 + x + 30, (y + 15) * 70 + x - 11);
            assert_eq!(one.values()[a as usize], other.values()[b as usize], "{x} {y}");
        }
    }

    #[test]
    fn windows_that_differ_meet_without_a_step() {
        let windows = Windows::new(64, 0, 32).unwrap();
        let of_window = |window: Window, _, _| if (window.x / 32) % 2 == 0 { 0.0 } else { 1.0 };
        let row = put_together(&windows, PixelBox { x: 0, y: 0, width: 200, height: 1 }, of_window);
        let steps = row.values().windows(2).map(|pair| (pair[1] - pair[0]).abs());
        // The steepest step of a raised cosine over 32 pixels, and the rounding of two weights.
        let steepest = std::f32::consts::FRAC_PI_2 / 32.0 + 1.0 / STEPS;
        assert!(steps.fold(0.0, f32::max) < steepest);
    }

    #[test]
    fn a_picture_that_windows_agree_on_is_reproduced() {
        let windows = Windows::new(40, 5, 10).unwrap();
        let whole = |x: i64, y: i64| ((x * 31 + y * 17) % 64) as f32 / 64.0;
        let region = PixelBox { x: 123, y: -45, width: 83, height: 61 };
        let found = put_together(&windows, region, |window, x, y| whole(window.x + x, window.y + y));
        let places = (0..61i64).flat_map(|y| (0..83i64).map(move |x| whole(x + 123, y - 45)));
        assert!(found.values().iter().zip(places).all(|(value, truth)| (value - truth).abs() < 1e-6));
    }

    #[test]
    fn what_is_in_a_margin_never_matters() {
        let windows = Windows::new(20, 4, 4).unwrap();
        let hostile = |_, x, y| if (4..16).contains(&x) && (4..16).contains(&y) { 0.5 } else { f32::NAN };
        let found = put_together(&windows, PixelBox { x: 0, y: 0, width: 50, height: 50 }, hostile);
        assert!(found.values().iter().all(|value| *value == 0.5));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let windows = Windows::new(16, 0, 4).unwrap();
        assert!(matches!(Windows::new(16, 0, 9), Err(BlendError::Windows { .. })));
        assert!(matches!(Windows::new(16, 8, 0), Err(BlendError::Windows { .. })));
        assert!(matches!(Windows::new(u32::MAX, u32::MAX, 0), Err(BlendError::Windows { .. })));
        let region = PixelBox { x: i32::MAX, y: i32::MIN, width: 20, height: 12 };
        let large = PixelBox { width: REGION_MAX_PX + 1, ..region };
        assert!(matches!(Blend::new(&windows, large), Err(BlendError::Region { .. })));
        let many = PixelBox { x: 0, y: 0, width: REGION_MAX_PX, height: REGION_MAX_PX };
        assert!(matches!(Blend::new(&windows, many), Err(BlendError::TooMany(_))));
        let mut blend = Blend::new(&windows, region).unwrap();
        assert_eq!(blend.add(&[0.0; 4]), Err(BlendError::Length { found: 4, expected: 256 }));
        let windows = blend.places().len();
        assert_eq!(blend.clone().finish(), Err(BlendError::Missing(windows)));
        (0..windows).for_each(|_| blend.add(&[1.0; 256]).unwrap());
        assert_eq!(blend.add(&[1.0; 256]), Err(BlendError::Complete));
        assert!(blend.finish().is_ok());
    }
}
