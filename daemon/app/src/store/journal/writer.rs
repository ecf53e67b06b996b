//! The writing end of a journal: in come batches of frames and what was found in them, out come published blocks.
//!
//! Never publishes a block before its last byte is written. After an error the journal ends with its last whole
//! block, and appending goes on as soon as there is room.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use smlm::account::Account;
use smlm::frame::{FrameInfo, SeriesId, Tile};
use smlm::localization::Localization;
use smlm::looks::Look;
use smlm::series::SeriesInfo;
use smlm::units::PixelSize;

use super::super::AccountRecord;
use super::super::files::{self, Locked, PAGE, SpaceError};
use super::super::mapped::Mapped;
use super::block::{BlockHead, BlockKind, COMMITTED_AT, Fixed, HEAD_BYTES, RawHead, block_bytes};
use super::look::RawLook;
use super::recover::{self, Recovered};
use super::{FILE_NAME, JournalError, JournalSettings, MAX_BODY_BYTES, folder, info};

/// The one writer of a journal.
pub struct JournalWriter {
    settings: JournalSettings,
    path: PathBuf,
    file: Locked,
    header: Mapped,
    /// The stretch of the file that is being written, and where it begins.
    tail: Option<(u64, Mapped)>,
    /// Where the next block begins: the committed length.
    end: u64,
    /// Bytes of the file that are reserved on disk.
    reserved: u64,
    account: AccountRecord,
}

impl JournalWriter {
    /// Makes the journal of a series, in the series' folder within `store`.
    ///
    /// # Errors
    /// It exists already, or there is no room.
    pub fn create(store: &Path, series: SeriesId, pixel: PixelSize) -> Result<Self, JournalError> {
        Self::create_with(JournalSettings::default(), store, series, pixel)
    }

    /// [`Self::create`] with other settings.
    pub fn create_with(
        settings: JournalSettings,
        store: &Path,
        series: SeriesId,
        pixel: PixelSize,
    ) -> Result<Self, JournalError> {
        let folder = folder(store, series);
        files::private_folder(&folder)?;
        let path = folder.join(FILE_NAME);
        if path.exists() {
            return Err(JournalError::Exists(path));
        }
        // Under another name until its header is whole, so that a restart never meets half a header.
        let new = path.with_extension("blj-new");
        if new.exists() {
            std::fs::remove_file(&new).map_err(SpaceError::at(&new))?; // left by a process that died making it
        }
        let file = lock(files::open(&new, true).map_err(SpaceError::at(&new))?, &new)?;
        let made = write_header(&file, &new, &Fixed::new(series, pixel))
            .and_then(|()| std::fs::rename(&new, &path).map_err(SpaceError::at(&path)));
        if let Err(error) = made {
            drop(std::fs::remove_file(&new)); // holds nothing; the error at hand says more than a second one
            return Err(error.into());
        }
        Self::around(settings, path, file, PAGE)
    }

    /// Opens a journal to go on with it; `folder` is the series' folder. What is torn at its end is cut.
    ///
    /// # Errors
    /// It is none and was set aside, is of another version, or another process writes it. Published blocks that are damaged are no
    /// error: they and what follows are set aside in a file that [`Recovered`] names.
    pub fn reopen(folder: &Path) -> Result<(Self, Recovered), JournalError> {
        Self::reopen_with(JournalSettings::default(), folder)
    }

    /// [`Self::reopen`] with other settings.
    pub fn reopen_with(settings: JournalSettings, folder: &Path) -> Result<(Self, Recovered), JournalError> {
        let path = folder.join(FILE_NAME);
        let file = lock(files::open(&path, false).map_err(SpaceError::at(&path))?, &path)?;
        let recovered = match recover::recover(&file, &path) {
            Err(JournalError::NotAJournal { path, what }) => {
                let aside = files::set_aside(&path)?;
                return Err(JournalError::SetAside { path, what, aside });
            }
            recovered => recovered?,
        };
        let mut writer = Self::around(settings, path, file, recovered.kept_bytes)?;
        writer.account = recovered.account;
        Ok((writer, recovered))
    }

    fn around(
        settings: JournalSettings,
        path: PathBuf,
        file: Locked,
        end: u64,
    ) -> Result<Self, JournalError> {
        let header = Mapped::writable(&file, 0, PAGE as usize).map_err(SpaceError::at(&path))?;
        header.atomic(COMMITTED_AT).store(end, Ordering::Release);
        let account = AccountRecord::default();
        Ok(Self { settings, path, file, header, tail: None, end, reserved: end, account })
    }

    /// Frames of one tile are done: processed, with what was found in them; or `failed`, with nothing.
    /// `account` is the series' when this is called. Without frames, nothing is written.
    ///
    /// # Errors
    /// No room; nothing of the batch is in the journal then, and the same call may be made again.
    pub fn append(
        &mut self,
        frames: &[FrameInfo],
        found: &[Localization],
        failed: bool,
        account: &Account,
    ) -> Result<(), JournalError> {
        let kind = if failed { BlockKind::Failed } else { BlockKind::Localizations };
        let Some(head) = BlockHead::of_frames(kind, frames, account.into()) else { return Ok(()) };
        debug_assert!(frames.iter().all(|frame| frame.tile.index == head.tile), "a block is of one tile");
        self.put(&head, if failed { &[] } else { bytemuck::cast_slice(found) })
    }

    /// Writes the series' description; the last one written counts.
    ///
    /// # Errors
    /// No room.
    pub fn describe(&mut self, series: &SeriesInfo) -> Result<(), JournalError> {
        self.put(&BlockHead::mark(BlockKind::SeriesInfo, self.account), &info::to_json(series))
    }

    /// What was seen of focus and light in some frames of a tile; goes behind the block of their localizations.
    ///
    /// # Errors
    /// No room.
    pub fn look(&mut self, tile: Tile, look: &Look, account: &Account) -> Result<(), JournalError> {
        let head = BlockHead::mark(BlockKind::Look, account.into()).with_tile(tile);
        self.put(&head, bytemuck::bytes_of(&RawLook::from(look)))
    }

    /// The publisher ended a tile.
    ///
    /// # Errors
    /// No room.
    pub fn end_tile(&mut self, tile: Tile, account: &Account) -> Result<(), JournalError> {
        self.put(&BlockHead::mark(BlockKind::TileEnd, account.into()).with_tile(tile), &[])
    }

    /// The series is complete: says why, gives back what was reserved, and writes all to the disk itself.
    ///
    /// # Errors
    /// No room, or the disk fails; may be called again.
    pub fn close(&mut self, why: &str, account: &Account) -> Result<(), JournalError> {
        self.put(&BlockHead::mark(BlockKind::SeriesEnd, account.into()), why.as_bytes())?;
        self.give_back().map_err(SpaceError::at(&self.path))?;
        self.sync()
    }

    /// Writes what was appended to the disk itself; takes up to seconds on a busy disk.
    ///
    /// # Errors
    /// The disk fails: what was appended since the last success is safe from `kill -9` only.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        Ok(self.file.sync_data().map_err(SpaceError::at(&self.path))?)
    }

    /// Bytes of the journal that hold blocks.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn put(&mut self, head: &BlockHead, body: &[u8]) -> Result<(), JournalError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(JournalError::BlockTooLarge { path: self.path.clone(), bytes: body.len() });
        }
        let length = block_bytes(body.len());
        let at = self.end;
        let place = self.room(length)?;
        let raw = RawHead::new(head, at, body);
        // SAFETY: `room` gives `length` writable bytes past the committed length, where no reader looks, and there
        // is one writer (`&mut self`, and the file's lock).
        unsafe {
            place.add(HEAD_BYTES).copy_from_nonoverlapping(body.as_ptr(), body.len());
            place.copy_from_nonoverlapping(bytemuck::bytes_of(&raw).as_ptr(), HEAD_BYTES);
        }
        self.end += length as u64;
        self.account = head.account;
        self.header.atomic(COMMITTED_AT).store(self.end, Ordering::Release);
        Ok(())
    }

    /// The next `length` bytes, mapped and reserved on disk.
    fn room(&mut self, length: usize) -> Result<*mut u8, JournalError> {
        if self.end + length as u64 > self.reserved {
            self.grow(length as u64)?;
        }
        let (from, map) = match &self.tail {
            Some((from, map)) if self.end + length as u64 <= from + map.len() as u64 => (from, map),
            _ => {
                let from = self.end - self.end % PAGE;
                let map = Mapped::writable(&self.file, from, (self.reserved - from) as usize)
                    .map_err(SpaceError::at(&self.path))?;
                let (from, map) = self.tail.insert((from, map));
                (&*from, &*map)
            }
        };
        Ok(map.bytes((self.end - from) as usize, length))
    }

    /// Reserves a step more, or on a nearly full disk just what is needed.
    fn grow(&mut self, length: u64) -> Result<(), JournalError> {
        let limit = self.settings.max_bytes;
        let least = (self.end + length).next_multiple_of(PAGE);
        if least > limit {
            return Err(JournalError::Limit { path: self.path.clone(), limit });
        }
        let step = least.max((self.reserved + self.settings.step_bytes).next_multiple_of(PAGE)).min(limit);
        let reserved = match files::reserve(&self.file, &self.path, self.reserved, step) {
            Ok(()) => step,
            Err(SpaceError::DiskFull { .. }) if least < step => {
                files::reserve(&self.file, &self.path, self.reserved, least)?;
                least
            }
            Err(error) => return Err(error.into()),
        };
        self.reserved = reserved;
        Ok(())
    }

    fn give_back(&mut self) -> std::io::Result<()> {
        self.tail = None;
        self.reserved = self.end;
        self.file.set_len(self.end)
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        drop(self.give_back()); // only space: the committed length says where the journal ends
    }
}

fn lock(file: File, path: &Path) -> Result<Locked, JournalError> {
    Locked::new(file).map_err(SpaceError::at(path))?.ok_or_else(|| JournalError::Busy(path.to_owned()))
}

fn write_header(file: &File, path: &Path, fixed: &Fixed) -> Result<(), SpaceError> {
    files::reserve(file, path, 0, PAGE)?;
    let header = Mapped::writable(file, 0, PAGE as usize).map_err(SpaceError::at(path))?;
    let bytes = bytemuck::bytes_of(fixed);
    // SAFETY: in bounds; nobody else knows of the file yet.
    unsafe { header.bytes(0, bytes.len()).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    header.atomic(COMMITTED_AT).store(PAGE, Ordering::Release);
    Ok(())
}
