//! Growing pictures for clients, drawn within a time budget per tick.
//!
//! In: the lanes' maps, the clients' wishes. Out: tiles that changed, into each client's slot. A client whose
//! slot is still full gets nothing new until it has taken it: what changed meanwhile comes then. Never: PNG.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smlm::frame::SeriesId;
use smlm::map::{LEVELS, LiveMap, TileIndex, Viewport};
use smlm::render::{Look, Painter, Rendering, RgbImage, Tone, render_region, tone};
use smlm::units::Nm;

use super::Lane;
use crate::desk::{DrawnTiles, PictureUpdate, Pixels, Preview, Tiles};

/// Tiles in one update: what does not fit comes with the next.
const TILES_PER_UPDATE: usize = 64;
/// Tiles of numbers in one answer: 3 MiB.
const VALUES_PER_ANSWER: usize = 12;
/// Colours of a legend.
const LEGEND_STEPS: usize = 64;
/// An automatic picture has at most so many pixels a side.
const AUTO_SIDE_PX: f64 = 2048.0;

/// All clients that follow a picture.
pub struct Previews {
    max: usize,
    clients: Vec<Client>,
    /// Who is drawn first; moves on, so that a busy budget is shared fairly.
    turn: usize,
    budget: Budget,
}

/// Time for drawing, for all clients together: an eighth of the thread's, at most [`Budget::MOST`] at once.
struct Budget {
    left: Duration,
    at: Instant,
}

impl Budget {
    const MOST: Duration = Duration::from_millis(40);

    fn new() -> Self {
        Self { left: Self::MOST, at: Instant::now() }
    }

    /// Takes what has passed since the last call into account.
    fn refill(&mut self) {
        let now = Instant::now();
        self.left = (self.left + (now - self.at) / 8).min(Self::MOST);
        self.at = now;
    }

    /// Works while there is time; false: there was none left.
    fn spend<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        if self.left.is_zero() {
            return None;
        }
        let began = Instant::now();
        let done = work();
        self.left = self.left.saturating_sub(began.elapsed());
        Some(done)
    }
}

struct Client {
    wish: Preview,
    shown: Option<Shown>,
    last: Option<Instant>,
}

/// What a client has.
struct Shown {
    series: SeriesId,
    generation: u64,
    level: u32,
    version: u64,
    tone: Tone,
    /// Tiles that changed but did not fit.
    owed: Vec<TileIndex>,
}

impl Previews {
    pub fn new(max: usize) -> Self {
        Self { max, clients: Vec::new(), turn: 0, budget: Budget::new() }
    }

    /// Beyond the limit a client's stream simply ends; the server has said so before.
    pub fn add(&mut self, wish: Preview) {
        self.drop_gone();
        if self.clients.len() >= self.max {
            wish.slot.close();
            return;
        }
        self.clients.push(Client { wish, shown: None, last: None });
    }

    fn drop_gone(&mut self) {
        // The client's task holds the other end of the slot.
        self.clients.retain(|client| Arc::strong_count(&client.wish.slot) > 1);
    }

    /// One round over the clients that are due and have taken their last update.
    pub fn draw(&mut self, lanes: &[Lane]) {
        self.drop_gone();
        self.budget.refill();
        let clients = self.clients.len();
        for step in 0..clients {
            let client = &mut self.clients[(self.turn + step) % clients];
            let due = client
                .last
                .is_none_or(|last| last.elapsed() + Duration::from_millis(5) >= client.wish.interval);
            if !due || !client.wish.slot.is_empty() {
                continue;
            }
            let Some(lane) = lane_of(lanes, client.wish.series) else { continue };
            let Some(update) = self.budget.spend(|| client.update(lane)) else {
                self.turn = (self.turn + step) % clients;
                return;
            };
            if let Some(update) = update {
                client.last = Some(Instant::now());
                client.wish.slot.put(update);
            }
        }
    }

    /// Answers with as many of the wanted tiles as there is time for.
    pub fn tiles(&mut self, lanes: &[Lane], request: Tiles) {
        self.budget.refill();
        let drawn = lane_of(lanes, request.series).map(|lane| draw_tiles(lane, &request, &mut self.budget));
        let _ = request.reply.send(drawn); // a client that left does not matter
    }

    pub fn close(&mut self) {
        self.clients.drain(..).for_each(|client| client.wish.slot.close());
    }
}

impl Client {
    fn update(&mut self, lane: &Lane) -> Option<PictureUpdate> {
        let Preview { viewport, look, pixel, .. } = &self.wish;
        let map = &lane.map;
        let level = level_for(map, *pixel, viewport.as_ref());
        let now = tone(map, level, look);
        let same =
            |s: &Shown| s.series == lane.series.id && s.generation == map.generation() && s.level == level;
        let (reset, tone, version, mut owed) = match self.shown.take().filter(same) {
            None => (true, now, 0, Vec::new()),
            Some(shown) => {
                let (tone, stale) = Tone::follow(shown.tone, now);
                (false, tone, if stale { 0 } else { shown.version }, shown.owed)
            }
        };
        let changed = map.changed_since(level, viewport.as_ref(), version);
        owed.extend(changed);
        owed.sort_unstable();
        owed.dedup();
        let later = owed.split_off(owed.len().min(TILES_PER_UPDATE));
        let painter = Painter::new(*look, tone);
        let tiles: Vec<_> =
            owed.into_iter().map(|index| (index, paint(&painter, map, level, index))).collect();
        self.shown = Some(Shown {
            series: lane.series.id,
            generation: map.generation(),
            level,
            version: map.version(),
            tone,
            owed: later,
        });
        (reset || !tiles.is_empty()).then(|| PictureUpdate {
            series: lane.series.id,
            true_for_seq: lane.true_for_seq,
            level,
            pixel: map.pixel_size(level),
            tiles,
            localizations: map.localizations(),
            white: tone.white,
            reset,
        })
    }
}

fn draw_tiles(lane: &Lane, request: &Tiles, budget: &mut Budget) -> DrawnTiles {
    let map = &lane.map;
    let level = request.level.clamp(map.folded(), LEVELS - 1);
    let same = request.generation == map.generation() && level == request.level;
    // A Gaussian picture's tone takes as long as a few tiles.
    let now = budget.spend(|| tone(map, level, &request.look));
    let (tone, stale) = match (request.tone.filter(|_| same), now) {
        (Some(shown), Some(now)) => Tone::follow(shown, now),
        (Some(shown), None) => (shown, false),
        (None, now) => (now.unwrap_or_else(|| tone(map, level, &request.look)), true),
    };
    // Values look the same in every tone.
    let reset = !same || request.tone.is_none() || (stale && !request.values);
    let painter = Painter::new(request.look, tone);
    let (mut tiles, mut left) = (Vec::new(), Vec::new());
    // Of another level these are other places.
    let wanted = if level == request.level { &request.wanted[..] } else { &[] };
    for (index, version) in wanted {
        let version = if reset { 0 } else { *version };
        if map.tile_version(level, *index).is_none_or(|there| there <= version) {
            continue;
        }
        let room = tiles.len() < if request.values { VALUES_PER_ANSWER } else { TILES_PER_UPDATE };
        let draw = || pixels(&painter, map, level, *index, request.values);
        match room.then(|| budget.spend(draw)).flatten() {
            Some(drawn) => tiles.push((*index, drawn)),
            None => left.push((*index, version)),
        }
    }
    DrawnTiles {
        series: lane.series.id,
        generation: map.generation(),
        version: map.version(),
        level,
        tiles,
        left,
        tone,
        reset,
        legend: painter.legend(LEGEND_STEPS),
        true_for_seq: lane.true_for_seq,
        localizations: map.localizations(),
        base_pixel: map.settings().base_pixel,
        finest: map.folded(),
        bounds: lane.field(),
    }
}

fn pixels(painter: &Painter, map: &LiveMap, level: u32, index: TileIndex, values: bool) -> Pixels {
    if !values {
        return Pixels::Rgb(paint(painter, map, level, index));
    }
    let mut values = Vec::new();
    painter.values(map, level, index, &mut values);
    Pixels::Values(values)
}

fn paint(painter: &Painter, map: &LiveMap, level: u32, index: TileIndex) -> Vec<u8> {
    let mut rgb = Vec::new();
    painter.tile(map, level, index, &mut rgb);
    rgb
}

fn level_for(map: &LiveMap, pixel: Option<Nm>, viewport: Option<&Viewport>) -> u32 {
    if let Some(pixel) = pixel {
        return map.level_for(pixel);
    }
    let Some(region) = viewport.copied().or_else(|| map.bounds()) else { return map.folded() };
    let side = (region.x_max.0 - region.x_min.0).max(region.y_max.0 - region.y_min.0);
    map.level_for(Nm(side / AUTO_SIDE_PX))
}

/// The series asked for, or the newest.
pub fn lane_of(lanes: &[Lane], series: Option<SeriesId>) -> Option<&Lane> {
    match series {
        Some(id) => lanes.iter().find(|lane| lane.series.id == id),
        None => lanes.last(),
    }
}

/// Everything there is of a lane, for its picture file; `None` while the map is empty.
pub fn overview(lane: &Lane) -> Option<RgbImage> {
    let region = lane.field().filter(|_| lane.map.localizations() > 0)?;
    let level = level_for(&lane.map, None, Some(&region));
    let look = Look { rendering: Rendering::Gaussian, gamma: 0.6, ..Look::default() };
    let mut image = render_region(&lane.map, &region, lane.map.pixel_size(level), &look).ok()?;
    image.scale_bar();
    Some(image)
}
