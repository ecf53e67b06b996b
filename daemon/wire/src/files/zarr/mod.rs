//! A mosaic's picture as OME-Zarr 0.5 (Zarr version 3): sharded, compressed with zstd, with a pyramid of halves.
//!
//! In: values, region by region, in any order and as they come. Out: a folder that others open at any time, and views of
//! it. Never: a shard that is half there under its name; more shards in memory than were allowed; a thread (zarrs would
//! make some, it is told not to).
//!
//! ```text
//! scan.ome.zarr/zarr.json          what the picture is: axes, pixel, place, windows (`metadata.rs`)
//!               0/zarr.json        the full picture: shards of 2048 x 2048 px, in them chunks of 512 x 512
//!               0/c/3/7            a shard by row and column; absent where there is nothing
//!               1/…                half of it, and so on until it fits 1024 px
//! ```
//!
//! Specifications: zarr-specs.readthedocs.io (v3, `sharding_indexed`), ngff.openmicroscopy.org/0.5.

mod levels;
mod metadata;
mod reader;
mod shard;
mod storage;
mod value;
mod writer;

use std::path::{Path, PathBuf};

use smlm::units::Nm;

pub use reader::MosaicReader;
pub use value::Value;
pub use writer::MosaicWriter;

/// Levels stop when both sides are this short.
pub const COARSEST_PX: u64 = 1024;
/// A longer side is refused: 80 mm at 20 nm.
pub const SIDE_MAX_PX: u64 = 4_000_000;
pub const CHANNELS_MAX: usize = 32;
/// Values of one view.
pub const VIEW_MAX: u64 = 64 << 20;

/// What four pixels of a level become in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reduce {
    /// For counts. Integers stay at their largest.
    #[default]
    Sum,
    /// For pictures; integers are rounded.
    Mean,
}

/// How a channel is shown at first.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub label: String,
    pub colour: [u8; 3],
    /// Values that are black and full colour.
    pub window: (f64, f64),
}

/// What a mosaic's picture is.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    pub name: String,
    /// In pixels.
    pub width: u64,
    pub height: u64,
    /// Side of a pixel in the sample.
    pub pixel: Nm,
    /// Of the first pixel, x and y.
    pub corner: (Nm, Nm),
    /// Without any the picture has one channel that nothing is said of, and the axes y and x; one channel has these
    /// too, more the axes c, y and x.
    pub channels: Vec<Channel>,
    pub reduce: Reduce,
}

/// How it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Side of a shard, which is a file, in pixels; a multiple of twice `chunk_px`.
    pub shard_px: u32,
    /// Side of what is compressed, and read, by itself.
    pub chunk_px: u32,
    pub zstd_level: i32,
    /// For shards that wait to be written; at least two are held. On top come a shard's compressed form and, a quarter
    /// of a shard for each level, what its flushing changes above.
    pub cache_bytes: usize,
}

impl Default for Layout {
    /// A scan row by row comes back to the shards that the border between two rows of tiles cuts, so they must still be
    /// there: of 33 tiles of 2765 px 370 MB of shards of 2048 px, which fit, or 740 MB of shards of 4096 px, which do not
    /// fit beside those of the row itself. Then each is written again with most tiles, and all takes five times as long
    /// (`examples/gigapixels`).
    fn default() -> Self {
        Self { shard_px: 2048, chunk_px: 512, zstd_level: 1, cache_bytes: 768 << 20 }
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub x: u64,
    pub y: u64,
    pub width: u64,
    pub height: u64,
}

/// A level of the pyramid; 0 is the full picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    pub width: u64,
    pub height: u64,
    pub pixel: Nm,
}

/// Why a mosaic cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum ZarrError {
    #[error("{}: there is something already; choose another name, or open it", .0.display())]
    Exists(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Zarr { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{} is no mosaic of ours: {why}", path.display())]
    Foreign { path: PathBuf, why: String },
    #[error("a mosaic cannot be stored so: {0}")]
    Layout(String),
    #[error("{region:?} lies outside of {width} x {height} px and {channels} channels (channel {channel})")]
    Outside { region: Region, width: u64, height: u64, channel: usize, channels: usize },
    #[error("there is no level {level}, only {levels}")]
    NoLevel { level: usize, levels: usize },
    #[error("a region of {needed} values was given {given}")]
    WrongSize { needed: u64, given: usize },
    #[error("a view of {0} values is larger than {VIEW_MAX}; take a coarser level")]
    TooLarge(u64),
    #[error("its values are {is}, not {asked}")]
    WrongType { is: String, asked: &'static str },
}

impl ZarrError {
    fn zarr(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Zarr { path: path.to_owned(), source: Box::new(source) }
    }

    fn foreign(path: &Path, why: impl Into<String>) -> Self {
        Self::Foreign { path: path.to_owned(), why: why.into() }
    }
}

impl About {
    fn channel_count(&self) -> usize {
        self.channels.len().max(1)
    }

    fn check(&self) -> Result<(), ZarrError> {
        let side = 1..=SIDE_MAX_PX;
        let problem = if !side.contains(&self.width) || !side.contains(&self.height) {
            format!("sides of {} x {} px are not between 1 and {SIDE_MAX_PX}", self.width, self.height)
        } else if self.channels.len() > CHANNELS_MAX {
            format!("{} channels are more than {CHANNELS_MAX}", self.channels.len())
        } else if !(self.pixel.0.is_finite() && self.pixel.0 > 0.0) {
            format!("a pixel of {} nm", self.pixel.0)
        } else if !(self.corner.0.0.is_finite() && self.corner.1.0.is_finite()) {
            format!("a corner at {:?}", self.corner)
        } else {
            return Ok(());
        };
        Err(ZarrError::Layout(problem))
    }

    /// The pyramid, from the full picture on.
    fn levels(&self) -> Vec<Level> {
        let mut levels = vec![Level { width: self.width, height: self.height, pixel: self.pixel }];
        while let Some(last) = levels.last().copied().filter(|l| l.width.max(l.height) > COARSEST_PX) {
            let (width, height) = (last.width.div_ceil(2), last.height.div_ceil(2));
            levels.push(Level { width, height, pixel: Nm(last.pixel.0 * 2.0) });
        }
        levels
    }
}

impl Layout {
    fn check(&self) -> Result<(), ZarrError> {
        let (shard, chunk) = (self.shard_px, self.chunk_px);
        if !(16..=16_384).contains(&shard) || chunk < 8 || !shard.is_multiple_of(chunk.saturating_mul(2)) {
            let why = format!("a shard of {shard} px is not 16 to 16384, and a multiple of twice {chunk} px");
            return Err(ZarrError::Layout(why));
        }
        if !(1..=19).contains(&self.zstd_level) {
            return Err(ZarrError::Layout(format!("zstd has no level {}", self.zstd_level)));
        }
        Ok(())
    }
}

impl Region {
    /// Number of pixels, if it lies within; the sides of a region of a stranger may be any number.
    fn within(&self, width: u64, height: u64) -> Option<u64> {
        let right = self.x.checked_add(self.width)?;
        let bottom = self.y.checked_add(self.height)?;
        (right <= width && bottom <= height).then(|| self.width * self.height)
    }
}
