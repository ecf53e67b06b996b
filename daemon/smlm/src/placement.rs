//! Where the tiles of a scan lie in its picture.
//!
//! In: where the stage stood, the pixel size affine, the grid. Out: the corner of a tile's first pixel, relative to
//! that of the series' first tile. Never: a better place than the stage's (by what they show tiles are
//! matched in `stitch`).

use crate::frame::{Shape, StagePosition, Tile};
use crate::series::{Grid, Overlap, SeriesInfo};
use crate::units::{Nm, PixelSize};

/// What a place is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PlacedBy {
    /// Nothing: every tile lies at 0.
    #[default]
    Nothing,
    Stage,
    /// Row and column, and the overlap that was asked for.
    Grid,
}

/// A tile's place in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Of its first pixel.
    pub corner: (Nm, Nm),
    pub by: PlacedBy,
}

impl Default for Placement {
    fn default() -> Self {
        Self { corner: (Nm(0.0), Nm(0.0)), by: PlacedBy::Nothing }
    }
}

/// A field of view of a series.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub shape: Shape,
    pub pixel: PixelSize,
}

/// Where a tile lies. `first` and `here`: where the stage stood at the first frames of the series' first tile and of
/// this one.
///
/// Micro-Manager's affine leads from pixels to µm of the stage: what lies `p` pixels beside the centre of a field
/// stands under the centre once the stage has moved by `A·p`. Without one, the stage's axes are taken for the image's.
pub fn place(
    info: &SeriesInfo,
    field: Field,
    tile: Tile,
    first: Option<StagePosition>,
    here: Option<StagePosition>,
) -> Placement {
    if let (Some(first), Some(here)) = (first, here) {
        let moved_um = (here.x_um - first.x_um, here.y_um - first.y_um);
        let corner = by_stage(info.affine.as_ref(), field.pixel, moved_um);
        return Placement { corner, by: PlacedBy::Stage };
    }
    match &info.grid {
        Some(grid) if grid.rows > 1 || grid.columns > 1 => {
            Placement { corner: by_grid(grid, field, tile), by: PlacedBy::Grid }
        }
        _ => Placement::default(),
    }
}

fn by_stage(affine: Option<&[f64; 6]>, pixel: PixelSize, (x_um, y_um): (f64, f64)) -> (Nm, Nm) {
    if let Some([a, b, _, c, d, _]) = affine {
        let area = a * d - b * c;
        if area.is_normal() {
            let (x_px, y_px) = ((d * x_um - b * y_um) / area, (a * y_um - c * x_um) / area);
            return (Nm(x_px * pixel.x.0), Nm(y_px * pixel.y.0));
        }
    }
    (Nm(x_um * 1e3), Nm(y_um * 1e3))
}

fn by_grid(grid: &Grid, field: Field, tile: Tile) -> (Nm, Nm) {
    let Field { shape, pixel } = field;
    let (width, height) = (f64::from(shape.width) * pixel.x.0, f64::from(shape.height) * pixel.y.0);
    let (overlap_x, overlap_y) = match grid.overlap {
        None => (0.0, 0.0),
        Some(Overlap::Um(x, y)) => (x * 1e3, y * 1e3),
        Some(Overlap::Px(x, y)) => (x * pixel.x.0, y * pixel.y.0),
        Some(Overlap::Percent(x, y)) => (x / 100.0 * width, y / 100.0 * height),
    };
    // An overlap as large as the field would lay all tiles on one place.
    let step = |side: f64, overlap: f64| (side - overlap).max(side / 10.0);
    let x = f64::from(tile.column) * step(width, overlap_x);
    let y = f64::from(tile.row) * step(height, overlap_y);
    (Nm(x), Nm(y))
}

/// Where tiles that nobody has seen yet will lie, from where others of the grid lie.
#[derive(Clone, Copy, Debug)]
pub struct Lattice {
    from: (Tile, (Nm, Nm)),
    per_column: (f64, f64),
    per_row: (f64, f64),
}

impl Lattice {
    /// From tiles that lie where their stage stood; a direction of which there is only one row or column is the grid's.
    /// `None` without a tile.
    pub fn through(known: &[(Tile, (Nm, Nm))], grid: &Grid, field: Field) -> Option<Self> {
        let &(first, at) = known.first()?;
        let (dx, dy) = by_grid(grid, field, Tile { index: 0, row: 1, column: 1 });
        let apart = |to: (Nm, Nm)| (to.0.0 - at.0.0, to.1.0 - at.1.0);
        let steps = |from: u32, to: u32| f64::from(to) - f64::from(from);
        let beside = known.iter().rfind(|(tile, _)| tile.row == first.row && tile.column != first.column);
        let per_column = beside.map_or((dx.0, 0.0), |(tile, to)| {
            let ((x, y), n) = (apart(*to), steps(first.column, tile.column));
            (x / n, y / n)
        });
        let below = known.iter().rfind(|(tile, _)| tile.row != first.row);
        let per_row = below.map_or((0.0, dy.0), |(tile, to)| {
            let ((x, y), n) = (apart(*to), steps(first.row, tile.row));
            let columns = steps(first.column, tile.column);
            ((x - columns * per_column.0) / n, (y - columns * per_column.1) / n)
        });
        Some(Self { from: (first, at), per_column, per_row })
    }

    pub fn place(&self, tile: Tile) -> Placement {
        let (first, (x, y)) = self.from;
        let columns = f64::from(tile.column) - f64::from(first.column);
        let rows = f64::from(tile.row) - f64::from(first.row);
        let at = |from: f64, per_column: f64, per_row: f64| Nm(from + columns * per_column + rows * per_row);
        let corner = (at(x.0, self.per_column.0, self.per_row.0), at(y.0, self.per_column.1, self.per_row.1));
        Placement { corner, by: PlacedBy::Grid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Field =
        Field { shape: Shape { width: 512, height: 256 }, pixel: PixelSize { x: Nm(100.0), y: Nm(100.0) } };

    fn stage(x_um: f64, y_um: f64) -> Option<StagePosition> {
        Some(StagePosition { x_um, y_um, ..StagePosition::default() })
    }

    fn tile(row: u32, column: u32) -> Tile {
        Tile { index: 7, row, column }
    }

    fn corner(placement: Placement) -> (f64, f64) {
        (placement.corner.0.0, placement.corner.1.0)
    }

    #[test]
    fn tiles_lie_where_the_stage_stood_relative_to_the_first() {
        let placed =
            place(&SeriesInfo::default(), FIELD, tile(3, 2), stage(1000.0, -50.0), stage(1040.0, -55.0));
        assert_eq!((corner(placed), placed.by), ((40_000.0, -5_000.0), PlacedBy::Stage));
    }

    #[test]
    fn the_affine_turns_stage_axes_into_image_axes() {
        // The camera is turned by a quarter: columns run along the stage's -y, rows along its x.
        let info = SeriesInfo { affine: Some([0.0, 0.1, 5.0, -0.1, 0.0, 9.0]), ..SeriesInfo::default() };
        let placed = place(&info, FIELD, tile(0, 0), stage(0.0, 0.0), stage(20.0, -30.0));
        let (x, y) = corner(placed);
        assert!((x - 30_000.0).abs() < 1e-6 && (y - 20_000.0).abs() < 1e-6, "{placed:?}");
    }

    #[test]
    fn an_affine_that_cannot_be_inverted_counts_as_none() {
        let info = SeriesInfo { affine: Some([0.0; 6]), ..SeriesInfo::default() };
        assert_eq!(
            corner(place(&info, FIELD, tile(0, 0), stage(0.0, 0.0), stage(1.0, 2.0))),
            (1000.0, 2000.0)
        );
    }

    #[test]
    fn without_a_stage_rows_and_columns_lay_the_tiles_out() {
        let grid = Grid { rows: 4, columns: 4, overlap: Some(Overlap::Um(1.0, 1.0)), snake: true };
        let info = SeriesInfo { grid: Some(grid), ..SeriesInfo::default() };
        let placed = place(&info, FIELD, tile(1, 2), None, stage(3.0, 3.0));
        assert_eq!((corner(placed), placed.by), ((100_400.0, 24_600.0), PlacedBy::Grid));
    }

    #[test]
    fn without_stage_and_grid_everything_lies_at_0() {
        assert_eq!(place(&SeriesInfo::default(), FIELD, tile(1, 2), None, None), Placement::default());
    }

    #[test]
    fn tiles_to_come_lie_in_the_lattice_of_those_that_are_there() {
        let grid = Grid { rows: 3, columns: 3, overlap: Some(Overlap::Um(1.0, 1.0)), snake: false };
        // The rows run upwards, and the camera is turned a little.
        let at = |row: u32, column: u32| {
            let (row, column) = (f64::from(row), f64::from(column));
            (Nm(50_000.0 * column + 300.0 * row), Nm(-300.0 * column - 24_000.0 * row))
        };
        let known = [(0, 0), (0, 1), (1, 1)].map(|(row, column)| (tile(row, column), at(row, column)));
        let lattice = Lattice::through(&known, &grid, FIELD).expect("there are tiles");
        let (x, y) = corner(lattice.place(tile(2, 2)));
        assert!((x - 100_600.0).abs() < 1e-6 && (y + 48_600.0).abs() < 1e-6, "{x} {y}");
        let alone = Lattice::through(&known[..1], &grid, FIELD).expect("there is a tile");
        assert_eq!(corner(alone.place(tile(1, 2))), (100_400.0, 24_600.0));
        assert!(Lattice::through(&[], &grid, FIELD).is_none());
    }
}
