use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::units::Nm;

use crate::files::zarr::{
    About, Channel, Layout, MosaicReader, MosaicWriter, Reduce, Region, Value, ZarrError,
};

/// Small shards, and room for few of them.
const SMALL: Layout = Layout { shard_px: 256, chunk_px: 32, zstd_level: 1, cache_bytes: 3 * 256 * 256 * 2 };

fn about(width: u64, height: u64) -> About {
    About {
        name: "scan".into(),
        width,
        height,
        pixel: Nm(20.0),
        corner: (Nm(-1000.0), Nm(250.0)),
        channels: Vec::new(),
        reduce: Reduce::Sum,
    }
}

/// The picture itself, without any file.
struct Plain<T> {
    width: usize,
    height: usize,
    values: Vec<T>,
}

impl<T: Value> Plain<T> {
    fn new(width: u64, height: u64) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, values: vec![T::default(); width * height] }
    }

    fn put(&mut self, region: Region, values: &[T], add: bool) {
        for (y, row) in values.chunks(region.width as usize).enumerate() {
            for (x, value) in row.iter().enumerate() {
                let at = &mut self.values[(region.y as usize + y) * self.width + region.x as usize + x];
                *at = if add { at.plus(*value) } else { *value };
            }
        }
    }

    fn half(&self, reduce: Reduce) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let value = |x: usize, y: usize| {
            let four: Vec<T> = [(0, 0), (1, 0), (0, 1), (1, 1)]
                .iter()
                .map(|(dx, dy)| (2 * x + dx, 2 * y + dy))
                .filter(|(x, y)| *x < self.width && *y < self.height)
                .map(|(x, y)| self.values[y * self.width + x])
                .collect();
            T::reduced(&four, reduce)
        };
        let values = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y));
        Self { width, height, values: values.collect() }
    }

    fn whole(&self) -> Region {
        Region { x: 0, y: 0, width: self.width as u64, height: self.height as u64 }
    }

    /// Every level of the mosaic is what it should be.
    fn compare(mut self, path: &Path, channel: usize, reduce: Reduce)
    where
        T: std::fmt::Debug,
    {
        let reader = MosaicReader::open(path).expect("a mosaic");
        for level in 0..reader.levels().len() {
            let is: Vec<T> = reader.view(channel, level, self.whole()).expect("a view");
            assert!(is == self.values, "level {level} differs");
            self = self.half(reduce);
        }
    }
}

fn tile<T>(
    dice: &mut ChaCha8Rng,
    width: u64,
    height: u64,
    value: impl Fn(&mut ChaCha8Rng) -> T,
) -> (Region, Vec<T>) {
    let region = Region {
        x: dice.random_range(0..width),
        y: dice.random_range(0..height),
        width: dice.random_range(1..400),
        height: dice.random_range(1..400),
    };
    let region = Region {
        width: region.width.min(width - region.x),
        height: region.height.min(height - region.y),
        ..region
    };
    let values = (0..region.width * region.height).map(|_| value(dice)).collect();
    (region, values)
}

#[test]
fn counts_of_overlapping_tiles_add_up_on_every_level() {
    let (width, height) = (2500, 1301);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let mut writer = MosaicWriter::<u16>::create(&path, about(width, height), &SMALL).expect("it begins");
    let (mut plain, mut dice) = (Plain::new(width, height), ChaCha8Rng::seed_from_u64(1));
    for number in 0..60 {
        let (region, values) =
            tile(&mut dice, width, height, |dice| dice.random_range(0..9u16).saturating_sub(5));
        writer.add(0, region, &values).expect("it is added");
        plain.put(region, &values, true);
        if number == 30 {
            writer.rest().expect("it is written, and goes on");
        }
    }
    writer.finish().expect("it is written");
    assert!(MosaicReader::open(&path).expect("a mosaic").complete());
    plain.compare(&path, 0, Reduce::Sum);
}

#[test]
fn pictures_replace_and_are_averaged_on_every_level() {
    let (width, height) = (1100, 2049);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let told = About { reduce: Reduce::Mean, ..about(width, height) };
    // The least that is allowed: two shards.
    let layout = Layout { cache_bytes: 0, ..SMALL };
    let mut writer = MosaicWriter::<f32>::create(&path, told, &layout).expect("it begins");
    let (mut plain, mut dice) = (Plain::new(width, height), ChaCha8Rng::seed_from_u64(2));
    for number in 0..40 {
        let (region, values) = tile(&mut dice, width, height, |dice| dice.random_range(0..100u8) as f32);
        writer.put(0, region, &values).expect("it is put");
        plain.put(region, &values, false);
        if number % 13 == 0 {
            writer.flush().expect("it is written");
        }
    }
    writer.flush().expect("it is written");
    // Means of means of whole numbers: exact in f32 for the two levels that there are.
    plain.compare(&path, 0, Reduce::Mean);
    assert!(!MosaicReader::open(&path).expect("a mosaic").complete());
}

#[test]
fn channels_lie_beside_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let channel = |label: &str, colour| Channel { label: label.into(), colour, window: (0.0, 40.0) };
    let channels = vec![channel("red", [255, 0, 0]), channel("blue", [0, 0, 255])];
    let told = About { channels, reduce: Reduce::Mean, ..about(1500, 300) };
    let mut writer = MosaicWriter::<u8>::create(&path, told.clone(), &SMALL).expect("it begins");
    let mut plain = [Plain::new(1500, 300), Plain::new(1500, 300)];
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    for number in 0..20 {
        let (region, values) = tile(&mut dice, 1500, 300, |dice| dice.random::<u8>());
        writer.put(number % 2, region, &values).expect("it is put");
        plain[number % 2].put(region, &values, false);
    }
    writer.finish().expect("it is written");
    assert_eq!(*MosaicReader::open(&path).expect("a mosaic").about(), told);
    for (channel, plain) in plain.into_iter().enumerate() {
        plain.compare(&path, channel, Reduce::Mean);
    }
}

#[test]
fn a_writer_that_was_killed_leaves_whole_shards_and_is_gone_on_with() {
    let (width, height) = (1800, 1800);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let mut writer = MosaicWriter::<u16>::create(&path, about(width, height), &SMALL).expect("it begins");
    let mut dice = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..30 {
        let (region, values) = tile(&mut dice, width, height, |dice| dice.random_range(0..3u16));
        writer.add(0, region, &values).expect("it is added");
    }
    // As a kill would leave it: what waits is gone, and a file was being written.
    drop(writer);
    let partial = path.join("0/c/0/0.partial");
    std::fs::create_dir_all(partial.parent().expect("a folder")).expect("it is made");
    std::fs::write(&partial, b"half").expect("it is written");

    let reader = MosaicReader::open(&path).expect("a mosaic");
    assert!(!reader.complete());
    let mut plain = Plain::<u16>::new(width, height);
    plain.values = reader.view(0, 0, plain.whole()).expect("whole shards");
    assert!(plain.values.iter().any(|value| *value > 0), "some were written");
    let mut writer = MosaicWriter::<u16>::open(&path, SMALL.cache_bytes).expect("it goes on");
    let (region, values) = tile(&mut dice, width, height, |dice| dice.random_range(0..3u16));
    writer.add(0, region, &values).expect("it is added");
    plain.put(region, &values, true);
    writer.finish().expect("it is written");
    assert!(!partial.exists());
    plain.compare(&path, 0, Reduce::Sum);
}

#[test]
fn nothing_takes_no_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let mut writer = MosaicWriter::<u16>::create(&path, about(90_000, 90_000), &SMALL).expect("it begins");
    let region = Region { x: 40_000, y: 50_000, width: 2, height: 1 };
    writer.add(0, region, &[7, 0]).expect("it is added");
    writer.add(0, Region { x: 80_000, ..region }, &[0, 0]).expect("it is added");
    writer.finish().expect("it is written");
    let reader = MosaicReader::open(&path).expect("a mosaic");
    let sizes: Vec<u64> = reader.levels().iter().map(|level| level.width).collect();
    assert_eq!(sizes, [90_000, 45_000, 22_500, 11_250, 5_625, 2_813, 1_407, 704]);
    assert_eq!(reader.view::<u16>(0, 0, region).expect("a view"), [7, 0]);
    for level in 0..reader.levels().len() {
        let files = walk(&path.join(level.to_string()));
        assert_eq!(files.len(), 2, "one shard and what the array is: {files:?}");
        let at = Region { x: 40_000 >> level, y: 50_000 >> level, width: 1, height: 1 };
        assert_eq!(reader.view::<u16>(0, level, at).expect("a view"), [7]);
    }
    assert_eq!(reader.view::<u16>(0, 0, Region { x: 0, ..region }).expect("a view"), [0, 0]);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn the_level_for_a_pixel_is_the_coarsest_that_is_fine_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let writer = MosaicWriter::<u8>::create(&path, about(5000, 5000), &SMALL).expect("it begins");
    writer.finish().expect("it is written");
    let reader = MosaicReader::open(&path).expect("a mosaic");
    let levels = [5.0, 20.0, 39.0, 40.0, 159.0, 1e6].map(|nm| reader.level_for(Nm(nm)));
    assert_eq!(levels, [0, 0, 0, 1, 2, 3]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let mut writer = MosaicWriter::<u8>::create(&path, about(300, 300), &SMALL).expect("it begins");
    let again = MosaicWriter::<u8>::create(&path, about(300, 300), &SMALL);
    assert!(matches!(again.err(), Some(ZarrError::Exists(_))));
    let region = Region { x: 290, y: 0, width: 11, height: 1 };
    assert!(matches!(writer.put(0, region, &[1; 11]), Err(ZarrError::Outside { .. })));
    let region = Region { x: u64::MAX, y: 0, width: 2, height: 1 };
    assert!(matches!(writer.put(0, region, &[1; 2]), Err(ZarrError::Outside { .. })));
    let region = Region { x: 0, y: 0, width: 3, height: 1 };
    assert!(matches!(writer.put(1, region, &[1; 3]), Err(ZarrError::Outside { .. })));
    assert!(matches!(writer.put(0, region, &[1; 2]), Err(ZarrError::WrongSize { needed: 3, given: 2 })));
    writer.finish().expect("it is written");

    let reader = MosaicReader::open(&path).expect("a mosaic");
    assert_eq!(reader.view::<u8>(0, 0, region).expect("a view"), [0; 3]);
    assert!(matches!(reader.view::<u16>(0, 0, region), Err(ZarrError::WrongType { .. })));
    assert!(matches!(reader.view::<u8>(0, 9, region), Err(ZarrError::NoLevel { level: 9, levels: 1 })));
    assert!(matches!(MosaicWriter::<f32>::open(&path, 0).err(), Some(ZarrError::WrongType { .. })));
    let none = MosaicWriter::<u8>::create(&path.join("a"), about(0, 3), &SMALL);
    assert!(matches!(none.err(), Some(ZarrError::Layout(_))));
    let odd = Layout { shard_px: 100, chunk_px: 64, ..SMALL };
    assert!(matches!(
        MosaicWriter::<u8>::create(&path.join("b"), about(3, 3), &odd).err(),
        Some(ZarrError::Layout(_))
    ));
}

#[test]
fn a_folder_of_others_is_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(MosaicReader::open(folder.path()).err(), Some(ZarrError::Io { .. })));
    std::fs::write(folder.path().join("zarr.json"), r#"{"zarr_format":3,"node_type":"group"}"#)
        .expect("written");
    assert!(matches!(MosaicReader::open(folder.path()).err(), Some(ZarrError::Foreign { .. })));
}

#[test]
fn a_shard_that_is_damaged_is_an_error_and_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan.ome.zarr");
    let mut writer = MosaicWriter::<u16>::create(&path, about(256, 256), &SMALL).expect("it begins");
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let whole = Region { x: 0, y: 0, width: 256, height: 256 };
    let values: Vec<u16> = (0..256 * 256).map(|_| dice.random()).collect();
    writer.put(0, whole, &values).expect("it is put");
    writer.finish().expect("it is written");
    let file = path.join("0/c/0/0");
    let bytes = std::fs::read(&file).expect("a shard");
    for cut in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&file, &bytes[..cut]).expect("it is written");
        let reader = MosaicReader::open(&path).expect("a mosaic");
        assert!(reader.view::<u16>(0, 0, whole).is_err(), "cut to {cut}");
    }
}
