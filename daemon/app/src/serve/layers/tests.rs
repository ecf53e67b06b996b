use super::*;
use smlm::frame::Shape;
use smlm::grey::Grey;
use smlm::render::{Legend, Look};
use smlm::units::PixelSize;
use std::path::{Path, PathBuf};
use wire::files::ome_tiff;

const PIXEL: PixelSize = PixelSize { x: Nm(20.0), y: Nm(20.0) };

/// A picture of 256 x 256 px of 20 nm that begins at `corner`; each value says where it lies.
fn source(folder: &Path, name: &str, corner: (f64, f64), version: u64) -> Source {
    let side = 256u32;
    let place = |i: u32| (corner.0 + f64::from(i % side) * 20.0) as f32;
    let values: Vec<f32> = (0..side * side).map(place).collect();
    let about = ome_tiff::About { pixel_nm: (20.0, 20.0), corner_nm: corner, channel: "x" };
    let mut bytes = Vec::new();
    ome_tiff::encode(side, side, &values, &about, &mut bytes).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    let size = (Nm(5120.0), Nm(5120.0));
    Source { file, corner: (Nm(corner.0), Nm(corner.1)), size, pixel: PIXEL, version }
}

fn about() -> DrawnTiles {
    DrawnTiles {
        series: smlm::frame::SeriesId([1; 16]),
        generation: 3,
        version: 9,
        level: 0,
        tiles: Vec::new(),
        left: Vec::new(),
        tone: Tone { white: 5.0, range: (0.0, 1.0) },
        reset: true,
        legend: Legend { unit: "", entries: Vec::new() },
        true_for_seq: 70,
        localizations: 8,
        base_pixel: Nm(10.0),
        finest: 0,
        bounds: None,
    }
}

fn wish(level: u32, tone: Option<Tone>) -> Wish {
    let (look, layer) = (Look::default(), Layer::Widefield);
    Wish { series: None, look, layer, level, generation: 3, tone, values: true }
}

/// As [`draw`] answers.
fn drawn(
    shelf: &Arc<Mutex<Shelf>>,
    wish: &Wish,
    wanted: &[(TileIndex, u64)],
    sources: &[Source],
    about: DrawnTiles,
) -> DrawnTiles {
    let asked = Asked::of(wish, &about, wanted);
    let fresh = read(shelf, &asked, sources);
    answer(&asked, wish, fresh, lock(shelf).range(sources), about)
}

fn tile(x: i32, y: i32, version: u64) -> (TileIndex, u64) {
    (TileIndex { x, y }, version)
}

fn values(drawn: &DrawnTiles, at: usize) -> &[f32] {
    match &drawn.tiles[at].1 {
        Pixels::Values(values) => values,
        Pixels::Rgb(_) => panic!("numbers were asked for"),
    }
}

#[test]
fn a_picture_lies_in_the_pyramid_where_it_lies_in_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [source(folder.path(), "a", (2560.0, 0.0), 5)];
    let shelf = Arc::default();
    for level in [0, 1, 2, 3] {
        let pixel = 10.0 * f64::from(1u32 << level);
        let index = (3000.0 / (256.0 * pixel)) as i32;
        let found = drawn(&shelf, &wish(level, None), &[tile(index, 0, 0)], &sources, about());
        assert_eq!((found.level, found.version, found.tiles.len(), found.true_for_seq), (level, 5, 1, 70));
        let first = f64::from(index) * 256.0 * pixel;
        for column in 0..256u32 {
            let x = first + (f64::from(column) + 0.5) * pixel;
            let expected = if (2560.0..7680.0).contains(&x) { x - 10.0 } else { 0.0 };
            let inner = (2590.0..7650.0).contains(&x) || expected == 0.0;
            let value = f64::from(values(&found, 0)[10 * 256 + column as usize]);
            assert!(!inner || (value - expected).abs() < 0.01 * pixel, "level {level}, {x} nm: {value}");
        }
    }
}

#[test]
fn only_tiles_of_which_a_picture_was_made_since_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [source(folder.path(), "a", (0.0, 0.0), 5), source(folder.path(), "b", (5120.0, 0.0), 8)];
    let shelf = Arc::default();
    let wanted = [tile(0, 0, 8), tile(1, 0, 5), tile(7, 7, 0)];
    let first = drawn(&shelf, &wish(1, None), &wanted, &sources, about());
    assert!(first.reset && first.tiles.len() == 2, "a tile without a picture never comes");
    let again = drawn(&shelf, &wish(1, Some(first.tone)), &wanted, &sources, about());
    let came: Vec<i32> = again.tiles.iter().map(|(index, _)| index.x).collect();
    assert!(!again.reset && came == [1], "{came:?}");
}

#[test]
fn where_pictures_overlap_their_mean_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut second = source(folder.path(), "b", (0.0, 0.0), 5);
    second.corner = (Nm(1000.0), Nm(0.0));
    let sources = [source(folder.path(), "a", (0.0, 0.0), 5), second];
    let found = drawn(&Arc::default(), &wish(1, None), &[tile(0, 0, 0)], &sources, about());
    // At 2,010 nm one says 2,000 and the other 1,000; at 510 nm one is alone.
    assert_eq!((values(&found, 0)[100], values(&found, 0)[25]), (1500.0, 500.0));
}

#[test]
fn a_file_that_is_gone_leaves_its_place_empty_and_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut gone = source(folder.path(), "a", (0.0, 0.0), 5);
    gone.file = PathBuf::from("/nowhere/at all");
    let sources = [gone, source(folder.path(), "b", (5120.0, 0.0), 5)];
    let found = drawn(&Arc::default(), &wish(1, None), &[tile(0, 0, 0), tile(1, 0, 0)], &sources, about());
    assert!(values(&found, 0).iter().all(|value| *value == 0.0));
    assert!(values(&found, 1).iter().all(|value| *value >= 5120.0));
}

#[test]
fn what_is_read_is_bounded_and_the_small_pictures_stay_longest() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Arc::default();
    let large = Grey::even(Shape { width: 4096, height: 4096 }, 1.0); // 64 MiB, and a third more
    for number in 0..6 {
        let source = Source {
            size: (Nm(81_920.0), Nm(81_920.0)),
            ..source(folder.path(), &number.to_string(), (0.0, 0.0), 5)
        };
        lock(&shelf).put(&source, large.clone(), Nm(20.0));
        let coarse = lock(&shelf).find(&source, Nm(640.0));
        assert!(coarse.is_some());
    }
    let first = source(folder.path(), "0", (0.0, 0.0), 5);
    assert!(lock(&shelf).find(&first, Nm(20.0)).is_none() && lock(&shelf).find(&first, Nm(640.0)).is_some());
    assert!(lock(&shelf).bytes() <= 256 << 20);
}
