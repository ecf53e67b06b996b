//! Tiles of the growing map as ANNA-PALM's network paints it.
//!
//! In: a viewer's tiles. Out: those whose windows are painted; the others are named, and painted next. Never: the network.

use smlm::map::{LEVELS, PixelBox, TILE_PX, TileIndex};
use tonic::Status;

use super::{Fresh, TILES_PER_ANSWER};
use crate::desk::DrawnTiles;
use crate::painting::live::{Easel, Place, Shown};

const SIDE: usize = TILE_PX as usize;
/// A tile of so many levels above the painted one is put together of it: 80 nm of 20 nm.
const COARSER: i32 = 2;

/// The values of tiles that are painted and newer than the viewer's.
///
/// # Errors
/// The map has no level of the network's pixel, or the viewer asks for one that is far coarser.
pub fn tiles(
    easel: &Easel,
    about: &DrawnTiles,
    level: u32,
    wanted: &[(TileIndex, u64)],
) -> Result<Fresh, Status> {
    let painted = easel.level(about.base_pixel, about.finest).ok_or_else(|| {
        Status::failed_precondition(format!(
            "the network paints pixels of {} nm, and the map has none like these: its own begin at {} nm. Set \
             picture.base_pixel_nm to {} nm, and picture.max_mib so that it stays",
            easel.pixel().0,
            smlm::map::pixel_size(about.base_pixel, about.finest).0,
            easel.pixel().0
        ))
    })?;
    let up = level as i32 - painted as i32;
    if up > COARSER {
        let most = smlm::map::pixel_size(about.base_pixel, (painted + COARSER as u32).min(LEVELS - 1));
        return Err(Status::failed_precondition(format!(
            "the growing picture is painted up to pixels of {} nm: look at less of it",
            most.0
        )));
    }
    let at = Place { series: about.series, generation: about.generation, level: painted, x: 0, y: 0 };
    let failed = |error: smlm::blend::BlendError| Status::internal(error.to_string());
    let mut fresh = Fresh::default();
    for (index, version) in wanted {
        let region = region(*index, up);
        match easel.look(at, region).map_err(failed)? {
            Shown::Version(now) if now <= *version => {}
            Shown::Version(now) if fresh.values.len() < TILES_PER_ANSWER => {
                let Some(picture) = easel.picture(at, region).map_err(failed)? else { continue };
                fresh.values.push((*index, resized(picture.values(), up)));
                fresh.version = fresh.version.max(now);
            }
            _ => fresh.left.push((*index, *version)),
        }
    }
    Ok(fresh)
}

/// A tile in pixels of the painted level.
fn region(index: TileIndex, up: i32) -> PixelBox {
    let scaled = |at: i32| if up >= 0 { at << up } else { at >> -up };
    let side = scaled(TILE_PX) as u32;
    let (x, y) = (scaled(index.x * TILE_PX), scaled(index.y * TILE_PX));
    PixelBox { x, y, width: side, height: side }
}

/// Means of coarser pixels; finer ones repeat theirs.
fn resized(values: &[f32], up: i32) -> Vec<f32> {
    if up < 0 {
        let width = SIDE >> -up;
        return (0..SIDE * SIDE)
            .map(|at| values[((at / SIDE) >> -up) * width + ((at % SIDE) >> -up)])
            .collect();
    }
    let (width, step) = (SIDE << up, 1usize << up);
    let mean = |at: usize| {
        let (x, y) = (at % SIDE * step, at / SIDE * step);
        let rows = (y..y + step).flat_map(|y| &values[y * width + x..y * width + x + step]);
        rows.sum::<f32>() / (step * step) as f32
    };
    (0..SIDE * SIDE).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_covers_the_same_place_at_every_level() {
        let tile = TileIndex { x: -1, y: 2 };
        assert_eq!(region(tile, 0), PixelBox { x: -256, y: 512, width: 256, height: 256 });
        assert_eq!(region(tile, 2), PixelBox { x: -1024, y: 2048, width: 1024, height: 1024 });
        assert_eq!(region(tile, -1), PixelBox { x: -128, y: 256, width: 128, height: 128 });
    }

    #[test]
    fn coarser_pixels_are_means_and_finer_ones_repeat() {
        let fine: Vec<f32> = (0..512 * 512).map(|at| (at % 2 + at / 512 % 2 * 2) as f32).collect();
        assert!(resized(&fine, 1).iter().all(|value| *value == 1.5));
        let half: Vec<f32> = (0..128 * 128).map(|at| at as f32).collect();
        let large = resized(&half, -1);
        assert_eq!((large[0], large[257], large[2], large[512]), (0.0, 0.0, 1.0, 128.0));
    }
}
