//! A scan's picture and data set, put together tile by tile and once more at the end.
//!
//! In: finished tiles, where they lie so far and where they lie at last. Out: files under `<series>/scan`. Never: a tile
//! that counts as drawn before its part of the picture is on disk; a mosaic under its name that is not whole.
//!
//! ```text
//! mosaic.growing.ome.zarr  while tiles come: as large as the grid to all sides, since nobody knows yet where it leads
//! mosaic.ome.zarr          all tiles at their final places; made at the end, whole or not there
//! localizations.parquet    a file per tile
//! drawn.jsonl              tiles whose part of the growing picture is on disk
//! widefield.ome.zarr, …    the same of each layer (`layer.rs`)
//! ```
//!
//! Places are on the stage, x and y in nm, along the camera's axes: of a camera that is turned against the stage, or
//! mirrored, they agree with the stage at the middle of the first field only, and the tables' notes hold the affine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use smlm::frame::Tile;
use smlm::localization::Localization;
use smlm::series::SeriesInfo;
use smlm::stitch::Seam;
use smlm::units::Nm;
use wire::files::tables::dataset::{Dataset, TilePart};

use super::canvas::{Canvas, Content, Extent, Spot, in_bands};
use super::drawn::Drawn;
use super::layer::{Layer, remove};

const GROWING: &str = "mosaic.growing.ome.zarr";
/// The whole picture.
pub const MOSAIC: &str = "mosaic.ome.zarr";
/// The localizations of all tiles.
pub const TABLE: &str = "localizations.parquet";
/// Between two times at which readers see what was drawn since.
const FLUSH: Duration = Duration::from_secs(10);
/// For shards of the growing picture that wait to be written.
const GROWING_BYTES: usize = 192 << 20;
/// The same of the last one, which is drawn in bands.
const MOSAIC_BYTES: usize = 192 << 20;
/// A tile that moved by more than this at the end is written into the data set again.
const MOVED_NM: f64 = 1.0;
/// Tiles to each side of the first one where the publisher names no grid.
const GRID_UNKNOWN: u32 = 40;

/// How tiles are put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AssemblySettings {
    /// Of the picture.
    pub pixel: Nm,
}

/// What was done to the localizations of a tile, in words.
pub struct Done {
    pub drift: String,
    pub merge: String,
}

/// Which part of a plane the tiles of a scan can come to lie on.
pub struct Plan {
    /// The first tile, by stage or grid.
    pub first: Spot,
    /// Where the middle of its field stood on the stage.
    pub stage: Option<(Nm, Nm)>,
}

/// The files of one scan, open for writing.
pub struct Assembly {
    folder: PathBuf,
    content: Content,
    affine: Option<[f64; 6]>,
    growing: Canvas<u16>,
    data: Dataset,
    /// On the stage, where places relative to the scan's first tile begin.
    origin: (Nm, Nm),
    drawn: Drawn,
    flushed: Instant,
    layers: Vec<Box<dyn Layer>>,
    last: Last,
}

/// How far the pictures of all tiles at their last places are.
enum Last {
    NotYet,
    /// That of the localizations is on its way.
    Drawing {
        canvas: Box<Canvas<u16>>,
        left: Vec<Spot>,
        spots: Vec<Spot>,
    },
    /// It is there; the layers follow.
    Layers {
        spots: Vec<Spot>,
    },
}

/// What a call did at the end of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    More,
    /// Tiles' own pictures are still being made.
    Waits,
    Whole,
}

impl Assembly {
    /// Begins with the first tile of a scan, or goes on.
    ///
    /// # Errors
    /// What the disk says; a damaged picture or data set.
    pub fn open(
        folder: &Path,
        info: &SeriesInfo,
        plan: &Plan,
        settings: AssemblySettings,
    ) -> anyhow::Result<Self> {
        let (width, height) = plan.first.size();
        let (x, y) = plan.first.corner;
        let origin = plan.stage.map_or((Nm(0.0), Nm(0.0)), |(middle_x, middle_y)| {
            (Nm(middle_x.0 - width / 2.0 - x.0), Nm(middle_y.0 - height / 2.0 - y.0))
        });
        let rows = info.grid.map_or(GRID_UNKNOWN, |grid| grid.rows.max(1));
        let columns = info.grid.map_or(GRID_UNKNOWN, |grid| grid.columns.max(1));
        let around = (f64::from(columns) * width, f64::from(rows) * height);
        let corner = (x.0 + origin.0.0, y.0 + origin.1.0);
        // Room on all sides costs nothing, as what is empty is not there.
        let extent = Extent { from: corner, to: (corner.0 + width, corner.1 + height) }.grown(around);
        let content = Content { name: info.name.clone(), pixel: settings.pixel, channel: None };
        let mut growing = Canvas::open(&folder.join(GROWING), &content, extent, GROWING_BYTES)?;
        let table = folder.join(TABLE);
        let data = if table.exists() { Dataset::open(&table)? } else { Dataset::create(&table)? };
        let (drawn, spots) = Drawn::open(folder)?;
        spots.into_iter().for_each(|spot| growing.remember(spot));
        Ok(Self {
            folder: folder.to_owned(),
            content,
            affine: info.affine,
            growing,
            data,
            origin,
            drawn,
            flushed: Instant::now(),
            layers: Vec::new(),
            last: Last::NotYet,
        })
    }

    /// Adds a layer; `make` gets the folder, the scan's name and the growing picture's extent.
    ///
    /// # Errors
    /// What the disk says.
    pub fn add_layer(
        &mut self,
        make: impl FnOnce(&Path, &str, Extent) -> anyhow::Result<Box<dyn Layer>>,
    ) -> anyhow::Result<()> {
        self.layers.push(make(&self.folder, &self.content.name, self.growing.extent())?);
        Ok(())
    }

    /// Whether this visit of a tile is in picture and data set.
    pub fn has(&self, tile: Tile, first_seq: u64) -> bool {
        self.drawn.has(tile, first_seq)
    }

    /// Where a tile lies by its seams with those that are drawn, the surer ones counting more; else by the stage.
    pub fn place(&self, tile: Tile, by_stage: (Nm, Nm), seams: &[Seam]) -> (Nm, Nm) {
        let (mut x, mut y, mut weights) = (0.0, 0.0, 0.0);
        for seam in seams {
            let (there, sign) = if seam.b == tile.index { (seam.a, 1.0) } else { (seam.b, -1.0) };
            let Some(there) = self.growing.spots().find(|spot| spot.tile.index == there) else { continue };
            let weight = 1.0 / seam.sd_nm.max(0.1).powi(2);
            x += weight * (there.corner.0.0 - self.origin.0.0 + sign * seam.offset_nm.0);
            y += weight * (there.corner.1.0 - self.origin.1.0 + sign * seam.offset_nm.1);
            weights += weight;
        }
        if weights > 0.0 { (Nm(x / weights), Nm(y / weights)) } else { by_stage }
    }

    /// Adds a tile, or puts it in the place of an earlier visit. Its corner is relative to the scan's first tile.
    ///
    /// # Errors
    /// What the disk says.
    pub fn add(
        &mut self,
        spot: Spot,
        first_seq: u64,
        found: &[Localization],
        done: Done,
    ) -> anyhow::Result<()> {
        let spot = Spot { corner: self.on_stage(spot.corner), ..spot };
        self.data.write_tile(&self.part(&spot, done), found)?;
        self.growing.count(spot, found)?;
        self.drawn.add(&spot, first_seq);
        self.flush_if_due()
    }

    /// Flushes where something has waited long enough.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush_if_due(&mut self) -> anyhow::Result<()> {
        if self.flushed.elapsed() > FLUSH { self.flush() } else { Ok(()) }
    }

    /// Lets readers see what was drawn, and a restart go on after it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.growing.flush()?;
        self.drawn.write()?;
        if !self.layers.is_empty() {
            let spots = self.growing.spots().map(|spot| (spot.tile.index, *spot)).collect();
            self.layers.iter_mut().try_for_each(|layer| layer.grow(&spots))?;
        }
        self.flushed = Instant::now();
        Ok(())
    }

    /// Draws the next tile, or the next layer, where all lies at last. `corners`: by tile, relative to the first tile's,
    /// the same ones at every call.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(&mut self, corners: &BTreeMap<u32, (Nm, Nm)>) -> anyhow::Result<Ending> {
        match std::mem::replace(&mut self.last, Last::NotYet) {
            Last::NotYet => {
                self.last = self.begin_last(corners)?;
                Ok(Ending::More)
            }
            Last::Drawing { mut canvas, mut left, spots } => {
                self.last = match left.pop() {
                    Some(spot) => {
                        self.draw_last(&mut canvas, &spot)?;
                        Last::Drawing { canvas, left, spots }
                    }
                    None => {
                        self.set_whole(*canvas)?;
                        Last::Layers { spots }
                    }
                };
                Ok(Ending::More)
            }
            Last::Layers { spots } => {
                let ready = self.layers.iter().position(|layer| layer.has_all(&spots));
                let ending = match ready {
                    Some(at) => {
                        self.layers.swap_remove(at).finish(&spots)?;
                        Ending::More
                    }
                    None if self.layers.is_empty() => Ending::Whole,
                    None => Ending::Waits,
                };
                self.last = Last::Layers { spots };
                Ok(ending)
            }
        }
    }

    fn begin_last(&mut self, corners: &BTreeMap<u32, (Nm, Nm)>) -> anyhow::Result<Last> {
        self.flush()?;
        self.growing.rest()?;
        let at_last = |spot: &Spot| {
            let corner = corners.get(&spot.tile.index).map_or(spot.corner, |corner| self.on_stage(*corner));
            Spot { corner, ..*spot }
        };
        let spots: Vec<Spot> = self.growing.spots().map(at_last).collect();
        let Some(extent) = Extent::around(spots.iter()) else { return Ok(Last::Layers { spots }) };
        let partial = partial(&self.folder);
        remove(&partial)?;
        let canvas = Canvas::open(&partial, &self.content, extent, MOSAIC_BYTES)?;
        // The last one is drawn first, which is all the same.
        Ok(Last::Drawing { canvas: Box::new(canvas), left: in_bands(&spots), spots })
    }

    fn draw_last(&mut self, canvas: &mut Canvas<u16>, spot: &Spot) -> anyhow::Result<()> {
        let rows = self.data.query(Some(spot.tile.index), None)?;
        let found: Vec<Localization> = rows.map(|row| Ok(row?.at)).collect::<anyhow::Result<_>>()?;
        canvas.count(*spot, &found)?;
        self.move_tile(spot, &found)
    }

    fn set_whole(&self, canvas: Canvas<u16>) -> anyhow::Result<()> {
        canvas.finish()?;
        let (whole, partial) = (self.folder.join(MOSAIC), partial(&self.folder));
        remove(&whole)?;
        std::fs::rename(&partial, &whole).with_context(|| format!("cannot write {}", whole.display()))?;
        remove(&self.folder.join(GROWING))
    }

    /// Writes a tile into the data set again, if it moved.
    fn move_tile(&mut self, spot: &Spot, found: &[Localization]) -> anyhow::Result<()> {
        let known = self.data.tiles().find(|tile| tile.part.index == spot.tile.index);
        let Some(part) = known.map(|tile| tile.part.clone()) else { return Ok(()) };
        let moved = (spot.corner.0.0 - part.corner.0.0).hypot(spot.corner.1.0 - part.corner.1.0);
        if moved > MOVED_NM {
            self.data.write_tile(&TilePart { corner: spot.corner, ..part }, found)?;
        }
        Ok(())
    }

    fn on_stage(&self, (x, y): (Nm, Nm)) -> (Nm, Nm) {
        (Nm(self.origin.0.0 + x.0), Nm(self.origin.1.0 + y.0))
    }

    fn part(&self, spot: &Spot, done: Done) -> TilePart {
        let mut notes = vec![("scan".into(), self.content.name.clone())];
        notes.extend(self.affine.map(|affine| ("affine".into(), format!("{affine:?}"))));
        TilePart {
            index: spot.tile.index,
            row: spot.tile.row,
            column: spot.tile.column,
            corner: spot.corner,
            pixel: spot.pixel,
            drift: done.drift,
            merge: done.merge,
            notes,
        }
    }
}

fn partial(folder: &Path) -> PathBuf {
    folder.join(format!("{MOSAIC}.partial"))
}

#[cfg(test)]
mod tests;
