//! Which files a layer of a series is made of.
//!
//! In: the series' book, the tiles of its widefield pass. Out: a picture with its place each, or what is to be done so that
//! there is one. Never: a file read.

use std::path::PathBuf;

use smlm::frame::SeriesId;
use smlm::grey::Grey;
use smlm::map::Viewport;
use smlm::series::Channel;
use smlm::units::{Nm, PixelSize};
use tonic::Status;

use super::Layer;
use crate::live::Series;
use crate::painting::{self, Kind};
use crate::serve::Shared;
use crate::store::journal;
use crate::widefield;

/// A picture that lies somewhere.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: PathBuf,
    /// Of its first pixel.
    pub corner: (Nm, Nm),
    pub size: (Nm, Nm),
    pub pixel: PixelSize,
    /// Rises when the file is written again.
    pub version: u64,
}

impl Source {
    pub fn meets(&self, region: &Viewport) -> bool {
        let ((x, y), (width, height)) = (self.corner, self.size);
        x.0 < region.x_max.0
            && y.0 < region.y_max.0
            && x.0 + width.0 > region.x_min.0
            && y.0 + height.0 > region.y_min.0
    }

    pub fn read(&self) -> Option<Grey> {
        painting::read(&self.file)
    }
}

/// All pictures of a layer, those of later tiles last.
///
/// # Errors
/// There is none; says what is missing.
pub fn sources(shared: &Shared, id: SeriesId, layer: Layer) -> Result<Vec<Source>, Status> {
    let series = shared.live.find(id).ok_or_else(|| Status::not_found("no such series"))?;
    let found = match layer {
        Layer::Localizations => Vec::new(),
        Layer::ANet => painted(shared, &series, Kind::ANet),
        Layer::ErrorMap => painted(shared, &series, Kind::Error),
        Layer::Widefield => of_pass(shared, &series),
    };
    if found.is_empty() { Err(Status::failed_precondition(remedy(layer))) } else { Ok(found) }
}

fn remedy(layer: Layer) -> &'static str {
    match layer {
        Layer::Localizations => "localizations are drawn by themselves",
        Layer::ANet => {
            "no tile of this series is painted: name a bundle in scan.a_net (blinkd model list) and wait for the scan's \
             first tile to be over, or name one in preview.a_net, which paints what is looked at"
        }
        Layer::ErrorMap => {
            "no tile of this series has an error map: it needs scan.a_net and a widefield pass of the same tiles, taken \
             before the scan"
        }
        Layer::Widefield => {
            "no widefield belongs to this series: take a pass of the same tiles with the channel WIDEFIELD, which names \
             it (widefield_of) or comes just before it"
        }
    }
}

/// The files of painted tiles, in the order of painting.
fn painted(shared: &Shared, series: &Series, kind: Kind) -> Vec<Source> {
    let folder = journal::folder(&shared.store, series.id);
    let pixel = shared.config.camera.pixel_size();
    let (pixel, shape) = {
        let door = series.door();
        (door.info.pixel_size_or(pixel), door.shape)
    };
    let size = (Nm(f64::from(shape.width) * pixel.x.0), Nm(f64::from(shape.height) * pixel.y.0));
    let book = series.book();
    let there = |report: &&crate::live::PictureReport| {
        kind != Kind::Error || report.error.is_some() || report.widefield_is_even
    };
    let mut found: Vec<Source> = book
        .pictures
        .made
        .values()
        .filter(there)
        .filter_map(|report| {
            let (tile, ..) = book.tile(report.tile)?;
            Some(Source {
                file: painting::path(&folder, kind, report.tile),
                corner: tile.corner,
                size,
                pixel: PixelSize::square(Nm(painting::pixel_nm(kind, report.pixel_nm))),
                version: report.painted_unix_ns,
            })
        })
        .collect();
    found.sort_by_key(|source| source.version);
    found
}

/// The means of the widefield pass; of a pass its own.
fn of_pass(shared: &Shared, series: &Series) -> Vec<Source> {
    let own = series.door().info.channel == Channel::Widefield;
    let pass = if own { Some(series.id) } else { widefield::series_for(&shared.live, series.id) };
    let Some(pass) = pass.and_then(|pass| shared.live.find(pass)) else { return Vec::new() };
    let door = pass.door();
    let pixel = door.info.pixel_size_or(shared.config.camera.pixel_size());
    let size = (Nm(f64::from(door.shape.width) * pixel.x.0), Nm(f64::from(door.shape.height) * pixel.y.0));
    let averaged = door.tiles.iter().filter(|tile| tile.account.processed() > 0);
    averaged
        .map(|tile| Source {
            file: widefield::path(&shared.store, pass.id, tile.tile.index),
            corner: door.placement(tile, pixel).corner,
            size,
            pixel,
            version: tile.last_done_unix_ns.max(1),
        })
        .collect()
}
