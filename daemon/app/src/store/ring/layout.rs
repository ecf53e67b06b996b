//! Where things lie in a ring's file: in comes a mapping, out come its fields and slots.
//!
//! ```text
//!   0      header page: fixed fields with a checksum, then the counters
//!   4096   one entry of 256 bytes per slot: state, helper word, record of the frame
//!   ...    pixels, one page-aligned stretch per slot
//! ```
//!
//! Never decides who may touch a slot: that is the writer's and the reader's business.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use smlm::account::LossReason;
use smlm::frame::SeriesId;

use super::super::Losses;
use super::super::files::{Locked, PAGE};
use super::super::mapped::Mapped;
use super::Counts;
use super::record::{RECORD_BYTES, Record};

pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"blnkring");
pub(super) const VERSION: u32 = 1;

pub(super) const ENTRY: usize = 256;
const RECORD_AT: usize = 64;
const _: () = assert!(RECORD_AT + RECORD_BYTES <= ENTRY);

// The writer's and the reader's counters lie on different cache lines.
const HEAD: usize = 256;
const COMMITTED: usize = 264;
const NEXT_SEQ: usize = 272;
const RELEASED: usize = 384;
/// Counted by the writer, and by whoever reopens.
const LOST: usize = 512;
/// Counted by the reader.
const LOST_READ: usize = 768;

/// The fixed fields at the start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Fixed {
    pub magic: u64,
    pub version: u32,
    pub entry_bytes: u32,
    pub series: [u8; 16],
    pub payload_bytes: u64,
    pub slots: u64,
    pub reserved: u32,
    pub crc: u32,
}

/// Bytes of a slot's stretch of pixels in the file.
pub(super) const fn stride(payload_bytes: usize) -> u64 {
    (payload_bytes as u64).next_multiple_of(PAGE)
}

impl Fixed {
    pub fn new(series: SeriesId, payload_bytes: usize, slots: u64) -> Self {
        let mut fixed = Self {
            magic: MAGIC,
            version: VERSION,
            entry_bytes: ENTRY as u32,
            series: series.0,
            payload_bytes: payload_bytes as u64,
            slots,
            reserved: 0,
            crc: 0,
        };
        fixed.crc = fixed.checksum();
        fixed
    }

    pub fn checksum(&self) -> u32 {
        let bytes = bytemuck::bytes_of(self);
        crc32c::crc32c(&bytes[..bytes.len() - size_of::<u32>()])
    }

    fn pixels_at(&self) -> u64 {
        PAGE + (self.slots * ENTRY as u64).next_multiple_of(PAGE)
    }

    /// Length of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.pixels_at() + self.slots * stride(self.payload_bytes as usize)
    }
}

/// What a slot is doing; the number is the frame's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    /// Pixels are arriving.
    Writing(u64),
    /// Whole, being counted; the helper word holds how many frames had been committed before.
    Committing(u64),
    Ready(u64),
    /// Held by the reader.
    Claimed(u64),
    /// Read, being counted; the helper word holds how many frames had been released before.
    Releasing(u64),
}

impl State {
    pub const fn word(self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Writing(position) => (position << 3) | 1,
            Self::Committing(position) => (position << 3) | 2,
            Self::Ready(position) => (position << 3) | 3,
            Self::Claimed(position) => (position << 3) | 4,
            Self::Releasing(position) => (position << 3) | 5,
        }
    }

    /// `None` for a word that was never written by [`State::word`].
    pub const fn from_word(word: u64) -> Option<Self> {
        let position = word >> 3;
        match word & 7 {
            0 if position == 0 => Some(Self::Free),
            1 => Some(Self::Writing(position)),
            2 => Some(Self::Committing(position)),
            3 => Some(Self::Ready(position)),
            4 => Some(Self::Claimed(position)),
            5 => Some(Self::Releasing(position)),
            _ => None,
        }
    }
}

/// The mapped file, shared by writer and reader.
pub(super) struct Layout {
    map: Mapped,
    /// Holds the lock that keeps other processes out.
    _file: Locked,
    pub payload_bytes: usize,
    pub slots: u64,
    stride: usize,
    pixels_at: usize,
    /// The writer of this process is gone: no frame will come any more.
    pub writer_gone: AtomicBool,
}

impl Layout {
    /// `map` is the whole file that `fixed` describes.
    pub fn new(map: Mapped, file: Locked, fixed: &Fixed) -> Self {
        assert_eq!(map.len() as u64, fixed.file_bytes(), "the opener has checked the file's length");
        Self {
            map,
            _file: file,
            payload_bytes: fixed.payload_bytes as usize,
            slots: fixed.slots,
            stride: stride(fixed.payload_bytes as usize) as usize,
            pixels_at: fixed.pixels_at() as usize,
            writer_gone: AtomicBool::new(false),
        }
    }

    /// The position the writer uses next; every position below it is decided.
    pub fn head(&self) -> &AtomicU64 {
        self.map.atomic(HEAD)
    }

    pub fn committed(&self) -> &AtomicU64 {
        self.map.atomic(COMMITTED)
    }

    pub fn next_seq(&self) -> &AtomicU64 {
        self.map.atomic(NEXT_SEQ)
    }

    pub fn released(&self) -> &AtomicU64 {
        self.map.atomic(RELEASED)
    }

    pub fn lost(&self, reason: LossReason) -> &AtomicU64 {
        self.map.atomic(LOST + 8 * reason as usize)
    }

    fn entry(&self, position: u64) -> usize {
        PAGE as usize + (position % self.slots) as usize * ENTRY
    }

    /// The slot of this position; use [`State`] with it.
    pub fn state(&self, position: u64) -> &AtomicU64 {
        self.map.atomic(self.entry(position))
    }

    pub fn helper(&self, position: u64) -> &AtomicU64 {
        self.map.atomic(self.entry(position) + 8)
    }

    /// Where the record of this position lies.
    pub fn record(&self, position: u64) -> *mut Record {
        self.map.bytes(self.entry(position) + RECORD_AT, RECORD_BYTES).cast()
    }

    /// Where the pixels of this position lie.
    pub fn pixels(&self, position: u64) -> *mut u8 {
        let slot = (position % self.slots) as usize;
        self.map.bytes(self.pixels_at + slot * self.stride, self.payload_bytes)
    }

    /// Before the first writing into the slot of this position.
    pub fn populate(&self, position: u64) {
        let slot = (position % self.slots) as usize;
        self.map.populate(self.pixels_at + slot * self.stride, self.stride);
    }

    /// Frames in the ring: committed, and neither skipped nor released.
    pub fn waiting(&self) -> u64 {
        // What takes frames out is loaded first, so that a race makes the answer too large, never negative.
        let out = self.released().load(Ordering::Acquire)
            + self.lost(LossReason::SkippedOldest).load(Ordering::Acquire)
            + self.lost(LossReason::SlotTorn).load(Ordering::Acquire);
        self.committed().load(Ordering::Acquire).saturating_sub(out)
    }

    /// A frame lost after it was read.
    pub fn lost_read(&self, reason: LossReason) -> &AtomicU64 {
        self.map.atomic(LOST_READ + 8 * reason as usize)
    }

    fn losses(&self, at: usize) -> Losses {
        let mut losses = Losses::default();
        for (place, count) in losses.0.iter_mut().enumerate() {
            *count = self.map.atomic(at + 8 * place).load(Ordering::Acquire);
        }
        losses
    }

    pub fn counts(&self) -> Counts {
        let lost_read = self.losses(LOST_READ);
        let released = self.released().load(Ordering::Acquire);
        let mut lost = self.losses(LOST);
        let out = released + lost[LossReason::SkippedOldest] + lost[LossReason::SlotTorn];
        let waiting = self.committed().load(Ordering::Acquire).saturating_sub(out);
        let received = released + waiting + lost.total();
        for (count, read) in lost.0.iter_mut().zip(lost_read.0) {
            *count += read;
        }
        Counts { received, processed: released.saturating_sub(lost_read.total()), waiting, lost }
    }
}
