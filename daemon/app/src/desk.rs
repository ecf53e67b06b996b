//! Where clients and the picture stage meet.
//!
//! In: requests, through one bounded queue; a full queue refuses the client, never the stage. Out: pictures
//! into one-place slots (latest wins), localizations into each client's own bounded queue. Never: a wait of
//! the picture stage for a client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::picture::Lane;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use smlm::frame::SeriesId;
use smlm::localization::Localization;
use smlm::map::{TileIndex, Viewport};
use smlm::render::{Legend, Look, Tone};
use smlm::statistics::History;
use smlm::units::Nm;
use tokio::sync::{Notify, mpsc, oneshot};

/// Requests that may wait for the picture stage.
pub const REQUESTS: usize = 64;

/// A client's way to the picture stage.
#[derive(Clone)]
pub struct Desk {
    to: Sender<Request>,
    is_open: Arc<RwLock<bool>>,
}

/// The picture stage's side. Once it is dropped nothing stands in the queue, whoever still holds a desk: what is asked then is
/// refused, and what was asked before is told that nobody answers.
pub struct Requests {
    from: Receiver<Request>,
    is_open: Arc<RwLock<bool>>,
}

/// A desk.
pub fn open() -> (Desk, Requests) {
    let (to, from) = bounded(REQUESTS);
    let is_open = Arc::new(RwLock::new(true));
    (Desk { to, is_open: is_open.clone() }, Requests { from, is_open })
}

impl Requests {
    pub fn queue(&self) -> Receiver<Request> {
        self.from.clone()
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        *self.is_open.write().unwrap_or_else(PoisonError::into_inner) = false;
        // A bounded channel keeps them until the last sender has gone.
        self.from.try_iter().for_each(drop);
    }
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("{REQUESTS} requests wait already: try again in a moment")]
    Busy,
    #[error("the daemon is stopping")]
    Stopping,
}

impl Desk {
    pub fn ask(&self, request: Request) -> Result<(), Refused> {
        let is_open = self.is_open.read().unwrap_or_else(PoisonError::into_inner);
        if !*is_open {
            return Err(Refused::Stopping);
        }
        self.to.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Busy,
            TrySendError::Disconnected(_) => Refused::Stopping,
        })
    }
}

pub enum Request {
    Preview(Preview),
    Tiles(Tiles),
    Statistics(Statistics),
    /// A finished series, drawn again.
    Redrawn(Box<Lane>),
    Localizations(Subscription),
}

/// A growing picture, followed.
pub struct Preview {
    /// `None`: the newest series, also when a newer one comes.
    pub series: Option<SeriesId>,
    /// `None`: everything.
    pub viewport: Option<Viewport>,
    /// Rounded up to the pyramid's next level; `None`: the finest that keeps the picture under 2048 px.
    pub pixel: Option<Nm>,
    pub look: Look,
    pub interval: std::time::Duration,
    pub slot: Arc<Slot<PictureUpdate>>,
}

/// Tiles that changed. RGB, not yet encoded: encoding is the client's own time.
pub struct PictureUpdate {
    pub series: SeriesId,
    pub true_for_seq: u64,
    pub level: u32,
    pub pixel: Nm,
    pub tiles: Vec<(TileIndex, Vec<u8>)>,
    pub localizations: u64,
    pub white: f32,
    /// Forget earlier tiles.
    pub reset: bool,
}

/// Tiles, now; as many as drawing has time for.
pub struct Tiles {
    pub series: Option<SeriesId>,
    pub look: Look,
    pub level: u32,
    /// Each with the version in which the client has it; 0: not at all.
    pub wanted: Vec<(TileIndex, u64)>,
    /// Of the client's versions and tone.
    pub generation: u64,
    pub tone: Option<Tone>,
    /// What tiles are drawn from, instead of colours.
    pub values: bool,
    pub reply: oneshot::Sender<Option<DrawnTiles>>,
}

/// What a tile is answered with.
pub enum Pixels {
    Rgb(Vec<u8>),
    Values(Vec<f32>),
}

/// An answer to [`Tiles`].
pub struct DrawnTiles {
    pub series: SeriesId,
    pub generation: u64,
    pub version: u64,
    pub level: u32,
    pub tiles: Vec<(TileIndex, Pixels)>,
    /// Changed, too, but there was no time.
    pub left: Vec<(TileIndex, u64)>,
    pub tone: Tone,
    pub reset: bool,
    pub legend: Legend,
    pub true_for_seq: u64,
    pub localizations: u64,
    pub base_pixel: Nm,
    pub finest: u32,
    /// `None` before the first frame.
    pub bounds: Option<Viewport>,
}

/// Everything that was counted of a series, once.
pub struct Statistics {
    pub series: Option<SeriesId>,
    pub reply: oneshot::Sender<Option<Counted>>,
}

/// An answer to [`Statistics`].
pub struct Counted {
    pub series: SeriesId,
    pub true_for_seq: u64,
    pub history: Box<History>,
}

/// Localizations, followed.
pub struct Subscription {
    /// `None`: every series.
    pub series: Option<SeriesId>,
    pub to: mpsc::Sender<Piece>,
    /// What the client missed since its last piece.
    pub lagged: u64,
}

/// Localizations of one batch, shared by all clients.
#[derive(Clone)]
pub struct Piece {
    pub series: SeriesId,
    pub true_for_seq: u64,
    pub localizations: Arc<[Localization]>,
    /// Localizations this client missed just before because its queue was full.
    pub lagged: u64,
}

/// A place for one value between a thread and a task. While it is full the giver makes nothing new.
pub struct Slot<T> {
    value: Mutex<Option<T>>,
    filled: Notify,
    closed: AtomicBool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: Mutex::new(None), filled: Notify::new(), closed: AtomicBool::new(false) }
    }
}

impl<T> Slot<T> {
    pub fn is_empty(&self) -> bool {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub fn put(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.filled.notify_one();
    }

    /// Nobody gives any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.filled.notify_one();
    }

    /// The next value; `None` once the giver has closed.
    pub async fn take(&self) -> Option<T> {
        loop {
            let filled = self.filled.notified();
            if let Some(value) = self.value.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Some(value);
            }
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            filled.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics() -> (Request, oneshot::Receiver<Option<Counted>>) {
        let (reply, answer) = oneshot::channel();
        (Request::Statistics(Statistics { series: None, reply }), answer)
    }

    #[test]
    fn whoever_asked_before_the_picture_stage_went_is_told_and_whoever_asks_after_is_refused() {
        let (desk, requests) = open();
        let (request, answer) = statistics();
        desk.ask(request).unwrap();
        drop(requests);
        assert!(answer.blocking_recv().is_err(), "nobody answers, and nobody waits for ever");
        assert_eq!(desk.ask(statistics().0), Err(Refused::Stopping));
    }
}
