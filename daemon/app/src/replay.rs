//! A recorded stack as a frame source: the same path as live frames, only that a file can wait.
//!
//! In: a stack, a pace. Out: frames into the sink as fast as the ring takes them, or at the pace; then the end of
//! the series. Never: more than one frame in memory, a frame skipped because the daemon is slow.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Tile};
use smlm::series::{Control, EndReason, SeriesInfo, Totals};
use wire::files::Stack;
use wire::source::{FrameSink, FrameSource, SourceError};

use crate::clock::Clock;

/// How a stack is played.
pub struct Play {
    pub stack: Box<dyn Stack>,
    pub series: SeriesInfo,
    /// Frames per second; `None`: as fast as it goes.
    pub fps: Option<f64>,
    /// Frames to play, from the first on.
    pub frames: u64,
    pub clock: Clock,
    /// Rung by the localizer when the ring got room.
    pub room: Receiver<()>,
    /// Dropped at the end of the stack, which closes the input.
    pub stop: Option<Sender<()>>,
}

/// The source.
pub struct StackSource {
    play: Play,
    next: u64,
    started: Option<Instant>,
    name: String,
    failed: Option<String>,
}

impl StackSource {
    pub fn new(play: Play) -> Self {
        let name = format!("stack {}", play.series.name);
        Self { play, next: 0, started: None, name, failed: None }
    }

    fn info(&self, seq: u64) -> FrameInfo {
        let now = self.play.clock.now_unix_ns();
        FrameInfo {
            id: FrameId { series: self.play.series.id, seq: Seq(seq) },
            tile: Tile::default(),
            frame_in_tile: seq as u32,
            shape: self.play.stack.shape(),
            pixel_type: self.play.stack.pixel_type(),
            binning: 1,
            exposure_ms: self.play.series.exposure_ms,
            capture_unix_ns: now,
            send_unix_ns: now,
            ..FrameInfo::default()
        }
    }

    /// When the next frame is due at the pace asked for.
    fn due_in(&mut self) -> Duration {
        let started = *self.started.get_or_insert_with(Instant::now);
        let Some(fps) = self.play.fps else { return Duration::ZERO };
        let due = started + Duration::from_secs_f64(self.next as f64 / fps);
        due.saturating_duration_since(Instant::now())
    }

    fn end(&mut self, sink: &mut dyn FrameSink, reason: EndReason) {
        let totals = Totals {
            captured: self.next,
            sent: self.next,
            dropped: 0,
            last_seq: self.next.saturating_sub(1),
        };
        sink.control(Control::SeriesEnd { series: self.play.series.id, reason, totals });
        self.play.stop = None;
    }

    fn offer(&mut self, sink: &mut dyn FrameSink) {
        let info = self.info(self.next);
        let Some(place) = sink.reserve(&info) else {
            self.next += 1;
            return;
        };
        match self.play.stack.read(self.next, sink.space(place)) {
            Ok(()) => {
                sink.commit(place, self.play.clock.now_unix_ns());
                self.next += 1;
            }
            Err(error) => {
                sink.abandon(place, wire::bad_message::BadMessage::ReceiveError);
                tracing::error!(frame = self.next, %error, "the stack cannot be read further");
                self.failed = Some(error.to_string());
                self.end(sink, EndReason::Error);
            }
        }
    }
}

impl FrameSource for StackSource {
    fn poll(&mut self, sink: &mut dyn FrameSink, timeout: Duration) -> Result<(), SourceError> {
        if self.play.stop.is_none() {
            return Ok(());
        }
        if self.next == 0 && self.started.is_none() {
            sink.control(Control::SeriesStart(Box::new(self.play.series.clone())));
        }
        let wait = self.due_in();
        if wait > Duration::ZERO {
            // A pace is kept by the clock; the daemon's own doings need no wait.
            let _ = crossbeam_channel::after(wait.min(timeout)).recv();
            return Ok(());
        }
        if self.next == self.play.frames {
            self.end(sink, EndReason::Completed);
            return Ok(());
        }
        if !sink.has_room(self.series()) {
            let _ = self.play.room.recv_timeout(timeout); // asked again at the next poll in any case
            return Ok(());
        }
        self.offer(sink);
        Ok(())
    }

    fn endpoint(&self) -> &str {
        &self.name
    }

    fn close(&mut self, _: &mut dyn FrameSink) {}
}

impl StackSource {
    fn series(&self) -> SeriesId {
        self.play.series.id
    }
}
