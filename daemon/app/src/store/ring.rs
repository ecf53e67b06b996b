//! The frame ring: frames wait here between ingest and infer, also across `kill -9`.
//!
//! In: a frame's description and pixels, from one writer thread. Out: the same, to one reader thread, in place.
//! Never: a lock, an allocation per frame, a frame that was not committed whole, a frame lost without a count.
//!
//! One file per series. Each slot has a state word, and the state words alone are the truth after a crash:
//!
//! ```text
//!   FREE ──reserve──▶ WRITING ──commit──▶ COMMITTING ─▶ READY ──next──▶ CLAIMED ──release──▶ RELEASING ─▶ FREE
//!                        ▲                                 │
//!                        └────── live: skip the oldest ────┘
//! ```
//!
//! A frame's *position* counts up without end; its slot is the position modulo the number of slots. Under policy
//! `live` a slot that the reader holds is passed over, which leaves a hole in the positions.
//! The file survives the death of the process, not a power failure: after one, pixels may be older than their record.

mod layout;
mod open;
mod reader;
mod record;
mod spare;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_restart;
#[cfg(test)]
mod tests_spare;
mod writer;

use std::path::PathBuf;

use smlm::frame::SeriesId;

pub use self::open::{create, create_from, list, reopen};
pub use self::reader::RingReader;
pub use self::spare::Spare;
pub use self::writer::RingWriter;
use super::Losses;
use super::files::SpaceError;

/// Fewer slots than this cannot hold a window and a batch.
pub const MIN_SLOTS: u64 = 8;
/// More slots than this are not made, however large the ring may be: 256 MiB of slot records.
pub const MAX_SLOTS: u64 = 1 << 20;
/// The largest frame, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// What happens to a frame that finds the ring full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// The newest frame is refused: what is in the ring is processed without holes.
    #[default]
    Lossless,
    /// The oldest frame that is not being read is skipped: the picture stays close to the present.
    Live,
}

/// Where rings lie and how large they are.
#[derive(Clone, Debug)]
pub struct RingSettings {
    /// On disk, or in shared memory (`/dev/shm/...`).
    pub dir: PathBuf,
    /// For the pixels of one ring. The slots' records come on top: 256 bytes each, at most a sixteenth.
    pub bytes: u64,
    pub policy: Policy,
}

/// A ring that was found after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Reopened {
    pub series: SeriesId,
    pub payload_bytes: usize,
    /// Frames that will be read (again): all that were committed and not released.
    pub waiting: u64,
    /// The first number after every frame that was offered to the ring.
    pub next_seq: u64,
    pub counts: Counts,
}

/// What happened to the frames offered to a ring, since the series began; survives the process.
///
/// `received = processed + waiting + lost` holds, except that a frame lost after reading counts as lost from then
/// on and leaves `waiting` when it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Offered to the ring: committed, refused, or counted as lost at the door.
    pub received: u64,
    /// Released by the reader, and not counted by it as lost.
    pub processed: u64,
    /// In the ring: not read yet, or read and not released.
    pub waiting: u64,
    pub lost: Losses,
}

/// Why a ring cannot be made or opened.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum RingError {
    #[error(transparent)]
    Space(#[from] SpaceError),
    #[error(
        "a frame ring of {bytes} bytes holds {slots} frames of {payload_bytes} bytes, {MIN_SLOTS} are needed: \
         set ring.mib to at least {}", (MIN_SLOTS * layout::stride(*payload_bytes)).div_ceil(1 << 20)
    )]
    TooSmall { bytes: u64, slots: u64, payload_bytes: usize },
    #[error("a frame of {0} bytes cannot be stored: 1 to {MAX_PAYLOAD_BYTES} bytes are possible")]
    BadPayload(usize),
    #[error("{}: a ring for this series exists already: reopen it, or remove it first", .0.display())]
    Exists(PathBuf),
    #[error("{}: in use by another process: stop the other daemon, or give it another ring.dir", .0.display())]
    Busy(PathBuf),
    #[error("{}: not usable as a frame ring: {what}. Set aside as {}", path.display(), aside.display())]
    Damaged { path: PathBuf, what: String, aside: PathBuf },
}
