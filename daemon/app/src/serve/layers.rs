//! Pictures that are not drawn from localizations: ANNA-PALM's, its error map, the widefield.
//!
//! In: files of a scan's tiles, a viewer's tiles of the pyramid. Out: those tiles, in the place of the picture stage's.
//! Never: the picture stage's time for more than where the series lies; more memory than [`Shelf`] has; all files read
//! before the first tile is answered: what there was no time for is named, and asked for again.

mod shelf;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use smlm::map::{LEVELS, TILE_PX, TileIndex, Viewport};
use smlm::render::{Palette, Tone};
use smlm::units::Nm;
use tonic::Status;

use super::Shared;
use super::tiles::Wish;
use crate::desk::{DrawnTiles, Pixels};
pub use shelf::Shelf;
use sources::{Source, sources};

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Layer {
    #[default]
    Localizations,
    ANet,
    ErrorMap,
    Widefield,
}

impl Layer {
    const fn unit(self) -> &'static str {
        match self {
            Self::Localizations => "localizations per pixel",
            Self::ANet => "0 to 1",
            Self::ErrorMap => "error, 0 to 2",
            Self::Widefield => "ADU",
        }
    }

    /// Its name in files.
    pub const fn channel(self) -> &'static str {
        match self {
            Self::Localizations => "localizations per pixel",
            Self::ANet => "ANNA-PALM picture, 0 to 1",
            Self::ErrorMap => "ANNA-PALM error map, 0 to 2",
            Self::Widefield => "widefield in ADU",
        }
    }

    /// Of what goes from 0 to a known end; `None`: from the data.
    const fn ends(self) -> Option<(f32, f32)> {
        match self {
            Self::ANet => Some((0.0, 1.0)),
            Self::ErrorMap => Some((0.0, 2.0)),
            Self::Localizations | Self::Widefield => None,
        }
    }
}

/// Colours of a legend.
const LEGEND_STEPS: usize = 64;
/// Reading files for one answer takes no longer, but for one file.
const READING: Duration = Duration::from_millis(400);
/// Tiles in one answer: 3 MiB of numbers.
const TILES_PER_ANSWER: usize = 12;

/// Answers with tiles of a layer. `about`: what the picture stage says of the series, without tiles.
pub async fn draw(
    shared: &Shared,
    wish: &Wish,
    wanted: Vec<(TileIndex, u64)>,
    about: DrawnTiles,
) -> Result<DrawnTiles, Status> {
    let sources = sources(shared, about.series, wish.layer)?;
    let (shelf, wish) = (shared.shelf.clone(), *wish);
    let work = move || answer(&shelf, &wish, &wanted, &sources, about);
    tokio::task::spawn_blocking(work).await.map_err(|error| Status::internal(error.to_string()))
}

fn answer(
    shelf: &Arc<Mutex<Shelf>>,
    wish: &Wish,
    wanted: &[(TileIndex, u64)],
    sources: &[Source],
    about: DrawnTiles,
) -> DrawnTiles {
    let level = wish.level.clamp(about.finest, LEVELS - 1);
    let pixel = smlm::map::pixel_size(about.base_pixel, level);
    let generation = about.generation;
    let same = wish.generation == generation && level == wish.level;
    let began = Instant::now();
    let mut values: Vec<(TileIndex, Vec<f32>)> = Vec::new();
    let mut left = Vec::new();
    let wanted = if level == wish.level { wanted } else { &[] };
    for (index, version) in wanted {
        let version = if same && wish.tone.is_some() { *version } else { 0 };
        let here: Vec<&Source> =
            sources.iter().filter(|source| source.meets(&region(*index, pixel))).collect();
        if here.iter().all(|source| source.version <= version) {
            continue;
        }
        let time = values.is_empty() || began.elapsed() < READING;
        if !time || values.len() >= TILES_PER_ANSWER {
            left.push((*index, version));
            continue;
        }
        values.push((*index, compose(shelf, &here, *index, pixel)));
    }
    let known = || lock(shelf).range(sources);
    let (low, high) = wish.layer.ends().unwrap_or_else(known);
    let now = Tone { white: high, range: (low, high) };
    let (tone, stale) = match wish.tone.filter(|_| same) {
        Some(shown) => Tone::follow(shown, now),
        None => (now, true),
    };
    let reset = !same || wish.tone.is_none() || (stale && !wish.values);
    let (low, high) = tone.range;
    let palette = Palette::new(false, wish.look.colours, wish.look.gamma);
    let legend = palette.legend(wish.layer.unit(), (low, high), LEGEND_STEPS);
    if reset && wish.tone.is_some() && same {
        // Those of the old tone go; they are all asked for again.
        left.extend(wanted.iter().filter(|(index, _)| !values.iter().any(|(drawn, _)| drawn == index)));
        left.sort_unstable();
        left.dedup();
    }
    let paint = |(index, values): (TileIndex, Vec<f32>)| {
        if wish.values {
            return (index, Pixels::Values(values));
        }
        let part = |value: &f32| {
            if value.is_nan() { 0.0 } else { (value - low) / (high - low).max(f32::MIN_POSITIVE) }
        };
        (index, Pixels::Rgb(values.iter().flat_map(|value| palette.intensity(part(value))).collect()))
    };
    let drawn = values.into_iter().map(paint).collect();
    let version = sources.iter().map(|source| source.version).max().unwrap_or(0);
    DrawnTiles { generation, version, level, tiles: drawn, left, tone, reset, legend, ..about }
}

fn region(index: TileIndex, pixel: Nm) -> Viewport {
    let side = f64::from(TILE_PX) * pixel.0;
    let (x, y) = (f64::from(index.x) * side, f64::from(index.y) * side);
    Viewport { x_min: Nm(x), y_min: Nm(y), x_max: Nm(x + side), y_max: Nm(y + side) }
}

/// The values of a tile: the mean where pictures overlap, 0 where there is none.
fn compose(shelf: &Arc<Mutex<Shelf>>, sources: &[&Source], index: TileIndex, pixel: Nm) -> Vec<f32> {
    const SIDE: usize = TILE_PX as usize;
    let (mut sums, mut counts) = (vec![0.0f32; SIDE * SIDE], vec![0u16; SIDE * SIDE]);
    let corner = region(index, pixel);
    for source in sources {
        let found = lock(shelf).find(source, pixel);
        // Read without the lock: others are answered meanwhile.
        let plate = match found {
            Some(plate) => plate,
            None => {
                let Some(whole) = source.read() else { continue };
                lock(shelf).put(source, whole, pixel)
            }
        };
        for row in 0..SIDE {
            let y = corner.y_min.0 + (row as f64 + 0.5) * pixel.0 - source.corner.1.0;
            for column in 0..SIDE {
                let x = corner.x_min.0 + (column as f64 + 0.5) * pixel.0 - source.corner.0.0;
                if let Some(value) = plate.at(x, y) {
                    sums[row * SIDE + column] += value;
                    counts[row * SIDE + column] += 1;
                }
            }
        }
    }
    sums.iter()
        .zip(&counts)
        .map(|(sum, count)| if *count == 0 { 0.0 } else { sum / f32::from(*count) })
        .collect()
}

fn lock(shelf: &Arc<Mutex<Shelf>>) -> std::sync::MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
