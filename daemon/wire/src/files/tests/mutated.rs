//! Files that were cut or whose bytes were changed: an error or other values, never a panic, never memory without end.

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::units::{Nm, PixelSize};

use super::dataset::part;
use super::made::{HEIGHT, Made, WIDTH, compressed, ndtiff, npy, picasso, tiled};
use super::tables::{FORMATS, meta, rows, write};
use crate::files::npy::{read_f32, read_u16};
use crate::files::stack::{StackOptions, open_stack_with};
use crate::files::tables::dataset::{Dataset, Region};
use crate::files::tables::{ReadOptions, read_all, read_emitters};

/// Changed copies of each file; raise it by hand for a longer hunt.
fn rounds() -> usize {
    std::env::var("BLINKD_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

/// Cuts at every seventh of the length and seeded changes of `path`, each read by `read`; then the file is restored.
fn mutate(path: &Path, read: &dyn Fn()) {
    let whole = std::fs::read(path).unwrap();
    read();
    for seventh in 0..7 {
        std::fs::write(path, &whole[..whole.len() * seventh / 7]).unwrap();
        read();
    }
    let mut random = ChaCha8Rng::seed_from_u64(whole.len() as u64);
    for _ in 0..rounds() {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..8) {
            // Half of the changes hit the ends, where the structure is.
            let near = bytes.len().min(300);
            let at = match random.random_range(0..4) {
                0 => random.random_range(0..near),
                1 => bytes.len() - 1 - random.random_range(0..near),
                _ => random.random_range(0..bytes.len()),
            };
            bytes[at] = match random.random_range(0..3) {
                0 => random.random(),
                1 => bytes[at] ^ (1 << random.random_range(0..8)),
                _ => [0, 0xff, 0x7f, 0x80][random.random_range(0..4)],
            };
        }
        std::fs::write(path, bytes).unwrap();
        read();
    }
    std::fs::write(path, whole).unwrap();
}

fn read_stack(path: &Path) {
    for allow_short in [false, true] {
        let Ok(mut stack) = open_stack_with(path, &StackOptions { allow_short, ..StackOptions::default() })
        else {
            continue;
        };
        let bytes = stack.shape().pixels() * stack.pixel_type().bytes();
        if bytes > 1 << 20 {
            continue;
        }
        let mut frame = vec![0; bytes];
        for index in 0..stack.frames().min(8) {
            let _ = stack.read(index, &mut frame);
        }
    }
}

fn read_table(path: &Path) {
    for skip_bad_rows in [false, true] {
        let pixel_size = Some(PixelSize::square(Nm(100.0)));
        let options = ReadOptions { pixel_size, skip_bad_rows, max_rows: 100_000, ..ReadOptions::default() };
        let _ = read_all(path, &options);
    }
}

#[test]
fn a_damaged_tiff_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    for description in [
        "",
        "ImageJ=1.5\nimages=5\nchannels=1\nunit=um\n\0",
        "<OME><Pixels SizeC=\"1\" DimensionOrder=\"XYCZT\"/>\0",
    ] {
        for (big_endian, big_tiff, rows_per_strip) in
            [(false, false, HEIGHT), (true, true, 4), (true, false, 3)]
        {
            let description = description.to_owned();
            let made = Made { big_endian, big_tiff, rows_per_strip, description, ..Made::default() };
            std::fs::write(&path, made.bytes()).unwrap();
            mutate(&path, &|| read_stack(&path));
        }
    }
    for bytes in compressed(3) {
        std::fs::write(&path, bytes).unwrap();
        mutate(&path, &|| read_stack(&path));
    }
    std::fs::write(&path, tiled(3)).unwrap();
    mutate(&path, &|| read_stack(&path));
}

#[test]
fn a_damaged_array_or_raw_file_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    std::fs::write(&path, npy(3, false)).unwrap();
    mutate(&path, &|| {
        read_stack(&path);
        let _ = (read_f32(&path, 10_000), read_u16(&path, 10_000));
    });
    let (raw, yaml) = picasso(3, false);
    let (path, side) = (folder.path().join("p.raw"), folder.path().join("p.yaml"));
    std::fs::write(&path, &raw).unwrap();
    std::fs::write(&side, yaml).unwrap();
    mutate(&side, &|| read_stack(&path));
    let (dax, side) = (folder.path().join("d.dax"), folder.path().join("d.inf"));
    let text = format!(
        "data type = 16 bit integers (binary, big endian)\nframe dimensions = {WIDTH} x {HEIGHT}\nnumber of frames = 3\n"
    );
    std::fs::write(&dax, raw).unwrap();
    std::fs::write(&side, text).unwrap();
    mutate(&side, &|| read_stack(&dax));
}

#[test]
fn a_damaged_ndtiff_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let (index, data) = ndtiff(4, &["A"]);
    let path = folder.path().join("NDTiff.index");
    std::fs::write(&path, index).unwrap();
    std::fs::write(folder.path().join("x_NDTiffStack.tif"), data).unwrap();
    mutate(&path, &|| read_stack(folder.path()));
}

#[test]
fn a_damaged_table_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        write(&path, format, &meta(true), &rows(40, true));
        mutate(&path, &|| read_table(&path));
        if name == "t.csv" {
            mutate(&path, &|| {
                drop(read_emitters(&path, &ReadOptions { max_rows: 1000, ..ReadOptions::default() }))
            });
        }
    }
    let path = folder.path().join("t.bin");
    let mut bytes = [&b"M425"[..], &[1, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0]].concat();
    (0..5 * 18).for_each(|word: u32| bytes.extend(word.to_le_bytes()));
    std::fs::write(&path, bytes).unwrap();
    mutate(&path, &|| read_table(&path));
}

#[test]
fn a_damaged_data_set_never_panics_and_never_gives_a_row_outside_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.parquet");
    let mut scan = Dataset::create(&path).unwrap();
    scan.write_tile(&part(0), &rows(40, true)).unwrap();
    let corner = part(0).corner;
    let side = Nm(20_000.0);
    let asked = Region { x: (corner.0, Nm(corner.0.0 + side.0)), y: (corner.1, Nm(corner.1.0 + side.0)) };
    let read = || {
        let Ok(scan) = Dataset::open(&path) else { return };
        for region in [None, Some(asked)] {
            let Ok(query) = scan.query(None, region) else { continue };
            let rows = query.take(1000).map_while(Result::ok);
            assert!(rows.into_iter().all(|row| region.is_none_or(|region| region.contains(row.x, row.y))));
        }
    };
    mutate(&path.join("tile=00000/part-0.parquet"), &read);
    mutate(&path.with_file_name("scan.parquet.index.json"), &read);
}
