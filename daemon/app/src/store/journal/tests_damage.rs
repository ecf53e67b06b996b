//! Journals that were torn, damaged, or met a full disk.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::account::Account;

use super::tests::{PIXEL, SERIES, SMALL, append_some, assert_holds, create, found, frames};
use super::*;

/// A journal of some blocks, its bytes, and for each block its end and the frames up to there.
fn written(store: &Path, seed: u64) -> (PathBuf, Vec<u8>, Vec<(u64, u64)>) {
    let mut writer = create(store);
    append_some(&mut writer, 0, 25, seed);
    drop(writer);
    let folder = folder(store, SERIES);
    let mut ends = vec![(JournalReader::START, 0)];
    let reader = JournalReader::open(&folder).unwrap();
    for (block, after) in reader.blocks_from(JournalReader::START) {
        ends.push((after, ends.last().unwrap().1 + block.head.frames));
    }
    let bytes = std::fs::read(folder.join(FILE_NAME)).unwrap();
    (folder, bytes, ends)
}

fn set_committed(bytes: &mut [u8], committed: u64) {
    bytes[block::COMMITTED_AT..block::COMMITTED_AT + 8].copy_from_slice(&committed.to_ne_bytes());
}

#[test]
fn an_unpublished_block_that_is_torn_anywhere_is_cut_and_the_rest_is_kept() {
    let store = tempfile::tempdir().unwrap();
    let (folder, bytes, ends) = written(store.path(), 4);
    let path = folder.join(FILE_NAME);
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..200 {
        // The process died while writing the block after `whole`: some of its bytes are not there.
        let n = random.random_range(0..ends.len() - 1);
        let ((whole, kept_frames), (after, _)) = (ends[n], ends[n + 1]);
        let mut torn = bytes[..after as usize].to_vec();
        let at = random.random_range(whole..after) as usize;
        let until = random.random_range(at + 1..=after as usize);
        torn[at..until].iter_mut().for_each(|byte| *byte ^= 0x5A);
        set_committed(&mut torn, whole);
        std::fs::write(&path, &torn).unwrap();
        let (mut writer, recovered) = JournalWriter::reopen_with(SMALL, &folder).unwrap();
        // Padding is not protected; damage to nothing else leaves the block whole.
        let padding_only = recovered.kept_bytes == after;
        assert!(padding_only || recovered.kept_bytes == whole, "torn at {at} to {until}");
        assert!(!padding_only || after as usize - at < 8);
        let kept = if padding_only { ends[n + 1].1 } else { kept_frames };
        assert_eq!((recovered.processed, recovered.set_aside), (kept, None));
        let next = append_some(&mut writer, kept, 2, 77);
        assert_holds(&JournalReader::open(&folder).unwrap(), next);
    }
}

#[test]
fn published_blocks_that_are_damaged_are_set_aside_and_never_come_back() {
    let store = tempfile::tempdir().unwrap();
    let (folder, bytes, ends) = written(store.path(), 5);
    let path = folder.join(FILE_NAME);
    let (whole, kept_frames) = ends[10];
    let mut damaged = bytes.clone();
    damaged[whole as usize + 40] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let error = JournalReader::open(&folder).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { at, .. } if at == whole), "{error}");
    let (mut writer, recovered) = JournalWriter::reopen_with(SMALL, &folder).unwrap();
    assert_eq!((recovered.kept_bytes, recovered.processed), (whole, kept_frames));
    let (length, aside) = recovered.set_aside.unwrap();
    assert_eq!(length, bytes.len() as u64 - whole);
    assert_eq!(std::fs::read(aside).unwrap(), damaged[whole as usize..]);
    // A block of the very length of the damaged one: what followed that one must not follow this one.
    let again = frames(kept_frames, ends[11].1 - kept_frames);
    writer.append(&again, &found(&again), false, &Account::default()).unwrap();
    assert_eq!(writer.bytes(), ends[11].0);
    // As a process that dies now leaves it: nothing is given back.
    let left = std::fs::read(&path).unwrap();
    drop(writer);
    std::fs::write(&path, &left).unwrap();
    let (_, recovered) = JournalWriter::reopen_with(SMALL, &folder).unwrap();
    assert_eq!((recovered.kept_bytes, recovered.set_aside), (ends[11].0, None));
}

#[test]
fn a_damaged_body_is_found_by_checking() {
    let store = tempfile::tempdir().unwrap();
    let (folder, mut bytes, ends) = written(store.path(), 6);
    let (at, _) = ends[3];
    bytes[at as usize + block::HEAD_BYTES + 2] ^= 0x80;
    std::fs::write(folder.join(FILE_NAME), &bytes).unwrap();
    let reader = JournalReader::open(&folder).unwrap();
    assert!(matches!(reader.check(), Err(JournalError::Damaged { at: found, .. }) if found == at));
}

#[test]
fn a_whole_block_at_another_place_is_not_believed() {
    let store = tempfile::tempdir().unwrap();
    let (folder, mut bytes, ends) = written(store.path(), 9);
    let end = bytes.len() as u64;
    bytes.extend_from_within(ends[2].0 as usize..ends[3].0 as usize);
    std::fs::write(folder.join(FILE_NAME), &bytes).unwrap();
    let (_, recovered) = JournalWriter::reopen_with(SMALL, &folder).unwrap();
    assert_eq!((recovered.kept_bytes, recovered.processed), (end, ends.last().unwrap().1));
}

#[test]
fn any_bytes_are_a_journal_or_a_clear_error() {
    let store = tempfile::tempdir().unwrap();
    let (folder, bytes, _) = written(store.path(), 7);
    let path = folder.join(FILE_NAME);
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut bad = bytes.clone();
        bad.truncate(random.random_range(0..=bad.len()));
        for _ in 0..random.random_range(0..20) {
            if !bad.is_empty() {
                let at = random.random_range(0..bad.len().min(20_000));
                bad[at] = random.random();
            }
        }
        std::fs::write(&path, &bad).unwrap();
        if let Ok(reader) = JournalReader::open(&folder) {
            drop(reader.check()); // either answer is right; reading past the file is not
            assert!(reader.blocks().map(|block| block.localizations.len()).sum::<usize>() < 100_000);
        }
        match JournalWriter::reopen_with(SMALL, &folder) {
            Ok((writer, recovered)) => assert_eq!(writer.bytes(), recovered.kept_bytes),
            Err(error) => assert!(error.to_string().contains("journal.blj"), "{error}"),
        }
    }
}

#[test]
fn another_version_is_left_as_it_is_and_no_journal_is_set_aside() {
    let store = tempfile::tempdir().unwrap();
    let (folder, bytes, _) = written(store.path(), 8);
    let path = folder.join(FILE_NAME);
    let mut newer = bytes.clone();
    newer[8] = 2;
    std::fs::write(&path, &newer).unwrap();
    let error = JournalWriter::reopen(&folder).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), newer);
    std::fs::write(&path, "localizations").unwrap();
    let error = JournalWriter::reopen(&folder).map(|_| ()).unwrap_err();
    let JournalError::SetAside { aside, .. } = error else { panic!("{error}") };
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "localizations");
    drop(JournalWriter::create(store.path(), SERIES, PIXEL).unwrap());
}

#[test]
fn at_its_limit_the_journal_says_so_and_stays_whole() {
    let store = tempfile::tempdir().unwrap();
    let limit = JournalSettings { step_bytes: 8192, max_bytes: 65_536 };
    let mut writer = JournalWriter::create_with(limit, store.path(), SERIES, PIXEL).unwrap();
    fill_until_error(&mut writer, &folder(store.path(), SERIES), |error| {
        matches!(error, JournalError::Limit { limit: 65_536, .. })
            && error.to_string().contains("raise the limit")
    });
    assert!(writer.bytes() > 60_000 && std::fs::metadata(writer.path()).unwrap().len() <= 65_536);
    let huge = vec![0u8; MAX_BODY_BYTES / 48 * 48 + 48];
    let error =
        writer.append(&frames(0, 1), bytemuck::cast_slice(&huge), false, &Account::default()).unwrap_err();
    assert!(matches!(error, JournalError::BlockTooLarge { .. }));
}

/// Appends until it fails; returns the number of frames in the journal, all of them whole.
fn fill_until_error(
    writer: &mut JournalWriter,
    folder: &Path,
    expected: impl Fn(&JournalError) -> bool,
) -> u64 {
    for seq in 0.. {
        let frame = frames(seq, 1);
        if let Err(error) = writer.append(&frame, &found(&frame), false, &Account::default()) {
            assert!(expected(&error), "{error}");
            assert_holds(&JournalReader::open(folder).unwrap(), seq);
            return seq;
        }
    }
    unreachable!("a limit is set")
}

/// A file system of two MiB; `None` where this process may not mount one.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(dir.path());
        let done = mount.stderr(std::process::Stdio::null()).status();
        done.is_ok_and(|status| status.success()).then_some(Self(dir))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg(self.0.path()).status());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_with_a_remedy_and_appending_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1u8; 1 << 20]).unwrap();
    let mut writer = JournalWriter::create_with(
        JournalSettings { step_bytes: 300_000, max_bytes: u64::MAX },
        disk.0.path(),
        SERIES,
        PIXEL,
    )
    .unwrap();
    let folder = folder(disk.0.path(), SERIES);
    let is_full = |error: &JournalError| {
        matches!(error, JournalError::Space(SpaceError::DiskFull { .. }))
            && error.to_string().contains("journal.blj")
            && error.to_string().contains("Free some space")
    };
    let kept = fill_until_error(&mut writer, &folder, is_full);
    assert!(writer.bytes() > 950_000, "the last bytes of the disk are used: {}", writer.bytes());
    std::fs::remove_file(&ballast).unwrap();
    let next = append_some(&mut writer, kept, 50, 1);
    assert_holds(&JournalReader::open(&folder).unwrap(), next);
    drop(writer);
    let (_writer, recovered) = JournalWriter::reopen(&folder).unwrap();
    assert_eq!(recovered.processed, next);
    let ring = super::super::ring::RingSettings {
        dir: disk.0.path().join("spool"),
        bytes: 8 << 20,
        policy: super::super::ring::Policy::Live,
    };
    let error = super::super::ring::create(&ring, SERIES, 4096).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(super::super::ring::list(&ring.dir).is_empty());
}
