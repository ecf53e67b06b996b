//! Generated messages become core values, once each number was looked at.
//!
//! In: what prost or JSON made of a stranger's bytes. Out: core values within `limits`. Never: defaults that hide
//! a missing number (0 stands for "not known" only where the contract says so).

use smlm::frame::{Continuity, FrameId, FrameInfo, PixelType, Seq, SeriesId, Shape, StagePosition, Tile};
use smlm::series::{Channel, Control, EndReason, Grid, Overlap, SeriesInfo, Totals};
use smlm::units::{Adu, Camera, Nm, PixelSize};

use super::{Announced, Compression, limits};
use crate::bad_message::BadMessage;
use crate::pb;

pub(super) fn frame(header: &pb::FrameHeader) -> Result<Announced, BadMessage> {
    let id = FrameId { series: series_id(&header.series_id)?, seq: Seq(count(header.seq)?) };
    let shape = shape(header)?;
    if header.camera.len() > limits::NAME_BYTES {
        return Err(BadMessage::TooLong);
    }
    if header.binning > limits::BINNING {
        return Err(BadMessage::BadNumber);
    }
    let info = FrameInfo {
        id,
        tile: tile(header)?,
        frame_in_tile: header.frame_in_tile,
        frames_per_tile: header.frames_per_tile,
        shape,
        pixel_type: pixel_type(header.pixel_type)?,
        roi_x: below(header.roi_x_px, limits::ROI_ORIGIN_PX)?,
        roi_y: below(header.roi_y_px, limits::ROI_ORIGIN_PX)?,
        binning: header.binning.max(1),
        exposure_ms: not_negative(header.exposure_ms)?,
        stage: stage(header)?,
        image_number: header.camera_image_number,
        capture_unix_ns: count(header.capture_unix_ns)?,
        send_unix_ns: count(header.send_unix_ns)?,
        arrival_unix_ns: 0,
        core_queue_depth: header.core_queue_depth,
        dropped_by_publisher: count(header.dropped_total)?,
        continuity: continuity(header.continuity)?,
    };
    if info.payload_bytes() > limits::PIXELS_BYTES {
        return Err(BadMessage::AbsurdShape);
    }
    Ok(Announced { info, compression: compression(header.compression)?, crc32c: header.pixels_crc32c })
}

pub(super) fn series_start(start: pb::SeriesStart) -> Result<SeriesInfo, BadMessage> {
    if start.name.len() > limits::NAME_BYTES || start.source.len() > limits::NAME_BYTES {
        return Err(BadMessage::TooLong);
    }
    Ok(SeriesInfo {
        id: series_id(&start.series_id)?,
        grid: grid(&start)?,
        expected_tiles: below(start.expected_tiles, limits::TILE_INDEX)?,
        expected_frames: count(start.expected_frames)?,
        pixel_size: pixel_size(start.pixel_size_x_nm, start.pixel_size_y_nm)?,
        affine: affine(&start.affine)?,
        camera: start.camera.as_ref().map(camera).transpose()?,
        channel: channel(start.channel)?,
        widefield_of: named(&start.widefield_of)?,
        widefield_skip_frames: start.widefield_skip_frames,
        exposure_ms: not_negative(start.exposure_ms)?,
        // No camera that sends 16 bits has more.
        bit_depth: if start.bit_depth <= 16 { start.bit_depth } else { 0 },
        start_unix_ns: count(start.start_unix_ns)?,
        name: start.name,
        source: start.source,
        metadata_json: start.metadata_json,
    })
}

pub(super) fn tile_end(end: &pb::TileEnd) -> Result<Control, BadMessage> {
    Ok(Control::TileEnd {
        series: series_id(&end.series_id)?,
        tile_index: below(end.tile_index, limits::TILE_INDEX)?,
        captured: count(end.frames_captured)?,
        dropped: count(end.frames_dropped)?,
    })
}

pub(super) fn series_end(end: &pb::SeriesEnd) -> Result<Control, BadMessage> {
    let reason = match pb::EndReason::try_from(end.reason) {
        Ok(pb::EndReason::Unspecified | pb::EndReason::Completed) => EndReason::Completed,
        Ok(pb::EndReason::Aborted) => EndReason::Aborted,
        Ok(pb::EndReason::Overflow) => EndReason::Overflow,
        // A reason of a later version still ends the series, and it is not "completed".
        Ok(pb::EndReason::Error) | Err(_) => EndReason::Error,
    };
    let totals = Totals {
        captured: count(end.frames_captured)?,
        sent: count(end.frames_sent)?,
        dropped: count(end.frames_dropped)?,
        last_seq: count(end.last_seq)?,
    };
    Ok(Control::SeriesEnd { series: series_id(&end.series_id)?, reason, totals })
}

pub(super) fn heartbeat(beat: &pb::Heartbeat) -> Result<Control, BadMessage> {
    let series = series_id(&beat.series_id)?;
    Ok(Control::Heartbeat { series, send_unix_ns: count(beat.send_unix_ns)? })
}

fn series_id(bytes: &[u8]) -> Result<SeriesId, BadMessage> {
    bytes.try_into().map(SeriesId).map_err(|_| BadMessage::BadSeriesId)
}

/// A series that is named, or none.
fn named(bytes: &[u8]) -> Result<Option<SeriesId>, BadMessage> {
    if bytes.is_empty() { Ok(None) } else { series_id(bytes).map(Some) }
}

fn shape(header: &pb::FrameHeader) -> Result<Shape, BadMessage> {
    let side = 1..=limits::SIDE_PX;
    if !side.contains(&header.width_px) || !side.contains(&header.height_px) {
        return Err(BadMessage::AbsurdShape);
    }
    Ok(Shape { width: header.width_px, height: header.height_px })
}

fn tile(header: &pb::FrameHeader) -> Result<Tile, BadMessage> {
    Ok(Tile {
        index: below(header.tile_index, limits::TILE_INDEX)?,
        row: below(header.tile_row, limits::GRID_SIDE)?,
        column: below(header.tile_column, limits::GRID_SIDE)?,
    })
}

fn pixel_type(value: i32) -> Result<PixelType, BadMessage> {
    match pb::PixelType::try_from(value) {
        Ok(pb::PixelType::U8) => Ok(PixelType::U8),
        Ok(pb::PixelType::U16) => Ok(PixelType::U16),
        Ok(pb::PixelType::Unspecified) | Err(_) => Err(BadMessage::UnknownPixelType),
    }
}

fn compression(value: i32) -> Result<Compression, BadMessage> {
    match pb::Compression::try_from(value) {
        Ok(pb::Compression::Unspecified | pb::Compression::Raw) => Ok(Compression::Raw),
        Ok(pb::Compression::Lz4) => Ok(Compression::Lz4),
        Ok(pb::Compression::Zstd) => Ok(Compression::Zstd),
        Err(_) => Err(BadMessage::UnknownCompression),
    }
}

fn continuity(value: i32) -> Result<Continuity, BadMessage> {
    match pb::Continuity::try_from(value) {
        Ok(pb::Continuity::Unspecified | pb::Continuity::Burst) => Ok(Continuity::Burst),
        Ok(pb::Continuity::LiveSampled) => Ok(Continuity::LiveSampled),
        Err(_) => Err(BadMessage::UnknownValue),
    }
}

fn channel(value: i32) -> Result<Channel, BadMessage> {
    match pb::ChannelKind::try_from(value) {
        Ok(pb::ChannelKind::Unspecified | pb::ChannelKind::Localization) => Ok(Channel::Localization),
        Ok(pb::ChannelKind::Widefield) => Ok(Channel::Widefield),
        Err(_) => Err(BadMessage::UnknownValue),
    }
}

/// A position needs x and y; a missing z is 0.
fn stage(header: &pb::FrameHeader) -> Result<Option<StagePosition>, BadMessage> {
    let (Some(x_um), Some(y_um)) = (header.stage_x_um, header.stage_y_um) else {
        return Ok(None);
    };
    let measured = header.position_source == pb::PositionSource::Measured as i32;
    let z_um = finite(header.stage_z_um.unwrap_or(0.0))?;
    Ok(Some(StagePosition { x_um: finite(x_um)?, y_um: finite(y_um)?, z_um, measured }))
}

fn grid(start: &pb::SeriesStart) -> Result<Option<Grid>, BadMessage> {
    let side = 1..limits::GRID_SIDE;
    if (start.grid_rows, start.grid_columns) == (0, 0) {
        return Ok(None);
    }
    if !side.contains(&start.grid_rows) || !side.contains(&start.grid_columns) {
        return Err(BadMessage::AbsurdShape);
    }
    Ok(Some(Grid {
        rows: start.grid_rows,
        columns: start.grid_columns,
        overlap: overlap(start)?,
        snake: start.snake,
    }))
}

fn overlap(start: &pb::SeriesStart) -> Result<Option<Overlap>, BadMessage> {
    let (x, y) = (finite(start.overlap_x)?, finite(start.overlap_y)?);
    match pb::OverlapUnit::try_from(start.overlap_unit) {
        Ok(pb::OverlapUnit::Unspecified) => Ok(None),
        Ok(pb::OverlapUnit::Um) => Ok(Some(Overlap::Um(x, y))),
        Ok(pb::OverlapUnit::Px) => Ok(Some(Overlap::Px(x, y))),
        Ok(pb::OverlapUnit::Percent) => Ok(Some(Overlap::Percent(x, y))),
        Err(_) => Err(BadMessage::UnknownValue),
    }
}

/// Both 0: not known. One 0: the pixel is square.
fn pixel_size(x_nm: f64, y_nm: f64) -> Result<Option<PixelSize>, BadMessage> {
    let (x, y) = (not_negative(x_nm)?, not_negative(y_nm)?);
    if x > limits::PIXEL_SIZE_NM || y > limits::PIXEL_SIZE_NM {
        return Err(BadMessage::BadNumber);
    }
    if x == 0.0 && y == 0.0 {
        return Ok(None);
    }
    let or = |side: f64, other: f64| Nm(if side == 0.0 { other } else { side });
    Ok(Some(PixelSize { x: or(x, y), y: or(y, x) }))
}

fn affine(numbers: &[f64]) -> Result<Option<[f64; 6]>, BadMessage> {
    if numbers.is_empty() {
        return Ok(None);
    }
    let affine: [f64; 6] = numbers.try_into().map_err(|_| BadMessage::BadNumber)?;
    affine.iter().try_for_each(|&number| finite(number).map(|_| ()))?;
    Ok(Some(affine))
}

/// A camera's calibration with numbers that a camera can have.
pub fn camera(camera: &pb::CameraCalibration) -> Result<Camera, BadMessage> {
    let qe = if camera.qe == 0.0 { 1.0 } else { positive(camera.qe)? };
    if qe > 1.0 {
        return Err(BadMessage::BadNumber);
    }
    Ok(Camera {
        offset: Adu(finite(camera.offset_adu)?),
        e_per_adu: positive(camera.e_per_adu)?,
        em_gain: camera.em_gain.map(positive).transpose()?,
        spurious_e: not_negative(camera.spurious_e)?,
        qe,
    })
}

fn below(value: u32, limit: u32) -> Result<u32, BadMessage> {
    if value < limit { Ok(value) } else { Err(BadMessage::AbsurdShape) }
}

fn count(value: u64) -> Result<u64, BadMessage> {
    if value < limits::COUNT { Ok(value) } else { Err(BadMessage::BadNumber) }
}

fn finite(value: f64) -> Result<f64, BadMessage> {
    if value.is_finite() { Ok(value) } else { Err(BadMessage::BadNumber) }
}

fn not_negative(value: f64) -> Result<f64, BadMessage> {
    if value >= 0.0 { finite(value) } else { Err(BadMessage::BadNumber) }
}

fn positive(value: f64) -> Result<f64, BadMessage> {
    if value > 0.0 { finite(value) } else { Err(BadMessage::BadNumber) }
}
