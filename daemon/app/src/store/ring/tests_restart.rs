//! Rings reopened after a restart: crashes simulated state by state, and damaged files.

use std::sync::atomic::Ordering;

use smlm::account::LossReason;

use super::tests::{PAYLOAD, SERIES, assert_account, drain, is_frame, push, settings};
use super::*;

#[test]
fn frames_that_were_read_and_not_released_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    for policy in [Policy::Lossless, Policy::Live] {
        let (mut writer, mut reader) = create(&settings(dir.path(), 8, policy), SERIES, PAYLOAD).unwrap();
        (0..6).for_each(|seq| push(&mut writer, seq).unwrap());
        let slots: Vec<u64> = (0..4).map(|_| reader.next().unwrap().1).collect();
        reader.release_before(slots[2]);
        let path = reader.path().to_owned();
        drop((writer, reader));
        let (mut writer, mut reader, reopened) = reopen(&path, policy).unwrap();
        assert_eq!((reopened.waiting, reopened.next_seq, reopened.payload_bytes), (4, 6, PAYLOAD));
        assert_eq!((reopened.counts.received, reopened.counts.processed), (6, 2));
        push(&mut writer, 6).unwrap();
        assert_eq!(drain(&mut reader), [2, 3, 4, 5, 6]);
        reader.remove().unwrap();
        assert!(list(dir.path()).is_empty());
    }
}

#[test]
fn live_writer_passes_over_what_the_reader_holds_and_restarts_with_every_count() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, mut reader) = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
    push(&mut writer, 0).unwrap();
    let (_, held) = reader.next().unwrap();
    (1..30).for_each(|seq| push(&mut writer, seq).unwrap());
    assert!(is_frame(0, reader.pixels(held)));
    assert_eq!(reader.counts().lost[LossReason::SkippedOldest], 22);
    let path = reader.path().to_owned();
    drop((writer, reader));
    let (_writer, mut reader, reopened) = reopen(&path, Policy::Lossless).unwrap();
    assert_eq!((reopened.waiting, reopened.counts.lost[LossReason::SkippedOldest]), (8, 22));
    assert_account(&reopened.counts);
    assert_eq!(drain(&mut reader), [0, 23, 24, 25, 26, 27, 28, 29]);
}

#[test]
fn counts_are_exact_whatever_step_the_process_died_in() {
    let dir = tempfile::tempdir().unwrap();
    for counted in [false, true] {
        let (mut writer, mut reader) =
            create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
        (0..9).for_each(|seq| push(&mut writer, seq).unwrap()); // 0 is skipped for 8
        reader.next().unwrap();
        let path = reader.path().to_owned();
        drop(writer);
        let layout = reader.layout();
        // The reader died while releasing position 1, the writer while committing position 8 ...
        layout.helper(1).store(0, Ordering::Relaxed);
        layout.state(1).store(layout::State::Releasing(1).word(), Ordering::Relaxed);
        layout.released().store(u64::from(counted), Ordering::Relaxed);
        layout.helper(8).store(8, Ordering::Relaxed);
        layout.state(8).store(layout::State::Committing(8).word(), Ordering::Relaxed);
        layout.committed().store(8 + u64::from(counted), Ordering::Relaxed);
        layout.head().store(8 + u64::from(counted), Ordering::Relaxed);
        // ... having taken position 2 from the reader, and not counted it.
        layout.state(2).store(layout::State::Writing(10).word(), Ordering::Relaxed);
        layout.lost(LossReason::SkippedOldest).store(1 + u64::from(counted), Ordering::Relaxed);
        drop(reader);
        let (_writer, mut reader, reopened) = reopen(&path, Policy::Live).unwrap();
        let counts = reopened.counts;
        assert_eq!((counts.received, counts.processed, counts.waiting), (9, 1, 6));
        assert_eq!(counts.lost[LossReason::SkippedOldest], 2);
        assert_account(&counts);
        assert_eq!(drain(&mut reader), [3, 4, 5, 6, 7, 8]);
        reader.remove().unwrap();
    }
}

#[test]
fn a_frame_whose_record_is_damaged_is_counted_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = create(&settings(dir.path(), 8, Policy::Lossless), SERIES, PAYLOAD).unwrap();
    (0..5).for_each(|seq| push(&mut writer, seq).unwrap());
    let path = reader.path().to_owned();
    drop((writer, reader));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 2 * 256 + 64 + 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        let (_writer, mut reader, reopened) = reopen(&path, Policy::Lossless).unwrap();
        assert_eq!((reopened.waiting, reopened.counts.lost[LossReason::SlotTorn]), (4, 1));
        assert_account(&reopened.counts);
        assert_eq!(drain(&mut reader), [0, 1, 3, 4]);
    }
}

#[test]
fn a_file_that_is_no_ring_is_set_aside_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, reader) = create(&settings(dir.path(), 8, Policy::Lossless), SERIES, PAYLOAD).unwrap();
    let path = reader.path().to_owned();
    drop((writer, reader));
    let good = std::fs::read(&path).unwrap();
    type Damage = fn(&mut Vec<u8>);
    let damage: [(&str, Damage); 5] = [
        ("too few for a header", |bytes| bytes.truncate(100)),
        ("does not begin like one", |bytes| bytes[0] ^= 1),
        ("its version is 3", |bytes| bytes[8] = 3),
        ("checksum", |bytes| bytes[40] ^= 1),
        ("its header says", |bytes| bytes.truncate(bytes.len() - 4096)),
    ];
    for (n, (why, damage)) in damage.into_iter().enumerate() {
        let mut bytes = good.clone();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let error = reopen(&path, Policy::Lossless).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        let RingError::Damaged { aside, .. } = error else { panic!("{error}") };
        assert_eq!(std::fs::read(aside).unwrap(), bytes, "damage {n}: what was set aside is what was there");
        assert!(list(dir.path()).is_empty());
    }
}
