//! Growing pictures for clients, drawn within a time budget per tick.
//!
//! In: the lanes' maps, the clients' wishes. Out: tiles that changed, into each client's slot. A client whose
//! slot is still full gets nothing new until it has taken it: what changed meanwhile comes then. Never: PNG.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smlm::frame::SeriesId;
use smlm::map::{LiveMap, TileIndex, Viewport};
use smlm::render::{Look, Painter, Rendering, RgbImage, Tone, render_region, tone};
use smlm::units::Nm;

use super::Lane;
use crate::desk::{PictureUpdate, Preview, Render, Rendered};

/// Drawing per tick, for all clients together.
const BUDGET: Duration = Duration::from_millis(40);
/// Tiles in one update: what does not fit comes with the next.
const TILES_PER_UPDATE: usize = 64;
/// An automatic picture has at most so many pixels a side.
const AUTO_SIDE_PX: f64 = 2048.0;

/// All clients that follow a picture.
pub struct Previews {
    max: usize,
    clients: Vec<Client>,
    /// Who is drawn first; moves on, so that a busy budget is shared fairly.
    turn: usize,
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
        Self { max, clients: Vec::new(), turn: 0 }
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
        let started = Instant::now();
        let clients = self.clients.len();
        for step in 0..clients {
            if started.elapsed() > BUDGET {
                self.turn = (self.turn + step) % clients;
                return;
            }
            let client = &mut self.clients[(self.turn + step) % clients];
            let due = client
                .last
                .is_none_or(|last| last.elapsed() + Duration::from_millis(5) >= client.wish.interval);
            if !due || !client.wish.slot.is_empty() {
                continue;
            }
            let Some(lane) = lane_of(lanes, client.wish.series) else { continue };
            if let Some(update) = client.update(lane) {
                client.last = Some(Instant::now());
                client.wish.slot.put(update);
            }
        }
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
    let region = field(lane)?;
    let level = level_for(&lane.map, None, Some(&region));
    let look = Look { rendering: Rendering::Gaussian, gamma: 0.6, ..Look::default() };
    let mut image = render_region(&lane.map, &region, lane.map.pixel_size(level), &look).ok()?;
    image.scale_bar();
    Some(image)
}

/// The camera's field, or what the map holds where that is larger.
fn field(lane: &Lane) -> Option<Viewport> {
    let bounds = lane.map.bounds()?;
    let shape = lane.series.door().shape;
    let (width, height) = (f64::from(shape.width) * lane.pixel.x.0, f64::from(shape.height) * lane.pixel.y.0);
    if width <= 0.0 || height <= 0.0 {
        return Some(bounds);
    }
    Some(Viewport { x_min: Nm(0.0), y_min: Nm(0.0), x_max: Nm(width), y_max: Nm(height) })
}

/// Answers one request for a picture.
pub fn render(lane: Option<&Lane>, request: Render) {
    let answer = match lane {
        None => Err("there is no such series in memory".to_owned()),
        Some(lane) => draw_one(lane, &request),
    };
    // A client that left does not matter.
    let _ = request.reply.send(answer);
}

fn draw_one(lane: &Lane, request: &Render) -> Result<Rendered, String> {
    let region = request.viewport.or_else(|| field(lane)).ok_or("nothing has been localized yet")?;
    let pixel = lane.map.pixel_size(level_for(&lane.map, request.pixel, Some(&region)));
    let image = render_region(&lane.map, &region, pixel, &request.look).map_err(|e| e.to_string())?;
    Ok(Rendered { image, pixel, true_for_seq: lane.true_for_seq, localizations: lane.map.localizations() })
}
