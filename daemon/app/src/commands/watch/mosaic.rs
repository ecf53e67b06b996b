//! The coarse picture, put together from the daemon's tiles; only those that changed are fetched.
//!
//! In: how many dots there is room for. Out: a picture of at least as many pixels as dots, of at most twice as many in
//! each direction. Never: more than 64 tiles; a colour chosen here.

use std::collections::BTreeMap;

use tonic::Code;
use wire::files::png;
use wire::pb;

use super::link::{Link, Trouble};
use super::view::Picture;

/// A larger picture is taken from a coarser level.
const MOST_TILES: usize = 64;

/// What is shown: another one has other tiles.
#[derive(Clone, Debug, Default, PartialEq)]
struct Aim {
    instance: u64,
    series_id: Vec<u8>,
    colour_by: pb::ColourBy,
}

struct Tile {
    version: u64,
    rgb: Vec<u8>,
}

/// What the daemon said of the map, and the tiles that came.
#[derive(Default)]
pub struct Mosaic {
    aim: Aim,
    /// The latest answer, without its tiles.
    map: Option<pb::GetTilesResponse>,
    tiles: BTreeMap<(i32, i32), Tile>,
}

impl Mosaic {
    /// Tiles of another daemon, series or colour are forgotten.
    pub fn aim(&mut self, instance: u64, series_id: &[u8], colour_by: pb::ColourBy) {
        let aim = Aim { instance, series_id: series_id.to_vec(), colour_by };
        if aim != self.aim {
            *self = Self { aim, ..Self::default() };
        }
    }

    /// The picture as it is now.
    pub async fn ask(&mut self, link: &Link, dots: (u32, u32)) -> Result<Picture, Trouble> {
        if self.map.is_none() {
            let about = link.tiles(self.request(0, Vec::new())).await?;
            self.map = Some(about);
        }
        let level = self.map.as_ref().map_or(0, |map| level_for(map, dots));
        if self.map.as_ref().is_some_and(|map| map.level != level) {
            self.tiles.clear();
        }
        let wanted = self.wanted(level);
        let answer = link.tiles(self.request(level, wanted)).await?;
        self.take(answer)?;
        self.picture()
    }

    fn request(&self, level: u32, tiles: Vec<pb::WantedTile>) -> pb::GetTilesRequest {
        let same_level = self.map.as_ref().filter(|map| map.level == level);
        pb::GetTilesRequest {
            series_id: self.aim.series_id.clone(),
            look: Some(pb::Look { colour_by: self.aim.colour_by as i32, ..pb::Look::default() }),
            level,
            tiles,
            generation: self.map.as_ref().map_or(0, |map| map.generation),
            tone: same_level.and_then(|map| map.tone),
            values: false,
        }
    }

    fn wanted(&self, level: u32) -> Vec<pb::WantedTile> {
        let Some(map) = &self.map else { return Vec::new() };
        let version = |at| self.tiles.get(&at).map_or(0, |tile: &Tile| tile.version);
        let all = places(map, level);
        all.into_iter().map(|(x, y)| pb::WantedTile { x, y, version: version((x, y)) }).collect()
    }

    fn take(&mut self, mut answer: pb::GetTilesResponse) -> Result<(), Trouble> {
        if answer.reset {
            self.tiles.clear();
        }
        for tile in std::mem::take(&mut answer.tiles) {
            let rgb = png::decode_rgb(answer.tile_px, answer.tile_px, &tile.png).map_err(|error| {
                Trouble::Refused(Code::DataLoss, format!("a tile is unreadable: {error}"))
            })?;
            self.tiles.insert((tile.tile_x, tile.tile_y), Tile { version: answer.version, rgb });
        }
        self.map = Some(answer);
        Ok(())
    }

    fn picture(&self) -> Result<Picture, Trouble> {
        let nothing = || Trouble::Refused(Code::FailedPrecondition, "nothing has been localized yet".into());
        let map = self.map.as_ref().filter(|map| map.localizations > 0).ok_or_else(nothing)?;
        let area = Area::of(map, map.level).ok_or_else(nothing)?;
        let mut rgb = vec![0; 3 * area.width * area.height];
        for ((x, y), tile) in &self.tiles {
            area.paste(&mut rgb, (*x, *y), &tile.rgb);
        }
        Ok(Picture {
            series_id: self.aim.series_id.clone(),
            colour_by: self.aim.colour_by,
            pixel_nm: area.pixel_nm,
            width: area.width,
            height: area.height,
            rgb,
            legend: map.legend.clone(),
            localizations: map.localizations,
        })
    }
}

/// The part of a level that is shown, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    pixel_nm: f64,
    tile_px: i32,
    x: i32,
    y: i32,
    width: usize,
    height: usize,
}

impl Area {
    fn of(map: &pb::GetTilesResponse, level: u32) -> Option<Self> {
        let bounds = map.bounds.as_ref()?;
        let pixel_nm = map.base_pixel_nm * 2f64.powi(level.try_into().ok()?);
        let tile_px = i32::try_from(map.tile_px).ok().filter(|px| *px > 0)?;
        if pixel_nm.is_nan() || pixel_nm <= 0.0 {
            return None;
        }
        let first = |nm: f64| (nm / pixel_nm).floor() as i32;
        let end = |nm: f64| (nm / pixel_nm).ceil() as i32;
        let (x, y) = (first(bounds.x_min_nm), first(bounds.y_min_nm));
        let width = usize::try_from(end(bounds.x_max_nm).checked_sub(x)?).ok()?;
        let height = usize::try_from(end(bounds.y_max_nm).checked_sub(y)?).ok()?;
        (width > 0 && height > 0).then_some(Self { pixel_nm, tile_px, x, y, width, height })
    }

    /// First and last tile in both directions.
    fn tiles(&self) -> ((i32, i32), (i32, i32)) {
        let tile = |px: i32| px.div_euclid(self.tile_px);
        let last = |from: i32, px: usize| tile(from.saturating_add(px as i32 - 1));
        ((tile(self.x), tile(self.y)), (last(self.x, self.width), last(self.y, self.height)))
    }

    fn count(&self) -> usize {
        let ((x, y), (last_x, last_y)) = self.tiles();
        (last_x - x + 1) as usize * (last_y - y + 1) as usize
    }

    /// Copies what of a tile lies inside.
    fn paste(&self, to: &mut [u8], (tile_x, tile_y): (i32, i32), tile: &[u8]) {
        let (left, top) = (tile_x * self.tile_px - self.x, tile_y * self.tile_px - self.y);
        let (from, end) = (left.max(0), (left + self.tile_px).min(self.width as i32));
        if from >= end {
            return;
        }
        let bytes = 3 * (end - from) as usize;
        for row in top.max(0)..(top + self.tile_px).min(self.height as i32) {
            let source = 3 * ((row - top) * self.tile_px + from - left) as usize;
            let target = 3 * (row as usize * self.width + from as usize);
            to[target..target + bytes].copy_from_slice(&tile[source..source + bytes]);
        }
    }
}

fn places(map: &pb::GetTilesResponse, level: u32) -> Vec<(i32, i32)> {
    let Some(area) = Area::of(map, level) else { return Vec::new() };
    let ((x, y), (last_x, last_y)) = area.tiles();
    (y..=last_y).flat_map(|y| (x..=last_x).map(move |x| (x, y))).collect()
}

/// The coarsest level that has a pixel for every dot, of as few tiles as are asked for at once.
fn level_for(map: &pb::GetTilesResponse, dots: (u32, u32)) -> u32 {
    let last = map.levels.saturating_sub(1);
    let enough = |level| {
        Area::of(map, level)
            .is_some_and(|area| area.width >= dots.0 as usize || area.height >= dots.1 as usize)
    };
    let few = |level| Area::of(map, level).is_none_or(|area| area.count() <= MOST_TILES);
    let finest = map.finest_level;
    let wished = (finest..=last).rev().find(|level| enough(*level)).unwrap_or(finest);
    (wished..=last).find(|level| few(*level)).unwrap_or(last)
}

#[cfg(test)]
#[path = "mosaic/tests.rs"]
mod tests;
