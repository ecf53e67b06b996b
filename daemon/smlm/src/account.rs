//! The account of frames: every frame that was received is processed, waiting, or lost for a stated reason.
//!
//! In: what happened to frames, one call per event. Out: totals that balance at every instant.
//! Never: a way to take a frame out of the account. There is one account per series and one per tile.

use std::ops::AddAssign;

use crate::frame::GapCause;

/// Why a received frame was not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossReason {
    /// Policy `lossless`: the ring had no free slot, the newest frame was refused.
    RingFull,
    /// Policy `live`: the oldest waiting frame made room for the newest.
    SkippedOldest,
    /// No ring could be made for the series: no room on the disk, or the memory limit.
    NoRing,
    /// The frame's shape differs from the series' and the engine cannot follow.
    ShapeChanged,
    /// The pixels' checksum does not match the header's.
    BadChecksum,
    /// The pixels do not decompress to the size that the header states.
    BadCompression,
    /// A frame with this number was received before.
    Duplicate,
    /// The frame arrived after a later one had left the order's reach.
    TooLate,
    /// The engine returned an error for the frame's window.
    EngineFailed,
    /// The series was closed before the frame arrived.
    SeriesClosed,
    /// The limit of series at once was reached.
    TooManySeries,
    /// Its slot in the ring could not be read back: torn by a crash.
    SlotTorn,
    /// The time limit of a stop ran out while the frame was waiting.
    Shutdown,
    /// Another peer's frame of the same series was arriving: one publisher per series.
    SeriesBusy,
}

impl LossReason {
    pub const ALL: [Self; 14] = [
        Self::RingFull,
        Self::SkippedOldest,
        Self::NoRing,
        Self::ShapeChanged,
        Self::BadChecksum,
        Self::BadCompression,
        Self::Duplicate,
        Self::TooLate,
        Self::EngineFailed,
        Self::SeriesClosed,
        Self::TooManySeries,
        Self::SlotTorn,
        Self::Shutdown,
        Self::SeriesBusy,
    ];

    /// The name in metrics, in the API and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::SkippedOldest => "skipped_oldest",
            Self::NoRing => "no_ring",
            Self::ShapeChanged => "shape_changed",
            Self::BadChecksum => "bad_checksum",
            Self::BadCompression => "bad_compression",
            Self::Duplicate => "duplicate",
            Self::TooLate => "too_late",
            Self::EngineFailed => "engine_failed",
            Self::SeriesClosed => "series_closed",
            Self::TooManySeries => "too_many_series",
            Self::SlotTorn => "slot_torn",
            Self::Shutdown => "shutdown",
            Self::SeriesBusy => "series_busy",
        }
    }
}

impl GapCause {
    /// The name in metrics, in the API and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Camera => "camera",
            Self::Daemon => "daemon",
        }
    }
}

/// Where the frames of a series or tile are. `received = processed + waiting + lost`, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Account {
    received: u64,
    processed: u64,
    waiting: u64,
    lost: [u64; LossReason::ALL.len()],
    missing_transport: u64,
    missing_camera: u64,
}

impl Account {
    /// The account a restarted daemon begins with: what its journal holds and what still waits in its ring.
    pub fn recovered(processed: u64, waiting: u64) -> Self {
        Self { received: processed + waiting, processed, waiting, ..Self::default() }
    }

    /// A frame was received and waits.
    pub fn receive(&mut self) {
        self.received += 1;
        self.waiting += 1;
    }

    /// A frame was received and refused at the door.
    pub fn refuse(&mut self, reason: LossReason) {
        self.refuse_many(reason, 1);
    }

    /// Frames were received and refused at the door.
    pub fn refuse_many(&mut self, reason: LossReason, frames: u64) {
        self.received += frames;
        self.lost[reason as usize] += frames;
    }

    /// Waiting frames were given up. More than are waiting is a bug of the caller; only those waiting count.
    pub fn lose_waiting(&mut self, reason: LossReason, frames: u64) {
        self.lost[reason as usize] += self.take_waiting(frames);
    }

    /// Waiting frames were processed. More than are waiting is a bug of the caller; only those waiting count.
    pub fn process(&mut self, frames: u64) {
        self.processed += self.take_waiting(frames);
    }

    /// Frames were never received. Those missing for [`GapCause::Daemon`] were received and are in
    /// [`Self::lost`] already, so every gap may be told here.
    pub fn miss(&mut self, cause: GapCause, frames: u64) {
        match cause {
            GapCause::Transport => self.missing_transport += frames,
            GapCause::Camera => self.missing_camera += frames,
            GapCause::Daemon => {}
        }
    }

    fn take_waiting(&mut self, frames: u64) -> u64 {
        debug_assert!(frames <= self.waiting, "{frames} frames leave, {} wait", self.waiting);
        let taken = frames.min(self.waiting);
        self.waiting -= taken;
        taken
    }

    pub const fn received(&self) -> u64 {
        self.received
    }

    pub const fn processed(&self) -> u64 {
        self.processed
    }

    pub const fn waiting(&self) -> u64 {
        self.waiting
    }

    pub const fn lost(&self, reason: LossReason) -> u64 {
        self.lost[reason as usize]
    }

    pub fn lost_total(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// Frames of the series that never reached the daemon; 0 for [`GapCause::Daemon`].
    pub const fn missing(&self, cause: GapCause) -> u64 {
        match cause {
            GapCause::Transport => self.missing_transport,
            GapCause::Camera => self.missing_camera,
            GapCause::Daemon => 0,
        }
    }

    /// Frames that never came, for whatever cause.
    pub const fn missing_total(&self) -> u64 {
        self.missing_transport + self.missing_camera
    }

    pub fn is_balanced(&self) -> bool {
        self.received == self.processed + self.waiting + self.lost_total()
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.processed += other.processed;
        self.waiting += other.waiting;
        self.missing_transport += other.missing_transport;
        self.missing_camera += other.missing_camera;
        for (mine, theirs) in self.lost.iter_mut().zip(other.lost) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn anything_happens(account: &mut Account, dice: &mut StdRng) {
        let reason = LossReason::ALL[dice.random_range(0..LossReason::ALL.len())];
        let some = dice.random_range(0..=account.waiting());
        match dice.random_range(0..6) {
            0 | 1 => account.receive(),
            2 => account.refuse(reason),
            3 => account.lose_waiting(reason, some),
            4 => account.process(some),
            _ => account.miss(GapCause::Transport, some),
        }
    }

    #[test]
    fn every_sequence_of_events_stays_balanced_and_tiles_add_up_to_the_series() {
        for seed in 0..50 {
            let mut dice = StdRng::seed_from_u64(seed);
            let mut tiles = [Account::default(); 3];
            for _ in 0..400 {
                anything_happens(&mut tiles[dice.random_range(0..3)], &mut dice);
                let mut series = Account::default();
                tiles.iter().for_each(|tile| series += *tile);
                assert!(series.is_balanced() && tiles.iter().all(Account::is_balanced));
                assert_eq!(series.received(), tiles.iter().map(Account::received).sum::<u64>());
                let by_reason: u64 = LossReason::ALL.iter().map(|&reason| series.lost(reason)).sum();
                assert_eq!(by_reason, series.lost_total());
            }
        }
    }

    #[test]
    fn each_event_moves_exactly_the_frames_it_names() {
        let mut account = Account::default();
        (0..5).for_each(|_| account.receive());
        account.refuse(LossReason::BadChecksum);
        account.process(2);
        account.lose_waiting(LossReason::SkippedOldest, 1);
        account.miss(GapCause::Camera, 7);
        assert_eq!((account.received(), account.processed(), account.waiting()), (6, 2, 2));
        assert_eq!((account.lost(LossReason::BadChecksum), account.lost(LossReason::SkippedOldest)), (1, 1));
        assert_eq!((account.lost_total(), account.missing(GapCause::Camera)), (2, 7));
    }

    #[test]
    fn frames_that_the_daemon_lost_are_not_counted_as_missing_too() {
        let mut account = Account::default();
        account.refuse(LossReason::RingFull);
        account.miss(GapCause::Daemon, 1);
        assert_eq!(account.lost_total(), 1);
        assert_eq!(account.missing(GapCause::Transport) + account.missing(GapCause::Camera), 0);
    }

    #[test]
    fn a_restart_begins_balanced() {
        let account = Account::recovered(100, 7);
        assert!(account.is_balanced());
        assert_eq!(account.received(), 107);
    }

    #[test]
    fn reasons_stand_in_order_and_have_distinct_names() {
        let mut names: Vec<_> = LossReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(LossReason::ALL.iter().enumerate().all(|(at, &reason)| reason as usize == at));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LossReason::ALL.len());
    }
}
