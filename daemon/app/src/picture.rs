//! The picture thread's stage: localizations into the journal, the live map and every client's queue.
//!
//! In: batches from the localizer, requests from clients, a tick. Out: the journal (the truth), the live map,
//! statistics, picture tiles, finished series to the files stage. Never: a wait for a client, a table file,
//! an encoding. Drawing has a time budget per turn, so that viewers cannot hold up the journal.

mod correcting;
mod lane;
mod previews;
mod undrawn;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select_biased};
use smlm::frame::SeriesId;
use smlm::localization::Localization;
use smlm::map::MapSettings;
use smlm::units::PixelSize;

use crate::clock::Clock;
use crate::desk::{Piece, Request, Requests, Subscription};
use crate::files::FileJob;
use crate::live::{Live, Series};
use crate::localizer::{Batch, ToPicture};
use crate::store::ring::RingReader;
pub use correcting::Shown;
use lane::RETRY;
pub use lane::{DISK_FULL, Lane};
use previews::Previews;

/// What the stage needs to know.
pub struct Settings {
    pub store: std::path::PathBuf,
    pub map: MapSettings,
    /// Where the publisher does not know it.
    pub pixel_size: PixelSize,
    pub tick: Duration,
    /// Frames after which the finish stage looks at the tile in hand; `None`: only when it is over.
    pub check_every: Option<u64>,
    pub max_previews: usize,
    pub max_subscriptions: usize,
}

/// Where the stage sends to.
pub struct Outs {
    /// Batches to be filled again.
    pub spare: Sender<Box<Batch>>,
    pub files: Sender<FileJob>,
    /// The localizer's.
    pub bell: Sender<()>,
    /// The finish stage's: a tile is over.
    pub finish: Sender<()>,
}

/// The stage. Made by the pipeline, run on the picture thread.
pub struct PictureStage {
    settings: Settings,
    live: Arc<Live>,
    clock: Clock,
    inbox: Receiver<ToPicture>,
    requests: Requests,
    outs: Outs,
    lanes: Vec<Lane>,
    previews: Previews,
    subscriptions: Vec<Subscription>,
    /// The last batch's series and last frame.
    newest: Option<(SeriesId, u64)>,
    synced: Instant,
}

/// Between two writes of the journal to the disk itself.
const SYNC: Duration = Duration::from_secs(1);
/// Finished series whose map is kept for viewers; the oldest map goes first.
const MAPS_KEPT: usize = 3;
impl PictureStage {
    pub fn new(
        settings: Settings,
        live: Arc<Live>,
        clock: Clock,
        (inbox, requests): (Receiver<ToPicture>, Requests),
        outs: Outs,
        recovered: Vec<Lane>,
    ) -> Self {
        let previews = Previews::new(settings.max_previews);
        Self {
            settings,
            live,
            clock,
            inbox,
            requests,
            outs,
            lanes: recovered,
            previews,
            subscriptions: Vec::new(),
            newest: None,
            synced: Instant::now(),
        }
    }

    /// Works until the localizer has gone and everything it sent is in the journal.
    pub fn run(mut self) {
        let tick = crossbeam_channel::tick(self.settings.tick);
        let (inbox, requests) = (self.inbox.clone(), self.requests.queue());
        let mut listening = true;
        loop {
            // Localizations first: a picture can wait. Who asks for one is answered once all that came is in it.
            if inbox.is_empty() && self.draw() {
                continue;
            }
            select_biased! {
                recv(inbox) -> message => match message {
                    Ok(message) => self.take(message),
                    Err(_) => break,
                },
                recv(if listening { &requests } else { &NEVER }) -> request => match request {
                    Ok(request) => self.serve(request),
                    Err(_) => listening = false,
                },
                recv(tick) -> _ => self.tick(),
                default(self.patience()) => self.correct(),
            }
        }
        self.finish();
    }

    /// Draws a piece of what came to some series; `false`: all of it is drawn.
    fn draw(&mut self) -> bool {
        self.lanes.iter_mut().any(Lane::draw)
    }

    /// Nothing, where tiles of the map are to be corrected and nobody asks for anything else.
    fn patience(&self) -> Duration {
        let due = self.lanes.iter().any(|lane| lane.corrections.is_due());
        if due { Duration::ZERO } else { self.settings.tick }
    }

    /// A piece of what is to be corrected of one series.
    fn correct(&mut self) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.corrections.is_due()) {
            lane.correct(&self.settings.store);
        }
    }

    fn take(&mut self, message: ToPicture) {
        match message {
            ToPicture::Open { series, released } => self.open(series, released),
            ToPicture::Described { series } => self.describe(series),
            ToPicture::Batch(batch) => self.batch(batch),
            ToPicture::Close { series, why, ring } => self.close(series, &why, ring),
        }
    }

    fn open(&mut self, series: Arc<Series>, released: Arc<AtomicU64>) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.series.id == series.id) {
            lane.released = released;
            lane.closed = false;
            return;
        }
        self.forget_old_maps();
        // Everything waits here: the queue fills, then the rings, then ingest counts what is lost.
        let retry = crossbeam_channel::tick(RETRY);
        let mut attempts = 0..;
        loop {
            match (attempts.next(), Lane::new(series.clone(), released.clone(), &self.settings)) {
                (attempt, Ok(lane)) => {
                    self.lanes.push(lane);
                    if attempt > Some(0) {
                        self.live.set_alarm(DISK_FULL, false);
                    }
                    return;
                }
                (Some(0), Err(error)) => {
                    tracing::error!(series = %series.id, %error, "no journal: localizations wait for the disk");
                    self.live.set_alarm(DISK_FULL, true);
                }
                (_, Err(_)) => {} // said
            }
            let _ = retry.recv(); // a tick never disconnects
        }
    }

    /// Of finished series, those that nobody looked at for longest go first.
    fn forget_old_maps(&mut self) {
        while self.lanes.iter().filter(|lane| lane.closed).count() > MAPS_KEPT {
            let closed = self.lanes.iter().enumerate().filter(|(_, lane)| lane.closed);
            let Some((oldest, _)) = closed.min_by_key(|(_, lane)| lane.looked_at) else { return };
            self.lanes.remove(oldest);
        }
    }

    fn redrawn(&mut self, lane: Lane) {
        if self.lanes.iter().any(|there| there.series.id == lane.series.id) {
            return;
        }
        // Before all others: the last one is the newest series.
        self.lanes.insert(0, lane);
        self.forget_old_maps();
    }

    fn describe(&mut self, id: SeriesId) {
        let otherwise = self.settings.pixel_size;
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.series.id == id) else { return };
        let info = lane.series.info();
        lane.pixel = info.pixel_size_or(otherwise);
        lane.describe(&info);
    }

    fn batch(&mut self, mut batch: Box<Batch>) {
        let place = self.lanes.iter().position(|lane| lane.series.id == batch.series.id);
        let Some(lane) = place.map(|place| &mut self.lanes[place]) else { return };
        if !lane.journal_batch(&batch, &self.live) {
            // Everything waits here: the queue fills, then the rings, then ingest counts what is lost.
            lane.wait_for_disk(&batch, &self.live);
        }
        let tile = lane.tile_index();
        lane.account(&batch, self.clock.now_unix_ns());
        let over = lane.tile_index() != tile;
        if over || lane.is_to_be_checked(batch.frames.len() as u64, self.settings.check_every) {
            let _ = self.outs.finish.try_send(()); // full: it rings already; gone: nothing is finished
        }
        if over && tile.is_some() {
            lane.follow_tiles(&self.settings.store);
        }
        let _ = self.outs.bell.try_send(()); // the ring has room again; full: the localizer is awake
        if let Some(first) = batch.frames.first() {
            lane.resolution.take(&batch.series, first, &batch.localizations, lane.pixel);
        }
        lane.drift.take(&batch.series, &batch.frames, &batch.localizations, lane.pixel, &self.outs.files);
        show(&mut batch);
        let seq = lane.true_for_seq;
        self.newest = Some((batch.series.id, seq));
        publish(&mut self.subscriptions, batch.series.id, seq, &batch.localizations);
        lane.draw_later(&batch);
        batch.frames.clear();
        let _ = self.outs.spare.try_send(batch); // full: enough spare ones exist
    }

    fn close(&mut self, id: SeriesId, why: &str, ring: RingReader) {
        let now_unix_ns = self.clock.now_unix_ns();
        while self.draw() {}
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.series.id == id) else { return };
        lane.close(why, now_unix_ns);
        for job in [FileJob::RemoveRing(ring), lane.file_job()] {
            if self.outs.files.send(job).is_err() {
                tracing::error!(series = %id, "no files are written: the files stage has gone");
            }
        }
        let _ = self.outs.finish.try_send(()); // as above
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Preview(preview) => self.previews.add(preview),
            Request::Redrawn(lane) => self.redrawn(*lane),
            Request::Tiles(tiles) => {
                self.look_at(tiles.series);
                self.previews.tiles(&self.lanes, tiles);
            }
            Request::Statistics(statistics) => {
                self.look_at(statistics.series);
                let lane = previews::lane_of(&self.lanes, statistics.series);
                let _ = statistics.reply.send(lane.map(Lane::counted)); // a client that left does not matter
            }
            Request::Localizations(subscription) => {
                self.subscriptions.retain(|s| !s.to.is_closed());
                if self.subscriptions.len() < self.settings.max_subscriptions {
                    self.subscriptions.push(subscription);
                }
            }
        }
    }

    fn look_at(&mut self, series: Option<SeriesId>) {
        let lane = self.lanes.iter_mut().find(|lane| Some(lane.series.id) == series);
        lane.into_iter().for_each(|lane| lane.looked_at = Instant::now());
    }

    fn tick(&mut self) {
        if let Some((series, seq)) = self.newest {
            tell_lagged(&mut self.subscriptions, series, seq);
        }
        for lane in &mut self.lanes {
            let book = lane.series.book();
            lane.corrections.look(&book);
        }
        for lane in self.lanes.iter_mut().filter(|lane| !lane.closed) {
            lane.refresh(self.clock.now_unix_ns());
            lane.resolution.offer(&lane.series, &self.outs.files);
        }
        if self.synced.elapsed() > SYNC {
            self.synced = Instant::now();
            for journal in self.lanes.iter().filter_map(|lane| lane.journal.as_ref()) {
                // Full: the disk is busy with what it has, and the next second asks again.
                let _ = self.outs.files.try_send(FileJob::Sync(journal.path().to_path_buf()));
            }
        }
        self.previews.draw(&self.lanes);
    }

    /// The daemon stops: series that are still open stay open on disk, and their files are written as they are.
    fn finish(&mut self) {
        while self.draw() {}
        for lane in self.lanes.iter_mut().filter(|lane| !lane.closed) {
            lane.refresh(self.clock.now_unix_ns());
            if self.outs.files.send(lane.file_job()).is_err() {
                tracing::error!("no files are written: the files stage has gone");
            }
        }
        self.previews.close();
    }
}

/// Stands in for the requests once no client can come any more.
static NEVER: std::sync::LazyLock<Receiver<Request>> = std::sync::LazyLock::new(crossbeam_channel::never);

/// What was found in the frame that somebody wants to see.
fn show(batch: &mut Batch) {
    let Some(mut view) = batch.view.take() else { return };
    let frame = view.info.id.seq.0 as u32;
    view.localizations.extend(batch.localizations.iter().filter(|l| l.frame == frame));
    batch.series.put_view(*view);
}

/// To every client that listens; one whose queue is full is told later how much it missed.
fn publish(clients: &mut Vec<Subscription>, series: SeriesId, true_for_seq: u64, found: &[Localization]) {
    if clients.is_empty() || found.is_empty() {
        return;
    }
    let shared: Arc<[Localization]> = found.into();
    clients.retain_mut(|client| {
        if client.series.is_some_and(|wanted| wanted != series) {
            return !client.to.is_closed();
        }
        let piece = Piece { series, true_for_seq, localizations: shared.clone(), lagged: client.lagged };
        match client.to.try_send(piece) {
            Ok(()) => client.lagged = 0,
            Err(tokio::sync::mpsc::error::TrySendError::Full(_)) => client.lagged += found.len() as u64,
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => return false,
        }
        true
    });
}

/// Clients that missed the last localizations of a series hear of it though none follow.
fn tell_lagged(clients: &mut [Subscription], newest: SeriesId, true_for_seq: u64) {
    for client in clients.iter_mut().filter(|client| client.lagged > 0) {
        let series = client.series.unwrap_or(newest);
        let piece = Piece { series, true_for_seq, localizations: Arc::new([]), lagged: client.lagged };
        if client.to.try_send(piece).is_ok() {
            client.lagged = 0;
        }
    }
}
