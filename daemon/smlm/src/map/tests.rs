//! The pyramid's promises: no count is lost, everything lands where it belongs, viewers learn what changed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::localization::Localization;
use crate::units::PixelSize;

const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

fn map(layers: Layers) -> LiveMap {
    LiveMap::new(MapSettings { layers, ..MapSettings::default() }).expect("the default settings are sound")
}

fn at(x_px: f32, y_px: f32) -> Localization {
    Localization { x_px, y_px, sigma_x_px: 0.1, sigma_y_px: 0.12, ..Localization::default() }
}

fn scattered(count: usize, field_px: f32, seed: u64) -> Vec<Localization> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut along = || random.random_range(-0.5..field_px - 0.5);
    (0..count).map(|i| Localization { frame: i as u32 / 100, ..at(along(), along()) }).collect()
}

fn sums(map: &LiveMap, level: u32) -> (u64, f64) {
    let blocks = || map.level(level).tiles().flat_map(|(_, tile)| tile.blocks()).map(|(_, _, block)| block);
    let pixels = || 0..(BLOCK_PX * BLOCK_PX) as usize;
    let counts = blocks().map(|b| pixels().map(|i| u64::from(b.count(i))).sum::<u64>()).sum();
    let gaussian = blocks().map(|b| pixels().map(|i| f64::from(b.gaussian(i))).sum::<f64>()).sum();
    (counts, gaussian)
}

#[test]
fn every_level_holds_every_localization() {
    for layers in [Layers::ALL, Layers::NONE, Layers { colours: false, ..Layers::ALL }] {
        let mut map = map(layers);
        scattered(20_000, 64.0, 1).chunks(777).for_each(|batch| map.add(batch, PIXEL));
        assert_eq!((map.localizations(), map.rejected()), (20_000, 0));
        for level in 0..LEVELS {
            let (counts, gaussian) = sums(&map, level);
            assert_eq!(counts, 20_000, "level {level}");
            if map.has_gaussian(level) {
                assert!((gaussian - 20_000.0).abs() < 0.5, "level {level}: {gaussian}");
            }
        }
        assert_eq!(map.has_gaussian(4), layers.gaussian);
        assert!(!map.has_gaussian(5));
    }
}

#[test]
fn a_coarse_gaussian_pixel_is_the_sum_of_its_fine_ones() {
    let mut map = map(Layers::ALL);
    map.add(&scattered(500, 12.0, 2), PIXEL);
    let gaussian = |level: u32, x: i32, y: i32| {
        let tile = map.level(level).tile(TileIndex::of_pixel(x, y));
        tile.map_or(0.0, |tile| tile.gaussian_at(x, y))
    };
    for (x, y) in (-4..70).flat_map(|x| (-4..70).map(move |y| (x, y))) {
        let fine: f32 =
            [(0, 0), (1, 0), (0, 1), (1, 1)].iter().map(|d| gaussian(0, 2 * x + d.0, 2 * y + d.1)).sum();
        assert!((gaussian(1, x, y) - fine).abs() < 1e-4, "{x} {y}");
    }
}

#[test]
fn a_localization_lands_in_the_pixel_of_its_corner_nanometres() {
    let mut map = map(Layers::ALL);
    // Centre of the first camera pixel, 50 nm from the corner: the sixth 10 nm pixel.
    map.add(&[at(0.0, 0.0)], PIXEL);
    assert_eq!(map.count_at(0, 5, 5), 1);
    // (12.34 + 0.5) · 100 nm = 1284 nm; (7.06 + 0.5) · 110 nm = 831.6 nm.
    map.add(&[at(12.34, 7.06)], PixelSize { x: Nm(100.0), y: Nm(110.0) });
    assert_eq!((map.count_at(0, 128, 83), map.count_at(3, 16, 10)), (1, 1));
    // Left of the first pixel's centre, and left of its corner.
    map.add(&[at(-0.38, -0.38), at(-0.57, -3.03)], PIXEL); // 12 nm; -7 nm, -253 nm
    assert_eq!((map.count_at(0, 1, 1), map.count_at(0, -1, -26), map.count_at(1, -1, -13)), (1, 1, 1));
    // A field of view elsewhere in the map.
    map.add_at(&[at(0.0, 0.0)], PIXEL, (Nm(20_000.0), Nm(-30_000.0)));
    assert_eq!(map.count_at(0, 2005, -2995), 1);
    let bounds = map.bounds().expect("five localizations were added");
    assert_eq!((bounds.x_min, bounds.y_max), (Nm(-10.0), Nm(840.0)));
}

#[test]
fn what_is_not_a_place_is_rejected_and_counted() {
    let mut map = map(Layers::ALL);
    let bad = [
        at(f32::NAN, 1.0),
        at(1.0, f32::INFINITY),
        at(-3e5, 1.0),
        Localization { z_nm: f32::NAN, ..at(1.0, 1.0) },
    ];
    map.add(&bad, PIXEL);
    map.add(&[at(1.0, 1.0)], PixelSize::square(Nm(f64::NAN)));
    assert_eq!((map.localizations(), map.rejected(), map.bytes()), (0, 5, 0));
    // A missing σ is not a missing place.
    map.add(&[Localization { sigma_x_px: f32::NAN, sigma_y_px: -1.0, ..at(1.0, 1.0) }], PIXEL);
    assert_eq!((map.localizations(), sums(&map, 0).0), (1, 1));
    assert!((sums(&map, 0).1 - 1.0).abs() < 1e-5);
}

#[test]
fn folding_bounds_memory_and_loses_no_count() {
    let settings = MapSettings { max_bytes: MIN_BYTES, ..MapSettings::default() };
    let mut map = LiveMap::new(settings).expect("the settings are sound");
    let mut generation = map.generation();
    for batch in scattered(60_000, 1024.0, 3).chunks(1000) {
        let folded = map.folded();
        map.add(batch, PIXEL);
        assert!(map.bytes() <= MIN_BYTES);
        assert_eq!(map.generation() > generation, map.folded() > folded, "a fold is a new generation");
        generation = map.generation();
    }
    assert!(map.folded() >= 2, "100 µm of 10 nm pixels do not fit: {}", map.folded());
    let finest = map.folded();
    for level in finest..LEVELS {
        assert_eq!(sums(&map, level).0, 60_000, "level {level}");
    }
    assert!((sums(&map, finest).1 - 60_000.0).abs() < 2.0);
    // Finer pixels than there are cannot be had.
    assert_eq!(map.level_for(Nm(10.0)), finest);
}

#[test]
fn the_widest_scatter_still_fits_into_the_smallest_memory() {
    let settings = MapSettings { max_bytes: MIN_BYTES, ..MapSettings::default() };
    let mut map = LiveMap::new(settings).expect("the settings are sound");
    let field = 2.0 * EXTENT_BASE_PX as f32 / 10.0;
    let mut wide = scattered(20_000, field, 4);
    wide.iter_mut().for_each(|l| (l.x_px, l.y_px) = (l.x_px - field / 2.0, l.y_px - field / 2.0));
    map.add(&wide, PIXEL);
    assert!(map.bytes() <= MIN_BYTES, "{} bytes", map.bytes());
    assert_eq!(map.localizations() + map.rejected(), 20_000);
    assert_eq!(sums(&map, LEVELS - 1).0, map.localizations());
}

#[test]
fn each_viewer_learns_exactly_which_tiles_changed_since_it_looked() {
    let mut map = map(Layers::ALL);
    let tile = |x, y| TileIndex { x, y };
    // A tile of level 0 is 25.6 camera pixels wide.
    map.add(&[at(10.0, 10.0), at(40.0, 10.0)], PIXEL);
    let first = map.version();
    assert_eq!(map.changed_since(0, None, 0), [tile(0, 0), tile(1, 0)]);
    assert_eq!(map.changed_since(1, None, 0), [tile(0, 0)]);
    map.add(&[at(40.0, 40.0)], PIXEL);
    let second = map.version();
    map.add(&[at(10.0, 10.0)], PIXEL);
    assert_eq!(map.changed_since(0, None, first), [tile(0, 0), tile(1, 1)]);
    assert_eq!(map.changed_since(0, None, second), [tile(0, 0)]);
    assert_eq!(map.changed_since(0, None, map.version()), []);
    // The same question twice: nothing is consumed.
    assert_eq!(map.changed_since(0, None, second), [tile(0, 0)]);
    let right = Viewport { x_min: Nm(2560.0), y_min: Nm(0.0), x_max: Nm(5120.0), y_max: Nm(5120.0) };
    assert_eq!(map.changed_since(0, Some(&right), 0), [tile(1, 0), tile(1, 1)]);
    assert_eq!(map.changed_since(0, Some(&right), second), []);
}

#[test]
fn a_gaussian_across_a_tile_border_changes_both_tiles() {
    let mut map = map(Layers::ALL);
    map.add(&[at(25.05, 5.0)], PIXEL); // 2555 nm, σ 10 nm; the border is at 2560 nm
    assert_eq!(map.changed_since(0, None, 0), [TileIndex { x: 0, y: 0 }, TileIndex { x: 1, y: 0 }]);
}

#[test]
fn a_rebuilt_map_equals_the_one_that_grew() {
    let localizations = scattered(5000, 100.0, 5);
    let (mut grown, mut rebuilt) = (map(Layers::ALL), map(Layers::ALL));
    localizations.chunks(100).for_each(|batch| grown.add(batch, PIXEL));
    rebuilt.add(&scattered(100, 500.0, 6), PIXEL);
    let generation = rebuilt.generation();
    rebuilt.rebuild(localizations.iter().copied(), PIXEL);
    assert!(rebuilt.generation() > generation);
    assert_eq!(rebuilt.localizations(), 5000);
    assert_eq!(rebuilt.changed_since(0, None, 0), grown.changed_since(0, None, 0));
    for (x, y) in (0..1000).flat_map(|x| (0..1000).map(move |y| (x, y))) {
        assert_eq!(rebuilt.count_at(0, x, y), grown.count_at(0, x, y));
    }
    rebuilt.clear();
    assert_eq!((rebuilt.localizations(), rebuilt.bytes(), rebuilt.bounds()), (0, 0, None));
}

/// The largest difference of Gaussians and of colours over all pixels of a level.
fn apart(one: &LiveMap, other: &LiveMap, level: u32) -> f32 {
    let mut most = 0.0f32;
    for (index, tile) in one.level(level).tiles() {
        let blocks = tile.blocks().flat_map(|(x, y, block)| {
            (0..(BLOCK_PX * BLOCK_PX) as usize).map(move |at| {
                let (column, row) = (x + at % BLOCK_PX as usize, y + at / BLOCK_PX as usize);
                (column, row, block.gaussian(at), block.colour(at))
            })
        });
        let there = other.level(level).tile(index);
        for (column, row, gaussian, colour) in blocks {
            let (x, y) = (index.x * TILE_PX + column as i32, index.y * TILE_PX + row as i32);
            let g = there.map_or(0.0, |tile| tile.gaussian_at(x, y));
            let c = there.map_or([0.0; 4], |tile| tile.colour(column, row));
            most = most.max((g - gaussian).abs()).max((c[0] - colour[0]).abs());
        }
    }
    most
}

#[test]
fn what_is_taken_out_again_leaves_the_map_without_it() {
    for layers in [Layers::ALL, Layers::NONE] {
        let (stays, goes) = (scattered(3000, 60.0, 7), scattered(4000, 70.0, 8));
        let corner = (Nm(1234.5), Nm(-77.0));
        let (mut map, mut without) = (map(layers), map(layers));
        without.add(&stays, PIXEL);
        map.add_at(&goes[..2500], PIXEL, corner);
        map.add(&stays, PIXEL);
        map.add_at(&goes[2500..], PIXEL, corner);
        let before = map.version();
        map.remove_at(&goes, PIXEL, corner);
        assert_eq!((map.localizations(), map.rejected()), (3000, 0));
        assert!(!map.changed_since(0, None, before).is_empty(), "viewers learn of it");
        for level in 0..LEVELS {
            for (x, y) in (-20..80).flat_map(|x| (-20..80).map(move |y| (x, y))) {
                assert_eq!(map.count_at(level, x, y), without.count_at(level, x, y), "{level} {x} {y}");
            }
            assert_eq!(sums(&map, level).0, 3000);
            assert!(apart(&map, &without, level) < 0.01, "level {level}: {}", apart(&map, &without, level));
            let part = |map: &LiveMap| map.level(level).histogram().quantile(0.9);
            assert_eq!(part(&map), part(&without), "level {level}");
        }
        let (z, frames) = (map.spread().z(), map.spread().sigma());
        assert_eq!((z, frames), (without.spread().z(), without.spread().sigma()));
    }
}

#[test]
fn what_came_before_the_map_was_folded_can_be_taken_out_after() {
    let settings = MapSettings { max_bytes: MIN_BYTES, ..MapSettings::default() };
    let mut map = LiveMap::new(settings).expect("the settings are sound");
    // Some without a σ, some broader than a Gaussian may be.
    let mut goes = scattered(2000, 50.0, 9);
    goes.iter_mut().step_by(3).for_each(|l| l.sigma_x_px = 0.0);
    goes.iter_mut().skip(1).step_by(3).for_each(|l| l.sigma_y_px = 3.0);
    map.add(&goes, PIXEL);
    map.add(&scattered(40_000, 1024.0, 3), PIXEL);
    assert!(map.folded() > 0);
    map.remove_at(&goes, PIXEL, (Nm(0.0), Nm(0.0)));
    let mut without = LiveMap::new(settings).expect("the settings are sound");
    without.add(&scattered(40_000, 1024.0, 3), PIXEL);
    for level in map.folded().max(without.folded())..LEVELS {
        assert_eq!(sums(&map, level).0, 40_000);
        assert!(apart(&map, &without, level) < 0.01, "level {level}: {}", apart(&map, &without, level));
    }
}

#[test]
fn a_requested_pixel_is_rounded_up_to_the_next_level() {
    let map = map(Layers::NONE);
    let levels = [1.0, 10.0, 10.1, 19.999_999_9, 20.0, 45.0, 1e9].map(|nm| map.level_for(Nm(nm)));
    assert_eq!(levels, [0, 0, 1, 1, 1, 3, LEVELS - 1]);
    assert_eq!(map.pixel_size(3), Nm(80.0));
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let with = |base_nm: f64, max_bytes: usize| {
        LiveMap::new(MapSettings { base_pixel: Nm(base_nm), max_bytes, layers: Layers::ALL }).err()
    };
    assert_eq!(with(0.0, MIN_BYTES), Some(MapError::BasePixel(0.0)));
    assert!(matches!(with(f64::NAN, MIN_BYTES), Some(MapError::BasePixel(_))));
    assert_eq!(with(10.0, 1000), Some(MapError::MaxBytes(1000)));
}
