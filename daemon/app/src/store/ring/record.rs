//! A frame's description as fixed bytes: in comes a `FrameInfo`, out come 152 bytes with a checksum, and back.

use smlm::frame::{Continuity, FrameId, FrameInfo, PixelType, Seq, SeriesId, Shape, StagePosition, Tile};

const HAS_STAGE: u32 = 1;
const STAGE_MEASURED: u32 = 2;
const HAS_IMAGE_NUMBER: u32 = 4;
const LIVE_SAMPLED: u32 = 8;
const EIGHT_BIT: u32 = 16;

/// The bytes of a frame's description in the ring.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Record {
    series: [u8; 16],
    seq: u64,
    exposure_ms: f64,
    stage_um: [f64; 3],
    image_number: i64,
    capture_unix_ns: u64,
    send_unix_ns: u64,
    arrival_unix_ns: u64,
    dropped_by_publisher: u64,
    tile: [u32; 3],
    frame_in_tile: u32,
    frames_per_tile: u32,
    shape: [u32; 2],
    roi: [u32; 2],
    binning: u32,
    core_queue_depth: u32,
    flags: u32,
    reserved: u32,
    crc: u32,
}

/// Bytes of a [`Record`].
pub(super) const RECORD_BYTES: usize = size_of::<Record>();

impl Record {
    pub fn new(info: &FrameInfo) -> Self {
        let stage = info.stage.unwrap_or_default();
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let record = Self {
            series: info.id.series.0,
            seq: info.id.seq.0,
            exposure_ms: info.exposure_ms,
            stage_um: [stage.x_um, stage.y_um, stage.z_um],
            image_number: info.image_number.unwrap_or(0),
            capture_unix_ns: info.capture_unix_ns,
            send_unix_ns: info.send_unix_ns,
            arrival_unix_ns: info.arrival_unix_ns,
            dropped_by_publisher: info.dropped_by_publisher,
            tile: [info.tile.index, info.tile.row, info.tile.column],
            frame_in_tile: info.frame_in_tile,
            frames_per_tile: info.frames_per_tile,
            shape: [info.shape.width, info.shape.height],
            roi: [info.roi_x, info.roi_y],
            binning: info.binning,
            core_queue_depth: info.core_queue_depth,
            flags: flag(info.stage.is_some(), HAS_STAGE)
                | flag(stage.measured, STAGE_MEASURED)
                | flag(info.image_number.is_some(), HAS_IMAGE_NUMBER)
                | flag(info.continuity == Continuity::LiveSampled, LIVE_SAMPLED)
                | flag(info.pixel_type == PixelType::U8, EIGHT_BIT),
            reserved: 0,
            crc: 0,
        };
        Self { crc: record.checksum(), ..record }
    }

    fn checksum(&self) -> u32 {
        let bytes = bytemuck::bytes_of(self);
        crc32c::crc32c(&bytes[..RECORD_BYTES - size_of::<u32>()])
    }

    /// Whether these bytes were written by [`Record::new`].
    pub fn is_whole(&self) -> bool {
        self.crc == self.checksum()
    }

    pub fn info(&self) -> FrameInfo {
        let has = |bit: u32| self.flags & bit != 0;
        let [x_um, y_um, z_um] = self.stage_um;
        FrameInfo {
            id: FrameId { series: SeriesId(self.series), seq: Seq(self.seq) },
            tile: Tile { index: self.tile[0], row: self.tile[1], column: self.tile[2] },
            frame_in_tile: self.frame_in_tile,
            frames_per_tile: self.frames_per_tile,
            shape: Shape { width: self.shape[0], height: self.shape[1] },
            pixel_type: if has(EIGHT_BIT) { PixelType::U8 } else { PixelType::U16 },
            roi_x: self.roi[0],
            roi_y: self.roi[1],
            binning: self.binning,
            exposure_ms: self.exposure_ms,
            stage: has(HAS_STAGE).then_some(StagePosition {
                x_um,
                y_um,
                z_um,
                measured: has(STAGE_MEASURED),
            }),
            image_number: has(HAS_IMAGE_NUMBER).then_some(self.image_number),
            capture_unix_ns: self.capture_unix_ns,
            send_unix_ns: self.send_unix_ns,
            arrival_unix_ns: self.arrival_unix_ns,
            core_queue_depth: self.core_queue_depth,
            dropped_by_publisher: self.dropped_by_publisher,
            continuity: if has(LIVE_SAMPLED) { Continuity::LiveSampled } else { Continuity::Burst },
        }
    }
}
