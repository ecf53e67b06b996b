//! Feature maps of recent frames, kept so that the frame graph runs once per frame.
//!
//! In: a frame's key and tile. Out: the slot that holds its features, or one to be filled. Never: an
//! allocation after it was made, an answer that a batch in progress still needs thrown away.

use crate::engine::FrameKey;
use crate::graph::Buffer;
use crate::pixels::Line;

/// What features were computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Origin {
    pub frame: FrameKey,
    pub tile: u32,
    /// The camera's calibration may change within a series; features of the old one are of no use then.
    pub line: Line,
    pub mapped: bool,
}

/// A slot, and whether its features must be computed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Ready(usize),
    ToFill(usize),
}

/// A fixed number of feature maps, the least recently used given away first.
pub(super) struct Features {
    slots: Vec<Entry>,
    /// Counts rounds. Slots used in the current one are pinned.
    round: u64,
}

struct Entry {
    origin: Option<Origin>,
    used: u64,
    buffer: Buffer,
}

impl Features {
    pub fn new(buffers: Vec<Buffer>) -> Self {
        let slots = buffers.into_iter().map(|buffer| Entry { origin: None, used: 0, buffer }).collect();
        Self { slots, round: 1 }
    }

    /// Starts a round: everything may be given away again, the oldest first.
    pub fn next_round(&mut self) {
        self.round += 1;
    }

    /// Forgets everything, as after a failed run.
    pub fn forget(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.origin = None);
    }

    /// The slot for `origin`, pinned until the next round. `None` when all slots are pinned by others.
    pub fn slot(&mut self, origin: Origin) -> Option<Slot> {
        if let Some(at) = self.slots.iter().position(|slot| slot.origin == Some(origin)) {
            self.slots[at].used = self.round;
            return Some(Slot::Ready(at));
        }
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.used < self.round);
        let (at, _) = free.min_by_key(|(_, slot)| (slot.origin.is_some(), slot.used))?;
        self.slots[at].origin = Some(origin);
        self.slots[at].used = self.round;
        Some(Slot::ToFill(at))
    }

    pub fn buffer(&self, slot: usize) -> &Buffer {
        &self.slots[slot].buffer
    }
}

#[cfg(test)]
mod tests {
    use smlm::frame::{FrameId, Seq, SeriesId};

    use super::*;

    fn origin(seq: u64, tile: u32) -> Origin {
        let frame = FrameId { series: SeriesId::default(), seq: Seq(seq) };
        Origin { frame, tile, line: Line { gain: 1.0, bias: 0.0 }, mapped: false }
    }

    fn features(slots: usize) -> Option<Features> {
        let runtime = crate::testing::runtime()?;
        let _ = runtime;
        Some(Features::new((0..slots).map(|_| Buffer::on_host([1, 1, 1, 1]).unwrap()).collect()))
    }

    #[test]
    fn the_oldest_frame_makes_room_and_the_running_batch_keeps_its_own() {
        let Some(mut features) = features(3) else { return };
        for seq in 0..3 {
            assert_eq!(features.slot(origin(seq, 0)), Some(Slot::ToFill(seq as usize)));
        }
        assert_eq!(features.slot(origin(3, 0)), None);
        features.next_round();
        assert_eq!(features.slot(origin(1, 0)), Some(Slot::Ready(1)));
        assert_eq!(features.slot(origin(2, 0)), Some(Slot::Ready(2)));
        assert_eq!(features.slot(origin(3, 0)), Some(Slot::ToFill(0)));
        assert_eq!(features.slot(origin(4, 0)), None);
    }

    #[test]
    fn another_tile_another_camera_or_a_failure_means_other_features() {
        let Some(mut features) = features(4) else { return };
        assert_eq!(features.slot(origin(1, 0)), Some(Slot::ToFill(0)));
        assert_eq!(features.slot(origin(1, 1)), Some(Slot::ToFill(1)));
        let brighter = Origin { line: Line { gain: 2.0, bias: 0.0 }, ..origin(1, 0) };
        assert_eq!(features.slot(brighter), Some(Slot::ToFill(2)));
        assert_eq!(features.slot(origin(1, 0)), Some(Slot::Ready(0)));
        features.forget();
        features.next_round();
        assert!(matches!(features.slot(origin(1, 0)), Some(Slot::ToFill(_))));
    }
}
