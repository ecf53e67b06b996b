//! The growing picture's data: a sparse pyramid of counts, Gaussians and colour sums.
//!
//! In: localizations. Out: levels of pixels, and which tiles changed since a version. Level 0 has the base
//! pixel, each level above doubles it; every level is kept up to date as localizations come, so adding costs
//! O(new), drawing O(changed), and folding the finest level away loses no count. Never: colours, files, clocks.

mod accumulate;
mod level;
mod splat;
mod spread;
#[cfg(test)]
mod tests;
mod view;

pub use level::{BLOCK_PX, Colours, TILE_PX};
pub use view::{PixelBox, TileIndex, Viewport, level_for, pixel_size, pixels};

use crate::units::Nm;
use accumulate::Piece;
use level::Level;
pub(crate) use level::{Block, ColourSum, Tile};
use spread::Spread;

/// Levels of the pyramid; the pixel of the last is `2^12` base pixels (41 µm for 10 nm).
pub const LEVELS: u32 = 13;
/// Localizations further than this from the origin are rejected (21 mm for a base pixel of 10 nm).
pub const EXTENT_BASE_PX: f64 = (1u32 << 21) as f64;
/// Above this pixel size a Gaussian and a count look the same; pictures of such levels are drawn from counts.
pub const GAUSSIAN_PIXEL_MAX: Nm = Nm(160.0);
/// The first level that keeps colours; finer ones take the hue of the pixel above.
pub(crate) const COLOURS_FROM: u32 = 1;
/// The coarsest levels always fit into this.
pub const MIN_BYTES: usize = 64 << 20;

/// What is kept beside the counts (4 bytes per pixel of the blocks that are touched).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Each localization spread over its own σ: 4 bytes per pixel.
    pub gaussian: bool,
    /// Means of z, time and σ: 16 bytes per pixel, from level 1 on. Hue is kept at half the resolution of
    /// brightness: nobody sees the difference, and most of the memory is saved.
    pub colours: bool,
}

impl Layers {
    pub const NONE: Self = Self { gaussian: false, colours: false };
    pub const ALL: Self = Self { gaussian: true, colours: true };
}

/// What the map is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapSettings {
    /// Pixel of level 0.
    pub base_pixel: Nm,
    /// Never exceeded: before it would be, the finest level is folded into the next.
    pub max_bytes: usize,
    pub layers: Layers,
}

impl Default for MapSettings {
    fn default() -> Self {
        Self { base_pixel: Nm(10.0), max_bytes: 1 << 30, layers: Layers::ALL }
    }
}

/// Why a map cannot be made.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MapError {
    #[error("base_pixel must be a length of 0.1 to 10000 nm, not {0} nm")]
    BasePixel(f64),
    #[error("max_bytes must be at least {MIN_BYTES} for the coarsest levels to fit, not {0}")]
    MaxBytes(usize),
}

/// The map of one series, or of one field of view.
pub struct LiveMap {
    settings: MapSettings,
    levels: Vec<Level>,
    /// The finest level that is still kept.
    finest: u32,
    /// Levels below this one hold Gaussians.
    gaussian_end: u32,
    piece: Piece,
    spread: Spread,
    localizations: u64,
    rejected: u64,
    bytes: usize,
    version: u64,
    generation: u64,
}

impl LiveMap {
    /// An empty map. Errors: a pixel or a limit that makes no sense.
    pub fn new(settings: MapSettings) -> Result<Self, MapError> {
        let base = settings.base_pixel.0;
        if !(0.1..=10_000.0).contains(&base) {
            return Err(MapError::BasePixel(base));
        }
        if settings.max_bytes < MIN_BYTES {
            return Err(MapError::MaxBytes(settings.max_bytes));
        }
        let gaussian = |level: &u32| base * f64::from(1u32 << level) <= GAUSSIAN_PIXEL_MAX.0;
        let gaussian_end =
            if settings.layers.gaussian { (0..LEVELS).take_while(gaussian).count() } else { 0 };
        Ok(Self {
            settings,
            levels: (0..LEVELS).map(|_| Level::default()).collect(),
            finest: 0,
            gaussian_end: gaussian_end as u32,
            piece: Piece::new(),
            spread: Spread::default(),
            localizations: 0,
            rejected: 0,
            bytes: 0,
            version: 0,
            generation: 0,
        })
    }

    /// Localizations in the map: the sum of counts of every level that is kept.
    pub fn localizations(&self) -> u64 {
        self.localizations
    }

    /// Localizations that were not finite or absurdly far away.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// How often the finest level was given up for want of memory; also the number of the finest level left.
    pub fn folded(&self) -> u32 {
        self.finest
    }

    /// Bytes of pixels and tables in use.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rises with every change; a viewer keeps the one it has drawn.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Rises when viewers must forget their tiles: cleared, rebuilt or folded.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn settings(&self) -> &MapSettings {
        &self.settings
    }

    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }

    /// Lowest and highest position in whole base pixels.
    pub(crate) fn extent(&self) -> Option<((f64, f64), (f64, f64))> {
        (self.localizations > 0).then(|| self.spread.positions())
    }

    pub(crate) fn level(&self, level: u32) -> &Level {
        &self.levels[level.clamp(self.finest, LEVELS - 1) as usize]
    }

    /// Whether this level's Gaussian pictures are drawn from Gaussians; coarser ones are drawn from counts.
    pub fn has_gaussian(&self, level: u32) -> bool {
        (self.finest..self.gaussian_end).contains(&level)
    }
}
