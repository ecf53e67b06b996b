//! Which layers a scan's mosaic has, and what tiles show in them.
//!
//! In: a scan and what the daemon knows of it. Out: layers. Never: a picture made here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use smlm::frame::{SeriesId, Tile};
use smlm::grey::Grey;
use wire::files::zarr::Channel;

use super::canvas::Extent;
use super::layer::{Kind, Layer, Pictures, TilePictures};
use crate::live::{Live, Series};
use crate::store::journal;
use crate::{painting, widefield};

/// Means of the widefield pass that belongs to a scan.
struct Widefield {
    store: PathBuf,
    live: Arc<Live>,
    scan: SeriesId,
}

impl TilePictures for Widefield {
    fn of(&self, tile: Tile) -> Option<Grey> {
        let series = widefield::series_for(&self.live, self.scan)?;
        widefield::of_tile(&self.store, series, tile.index).map(|mean| mean.picture)
    }

    /// A widefield pass that has not begun may never begin.
    fn is_coming(&self, _: Tile) -> bool {
        false
    }
}

/// What a network made of the tiles' localizations.
struct Painted {
    series: Arc<Series>,
    series_folder: PathBuf,
    kind: painting::Kind,
}

impl TilePictures for Painted {
    fn of(&self, tile: Tile) -> Option<Grey> {
        let made = self.series.book().pictures.made.contains_key(&tile.index);
        made.then(|| painting::read(&painting::path(&self.series_folder, self.kind, tile.index))).flatten()
    }

    fn is_coming(&self, tile: Tile) -> bool {
        let book = self.series.book();
        let pictures = &book.pictures;
        let over = pictures.made.contains_key(&tile.index) || pictures.failed.contains_key(&tile.index);
        pictures.wanted && !over
    }
}

/// The network's pictures and error maps, 255 standing for 1 and for 2; one that no tile has leaves no file.
///
/// # Errors
/// What the disk says.
pub fn painted(
    (folder, name, extent): (&Path, &str, Extent),
    store: &Path,
    series: &Arc<Series>,
    kind: painting::Kind,
) -> anyhow::Result<Box<dyn Layer>> {
    type Value = fn(f32) -> u8;
    let (stem, label, colour, value): (_, _, _, Value) = match kind {
        painting::Kind::Error => {
            ("error-map", "ANNA-PALM error map, 255: 2", [255, 0, 255], |error| byte(error / 2.0))
        }
        _ => ("a-net", "ANNA-PALM picture, 255: 1", [255, 255, 255], byte),
    };
    let channel = Channel { label: label.into(), colour, window: (0.0, 255.0) };
    let series_folder = journal::folder(store, series.id);
    let source = Painted { series: series.clone(), series_folder, kind };
    Ok(Box::new(Pictures::new(folder, name, extent, Kind { stem, channel, value }, Box::new(source))?))
}

fn byte(part: f32) -> u8 {
    (255.0 * part).round().clamp(0.0, 255.0) as u8
}

/// The widefield images of a scan's tiles, in ADU on the camera's pixels.
///
/// # Errors
/// What the disk says.
pub fn widefield(
    (folder, name, extent): (&Path, &str, Extent),
    store: &Path,
    live: &Arc<Live>,
    scan: SeriesId,
) -> anyhow::Result<Box<dyn Layer>> {
    let channel = Channel { label: "widefield, ADU".into(), colour: [0, 255, 0], window: (0.0, 65_535.0) };
    let kind = Kind { stem: "widefield", channel, value: |adu| adu.round().clamp(0.0, 65_535.0) as u16 };
    let source = Widefield { store: store.to_owned(), live: live.clone(), scan };
    Ok(Box::new(Pictures::new(folder, name, extent, kind, Box::new(source))?))
}
