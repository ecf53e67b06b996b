//! Tiles put together in a folder of their own.

use super::*;
use smlm::frame::Shape;
use smlm::units::PixelSize;
use wire::files::zarr::{MosaicReader, Region};

const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

fn spot(index: u32, x: f64) -> Spot {
    let tile = Tile { index, row: 0, column: index };
    Spot { tile, corner: (Nm(x), Nm(0.0)), shape: Shape { width: 20, height: 20 }, pixel: PIXEL }
}

fn open(folder: &Path) -> Assembly {
    let plan = Plan { first: spot(0, 0.0), stage: Some((Nm(51_000.0), Nm(-4_000.0))) };
    let settings = AssemblySettings { pixel: Nm(20.0) };
    Assembly::open(folder, &SeriesInfo::default(), &plan, settings).unwrap()
}

/// One localization at a place within the tile, px.
fn one(x_px: f32) -> Vec<Localization> {
    vec![Localization { x_px, y_px: 10.0, ..Localization::default() }]
}

fn done() -> Done {
    Done { drift: String::new(), merge: String::new() }
}

fn seam(offset: f64, sd_nm: f64) -> Seam {
    let offset_nm = (offset, 0.0);
    Seam { a: 0, b: 1, offset_nm, sd_nm, confidence: 9.0, shared: 1.0, localizations: 50 }
}

#[test]
fn a_tile_lies_by_its_seams_and_without_one_by_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let mut assembly = open(folder.path());
    assembly.add(spot(0, 0.0), 0, &one(2.0), done()).unwrap();
    let here = spot(1, 1900.0);
    let by_stage = assembly.place(here.tile, here.corner, &[]);
    assert_eq!(by_stage, here.corner);
    let (x, _) = assembly.place(here.tile, here.corner, &[seam(1850.0, 1.0), seam(1800.0, 10.0)]);
    assert!((x.0 - 1849.5).abs() < 0.1, "{x:?}");
}

#[test]
fn the_whole_picture_has_every_tile_at_its_last_place_and_so_has_the_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut assembly = open(folder.path());
    assembly.add(spot(0, 0.0), 0, &one(2.0), done()).unwrap();
    assembly.add(spot(1, 1900.0), 50, &one(10.0), done()).unwrap();
    let corners = BTreeMap::from([(0, (Nm(0.0), Nm(0.0))), (1, (Nm(1800.0), Nm(40.0)))]);
    while assembly.finish(&corners).unwrap() != Ending::Whole {}
    assert!(!folder.path().join(GROWING).exists());
    let mosaic = MosaicReader::open(&folder.path().join(MOSAIC)).unwrap();
    let about = mosaic.about();
    assert!(mosaic.complete() && about.corner == (Nm(50_000.0), Nm(-5_000.0)));
    let region = Region { x: 0, y: 0, width: about.width, height: about.height };
    let counts: Vec<u16> = mosaic.view(0, 0, region).unwrap();
    let at: Vec<(u64, u64)> = (0..counts.len() as u64)
        .filter(|i| counts[*i as usize] > 0)
        .map(|i| (i % about.width, i / about.width))
        .collect();
    // The centre of pixel 10 of the second tile: 1,800 + 1,050 nm; 40 + 1,050 nm.
    assert_eq!(at, [(12, 52), (142, 54)]);
    let data = Dataset::open(&folder.path().join(TABLE)).unwrap();
    let rows: Vec<_> = data.query(Some(1), None).unwrap().map(Result::unwrap).collect();
    assert_eq!((rows[0].x, rows[0].y), (Nm(52_850.0), Nm(-3_910.0)));
}

#[test]
fn after_a_restart_only_tiles_that_are_not_on_disk_are_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut assembly = open(folder.path());
    assembly.add(spot(0, 0.0), 0, &one(2.0), done()).unwrap();
    assembly.flush().unwrap();
    assembly.add(spot(1, 1900.0), 50, &one(10.0), done()).unwrap();
    drop(assembly); // killed
    let mut assembly = open(folder.path());
    assert!(assembly.has(spot(0, 0.0).tile, 0) && !assembly.has(spot(1, 0.0).tile, 50));
    assembly.add(spot(1, 1900.0), 50, &one(10.0), done()).unwrap();
    let data = Dataset::open(&folder.path().join(TABLE)).unwrap();
    assert_eq!(data.query(None, None).unwrap().count(), 2, "no localization stands twice");
}
