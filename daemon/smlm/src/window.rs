//! From a stream of frames to (previous, this, next) for every frame.
//!
//! In: frames of one series, in ascending `seq`. Out: one window per frame, and the gaps between them.
//! Never: touches pixels, allocates, or lets a window cross the border of a burst.
//!
//! A burst is a run of frames that follow one another in time. It ends at a tile's last frame, at another
//! tile, at a gap in `seq` or in the camera's image number, at a counter that starts again, at a changed
//! shape, ROI, binning or pixel type, and at a change between burst and live. At the ends of a burst the
//! missing neighbour is the frame itself, as DECODE's `InferenceDataset(pad='same')` clamps its indices.

use crate::frame::{Continuity, FrameId, FrameInfo, Gap, GapCause, Seq};

/// How many frames the network sees at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFrames {
    One,
    Three,
}

impl TryFrom<u32> for WindowFrames {
    type Error = BadWindow;
    fn try_from(frames: u32) -> Result<Self, BadWindow> {
        match frames {
            1 => Ok(Self::One),
            3 => Ok(Self::Three),
            other => Err(BadWindow(other)),
        }
    }
}

/// A model card asks for a window that blinkd does not make.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a window of {0} frames is not supported: use 1 or 3 (window_frames in card.toml)")]
pub struct BadWindow(pub u32);

/// A neighbour: which frame it is and where its pixels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: FrameId,
    pub slot: u64,
}

/// A frame and its neighbours. A neighbour with this frame's id is the frame standing for itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub previous: Member,
    pub this: FrameInfo,
    pub this_slot: u64,
    pub next: Member,
}

/// What comes out, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    Window(Window),
    Gap(Gap),
}

/// At most: the window that a border closes, three gaps by cause, the window of a frame that stands alone.
const EVENTS: usize = 5;

/// The events of one push; an iterator that owns no heap memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitted {
    events: [Option<Event>; EVENTS],
    len: usize,
    taken: usize,
}

impl Emitted {
    fn add(&mut self, event: Event) {
        self.events[self.len] = Some(event);
        self.len += 1;
    }
}

impl Iterator for Emitted {
    type Item = Event;
    fn next(&mut self) -> Option<Event> {
        let event = self.events.get(self.taken).copied().flatten();
        self.taken += usize::from(event.is_some());
        event
    }
}

#[derive(Clone, Copy, Debug)]
struct Held {
    info: FrameInfo,
    slot: u64,
}

impl Held {
    const fn member(&self) -> Member {
        Member { id: self.info.id, slot: self.slot }
    }
}

/// The windows of one series.
#[derive(Clone, Debug)]
pub struct Windower {
    frames: WindowFrames,
    /// The frame that waits for its next neighbour, with its previous one if its burst has one.
    pending: Option<(Option<Member>, Held)>,
    /// The last frame pushed: what a gap is measured from.
    last: Option<FrameInfo>,
    /// The first frame expected; counts until one has come.
    first: Option<Seq>,
    lost_by_daemon: u64,
}

impl Windower {
    /// The first frame pushed begins the stream, whatever its `seq`.
    pub const fn new(frames: WindowFrames) -> Self {
        Self { frames, pending: None, last: None, first: None, lost_by_daemon: 0 }
    }

    /// The stream begins at `first` (0, or where a restarted daemon continues): a later frame is a gap.
    pub const fn starting_at(frames: WindowFrames, first: Seq) -> Self {
        Self { frames, pending: None, last: None, first: Some(first), lost_by_daemon: 0 }
    }

    /// Received frames were refused or skipped before a later push: that many of the next numbers missing
    /// are blamed on the daemon, not on the way. Tell it no later than the frame behind the hole.
    pub const fn note_daemon_loss(&mut self, frames: u64) {
        self.lost_by_daemon = self.lost_by_daemon.saturating_add(frames);
    }

    /// The next frame of the series, whose pixels are in `slot`. Duplicates and late frames are ingest's to
    /// refuse: `seq` must be above that of every frame pushed before.
    pub fn push(&mut self, info: &FrameInfo, slot: u64) -> Emitted {
        debug_assert!(self.last.is_none_or(|last| last.id.series == info.id.series), "one series each");
        debug_assert!(self.last.is_none_or(|last| last.id.seq < info.id.seq), "frames must ascend");
        let mut out = Emitted::default();
        let this = Held { info: *info, slot };
        let gaps = self.gaps_before(info);
        let follows = gaps == [0; 3] && self.last.is_some_and(|last| same_burst(&last, info));
        let previous = match self.pending.take() {
            Some((before, held)) if follows => {
                out.add(Event::Window(window(before, held, Some(this.member()))));
                Some(held.member())
            }
            Some((before, held)) => {
                out.add(Event::Window(window(before, held, None)));
                None
            }
            None => None,
        };
        for (frames, cause) in gaps.into_iter().zip([GapCause::Daemon, GapCause::Transport, GapCause::Camera])
        {
            if frames > 0 {
                out.add(Event::Gap(Gap { before: info.id, tile: info.tile.index, frames, cause }));
            }
        }
        if self.stands_alone(info) {
            out.add(Event::Window(window(None, this, None)));
        } else if ends_tile(info) {
            out.add(Event::Window(window(previous, this, None)));
        } else {
            self.pending = Some((previous, this));
        }
        self.last = Some(*info);
        out
    }

    /// No frame will follow soon (tile end, series end, idle): the one that waits is its own next neighbour.
    /// A frame pushed later begins a new burst; a gap before it is still seen.
    pub fn flush(&mut self) -> Emitted {
        let mut out = Emitted::default();
        if let Some((previous, held)) = self.pending.take() {
            out.add(Event::Window(window(previous, held, None)));
        }
        out
    }

    /// The oldest slot that a window still to come will name; `None`: none. Slots of windows already emitted
    /// are the caller's to keep until it is done with them.
    pub fn oldest_needed_slot(&self) -> Option<u64> {
        self.pending.map(|(previous, held)| previous.map_or(held.slot, |member| member.slot))
    }

    fn stands_alone(&self, info: &FrameInfo) -> bool {
        self.frames == WindowFrames::One || info.continuity == Continuity::LiveSampled
    }

    /// Frames missing before `info`: by the daemon, on the way, in the camera.
    fn gaps_before(&mut self, info: &FrameInfo) -> [u64; 3] {
        let expected = self.last.map(|last| last.id.seq.0 + 1).or(self.first.map(|first| first.0));
        let jumped = expected.map_or(0, |expected| info.id.seq.0.saturating_sub(expected));
        let daemon = jumped.min(self.lost_by_daemon);
        self.lost_by_daemon -= daemon;
        let camera = self.last.map_or(0, |last| image_jump(&last, info).saturating_sub(jumped));
        [daemon, jumped - daemon, camera]
    }
}

fn window(previous: Option<Member>, this: Held, next: Option<Member>) -> Window {
    let own = this.member();
    Window {
        previous: previous.unwrap_or(own),
        this: this.info,
        this_slot: this.slot,
        next: next.unwrap_or(own),
    }
}

const fn ends_tile(info: &FrameInfo) -> bool {
    info.frames_per_tile > 0 && info.frame_in_tile == info.frames_per_tile - 1
}

/// Images that the camera counted between two frames of one tile. A display that samples skips by design,
/// and another tile may start its count again: neither says anything.
fn image_jump(last: &FrameInfo, info: &FrameInfo) -> u64 {
    let sampled = [last, info].iter().any(|frame| frame.continuity == Continuity::LiveSampled);
    match (last.image_number, info.image_number) {
        (Some(a), Some(b)) if !sampled && last.tile == info.tile && b > a => b.abs_diff(a) - 1,
        _ => 0,
    }
}

/// Whether two frames with consecutive `seq` are neighbours in time. A counter that stands still is one that
/// its publisher does not fill in. Where `last` was sampled, nothing of it is pending.
fn same_burst(last: &FrameInfo, info: &FrameInfo) -> bool {
    let same_camera = (last.shape, last.pixel_type, last.roi_x, last.roi_y, last.binning)
        == (info.shape, info.pixel_type, info.roi_x, info.roi_y, info.binning);
    let step = info.frame_in_tile.checked_sub(last.frame_in_tile);
    let image_restarted = match (last.image_number, info.image_number) {
        (Some(a), Some(b)) => b < a,
        _ => false,
    };
    info.continuity == Continuity::Burst
        && last.tile == info.tile
        && same_camera
        && matches!(step, Some(0 | 1))
        && !image_restarted
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
