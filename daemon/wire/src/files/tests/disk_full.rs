//! A disk that fills up while a table is written. The disk is a file system of 512 KiB in memory, mounted in a name space
//! of its own by running one test of this binary again; where name spaces are not allowed the test is skipped.

use std::path::Path;
use std::process::Command;

use super::dataset::part;
use super::tables::{FORMATS, meta, rows};
use crate::files::tables::dataset::{Dataset, DatasetError};
use crate::files::tables::{TableError, create_table};

const INSIDE: &str = "BLINKD_TEST_TINY_DISK";

#[test]
fn a_full_disk_gives_an_error_that_names_the_file_and_leaves_nothing() {
    let test = "a_full_disk_gives_an_error_that_names_the_file_and_leaves_nothing";
    on_a_tiny_disk(test, "three formats hit the end", fill);
}

#[test]
fn a_full_disk_leaves_a_data_set_with_the_tiles_that_it_had() {
    let test = "a_full_disk_leaves_a_data_set_with_the_tiles_that_it_had";
    on_a_tiny_disk(test, "the data set hit the end", fill_data_set);
}

/// Runs the test with this name again, on a small disk, where it does `fill` and says `done`.
fn on_a_tiny_disk(test: &str, done: &str, fill: fn(&Path)) {
    if let Some(disk) = std::env::var_os(INSIDE) {
        return fill(Path::new(&disk));
    }
    let disk = tempfile::tempdir().unwrap();
    let run = |script: &str| {
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
            .arg(disk.path())
            .arg(std::env::current_exe().unwrap())
            .env(INSIDE, disk.path())
            .output()
    };
    const MOUNT: &str = "mount -t tmpfs -o size=512k none \"$1\"";
    if !run(MOUNT).is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no mount name space here, so no small disk to fill");
        return;
    }
    let test = format!("files::tests::disk_full::{test}");
    let output = run(&format!("{MOUNT} && exec \"$2\" --exact {test} --nocapture")).unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed") && said.contains(done), "{said}");
}

fn fill_data_set(disk: &Path) {
    let folder = disk.join("scan.parquet");
    let mut scan = Dataset::create(&folder).unwrap();
    scan.write_tile(&part(0), &rows(1000, true)).unwrap();
    let files = || {
        let mut files = Vec::new();
        for inside in [disk, &folder, &folder.join("tile=00000")] {
            files.extend(std::fs::read_dir(inside).unwrap().map(|file| file.unwrap().path()));
        }
        files.sort();
        files
    };
    let before = files();
    // A new tile, and the one that is there once more.
    for index in [1, 0] {
        let error = scan.write_tile(&part(index), &rows(50_000, true)).unwrap_err();
        assert!(matches!(error, DatasetError::Table(TableError::DiskFull { .. })), "{error:?}");
        assert!(error.to_string().contains(&format!("tile=0000{index}")), "{error}");
        assert_eq!(files(), before);
        for scan in [&scan, &Dataset::open(&folder).unwrap()] {
            assert_eq!((scan.tiles().len(), scan.broken().len()), (1, 0));
            assert_eq!(scan.query(Some(0), None).unwrap().map(Result::unwrap).count(), 1000);
        }
    }
    // Room for the tile, none for the index: the tile counts, and the next to open sees it.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = Dataset::create(&elsewhere.path().join("scan.parquet")).unwrap();
    let bytes = other.write_tile(&part(1), &rows(100, true)).unwrap();
    let disk_free = rustix::fs::statvfs(disk).unwrap();
    let (block, blocks) = (disk_free.f_frsize, disk_free.f_bavail);
    let filler = vec![0; ((blocks - bytes.div_ceil(block)) * block) as usize];
    std::fs::write(disk.join("filler"), filler).unwrap();
    let error = scan.write_tile(&part(1), &rows(100, true)).unwrap_err();
    assert!(matches!(error, DatasetError::Index { .. }), "{error:?}");
    for scan in [&scan, &Dataset::open(&folder).unwrap()] {
        assert_eq!(scan.query(Some(1), None).unwrap().map(Result::unwrap).count(), 100);
    }
    println!("the data set hit the end of the disk");
}

fn fill(disk: &Path) {
    for (format, name) in FORMATS {
        let path = disk.join(name);
        let mut writer = create_table(&path, format, &meta(true)).unwrap();
        let pushed = (0..10).try_for_each(|_| writer.push(&rows(20_000, true)));
        let error = pushed.and_then(|()| writer.finish().map(drop)).unwrap_err();
        assert!(matches!(error, TableError::DiskFull { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(name) && error.to_string().contains("free space"), "{error}");
        let left: Vec<_> = std::fs::read_dir(disk).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{name} left {left:?}");
    }
    println!("three formats hit the end of the disk");
}
