//! A camera in memory, for measurements: in come a few frames, out comes as many as are asked for.
//!
//! Waits while the ring is full, as a file does, so that the daemon's own pace is what is measured.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use smlm::series::{Control, EndReason, Totals};
use wire::source::{FrameSink, FrameSource, SourceError};

pub const SERIES: SeriesId = SeriesId(*b"frames in memory");

pub struct Memory {
    pub shape: Shape,
    /// Repeated for ever.
    pub frames: Vec<Vec<u8>>,
    pub wanted: u64,
    pub room: Receiver<()>,
    /// Dropped at the end, which closes the input.
    pub stop: Option<Sender<()>>,
    pub next: u64,
    /// Tells when the first frame was offered.
    pub began: Sender<Instant>,
}

impl FrameSource for Memory {
    fn poll(&mut self, sink: &mut dyn FrameSink, timeout: Duration) -> Result<(), SourceError> {
        if self.next == self.wanted {
            if self.stop.take().is_some() {
                let totals = Totals::default();
                sink.control(Control::SeriesEnd { series: SERIES, reason: EndReason::Completed, totals });
            }
            return Ok(());
        }
        if !sink.has_room(SERIES) {
            let _ = self.room.recv_timeout(timeout); // asked again at the next poll in any case
            return Ok(());
        }
        if self.next == 0 {
            let _ = self.began.try_send(Instant::now());
        }
        let info = FrameInfo {
            id: FrameId { series: SERIES, seq: Seq(self.next) },
            frame_in_tile: self.next as u32,
            shape: self.shape,
            ..FrameInfo::default()
        };
        let pixels = &self.frames[(self.next % self.frames.len() as u64) as usize];
        self.next += 1;
        if let Some(place) = sink.reserve(&info) {
            sink.space(place).copy_from_slice(pixels);
            sink.commit(place, 0);
        }
        Ok(())
    }

    fn endpoint(&self) -> &str {
        "memory"
    }

    fn close(&mut self, _: &mut dyn FrameSink) {}
}
