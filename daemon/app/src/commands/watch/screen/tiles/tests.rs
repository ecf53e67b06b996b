//! Grids of every size, in windows of every size.

use super::*;
use crate::commands::watch::samples;

fn size(rows: u32, columns: u32, room: (usize, usize), depth: Depth) -> Size {
    let grid = Grid::of(&samples::scan(rows, columns, 5)).unwrap();
    Size::for_room(&grid, room.0, room.1, depth)
}

#[test]
fn tiles_are_as_large_as_all_of_them_find_room() {
    assert_eq!(size(12, 12, (38, 14), Depth::True), Size::Square(1));
    assert_eq!(size(2, 3, (38, 14), Depth::True), Size::Square(4));
    assert_eq!(size(12, 30, (38, 14), Depth::True), Size::OneCell);
    assert_eq!(size(33, 33, (38, 17), Depth::True), Size::HalfACell);
    assert_eq!(
        size(33, 33, (38, 17), Depth::None),
        Size::OneCell,
        "without colours a half cell says nothing"
    );
}

#[test]
fn a_grid_that_finds_no_room_is_shown_around_its_latest_tile() {
    assert_eq!([0, 3, 50, 97, 99].map(|latest| window(latest, 100, 10)), [0, 0, 45, 90, 90]);
    assert_eq!(window(5, 8, 10), 0, "all of it");
}

#[test]
fn a_snake_lies_where_its_tiles_are() {
    let grid = Grid::of(&samples::scan(3, 4, 5)).unwrap();
    assert_eq!(grid.latest, (1, 2), "the second row runs backwards");
    assert_eq!(grid.at(1, 2), Some(TileState::Acquiring));
    assert_eq!(grid.at(1, 3), Some(TileState::Processing));
    assert_eq!([grid.at(0, 1), grid.at(0, 2)], [Some(TileState::Failed), Some(TileState::Retake)]);
    assert_eq!((grid.at(2, 0), grid.at(3, 0)), (Some(TileState::Planned), None));
}

#[test]
fn a_grid_beyond_all_limits_is_not_made() {
    let mut scan = samples::scan(2, 2, 1);
    scan.grid = Some(pb::Grid { rows: u32::MAX, columns: u32::MAX, ..pb::Grid::default() });
    assert!(Grid::of(&scan).is_none());
}

#[test]
fn time_left_and_tiles_in_trouble_are_said_in_words() {
    let said = |rows| about(&samples::scan(12, 12, 40), Palette::default(), 38, rows);
    let text: Vec<String> = said(5).iter().map(ToString::to_string).collect();
    assert!(text.iter().any(|line| line == "2 h 5 min left · 1 to take again"), "{text:?}");
    assert!(text.iter().any(|line| line == "row/column: ✕ 0/1  ↻ 0/2"), "{text:?}");
    assert!(text[0].contains("● 1 acquiring"), "{text:?}");
    let tight: Vec<String> = said(2).iter().map(ToString::to_string).collect();
    assert_eq!(tight[0], "● 1  ✕ 1  ↻ 1  ", "without room the signs alone count");
}

#[test]
fn what_early_stops_have_saved_stands_beside_the_time_left() {
    let said = |frames_saved, seconds_saved| {
        let scan = pb::Scan { early_stop: true, frames_saved, seconds_saved, ..samples::scan(12, 12, 40) };
        let lines = about(&scan, Palette::default(), 60, 5);
        lines.iter().map(ToString::to_string).find(|line| line.contains("left")).unwrap()
    };
    assert_eq!(said(0, 0.0), "2 h 5 min left · 1 to take again");
    assert_eq!(said(6000, 60.0), "2 h 5 min left · 1 min saved · 1 to take again");
    assert_eq!(said(600, 0.0), "2 h 5 min left · 600 frames saved · 1 to take again");
}

#[test]
fn suspect_tiles_say_why_in_the_rows_that_are_left() {
    let said = |rows| {
        let lines = about(&samples::suspect_scan(12, 12, 40), Palette::default(), 38, rows);
        lines.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (roomy, tight) = (said(9), said(4));
    assert!(roomy.iter().any(|line| line == "row/column: ✕ 0/1  ↻ 0/2  ? 0/3  ? 0/4"), "{roomy:?}");
    assert!(roomy.iter().any(|line| line == "? 0/3 3 of 100 frames were lost."), "{roomy:?}");
    assert!((roomy.len(), tight.len()) <= (9, 4), "{roomy:?} {tight:?}");
    assert!(!tight.iter().any(|line| line.contains("frames were lost")), "counts come first: {tight:?}");
}

#[test]
fn large_tiles_give_way_to_the_sentences_and_small_ones_do_not() {
    let size = |scan: pb::Scan, height| {
        let room = Rect::new(0, 0, 38, height);
        size_beside_reasons(&scan, &Grid::of(&scan).unwrap(), room, Depth::True)
    };
    assert_eq!(size(samples::scan(4, 4, 9), 16), Size::Square(4));
    assert_eq!(size(samples::suspect_scan(4, 4, 9), 16), Size::Square(3));
    assert_eq!(size(samples::suspect_scan(16, 4, 9), 16), Size::Square(1), "as without sentences");
}

#[test]
fn large_tiles_have_gaps_and_one_sign_each() {
    for side in 2..=LARGEST {
        let size = Size::Square(side);
        let (wide, tall) = size.cells(3, 2);
        let cells = || (0..tall).flat_map(|y| (0..wide).map(move |x| (x, y)));
        let signs: Vec<_> = cells().filter(|(x, y)| size.gap_and_sign(*x, *y) == (false, true)).collect();
        let tiles: Vec<_> = signs.iter().map(|(x, y)| size.tile_at(*x, *y)).collect();
        assert_eq!(tiles, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        let drawn = cells().filter(|(x, y)| !size.gap_and_sign(*x, *y).0).count();
        assert_eq!(drawn, 6 * (2 * side - 2) * (side - 1));
    }
}
