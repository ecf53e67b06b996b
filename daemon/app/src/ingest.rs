//! The first stage: what the frame source brings is accounted for and written into its series' frame ring.
//!
//! In: frames and control messages from a `FrameSource`. Out: frames in rings; the localizer is told of new
//! and ended series. Never: a wait. The socket is always drained; what has no place is refused and counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use smlm::account::LossReason;
use smlm::frame::{FrameInfo, SeriesId};
use smlm::localization::Filter;
use smlm::series::{Control, EndReason, SeriesInfo, Totals};
use wire::bad_message::BadMessage;
use wire::source::{FrameSink, FrameSource, Place, SourceError};

use crate::clock::Clock;
use crate::files::FileJob;
use crate::live::{Live, Series, State};
use crate::localizer::ToLocalizer;
use crate::store::journal;
use crate::store::ring::{self, RingReader, RingSettings, RingWriter, Spare};

/// Series that the daemon remembers; the oldest finished one is forgotten for a new one.
pub const MAX_REMEMBERED: usize = 1024;
/// How long one look at the sockets may wait: the longest that a stop goes unnoticed.
const POLL: Duration = Duration::from_millis(50);
/// A ring that could not be made is tried again after this.
const RING_RETRY: Duration = Duration::from_secs(1);

/// Series without a ring that are kept in mind besides those with one; the longest untouched gives way.
const WITHOUT_RING: usize = 64;

/// What ingest needs to know.
pub struct Settings {
    pub store: PathBuf,
    pub clock: Clock,
    pub ring: RingSettings,
    pub filter: Filter,
    pub max_series: usize,
    pub idle_close: Duration,
}

/// The stage. Made by the pipeline, run on the ingest thread.
pub struct Ingest {
    settings: Settings,
    live: Arc<Live>,
    lanes: Vec<Lane>,
    out: Outs,
    /// Of the next lane; what a [`Place`] holds, as lanes move when others close.
    next_token: u64,
    spare_wanted: bool,
}

/// Where ingest's doings go.
pub struct Outs {
    pub to_localizer: Sender<ToLocalizer>,
    pub bell: Sender<()>,
    /// Files made before, for the next series' ring.
    pub spares: Receiver<Spare>,
    pub jobs: Sender<FileJob>,
}

/// A series that is being received.
pub struct Lane {
    pub series: Arc<Series>,
    pub writer: Option<RingWriter>,
    pub touched: Instant,
    token: u64,
    ring_failed: Option<Instant>,
    /// A frame that is arriving. Until it is there or given up, the lane stays.
    incoming: Option<FrameInfo>,
    /// Why it closes as soon as the frame that is arriving is there.
    ending: Option<String>,
    /// What the publisher said at the end.
    totals: Totals,
    /// Made for frames that came after the end: only counts them.
    late: bool,
}

impl Lane {
    pub fn new(series: Arc<Series>, writer: Option<RingWriter>) -> Self {
        let late = series.door().state != State::Receiving;
        Self {
            series,
            writer,
            touched: Instant::now(),
            token: 0,
            ring_failed: None,
            incoming: None,
            ending: None,
            totals: Totals::default(),
            late,
        }
    }
}

impl Ingest {
    pub fn new(settings: Settings, live: Arc<Live>, recovered: Vec<Lane>, out: Outs) -> Self {
        let lanes = Vec::new();
        let mut ingest = Self { settings, live, lanes, out, next_token: 0, spare_wanted: false };
        for lane in recovered {
            ingest.add(lane);
        }
        ingest
    }

    /// Receives until the source ends or `stop` is closed.
    pub fn run(mut self, source: &mut dyn FrameSource, stop: &Receiver<()>) -> Result<(), SourceError> {
        loop {
            if stop.try_recv() == Err(TryRecvError::Disconnected) {
                source.close(&mut self);
                return Ok(());
            }
            source.poll(&mut self, POLL)?;
            self.close_idle();
            if self.spare_wanted {
                // Full: the files stage is busy, and the next turn asks again.
                self.spare_wanted = self.out.jobs.try_send(FileJob::SpareRing).is_err();
            }
        }
    }

    fn lane(&mut self, id: SeriesId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.series.id == id)
    }

    fn lane_or_new(&mut self, id: SeriesId) -> usize {
        if let Some(place) = self.lane(id) {
            return place;
        }
        self.make_room_for_a_lane();
        let series = self.live.find(id).unwrap_or_else(|| {
            let info = SeriesInfo { id, ..SeriesInfo::default() };
            let series = Arc::new(Series::new(info, self.settings.filter));
            if journal::folder(&self.settings.store, id).join(journal::FILE_NAME).exists() {
                tracing::error!(series = %id, "frames are refused: {RECORDED}");
                series.door().state = State::Done(RECORDED.into());
            }
            self.live.remember(series.clone(), MAX_REMEMBERED);
            series
        });
        self.add(Lane::new(series, None))
    }

    fn add(&mut self, lane: Lane) -> usize {
        self.lanes.push(Lane { token: self.next_token, ..lane });
        self.next_token += 1;
        self.lanes.len() - 1
    }

    /// A stream of ever new series must not fill the memory.
    fn make_room_for_a_lane(&mut self) {
        let without = self.lanes.iter().enumerate().filter(|(_, lane)| lane.writer.is_none());
        if without.clone().count() >= WITHOUT_RING
            && let Some((place, _)) = without.min_by_key(|(_, lane)| lane.touched)
        {
            self.close(place, "too many series without a frame in the ring");
        }
    }

    fn at(&mut self, place: Place) -> &mut Lane {
        let lane = self.lanes.iter_mut().find(|lane| lane.token == place.0);
        lane.expect("a lane stays while a frame is arriving in it")
    }

    fn receiving(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.writer.is_some()).count()
    }

    /// Makes the ring at a series' first frame, when the size of a frame is known.
    fn open_ring(&mut self, place: usize, info: &FrameInfo) -> Result<(), LossReason> {
        if self.receiving() >= self.settings.max_series {
            return Err(LossReason::TooManySeries);
        }
        let lane = &mut self.lanes[place];
        if lane.ring_failed.is_some_and(|at| at.elapsed() < RING_RETRY) {
            return Err(LossReason::NoRing);
        }
        let spare = self.out.spares.try_recv().ok();
        self.spare_wanted = true;
        match ring::create_from(&self.settings.ring, info.id.series, info.payload_bytes(), spare) {
            Ok((writer, reader)) => {
                lane.writer = Some(writer);
                let series = lane.series.clone();
                self.live.set_alarm(NO_RING, false);
                self.announce(series, reader);
                Ok(())
            }
            Err(error) => {
                tracing::error!(series = %info.id.series, %error, "frames are lost: no frame ring");
                self.live.set_alarm(NO_RING, true);
                lane.ring_failed = Some(Instant::now());
                Err(LossReason::NoRing)
            }
        }
    }

    fn announce(&mut self, series: Arc<Series>, reader: RingReader) {
        // The localizer's inbox holds several times as many messages as there can be series.
        let message = ToLocalizer::Open { series, reader, done_through: None };
        if let Err(error) = self.out.to_localizer.send(message) {
            tracing::error!(%error, "the localizer has gone");
        }
    }

    fn ring_bell(&self) {
        match self.out.bell.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => tracing::error!("the localizer has gone"),
        }
    }

    fn close(&mut self, place: usize, why: &str) {
        if self.lanes[place].incoming.is_some() {
            self.lanes[place].ending.get_or_insert_with(|| why.into());
            return;
        }
        let mut lane = self.lanes.swap_remove(place);
        if lane.late {
            return;
        }
        let had_ring = lane.writer.take().is_some();
        let mut door = lane.series.door();
        door.finish(lane.totals);
        door.state = if had_ring { State::Draining(why.into()) } else { State::Done(why.into()) };
        drop(door);
        tracing::info!(series = %lane.series.id, why, "series closed");
        if had_ring {
            let message = ToLocalizer::Close { series: lane.series.id, why: why.to_owned() };
            if let Err(error) = self.out.to_localizer.send(message) {
                tracing::error!(%error, "the localizer has gone");
            }
            self.ring_bell();
        }
    }

    fn close_idle(&mut self) {
        let limit = self.settings.idle_close;
        let idle = |lane: &Lane| lane.ending.is_none() && lane.touched.elapsed() > limit;
        while let Some(place) = self.lanes.iter().position(idle) {
            self.close(place, "no frame came for the idle time");
        }
        let stopped = |lane: &Lane| {
            let ended = || matches!(lane.series.door().state, State::Draining(_));
            lane.ending.is_none() && !lane.late && ended()
        };
        while let Some(place) = self.lanes.iter().position(stopped) {
            self.close(place, "stopped by a client");
        }
    }

    /// A frame that was arriving is there or given up: what waited for that is done.
    fn arrived(&mut self, place: Place) {
        let ended = self.lanes.iter_mut().position(|lane| lane.token == place.0 && lane.ending.is_some());
        if let Some(ended) = ended
            && let Some(why) = self.lanes[ended].ending.take()
        {
            self.close(ended, &why);
        }
    }

    fn start(&mut self, mut info: SeriesInfo) {
        let place = self.lane_or_new(info.id);
        let lane = &mut self.lanes[place];
        lane.touched = Instant::now();
        let mut door = lane.series.door();
        if info.metadata_json.is_empty() {
            info.metadata_json.clone_from(&door.info.metadata_json);
        }
        if *door.info == info || matches!(door.state, State::Done(_)) {
            return;
        }
        door.info = Arc::new(info);
        drop(door);
        let series = lane.series.id;
        if lane.writer.is_some() && self.out.to_localizer.send(ToLocalizer::Described { series }).is_err() {
            tracing::error!("the localizer has gone");
        }
    }
}

/// Why a series that this process has never seen may not begin.
const RECORDED: &str = "a series of this id was recorded before: its publisher must choose a new id";
/// Shown to clients while frames have no place.
const NO_RING: &str = "no frame ring could be made: free some space in the ring's folder or lower ring.mib";

impl FrameSink for Ingest {
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place> {
        let place = self.lane_or_new(info.id.series);
        self.lanes[place].touched = Instant::now();
        if info.id.seq.0 < self.lanes[place].series.door().next_seq {
            self.live.count_bad(BadMessage::Duplicate);
            return None;
        }
        let closed = self.lanes[place].series.door().state != State::Receiving;
        let refused = if closed {
            Err(LossReason::SeriesClosed)
        } else if self.lanes[place].incoming.is_some() {
            Err(LossReason::SeriesBusy)
        } else if self.lanes[place].writer.is_none() {
            self.open_ring(place, info)
        } else {
            Ok(())
        };
        let lane = &mut self.lanes[place];
        let reserved = refused.and_then(|()| match lane.writer.as_mut() {
            Some(writer) => writer.reserve(info),
            None => Err(LossReason::NoRing),
        });
        let mut door = lane.series.door();
        if let Some(tile) = lane.writer.as_mut().and_then(RingWriter::take_skipped) {
            door.lose_waiting(tile, LossReason::SkippedOldest, 1);
        }
        match reserved {
            Ok(()) => {
                lane.incoming = Some(*info);
                Some(Place(lane.token))
            }
            Err(reason) => {
                if door.expect(info) {
                    door.refuse(info.tile, reason);
                }
                None
            }
        }
    }

    fn space(&mut self, place: Place) -> &mut [u8] {
        let lane = self.at(place);
        lane.writer.as_mut().expect("reserve gave a place only where there is a ring").space()
    }

    fn commit(&mut self, place: Place, _: u64) {
        // The pipeline's clock, not the source's: latency must not jump with the machine's time.
        let arrival_unix_ns = self.settings.clock.now_unix_ns();
        let lane = self.at(place);
        if let (Some(writer), Some(info)) = (lane.writer.as_mut(), lane.incoming.take()) {
            // The door is locked over the commit, so that no one sees a frame processed and not received.
            let mut door = lane.series.door();
            let info = FrameInfo { arrival_unix_ns, ..info };
            door.expect(&info);
            door.receive(&info);
            writer.commit(arrival_unix_ns);
        }
        self.ring_bell();
        self.arrived(place);
    }

    fn abandon(&mut self, place: Place, why: BadMessage) {
        let lane = self.at(place);
        lane.incoming = None;
        if let Some(writer) = lane.writer.as_mut() {
            writer.abandon();
        }
        self.live.count_bad(why);
        self.arrived(place);
    }

    fn control(&mut self, message: Control) {
        match message {
            Control::SeriesStart(info) => self.start(*info),
            Control::SeriesEnd { series, reason, totals } => {
                let why = match reason {
                    EndReason::Completed => "completed",
                    EndReason::Aborted => "aborted by the publisher",
                    EndReason::Error => "the publisher reported an error",
                    EndReason::Overflow => "the camera's buffer overflowed",
                };
                if let Some(place) = self.lane(series) {
                    self.lanes[place].totals = totals;
                    self.close(place, why);
                }
            }
            Control::TileEnd { series, .. } | Control::Heartbeat { series, .. } => {
                if let Some(place) = self.lane(series) {
                    self.lanes[place].touched = Instant::now();
                }
            }
        }
    }

    fn bad(&mut self, kind: BadMessage) {
        self.live.count_bad(kind);
    }

    fn disconnected(&mut self, series: &[SeriesId]) {
        for id in series {
            tracing::info!(series = %id, "a publisher left; its series closes if no frame comes");
        }
    }

    fn has_room(&mut self, series: SeriesId) -> bool {
        match self.lane(series) {
            Some(place) => self.lanes[place].writer.as_ref().is_none_or(RingWriter::has_room),
            None => true,
        }
    }
}
