//! What the daemon knows of itself now: series, accounts of frames, rates, the engine in use.
//!
//! In: one short update per frame from ingest, one per batch from the picture stage. Out: snapshots for
//! whoever asks. Never: a lock held while anything is computed, drawn, sent or written. A lock here guards
//! plain numbers and is held for well under a microsecond per frame.

mod book;
mod door;
mod pictures;
mod view;
mod visit;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use crate::drifting::Drift;
use crate::resolving::Resolution;
use smlm::estimate::{Estimate, Trouble};
use smlm::frame::SeriesId;
use smlm::localization::Filter;
use smlm::localize::Rule;
use smlm::series::{Channel, SeriesInfo};
use smlm::statistics::{Latency, Statistics};
use wire::bad_message::BadMessage;

pub use self::book::{Book, Early, Fate, Placed, SeamFate, Seams, TileReport};
pub use self::door::{Door, MAX_TILES, TileCount, Wishes};
pub use self::pictures::{PictureReport, Pictures};
pub use self::view::View;
pub use self::visit::Visit;

/// The whole daemon's state.
pub struct Live {
    pub started: Instant,
    series: RwLock<Vec<Arc<Series>>>,
    bad: Vec<AtomicU64>,
    engine: Mutex<EngineStatus>,
    alarms: Mutex<Vec<String>>,
    pub busy: Busy,
    /// The process ends under running stages.
    left: AtomicBool,
}

/// Where the infer thread's time went, in ns since the start.
#[derive(Debug, Default)]
pub struct Busy {
    /// In the engine: pixels to photons, `session.run`, copies.
    pub engine: AtomicU64,
    /// Of this, inside the network itself, summed over its lanes, so possibly more; 0 for engines without one.
    pub network: AtomicU64,
    /// Reading emitters off the network's output.
    pub localize: AtomicU64,
    /// All turns that did something, these two included.
    pub turns: AtomicU64,
}

/// The engine as it really runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineStatus {
    pub model: String,
    pub provider: String,
    /// What was tried before, and why it failed.
    pub attempts: Vec<String>,
    pub onnxruntime: String,
    pub window_frames: u32,
    /// How it reads emitters off the network's output; `None` for engines without a network.
    pub rule: Option<Rule>,
}

/// Where a series stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Receiving,
    /// Ended, with frames still waiting; and why.
    Draining(String),
    /// Everything is journaled; and why the series ended.
    Done(String),
}

/// One recording.
pub struct Series {
    pub id: SeriesId,
    door: Mutex<Door>,
    exit: Mutex<Exit>,
    book: Mutex<Book>,
    /// It was complete when this process began.
    past: AtomicBool,
    window: view::Window,
}

/// What the picture stage knows.
#[derive(Clone, Debug, Default)]
pub struct Exit {
    pub localizations: u64,
    pub true_for_seq: Option<u64>,
    pub statistics: Statistics,
    pub latency: Latency,
    pub received_fps: f64,
    pub processed_fps: f64,
    /// What the first frames say of microscope, sample and camera; `None` as long as nobody has looked.
    pub estimate: Option<Arc<Result<Estimate, Trouble>>>,
    /// How the sample has moved; `None` as long as there is no segment of it.
    pub drift: Option<Arc<Drift>>,
    /// `None` as long as nothing was measured.
    pub resolution: Option<Resolution>,
    pub warnings: Vec<String>,
    /// Files that could not be written, and why.
    pub files_failed: Vec<String>,
    pub files: Vec<std::path::PathBuf>,
    /// When the first frame arrived and the last one was done; UTC ns.
    pub first_arrival_unix_ns: Option<u64>,
    pub last_done_unix_ns: u64,
}

impl Exit {
    /// From the first frame's arrival to the last one's localizations.
    pub fn span_s(&self) -> f64 {
        let first = self.first_arrival_unix_ns.unwrap_or(self.last_done_unix_ns);
        self.last_done_unix_ns.saturating_sub(first) as f64 / 1e9
    }
}

const LIVE_SAMPLED: &str = "the camera's display skips frames (LIVE_SAMPLED): neighbours in the stream are unrelated, \
     so each frame stood for its own neighbours; record a burst for the network's full precision";

/// A poisoned lock here guards numbers that are whole after every statement: read on.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            series: RwLock::new(Vec::new()),
            bad: BadMessage::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            engine: Mutex::new(EngineStatus::default()),
            alarms: Mutex::new(Vec::new()),
            busy: Busy::default(),
            left: AtomicBool::new(false),
        }
    }

    /// The time for stopping is over: what a stage has not finished is taken up at the next start. Whatever fails from
    /// now on fails because the process ends.
    pub fn leave_as_it_is(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Oldest first.
    pub fn all(&self) -> Vec<Arc<Series>> {
        self.series.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn find(&self, id: SeriesId) -> Option<Arc<Series>> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|series| series.id == id).cloned()
    }

    pub fn newest(&self) -> Option<Arc<Series>> {
        self.series.read().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Adds a series; beyond `most` the oldest that is done is forgotten (its files stay).
    pub fn remember(&self, series: Arc<Series>, most: usize) {
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= most {
            let Some(oldest) = all.iter().position(|s| matches!(s.door().state, State::Done(_))) else {
                break;
            };
            all.remove(oldest);
        }
        all.push(series);
    }

    /// Adds a series of an earlier run before all others.
    pub fn remember_past(&self, series: Arc<Series>) {
        series.past.store(true, Ordering::Relaxed);
        self.series.write().unwrap_or_else(PoisonError::into_inner).insert(0, series);
    }

    pub fn count_bad(&self, kind: BadMessage) {
        self.bad[kind.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// Refused messages by kind; kinds that never came are left out.
    pub fn bad(&self) -> Vec<(&'static str, u64)> {
        let counts = BadMessage::ALL.iter().zip(&self.bad);
        counts.map(|(kind, n)| (kind.as_str(), n.load(Ordering::Relaxed))).filter(|(_, n)| *n > 0).collect()
    }

    pub fn engine(&self) -> EngineStatus {
        open(&self.engine).clone()
    }

    pub fn set_engine(&self, status: EngineStatus) {
        *open(&self.engine) = status;
    }

    /// Troubles that hold now, such as a full disk; replaced as a whole by who finds them.
    pub fn alarms(&self) -> Vec<String> {
        open(&self.alarms).clone()
    }

    pub fn set_alarm(&self, text: &str, holds: bool) {
        let mut alarms = open(&self.alarms);
        let there = alarms.iter().position(|a| a == text);
        match (there, holds) {
            (None, true) => alarms.push(text.to_owned()),
            (Some(at), false) => drop(alarms.remove(at)),
            _ => {}
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Series {
    pub fn new(info: SeriesInfo, filter: Filter) -> Self {
        let door = Door::new(info, filter);
        Self {
            id: door.info.id,
            door: Mutex::new(door),
            exit: Mutex::default(),
            book: Mutex::default(),
            past: AtomicBool::new(false),
            window: view::Window::default(),
        }
    }

    pub fn door(&self) -> MutexGuard<'_, Door> {
        open(&self.door)
    }

    pub fn exit(&self) -> MutexGuard<'_, Exit> {
        open(&self.exit)
    }

    /// The finished tiles, where it is a scan.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        open(&self.book)
    }

    /// Whether it was complete when this process began.
    pub fn is_past(&self) -> bool {
        self.past.load(Ordering::Relaxed)
    }

    /// A publisher may announce pixels that the network was not trained for: everybody who looks is told.
    pub fn warn_of_pixels(&self, range_nm: Option<(f64, f64)>) {
        let info = self.info();
        let (Some((low, high)), Some(pixel)) = (range_nm, info.pixel_size) else { return };
        if info.channel == Channel::Widefield {
            return;
        }
        let fits = |nm: f64| (low..=high).contains(&nm);
        if fits(pixel.x.0) && fits(pixel.y.0) {
            return;
        }
        let text = format!(
            "pixels are {} x {} nm and the network was trained for {low} to {high} nm: do not trust what it finds",
            pixel.x.0, pixel.y.0
        );
        self.warn(&text);
    }

    /// Tells everybody who looks, and the log, once.
    pub fn warn(&self, text: &str) {
        {
            let mut exit = self.exit();
            if exit.warnings.iter().any(|warning| warning == text) {
                return;
            }
            exit.warnings.push(text.to_owned());
        }
        tracing::warn!(series = %self.id, text, "the series' numbers cannot be trusted");
    }

    pub fn info(&self) -> Arc<SeriesInfo> {
        self.door().info.clone()
    }

    /// What a viewer of this series should know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = {
            let exit = self.exit();
            [&exit.warnings[..], &exit.files_failed[..]].concat()
        };
        if self.door().live_sampled {
            warnings.push(LIVE_SAMPLED.to_owned());
        }
        warnings
    }
}
