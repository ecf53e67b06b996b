//! The reading end of a ring: in come committed slots, out come frames in place, in the order of their arrival.
//! One per ring, one thread at a time.
//!
//! Never frees a frame by itself: a frame that was read and not released is read again after a restart.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use smlm::account::LossReason;
use smlm::frame::FrameInfo;

use super::super::files::SpaceError;
use super::layout::{Layout, State};
use super::{Counts, RingError};

/// The reading end.
pub struct RingReader {
    layout: Arc<Layout>,
    path: PathBuf,
    /// Positions found at reopening, oldest first, before `position`.
    found: VecDeque<u64>,
    /// The next position to look at.
    position: u64,
    /// Read and not released, oldest first; never longer than the ring has slots.
    held: VecDeque<u64>,
}

impl RingReader {
    pub(super) fn new(layout: Arc<Layout>, path: PathBuf, found: VecDeque<u64>) -> Self {
        let held = VecDeque::with_capacity(layout.slots as usize);
        let position = layout.head().load(Ordering::Acquire);
        Self { layout, path, found, position, held }
    }

    /// The next frame and its position, which only ever grows. The frame is held until it is released.
    #[expect(
        clippy::should_implement_trait,
        reason = "frames are lent, an iterator's items would outlive them"
    )]
    pub fn next(&mut self) -> Option<(FrameInfo, u64)> {
        while let Some(position) = self.found.pop_front() {
            if let Some(info) = self.claim(position) {
                return Some((info, position));
            }
        }
        let head = self.layout.head().load(Ordering::Acquire);
        // What the writer has gone once round since was skipped, or is held.
        self.position = self.position.max(head.saturating_sub(self.layout.slots));
        while self.position < head {
            let position = self.position;
            self.position += 1;
            if let Some(info) = self.claim(position) {
                return Some((info, position));
            }
        }
        None
    }

    /// `None` where the frame of this position was skipped, or never was.
    fn claim(&mut self, position: u64) -> Option<FrameInfo> {
        let ready = State::Ready(position).word();
        let claimed = State::Claimed(position).word();
        self.layout
            .state(position)
            .compare_exchange(ready, claimed, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        self.held.push_back(position);
        // SAFETY: in bounds and aligned; Claimed keeps the writer away, and Acquire shows what it wrote.
        Some(unsafe { self.layout.record(position).read() }.info())
    }

    /// The pixels of a frame that is held.
    ///
    /// # Panics
    /// When `slot` is not held: it did not come from [`Self::next`], or was released.
    pub fn pixels(&self, slot: u64) -> &[u8] {
        let state = self.layout.state(slot).load(Ordering::Relaxed);
        assert_eq!(state, State::Claimed(slot).word(), "frame at position {slot} is not held");
        // SAFETY: Claimed: only this reader changes that, through `&mut self`.
        unsafe { std::slice::from_raw_parts(self.layout.pixels(slot), self.layout.payload_bytes) }
    }

    /// Gives back every held frame before `slot`: they are processed and will not be read again.
    pub fn release_before(&mut self, slot: u64) {
        while let Some(position) = self.held.pop_front_if(|position| *position < slot) {
            let layout = &*self.layout;
            let released = layout.released().load(Ordering::Relaxed);
            layout.helper(position).store(released, Ordering::Relaxed);
            layout.state(position).store(State::Releasing(position).word(), Ordering::Release);
            layout.released().store(released + 1, Ordering::Release);
            layout.state(position).store(State::Free.word(), Ordering::Release);
        }
    }

    /// Frames in the ring: not read yet, or held.
    pub fn waiting(&self) -> u64 {
        self.layout.waiting()
    }

    /// Frames that [`Self::next`] has still to hand out.
    pub fn waiting_to_read(&self) -> u64 {
        self.layout.waiting().saturating_sub(self.held.len() as u64)
    }

    /// Frames that fit into the ring.
    pub fn slots(&self) -> u64 {
        self.layout.slots
    }

    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Counts a held frame that could not be processed; it must be released like any other.
    pub fn count_lost(&self, reason: LossReason) {
        self.layout.lost_read(reason).fetch_add(1, Ordering::Release);
    }

    /// No frame will come any more; those in the ring can still be read.
    pub fn writer_gone(&self) -> bool {
        self.layout.writer_gone.load(Ordering::Acquire)
    }

    pub fn counts(&self) -> Counts {
        self.layout.counts()
    }

    #[cfg(test)]
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the ring's file, with every frame that still waits in it.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(self) -> Result<(), RingError> {
        Ok(std::fs::remove_file(&self.path).map_err(SpaceError::at(&self.path))?)
    }
}
