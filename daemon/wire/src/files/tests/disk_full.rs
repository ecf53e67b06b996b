//! A disk that fills up while a table is written. The disk is a file system of 512 KiB in memory, mounted in a name space
//! of its own by running one test of this binary again; where name spaces are not allowed the test is skipped.

use std::path::Path;
use std::process::Command;

use super::tables::{FORMATS, meta, rows};
use crate::files::tables::{TableError, create_table};

const INSIDE: &str = "BLINKD_TEST_TINY_DISK";

#[test]
fn a_full_disk_gives_an_error_that_names_the_file_and_leaves_nothing() {
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
    let test = "files::tests::disk_full::a_full_disk_gives_an_error_that_names_the_file_and_leaves_nothing";
    let output = run(&format!("{MOUNT} && exec \"$2\" --exact {test} --nocapture")).unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed") && said.contains("three formats hit the end"),
        "{said}"
    );
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
