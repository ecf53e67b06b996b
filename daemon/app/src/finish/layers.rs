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
use crate::live::Live;
use crate::widefield;

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
