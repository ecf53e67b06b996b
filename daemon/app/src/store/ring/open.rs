//! Making, finding and reopening rings: in come folders, out come the two ends of a ring.
//!
//! Never deletes a file with frames in it: one that cannot be read is renamed, and the error says to what.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use smlm::account::LossReason;
use smlm::frame::SeriesId;

use super::super::files::{self, Locked, PAGE, SpaceError};
use super::super::mapped::Mapped;
use super::layout::{Fixed, Layout, MAGIC, State, VERSION, stride};
use super::reader::RingReader;
use super::spare::Spare;
use super::writer::RingWriter;
use super::{MAX_PAYLOAD_BYTES, MAX_SLOTS, MIN_SLOTS, Policy, Reopened, RingError, RingSettings};

const EXTENSION: &str = "ring";

/// Makes the ring of a series, with every byte reserved on disk.
///
/// # Errors
/// Too few slots, a full disk, a ring that exists, a folder that cannot be written.
pub fn create(
    settings: &RingSettings,
    series: SeriesId,
    payload_bytes: usize,
) -> Result<(RingWriter, RingReader), RingError> {
    create_from(settings, series, payload_bytes, None)
}

/// [`create`], in a file made before: then nothing is to be reserved, and it takes a few milliseconds at most.
///
/// # Errors
/// As [`create`]; a spare that does not fit is removed, and a new file made.
pub fn create_from(
    settings: &RingSettings,
    series: SeriesId,
    payload_bytes: usize,
    spare: Option<Spare>,
) -> Result<(RingWriter, RingReader), RingError> {
    let fixed = Fixed::new(series, payload_bytes, slots(settings.bytes, payload_bytes)?);
    files::private_folder(&settings.dir)?;
    let path = settings.dir.join(format!("{series}.{EXTENSION}"));
    if path.exists() {
        return Err(RingError::Exists(path));
    }
    let spare = spare.and_then(|spare| spare.take(fixed.file_bytes()));
    let layout = match spare.map(|(file, from)| finish(file, &from, &path, &fixed)) {
        Some(Ok(layout)) => layout,
        Some(Err(_)) | None => write_new(&path, &fixed)?, // a spare that cannot be used is as good as none
    };
    let layout = Arc::new(layout);
    let writer = RingWriter::new(Arc::clone(&layout), settings.policy);
    Ok((writer, RingReader::new(layout, path, VecDeque::new())))
}

fn slots(bytes: u64, payload_bytes: usize) -> Result<u64, RingError> {
    if payload_bytes == 0 || payload_bytes > MAX_PAYLOAD_BYTES {
        return Err(RingError::BadPayload(payload_bytes));
    }
    let slots = (bytes / stride(payload_bytes)).min(MAX_SLOTS);
    if slots < MIN_SLOTS {
        return Err(RingError::TooSmall { bytes, slots, payload_bytes });
    }
    Ok(slots)
}

fn write_new(path: &Path, fixed: &Fixed) -> Result<Layout, RingError> {
    // Under another name until it is whole, so that a restart never meets half a ring.
    let new = path.with_extension("ring-new");
    if new.exists() {
        std::fs::remove_file(&new).map_err(SpaceError::at(&new))?; // left by a process that died making it
    }
    let file = lock(files::open(&new, true).map_err(SpaceError::at(&new))?, &new)?;
    let reserved = files::reserve(&file, &new, 0, fixed.file_bytes());
    reserved
        .map_err(RingError::from)
        .and_then(|()| finish(file, &new, path, fixed))
        // Holds no frame; the error at hand says more than a second one.
        .inspect_err(|_| drop(std::fs::remove_file(&new)))
}

/// A reserved file of zeros becomes a ring under its name.
fn finish(file: Locked, from: &Path, path: &Path, fixed: &Fixed) -> Result<Layout, RingError> {
    write_fixed(&file, fixed).map_err(SpaceError::at(from))?;
    let layout = map(file, from, fixed)?;
    std::fs::rename(from, path).map_err(SpaceError::at(path))?;
    Ok(layout)
}

fn map(file: Locked, path: &Path, fixed: &Fixed) -> Result<Layout, RingError> {
    let map = Mapped::writable(&file, 0, fixed.file_bytes() as usize).map_err(SpaceError::at(path))?;
    Ok(Layout::new(map, file, fixed))
}

fn write_fixed(mut file: &File, fixed: &Fixed) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytemuck::bytes_of(fixed))
}

pub(super) fn lock(file: File, path: &Path) -> Result<Locked, RingError> {
    Locked::new(file).map_err(SpaceError::at(path))?.ok_or_else(|| RingError::Busy(path.to_owned()))
}

/// The rings in a folder, in the order of their names; none when there is no folder.
pub fn list(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut rings: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == EXTENSION)).collect();
    rings.sort();
    rings
}

/// Opens the ring a process left behind. Frames that were committed and not released are read (again).
///
/// # Errors
/// Another process has it; or it is damaged and was set aside.
pub fn reopen(path: &Path, policy: Policy) -> Result<(RingWriter, RingReader, Reopened), RingError> {
    let file = lock(files::open(path, false).map_err(SpaceError::at(path))?, path)?;
    let fixed = match read_fixed(&file, path)? {
        Ok(fixed) => fixed,
        Err(what) => {
            let aside = files::set_aside(path)?;
            return Err(RingError::Damaged { path: path.to_owned(), what, aside });
        }
    };
    let layout = Arc::new(map(file, path, &fixed)?);
    let found = recover(&layout);
    let reopened = Reopened {
        series: SeriesId(fixed.series),
        payload_bytes: layout.payload_bytes,
        waiting: found.len() as u64,
        next_seq: layout.next_seq().load(Ordering::Relaxed),
        counts: layout.counts(),
    };
    let writer = RingWriter::new(Arc::clone(&layout), policy);
    Ok((writer, RingReader::new(layout, path.to_owned(), found), reopened))
}

/// The header's fixed fields, or what is wrong with them.
fn read_fixed(mut file: &File, path: &Path) -> Result<Result<Fixed, String>, SpaceError> {
    use std::io::Read;
    let length = file.metadata().map_err(SpaceError::at(path))?.len();
    if length < PAGE {
        return Ok(Err(format!("{length} bytes are too few for a header")));
    }
    let mut bytes = [0u8; size_of::<Fixed>()];
    file.read_exact(&mut bytes).map_err(SpaceError::at(path))?;
    let fixed: Fixed = bytemuck::pod_read_unaligned(&bytes);
    Ok(check(&fixed, length).map(|()| fixed))
}

fn check(fixed: &Fixed, length: u64) -> Result<(), String> {
    if fixed.magic != MAGIC {
        return Err("it does not begin like one".into());
    }
    if fixed.version != VERSION {
        return Err(format!("its version is {}, this program knows {VERSION}", fixed.version));
    }
    if fixed.crc != fixed.checksum() {
        return Err("its header does not pass its checksum".into());
    }
    let expected = Fixed::new(SeriesId(fixed.series), fixed.payload_bytes as usize, fixed.slots);
    let bounds = (1..=MAX_PAYLOAD_BYTES as u64).contains(&fixed.payload_bytes)
        && (MIN_SLOTS..=MAX_SLOTS).contains(&fixed.slots)
        && *fixed == expected;
    if !bounds {
        return Err("its header holds impossible sizes".into());
    }
    // A file that was made before the size of its frames was known is longer.
    if length < fixed.file_bytes() {
        return Err(format!("it has {length} bytes, its header says {}", fixed.file_bytes()));
    }
    Ok(())
}

/// Makes the counters exact from the slots' states and returns the positions to read, oldest first.
fn recover(layout: &Layout) -> VecDeque<u64> {
    let mut found = Vec::new();
    let mut released = layout.released().load(Ordering::Relaxed);
    let mut committed = layout.committed().load(Ordering::Relaxed);
    let mut head = layout.head().load(Ordering::Relaxed);
    let mut next_seq = layout.next_seq().load(Ordering::Relaxed);
    let mut damaged = 0;
    for slot in 0..layout.slots {
        let word = layout.state(slot).load(Ordering::Acquire);
        let helper = layout.helper(slot).load(Ordering::Relaxed);
        let position = match State::from_word(word) {
            Some(State::Committing(position)) => {
                committed = committed.max(helper.saturating_add(1));
                position
            }
            Some(State::Ready(position) | State::Claimed(position)) => position,
            Some(State::Releasing(_)) => {
                released = released.max(helper.saturating_add(1));
                layout.state(slot).store(State::Free.word(), Ordering::Release);
                continue;
            }
            Some(State::Free | State::Writing(_)) => {
                layout.state(slot).store(State::Free.word(), Ordering::Release);
                continue;
            }
            None => u64::MAX, // no such state: damaged, below
        };
        // SAFETY: in bounds and aligned, any bytes are a record, and nobody else has the ring yet.
        let record = unsafe { layout.record(slot).read() };
        let sound = position % layout.slots == slot && record.is_whole();
        if !sound || record.info().payload_bytes() != layout.payload_bytes {
            damaged += 1;
            layout.state(slot).store(State::Free.word(), Ordering::Release);
            continue;
        }
        layout.state(slot).store(State::Ready(position).word(), Ordering::Release);
        head = head.max(position + 1);
        next_seq = next_seq.max(record.info().id.seq.0.saturating_add(1));
        found.push(position);
    }
    found.sort_unstable();
    store_counters(
        layout,
        Recovered { head, committed, released, next_seq, damaged, waiting: found.len() as u64 },
    );
    found.into()
}

struct Recovered {
    head: u64,
    committed: u64,
    released: u64,
    next_seq: u64,
    damaged: u64,
    waiting: u64,
}

/// What was committed and is neither released, waiting nor damaged was skipped.
fn store_counters(layout: &Layout, now: Recovered) {
    let damaged = layout.lost(LossReason::SlotTorn).load(Ordering::Relaxed) + now.damaged;
    let skipped = now.committed.saturating_sub(now.released + now.waiting + damaged);
    layout.head().store(now.head, Ordering::Relaxed);
    layout.committed().store(now.committed, Ordering::Relaxed);
    layout.released().store(now.released, Ordering::Relaxed);
    layout.next_seq().store(now.next_seq, Ordering::Relaxed);
    layout.lost(LossReason::SlotTorn).store(damaged, Ordering::Relaxed);
    layout.lost(LossReason::SkippedOldest).store(skipped, Ordering::Release);
}
