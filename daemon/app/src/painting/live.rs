//! The growing map as ANNA-PALM's network paints it, while it grows.
//!
//! In: windows that viewers look at, counts of the map as any other viewer gets them. Out: a picture of each window, made
//! anew when its counts have changed. Never: a window that nobody looks at; the picture stage's time beyond what it has
//! for viewers; a wait of anybody for the network: what is not painted yet is said to be.

mod easel;

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, select};
use infer::Painter;
use smlm::map::{TILE_PX, TileIndex};
use smlm::render::{Look, Tone};
use tokio::sync::oneshot;

use crate::desk::{Desk, DrawnTiles, Pixels, Refused, Request, Tiles};
pub use easel::{Easel, Place, Shown};

/// Between two questions for tiles that the picture stage had no time for.
const AGAIN: Duration = Duration::from_millis(20);
/// So often it is asked for one window before another one has its turn.
const TRIES: usize = 50;
const SIDE: usize = TILE_PX as usize;

/// Why a window is not painted.
enum Unpainted {
    /// Its map was made anew, or is not in memory any more.
    Gone,
    /// No time was found for its counts, or the network failed; the next tick tries again.
    Later,
    Stopping,
}

/// Paints on a thread of its own, made by the pipeline.
pub struct LivePainter {
    pub easel: Arc<Easel>,
    pub painter: Painter,
    pub desk: Desk,
    pub tick: Duration,
}

impl LivePainter {
    /// Works until `stop` is dropped, or the picture stage has gone.
    pub fn run(mut self, bell: &Receiver<()>, stop: &Receiver<()>) {
        loop {
            select! {
                recv(bell) -> _ => {} // never alone: the easel is held here, too
                recv(stop) -> _ => return,
                default(self.tick) => {}
            }
            for place in self.easel.looked_at() {
                match self.renew(place) {
                    Ok(()) | Err(Unpainted::Later) => {}
                    Err(Unpainted::Gone) => self.easel.forget(place),
                    Err(Unpainted::Stopping) => return,
                }
            }
        }
    }

    fn renew(&mut self, place: Place) -> Result<(), Unpainted> {
        let known = self.easel.version(place);
        let tiles = tiles_of(place, self.easel.side());
        let asked = tiles.iter().map(|index| (*index, known)).collect();
        let news = self.ask(place, asked)?;
        if known > 0 && news.tiles.is_empty() && news.left.is_empty() {
            return Ok(());
        }
        let mut counts = vec![0.0; self.easel.side() * self.easel.side()];
        let mut wanted: Vec<_> = tiles.iter().map(|index| (*index, 0)).collect();
        let mut tries = 0..TRIES;
        // What comes between the first answer and the last is painted again at the next tick.
        while !wanted.is_empty() {
            let drawn = self.ask(place, wanted)?;
            for (index, pixels) in &drawn.tiles {
                let Pixels::Values(values) = pixels else { return Err(Unpainted::Later) };
                paste(values, *index, place, &mut counts);
            }
            wanted = drawn.left;
            if !wanted.is_empty() {
                tries.next().ok_or(Unpainted::Later)?;
                let _ = crossbeam_channel::after(AGAIN).recv(); // it comes
            }
        }
        if counts.iter().all(|count| *count == 0.0) {
            self.easel.put(place, None, news.version);
            return Ok(());
        }
        let painted = self.painter.paint(&counts, None).map_err(|error| {
            tracing::error!(%error, "a window of the live picture is not painted");
            Unpainted::Later
        })?;
        self.easel.put(place, Some(painted.picture.into()), news.version);
        Ok(())
    }

    fn ask(&self, place: Place, wanted: Vec<(TileIndex, u64)>) -> Result<DrawnTiles, Unpainted> {
        let (reply, answer) = oneshot::channel();
        let tiles = Tiles {
            series: Some(place.series),
            look: Look::default(),
            level: place.level,
            wanted,
            generation: place.generation,
            // Without a tone every tile counts as changed.
            tone: Some(Tone { white: 1.0, range: (0.0, 1.0) }),
            values: true,
            reply,
        };
        match self.desk.ask(Request::Tiles(tiles)) {
            Ok(()) => {}
            Err(Refused::Busy) => return Err(Unpainted::Later),
            Err(Refused::Stopping) => return Err(Unpainted::Stopping),
        }
        let drawn = answer.blocking_recv().map_err(|_| Unpainted::Stopping)?;
        let same = |drawn: &DrawnTiles| drawn.generation == place.generation && drawn.level == place.level;
        drawn.filter(same).ok_or(Unpainted::Gone)
    }
}

/// Tiles of the map under a window.
fn tiles_of(place: Place, side: usize) -> Vec<TileIndex> {
    let along = |from: i64| {
        let last = from + side as i64 - 1;
        (from.div_euclid(i64::from(TILE_PX)) as i32)..=(last.div_euclid(i64::from(TILE_PX)) as i32)
    };
    along(place.y).flat_map(|y| along(place.x).map(move |x| TileIndex { x, y })).collect()
}

/// Copies what of a tile lies in the window.
fn paste(values: &[f32], index: TileIndex, place: Place, counts: &mut [f32]) {
    let side = counts.len().isqrt();
    let from = (
        i64::from(index.x) * i64::from(TILE_PX) - place.x,
        i64::from(index.y) * i64::from(TILE_PX) - place.y,
    );
    let inside = |at: i64| (0..side as i64).contains(&at).then_some(at as usize);
    for row in 0..SIDE {
        let Some(to_row) = inside(from.1 + row as i64) else { continue };
        for column in 0..SIDE {
            if let Some(to) = inside(from.0 + column as i64) {
                counts[to_row * side + to] = values[row * SIDE + column];
            }
        }
    }
}
