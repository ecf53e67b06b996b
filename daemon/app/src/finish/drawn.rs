//! Which tiles are in the growing picture.
//!
//! In: tiles that were drawn; the word that the picture is on disk. Out: a line per tile in `drawn.jsonl`; all of them
//! again after a restart. Never: a line before the tile's pixels are safe.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use smlm::frame::{Shape, Tile};
use smlm::units::{Nm, PixelSize};

use super::canvas::Spot;
use crate::store::lines::Lines;

const FILE: &str = "drawn.jsonl";

/// The list.
pub struct Drawn {
    /// Tiles on disk, with the first frame of the visit that was drawn.
    known: HashSet<(u32, u64)>,
    file: Lines<Line>,
    waiting: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    tile: u32,
    row: u32,
    column: u32,
    first_seq: u64,
    corner_nm: (f64, f64),
    shape_px: (u32, u32),
    pixel_nm: (f64, f64),
}

impl Drawn {
    /// The list of a folder, and the places of the tiles in it. A torn line costs its tile: it is drawn again.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(folder: &Path) -> anyhow::Result<(Self, Vec<Spot>)> {
        let (file, lines) = Lines::<Line>::open(folder.join(FILE))?;
        let known = lines.iter().map(|line| (line.tile, line.first_seq)).collect();
        Ok((Self { known, file, waiting: Vec::new() }, lines.iter().map(Line::spot).collect()))
    }

    /// Whether this visit of a tile is safe.
    pub fn has(&self, tile: Tile, first_seq: u64) -> bool {
        self.known.contains(&(tile.index, first_seq))
    }

    /// Remembers a tile whose pixels wait to be written.
    pub fn add(&mut self, spot: &Spot, first_seq: u64) {
        self.waiting.push(Line::of(spot, first_seq));
    }

    /// All pixels are on disk.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&mut self) -> anyhow::Result<()> {
        for line in std::mem::take(&mut self.waiting) {
            self.file.append(&line)?;
            self.known.insert((line.tile, line.first_seq));
        }
        Ok(())
    }
}

impl Line {
    fn of(spot: &Spot, first_seq: u64) -> Self {
        Self {
            tile: spot.tile.index,
            row: spot.tile.row,
            column: spot.tile.column,
            first_seq,
            corner_nm: (spot.corner.0.0, spot.corner.1.0),
            shape_px: (spot.shape.width, spot.shape.height),
            pixel_nm: (spot.pixel.x.0, spot.pixel.y.0),
        }
    }

    fn spot(&self) -> Spot {
        Spot {
            tile: Tile { index: self.tile, row: self.row, column: self.column },
            corner: (Nm(self.corner_nm.0), Nm(self.corner_nm.1)),
            shape: Shape { width: self.shape_px.0, height: self.shape_px.1 },
            pixel: PixelSize { x: Nm(self.pixel_nm.0), y: Nm(self.pixel_nm.1) },
        }
    }
}
