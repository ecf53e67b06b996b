//! The part of a recording that is looked at: a crop of some frames, as counts.
//!
//! Comes in: frames as they lie in a ring or a file, one by one. Goes out: a [`Sample`] of bounded size, and its
//! counts as numbers. Never: more memory than [`SIDE_PX`]² · [`FRAMES`] counts, whatever the camera.

use std::cmp::Reverse;

use crate::frame::{PixelType, Shape};
use crate::tiling::Rect;

/// Largest side of the crop.
pub const SIDE_PX: u32 = 128;
/// Frames that are looked at, at most.
pub const FRAMES: usize = 240;
/// Side of the blocks among which the busiest crop is looked for.
const BLOCK_PX: u32 = 32;
/// About so many pixels are read to find it.
const GLANCE_PX: usize = 65_536;

/// A crop of some frames.
#[derive(Clone, Debug)]
pub struct Sample {
    crop: Rect,
    counts: Vec<u16>,
    /// Of each frame, the number of its burst: only frames of one burst are neighbours in time.
    bursts: Vec<u32>,
    most: usize,
}

impl Sample {
    /// Room for `most` frames of `crop`; nothing more is allocated.
    pub fn with_room(crop: Rect, most: usize) -> Self {
        let pixels = crop.shape().pixels();
        Self { crop, counts: Vec::with_capacity(pixels * most), bursts: Vec::with_capacity(most), most }
    }

    /// Takes the crop out of a frame, unless the sample is full. `follows`: the frame is the direct successor of
    /// the one pushed before.
    ///
    /// `bytes` are row-major, unpadded, little-endian pixels of a frame that contains the crop.
    pub fn push(&mut self, bytes: &[u8], shape: Shape, pixel_type: PixelType, follows: bool) {
        if self.is_full() {
            return;
        }
        let burst = self.bursts.last().map_or(0, |last| last + u32::from(!follows));
        self.bursts.push(burst);
        for row in self.crop.row..self.crop.end_row() {
            let begin = row as usize * shape.width as usize + self.crop.column as usize;
            let end = begin + self.crop.width as usize;
            match pixel_type {
                PixelType::U8 => self.counts.extend(bytes[begin..end].iter().map(|&count| u16::from(count))),
                PixelType::U16 => {
                    let pairs = bytes[2 * begin..2 * end].chunks_exact(2);
                    self.counts.extend(pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
                }
            }
        }
    }

    pub fn is_full(&self) -> bool {
        self.bursts.len() >= self.most
    }

    pub fn frames(&self) -> usize {
        self.bursts.len()
    }

    pub fn crop(&self) -> Rect {
        self.crop
    }

    pub fn counts(&self) -> &[u16] {
        &self.counts
    }

    /// Frames of the longest burst.
    pub fn longest_burst(&self) -> usize {
        self.bursts.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0)
    }

    pub(super) fn movie(&self) -> Movie {
        Movie {
            width: self.crop.width as usize,
            height: self.crop.height as usize,
            values: self.counts.iter().map(|&count| f32::from(count)).collect(),
            bursts: self.bursts.clone(),
        }
    }
}

/// The crop where most happens, at most [`SIDE_PX`] on a side, judged by one frame: where neighbouring pixels
/// differ most, there most emitters shine.
pub fn busiest(bytes: &[u8], shape: Shape, pixel_type: PixelType) -> Rect {
    let (width, height) = (shape.width.min(SIDE_PX), shape.height.min(SIDE_PX));
    let every = (shape.pixels() / GLANCE_PX).max(1);
    let (columns, rows) = (shape.width.div_ceil(BLOCK_PX) as usize, shape.height.div_ceil(BLOCK_PX) as usize);
    let mut roughness = vec![0u64; columns * rows];
    let at = |x: usize, y: usize| {
        let place = y * shape.width as usize + x;
        match pixel_type {
            PixelType::U8 => i64::from(bytes[place]),
            PixelType::U16 => i64::from(u16::from_le_bytes([bytes[2 * place], bytes[2 * place + 1]])),
        }
    };
    for y in (0..shape.height as usize).step_by(every) {
        for x in 0..(shape.width as usize).saturating_sub(2) {
            let block = y / BLOCK_PX as usize * columns + x / BLOCK_PX as usize;
            roughness[block] += at(x, y).abs_diff(at(x + 2, y));
        }
    }
    let sum = |row: u32, column: u32| -> u64 {
        let blocks = SIDE_PX / BLOCK_PX;
        let (row, column) = ((row / BLOCK_PX) as usize, (column / BLOCK_PX) as usize);
        let down = row..(row + blocks as usize).min(rows);
        down.map(|r| {
            let last = (column + blocks as usize).min(columns);
            roughness[r * columns + column..r * columns + last].iter().sum::<u64>()
        })
        .sum()
    };
    let starts = |side: u32, cut: u32| (0..=(side - cut) / BLOCK_PX).map(|block| block * BLOCK_PX);
    let places =
        starts(shape.height, height).flat_map(|row| starts(shape.width, width).map(move |c| (row, c)));
    // The first of equals, so that the choice is the same each time.
    let best = places.max_by_key(|&(row, column)| (sum(row, column), Reverse((row, column))));
    let (row, column) = best.unwrap_or((0, 0));
    Rect { row, column, height, width }
}

/// A sample as numbers, frame after frame, row-major.
pub(super) struct Movie {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
    bursts: Vec<u32>,
}

impl Movie {
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    pub fn frames(&self) -> usize {
        self.bursts.len()
    }

    pub fn frame(&self, at: usize) -> &[f32] {
        &self.values[at * self.pixels()..(at + 1) * self.pixels()]
    }

    /// Frame `at + lag` exists and belongs to the burst of frame `at`.
    pub fn joined(&self, at: usize, lag: usize) -> bool {
        self.bursts.get(at + lag).is_some_and(|burst| *burst == self.bursts[at])
    }

    /// Frames of the longest burst.
    pub fn longest_burst(&self) -> usize {
        self.bursts.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0)
    }

    /// Another movie of the same shape and bursts.
    pub fn with_values(&self, values: Vec<f32>) -> Self {
        Self { width: self.width, height: self.height, values, bursts: self.bursts.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Shape = Shape { width: 300, height: 200 };

    fn frame(bright: (u32, u32)) -> Vec<u8> {
        let mut counts = vec![100u16; WIDE.pixels()];
        for (dx, dy) in (0..40).flat_map(|x| (0..40).map(move |y| (x, y))) {
            counts[((bright.1 + dy) * WIDE.width + bright.0 + dx) as usize] += (90 * ((dx + dy) % 3)) as u16;
        }
        counts.iter().flat_map(|count| count.to_le_bytes()).collect()
    }

    #[test]
    fn the_crop_is_where_most_happens_and_within_the_frame() {
        for bright in [(0, 0), (250, 10), (120, 150), (255, 155)] {
            let crop = busiest(&frame(bright), WIDE, PixelType::U16);
            assert_eq!((crop.width, crop.height), (SIDE_PX, SIDE_PX));
            assert!(crop.end_column() <= WIDE.width && crop.end_row() <= WIDE.height, "{crop:?}");
            let seen = |from: u32, first: u32, end: u32| (from + 40).min(end).saturating_sub(from.max(first));
            let (x, y) =
                (seen(bright.0, crop.column, crop.end_column()), seen(bright.1, crop.row, crop.end_row()));
            assert!(x * y >= 20 * 25, "{bright:?} is not in {crop:?}");
        }
        let small = Shape { width: 50, height: 20 };
        assert_eq!(busiest(&[0; 1000], small, PixelType::U8), Rect::whole(small));
    }

    #[test]
    fn a_sample_takes_its_crop_until_it_is_full_and_knows_its_bursts() {
        let crop = Rect { row: 1, column: 2, height: 2, width: 3 };
        let shape = Shape { width: 6, height: 4 };
        let bytes: Vec<u8> = (0..24).collect();
        let mut sample = Sample::with_room(crop, 4);
        for follows in [true, true, false, true, true] {
            sample.push(&bytes, shape, PixelType::U8, follows);
        }
        assert_eq!((sample.frames(), sample.is_full(), sample.longest_burst()), (4, true, 2));
        assert_eq!(sample.counts()[..6], [8, 9, 10, 14, 15, 16]);
        let movie = sample.movie();
        assert!(movie.joined(0, 1) && !movie.joined(1, 1) && movie.joined(2, 1) && !movie.joined(3, 1));
    }
}
