//! Frames and control messages for tests.

use smlm::frame::{FrameId, FrameInfo, PixelType, Seq, SeriesId, Shape, Tile};
use smlm::series::{Control, EndReason, SeriesInfo, Totals};
use wire::envelope::{FrameOnWire, encode_frame};

pub const SERIES: SeriesId = SeriesId(*b"a series of test");

pub fn info(seq: u64, width: u32, height: u32) -> FrameInfo {
    FrameInfo {
        id: FrameId { series: SERIES, seq: Seq(seq) },
        tile: Tile { index: 0, row: 0, column: 0 },
        shape: Shape { width, height },
        pixel_type: PixelType::U16,
        binning: 1,
        exposure_ms: 10.0,
        ..FrameInfo::default()
    }
}

/// Pixels that tell their frame.
pub fn pixels(info: &FrameInfo) -> Vec<u8> {
    (0..info.payload_bytes()).map(|at| (at as u64 * 31 + info.id.seq.0 * 7) as u8).collect()
}

pub fn part0(info: &FrameInfo) -> Vec<u8> {
    encode_frame(info, FrameOnWire::default())
}

pub fn start(series: SeriesId) -> Control {
    Control::SeriesStart(Box::new(SeriesInfo { id: series, name: "test".into(), ..SeriesInfo::default() }))
}

pub fn end(series: SeriesId) -> Control {
    Control::SeriesEnd { series, reason: EndReason::Completed, totals: Totals::default() }
}
