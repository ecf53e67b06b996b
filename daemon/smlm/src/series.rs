//! What a publisher says of a recording beyond its frames: start, tile end, end.

use crate::frame::SeriesId;
use crate::units::{Camera, Nm, PixelSize};

/// What the frames are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Channel {
    /// Blinking emitters: localized.
    #[default]
    Localization,
    /// An ordinary fluorescence picture: averaged by tile, not localized.
    Widefield,
}

/// Overlap of neighbouring fields of view, in the unit the publisher gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Overlap {
    Um(f64, f64),
    Px(f64, f64),
    Percent(f64, f64),
}

/// How the tiles of a scan are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    pub rows: u32,
    pub columns: u32,
    pub overlap: Option<Overlap>,
    pub snake: bool,
}

/// A recording, as its publisher describes it. Repeated at each tile.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SeriesInfo {
    pub id: SeriesId,
    pub name: String,
    /// Publisher and versions.
    pub source: String,
    pub grid: Option<Grid>,
    pub expected_tiles: u32,
    /// 0 when not known.
    pub expected_frames: u64,
    /// `None` when the publisher does not know it; the configuration's applies.
    pub pixel_size: Option<PixelSize>,
    /// Micro-Manager's affine, µm per pixel, row by row.
    pub affine: Option<[f64; 6]>,
    /// `None` when the publisher does not know it; the configuration's applies.
    pub camera: Option<Camera>,
    pub channel: Channel,
    /// Of a widefield pass: the localization series it belongs to; `None`: [`crate::widefield::scan_of`] says it.
    pub widefield_of: Option<SeriesId>,
    /// Of a widefield pass: first frames of each tile that are to be left out of its mean; `None`: the configuration
    /// says it.
    pub widefield_skip_frames: Option<u32>,
    pub exposure_ms: f64,
    /// Bits of the camera's counts; 0 when not known.
    pub bit_depth: u32,
    /// The raw useq sequence or summary metadata.
    pub metadata_json: String,
    pub start_unix_ns: u64,
}

impl SeriesInfo {
    /// Pixel size, or the given one where the publisher does not know.
    pub fn pixel_size_or(&self, otherwise: PixelSize) -> PixelSize {
        self.pixel_size.filter(|size| size.x > Nm(0.0) && size.y > Nm(0.0)).unwrap_or(otherwise)
    }
}

/// Why a publisher ended a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EndReason {
    #[default]
    Completed,
    Aborted,
    Error,
    Overflow,
}

/// A publisher's own totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Totals {
    pub captured: u64,
    pub sent: u64,
    pub dropped: u64,
    pub last_seq: u64,
}

/// A control message of the frame stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    SeriesStart(Box<SeriesInfo>),
    TileEnd { series: SeriesId, tile_index: u32, captured: u64, dropped: u64 },
    SeriesEnd { series: SeriesId, reason: EndReason, totals: Totals },
    Heartbeat { series: SeriesId, send_unix_ns: u64 },
}
