//! What ingest knows of a series: the account of its frames, tile by tile.
//!
//! In: frames as they come, the publisher's last word. Out: what is missing, where, and why. Never: a frame counted
//! twice; the tiles' accounts add up to the series'.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use smlm::account::{Account, LossReason};
use smlm::frame::{Continuity, FrameInfo, GapCause, Shape, StagePosition, Tile};
use smlm::localization::Filter;
use smlm::localize::Rule;
use smlm::placement::{Field, Placement, place};
use smlm::series::{SeriesInfo, Totals};
use smlm::statistics::Statistics;
use smlm::units::{Camera, PixelSize};

use super::{State, Visit};

/// Tiles of a series with an account of their own; frames of later tiles are counted in the series alone.
pub const MAX_TILES: usize = 65_536;

/// Beginnings of visits that are remembered: those of the latest 64 tiles, and of the one in hand.
const BEGINNINGS: usize = 65;

/// What ingest knows.
#[derive(Clone, Debug)]
pub struct Door {
    pub info: Arc<SeriesInfo>,
    pub state: State,
    pub account: Account,
    pub tiles: Vec<TileCount>,
    /// The first frame number not received yet.
    pub next_seq: u64,
    pub shape: Shape,
    pub live_sampled: bool,
    pub dropped_by_publisher: u64,
    pub wishes: Wishes,
    /// When frames of the latest visits of tiles began to come; UTC ns, none from before a restart.
    pub begun_unix_ns: VecDeque<u64>,
    last_image: Option<(u32, i64)>,
    /// Of the last frame, with the frames announced for it: whose end a gap may have been.
    last_tile: Option<(Tile, u32)>,
}

/// How clients want the series to go on.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Wishes {
    pub filter: Filter,
    /// Instead of the configured one.
    pub rule: Option<Rule>,
    /// Instead of the publisher's or the configured one.
    pub camera: Option<Camera>,
    /// Frames wait in the ring.
    pub paused: bool,
}

/// A tile's own account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileCount {
    pub tile: Tile,
    pub account: Account,
    pub localizations: u64,
    /// At its first frame.
    pub stage: Option<StagePosition>,
    /// How often its frames began to come.
    pub visits: u32,
    /// Somebody wants it again: until its frames come again.
    pub retake: bool,
    /// 0: after a restart.
    pub first_arrival_unix_ns: u64,
    pub last_done_unix_ns: u64,
    /// Of its latest visit.
    pub statistics: Statistics,
    pub latest: Visit,
}

impl TileCount {
    /// Nothing counted yet.
    pub fn new(tile: Tile) -> Self {
        Self {
            tile,
            account: Account::default(),
            localizations: 0,
            stage: None,
            visits: 0,
            retake: false,
            first_arrival_unix_ns: 0,
            last_done_unix_ns: 0,
            statistics: Statistics::default(),
            latest: Visit::default(),
        }
    }
}

impl Door {
    /// Nothing received yet.
    pub(super) fn new(info: SeriesInfo, filter: Filter) -> Self {
        Self {
            info: Arc::new(info),
            state: State::Receiving,
            account: Account::default(),
            tiles: Vec::new(),
            next_seq: 0,
            shape: Shape::default(),
            live_sampled: false,
            dropped_by_publisher: 0,
            wishes: Wishes { filter, ..Wishes::default() },
            begun_unix_ns: VecDeque::with_capacity(BEGINNINGS),
            last_image: None,
            last_tile: None,
        }
    }

    /// Counts the frames missing before `info`, then moves on. `false`: a duplicate or late frame, not ours.
    pub fn expect(&mut self, info: &FrameInfo) -> bool {
        let seq = info.id.seq.0;
        if seq < self.next_seq {
            return false;
        }
        let jumped = seq - self.next_seq;
        let visits = self.last_tile.is_none_or(|(tile, _)| tile.index != info.tile.index);
        self.miss_before(info, jumped);
        if let (0, Some((tile, last)), Some(now)) = (jumped, self.last_image, info.image_number) {
            let burst = info.continuity == Continuity::Burst && tile == info.tile.index;
            if burst && now > last + 1 {
                self.miss(info.tile, GapCause::Camera, (now - last - 1).unsigned_abs());
            }
        }
        if visits {
            self.visit(info);
        } else {
            self.with_tile(info.tile, |t| t.latest = t.latest.and(info));
        }
        self.last_image = info.image_number.map(|number| (info.tile.index, number));
        self.last_tile = Some((info.tile, info.frames_per_tile));
        self.next_seq = seq + 1;
        self.shape = info.shape;
        self.live_sampled |= info.continuity == Continuity::LiveSampled;
        self.dropped_by_publisher = self.dropped_by_publisher.max(info.dropped_by_publisher);
        true
    }

    fn visit(&mut self, info: &FrameInfo) {
        if self.begun_unix_ns.len() == BEGINNINGS {
            self.begun_unix_ns.pop_front();
        }
        self.begun_unix_ns.push_back(info.arrival_unix_ns);
        self.with_tile(info.tile, |t| {
            t.visits += 1;
            t.latest = Visit::begin(info);
            t.retake = false;
            if t.visits == 1 {
                t.first_arrival_unix_ns = info.arrival_unix_ns;
            }
        });
    }

    /// A frame was written into the ring.
    pub fn receive(&mut self, info: &FrameInfo) {
        self.account.receive();
        self.with_tile(info.tile, |t| {
            t.account.receive();
            t.stage = t.stage.or(info.stage);
        });
    }

    /// A whole frame came and there was no place for it.
    pub fn refuse(&mut self, tile: Tile, reason: LossReason) {
        self.account.refuse(reason);
        self.with_tile(tile, |t| t.account.refuse(reason));
    }

    /// Frames that waited will never be processed.
    pub fn lose_waiting(&mut self, tile: Tile, reason: LossReason, frames: u64) {
        self.account.lose_waiting(reason, frames);
        self.with_tile(tile, |t| t.account.lose_waiting(reason, frames));
    }

    /// Frames were processed and what was found in them is in the journal.
    pub fn process(&mut self, tile: Tile, frames: u64, localizations: u64) {
        self.account.process(frames);
        self.with_tile(tile, |t| {
            t.account.process(frames);
            t.localizations += localizations;
        });
    }

    /// Where a tile lies in the series' picture. `otherwise`: the pixel, where the publisher does not know it.
    pub fn placement(&self, tile: &TileCount, otherwise: PixelSize) -> Placement {
        let field = Field { shape: self.shape, pixel: self.info.pixel_size_or(otherwise) };
        place(&self.info, field, tile.tile, self.tiles.first().and_then(|first| first.stage), tile.stage)
    }

    /// The tile of the last frame that came.
    pub fn latest_tile(&self) -> Option<Tile> {
        self.last_tile.map(|(tile, _)| tile)
    }

    /// Marks tiles as wanted again, or not after all. Errors: the first tile of which no frame ever came; nothing is
    /// changed then.
    pub fn want_again(&mut self, tiles: &[u32], wanted: bool) -> Result<(), u32> {
        let wanted_tiles: HashSet<u32> = tiles.iter().copied().collect();
        let known: HashSet<u32> = self.tiles.iter().map(|t| t.tile.index).collect();
        if let Some(unknown) = tiles.iter().find(|tile| !known.contains(tile)) {
            return Err(*unknown);
        }
        let asked = self.tiles.iter_mut().filter(|t| wanted_tiles.contains(&t.tile.index));
        asked.for_each(|t| t.retake = wanted);
        Ok(())
    }

    /// The publisher's last word: frames that it numbered after the last one that came are missing, too.
    pub fn finish(&mut self, totals: Totals) {
        self.dropped_by_publisher = self.dropped_by_publisher.max(totals.dropped);
        let end = totals.last_seq.saturating_add(1);
        if totals.captured == 0 || end <= self.next_seq {
            return;
        }
        let tile = self.last_tile.map_or_else(Tile::default, |(tile, _)| tile);
        self.miss(tile, GapCause::Transport, end - self.next_seq);
        self.next_seq = end;
    }

    /// A gap before the first frame of a tile: as many as the frame's place in its tile tells are missing there, the
    /// others at the end of the tile before, as far as that had room for them.
    fn miss_before(&mut self, info: &FrameInfo, jumped: u64) {
        let ended = self.last_tile.filter(|(tile, _)| tile.index != info.tile.index);
        let before = ended.map_or(0, |(tile, announced)| {
            let others = jumped.saturating_sub(info.frame_in_tile.into());
            others.min(self.room_in(tile, announced))
        });
        if let (Some((tile, _)), 1..) = (ended, before) {
            self.miss(tile, GapCause::Transport, before);
        }
        if jumped > before {
            self.miss(info.tile, GapCause::Transport, jumped - before);
        }
    }

    /// Frames that a tile can still have; without end where its length was not announced.
    fn room_in(&self, tile: Tile, announced: u32) -> u64 {
        let counted = self
            .tiles
            .iter()
            .rfind(|t| t.tile.index == tile.index)
            .map_or(0, |t| t.account.received() + t.account.missing(GapCause::Transport));
        if announced == 0 { u64::MAX } else { u64::from(announced).saturating_sub(counted) }
    }

    fn miss(&mut self, tile: Tile, cause: GapCause, frames: u64) {
        self.account.miss(cause, frames);
        self.with_tile(tile, |t| t.account.miss(cause, frames));
    }

    /// Changes what is known of a tile; of one too many there is nothing to change.
    pub fn with_tile(&mut self, tile: Tile, change: impl FnOnce(&mut TileCount)) {
        let place = self.tiles.iter().rposition(|t| t.tile.index == tile.index);
        let place = match place {
            Some(place) => place,
            None if self.tiles.len() < MAX_TILES => {
                self.tiles.push(TileCount::new(tile));
                self.tiles.len() - 1
            }
            None => return,
        };
        change(&mut self.tiles[place]);
    }
}
