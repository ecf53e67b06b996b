//! What outlives the process: the frame ring and the journal of localizations.
//!
//! In: frames as they arrive, localizations as they are found. Out: the same, also after `kill -9`.
//! Never: threads, clocks, locks, sockets; never an allocation per frame; never a sparse file (a full disk is
//! an error here, not a signal later); never a file deleted that somebody might still want.
//!
//! Both kinds of file are for the machine that wrote them: native byte order, checked by their magic. Records of what is
//! made of a journal are lines of JSON (`lines`).

pub mod journal;
pub mod lines;
pub mod ring;

mod files;
#[cfg(test)]
#[cfg(unix)]
mod kill_tests;
mod mapped;

use smlm::account::{Account, LossReason};
use smlm::frame::GapCause;

pub use files::SpaceError;

/// Places for loss counters in files; more than there are reasons, so that reasons can be added at the end.
pub const LOSS_PLACES: usize = 16;
const _: () = assert!(LossReason::ALL.len() <= LOSS_PLACES);

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

/// An account of frames as it stands in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct AccountRecord {
    pub received: u64,
    pub processed: u64,
    pub lost: Losses,
    pub missing_transport: u64,
    pub missing_camera: u64,
}

impl AccountRecord {
    pub fn waiting(&self) -> u64 {
        self.received.saturating_sub(self.processed + self.lost.total())
    }
}

impl From<&Account> for AccountRecord {
    fn from(account: &Account) -> Self {
        let mut lost = Losses::default();
        LossReason::ALL.iter().for_each(|reason| lost[*reason] = account.lost(*reason));
        Self {
            received: account.received(),
            processed: account.processed(),
            lost,
            missing_transport: account.missing(GapCause::Transport),
            missing_camera: account.missing(GapCause::Camera),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_reasons_in_files_stay_what_they_were() {
        let written = [
            "ring_full",
            "skipped_oldest",
            "no_ring",
            "shape_changed",
            "bad_checksum",
            "bad_compression",
            "duplicate",
            "too_late",
            "engine_failed",
            "series_closed",
            "too_many_series",
            "slot_torn",
            "shutdown",
        ];
        let now: Vec<_> = LossReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(now[..written.len()], written, "new reasons go to the end: old files count by number");
    }

    #[test]
    fn an_account_in_a_file_balances_like_the_account_itself() {
        let mut account = Account::default();
        (0..5).for_each(|_| account.receive());
        account.process(2);
        account.refuse(LossReason::RingFull);
        account.miss(GapCause::Camera, 3);
        let record = AccountRecord::from(&account);
        assert_eq!((record.received, record.processed, record.waiting()), (6, 2, 3));
        assert_eq!((record.lost[LossReason::RingFull], record.missing_camera), (1, 3));
    }
}
