use super::*;
use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use smlm::localization::Filter;
use smlm::series::{Overlap, SeriesInfo};
use smlm::units::{Nm, PixelSize};

const SHAPE: Shape = Shape { width: 100, height: 50 };
const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

/// A snake of two rows and three columns, four frames a tile.
fn series() -> Series {
    let grid = Grid { rows: 2, columns: 3, overlap: Some(Overlap::Um(1.0, 1.0)), snake: true };
    Series::new(
        SeriesInfo { id: SeriesId([7; 16]), grid: Some(grid), ..SeriesInfo::default() },
        Filter::default(),
    )
}

fn receive(series: &Series, seqs: std::ops::Range<u64>, tile: Tile) {
    for seq in seqs {
        let info = FrameInfo {
            id: FrameId { seq: Seq(seq), ..FrameId::default() },
            tile,
            frame_in_tile: (seq % 4) as u32,
            frames_per_tile: 4,
            shape: SHAPE,
            arrival_unix_ns: 1_000_000_000 * (1 + seq),
            ..FrameInfo::default()
        };
        let mut door = series.door();
        assert!(door.expect(&info));
        door.receive(&info);
    }
}

/// At the latest frame.
fn told(series: &Series) -> pb::Scan {
    let now_unix_ns = 1_000_000_000 * series.door().next_seq;
    let known = Known { pixel: PIXEL, now_unix_ns, processed_fps: 0.0, finishes: true, early_stop: false };
    scan(&series.door(), &series.book(), &known, |_| true)
}

fn states(series: &Series) -> Vec<&'static str> {
    let scan = told(series);
    let mut tiles: Vec<_> = scan.tiles.iter().map(|tile| (index(tile), name(tile.state()))).collect();
    tiles.sort_unstable();
    tiles.into_iter().map(|(_, state)| state).collect()
}

#[test]
fn a_tile_is_planned_acquired_processed_and_done() {
    let series = series();
    let (first, second) = (Tile { index: 0, row: 0, column: 0 }, Tile { index: 1, row: 0, column: 1 });
    receive(&series, 0..4, first);
    assert_eq!(states(&series), ["acquiring", "planned", "planned", "planned", "planned", "planned"]);
    receive(&series, 4..5, second);
    assert_eq!(states(&series)[..3], ["processing", "acquiring", "planned"]);
    series.door().process(first, 4, 9);
    assert_eq!(states(&series)[..3], ["done", "acquiring", "planned"]);
    let scan = told(&series);
    // Four tiles and the one in hand are left, and the second began four seconds after the first.
    assert_eq!(scan.seconds_left, Some(20.0));
    assert_eq!((scan.tiles_by_state["planned"], scan.tile_width_nm), (4, 10_000.0));
}

#[test]
fn a_tile_with_missing_frames_has_failed() {
    let series = series();
    let first = Tile { index: 0, row: 0, column: 0 };
    receive(&series, 0..2, first);
    receive(&series, 3..4, first);
    receive(&series, 4..8, Tile { index: 1, row: 0, column: 1 });
    series.door().process(first, 3, 0);
    assert_eq!(states(&series)[0], "failed");
}

#[test]
fn planned_tiles_lie_where_the_snake_will_come() {
    let series = series();
    series.door().shape = SHAPE;
    let scan = told(&series);
    let place = |index: usize| {
        let tile = scan.tiles[index].tile.clone().unwrap();
        (tile.row, tile.column, tile.corner_x_nm, tile.corner_y_nm)
    };
    assert_eq!(place(2), (0, 2, 18_000.0, 0.0));
    assert_eq!(place(3), (1, 2, 18_000.0, 4_000.0));
    assert_eq!(place(5), (1, 0, 0.0, 4_000.0));
}

#[test]
fn a_tile_is_wanted_again_until_its_frames_come_again() {
    let series = series();
    let (first, second) = (Tile { index: 0, row: 0, column: 0 }, Tile { index: 1, row: 0, column: 1 });
    receive(&series, 0..4, first);
    receive(&series, 4..8, second);
    assert_eq!(series.door().want_again(&[0, 5], true), Err(5));
    assert_eq!(series.door().want_again(&[0], true), Ok(()));
    let now = told(&series);
    assert_eq!((now.retake.as_slice(), states(&series)[0]), (&[0][..], "retake"));
    receive(&series, 8..12, first);
    let now = told(&series);
    assert_eq!((now.retake.len(), now.tiles[0].visits), (0, 2));
    assert_eq!(series.door().want_again(&[1], true), Ok(()));
    assert_eq!(series.door().want_again(&[1], false), Ok(()));
    assert_eq!(states(&series)[1], "processing");
}
