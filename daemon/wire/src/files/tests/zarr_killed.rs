//! `kill -9` of the writer of a mosaic: every shard is whole, and what was flushed is there.
//!
//! The child is this test binary again. It fills shards with numbers that rise, and says each number that it has flushed;
//! the parent kills it after a seeded number of them, while it goes on.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::units::Nm;

use crate::files::zarr::{About, Layout, MosaicReader, MosaicWriter, Reduce, Region};

const PATH: &str = "BLINKD_MOSAIC_TEST_PATH";
const SHARD_PX: u64 = 512;
const SHARDS: u64 = 5;
const KILLS: u64 = 8;

#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let path = Path::new(&path);
    let mut writer = if path.exists() {
        MosaicWriter::<u32>::open(path, 0).unwrap()
    } else {
        let side = SHARD_PX * SHARDS;
        let (pixel, corner) = (Nm(20.0), (Nm(0.0), Nm(0.0)));
        let (name, channels, reduce) = ("killed".into(), Vec::new(), Reduce::Mean);
        let about = About { name, width: side, height: side, pixel, corner, channels, reduce };
        let layout = Layout { shard_px: SHARD_PX as u32, chunk_px: 64, zstd_level: 1, cache_bytes: 0 };
        MosaicWriter::create(path, about, &layout).unwrap()
    };
    let first = numbers(path).into_iter().max().unwrap_or(0) + 1;
    for number in first.. {
        let values = vec![number; (SHARD_PX * SHARD_PX) as usize];
        writer.put(0, shard(u64::from(number) % (SHARDS * SHARDS)), &values).unwrap();
        writer.flush().unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n@{number}").unwrap();
        out.flush().unwrap();
    }
}

fn shard(number: u64) -> Region {
    let (x, y) = (number % SHARDS * SHARD_PX, number / SHARDS * SHARD_PX);
    Region { x, y, width: SHARD_PX, height: SHARD_PX }
}

/// What each shard is filled with; every one is with one number only.
fn numbers(path: &Path) -> Vec<u32> {
    let reader = MosaicReader::open(path).unwrap();
    let of = |number| {
        let values: Vec<u32> = reader.view(0, 0, shard(number)).unwrap();
        assert!(values.iter().all(|value| *value == values[0]), "shard {number} is of two ages");
        values[0]
    };
    (0..SHARDS * SHARDS).map(of).collect()
}

#[test]
fn a_killed_writer_leaves_every_shard_whole_and_all_that_it_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ome.zarr");
    let mut dice = ChaCha8Rng::seed_from_u64(6);
    let mut last = 0;
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["files::tests::zarr_killed::child", "--exact", "--ignored", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.filter_map(|line| line.strip_prefix('@').and_then(|number| number.parse().ok()));
        last = said.take(dice.random_range(1..30)).last().unwrap_or(last);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(last > 0, "the child has flushed something");
        let found = numbers(&path);
        let newest = found[last as usize % found.len()];
        assert!(newest >= last, "{last} was flushed, {newest} is there");
    }
    // Gone on with, the coarse level follows from the full picture again.
    MosaicWriter::<u32>::open(&path, 0).unwrap().finish().unwrap();
    let reader = MosaicReader::open(&path).unwrap();
    for (number, value) in numbers(&path).into_iter().enumerate() {
        let Region { x, y, width, height } = shard(number as u64);
        let half = Region { x: x / 2, y: y / 2, width: width / 2, height: height / 2 };
        let values: Vec<u32> = reader.view(0, 1, half).unwrap();
        assert!(values.iter().all(|one| *one == value), "shard {number} and the level above differ");
    }
}
