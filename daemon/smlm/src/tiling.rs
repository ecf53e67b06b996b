//! How a large field is cut into tiles that a network sees one by one, with the result of the whole.
//!
//! In: the field's shape, the part of a tile that counts, the network's halo and grid. Out: rectangles.
//! Never: pixels.
//!
//! Every pixel of the field lies in exactly one tile's *core*; the tile's *input* is larger. An output pixel
//! of the network depends on inputs at most `halo_px` away, and whether a maximum becomes a localization
//! depends on output pixels at most [`NEIGHBOURHOOD_PX`] away: the 3 x 3 maximum and the plus-shaped sum of
//! [`crate::localize`] both read the same probability map, so their reaches do not add up. An input that
//! extends `halo_px + NEIGHBOURHOOD_PX` beyond its core on each side, or to the border of the padded field,
//! therefore decides every maximum in the core as the whole field would. Inputs begin and end on the grid,
//! so that pooling meets the same pixels, and all have the same shape, so that they fit one batch and one
//! compiled graph.

use crate::frame::Shape;

/// How far post-processing looks around a pixel of the network's output.
pub const NEIGHBOURHOOD_PX: u32 = 1;

/// Largest side of a field.
pub const MAX_SIDE_PX: u32 = 65_536;

/// A rectangle of pixels; `row` and `column` are its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    pub row: u32,
    pub column: u32,
    pub height: u32,
    pub width: u32,
}

impl Rect {
    /// The whole of a field.
    pub const fn whole(shape: Shape) -> Self {
        Self { row: 0, column: 0, height: shape.height, width: shape.width }
    }

    pub const fn end_row(&self) -> u32 {
        self.row + self.height
    }

    pub const fn end_column(&self) -> u32 {
        self.column + self.width
    }

    pub const fn shape(&self) -> Shape {
        Shape { width: self.width, height: self.height }
    }
}

/// A part of a field; both rectangles in pixels of the field, whose padding is at the bottom and the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What the network sees; may reach into the padding.
    pub input: Rect,
    /// Whose maxima count; within the field.
    pub core: Rect,
}

impl Tile {
    /// The core in pixels of the input.
    pub const fn core_in_input(&self) -> Rect {
        Rect {
            row: self.core.row - self.input.row,
            column: self.core.column - self.input.column,
            ..self.core
        }
    }
}

/// A field that cannot be cut as asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TilingError {
    #[error("a field of {width} x {height} px cannot be tiled: each side must be 1 to {MAX_SIDE_PX} px")]
    Field { width: u32, height: u32 },
    #[error("{name} is {value} px; it must be {least} to {MAX_SIDE_PX} px")]
    Setting { name: &'static str, value: u32, least: u32 },
}

/// The cut of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    rows: Axis,
    columns: Axis,
}

impl Tiling {
    /// `core_px` is rounded up to the grid; `halo_px` is the network's (the card's), without
    /// [`NEIGHBOURHOOD_PX`].
    pub fn new(shape: Shape, core_px: u32, halo_px: u32, grid_px: u32) -> Result<Self, TilingError> {
        let within = |value: u32, least: u32| (least..=MAX_SIDE_PX).contains(&value);
        if !within(shape.width, 1) || !within(shape.height, 1) {
            return Err(TilingError::Field { width: shape.width, height: shape.height });
        }
        for (name, value, least) in
            [("core_px", core_px, 1), ("halo_px", halo_px, 0), ("grid_px", grid_px, 1)]
        {
            if !within(value, least) {
                return Err(TilingError::Setting { name, value, least });
            }
        }
        let cut = |side| Axis::new(side, core_px, halo_px + NEIGHBOURHOOD_PX, grid_px);
        Ok(Self { rows: cut(shape.height), columns: cut(shape.width) })
    }

    /// Number of tiles.
    pub const fn tiles(&self) -> usize {
        self.rows.count() as usize * self.columns.count() as usize
    }

    /// The shape of every tile's input.
    pub const fn input_shape(&self) -> Shape {
        Shape { width: self.columns.input, height: self.rows.input }
    }

    /// The tiles, row by row.
    pub fn iter(&self) -> impl Iterator<Item = Tile> + use<> {
        let Self { rows, columns } = *self;
        (0..rows.count()).flat_map(move |i| {
            (0..columns.count()).map(move |j| {
                let ((row, height), (column, width)) = (rows.core(i), columns.core(j));
                let core = Rect { row, column, height, width };
                let input = Rect {
                    row: rows.input_start(i),
                    column: columns.input_start(j),
                    height: rows.input,
                    width: columns.input,
                };
                Tile { input, core }
            })
        })
    }
}

/// The field as the network must get it: each side rounded up to the grid, the padding at the bottom and the
/// right. `None` where a side is 0, the grid is 0, or the result exceeds [`MAX_SIDE_PX`].
pub fn padded(shape: Shape, grid_px: u32) -> Option<Shape> {
    let side = |side: u32| side.checked_next_multiple_of(grid_px).filter(|s| (1..=MAX_SIDE_PX).contains(s));
    Some(Shape { width: side(shape.width)?, height: side(shape.height)? })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    side: u32,
    padded: u32,
    core: u32,
    halo: u32,
    input: u32,
}

impl Axis {
    /// All arguments are at most [`MAX_SIDE_PX`] + 1, so no sum here overflows.
    fn new(side: u32, core: u32, halo: u32, grid: u32) -> Self {
        let (padded, core) = (side.next_multiple_of(grid), core.next_multiple_of(grid));
        let halo = halo.next_multiple_of(grid);
        Self { side, padded, core, halo, input: (core + 2 * halo).min(padded) }
    }

    const fn count(&self) -> u32 {
        self.side.div_ceil(self.core)
    }

    /// First pixel and length.
    fn core(&self, index: u32) -> (u32, u32) {
        let start = index * self.core;
        (start, self.core.min(self.side - start))
    }

    /// At the borders the input is moved inward instead of being made smaller.
    fn input_start(&self, index: u32) -> u32 {
        (index * self.core).saturating_sub(self.halo).min(self.padded - self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn shape(width: u32, height: u32) -> Shape {
        Shape { width, height }
    }

    #[test]
    fn cores_cover_every_pixel_once_and_inputs_hold_all_that_a_core_depends_on() {
        let mut dice = StdRng::seed_from_u64(1);
        for _ in 0..300 {
            let field = shape(dice.random_range(1..200), dice.random_range(1..200));
            let grid = [1, 4, 8][dice.random_range(0..3)];
            let (core, halo) = (dice.random_range(1..90), dice.random_range(0..50));
            let tiling = Tiling::new(field, core, halo, grid).unwrap();
            let whole = padded(field, grid).unwrap();
            let mut covered = vec![0u8; field.pixels()];
            for tile in tiling.iter() {
                let Tile { input, core } = tile;
                assert_eq!(input.shape(), tiling.input_shape());
                for edge in [input.row, input.column, input.end_row(), input.end_column()] {
                    assert_eq!(edge % grid, 0);
                }
                let reach = halo + NEIGHBOURHOOD_PX;
                assert!(input.row <= core.row.saturating_sub(reach));
                assert!(input.column <= core.column.saturating_sub(reach));
                assert!(input.end_row() >= (core.end_row() + reach).min(whole.height));
                assert!(input.end_column() >= (core.end_column() + reach).min(whole.width));
                assert!(input.end_row() <= whole.height && input.end_column() <= whole.width);
                for row in core.row..core.end_row() {
                    for column in core.column..core.end_column() {
                        covered[(row * field.width + column) as usize] += 1;
                    }
                }
            }
            assert!(covered.iter().all(|&times| times == 1), "{field:?} {core} {halo} {grid}");
            assert_eq!(tiling.iter().count(), tiling.tiles());
        }
    }

    #[test]
    fn a_field_smaller_than_a_tile_is_one_tile() {
        let tiling = Tiling::new(shape(60, 30), 256, 44, 8).unwrap();
        let tiles: Vec<_> = tiling.iter().collect();
        assert_eq!(tiles.len(), 1);
        assert_eq!(tiles[0].input.shape(), shape(64, 32));
        assert_eq!(tiles[0].core, Rect::whole(shape(60, 30)));
    }

    #[test]
    fn decodes_receptive_field_of_44_px_needs_48_px_on_its_grid() {
        let tiles: Vec<_> = Tiling::new(shape(512, 512), 128, 44, 8).unwrap().iter().collect();
        assert_eq!(tiles.len(), 16);
        let inner = tiles[5];
        assert_eq!(inner.core_in_input(), Rect { row: 48, column: 48, height: 128, width: 128 });
        assert_eq!(inner.input.shape(), shape(224, 224));
    }

    #[test]
    fn impossible_settings_are_refused_by_name() {
        assert_eq!(Tiling::new(shape(0, 8), 8, 0, 8), Err(TilingError::Field { width: 0, height: 8 }));
        let text = Tiling::new(shape(8, 8), 8, 0, 0).unwrap_err().to_string();
        assert!(text.contains("grid_px"), "{text}");
        assert!(Tiling::new(shape(8, 8), u32::MAX, 0, 8).is_err());
        assert!(Tiling::new(shape(u32::MAX, 8), 8, 0, 8).is_err());
        assert_eq!(padded(shape(65, 64), 8), Some(shape(72, 64)));
        assert_eq!(padded(shape(65, 64), 0), None);
        assert_eq!(padded(shape(u32::MAX, 64), 8), None);
    }
}
