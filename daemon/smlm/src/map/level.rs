//! One level of the pyramid: tiles of blocks of pixels, a version per tile, and how many pixels hold how much.
//!
//! A tile is what a picture is sent in; a block is what memory is taken in. Each layer of a block exists only
//! where something other than zero was added.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;

use super::accumulate::Change;
use super::splat::Splat;
use super::view::TileIndex;

/// Side of a tile.
pub const TILE_PX: i32 = 256;
/// Side of a block.
pub const BLOCK_PX: i32 = 64;
const BLOCKS: i32 = TILE_PX / BLOCK_PX;
const BLOCK_LEN: usize = (BLOCK_PX * BLOCK_PX) as usize;
/// A tile with its place in the tables, which may be half empty.
const TILE_BYTES: usize = 2 * size_of::<(TileIndex, Tile)>() + 64;

/// What can decide the hue of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Colours {
    pub z_nm: f32,
    pub frame: f32,
    pub sigma_nm: f32,
}

/// Pixels, row by row; `None` where nothing was added.
#[derive(Default)]
pub(crate) struct Block {
    counts: Option<Box<[u32]>>,
    /// Localizations, each spread over its own σ; where colours are kept, their weight is the same.
    glow: Option<Box<[f32]>>,
    colours: Option<Box<[ColourSum]>>,
}

/// Weight, and weight times z, frame and σ, over the localizations that reach a pixel. The weight is the part
/// of a localization that falls into the pixel; on levels without Gaussians it is 1 in one pixel.
pub(crate) type ColourSum = [f32; 4];

impl Block {
    pub fn count(&self, pixel: usize) -> u32 {
        self.counts.as_ref().map_or(0, |counts| counts[pixel])
    }

    /// Localizations spread over their σ; on levels without Gaussians the same as the count.
    pub fn gaussian(&self, pixel: usize) -> f32 {
        match (&self.colours, &self.glow) {
            (Some(colours), _) => colours[pixel][0],
            (None, Some(glow)) => glow[pixel],
            (None, None) => 0.0,
        }
    }

    /// All zero where no colours are kept.
    pub fn colour(&self, pixel: usize) -> ColourSum {
        self.colours.as_ref().map_or([0.0; 4], |colours| colours[pixel])
    }
}

#[derive(Default)]
pub(crate) struct Tile {
    version: u64,
    blocks: [Option<Box<Block>>; (BLOCKS * BLOCKS) as usize],
}

impl Tile {
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Counts of a pixel of the level that lies in this tile.
    pub fn count_at(&self, x: i32, y: i32) -> u32 {
        self.blocks[block_in_tile(x, y)].as_ref().map_or(0, |block| block.count(pixel_in_block(x, y)))
    }

    /// Localizations spread over their σ in a pixel of the level that lies in this tile.
    #[cfg(test)]
    pub fn gaussian_at(&self, x: i32, y: i32) -> f32 {
        self.blocks[block_in_tile(x, y)].as_ref().map_or(0.0, |block| block.gaussian(pixel_in_block(x, y)))
    }

    /// Of the pixel at this column and row of the tile.
    pub fn colour(&self, column: usize, row: usize) -> ColourSum {
        let (x, y) = (column as i32, row as i32);
        self.blocks[block_in_tile(x, y)].as_ref().map_or([0.0; 4], |block| block.colour(pixel_in_block(x, y)))
    }

    /// Blocks with the column and row of their first pixel in the tile.
    pub fn blocks(&self) -> impl Iterator<Item = (usize, usize, &Block)> {
        self.blocks.iter().enumerate().filter_map(|(i, block)| {
            let (x, y) = (i % BLOCKS as usize, i / BLOCKS as usize);
            block.as_ref().map(|block| (x * BLOCK_PX as usize, y * BLOCK_PX as usize, &**block))
        })
    }
}

/// Tiles in the order of their making, an index of them, and the one used last.
#[derive(Default)]
struct Tiles {
    tiles: Vec<(TileIndex, Tile)>,
    index: HashMap<TileIndex, usize, BuildHasherDefault<TileHasher>>,
    last: usize,
}

impl Tiles {
    fn find(&self, index: TileIndex) -> Option<&Tile> {
        self.index.get(&index).map(|at| &self.tiles[*at].1)
    }

    /// The tile, and whether it was made just now.
    fn find_or_make(&mut self, index: TileIndex) -> (&mut Tile, bool) {
        let known = self.tiles.len();
        if self.tiles.get(self.last).is_none_or(|(last, _)| *last != index) {
            self.last = *self.index.entry(index).or_insert(known);
            if self.last == known {
                self.tiles.push((index, Tile::default()));
            }
        }
        let new = self.tiles.len() > known;
        (&mut self.tiles[self.last].1, new)
    }
}

#[derive(Default)]
pub(crate) struct Level {
    tiles: Tiles,
    histogram: CountHistogram,
    bytes: usize,
}

/// The most that one localization can allocate in so many levels.
pub(crate) const fn worst_case_bytes(levels: u32) -> usize {
    // Counts in one block, colours in four, each perhaps in a tile of its own.
    let colours = size_of::<ColourSum>() * BLOCK_LEN + size_of::<Block>() + TILE_BYTES;
    levels as usize * (size_of::<u32>() * BLOCK_LEN + 4 * colours)
}

impl Level {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn tile(&self, index: TileIndex) -> Option<&Tile> {
        self.tiles.find(index)
    }

    pub fn tiles(&self) -> impl ExactSizeIterator<Item = (TileIndex, &Tile)> {
        self.tiles.tiles.iter().map(|(index, tile)| (*index, tile))
    }

    pub fn histogram(&self) -> &CountHistogram {
        &self.histogram
    }

    /// One localization in this pixel. Returns the bytes newly taken.
    pub fn count(
        &mut self,
        change: Change,
        (x, y): (i32, i32),
        colours: Option<Colours>,
        version: u64,
    ) -> usize {
        let before = self.bytes;
        let (block, bytes) = block_at(&mut self.tiles, &mut self.bytes, x, y, version);
        let pixel = pixel_in_block(x, y);
        let counts = plane(&mut block.counts, bytes);
        match change {
            Change::Add => {
                self.histogram.step(counts[pixel]);
                counts[pixel] = counts[pixel].saturating_add(1);
            }
            Change::Remove => {
                self.histogram.step_back(counts[pixel]);
                counts[pixel] = counts[pixel].saturating_sub(1);
            }
        }
        if let Some(colours) = colours {
            mix(&mut plane(&mut block.colours, bytes)[pixel], change.sign(), sums(colours));
        }
        self.bytes - before
    }

    /// One localization spread over pixels. Returns the bytes newly taken.
    pub fn splat(&mut self, change: Change, splat: &Splat, colours: Option<Colours>, version: u64) -> usize {
        let before = self.bytes;
        let (x, y) = (splat.x(), splat.y());
        for (y0, wy) in pieces(y.first, y.weights()) {
            for (x0, wx) in pieces(x.first, x.weights()) {
                let (block, bytes) = block_at(&mut self.tiles, &mut self.bytes, x0, y0, version);
                let rows = (0..).step_by(BLOCK_PX as usize).zip(wy.iter().map(|wy| change.sign() * wy));
                let at = pixel_in_block(x0, y0);
                if let Some(colours) = colours {
                    let plane = &mut plane(&mut block.colours, bytes)[at..];
                    for (row, wy) in rows {
                        let sums = sums(colours).map(|sum| sum * wy);
                        plane[row..row + wx.len()].iter_mut().zip(wx).for_each(|(p, wx)| mix(p, *wx, sums));
                    }
                } else {
                    let plane = &mut plane(&mut block.glow, bytes)[at..];
                    for (row, wy) in rows {
                        plane[row..row + wx.len()].iter_mut().zip(wx).for_each(|(p, wx)| *p += wx * wy);
                    }
                }
            }
        }
        self.bytes - before
    }
}

fn sums(colours: Colours) -> ColourSum {
    [1.0, colours.z_nm, colours.frame, colours.sigma_nm]
}

fn mix(pixel: &mut ColourSum, weight: f32, sums: ColourSum) {
    pixel.iter_mut().zip(sums).for_each(|(pixel, sum)| *pixel += weight * sum);
}

/// The block of a pixel, made if needed, its tile marked as changed.
fn block_at<'a>(
    tiles: &'a mut Tiles,
    bytes: &'a mut usize,
    x: i32,
    y: i32,
    version: u64,
) -> (&'a mut Block, &'a mut usize) {
    let (tile, new) = tiles.find_or_make(TileIndex::of_pixel(x, y));
    *bytes += if new { TILE_BYTES } else { 0 };
    tile.version = version;
    let block = tile.blocks[block_in_tile(x, y)].get_or_insert_with(|| {
        *bytes += size_of::<Block>();
        Box::default()
    });
    (block, bytes)
}

fn plane<'a, T: Clone + Default>(plane: &'a mut Option<Box<[T]>>, bytes: &mut usize) -> &'a mut [T] {
    plane.get_or_insert_with(|| {
        *bytes += size_of::<T>() * BLOCK_LEN;
        // Written, not only promised to be zero: a promised page is found missing twice, when it is read and when it is
        // written, and the second time interrupts every core.
        let mut pixels = Vec::with_capacity(BLOCK_LEN);
        pixels.extend((0..BLOCK_LEN).map(|_| black_box(T::default())));
        pixels.into_boxed_slice()
    })
}

fn block_in_tile(x: i32, y: i32) -> usize {
    let (bx, by) = ((x & (TILE_PX - 1)) / BLOCK_PX, (y & (TILE_PX - 1)) / BLOCK_PX);
    (by * BLOCKS + bx) as usize
}

fn pixel_in_block(x: i32, y: i32) -> usize {
    ((y & (BLOCK_PX - 1)) * BLOCK_PX + (x & (BLOCK_PX - 1))) as usize
}

/// A run of weights cut where blocks end.
fn pieces(first: i32, weights: &[f32]) -> impl Iterator<Item = (i32, &[f32])> {
    let in_first = (BLOCK_PX - (first & (BLOCK_PX - 1))) as usize;
    let (head, tail) = weights.split_at(in_first.min(weights.len()));
    [(first, head), (first + head.len() as i32, tail)].into_iter().filter(|(_, piece)| !piece.is_empty())
}

/// How many pixels hold how many localizations: exact to 255, then in sixteenths of an octave.
pub(crate) struct CountHistogram {
    pixels: Box<[u64]>,
    filled: u64,
}

impl Default for CountHistogram {
    fn default() -> Self {
        Self { pixels: vec![0; Self::bin(u32::MAX) + 1].into_boxed_slice(), filled: 0 }
    }
}

impl CountHistogram {
    fn bin(count: u32) -> usize {
        if count < 256 {
            return count as usize;
        }
        let octave = count.ilog2();
        256 + 16 * (octave as usize - 8) + ((count >> (octave - 4)) & 15) as usize
    }

    fn lower_edge(bin: usize) -> u32 {
        if bin < 256 {
            return bin as u32;
        }
        let (octave, part) = ((bin - 256) / 16 + 8, (bin - 256) % 16);
        ((16 + part) << (octave - 4)) as u32
    }

    /// A pixel that held `count` gets one more.
    fn step(&mut self, count: u32) {
        let (from, to) = (Self::bin(count), Self::bin(count.saturating_add(1)));
        if count == 0 {
            self.filled += 1;
            self.pixels[to] += 1;
        } else if from != to {
            self.pixels[from] -= 1;
            self.pixels[to] += 1;
        }
    }

    /// A pixel that held `count` has one less.
    fn step_back(&mut self, count: u32) {
        let (from, to) = (Self::bin(count), Self::bin(count.saturating_sub(1)));
        if count > 0 && from != to {
            self.pixels[from] -= 1;
            if count == 1 {
                self.filled -= 1;
            } else {
                self.pixels[to] += 1;
            }
        }
    }

    /// The count that this part (0 to 1) of the non-empty pixels does not exceed; 0 when all are empty.
    pub fn quantile(&self, part: f64) -> u32 {
        let rank = ((self.filled as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        for (bin, pixels) in self.pixels.iter().enumerate() {
            seen += pixels;
            if seen >= rank {
                return Self::lower_edge(bin);
            }
        }
        0
    }
}

/// Tile indices are small numbers without an adversary: one multiplication mixes them well enough, and the
/// order of a table does not change from run to run.
#[derive(Default)]
pub(crate) struct TileHasher(u64);

impl Hasher for TileHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i32(i32::from(*byte)));
    }

    fn write_i32(&mut self, value: i32) {
        self.0 = (self.0.rotate_left(23) ^ u64::from(value as u32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histogram_of_counts_knows_its_bins() {
        for count in (0..5000).chain([1 << 20, (1 << 20) + 12345, u32::MAX]) {
            let edge = CountHistogram::lower_edge(CountHistogram::bin(count));
            assert!(edge <= count && f64::from(count - edge) <= f64::from(count) / 16.0, "{count} {edge}");
        }
    }

    #[test]
    fn what_goes_back_step_by_step_leaves_an_empty_histogram() {
        let mut histogram = CountHistogram::default();
        (0..3000).for_each(|count| histogram.step(count));
        histogram.step(0);
        (1..=3000).rev().for_each(|count| histogram.step_back(count));
        assert_eq!((histogram.filled, histogram.pixels[1]), (1, 1));
        histogram.step_back(1);
        histogram.step_back(0);
        assert!(histogram.filled == 0 && histogram.pixels.iter().all(|pixels| *pixels == 0));
    }

    #[test]
    fn a_quantile_of_counts_is_a_rank_among_filled_pixels() {
        let mut histogram = CountHistogram::default();
        assert_eq!(histogram.quantile(0.997), 0);
        (0..99).for_each(|_| histogram.step(0));
        (0..7).for_each(|count| histogram.step(count));
        assert_eq!((histogram.quantile(0.99), histogram.quantile(0.995), histogram.quantile(0.0)), (1, 7, 1));
    }
}
