//! Core values become part 0.
//!
//! In: core values of a Rust publisher. Out: bytes that `read` takes back unchanged. Never: pixels.

use prost::Message as _;
use smlm::frame::{Continuity, FrameInfo, PixelType};
use smlm::series::{Channel, Control, EndReason, Overlap, SeriesInfo};
use smlm::units::Camera;

use super::{Compression, SCHEMA_VERSION};
use crate::pb::{self, envelope::Kind};

/// What a header says of part 1 beyond the frame itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameOnWire<'a> {
    pub compression: Compression,
    /// Of part 1 as sent.
    pub crc32c: Option<u32>,
    pub camera: &'a str,
}

/// Part 0 of a frame, protobuf.
pub fn encode_frame(info: &FrameInfo, on_wire: FrameOnWire<'_>) -> Vec<u8> {
    envelope(Kind::Frame(header(info, on_wire))).encode_to_vec()
}

/// As [`encode_frame`], into a buffer that is cleared first.
pub fn encode_frame_into(info: &FrameInfo, on_wire: FrameOnWire<'_>, part0: &mut Vec<u8>) {
    part0.clear();
    let envelope = envelope(Kind::Frame(header(info, on_wire)));
    part0.reserve(envelope.encoded_len());
    envelope.encode_raw(part0);
}

/// Part 0 of a control message, protobuf.
pub fn encode_control(control: &Control) -> Vec<u8> {
    envelope(control_kind(control)).encode_to_vec()
}

/// Part 0 of a frame, proto3 JSON.
pub fn encode_frame_json(info: &FrameInfo, on_wire: FrameOnWire<'_>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&envelope(Kind::Frame(header(info, on_wire))))
}

/// Part 0 of a control message, proto3 JSON.
pub fn encode_control_json(control: &Control) -> Result<String, serde_json::Error> {
    serde_json::to_string(&envelope(control_kind(control)))
}

fn envelope(kind: Kind) -> pb::Envelope {
    pb::Envelope { schema_version: SCHEMA_VERSION, kind: Some(kind) }
}

fn header(info: &FrameInfo, on_wire: FrameOnWire<'_>) -> pb::FrameHeader {
    let source = match info.stage {
        None => pb::PositionSource::Unspecified,
        Some(stage) if stage.measured => pb::PositionSource::Measured,
        Some(_) => pb::PositionSource::Intended,
    };
    pb::FrameHeader {
        series_id: info.id.series.0.to_vec(),
        seq: info.id.seq.0,
        tile_index: info.tile.index,
        tile_row: info.tile.row,
        tile_column: info.tile.column,
        frame_in_tile: info.frame_in_tile,
        frames_per_tile: info.frames_per_tile,
        width_px: info.shape.width,
        height_px: info.shape.height,
        pixel_type: pixel_type(info.pixel_type) as i32,
        roi_x_px: info.roi_x,
        roi_y_px: info.roi_y,
        binning: info.binning,
        camera: on_wire.camera.to_owned(),
        exposure_ms: info.exposure_ms,
        stage_x_um: info.stage.map(|stage| stage.x_um),
        stage_y_um: info.stage.map(|stage| stage.y_um),
        stage_z_um: info.stage.map(|stage| stage.z_um),
        position_source: source as i32,
        camera_image_number: info.image_number,
        capture_unix_ns: info.capture_unix_ns,
        send_unix_ns: info.send_unix_ns,
        core_queue_depth: info.core_queue_depth,
        dropped_total: info.dropped_by_publisher,
        continuity: continuity(info.continuity) as i32,
        compression: compression(on_wire.compression) as i32,
        pixels_crc32c: on_wire.crc32c,
    }
}

fn pixel_type(pixel_type: PixelType) -> pb::PixelType {
    match pixel_type {
        PixelType::U8 => pb::PixelType::U8,
        PixelType::U16 => pb::PixelType::U16,
    }
}

fn continuity(continuity: Continuity) -> pb::Continuity {
    match continuity {
        Continuity::Burst => pb::Continuity::Burst,
        Continuity::LiveSampled => pb::Continuity::LiveSampled,
    }
}

fn compression(compression: Compression) -> pb::Compression {
    match compression {
        Compression::Raw => pb::Compression::Raw,
        Compression::Lz4 => pb::Compression::Lz4,
        Compression::Zstd => pb::Compression::Zstd,
    }
}

fn control_kind(control: &Control) -> Kind {
    match control {
        Control::SeriesStart(info) => Kind::SeriesStart(series_start(info)),
        Control::TileEnd { series, tile_index, captured, dropped } => Kind::TileEnd(pb::TileEnd {
            series_id: series.0.to_vec(),
            tile_index: *tile_index,
            frames_captured: *captured,
            frames_dropped: *dropped,
        }),
        Control::SeriesEnd { series, reason, totals } => Kind::SeriesEnd(pb::SeriesEnd {
            series_id: series.0.to_vec(),
            reason: end_reason(*reason) as i32,
            frames_captured: totals.captured,
            frames_sent: totals.sent,
            frames_dropped: totals.dropped,
            last_seq: totals.last_seq,
        }),
        Control::Heartbeat { series, send_unix_ns } => {
            Kind::Heartbeat(pb::Heartbeat { series_id: series.0.to_vec(), send_unix_ns: *send_unix_ns })
        }
    }
}

fn end_reason(reason: EndReason) -> pb::EndReason {
    match reason {
        EndReason::Completed => pb::EndReason::Completed,
        EndReason::Aborted => pb::EndReason::Aborted,
        EndReason::Error => pb::EndReason::Error,
        EndReason::Overflow => pb::EndReason::Overflow,
    }
}

fn series_start(info: &SeriesInfo) -> pb::SeriesStart {
    let grid = info.grid;
    let (overlap_x, overlap_y, unit) = match grid.and_then(|grid| grid.overlap) {
        None => (0.0, 0.0, pb::OverlapUnit::Unspecified),
        Some(Overlap::Um(x, y)) => (x, y, pb::OverlapUnit::Um),
        Some(Overlap::Px(x, y)) => (x, y, pb::OverlapUnit::Px),
        Some(Overlap::Percent(x, y)) => (x, y, pb::OverlapUnit::Percent),
    };
    let channel = match info.channel {
        Channel::Localization => pb::ChannelKind::Localization,
        Channel::Widefield => pb::ChannelKind::Widefield,
    };
    pb::SeriesStart {
        series_id: info.id.0.to_vec(),
        name: info.name.clone(),
        source: info.source.clone(),
        grid_rows: grid.map_or(0, |grid| grid.rows),
        grid_columns: grid.map_or(0, |grid| grid.columns),
        overlap_x,
        overlap_y,
        overlap_unit: unit as i32,
        snake: grid.is_some_and(|grid| grid.snake),
        expected_tiles: info.expected_tiles,
        expected_frames: info.expected_frames,
        pixel_size_x_nm: info.pixel_size.map_or(0.0, |size| size.x.0),
        pixel_size_y_nm: info.pixel_size.map_or(0.0, |size| size.y.0),
        affine: info.affine.map_or_else(Vec::new, |affine| affine.to_vec()),
        camera: info.camera.map(pb::CameraCalibration::from),
        channel: channel as i32,
        widefield_of: info.widefield_of.map_or_else(Vec::new, |scan| scan.0.to_vec()),
        widefield_skip_frames: info.widefield_skip_frames,
        exposure_ms: info.exposure_ms,
        bit_depth: info.bit_depth,
        metadata_json: info.metadata_json.clone(),
        start_unix_ns: info.start_unix_ns,
    }
}

impl From<Camera> for pb::CameraCalibration {
    fn from(camera: Camera) -> Self {
        Self {
            offset_adu: camera.offset.0,
            e_per_adu: camera.e_per_adu,
            em_gain: camera.em_gain,
            spurious_e: camera.spurious_e,
            qe: camera.qe,
            read_noise_e: 0.0,
        }
    }
}
