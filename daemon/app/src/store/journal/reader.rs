//! The reading end of a journal: in comes a series' folder, out come blocks in place, in the order of writing.
//!
//! Never blocks the writer, never reads past what it published, never believes a length before it is checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use smlm::frame::SeriesId;
use smlm::localization::Localization;
use smlm::looks::Look;
use smlm::series::SeriesInfo;
use smlm::units::PixelSize;

use super::super::files::{PAGE, SpaceError};
use super::super::mapped::Mapped;
use super::block::{BlockHead, BlockKind, COMMITTED_AT, Fixed, HEAD_BYTES, RawHead, VERSION, block_bytes};
use super::look::RawLook;
use super::{FILE_NAME, JournalError, Recovered, info};

/// A view of a journal up to the length that was published when it was opened or refreshed.
pub struct JournalReader {
    path: PathBuf,
    file: File,
    map: Mapped,
    fixed: Fixed,
    end: usize,
}

/// A block, in place.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    pub head: BlockHead,
    /// Empty for blocks that hold none.
    pub localizations: &'a [Localization],
    body: &'a [u8],
    raw: RawHead,
}

impl Block<'_> {
    /// Whether the body passes its checksum.
    pub fn is_whole(&self) -> bool {
        self.raw.fits(self.body)
    }

    /// The description in a `SeriesInfo` block.
    pub fn series_info(&self) -> Option<SeriesInfo> {
        (self.head.kind == BlockKind::SeriesInfo).then(|| info::from_json(self.body)).flatten()
    }

    /// What was seen, in a `Look` block; `None` where another program wrote it in another form.
    pub fn look(&self) -> Option<Look> {
        let is_one = self.head.kind == BlockKind::Look;
        is_one.then(|| bytemuck::try_pod_read_unaligned::<RawLook>(self.body).ok()).flatten().map(Look::from)
    }

    /// The reason in a `SeriesEnd` block.
    pub fn ended_because(&self) -> Option<String> {
        let ends = self.head.kind == BlockKind::SeriesEnd;
        ends.then(|| String::from_utf8_lossy(self.body).into_owned())
    }
}

impl JournalReader {
    /// Opens the journal in a series' folder. The heads of all its blocks are checked.
    ///
    /// # Errors
    /// There is none; or it is damaged.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(FILE_NAME);
        let file = File::open(&path).map_err(SpaceError::at(&path))?;
        let (map, fixed) = map(&file, &path)?;
        let mut reader = Self { path, file, map, fixed, end: PAGE as usize };
        reader.refresh()?;
        Ok(reader)
    }

    /// Takes in what was published since; `true` when there is something new.
    ///
    /// # Errors
    /// The new part cannot be mapped or is damaged; the reader stays as it was.
    pub fn refresh(&mut self) -> Result<bool, JournalError> {
        let committed = self.map.atomic(COMMITTED_AT).load(Ordering::Acquire);
        if committed > self.map.len() as u64 {
            (self.map, _) = map(&self.file, &self.path)?;
        }
        let damaged = |at: usize| JournalError::Damaged { path: self.path.clone(), at: at as u64 };
        let end = usize::try_from(committed).ok().filter(|end| *end <= self.map.len());
        let end = end.ok_or_else(|| damaged(self.end))?;
        let mut at = self.end;
        while at < end {
            at += self.block(at, end).ok_or_else(|| damaged(at))?.1;
        }
        let grew = at > self.end;
        self.end = at;
        Ok(grew)
    }

    /// The block at `at` and its whole length.
    fn block(&self, at: usize, end: usize) -> Option<(Block<'_>, usize)> {
        // SAFETY: in bounds (`bytes` checks), published with Release and loaded with Acquire, and never written again.
        let bytes = unsafe { std::slice::from_raw_parts(self.map.bytes(at, end - at), end - at) };
        let (raw, head, length) = RawHead::parse(bytes, at as u64)?;
        let body = &bytes[HEAD_BYTES..HEAD_BYTES + length];
        let localizations = match head.kind {
            BlockKind::Localizations => bytemuck::try_cast_slice(body).ok()?,
            _ => &[],
        };
        Some((Block { head, localizations, body, raw }, block_bytes(length)))
    }

    /// Every block, in the order of writing.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        self.blocks_from(PAGE).map(|(block, _)| block)
    }

    /// The blocks from a position on, each with the position after it; the first position is [`Self::START`].
    /// A position that is not a block's gives none.
    pub fn blocks_from(&self, position: u64) -> impl Iterator<Item = (Block<'_>, u64)> {
        let mut at = usize::try_from(position).unwrap_or(usize::MAX);
        std::iter::from_fn(move || {
            let (block, length) =
                (at >= PAGE as usize && at < self.end).then(|| self.block(at, self.end))??;
            at += length;
            Some((block, at as u64))
        })
    }

    /// The position of the first block.
    pub const START: u64 = PAGE;

    /// The localizations of some frames, of one tile or of all; blocks of others are not touched.
    pub fn query(
        &self,
        frames: RangeInclusive<u32>,
        tile: Option<u32>,
    ) -> impl Iterator<Item = &Localization> {
        let (first, last) = (*frames.start(), *frames.end());
        let wanted = move |head: &BlockHead| {
            head.last_seq >= first.into()
                && head.first_seq <= last.into()
                && tile.is_none_or(|tile| tile == head.tile)
        };
        self.blocks()
            .filter(move |block| wanted(&block.head))
            .flat_map(|block| block.localizations)
            .filter(move |l| frames.contains(&l.frame))
    }

    /// Checks every body as well, which reads the whole journal.
    ///
    /// # Errors
    /// The first damaged block's position.
    pub fn check(&self) -> Result<(), JournalError> {
        let mut at = Self::START;
        for (block, next) in self.blocks_from(Self::START) {
            if !block.is_whole() {
                return Err(JournalError::Damaged { path: self.path.clone(), at });
            }
            at = next;
        }
        Ok(())
    }

    /// What the journal holds; reads all heads, checks no body.
    pub fn totals(&self) -> Recovered {
        let mut totals = Recovered::empty(&self.fixed);
        let mut tiles = BTreeMap::new();
        self.blocks().for_each(|block| totals.add(&block.head, block.body, &mut tiles));
        totals.tiles = tiles.into_values().collect();
        totals
    }

    /// The series' description, the last one written; reads all heads.
    pub fn series_info(&self) -> Option<SeriesInfo> {
        self.blocks().filter_map(|block| block.series_info()).last()
    }

    pub fn series(&self) -> SeriesId {
        self.fixed.series()
    }

    pub fn pixel_size(&self) -> PixelSize {
        self.fixed.pixel_size()
    }

    /// Bytes of the journal up to the end of its last block.
    pub fn bytes(&self) -> u64 {
        self.end as u64
    }
}

/// Maps the whole file for reading and checks its header.
pub(super) fn map(file: &File, path: &Path) -> Result<(Mapped, Fixed), JournalError> {
    let not = |what: String| JournalError::NotAJournal { path: path.to_owned(), what };
    let length = file.metadata().map_err(SpaceError::at(path))?.len();
    if length < PAGE {
        return Err(not(format!("{length} bytes are too few for a header")));
    }
    let length = usize::try_from(length).map_err(|_| not(format!("{length} bytes are too many to map")))?;
    let map = Mapped::read_only(file, 0, length).map_err(SpaceError::at(path))?;
    // SAFETY: in bounds, any bytes are a `Fixed`, and they never change once the file has its name.
    let fixed = unsafe { map.bytes(0, size_of::<Fixed>()).cast::<Fixed>().read_unaligned() };
    fixed.check().map_err(|what| not(what.to_owned()))?;
    if fixed.version != VERSION {
        return Err(JournalError::Version { path: path.to_owned(), version: fixed.version });
    }
    Ok((map, fixed))
}
