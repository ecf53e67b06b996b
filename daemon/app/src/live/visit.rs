//! One visit of a tile: which of its frames came, and how fast.
//!
//! In: frames as they come. Out: frames that were announced and not taken, the time from one to the next. Never: a frame
//! counted as lost.

use smlm::frame::FrameInfo;

/// The latest visit of a tile; nothing known: after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Visit {
    /// Its first frame that came, and the latest.
    pub seqs: (u64, u64),
    /// Frames that it was to have; 0 where that was not told.
    pub announced: u32,
    /// That were taken so far, lost ones included; 0: nothing known.
    pub taken: u32,
    /// When these two were taken; UTC ns.
    times_unix_ns: (u64, u64),
}

impl Visit {
    /// Its first frame.
    pub fn begin(info: &FrameInfo) -> Self {
        let (seq, time) = (info.id.seq.0, time(info));
        Self { seqs: (seq, seq), announced: 0, taken: 0, times_unix_ns: (time, time) }.and(info)
    }

    /// With another frame.
    #[must_use]
    pub fn and(self, info: &FrameInfo) -> Self {
        Self {
            seqs: (self.seqs.0, info.id.seq.0),
            announced: info.frames_per_tile,
            taken: info.frame_in_tile.saturating_add(1).max(self.taken),
            times_unix_ns: (self.times_unix_ns.0, time(info)),
        }
    }

    /// From one frame to the next in seconds; `None` before the second.
    pub fn period_s(&self) -> Option<f64> {
        let frames = self.seqs.1 - self.seqs.0;
        let ns = self.times_unix_ns.1.checked_sub(self.times_unix_ns.0).filter(|ns| *ns > 0 && frames > 0)?;
        Some(ns as f64 / 1e9 / frames as f64)
    }
}

/// When the camera took it, or when it came where the publisher does not say.
fn time(info: &FrameInfo) -> u64 {
    if info.capture_unix_ns > 0 { info.capture_unix_ns } else { info.arrival_unix_ns }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::{FrameId, Seq};

    #[test]
    fn a_visit_knows_its_frames_and_their_pace() {
        let frame = |seq: u64, frame_in_tile: u32| FrameInfo {
            id: FrameId { seq: Seq(seq), ..FrameId::default() },
            frame_in_tile,
            frames_per_tile: 100,
            capture_unix_ns: 1_000_000_000 + 20_000_000 * seq,
            arrival_unix_ns: 77,
            ..FrameInfo::default()
        };
        let first = Visit::begin(&frame(50, 2));
        assert_eq!((first.period_s(), first.taken), (None, 3));
        // The frame between was lost on the way.
        let visit = first.and(&frame(52, 4));
        assert_eq!((visit.seqs, visit.announced, visit.taken), ((50, 52), 100, 5));
        assert!(visit.period_s().is_some_and(|period| (period - 0.02).abs() < 1e-12));
    }
}
