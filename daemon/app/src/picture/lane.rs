//! A series on the picture thread: its journal, its map, and what is counted of it.
//!
//! In: batches in the order of processing. Out: blocks in the journal, then the account, then free slots in the
//! ring, then the map: in this order, so that no frame counts as processed before its localizations are safe.
//! Never: a wait for anything but room for the journal.

mod redraw;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use smlm::account::LossReason;
use smlm::frame::FrameInfo;
use smlm::localization::Localization;
use smlm::map::{LiveMap, Viewport};
use smlm::placement::Placement;
use smlm::series::SeriesInfo;
use smlm::statistics::{self, History, LatencyHistogram, RecentStatistics, TileStatistics};
use smlm::units::{Nm, PixelSize};

use super::correcting::{Corrections, Place, Shown};
use super::undrawn::{UNDRAWN, Undrawn};
use super::{Settings, previews};
use crate::desk::Counted;
use crate::drifting;
use crate::files::FileJob;
use crate::live::{Live, Series, State};
use crate::localizer::Batch;
use crate::resolving;
use crate::store::journal::{JournalError, JournalWriter};

/// A series with its journal and map.
pub struct Lane {
    pub series: Arc<Series>,
    pub(super) journal: Option<JournalWriter>,
    pub map: LiveMap,
    pub pixel: PixelSize,
    statistics: RecentStatistics,
    latency: LatencyHistogram,
    pub(super) released: Arc<AtomicU64>,
    pub true_for_seq: u64,
    pub(super) history: History,
    pub(super) drift: drifting::Collector,
    pub(super) resolution: resolving::Collector,
    tile: TileInHand,
    /// Of all fields of view so far.
    extent: Option<Viewport>,
    rates: Rates,
    pub(super) closed: bool,
    /// When a viewer asked for it last.
    pub(super) looked_at: Instant,
    pub(super) corrections: Corrections,
    /// Where the latest batch stands in the journal.
    span: (u64, u64),
    /// Frames since the finish stage looked at the tile in hand.
    unchecked: u64,
    undrawn: Undrawn,
    /// Of a journal that is read, not in the map yet: sorted, they enter several times as fast.
    unsorted: Vec<Localization>,
}

/// The tile whose frames are being processed.
#[derive(Default)]
struct TileInHand {
    index: Option<u32>,
    placement: Placement,
    statistics: TileStatistics,
    shown: Shown,
}

/// Frames per second received and processed, measured over at least a second.
#[derive(Default)]
struct Rates {
    at: Option<Instant>,
    received: u64,
    processed: u64,
    last: (f64, f64),
}

/// What is called recent.
const STATISTICS_MS: u64 = 1000;
/// Between two attempts to write to a disk that is full.
pub(super) const RETRY: Duration = Duration::from_millis(500);
/// Shown to clients while localizations cannot be written.
pub const DISK_FULL: &str =
    "the journal cannot be written: free some space; frames wait in the ring meanwhile";

impl Lane {
    pub fn new(
        series: Arc<Series>,
        released: Arc<AtomicU64>,
        settings: &Settings,
    ) -> Result<Self, JournalError> {
        let info = series.info();
        let pixel = info.pixel_size_or(settings.pixel_size);
        let journal = JournalWriter::create(&settings.store, info.id, pixel)?;
        let mut lane = Self::around(series, released, journal, pixel, settings);
        lane.describe(&info);
        Ok(lane)
    }

    /// A lane whose journal exists already.
    pub fn around(
        series: Arc<Series>,
        released: Arc<AtomicU64>,
        journal: JournalWriter,
        pixel: PixelSize,
        settings: &Settings,
    ) -> Self {
        let journal = Some(journal);
        Self { released, journal, closed: false, ..Self::finished(series, pixel, settings) }
    }

    /// A lane of a series that is complete.
    pub fn finished(series: Arc<Series>, pixel: PixelSize, settings: &Settings) -> Self {
        Self {
            series,
            journal: None,
            map: LiveMap::new(settings.map).expect("the configuration was checked"),
            pixel,
            statistics: RecentStatistics::new(STATISTICS_MS),
            latency: LatencyHistogram::default(),
            released: Arc::default(),
            true_for_seq: 0,
            history: History::default(),
            drift: drifting::Collector::default(),
            resolution: resolving::Collector::default(),
            tile: TileInHand::default(),
            extent: None,
            rates: Rates::default(),
            closed: true,
            looked_at: Instant::now(),
            corrections: Corrections::default(),
            span: (0, 0),
            unchecked: 0,
            undrawn: Undrawn::default(),
            unsorted: Vec::new(),
        }
    }

    pub(super) fn describe(&mut self, info: &SeriesInfo) {
        if let Some(Err(error)) = self.journal.as_mut().map(|journal| journal.describe(info)) {
            tracing::error!(series = %info.id, %error, "the description is not in the journal");
        }
    }

    pub(super) fn journal_batch(&mut self, batch: &Batch, live: &Live) -> bool {
        let account = self.series.door().account;
        let Some(journal) = self.journal.as_mut() else { return true };
        let from = journal.bytes();
        match journal.append(&batch.frames, &batch.localizations, batch.failed, &account) {
            Ok(()) => {
                if let Some((first, look)) = batch.frames.first().zip(batch.look.as_ref())
                    && let Err(error) = journal.look(first.tile, look, &account)
                {
                    tracing::warn!(series = %batch.series.id, %error, "focus and light of some frames are not in the journal");
                }
                self.span = (from, journal.bytes());
                true
            }
            Err(error) => {
                tracing::error!(series = %batch.series.id, %error, "localizations wait for the disk");
                live.set_alarm(DISK_FULL, true);
                false
            }
        }
    }

    /// Tries again until it succeeds. Nothing is dropped here: frames wait in their rings.
    pub(super) fn wait_for_disk(&mut self, batch: &Batch, live: &Live) {
        let retry = crossbeam_channel::tick(RETRY);
        while retry.recv().is_ok() {
            if self.journal_batch(batch, live) {
                live.set_alarm(DISK_FULL, false);
                tracing::info!(series = %batch.series.id, "the journal can be written again");
                return;
            }
        }
    }

    pub(super) fn account(&mut self, batch: &Batch, now_unix_ns: u64) {
        let Some((first, last)) = batch.frames.first().zip(batch.frames.last()) else { return };
        let frames = batch.frames.len() as u64;
        self.arrive(first);
        {
            let mut door = self.series.door();
            if batch.failed {
                door.lose_waiting(first.tile, LossReason::EngineFailed, frames);
            } else {
                door.process(first.tile, frames, batch.localizations.len() as u64);
            }
        }
        self.released.store(batch.last_slot, Ordering::Release);
        self.true_for_seq = last.id.seq.0;
        for frame in &batch.frames {
            self.latency.record(now_unix_ns.saturating_sub(frame.arrival_unix_ns));
        }
        let (width, height) = (f64::from(first.shape.width), f64::from(first.shape.height));
        let done = statistics::Batch {
            frames: frames as u32,
            area_um2: width * self.pixel.x.0 * height * self.pixel.y.0 / 1e6,
            pixel: self.pixel,
            localizations: &batch.localizations,
        };
        self.statistics.record(now_unix_ns, &done);
        self.history.record(&batch.frames, &batch.localizations, self.pixel);
        self.tile.statistics.record(&done);
        let statistics = self.tile.statistics.now();
        self.series.door().with_tile(first.tile, |tile| {
            (tile.last_done_unix_ns, tile.statistics) = (now_unix_ns, statistics);
        });
        let mut exit = self.series.exit();
        exit.localizations += batch.localizations.len() as u64;
        exit.first_arrival_unix_ns.get_or_insert(first.arrival_unix_ns);
        exit.last_done_unix_ns = now_unix_ns;
    }

    /// Of the frames in hand.
    pub(super) fn tile_index(&self) -> Option<u32> {
        self.tile.index
    }

    /// The frames in hand may be of another tile than the last ones.
    fn arrive(&mut self, info: &FrameInfo) {
        if self.tile.index == Some(info.tile.index) {
            return;
        }
        let placement = {
            let door = self.series.door();
            let known = door.tiles.iter().rfind(|t| t.tile.index == info.tile.index);
            known.map_or_else(Placement::default, |tile| door.placement(tile, self.pixel))
        };
        let (width, height) = (f64::from(info.shape.width), f64::from(info.shape.height));
        let ((x, y), pixel) = (placement.corner, self.pixel);
        let (right, bottom) = (Nm(x.0 + width * pixel.x.0), Nm(y.0 + height * pixel.y.0));
        let field = Viewport { x_min: x, y_min: y, x_max: right, y_max: bottom };
        self.extent = Some(self.extent.map_or(field, |extent| extent.and(&field)));
        self.tile = TileInHand { index: Some(info.tile.index), placement, ..TileInHand::default() };
    }

    /// The finish stage is to look at the tile in hand.
    pub(super) fn is_to_be_checked(&mut self, frames: u64, every: Option<u64>) -> bool {
        self.unchecked += frames;
        let due = every.is_some_and(|every| self.unchecked >= every);
        if due {
            self.unchecked = 0;
        }
        due
    }

    /// A tile is over.
    pub(super) fn follow_tiles(&mut self, store: &Path) {
        if let Err(error) = self.corrections.follow(store, self.series.id) {
            self.give_up_correcting(&error);
        }
    }

    /// Corrects a piece of the map.
    pub(super) fn correct(&mut self, store: &Path) {
        let series = self.series.clone();
        let report = |tile| series.book().tile(tile).map(|(report, ..)| report.clone());
        if let Err(error) = self.corrections.step(&mut self.map, report, (store, series.id)) {
            self.give_up_correcting(&error);
        }
    }

    fn give_up_correcting(&mut self, error: &JournalError) {
        tracing::warn!(series = %self.series.id, %error, "finished tiles are shown as they came");
        self.corrections = Corrections::default();
    }

    /// A batch that was accounted for is to be added to the map, where the tile in hand lies.
    pub(super) fn draw_later(&mut self, batch: &Batch) {
        self.tile.shown = Shown::AsTheyCame;
        let first = batch.frames.first();
        if let Some(place) = first.and_then(|first| self.place(first.id.seq.0, self.span)) {
            while !self.undrawn.is_empty() && self.undrawn.len() + batch.localizations.len() > UNDRAWN {
                self.draw();
            }
            self.undrawn.push(&batch.localizations, place);
        }
    }

    /// Adds a piece of what came to the map; `false`: all of it is there.
    pub(super) fn draw(&mut self) -> bool {
        if let Some(place) = self.undrawn.draw(&mut self.map) {
            self.corrections.came(place, Shown::AsTheyCame);
        }
        !self.undrawn.is_empty()
    }

    /// Where localizations of the tile in hand lie.
    fn place(&self, first_seq: u64, span: (u64, u64)) -> Option<Place> {
        let corner = self.tile.placement.corner;
        self.tile.index.map(|tile| Place { tile, first_seq, span, pixel: self.pixel, corner })
    }

    /// The fields of view, or what the map holds where that is larger; `None` before the first frame.
    pub fn field(&self) -> Option<Viewport> {
        match (self.extent, self.map.bounds()) {
            (Some(extent), Some(bounds)) => Some(extent.and(&bounds)),
            (extent, bounds) => extent.or(bounds),
        }
    }

    /// Puts what clients see up to date.
    pub(super) fn refresh(&mut self, now_unix_ns: u64) {
        let account = self.series.door().account;
        let (received_fps, processed_fps) = self.rates.measure(account.received(), account.processed());
        let mut exit = self.series.exit();
        exit.true_for_seq = Some(self.true_for_seq);
        exit.statistics = self.statistics.at(now_unix_ns).unwrap_or_default();
        exit.latency = self.latency.latency();
        exit.received_fps = received_fps;
        exit.processed_fps = processed_fps;
    }

    pub(super) fn counted(&self) -> Counted {
        let history = Box::new(self.history.clone());
        Counted { series: self.series.id, true_for_seq: self.true_for_seq, history }
    }

    pub(super) fn close(&mut self, why: &str, now_unix_ns: u64) {
        self.refresh(now_unix_ns);
        let account = self.series.door().account;
        let closed = self.journal.take().map(|mut journal| journal.close(why, &account));
        if let Some(Err(error)) = closed {
            tracing::error!(series = %self.series.id, %error, "the end is not in the journal");
        }
        self.closed = true;
        self.series.door().state = State::Done(why.to_owned());
    }

    pub(super) fn file_job(&self) -> FileJob {
        let image = previews::overview(self);
        FileJob::Write { series: self.series.clone(), image }
    }
}

impl Rates {
    fn measure(&mut self, received: u64, processed: u64) -> (f64, f64) {
        let now = Instant::now();
        let seconds = self.at.map_or(f64::INFINITY, |at| (now - at).as_secs_f64());
        if seconds < 1.0 {
            return self.last;
        }
        let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
        let last = (rate(received, self.received), rate(processed, self.processed));
        *self = Self { at: Some(now), received, processed, last };
        last
    }
}
