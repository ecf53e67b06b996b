//! The bytes of a peer that were read and not yet understood.
//!
//! In: reads. Out: a contiguous slice. Never: growth beyond what the caller checked.

/// Enough for the heads and headers of several small messages; pixels that come along are copied once.
const START_BYTES: usize = 8 * 1024;

pub(super) struct Inbox {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; START_BYTES].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Room for the next read.
    pub(super) fn free(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        &mut self.bytes[self.end..]
    }

    pub(super) fn filled_up_by(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.bytes.len());
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// Moves up to `into.len()` bytes out.
    pub(super) fn take(&mut self, into: &mut [u8]) -> usize {
        let bytes = into.len().min(self.end - self.start);
        into[..bytes].copy_from_slice(&self.filled()[..bytes]);
        self.consume(bytes);
        bytes
    }

    /// Makes room for `total` contiguous bytes from the first unread one; the caller has checked `total`.
    pub(super) fn make_room(&mut self, total: usize) {
        if self.start + total <= self.bytes.len() {
            return;
        }
        if total <= self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
        } else {
            let mut larger = vec![0; total].into_boxed_slice();
            larger[..self.end - self.start].copy_from_slice(self.filled());
            self.bytes = larger;
        }
        (self.start, self.end) = (0, self.end - self.start);
    }
}
