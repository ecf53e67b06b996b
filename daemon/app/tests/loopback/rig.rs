//! A daemon in this process with folders of its own, and publishers for it.
//!
//! In: a change of the configuration. Out: a running pipeline on free ports. Never: a file outside its folder.

use std::sync::Arc;
use std::time::{Duration, Instant};

use blinkd::config::Config;
use blinkd::live::{Live, Series, State};
use blinkd::pipeline::{self, Daemon, Input};
use blinkd::store::journal::{self, JournalReader};
use bytes::Bytes;
use smlm::account::{Account, LossReason};
use smlm::frame::{FrameId, FrameInfo, GapCause, Seq, SeriesId, Shape, Tile};
use smlm::localization::Localization;
use smlm::series::{Control, EndReason, SeriesInfo, Totals};
use wire::publisher::{Publisher, PublisherSettings};
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

/// Nothing in these tests takes longer, however busy the machine is.
pub const LIMIT: Duration = Duration::from_secs(60);
/// One block of the fake engine: at most one localization per frame.
pub const SHAPE: Shape = Shape { width: 64, height: 64 };

pub struct Rig {
    pub config: Config,
    pub endpoint: String,
    pub live: Arc<Live>,
    daemon: Daemon,
    stop: crossbeam_channel::Sender<()>,
    dir: Arc<tempfile::TempDir>,
}

/// What stays of a rig that was stopped.
pub struct Stopped {
    config: Config,
    pub live: Arc<Live>,
    dir: Arc<tempfile::TempDir>,
}

impl Rig {
    pub fn start(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.frames.endpoint = "tcp://127.0.0.1:0".into();
        config.frames.idle_flush_ms = 100;
        config.ring.dir = dir.path().join("rings");
        config.ring.mib = 4;
        config.model.bundle = "fake".into();
        config.model.fake_window_frames = 3;
        config.picture.tick_ms = 20;
        config.store.dir = dir.path().join("store");
        config.serve.listen = "127.0.0.1:0".parse().unwrap();
        change(&mut config);
        Self::run(config, Arc::new(dir))
    }

    fn run(config: Config, dir: Arc<tempfile::TempDir>) -> Self {
        let source = ZmtpSource::bind(&config.frames.endpoint, SourceSettings::default()).unwrap();
        let endpoint = source.endpoint().to_owned();
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (room, _) = crossbeam_channel::bounded(1);
        let input = Input { source: Box::new(source), stop: stopped, room };
        let daemon = pipeline::start(&config, input, true).unwrap();
        Self { live: daemon.live.clone(), config, endpoint, daemon, stop, dir }
    }

    /// Closes the input and waits until everything is drained.
    pub fn stop(self) -> Stopped {
        drop(self.stop);
        self.daemon.join(LIMIT).unwrap();
        Stopped { config: self.config, live: self.live, dir: self.dir }
    }

    /// The store and the rings as they are now, in folders of their own: what `kill -9` would leave. They are mapped
    /// files, so a copy has what was written; nothing may be on its way meanwhile.
    pub fn copy(&self) -> Stopped {
        let dir = tempfile::tempdir().unwrap();
        let mut config = self.config.clone();
        (config.ring.dir, config.store.dir) = (dir.path().join("rings"), dir.path().join("store"));
        copy_folder(&self.config.ring.dir, &config.ring.dir);
        copy_folder(&self.config.store.dir, &config.store.dir);
        Stopped { config, live: self.live.clone(), dir: Arc::new(dir) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.daemon.grpc.unwrap())
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.daemon.grpc.unwrap()
    }

    pub fn publisher(&self, series: u8) -> Sender {
        let settings = PublisherSettings {
            queue_frames: 4,
            reconnect_every: Duration::from_millis(5),
            ..PublisherSettings::default()
        };
        let publisher = Publisher::new(&self.endpoint, settings).unwrap();
        Sender { publisher, id: id(series), next: 0, frames_per_tile: 0 }
    }

    pub fn series(&self, number: u8) -> Arc<Series> {
        until("the series is known", || self.live.find(id(number)).is_some());
        self.live.find(id(number)).unwrap()
    }

    pub fn account(&self, number: u8) -> Account {
        self.series(number).door().account
    }

    /// Waits until so many frames were received and none waits; returns the account.
    pub fn settled(&self, number: u8, received: u64) -> Account {
        let series = self.series(number);
        until(&format!("{received} frames are settled"), || {
            let account = series.door().account;
            account.received() == received && account.waiting() == 0
        });
        balanced(&series);
        series.door().account
    }

    /// Waits until the series is closed and its files are written; returns why it was closed.
    pub fn done(&self, number: u8) -> String {
        let series = self.series(number);
        let files = self.config.store.files.len();
        until("the series is done, with its files", || {
            matches!(series.door().state, State::Done(_)) && series.exit().files.len() == files
        });
        let State::Done(why) = series.door().state.clone() else { unreachable!() };
        why
    }

    pub fn bad(&self, kind: &str) -> u64 {
        self.live.bad().into_iter().find(|(name, _)| *name == kind).map_or(0, |(_, n)| n)
    }

    pub fn folder(&self, number: u8) -> std::path::PathBuf {
        journal::folder(&self.config.store.dir, id(number))
    }

    pub fn journaled(&self, number: u8) -> Vec<Localization> {
        journaled(&self.config, number)
    }

    pub fn rings(&self) -> Vec<std::path::PathBuf> {
        blinkd::store::ring::list(&self.config.ring.dir)
    }
}

impl Stopped {
    pub fn start_again(self) -> Rig {
        Rig::run(self.config, self.dir)
    }

    pub fn folder(&self, number: u8) -> std::path::PathBuf {
        journal::folder(&self.config.store.dir, id(number))
    }

    pub fn start_again_with(mut self, change: impl FnOnce(&mut Config)) -> Rig {
        change(&mut self.config);
        self.start_again()
    }

    pub fn journaled(&self, number: u8) -> Vec<Localization> {
        journaled(&self.config, number)
    }

    pub fn ring_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.config.ring.dir).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn journaled(config: &Config, number: u8) -> Vec<Localization> {
    let reader = JournalReader::open(&journal::folder(&config.store.dir, id(number))).unwrap();
    reader.blocks().flat_map(|block| block.localizations.to_vec()).collect()
}

pub fn id(number: u8) -> SeriesId {
    SeriesId([number; 16])
}

/// The account of a series and the sum over its tiles, seen at one instant, must balance and agree.
pub fn balanced(series: &Series) {
    let door = series.door().clone();
    let account = door.account;
    let whole = |a: &Account| a.received() == a.processed() + a.waiting() + a.lost_total();
    assert!(whole(&account), "{account:?}");
    let mut sum = Account::default();
    for tile in &door.tiles {
        assert!(whole(&tile.account), "tile {}: {:?}", tile.tile.index, tile.account);
        sum += tile.account;
    }
    assert_eq!(sum, account, "the tiles do not add up to the series");
}

/// Reasons for which frames were lost.
pub fn lost(account: &Account) -> Vec<(&'static str, u64)> {
    let reasons = LossReason::ALL.into_iter().map(|reason| (reason.as_str(), account.lost(reason)));
    reasons.filter(|(_, frames)| *frames > 0).collect()
}

pub fn missing(account: &Account) -> (u64, u64) {
    (account.missing(GapCause::Transport), account.missing(GapCause::Camera))
}

#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    let tick = crossbeam_channel::tick(Duration::from_millis(1));
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tick.recv().unwrap();
    }
}

/// A publisher of one series.
pub struct Sender {
    pub publisher: Publisher,
    pub id: SeriesId,
    pub next: u64,
    /// 0: one tile without end.
    pub frames_per_tile: u32,
}

impl Sender {
    pub fn info(&self) -> FrameInfo {
        let per_tile = u64::from(self.frames_per_tile);
        let (tile, inside) =
            self.next.checked_div(per_tile).map_or((0, self.next), |tile| (tile, self.next % per_tile));
        FrameInfo {
            id: FrameId { series: self.id, seq: Seq(self.next) },
            tile: Tile { index: tile as u32, row: tile as u32 / 4, column: tile as u32 % 4 },
            frame_in_tile: inside as u32,
            frames_per_tile: self.frames_per_tile,
            shape: SHAPE,
            binning: 1,
            image_number: Some(self.next as i64),
            ..FrameInfo::default()
        }
    }

    /// The next `frames` frames, without loss on the way; when it returns, the system has them.
    pub fn send(&mut self, frames: u64) {
        self.send_changed(frames, |info| info);
    }

    /// As [`Self::send`], with headers that say something else.
    pub fn send_changed(&mut self, frames: u64, change: impl Fn(FrameInfo) -> FrameInfo) {
        self.send_pictures(frames, change, pixels);
    }

    /// As [`Self::send_changed`], with other pixels.
    pub fn send_pictures(
        &mut self,
        frames: u64,
        change: impl Fn(FrameInfo) -> FrameInfo,
        pixels: impl Fn(&FrameInfo) -> Bytes,
    ) {
        for _ in 0..frames {
            let info = change(self.info());
            self.publisher.send_lossless(&info, pixels(&info), LIMIT).unwrap();
            self.next += 1;
        }
        self.publisher.flush(LIMIT).unwrap();
    }

    pub fn start(&mut self, change: impl FnOnce(&mut SeriesInfo)) {
        let mut info = SeriesInfo { id: self.id, name: "loopback".into(), ..SeriesInfo::default() };
        change(&mut info);
        assert!(self.publisher.send_control(&Control::SeriesStart(Box::new(info))));
        self.publisher.flush(LIMIT).unwrap();
    }

    pub fn end(&mut self) {
        let totals = Totals { captured: self.next, sent: self.next, ..Totals::default() };
        let end = Control::SeriesEnd { series: self.id, reason: EndReason::Completed, totals };
        assert!(self.publisher.send_control(&end));
        self.publisher.flush(LIMIT).unwrap();
    }
}

/// Where the one emitter of a frame is: another place in each frame.
pub fn emitter(seq: u64) -> (u32, u32) {
    ((3 + seq * 7 % 58) as u32, (3 + seq * 11 % 57) as u32)
}

/// A dark frame with one bright pixel.
pub fn pixels(info: &FrameInfo) -> Bytes {
    let width = info.shape.width as usize;
    let mut counts = vec![100u16; info.shape.pixels()];
    let (x, y) = emitter(info.id.seq.0);
    counts[y as usize % info.shape.height as usize * width + x as usize % width] = 1100;
    counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>().into()
}

/// Every frame of `seqs` has exactly its own emitter, and there is no other.
#[track_caller]
pub fn assert_emitters(found: &[Localization], seqs: impl IntoIterator<Item = u64>) {
    let mut found = found.to_vec();
    found.sort_by_key(|l| l.frame);
    let got: Vec<_> =
        found.iter().map(|l| (l.frame.into(), (l.x_px.round() as u32, l.y_px.round() as u32))).collect();
    let expected: Vec<_> = seqs.into_iter().map(|seq| (seq, emitter(seq))).collect();
    assert_eq!(got.len(), expected.len(), "localizations, one per frame");
    assert_eq!(got, expected);
}
