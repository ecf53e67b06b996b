//! What outlives the process: the frame ring and the journal of localizations.
//!
//! In: frames as they arrive, localizations as they are found. Out: the same, also after `kill -9`.
//! Never: threads, clocks, locks, sockets; never an allocation per frame; never a sparse file (a full disk is
//! an error here, not a signal later); never a file deleted that somebody might still want.
//!
//! Both kinds of file are for the machine that wrote them: native byte order, checked by their magic.

pub mod journal;
pub mod ring;

mod files;
mod mapped;

pub use files::SpaceError;

/// Why a frame was received but not processed. The numbers are in files: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum LossReason {
    /// Policy `lossless`: no free slot, the newest frame was refused.
    RingFull = 0,
    /// Policy `live`: the oldest unread frame made room for a newer one.
    Skipped = 1,
    /// Its size differs from that of the series' first frame.
    ShapeChanged = 2,
    /// Its record in the ring did not pass its checksum after a restart.
    Damaged = 3,
    /// The same `seq` had been received before.
    Duplicate = 4,
    /// It arrived after a later frame had been processed.
    Late = 5,
    /// The series was stopped or closed.
    Stopped = 6,
    /// The engine failed on it.
    Engine = 7,
    /// Its localizations could not be written.
    Journal = 8,
}

impl LossReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::RingFull,
        Self::Skipped,
        Self::ShapeChanged,
        Self::Damaged,
        Self::Duplicate,
        Self::Late,
        Self::Stopped,
        Self::Engine,
        Self::Journal,
    ];

    /// The key in exported accounts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::Skipped => "skipped",
            Self::ShapeChanged => "shape_changed",
            Self::Damaged => "damaged",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Stopped => "stopped",
            Self::Engine => "engine",
            Self::Journal => "journal",
        }
    }
}

/// Places for loss counters in files; more than there are reasons, so that reasons can be added.
pub const LOSS_PLACES: usize = 16;

/// Frames lost, by reason; indexed by [`LossReason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Losses(pub [u64; LOSS_PLACES]);

impl Losses {
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that have occurred and their counts.
    pub fn named(&self) -> impl Iterator<Item = (LossReason, u64)> + '_ {
        LossReason::ALL.into_iter().map(|reason| (reason, self[reason])).filter(|(_, count)| *count > 0)
    }
}

impl std::ops::Index<LossReason> for Losses {
    type Output = u64;
    fn index(&self, reason: LossReason) -> &u64 {
        &self.0[reason as usize]
    }
}

impl std::ops::IndexMut<LossReason> for Losses {
    fn index_mut(&mut self, reason: LossReason) -> &mut u64 {
        &mut self.0[reason as usize]
    }
}
