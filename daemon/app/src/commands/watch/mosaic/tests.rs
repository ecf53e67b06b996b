//! Levels, tiles and pixels of maps made up for the case.

use super::*;

/// A map of 10 nm with 12 levels over `side_nm`, beginning at `from_nm`.
fn map(from_nm: f64, side_nm: f64) -> pb::GetTilesResponse {
    let bounds = pb::Viewport {
        x_min_nm: from_nm,
        y_min_nm: from_nm,
        x_max_nm: from_nm + side_nm,
        y_max_nm: from_nm + side_nm,
    };
    pb::GetTilesResponse {
        base_pixel_nm: 10.0,
        levels: 12,
        tile_px: 256,
        bounds: Some(bounds),
        localizations: 1,
        ..pb::GetTilesResponse::default()
    }
}

fn tile(x: i32, y: i32, colour: [u8; 3]) -> pb::PictureTile {
    let rgb: Vec<u8> = std::iter::repeat_n(colour, 256 * 256).flatten().collect();
    let mut bytes = Vec::new();
    png::encode_rgb(256, 256, &rgb, &mut bytes).unwrap();
    pb::PictureTile { tile_x: x, tile_y: y, png: bytes.into(), ..pb::PictureTile::default() }
}

#[test]
fn the_level_has_a_pixel_for_every_dot_and_at_most_twice_as_many() {
    // 12.8 µm: 1,280 pixels of 10 nm, 80 of 160 nm, 40 of 320 nm.
    let map = map(0.0, 12_800.0);
    assert_eq!([20, 40, 41, 80, 200].map(|dots| level_for(&map, (dots, dots))), [6, 5, 4, 4, 2]);
    assert_eq!(level_for(&map, (80, 38)), 5, "a picture that fills one direction has enough");
    let folded = pb::GetTilesResponse { finest_level: 5, ..map };
    assert_eq!(level_for(&folded, (200, 200)), 5, "what was folded away cannot be had");
}

#[test]
fn a_mosaic_of_any_size_takes_at_most_64_tiles() {
    for side_nm in [1e3, 1e5, 1e6, 1e7] {
        let map = map(-3e4, side_nm);
        let level = level_for(&map, (4000, 4000));
        assert!((1..=MOST_TILES).contains(&places(&map, level).len()), "{side_nm} nm: level {level}");
    }
}

#[test]
fn tiles_land_where_they_lie_also_left_of_the_origin() {
    let mut mosaic = Mosaic::default();
    // 512 pixels from -256 on: four whole tiles, of which three have something.
    let answer = pb::GetTilesResponse {
        tiles: vec![tile(-1, -1, [10, 0, 0]), tile(0, -1, [20, 0, 0]), tile(0, 0, [30, 0, 0])],
        version: 9,
        ..map(-2560.0, 5120.0)
    };
    mosaic.take(answer).unwrap();
    let picture = mosaic.picture().unwrap();
    assert_eq!((picture.width, picture.height, picture.pixel_nm), (512, 512, 10.0));
    let red = |x: usize, y: usize| picture.rgb[3 * (y * 512 + x)];
    assert_eq!([red(0, 0), red(255, 255), red(256, 0), red(511, 511), red(0, 511)], [10, 10, 20, 30, 0]);
    let versions: Vec<u64> = mosaic.wanted(0).iter().map(|tile| tile.version).collect();
    assert_eq!(versions, [9, 9, 0, 9], "only what is not there is asked for anew");
}

#[test]
fn another_series_colour_or_daemon_begins_with_nothing() {
    let mut mosaic = Mosaic::default();
    mosaic.aim(1, &[7; 16], pb::ColourBy::Intensity);
    mosaic.take(pb::GetTilesResponse { tiles: vec![tile(0, 0, [9, 9, 9])], ..map(0.0, 2560.0) }).unwrap();
    mosaic.aim(1, &[7; 16], pb::ColourBy::Intensity);
    assert_eq!(mosaic.tiles.len(), 1);
    for (instance, series, colour) in
        [(2, 7, pb::ColourBy::Z), (2, 8, pb::ColourBy::Z), (3, 8, pb::ColourBy::Z)]
    {
        mosaic.take(pb::GetTilesResponse { tiles: vec![tile(0, 0, [9, 9, 9])], ..map(0.0, 2560.0) }).unwrap();
        mosaic.aim(instance, &[series; 16], colour);
        assert!(mosaic.tiles.is_empty() && mosaic.map.is_none());
    }
}

#[test]
fn a_map_without_localizations_is_no_picture_and_says_so() {
    let mut mosaic = Mosaic::default();
    mosaic.take(pb::GetTilesResponse { localizations: 0, ..map(0.0, 2560.0) }).unwrap();
    assert!(mosaic.picture().unwrap_err().text().contains("nothing has been localized"));
}
