//! The writing end of a ring: in come frames, out come committed slots. One per ring, one thread at a time.
//!
//! Never touches a slot that the reader holds; never waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smlm::account::LossReason;
use smlm::frame::{FrameInfo, Tile};

use super::layout::{Layout, State};
use super::record::Record;
use super::{Counts, Policy};

/// The writing end. Dropping it tells the reader that no frame will come any more.
pub struct RingWriter {
    layout: Arc<Layout>,
    policy: Policy,
    /// The frame whose pixels are arriving, and its position.
    pending: Option<(FrameInfo, u64)>,
    /// Of a frame that had to make room, until it is asked for.
    skipped: Option<Tile>,
}

impl RingWriter {
    pub(super) fn new(layout: Arc<Layout>, policy: Policy) -> Self {
        Self { layout, policy, pending: None, skipped: None }
    }

    /// Finds a slot for a frame; its pixels go to [`Self::space`]. A reservation still open is abandoned.
    ///
    /// # Errors
    /// The frame is counted as lost and gets no slot.
    pub fn reserve(&mut self, info: &FrameInfo) -> Result<(), LossReason> {
        self.abandon();
        if info.payload_bytes() != self.layout.payload_bytes {
            return self.refuse(info, LossReason::ShapeChanged);
        }
        match self.take_slot() {
            Some(position) => {
                if position < self.layout.slots {
                    self.layout.populate(position);
                }
                self.pending = Some((*info, position));
                Ok(())
            }
            None => self.refuse(info, LossReason::RingFull),
        }
    }

    fn refuse(&self, info: &FrameInfo, why: LossReason) -> Result<(), LossReason> {
        self.count_lost(info, why);
        Err(why)
    }

    /// Counts a frame that was received and will not be offered to the ring, for instance a duplicate.
    pub fn count_lost(&self, info: &FrameInfo, reason: LossReason) {
        self.layout.lost(reason).fetch_add(1, Ordering::Release);
        self.advance_next_seq(info);
    }

    fn advance_next_seq(&self, info: &FrameInfo) {
        let next = info.id.seq.0.saturating_add(1);
        if self.layout.next_seq().load(Ordering::Relaxed) < next {
            self.layout.next_seq().store(next, Ordering::Release);
        }
    }

    /// The position of a slot that is now ours. From the head on, slots come in the order of their frames, and
    /// that order is kept: only slots that the reader holds are passed over, so the first other one is the oldest.
    fn take_slot(&mut self) -> Option<u64> {
        let head = self.layout.head().load(Ordering::Relaxed);
        let reach = match self.policy {
            Policy::Lossless => 1,
            Policy::Live => self.layout.slots,
        };
        (head..head + reach).find(|position| self.try_take(*position))
    }

    fn try_take(&mut self, position: u64) -> bool {
        let state = self.layout.state(position);
        let word = state.load(Ordering::Acquire);
        let skips = match State::from_word(word) {
            Some(State::Free) => false,
            Some(State::Ready(_)) if self.policy == Policy::Live => true,
            _ => return false,
        };
        // Against the reader, which may claim the frame at this moment: one of the two gets it.
        let ours = State::Writing(position).word();
        let taken = state.compare_exchange(word, ours, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if taken && skips {
            self.layout.lost(LossReason::SkippedOldest).fetch_add(1, Ordering::Release);
            // SAFETY: in bounds and aligned; the slot is ours since the exchange, and held a committed frame.
            self.skipped = Some(unsafe { self.layout.record(position).read() }.info().tile);
        }
        taken
    }

    /// Whether the next frame would find a slot.
    pub fn has_room(&self) -> bool {
        let head = self.layout.head().load(Ordering::Relaxed);
        let state = self.layout.state(head).load(Ordering::Acquire);
        self.policy == Policy::Live || State::from_word(state) == Some(State::Free)
    }

    /// The reserved slot's pixels: exactly the series' payload; empty when nothing is reserved.
    pub fn space(&mut self) -> &mut [u8] {
        let Some((_, position)) = &self.pending else { return &mut [] };
        // SAFETY: the slot's state is Writing, so the reader does not touch it; `&mut self` lends it once.
        unsafe { std::slice::from_raw_parts_mut(self.layout.pixels(*position), self.layout.payload_bytes) }
    }

    /// The tile of the frame that the last reservation skipped to make room, once. A reservation skips at most one.
    pub fn take_skipped(&mut self) -> Option<Tile> {
        self.skipped.take()
    }

    /// Makes the reserved frame visible to the reader and safe from `kill -9`; without a reservation, nothing.
    pub fn commit(&mut self, arrival_unix_ns: u64) {
        let Some((info, position)) = self.pending.take() else { return };
        let layout = &*self.layout;
        let record = Record::new(&FrameInfo { arrival_unix_ns, ..info });
        // SAFETY: in bounds and aligned (entries are multiples of 64); the slot's state is Writing.
        unsafe { layout.record(position).write(record) };
        let committed = layout.committed().load(Ordering::Relaxed);
        layout.helper(position).store(committed, Ordering::Relaxed);
        layout.state(position).store(State::Committing(position).word(), Ordering::Release);
        layout.committed().store(committed + 1, Ordering::Release);
        self.advance_next_seq(&info);
        layout.state(position).store(State::Ready(position).word(), Ordering::Release);
        layout.head().store(position + 1, Ordering::Release);
    }

    /// Gives the reserved slot back: the frame did not arrive whole and does not count as received.
    pub fn abandon(&mut self) {
        if let Some((_, position)) = self.pending.take() {
            self.layout.state(position).store(State::Free.word(), Ordering::Release);
        }
    }

    /// The size of every frame in this ring.
    pub fn payload_bytes(&self) -> usize {
        self.layout.payload_bytes
    }

    pub fn counts(&self) -> Counts {
        self.layout.counts()
    }

    /// The first number after every frame that was offered to the ring.
    pub fn next_seq(&self) -> u64 {
        self.layout.next_seq().load(Ordering::Acquire)
    }
}

impl Drop for RingWriter {
    fn drop(&mut self) {
        self.abandon();
        self.layout.writer_gone.store(true, Ordering::Release);
    }
}
