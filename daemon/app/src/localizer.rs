//! The infer thread's stage: frames from the rings, windows, the network, localizations.
//!
//! In: frame rings of the open series. Out: batches of localizations to the picture stage, through a bounded
//! queue that never loses one. Never: a file, a socket, a picture. When the queue is full this stage waits,
//! the rings fill, and ingest says what that means.

mod averaging;
mod inference;
mod lane;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use infer::Engine;
use smlm::frame::FrameInfo;
use smlm::localization::Localization;
use smlm::localize::{OutputScale, Rule};
use smlm::looks::{Look, Looks};
use smlm::series::Channel;
use smlm::units::Camera;
use smlm::window::{WindowFrames, Windower};

use crate::engines::Opened;
use crate::estimating::{Collector, SampleOutlet};
use crate::live::{Live, Series, View};
use crate::store::ring::RingReader;
use crate::widefield::Outlet;
use averaging::Averaging;
pub use lane::Lane;

/// From ingest, in the order in which things happened.
pub enum ToLocalizer {
    Open {
        series: Arc<Series>,
        reader: RingReader,
        done_through: Option<u64>,
    },
    /// The publisher told more of a series.
    Described {
        series: smlm::frame::SeriesId,
    },
    Close {
        series: smlm::frame::SeriesId,
        why: String,
    },
}

/// To the picture stage, in the order of processing.
pub enum ToPicture {
    Open {
        series: Arc<Series>,
        released: Arc<AtomicU64>,
    },
    Described {
        series: smlm::frame::SeriesId,
    },
    Batch(Box<Batch>),
    /// Behind the series' last batch; the ring is removed once all of them are in the journal.
    Close {
        series: smlm::frame::SeriesId,
        why: String,
        ring: RingReader,
    },
}

/// What was found in consecutive frames of one tile.
pub struct Batch {
    pub series: Arc<Series>,
    pub frames: Vec<FrameInfo>,
    /// Sorted by frame.
    pub localizations: Vec<Localization>,
    /// Frames up to this slot of the ring are not needed once the batch is in the journal.
    pub last_slot: u64,
    /// The network failed on these frames: they are lost, not empty.
    pub failed: bool,
    /// One of the frames for viewers, where somebody wants to see one.
    pub view: Option<Box<View>>,
    /// What was seen of focus and light in some of the frames.
    pub look: Option<Look>,
}

impl Batch {
    /// Empty, with room for what is usual.
    pub fn new(series: Arc<Series>) -> Self {
        Self {
            series,
            frames: Vec::with_capacity(MAX_BATCH),
            localizations: Vec::with_capacity(4096),
            last_slot: 0,
            failed: false,
            view: None,
            look: None,
        }
    }
}

/// What the stage needs to know.
pub struct Settings {
    pub rule: Rule,
    pub scale: OutputScale,
    pub camera: Camera,
    pub max_batch: usize,
    pub idle_flush: Duration,
    /// What the network was trained for; `None` for engines that do not care.
    pub pixel_range_nm: Option<(f64, f64)>,
    /// Focus and light of tiles are looked at.
    pub looks: bool,
}

/// Windows that one call of the engine can hold, whatever is configured.
pub const MAX_BATCH: usize = 64;

/// The stage. Made by the pipeline, run on the infer thread.
pub struct Localizer {
    pub settings: Settings,
    pub engine: Box<dyn Engine>,
    pub live: Arc<Live>,
    pub inbox: Receiver<ToLocalizer>,
    pub bell: Receiver<()>,
    pub out: Sender<ToPicture>,
    /// Batches come back empty to be filled again.
    pub spare: Receiver<Box<Batch>>,
    /// Beginnings of series leave here, to be looked at.
    pub samples: SampleOutlet,
    /// Means of widefield tiles leave here, to be written.
    pub means: Outlet,
    /// Another network for series that start from now on.
    pub engines: Receiver<Opened>,
    /// Rung whenever the rings got room; a file being replayed waits for it.
    pub room: Sender<()>,
    pub lanes: Vec<Lane>,
    /// Failed execution providers that the status tells of.
    pub attempts: usize,
}

impl Localizer {
    /// Works until ingest has gone and every ring is empty.
    pub fn run(mut self) {
        let mut open = true;
        while open || !self.lanes.is_empty() {
            open &= self.take_messages();
            let mut worked = false;
            let began = Instant::now();
            for place in 0..self.lanes.len() {
                worked |= self.step(place, open);
            }
            if worked {
                add(&self.live.busy.turns, began.elapsed());
            }
            self.finish_lanes(open);
            if worked {
                continue;
            }
            if !open {
                self.finish_lanes(false);
                if self.lanes.iter().all(Lane::is_at_work) {
                    continue;
                }
            }
            let _ = self.bell.recv_timeout(self.patience()); // rung or not, there may be something
        }
    }

    /// Until when nothing can happen of itself.
    fn patience(&self) -> Duration {
        self.settings.idle_flush.min(Duration::from_millis(100))
    }

    /// A network is changed between series, never within one.
    fn take_engine(&mut self) {
        if self.lanes.is_empty()
            && let Ok(opened) = self.engines.try_recv()
        {
            self.engine = opened.engine;
            (self.settings.rule, self.settings.scale) = (opened.rule, opened.scale);
            self.settings.pixel_range_nm = opened.pixel_range_nm;
            self.samples.card = opened.card;
            self.attempts = opened.status.attempts.len();
            self.live.set_engine(opened.status);
        }
    }

    /// `false`: ingest has gone, nothing will come any more.
    fn take_messages(&mut self) -> bool {
        self.take_engine();
        loop {
            let message = match self.inbox.try_recv() {
                Ok(message) => message,
                Err(error) => return error == TryRecvError::Empty,
            };
            match message {
                ToLocalizer::Open { series, reader, done_through } => self.open(series, reader, done_through),
                ToLocalizer::Described { series } => {
                    let lane = self.lanes.iter_mut().find(|lane| lane.series.id == series);
                    if let Some(lane) = lane {
                        let info = lane.series.info();
                        lane.channel = info.channel;
                        lane.average_from_now_on(info.channel);
                        lane.series.warn_of_pixels(self.settings.pixel_range_nm);
                        self.send(ToPicture::Described { series });
                    }
                }
                ToLocalizer::Close { series, why } => {
                    if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.series.id == series) {
                        lane.closing = Some(why);
                    }
                }
            }
        }
    }

    fn open(&mut self, series: Arc<Series>, reader: RingReader, done_through: Option<u64>) {
        let released = Arc::new(AtomicU64::new(0));
        let info = series.info();
        series.warn_of_pixels(self.settings.pixel_range_nm);
        let frames = match self.engine.about().window_frames {
            1 => WindowFrames::One,
            _ => WindowFrames::Three,
        };
        self.send(ToPicture::Open { series: series.clone(), released: released.clone() });
        let mut lane = Lane {
            series,
            reader,
            windower: Windower::new(frames),
            pending: VecDeque::with_capacity(2 * MAX_BATCH),
            camera: info.camera.unwrap_or(self.settings.camera),
            channel: info.channel,
            collector: Collector::new(self.samples.wanted && info.channel == Channel::Localization),
            averaging: None,
            looks: Looks::default(),
            released,
            done_through,
            warmed: None,
            last_frame: Instant::now(),
            flushed: true,
            closing: None,
        };
        lane.average_from_now_on(info.channel);
        self.lanes.push(lane);
    }

    fn send(&self, message: ToPicture) {
        if self.out.send(message).is_err() {
            tracing::error!("localizations are lost: the picture stage has gone");
        }
    }

    /// One turn for one series: take what is there, work on one batch. `false`: nothing to do.
    fn step(&mut self, place: usize, open: bool) -> bool {
        let lane = &mut self.lanes[place];
        let wishes = lane.series.door().wishes;
        // A daemon that stops drains what waits, wanted or not.
        if wishes.paused && open {
            return false;
        }
        let held = lane.reader.held();
        lane.reader.release_before(lane.released.load(atomic::Ordering::Acquire));
        if lane.reader.held() < held {
            let _ = self.room.try_send(()); // full: somebody is told already
        }
        lane.take_frames(self.settings.max_batch, self.settings.idle_flush);
        if lane.averaging.is_some() {
            return self.average(place);
        }
        self.samples.offer(lane, false);
        let windows = lane.batch_len(self.settings.max_batch);
        if windows == 0 {
            return false;
        }
        if lane.warmed != Some(lane.pending[0].this.shape) {
            self.warm_up(place);
        }
        let mut batch = spare_batch(&self.spare, self.lanes[place].series.clone());
        let (attempts, before_ns) = (self.attempts, self.engine.network_ns());
        let lane = &mut self.lanes[place];
        lane.camera = lane.usual_camera(&self.settings, &wishes);
        let began = Instant::now();
        let rule = wishes.rule.unwrap_or(self.settings.rule);
        let how = inference::How { scale: &self.settings.scale, rule, filter: &wishes.filter };
        let ran = inference::run(lane, windows, &mut *self.engine, &how, &mut batch);
        let took = began.elapsed();
        let localize = *ran.as_ref().unwrap_or(&Duration::ZERO);
        add(&self.live.busy.engine, took.saturating_sub(localize));
        add(&self.live.busy.localize, localize);
        let network = self.engine.network_ns().saturating_sub(before_ns);
        self.live.busy.network.fetch_add(network, atomic::Ordering::Relaxed);
        lane.show(windows, &mut batch);
        lane.look(windows, self.settings.looks, &mut batch);
        for window in lane.pending.drain(..windows) {
            batch.frames.push(window.this);
            batch.last_slot = window.this_slot;
        }
        while ran.is_err() && self.live.is_left() {
            // The runtime is being taken down under the network: these frames are not lost, they wait in the ring.
            std::thread::park();
        }
        if let Err(error) = ran {
            tracing::error!(series = %lane.series.id, %error, frames = windows, "frames are lost: the network failed");
            batch.localizations.clear();
            batch.failed = true;
        }
        self.send(ToPicture::Batch(batch));
        if self.engine.about().attempts.len() != attempts {
            self.tell_provider();
        }
        true
    }

    /// One turn for a widefield series. `false`: nothing to do.
    fn average(&mut self, place: usize) -> bool {
        let lane = &mut self.lanes[place];
        let failing = lane.is_failing();
        let (series, spare) = (lane.series.clone(), &self.spare);
        let (batch, worked) =
            lane.average(&self.means, self.settings.max_batch, || spare_batch(spare, series));
        if lane.is_failing() != failing {
            self.live.set_alarm(NOT_WRITTEN, !failing);
        }
        let done = batch.is_some();
        batch.into_iter().for_each(|batch| self.send(ToPicture::Batch(batch)));
        worked || done
    }

    fn warm_up(&mut self, place: usize) {
        let lane = &mut self.lanes[place];
        let shape = lane.pending[0].this.shape;
        lane.warmed = Some(shape);
        if let Err(error) = self.engine.warm_up(shape) {
            tracing::error!(%error, width = shape.width, height = shape.height, "warm-up failed");
        }
        self.tell_provider();
    }

    /// The provider may change in a warm-up and in any run; whoever looks at the status must see it.
    fn tell_provider(&mut self) {
        let about = self.engine.about();
        let mut status = self.live.engine();
        for attempt in about.attempts.iter().skip(status.attempts.len()) {
            tracing::warn!(attempt, now = about.provider, "an execution provider failed; another one runs");
        }
        status.provider.clone_from(&about.provider);
        status.attempts.clone_from(&about.attempts);
        self.attempts = about.attempts.len();
        self.live.set_engine(status);
    }

    /// Lets go of series that have ended and are empty.
    fn finish_lanes(&mut self, open: bool) {
        let mut place = 0;
        while place < self.lanes.len() {
            let lane = &mut self.lanes[place];
            let ended = lane.closing.is_some() || !open;
            if !ended || !lane.pending.is_empty() || lane.reader.waiting_to_read() > 0 {
                place += 1;
                continue;
            }
            lane.flush();
            if !lane.pending.is_empty() {
                place += 1;
                continue;
            }
            if !lane.is_averaged() {
                place += 1;
                continue;
            }
            self.samples.offer(lane, true);
            let lane = self.lanes.swap_remove(place);
            // A series that the daemon's stop cuts off keeps its ring: the next start goes on with it.
            if let Some(why) = lane.closing {
                self.send(ToPicture::Close { series: lane.series.id, why, ring: lane.reader });
            }
        }
    }
}

/// Shown to clients while means of widefield tiles cannot be written.
const NOT_WRITTEN: &str =
    "a tile's widefield cannot be written: free some space; its frames wait in the ring meanwhile";

fn spare_batch(spare: &Receiver<Box<Batch>>, series: Arc<Series>) -> Box<Batch> {
    match spare.try_recv() {
        Ok(mut batch) => {
            batch.series = series;
            batch.frames.clear();
            batch.localizations.clear();
            batch.failed = false;
            batch.look = None;
            batch
        }
        Err(_) => Box::new(Batch::new(series)),
    }
}

fn add(counter: &AtomicU64, time: Duration) {
    counter.fetch_add(time.as_nanos() as u64, atomic::Ordering::Relaxed);
}
