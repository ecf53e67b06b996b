//! What can go wrong with a data set: file, problem, remedy.

use std::path::PathBuf;

use super::{Region, TableError};

/// Why a data set cannot be made, opened, written or asked.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum DatasetError {
    /// The file system, a full disk among it.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("{}: the folder is not empty; open the data set in it, or choose another folder", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{}: no data set of a scan (neither folders tile=... in it nor an .index.json beside it); create one", path.display())]
    NotADataset { path: PathBuf },
    #[error("{}: more than the {limit} tiles allowed; begin another data set", path.display())]
    TooManyTiles { path: PathBuf, limit: usize },
    #[error("{}: {rows} rows are more than the {limit} allowed in a tile; merge or filter them first", path.display())]
    TooManyRows { path: PathBuf, rows: usize, limit: usize },
    #[error("{}: {what}: {why}; correct it and write the tile again", path.display())]
    BadPart { path: PathBuf, what: &'static str, why: String },
    #[error("{}: localization {row} is at x {x_px} px, y {y_px} px, which is no place; leave it out and write the tile again", path.display())]
    BadRow { path: PathBuf, row: usize, x_px: f32, y_px: f32 },
    #[error("{}: a region from x {} to {} nm, y {} to {} nm ends before it begins; swap the ends",
            path.display(), region.x.0.0, region.x.1.0, region.y.0.0, region.y.1.0)]
    BadRegion { path: PathBuf, region: Region },
    #[error("{}: no tile {tile}; ask for one of those that it lists", path.display())]
    NoTile { path: PathBuf, tile: u32 },
    #[error("{}: cannot be read ({why}); write this tile again, or take its folder away", path.display())]
    Broken { path: PathBuf, why: String },
    #[error("{}: the tile is safe, but not yet in the index ({cause}); make room and write the next tile, or open the \
             data set again", path.display())]
    Index { path: PathBuf, cause: Box<DatasetError> },
}
