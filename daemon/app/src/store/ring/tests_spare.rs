//! Spare files for rings: taken, left behind, of the wrong size, gone.

use super::tests::{PAYLOAD, SERIES, drain, push, settings};
use super::*;

fn names(dir: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_ring_made_of_a_spare_is_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), 8, Policy::Lossless);
    let spare = Spare::prepare(&settings).unwrap();
    let (mut writer, mut reader) = create_from(&settings, SERIES, PAYLOAD, Some(spare)).unwrap();
    assert_eq!(names(dir.path()), [format!("{SERIES}.ring")]);
    (0..8).for_each(|seq| push(&mut writer, seq).unwrap());
    assert_eq!(drain(&mut reader), [0, 1, 2, 3, 4, 5, 6, 7]);
    let path = reader.path().to_owned();
    drop((writer, reader));
    let (_writer, mut reader, reopened) = reopen(&path, Policy::Lossless).unwrap();
    assert_eq!(reopened.waiting, 8);
    assert_eq!(drain(&mut reader).len(), 8);
}

#[test]
fn a_spare_fits_every_size_of_frame() {
    let dir = tempfile::tempdir().unwrap();
    for payload in [1, 4095, 4096, 4097, 30_000, 128 * 1024] {
        let settings = RingSettings { dir: dir.path().to_owned(), bytes: 1 << 20, policy: Policy::Lossless };
        let spare = Spare::prepare(&settings).unwrap();
        let (writer, reader) = create_from(&settings, SERIES, payload, Some(spare)).unwrap();
        assert_eq!(names(dir.path()).len(), 1, "payload {payload}: the spare became the ring");
        drop(writer);
        let path = reader.path().to_owned();
        drop(reader);
        drop(reopen(&path, Policy::Lossless).unwrap());
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn an_unused_spare_goes_with_its_owner_and_one_left_by_a_dead_process_is_used_again_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let small = settings(dir.path(), 8, Policy::Lossless);
    let spare = Spare::prepare(&small).unwrap();
    let path = spare.path().to_owned();
    assert!(matches!(Spare::prepare(&small), Err(RingError::Busy(_))), "one at a time");
    drop(spare);
    assert!(names(dir.path()).is_empty());

    let alive = Spare::prepare(&small).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    drop(alive);
    std::fs::write(&path, vec![0; length as usize]).unwrap(); // what `kill -9` leaves
    let inode = |path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let left = inode(&path);
    let again = Spare::prepare(&small).unwrap();
    assert_eq!(inode(&path), left, "used again");
    drop(again);

    std::fs::write(&path, vec![0; length as usize / 2]).unwrap(); // killed while reserving
    let large = settings(dir.path(), 16, Policy::Lossless);
    let spare = Spare::prepare(&large).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > length);
    // Other settings than those it was made for: a ring comes about all the same.
    drop(create_from(&settings(dir.path(), 64, Policy::Lossless), SERIES, PAYLOAD, Some(spare)).unwrap());
    assert_eq!(names(dir.path()), [format!("{SERIES}.ring")]);
}

#[test]
fn a_spare_that_was_deleted_costs_no_ring() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), 8, Policy::Lossless);
    let spare = Spare::prepare(&settings).unwrap();
    std::fs::remove_file(spare.path()).unwrap();
    drop(create_from(&settings, SERIES, PAYLOAD, Some(spare)).unwrap());
    assert_eq!(names(dir.path()), [format!("{SERIES}.ring")]);
}

#[test]
fn a_spare_for_which_there_is_no_room_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let huge = RingSettings { bytes: 1 << 60, ..settings(dir.path(), 8, Policy::Lossless) };
    assert!(matches!(Spare::prepare(&huge), Err(RingError::Space(SpaceError::DiskFull { .. }))));
    assert!(names(dir.path()).is_empty());
}
