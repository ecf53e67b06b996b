//! Where one looks: regions in nm, tiles of a level, and which of them changed since a version.

use super::{LEVELS, LiveMap, TILE_PX};
use crate::units::Nm;

/// A region in nm from the corner of the first camera pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    pub x_min: Nm,
    pub y_min: Nm,
    pub x_max: Nm,
    pub y_max: Nm,
}

impl Viewport {
    /// The smallest region that holds both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            x_min: Nm(self.x_min.0.min(other.x_min.0)),
            y_min: Nm(self.y_min.0.min(other.y_min.0)),
            x_max: Nm(self.x_max.0.max(other.x_max.0)),
            y_max: Nm(self.y_max.0.max(other.y_max.0)),
        }
    }
}

/// Pixels of a level, from `x` and `y` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelBox {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

/// A tile of a level; tile (0, 0) starts at the corner of the first camera pixel. Ordered row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileIndex {
    pub y: i32,
    pub x: i32,
}

impl TileIndex {
    /// The tile that holds this pixel of its level.
    pub fn of_pixel(x: i32, y: i32) -> Self {
        Self { y: y >> TILE_PX.ilog2(), x: x >> TILE_PX.ilog2() }
    }

    /// The tile of the next level that covers this one.
    pub fn parent(self) -> Self {
        Self { y: self.y >> 1, x: self.x >> 1 }
    }
}

/// The pixel of a level of a map with this base pixel.
pub fn pixel_size(base: Nm, level: u32) -> Nm {
    Nm(base.0 * f64::from(1u32 << level.min(LEVELS - 1)))
}

/// The finest level from `finest` on whose pixel is not smaller than this; the last where none is.
pub fn level_for(base: Nm, finest: u32, pixel: Nm) -> u32 {
    // A hair of tolerance, so that 19.999999 nm computed by a client means 20 nm.
    let fits = |level: &u32| pixel_size(base, *level).0 >= pixel.0 * (1.0 - 1e-6);
    (finest..LEVELS).find(fits).unwrap_or(LEVELS - 1)
}

/// The region as whole pixels of a level, clipped to where localizations can be.
pub fn pixels(base: Nm, level: u32, viewport: &Viewport) -> PixelBox {
    let pixel = pixel_size(base, level).0;
    let limit = super::EXTENT_BASE_PX / f64::from(1u32 << level.min(LEVELS - 1));
    // Tolerant as above; NaN becomes 0.
    let low = |at: Nm| ((at.0 / pixel + 1e-6).floor().clamp(-limit, limit)) as i32;
    let high = |at: Nm| ((at.0 / pixel - 1e-6).ceil().clamp(-limit, limit)) as i32;
    let (x, y) = (low(viewport.x_min), low(viewport.y_min));
    PixelBox {
        x,
        y,
        width: high(viewport.x_max).saturating_sub(x).max(0) as u32,
        height: high(viewport.y_max).saturating_sub(y).max(0) as u32,
    }
}

impl LiveMap {
    /// The pixel of a level.
    pub fn pixel_size(&self, level: u32) -> Nm {
        pixel_size(self.settings().base_pixel, level)
    }

    /// The finest level still kept whose pixel is not smaller than this; the last where none is.
    pub fn level_for(&self, pixel: Nm) -> u32 {
        level_for(self.settings().base_pixel, self.folded(), pixel)
    }

    /// The region as whole pixels of a level, clipped to where localizations can be.
    pub fn pixels(&self, level: u32, viewport: &Viewport) -> PixelBox {
        pixels(self.settings().base_pixel, level, viewport)
    }

    /// Tiles of a level in this region (`None`: everywhere) that changed after `version`, row by row. With
    /// version 0: all tiles that hold something.
    pub fn changed_since(&self, level: u32, viewport: Option<&Viewport>, version: u64) -> Vec<TileIndex> {
        let inside = viewport.map(|viewport| {
            let PixelBox { x, y, width, height } = self.pixels(level, viewport);
            let last = TileIndex::of_pixel(x + width as i32 - 1, y + height as i32 - 1);
            (TileIndex::of_pixel(x, y), last)
        });
        let shows = |tile: &TileIndex| {
            inside.is_none_or(|(first, last)| {
                (first.x..=last.x).contains(&tile.x) && (first.y..=last.y).contains(&tile.y)
            })
        };
        let tiles = self.level(level).tiles();
        let changed = tiles.filter(|(index, tile)| tile.version() > version && shows(index));
        let mut changed: Vec<TileIndex> = changed.map(|(index, _)| index).collect();
        changed.sort_unstable();
        changed
    }

    /// When a tile of a level changed last; `None`: it holds nothing.
    pub fn tile_version(&self, level: u32, index: TileIndex) -> Option<u64> {
        self.level(level).tile(index).map(|tile| tile.version())
    }

    /// The region of all localizations, in whole base pixels; `None` when the map is empty.
    pub fn bounds(&self) -> Option<Viewport> {
        let ((x_min, y_min), (x_max, y_max)) = self.extent()?;
        let nm = |base_px: f64| Nm(base_px * self.settings().base_pixel.0);
        Some(Viewport { x_min: nm(x_min), y_min: nm(y_min), x_max: nm(x_max + 1.0), y_max: nm(y_max + 1.0) })
    }

    /// Localizations counted in a pixel of a level.
    pub fn count_at(&self, level: u32, x: i32, y: i32) -> u32 {
        let tile = self.level(level).tile(TileIndex::of_pixel(x, y));
        tile.map_or(0, |tile| tile.count_at(x, y))
    }
}
