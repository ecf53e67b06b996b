//! What a restart finds in a journal: in comes the file, out come the whole blocks' totals, and a clean end.
//!
//! Never cuts bytes that were published without keeping a copy.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use smlm::frame::{SeriesId, StagePosition, Tile};
use smlm::series::SeriesInfo;
use smlm::units::PixelSize;

use super::super::AccountRecord;
use super::super::files::{self, PAGE, SpaceError};
use super::super::mapped::Mapped;
use super::block::{BlockHead, BlockKind, COMMITTED_AT, Fixed, HEAD_BYTES, RawHead, StagePlace, block_bytes};
use super::{JournalError, info, reader};

/// More separate stretches of done frames than this are not kept: the oldest two become one.
const MAX_STRETCHES: usize = 65_536;

/// What a journal held when it was reopened.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    pub series: SeriesId,
    pub pixel_size: PixelSize,
    /// The last description written.
    pub info: Option<SeriesInfo>,
    /// The largest number of a frame that is done.
    pub last_seq: Option<u64>,
    /// The frames that are done, as stretches in ascending order. Numbers inside a stretch that no block names
    /// were lost and will not come; beyond 65 536 stretches the oldest run together.
    pub done: Vec<RangeInclusive<u64>>,
    /// Frames in blocks of localizations.
    pub processed: u64,
    /// Frames in blocks of failures.
    pub failed: u64,
    pub localizations: u64,
    /// The same by tile, in ascending order of its index.
    pub tiles: Vec<TileDone>,
    /// The account as it stood when the last block was appended; `processed` above is newer.
    pub account: AccountRecord,
    /// Why the series ended, when it did.
    pub ended: Option<String>,
    /// Length of the whole blocks.
    pub kept_bytes: u64,
    /// Published bytes after them that were damaged or unreachable, and the file they were copied to.
    pub set_aside: Option<(u64, PathBuf)>,
}

/// What is done of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileDone {
    pub tile: Tile,
    pub processed: u64,
    pub failed: u64,
    pub localizations: u64,
    /// Where the stage stood at its first block.
    pub stage: Option<StagePosition>,
}

impl Recovered {
    /// Whether the frame with this number is done.
    pub fn is_done(&self, seq: u64) -> bool {
        let after = self.done.partition_point(|stretch| *stretch.end() < seq);
        self.done.get(after).is_some_and(|stretch| stretch.contains(&seq))
    }

    pub(super) fn empty(fixed: &Fixed) -> Self {
        Self {
            series: fixed.series(),
            pixel_size: fixed.pixel_size(),
            info: None,
            last_seq: None,
            done: Vec::new(),
            processed: 0,
            failed: 0,
            localizations: 0,
            tiles: Vec::new(),
            account: AccountRecord::default(),
            ended: None,
            kept_bytes: PAGE,
            set_aside: None,
        }
    }

    pub(super) fn add(&mut self, head: &BlockHead, body: &[u8], tiles: &mut BTreeMap<u32, TileDone>) {
        self.account = head.account;
        match head.kind {
            BlockKind::Localizations | BlockKind::Failed => self.add_frames(head, tiles),
            BlockKind::SeriesInfo => self.info = info::from_json(body).or(self.info.take()),
            BlockKind::SeriesEnd => self.ended = Some(String::from_utf8_lossy(body).into_owned()),
            BlockKind::TileEnd | BlockKind::Look => {}
        }
    }

    fn add_frames(&mut self, head: &BlockHead, tiles: &mut BTreeMap<u32, TileDone>) {
        self.ended = None; // the series went on
        self.last_seq = self.last_seq.max(Some(head.last_seq));
        let (processed, failed) =
            if head.kind == BlockKind::Failed { (0, head.frames) } else { (head.frames, 0) };
        let tile = Tile { index: head.tile, row: head.tile_row, column: head.tile_column };
        let done = tiles.entry(head.tile).or_insert(TileDone {
            tile,
            processed: 0,
            failed: 0,
            localizations: 0,
            stage: None,
        });
        done.stage = done.stage.or(head.stage.map(StagePlace::position));
        for (total, more) in [
            (&mut self.processed, processed),
            (&mut self.failed, failed),
            (&mut self.localizations, head.localizations),
            (&mut done.processed, processed),
            (&mut done.failed, failed),
            (&mut done.localizations, head.localizations),
        ] {
            *total = total.saturating_add(more);
        }
        add_stretch(&mut self.done, head.first_seq..=head.last_seq);
    }
}

/// Adds a stretch, which nearly always lies at the end, and runs it together with those it touches.
fn add_stretch(stretches: &mut Vec<RangeInclusive<u64>>, new: RangeInclusive<u64>) {
    let (mut first, mut last) = new.into_inner();
    let from = stretches.partition_point(|s| s.end().saturating_add(1) < first);
    let to = stretches.partition_point(|s| *s.start() <= last.saturating_add(1));
    if from < to {
        first = first.min(*stretches[from].start());
        last = last.max(*stretches[to - 1].end());
    }
    stretches.splice(from..to.max(from), [first..=last]);
    if stretches.len() > MAX_STRETCHES {
        let oldest = *stretches[0].start()..=*stretches[1].end();
        stretches.splice(..2, [oldest]);
    }
}

/// Reads every block, cuts what follows the last whole one, and says what was there.
pub(super) fn recover(file: &File, path: &Path) -> Result<Recovered, JournalError> {
    let (map, fixed) = reader::map(file, path)?;
    let committed = map.atomic(COMMITTED_AT).load(Ordering::Acquire);
    let mut recovered = scan(&map, &fixed);
    let end = recovered.kept_bytes;
    let published = committed.min(map.len() as u64);
    drop(map);
    if published > end {
        let aside = keep_copy(file, path, end, published).map_err(SpaceError::at(path))?;
        recovered.set_aside = Some((published - end, aside));
    }
    // Also makes zeros of whatever lies beyond, so that no old block can ever follow a new one.
    file.set_len(end).map_err(SpaceError::at(path))?;
    Ok(recovered)
}

fn scan(map: &Mapped, fixed: &Fixed) -> Recovered {
    let mut recovered = Recovered::empty(fixed);
    let mut tiles = BTreeMap::new();
    // SAFETY: in bounds, and nobody writes: the caller holds the file's lock.
    let bytes = unsafe { std::slice::from_raw_parts(map.bytes(0, map.len()), map.len()) };
    let mut at = PAGE as usize;
    while let Some((raw, head, length)) = RawHead::parse(&bytes[at..], at as u64) {
        let body = &bytes[at + HEAD_BYTES..at + HEAD_BYTES + length];
        if !raw.fits(body) {
            break;
        }
        recovered.add(&head, body, &mut tiles);
        at += block_bytes(length);
    }
    recovered.kept_bytes = at as u64;
    recovered.tiles = tiles.into_values().collect();
    recovered
}

fn keep_copy(mut file: &File, path: &Path, from: u64, to: u64) -> io::Result<PathBuf> {
    let aside = files::aside_name(path)?;
    let mut copy = files::open(&aside, true)?;
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut file.take(to - from), &mut copy)?;
    copy.sync_all()?;
    Ok(aside)
}
