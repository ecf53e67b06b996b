//! Pictures that are not drawn from localizations: ANNA-PALM's, its error map, the widefield.
//!
//! In: files of a scan's tiles, a viewer's tiles of the pyramid. Out: those tiles, in the place of the picture stage's.
//! Never: the picture stage's time for more than where the series lies; more memory than [`Shelf`] has; all files read
//! before the first tile is answered: what there was no time for is named, and asked for again.

mod growing;
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
    let sources = sources(shared, about.series, wish.layer);
    let easel = shared.easel.clone().filter(|_| wish.layer == Layer::ANet && sources.is_err());
    let (shelf, wish) = (shared.shelf.clone(), *wish);
    let work = move || {
        let asked = Asked::of(&wish, &about, &wanted);
        if let Some(easel) = easel {
            let fresh = growing::tiles(&easel, &about, asked.level, &asked.wanted)?;
            return Ok(answer(&asked, &wish, fresh, (0.0, 1.0), about));
        }
        let sources = sources?;
        let fresh = read(&shelf, &asked, &sources);
        let ends = wish.layer.ends().unwrap_or_else(|| lock(&shelf).range(&sources));
        Ok(answer(&asked, &wish, fresh, ends, about))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Status::internal(error.to_string()))?
}

/// What a viewer lacks, if it has what it says.
struct Asked {
    level: u32,
    pixel: Nm,
    /// Of the viewer's generation and level.
    same: bool,
    wanted: Vec<(TileIndex, u64)>,
}

impl Asked {
    fn of(wish: &Wish, about: &DrawnTiles, wanted: &[(TileIndex, u64)]) -> Self {
        let level = wish.level.clamp(about.finest, LEVELS - 1);
        let same = wish.generation == about.generation && level == wish.level;
        let version = |version: u64| if same && wish.tone.is_some() { version } else { 0 };
        // Of another level these are other places.
        let wanted = if level == wish.level { wanted } else { &[] };
        Self {
            level,
            pixel: smlm::map::pixel_size(about.base_pixel, level),
            same,
            wanted: wanted.iter().map(|(index, has)| (*index, version(*has))).collect(),
        }
    }
}

/// Values of tiles that changed, and those there was no time for.
#[derive(Default)]
struct Fresh {
    values: Vec<(TileIndex, Vec<f32>)>,
    left: Vec<(TileIndex, u64)>,
    version: u64,
}

fn read(shelf: &Arc<Mutex<Shelf>>, asked: &Asked, sources: &[Source]) -> Fresh {
    let began = Instant::now();
    let newest = sources.iter().map(|source| source.version).max();
    let mut fresh = Fresh { version: newest.unwrap_or(0), ..Fresh::default() };
    for (index, version) in &asked.wanted {
        let region = region(*index, asked.pixel);
        let here: Vec<&Source> = sources.iter().filter(|source| source.meets(&region)).collect();
        if here.iter().all(|source| source.version <= *version) {
            continue;
        }
        let time = fresh.values.is_empty() || began.elapsed() < READING;
        if time && fresh.values.len() < TILES_PER_ANSWER {
            fresh.values.push((*index, compose(shelf, &here, *index, asked.pixel)));
        } else {
            fresh.left.push((*index, *version));
        }
    }
    fresh
}

/// Values become what was asked for.
fn answer(
    asked: &Asked,
    wish: &Wish,
    fresh: Fresh,
    (low, high): (f32, f32),
    about: DrawnTiles,
) -> DrawnTiles {
    let Fresh { values, mut left, version } = fresh;
    let now = Tone { white: high, range: (low, high) };
    let shown = wish.tone.filter(|_| asked.same);
    let (tone, stale) = shown.map_or((now, true), |shown| Tone::follow(shown, now));
    // Values look the same in every tone.
    let reset = shown.is_none() || (stale && !wish.values);
    if reset && shown.is_some() {
        // Those of the old tone go, and are all asked for again.
        let came = |index: &TileIndex| values.iter().any(|(drawn, _)| drawn == index);
        left = asked.wanted.iter().filter(|(index, _)| !came(index)).map(|(index, _)| (*index, 0)).collect();
    }
    let (low, high) = tone.range;
    let palette = Palette::new(false, wish.look.colours, wish.look.gamma);
    let legend = palette.legend(wish.layer.unit(), (low, high), LEGEND_STEPS);
    let part = |value: &f32| ((value - low) / (high - low).max(f32::MIN_POSITIVE)).max(0.0);
    let paint = |(index, values): (TileIndex, Vec<f32>)| match wish.values {
        true => (index, Pixels::Values(values)),
        false => {
            (index, Pixels::Rgb(values.iter().flat_map(|value| palette.intensity(part(value))).collect()))
        }
    };
    let tiles = values.into_iter().map(paint).collect();
    DrawnTiles { version, level: asked.level, tiles, left, tone, reset, legend, ..about }
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
