//! Data sets of whole scans: what is written comes back by tile and by region, and what is wrong is said.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::ColumnOrder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};
use tempfile::TempDir;

use super::tables::rows;
use crate::files::tables::dataset::{Dataset, DatasetError, Region, StageRow, TileInfo, TilePart};
use crate::files::tables::{ReadOptions, read_all};

const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(110.0) };
/// Sides of the tiles, as [`rows`] makes them.
const SIDE_NM: (f64, f64) = (51_200.0, 28_160.0);

pub(super) fn part(index: u32) -> TilePart {
    let (row, column) = (index / 3, index % 3);
    TilePart {
        index,
        row,
        column,
        // Off the grid of 1/1024 nm, below zero, overlapping.
        corner: (Nm(-1234.567 + 45_000.0 * f64::from(column)), Nm(7e6 + 0.123 + 25_000.0 * f64::from(row))),
        pixel: PIXEL,
        drift: "by cross-correlation".into(),
        merge: String::new(),
        notes: vec![("series".into(), "cell: \"7\"\n# été".into())],
    }
}

/// Other rows for each tile.
fn tile_rows(index: u32, count: usize) -> Vec<Localization> {
    rows(count, true)
        .into_iter()
        .map(|row| Localization { frame: row.frame + 10_000 * index, ..row })
        .collect()
}

fn scan(folder: &TempDir, tiles: u32, count: usize) -> (Dataset, PathBuf) {
    let path = folder.path().join("scan.parquet");
    let mut scan = Dataset::create(&path).unwrap();
    for index in 0..tiles {
        scan.write_tile(&part(index), &tile_rows(index, count)).unwrap();
    }
    (scan, path)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(scan: &Path, tile: u32) -> PathBuf {
    scan.join(format!("tile={tile:05}/part-0.parquet"))
}

fn index(scan: &Path) -> PathBuf {
    scan.with_file_name("scan.parquet.index.json")
}

fn ask(scan: &Dataset, tile: Option<u32>, region: Option<Region>) -> Vec<StageRow> {
    sorted(scan.query(tile, region).unwrap().map(Result::unwrap).collect())
}

fn sorted(mut rows: Vec<StageRow>) -> Vec<StageRow> {
    rows.sort_by(|a, b| {
        let key = |row: &StageRow| (row.at.tile, row.at.frame);
        key(a).cmp(&key(b)).then(a.x.0.total_cmp(&b.x.0)).then(a.y.0.total_cmp(&b.y.0))
    });
    rows
}

fn region(x: (f64, f64), y: (f64, f64)) -> Region {
    Region { x: (Nm(x.0), Nm(x.1)), y: (Nm(y.0), Nm(y.1)) }
}

#[test]
fn every_row_comes_back_with_its_place_on_the_stage() {
    let folder = folder();
    let (_, path) = scan(&folder, 4, 20_000);
    let scan = Dataset::open(&path).unwrap();
    for index in 0..4 {
        let part = part(index);
        let got = ask(&scan, Some(index), None);
        let put = tile_rows(index, 20_000).into_iter().map(|at| StageRow {
            x: Nm(part.corner.0.0 + (f64::from(at.x_px) + 0.5) * 100.0),
            y: Nm(part.corner.1.0 + (f64::from(at.y_px) + 0.5) * 110.0),
            at,
        });
        let put =
            sorted(put.map(|row| StageRow { at: Localization { tile: index, ..row.at }, ..row }).collect());
        assert_eq!(got.len(), put.len());
        for (got, put) in got.iter().zip(&put) {
            // Half a step of 1/1024 nm, and the last bit of 7 mm.
            assert!((got.x.0 - put.x.0).abs() <= 0.5 / 1024.0 + 1e-9, "{got:?} {put:?}");
            assert!((got.y.0 - put.y.0).abs() <= 0.5 / 1024.0 + 1e-9, "{got:?} {put:?}");
            // σ goes through nm as an f32 and back: two roundings.
            let (sigma_x_px, sigma_y_px) = (put.at.sigma_x_px, put.at.sigma_y_px);
            let close = |a: f32, b: f32| (a - b).abs() <= 3e-7 * b;
            assert!(close(got.at.sigma_x_px, sigma_x_px) && close(got.at.sigma_y_px, sigma_y_px));
            assert_eq!(Localization { sigma_x_px, sigma_y_px, ..got.at }, put.at);
        }
    }
}

#[test]
fn tile_and_region_give_the_rows_of_brute_force() {
    let folder = folder();
    let (scan, _) = scan(&folder, 6, 20_000);
    let all = ask(&scan, None, None);
    assert_eq!(all.len(), 120_000);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for round in 0..60 {
        let mut span = |low: f64, side: f64| {
            let from = random.random_range(low..low + side);
            (from, from + random.random_range(0.0..0.3) * side)
        };
        // One edge on a row: the lower one counts, the upper one does not.
        let on = all[round * 1999].x.0;
        let mut asked = region(span(-5000.0, 150_000.0), span(7e6 - 5000.0, 60_000.0));
        match round % 3 {
            0 => asked.x.0 = Nm(on.min(asked.x.1.0)),
            1 => asked.x.1 = Nm(on.max(asked.x.0.0)),
            _ => {}
        }
        let tile = (round % 2 == 0).then_some(round as u32 % 6);
        let inside = |row: &&StageRow| {
            (asked.x.0..asked.x.1).contains(&row.x)
                && (asked.y.0..asked.y.1).contains(&row.y)
                && tile.is_none_or(|tile| row.at.tile == tile)
        };
        let expected: Vec<StageRow> = all.iter().filter(inside).copied().collect();
        assert_eq!(ask(&scan, tile, Some(asked)), expected, "{tile:?} {asked:?}");
    }
}

/// 200,000 rows are 4 strips of 4 boxes; a fifth of each side lies in two of four at most.
#[test]
fn a_region_reads_only_the_row_groups_it_needs() {
    let folder = folder();
    let (scan, path) = scan(&folder, 2, 200_000);
    let (x, y) = (part(0).corner.0.0 + 0.3 * SIDE_NM.0, part(0).corner.1.0 + 0.3 * SIDE_NM.1);
    let asked = region((x, x + 0.2 * SIDE_NM.0), (y, y + 0.2 * SIDE_NM.1));
    let mut query = scan.query(None, Some(asked)).unwrap();
    let first = sorted(query.by_ref().map(Result::unwrap).collect());
    let cost = query.cost();
    assert_eq!(
        (cost.files, cost.groups_read + cost.groups_skipped),
        (1, 16),
        "the other tile lies elsewhere"
    );
    assert!(cost.groups_read <= 4 && cost.rows_read <= 4 * 12_500, "{cost:?}");
    assert!(first.len() > 7000, "{}", first.len());

    // What was counted as skipped is not read: with rubbish in its place the answer is the same.
    let path = file(&path, 0);
    let mut bytes = std::fs::read(&path).unwrap();
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let mut ruined = 0;
    for group in reader.metadata().row_groups() {
        let of = |name: &str| {
            let column = group.columns().iter().find(|column| column.column_path().string() == name);
            match column.unwrap().statistics().unwrap() {
                parquet::file::statistics::Statistics::Double(of) => {
                    (*of.min_opt().unwrap(), *of.max_opt().unwrap())
                }
                _ => panic!("{name} is no double"),
            }
        };
        let (x, y) = (of("x_nm"), of("y_nm"));
        if x.1 < asked.x.0.0 || x.0 >= asked.x.1.0 || y.1 < asked.y.0.0 || y.0 >= asked.y.1.0 {
            ruined += 1;
            for column in group.columns() {
                let (start, length) = column.byte_range();
                bytes[start as usize..(start + length) as usize].fill(0xAA);
            }
        }
    }
    assert_eq!(ruined, cost.groups_skipped);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(ask(&scan, None, Some(asked)), first);
    let all = scan.query(Some(0), None).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(all, DatasetError::Broken { .. }), "{all:?}");
}

#[test]
fn place_and_frame_have_statistics_of_row_groups_and_of_pages() {
    let folder = folder();
    let (_, path) = scan(&folder, 1, 20_000);
    let reader = SerializedFileReader::new(File::open(file(&path, 0)).unwrap()).unwrap();
    for group in reader.metadata().row_groups() {
        for name in ["frame", "x_nm", "y_nm"] {
            let column = group.columns().iter().find(|column| column.column_path().string() == name).unwrap();
            let statistics = column.statistics().unwrap();
            assert!(statistics.min_bytes_opt().is_some() && statistics.max_bytes_opt().is_some(), "{name}");
            assert!(column.column_index_range().is_some() && column.offset_index_range().is_some(), "{name}");
        }
    }
    let orders = reader.metadata().file_metadata().column_orders().unwrap();
    let by_type = |order: &ColumnOrder| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_));
    assert!(orders.len() == 14 && orders.iter().all(by_type), "others do not know IEEE 754's: {orders:?}");
    let notes = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let note = |key: &str| notes.iter().find(|note| note.key == key).and_then(|note| note.value.as_deref());
    assert_eq!(note("blinkd.corner_x_nm"), Some("-1234.567"));
    assert_eq!((note("blinkd.tile_row"), note("blinkd.pixel_size_y_nm")), (Some("0"), Some("110")));
    assert_eq!((note("blinkd.drift"), note("blinkd.merge")), (Some("by cross-correlation"), Some("")));
}

#[test]
fn the_file_of_a_tile_is_a_table_like_any_other() {
    let folder = folder();
    let (_, path) = scan(&folder, 1, 1000);
    let (got, info) = read_all(&file(&path, 0), &ReadOptions::default()).unwrap();
    assert_eq!((info.rows, info.pixel_size), (1000, Some(PIXEL)));
    let places = |rows: &[Localization]| {
        let mut places: Vec<_> =
            rows.iter().map(|row| (row.frame, row.x_px.to_bits(), row.y_px.to_bits())).collect();
        places.sort_unstable();
        places
    };
    assert_eq!(places(&got), places(&tile_rows(0, 1000)), "px are within the tile");
}

#[test]
fn a_tile_written_again_replaces_its_rows_and_a_query_before_keeps_its_own() {
    let folder = folder();
    let (mut scan, path) = scan(&folder, 2, 1000);
    let mut before = scan.query(Some(1), None).unwrap();
    assert!(before.next().is_some());
    scan.write_tile(&part(1), &tile_rows(5, 30)).unwrap();
    assert_eq!(before.map(Result::unwrap).count(), 999);
    for scan in [scan, Dataset::open(&path).unwrap()] {
        assert_eq!(scan.tiles().map(|info| info.rows).collect::<Vec<_>>(), [1000, 30]);
        assert_eq!(ask(&scan, Some(1), None).len(), 30);
        assert!(ask(&scan, Some(1), None).iter().all(|row| row.at.tile == 1 && row.at.frame >= 50_000));
    }
    let left: Vec<_> = std::fs::read_dir(path.join("tile=00001")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_tile_without_rows_is_a_tile() {
    let folder = folder();
    let (mut scan, path) = scan(&folder, 1, 10);
    scan.write_tile(&part(1), &[]).unwrap();
    std::fs::remove_file(index(&path)).unwrap();
    for scan in [scan, Dataset::open(&path).unwrap()] {
        assert_eq!(
            scan.tiles().map(|info| (info.rows, info.bounds.is_some())).collect::<Vec<_>>(),
            [(10, true), (0, false)]
        );
        assert!(ask(&scan, Some(1), None).is_empty());
        assert_eq!(ask(&scan, None, None).len(), 10);
    }
}

#[test]
fn the_index_is_made_anew_where_it_is_absent_damaged_or_old() {
    let folder = folder();
    let (mut scan, path) = scan(&folder, 3, 1000);
    let tiles = |scan: &Dataset| scan.tiles().cloned().collect::<Vec<TileInfo>>();
    let index = index(&path);
    let old = std::fs::read(&index).unwrap();
    scan.write_tile(&part(2), &tile_rows(2, 7)).unwrap();
    scan.write_tile(&part(3), &tile_rows(3, 8)).unwrap();
    let truth = tiles(&scan);
    assert_eq!(tiles(&Dataset::open(&path).unwrap()), truth);
    let lies = String::from_utf8(std::fs::read(&index).unwrap()).unwrap().replace("\"rows\":7", "\"rows\":0");
    for text in
        [&old[..], b"", b"{\"version\":1,\"tiles\":", b"{\"version\":9,\"tiles\":[]}", lies.as_bytes()]
    {
        std::fs::write(&index, text).unwrap();
        assert_eq!(tiles(&Dataset::open(&path).unwrap()), truth);
    }
    std::fs::remove_file(&index).unwrap();
    assert_eq!(tiles(&Dataset::open(&path).unwrap()), truth);
    std::fs::remove_dir_all(path.join("tile=00000")).unwrap();
    assert_eq!(tiles(&Dataset::open(&path).unwrap()), truth[1..], "a tile that was taken away is gone");
}

#[test]
fn a_broken_tile_is_told_kept_out_of_no_answer_and_mended_by_writing_it_again() {
    let folder = folder();
    let (_, path) = scan(&folder, 3, 1000);
    let broken = file(&path, 1);
    let whole = std::fs::read(&broken).unwrap();
    let mut long_footer = whole.clone();
    let at = whole.len() - 8;
    long_footer[at..at + 4].fill(0xFF);
    let foreign = std::fs::read(file(&path, 2)).unwrap();
    for bytes in [&b""[..], b"PAR1", &whole[..whole.len() / 2], &long_footer, &foreign] {
        std::fs::write(&broken, bytes).unwrap();
        let mut scan = Dataset::open(&path).unwrap();
        assert_eq!(scan.tiles().len(), 2);
        assert_eq!(scan.broken().len(), 1);
        assert_eq!(
            (scan.broken()[0].tile, &scan.broken()[0].path),
            (Some(1), &broken.canonicalize().unwrap())
        );
        assert_eq!(ask(&scan, Some(2), None).len(), 1000);
        for tile in [Some(1), None] {
            let error = scan.query(tile, None).err().unwrap();
            assert!(matches!(error, DatasetError::Broken { .. }), "{error:?}");
            let said = error.to_string();
            assert!(said.contains("tile=00001") && said.contains("write this tile again"), "{said}");
        }
        scan.write_tile(&part(1), &tile_rows(1, 1000)).unwrap();
        assert!(scan.broken().is_empty());
        assert_eq!(ask(&scan, None, None).len(), 3000);
    }
}

#[test]
fn what_other_programs_would_read_otherwise_is_told() {
    let folder = folder();
    let (_, path) = scan(&folder, 2, 10);
    std::fs::copy(file(&path, 0), path.join("tile=00000/part-1.parquet")).unwrap();
    std::fs::create_dir(path.join("tile=1")).unwrap();
    let scan = Dataset::open(&path).unwrap();
    let said: Vec<&str> = scan.broken().iter().map(|broken| &*broken.why).collect();
    assert!(
        said.len() == 2 && said[0].contains("part-1.parquet") && said[1].contains("not named"),
        "{said:?}"
    );
}

#[test]
fn what_a_killed_writer_left_is_no_tile_and_is_swept_by_the_next() {
    let folder = folder();
    let (_, path) = scan(&folder, 1, 10);
    let half = path.join("tile=00001/.part-0.parquet.xyz.part");
    std::fs::create_dir(half.parent().unwrap()).unwrap();
    std::fs::write(&half, b"PAR1").unwrap();
    let mut scan = Dataset::open(&path).unwrap();
    assert_eq!((scan.tiles().len(), scan.broken().len()), (1, 0));
    scan.write_tile(&part(1), &tile_rows(1, 10)).unwrap();
    assert!(!half.exists());
}

#[test]
fn what_cannot_be_written_or_asked_is_refused_with_file_problem_and_remedy() {
    let folder = folder();
    let (mut scan, path) = scan(&folder, 1, 10);
    let mut refused = |change: fn(&mut TilePart, &mut Localization), expected: &str| {
        let (mut part, mut rows) = (part(7), tile_rows(7, 3));
        change(&mut part, &mut rows[2]);
        let said = scan.write_tile(&part, &rows).unwrap_err().to_string();
        assert!(said.contains(expected) && said.contains("write the tile again"), "{said}");
        assert!(!path.join("tile=00007").exists() && scan.tiles().len() == 1);
    };
    refused(|part, _| part.index = u32::MAX, "tile: 4294967295 is more");
    refused(|part, _| part.corner.0 = Nm(f64::NAN), "corner: x NaN nm");
    refused(|part, _| part.pixel.y = Nm(0.0), "pixel size: 100 x 0 nm");
    refused(|part, _| part.notes[0].0 = "drift".into(), "the key 'drift' is taken");
    refused(|part, _| part.merge = "m".repeat(5000), "bytes of text are more");
    refused(|_, row| row.x_px = f32::NAN, "localization 2 is at x NaN px");
    refused(|_, row| row.y_px = f32::INFINITY, "tile=00007/part-0.parquet");

    let error = |scan: &Dataset, tile, asked| scan.query(tile, asked).err().unwrap().to_string();
    assert!(error(&scan, Some(7), None).contains("no tile 7"));
    for asked in [region((1.0, 0.0), (0.0, 1.0)), region((0.0, f64::NAN), (0.0, 1.0))] {
        assert!(error(&scan, None, Some(asked)).contains("swap the ends"));
    }
    let said = Dataset::create(&path).unwrap_err().to_string();
    assert!(said.contains("scan.parquet") && said.contains("open the data set"), "{said}");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(matches!(Dataset::open(&empty), Err(DatasetError::NotADataset { .. })));
    assert!(matches!(Dataset::open(&empty.join("none")), Err(DatasetError::Table(_))));
    assert!(Dataset::create(&empty).is_ok() && Dataset::open(&empty).is_ok());
}
