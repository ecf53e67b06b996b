//! Tiles of a scan. In: row and column. Out: where the tile lies, and its counts. Never: a picture of the whole.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use wire::files::zarr::Region;

/// 512 px of 108 nm, at 20 nm.
const TILE_PX: u64 = 2765;
/// 1 µm.
const OVERLAP_PX: u64 = 50;
/// A tile may lie this far from its place.
const ERROR_PX: u64 = 100;
const LOCALIZATIONS: usize = 200_000;
/// Of one filament.
const PER_FILAMENT: usize = 1000;

pub fn side_px(tiles: u64) -> u64 {
    (TILE_PX - OVERLAP_PX) * (tiles - 1) + TILE_PX + 2 * ERROR_PX
}

/// A tile of counts; its place is a little off the grid, as after stitching.
pub fn tile(dice: &mut ChaCha8Rng, row: u64, column: u64) -> (Region, Vec<u16>) {
    let mut place = |number: u64| number * (TILE_PX - OVERLAP_PX) + dice.random_range(0..=2 * ERROR_PX);
    let region = Region { x: place(column), y: place(row), width: TILE_PX, height: TILE_PX };
    let mut counts = vec![0u16; (TILE_PX * TILE_PX) as usize];
    for _ in 0..LOCALIZATIONS / PER_FILAMENT {
        let (mut x, mut y) = (dice.random::<f32>() * TILE_PX as f32, dice.random::<f32>() * TILE_PX as f32);
        let mut angle = dice.random::<f32>() * std::f32::consts::TAU;
        for _ in 0..PER_FILAMENT {
            (x, y) = (x + angle.cos(), y + angle.sin());
            angle += 0.04 * (dice.random::<f32>() - 0.5);
            // About a normal error of 20 nm.
            let mut aside = || (0..3).map(|_| dice.random::<f32>() - 0.5).sum::<f32>() * 2.0;
            let (column, row) = ((x + aside()).floor(), (y + aside()).floor());
            let within = |v: f32| (0.0..TILE_PX as f32).contains(&v);
            if within(column) && within(row) {
                counts[row as usize * TILE_PX as usize + column as usize] += 1;
            }
        }
    }
    (region, counts)
}
