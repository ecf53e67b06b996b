//! The first stage: what the frame source brings is accounted for and written into its series' frame ring.
//!
//! In: frames and control messages from a `FrameSource`. Out: frames in rings; the localizer is told of new
//! and ended series. Never: a wait. The socket is always drained; what has no place is refused and counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use smlm::account::LossReason;
use smlm::frame::{FrameInfo, SeriesId};
use smlm::localization::Filter;
use smlm::series::{Control, EndReason, SeriesInfo};
use wire::bad_message::BadMessage;
use wire::source::{FrameSink, FrameSource, Place, SourceError};

use crate::live::{Live, Series, State};
use crate::localizer::ToLocalizer;
use crate::store::ring::{self, RingReader, RingSettings, RingWriter};

/// Series that the daemon remembers; the oldest finished one is forgotten for a new one.
pub const MAX_REMEMBERED: usize = 1024;
/// How long one look at the sockets may wait: the longest that a stop goes unnoticed.
const POLL: Duration = Duration::from_millis(50);
/// A ring that could not be made is tried again after this.
const RING_RETRY: Duration = Duration::from_secs(1);

/// What ingest needs to know.
pub struct Settings {
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
    to_localizer: Sender<ToLocalizer>,
    bell: Sender<()>,
}

/// A series that is being received.
pub struct Lane {
    pub series: Arc<Series>,
    pub writer: Option<RingWriter>,
    pub touched: Instant,
    ring_failed: Option<Instant>,
    incoming: Option<FrameInfo>,
}

impl Lane {
    pub fn new(series: Arc<Series>, writer: Option<RingWriter>) -> Self {
        Self { series, writer, touched: Instant::now(), ring_failed: None, incoming: None }
    }
}

impl Ingest {
    pub fn new(
        settings: Settings,
        live: Arc<Live>,
        recovered: Vec<Lane>,
        to_localizer: Sender<ToLocalizer>,
        bell: Sender<()>,
    ) -> Self {
        Self { settings, live, lanes: recovered, to_localizer, bell }
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
        }
    }

    fn lane(&mut self, id: SeriesId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.series.id == id)
    }

    fn lane_or_new(&mut self, id: SeriesId) -> usize {
        if let Some(place) = self.lane(id) {
            return place;
        }
        let series = self.live.find(id).unwrap_or_else(|| {
            let info = SeriesInfo { id, ..SeriesInfo::default() };
            let series = Arc::new(Series::new(info, self.settings.filter));
            self.live.remember(series.clone(), MAX_REMEMBERED);
            series
        });
        self.lanes.push(Lane::new(series, None));
        self.lanes.len() - 1
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
        match ring::create(&self.settings.ring, info.id.series, info.payload_bytes()) {
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
        if let Err(error) = self.to_localizer.send(message) {
            tracing::error!(%error, "the localizer has gone");
        }
    }

    fn ring_bell(&self) {
        match self.bell.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => tracing::error!("the localizer has gone"),
        }
    }

    fn close(&mut self, place: usize, why: &str) {
        let mut lane = self.lanes.swap_remove(place);
        let had_ring = lane.writer.take().is_some();
        {
            let mut door = lane.series.door();
            if door.state != State::Receiving {
                return;
            }
            door.state = if had_ring { State::Draining(why.into()) } else { State::Done(why.into()) };
        }
        tracing::info!(series = %lane.series.id, why, "series closed");
        if had_ring {
            let message = ToLocalizer::Close { series: lane.series.id, why: why.to_owned() };
            if let Err(error) = self.to_localizer.send(message) {
                tracing::error!(%error, "the localizer has gone");
            }
            self.ring_bell();
        }
    }

    fn close_idle(&mut self) {
        let limit = self.settings.idle_close;
        while let Some(place) = self.lanes.iter().position(|lane| lane.touched.elapsed() > limit) {
            self.close(place, "no frame came for the idle time");
        }
        // A client may have stopped a series.
        let stopped =
            |lane: &Lane| matches!(lane.series.door().state, State::Draining(_)) && lane.writer.is_some();
        while let Some(place) = self.lanes.iter().position(stopped) {
            self.lanes[place].series.door().state = State::Receiving;
            self.close(place, "stopped by a client");
        }
    }

    fn start(&mut self, mut info: SeriesInfo) {
        let place = self.lane_or_new(info.id);
        // A new series of the same source ends the old one, whose end may have been lost.
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
        if lane.writer.is_some() && self.to_localizer.send(ToLocalizer::Described { series }).is_err() {
            tracing::error!("the localizer has gone");
        }
    }
}

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
        match reserved {
            Ok(()) => {
                lane.incoming = Some(*info);
                Some(Place(place as u64))
            }
            Err(reason) => {
                let mut door = lane.series.door();
                if door.expect(info) {
                    door.refuse(info.tile, reason);
                }
                None
            }
        }
    }

    fn space(&mut self, place: Place) -> &mut [u8] {
        let lane = &mut self.lanes[place.0 as usize];
        lane.writer.as_mut().expect("reserve gave a place only where there is a ring").space()
    }

    fn commit(&mut self, place: Place, arrival_unix_ns: u64) {
        let lane = &mut self.lanes[place.0 as usize];
        let (Some(writer), Some(info)) = (lane.writer.as_mut(), lane.incoming.take()) else { return };
        let skipped = {
            // The door is locked over the commit, so that no one sees a frame that is processed but not received.
            let mut door = lane.series.door();
            door.expect(&info);
            door.receive(info.tile);
            let skipped = writer.commit(arrival_unix_ns);
            if skipped > 0 {
                door.lose_waiting(info.tile, LossReason::SkippedOldest, skipped);
            }
            skipped
        };
        if skipped > 0 {
            tracing::debug!(series = %info.id.series, skipped, "live policy skipped the oldest frames");
        }
        self.ring_bell();
    }

    fn abandon(&mut self, place: Place, why: BadMessage) {
        let lane = &mut self.lanes[place.0 as usize];
        lane.incoming = None;
        if let Some(writer) = lane.writer.as_mut() {
            writer.abandon();
        }
        self.live.count_bad(why);
    }

    fn control(&mut self, message: Control) {
        match message {
            Control::SeriesStart(info) => self.start(*info),
            Control::SeriesEnd { series, reason, .. } => {
                let why = match reason {
                    EndReason::Completed => "completed",
                    EndReason::Aborted => "aborted by the publisher",
                    EndReason::Error => "the publisher reported an error",
                    EndReason::Overflow => "the camera's buffer overflowed",
                };
                if let Some(place) = self.lane(series) {
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
