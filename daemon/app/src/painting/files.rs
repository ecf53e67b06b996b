//! Pictures of a scan's tiles on disk.
//!
//! In: a tile's picture. Out: `<series>/scan/<kind>/tile-<index>.ome.tif`, float32, each whole under its name or not
//! there; the same read again. Never: the kinds of two visits of a tile mixed without the report telling so.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use infer::painter::ESTIMATE_STEP;
use smlm::frame::Shape;
use smlm::grey::Grey;
use smlm::units::Nm;
use wire::files::ome_tiff::{self, About};

use super::Picture;
use crate::files;
use crate::finish::FOLDER;

/// A larger picture is none of ours: what can be put together of windows, squared.
const PIXELS_MAX: usize = (smlm::blend::REGION_MAX_PX as usize).pow(2);

/// What a file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The network's picture, 0 to 1.
    ANet,
    /// Where it contradicts the widefield, 0 to 2, at a quarter of the sides.
    Error,
    /// The widefield at the picture's pixel, in ADU.
    Widefield,
}

impl Kind {
    /// Its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ANet => "a-net",
            Self::Error => "error",
            Self::Widefield => "widefield",
        }
    }

    const fn channel(self) -> &'static str {
        match self {
            Self::ANet => "ANNA-PALM picture, 0 to 1",
            Self::Error => "ANNA-PALM error map, 0 to 2",
            Self::Widefield => "widefield in ADU",
        }
    }
}

/// Where a tile's file lies once it is written.
pub fn path(series_folder: &Path, kind: Kind, tile: u32) -> PathBuf {
    series_folder.join(FOLDER).join(kind.name()).join(format!("tile-{tile}.ome.tif"))
}

/// Side of a file's pixel, where the picture's is so large.
pub fn pixel_nm(kind: Kind, picture_nm: f64) -> f64 {
    if kind == Kind::Error { picture_nm * ESTIMATE_STEP as f64 } else { picture_nm }
}

/// A file of a tile again, also a mean of widefield frames; `None` where it is not there, or cannot be used, which the log
/// says.
pub fn read(file: &Path) -> Option<Grey> {
    let bytes = std::fs::read(file).ok()?;
    let read = || -> anyhow::Result<Grey> {
        let read = ome_tiff::decode(&bytes, PIXELS_MAX)?;
        Ok(Grey::new(Shape { width: read.width, height: read.height }, read.values)?)
    };
    read()
        .inspect_err(|error| {
            let error = format!("{error:#}");
            tracing::warn!(file = %file.display(), error, "a tile's picture cannot be read");
        })
        .ok()
}

/// Writes the picture, and error map and widefield where there are any; those of an earlier visit go where there are
/// none now. `corner`: of the tile's first pixel.
///
/// # Errors
/// The disk is full.
pub fn write(series_folder: &Path, tile: u32, corner: (Nm, Nm), picture: &Picture) -> anyhow::Result<()> {
    let error = picture.judged.as_ref().and_then(|judged| judged.error.as_ref());
    let all = [
        (Kind::Widefield, picture.widefield.as_ref()),
        (Kind::Error, error),
        (Kind::ANet, Some(&picture.picture)),
    ];
    for (kind, grey) in all {
        let to = path(series_folder, kind, tile);
        let Some(grey) = grey else {
            let _ = std::fs::remove_file(&to); // there is none, nearly always
            continue;
        };
        let folder = to.parent().context("a file without a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let pixel = pixel_nm(kind, picture.pixel.0);
        let about =
            About { pixel_nm: (pixel, pixel), corner_nm: (corner.0.0, corner.1.0), channel: kind.channel() };
        let Shape { width, height } = grey.shape();
        let mut bytes = Vec::new();
        ome_tiff::encode(width, height, grey.values(), &about, &mut bytes)?;
        files::put(&to, &bytes)?;
    }
    Ok(())
}
