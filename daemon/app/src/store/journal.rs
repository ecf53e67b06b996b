//! The journal: every localization of a series, in blocks that are only ever appended.
//!
//! In: localizations with the frames they are from, from one writer. Out: the same blocks, to any number of
//! readers in any process, while the writer goes on. It is the truth: maps, pictures and tables are made from it.
//! Never: a block that is half there, a byte that was published and changes, a published byte that is cut silently.
//!
//! ```text
//!   <store>/<series>/journal.blj
//!   0      header page: fixed fields with a checksum; the committed length
//!   4096   block: head of 256 bytes with its own checksum, body with its checksum in the head, padding to 8 bytes
//!   ...    the next block; after the committed length zeros, reserved on disk
//! ```
//! A block is written first and published after (one store of the committed length), so a reader or a restart
//! sees it whole or not at all. A restart believes the checksums, not the length.

mod block;
mod info;
mod look;
mod reader;
mod recover;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_damage;
mod writer;

use std::path::{Path, PathBuf};

use smlm::frame::SeriesId;

pub use self::block::{BlockHead, BlockKind};
pub use self::reader::{Block, JournalReader};
pub use self::recover::{Recovered, TileDone};
pub use self::writer::JournalWriter;
use super::files::SpaceError;

/// The journal's name in its series' folder.
pub const FILE_NAME: &str = "journal.blj";
/// The largest body of a block, in bytes: 1.3 million localizations.
pub const MAX_BODY_BYTES: usize = 64 << 20;

/// How a journal grows.
#[derive(Clone, Copy, Debug)]
pub struct JournalSettings {
    /// Reserved on disk at a time.
    pub step_bytes: u64,
    /// The journal does not grow beyond this.
    pub max_bytes: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { step_bytes: 64 << 20, max_bytes: u64::MAX }
    }
}

/// The folder of a series.
pub fn folder(store: &Path, series: SeriesId) -> PathBuf {
    store.join(series.to_string())
}

/// The folders of all series with a journal, in the order of their names; none when there is no store.
pub fn list(store: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(store) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut folders: Vec<_> = paths.filter(|path| path.join(FILE_NAME).is_file()).collect();
    folders.sort();
    folders
}

/// Why a journal cannot be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum JournalError {
    #[error(transparent)]
    Space(#[from] SpaceError),
    #[error(
        "{}: the journal has reached its limit of {limit} bytes: raise the limit, or begin a new series",
        path.display()
    )]
    Limit { path: PathBuf, limit: u64 },
    #[error(
        "{}: {bytes} bytes are too many for one block of the journal, {MAX_BODY_BYTES} are possible: \
         append fewer frames at a time", path.display()
    )]
    BlockTooLarge { path: PathBuf, bytes: usize },
    #[error("{}: a journal for this series exists already: reopen it", .0.display())]
    Exists(PathBuf),
    #[error("{}: another process writes this journal: stop the other daemon first", .0.display())]
    Busy(PathBuf),
    #[error(
        "{}: version {version} of the journal, this program knows {}: use the program that wrote it",
        path.display(), block::VERSION
    )]
    Version { path: PathBuf, version: u32 },
    #[error("{}: not a journal: {what}", path.display())]
    NotAJournal { path: PathBuf, what: String },
    #[error("{}: not a journal: {what}. Set aside as {}", path.display(), aside.display())]
    SetAside { path: PathBuf, what: String, aside: PathBuf },
    #[error(
        "{}: damaged at byte {at}: the blocks before it are whole. Reopening for writing keeps those and sets the \
         rest aside", path.display()
    )]
    Damaged { path: PathBuf, at: u64 },
}
