//! Where the tiles of a finished scan lie, and what became of each seam, on disk.
//!
//! In: places and seams, once the scan is over. Out: `scan/layout.json`, and the same after a restart. Never: half a file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use smlm::stitch::{PlacedFrom, Solution, Stitcher};
use smlm::units::Nm;

use super::record;
use crate::files;
use crate::live::{Book, Fate, Placed, SeamFate, Seams};

const FILE: &str = "layout.json";

#[derive(Serialize, Deserialize)]
pub struct Layout {
    /// Root mean square at the seams that count.
    residual_nm: Option<f64>,
    tiles: Vec<TileLine>,
    seams: Vec<SeamFate>,
}

#[derive(Serialize, Deserialize)]
struct TileLine {
    tile: u32,
    /// Minus the stage's place, x and y.
    moved_nm: (f64, f64),
    /// Else by the stage, with the tiles beside it.
    by_seams: bool,
}

/// What became of each overlap, by the places that all of them give.
pub fn seams(stitcher: &Stitcher, solution: &Solution) -> Seams {
    let found = solution.seams.iter().map(|one| {
        let fate = Fate::Measured { residual_nm: one.off_nm, sd_nm: one.seam.sd_nm, rejected: one.rejected };
        SeamFate { a: one.seam.a, b: one.seam.b, fate }
    });
    let apart = stitcher.apart().iter();
    let without = apart.map(|one| SeamFate { a: one.a, b: one.b, fate: Fate::Without(one.why.to_string()) });
    Seams { each: found.chain(without).collect(), residual: solution.residual_rms() }
}

impl Layout {
    /// What the book says.
    pub fn of(book: &Book) -> Self {
        let tile = |(tile, placed): (&u32, &Placed)| TileLine {
            tile: *tile,
            moved_nm: (placed.moved.0.0, placed.moved.1.0),
            by_seams: placed.from == PlacedFrom::Seams,
        };
        Self {
            residual_nm: book.seams.residual.map(|nm| nm.0),
            tiles: book.places().iter().map(tile).collect(),
            seams: book.seams.each.to_vec(),
        }
    }

    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, series_folder: &Path) -> anyhow::Result<()> {
        let path = record::folder(series_folder).join(FILE);
        files::put(&path, &serde_json::to_vec(self)?).map(drop)
    }
}

/// Into the book of a scan of an earlier run; nothing where there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn reopen(series_folder: &Path, book: &mut Book) -> anyhow::Result<()> {
    let path = record::folder(series_folder).join(FILE);
    if !path.is_file() {
        return Ok(());
    }
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let layout: Layout = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a layout; without it the scan shows no seams", path.display()))?;
    let place = |line: &TileLine| {
        let from = if line.by_seams { PlacedFrom::Seams } else { PlacedFrom::Stage };
        (line.tile, Placed { moved: (Nm(line.moved_nm.0), Nm(line.moved_nm.1)), from })
    };
    let places: BTreeMap<u32, Placed> = layout.tiles.iter().map(place).collect();
    book.set_places(places, Seams { each: layout.seams.into(), residual: layout.residual_nm.map(Nm) });
    Ok(())
}
