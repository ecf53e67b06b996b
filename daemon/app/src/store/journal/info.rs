//! A series' description as JSON bytes and back: in comes a `SeriesInfo`, out comes one JSON object, and back.
//!
//! Unknown fields are ignored and missing ones take their defaults, so that fields can be added.

use serde::{Deserialize, Serialize};
use smlm::frame::SeriesId;
use smlm::series::{Channel, Grid, Overlap, SeriesInfo};
use smlm::units::{Adu, Camera, Nm, PixelSize};

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Json {
    series: String,
    name: String,
    source: String,
    grid: Option<JsonGrid>,
    expected_tiles: u32,
    expected_frames: u64,
    pixel_size_nm: Option<[f64; 2]>,
    affine_um_per_px: Option<[f64; 6]>,
    camera: Option<JsonCamera>,
    widefield: bool,
    /// Empty: not told.
    widefield_of: String,
    widefield_skip_frames: Option<u32>,
    exposure_ms: f64,
    bit_depth: u32,
    metadata_json: String,
    start_unix_ns: u64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct JsonGrid {
    rows: u32,
    columns: u32,
    overlap_um: Option<[f64; 2]>,
    overlap_px: Option<[f64; 2]>,
    overlap_percent: Option<[f64; 2]>,
    snake: bool,
}

#[derive(Serialize, Deserialize)]
struct JsonCamera {
    offset_adu: f64,
    e_per_adu: f64,
    em_gain: Option<f64>,
    spurious_e: f64,
    qe: f64,
}

/// JSON knows no infinities; a publisher's nonsense must not cost the rest of the description.
fn finite<const N: usize>(values: [f64; N]) -> [f64; N] {
    values.map(|value| if value.is_finite() { value } else { 0.0 })
}

fn all_finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite())
}

/// The description as one JSON object. What is not finite becomes 0, or unknown where that can be said.
pub(super) fn to_json(info: &SeriesInfo) -> Vec<u8> {
    let json = Json {
        series: info.id.to_string(),
        name: info.name.clone(),
        source: info.source.clone(),
        grid: info.grid.as_ref().map(JsonGrid::from),
        expected_tiles: info.expected_tiles,
        expected_frames: info.expected_frames,
        pixel_size_nm: info.pixel_size.map(|size| [size.x.0, size.y.0]).filter(|size| all_finite(size)),
        affine_um_per_px: info.affine.filter(|affine| all_finite(affine)),
        camera: info.camera.as_ref().and_then(JsonCamera::of),
        widefield: info.channel == Channel::Widefield,
        widefield_of: info.widefield_of.map_or_else(String::new, |scan| scan.to_string()),
        widefield_skip_frames: info.widefield_skip_frames,
        exposure_ms: finite([info.exposure_ms])[0],
        bit_depth: info.bit_depth,
        metadata_json: info.metadata_json.clone(),
        start_unix_ns: info.start_unix_ns,
    };
    serde_json::to_vec(&json).expect("plain fields and text keys: nothing that JSON cannot say")
}

/// The description; `None` when it is not one.
pub(super) fn from_json(bytes: &[u8]) -> Option<SeriesInfo> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    Some(SeriesInfo {
        id: json.series.parse::<SeriesId>().ok()?,
        name: json.name,
        source: json.source,
        grid: json.grid.map(|grid| grid.grid()),
        expected_tiles: json.expected_tiles,
        expected_frames: json.expected_frames,
        pixel_size: json.pixel_size_nm.map(|[x, y]| PixelSize { x: Nm(x), y: Nm(y) }),
        affine: json.affine_um_per_px,
        camera: json.camera.map(|camera| camera.camera()),
        channel: if json.widefield { Channel::Widefield } else { Channel::Localization },
        widefield_of: json.widefield_of.parse().ok(),
        widefield_skip_frames: json.widefield_skip_frames,
        exposure_ms: json.exposure_ms,
        bit_depth: json.bit_depth,
        metadata_json: json.metadata_json,
        start_unix_ns: json.start_unix_ns,
    })
}

impl From<&Grid> for JsonGrid {
    fn from(grid: &Grid) -> Self {
        let plain = Self { rows: grid.rows, columns: grid.columns, snake: grid.snake, ..Self::default() };
        match grid.overlap {
            Some(Overlap::Um(x, y)) => Self { overlap_um: Some(finite([x, y])), ..plain },
            Some(Overlap::Px(x, y)) => Self { overlap_px: Some(finite([x, y])), ..plain },
            Some(Overlap::Percent(x, y)) => Self { overlap_percent: Some(finite([x, y])), ..plain },
            None => plain,
        }
    }
}

impl JsonGrid {
    fn grid(&self) -> Grid {
        let um = self.overlap_um.map(|[x, y]| Overlap::Um(x, y));
        let px = self.overlap_px.map(|[x, y]| Overlap::Px(x, y));
        let percent = self.overlap_percent.map(|[x, y]| Overlap::Percent(x, y));
        Grid { rows: self.rows, columns: self.columns, overlap: um.or(px).or(percent), snake: self.snake }
    }
}

impl JsonCamera {
    /// `None` for a calibration that cannot be one.
    fn of(camera: &Camera) -> Option<Self> {
        let numbers = [camera.offset.0, camera.e_per_adu, camera.spurious_e, camera.qe];
        (all_finite(&numbers) && camera.em_gain.is_none_or(f64::is_finite)).then_some(Self {
            offset_adu: camera.offset.0,
            e_per_adu: camera.e_per_adu,
            em_gain: camera.em_gain,
            spurious_e: camera.spurious_e,
            qe: camera.qe,
        })
    }

    fn camera(&self) -> Camera {
        Camera {
            offset: Adu(self.offset_adu),
            e_per_adu: self.e_per_adu,
            em_gain: self.em_gain,
            spurious_e: self.spurious_e,
            qe: self.qe,
        }
    }
}
