//! Plays a recording to an outlet, frame by frame, at the camera's pace.
//!
//! In: a virtual microscope (or a bank of frames it made before), a plan of faults, the time. Out: series starts,
//! frames, tile ends and a series end as messages, and the truth of each frame. Never blocks on the outlet: a frame
//! that finds its queue full is counted and gone, and the next headers say so. Never: a thread, a socket.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use smlm::frame::{Continuity, FrameInfo, Seq};
use smlm::series::{Control, EndReason, Totals};

use crate::faults::{FaultPlan, FaultyLine};
use crate::microscope::VirtualMicroscope;
use crate::outlet::Outlet;
use crate::settings::BadSettings;
use crate::truth::FrameTruth;

/// The label of the camera in every header.
pub const CAMERA: &str = "virtual";
/// Most bytes of frames made before.
pub const BANK_BYTES_MAX: usize = 4 << 30;

/// The time; a test has its own. Waiting is the outlet's.
pub trait Clock {
    fn now_unix_ns(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_unix_ns(&self) -> u64 {
        // Before 1970 and behind 2554 the time is 0.
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_nanos()).unwrap_or(0)
    }
}

/// How a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playing {
    pub faults: FaultPlan,
    /// CRC32C of the pixels in every header.
    pub checksums: bool,
    /// `Some(n)`: a live display that shows every n-th image only and numbers those it shows without gaps.
    pub live_sampled: Option<u32>,
    /// `Some(n)`: the first n frames are made before the start and repeated for ever, with right headers: for rates
    /// that no simulation reaches. Neighbours at the seam are unrelated.
    pub bank: Option<u32>,
}

impl Default for Playing {
    fn default() -> Self {
        Self { faults: FaultPlan::NONE, checksums: false, live_sampled: None, bank: None }
    }
}

/// Sends a recording in steps; whoever calls decides when.
#[derive(Debug)]
pub struct Player<O> {
    microscope: VirtualMicroscope,
    line: FaultyLine<O>,
    playing: Playing,
    bank: Vec<(Bytes, FrameTruth)>,
    counts: Vec<u16>,
    truth: FrameTruth,
    next_seq: u64,
    in_tile: Option<InTile>,
    captured: u64,
}

/// The tile whose start was sent, and the accounts at its start.
#[derive(Clone, Copy, Debug)]
struct InTile {
    index: u32,
    captured: u64,
    dropped: u64,
}

/// A frame that was played.
#[derive(Debug)]
pub struct Step<'a> {
    pub info: FrameInfo,
    /// Numbered like the frame in the stream.
    pub truth: &'a FrameTruth,
    /// A planned stall: to be waited before the next frame.
    pub pause: Duration,
}

impl<O: Outlet> Player<O> {
    pub fn new(microscope: VirtualMicroscope, playing: Playing, outlet: O) -> Result<Self, BadSettings> {
        if playing.live_sampled == Some(0) || playing.bank == Some(0) {
            return Err(BadSettings(vec!["live_sampled and bank must be at least 1".into()]));
        }
        let line = FaultyLine::new(outlet, playing.faults, CAMERA, playing.checksums)?;
        let mut player = Self {
            microscope,
            line,
            playing,
            bank: Vec::new(),
            counts: Vec::new(),
            truth: FrameTruth::default(),
            next_seq: 0,
            in_tile: None,
            captured: 0,
        };
        player.fill_bank()?;
        Ok(player)
    }

    /// Goes on at `seq`, as a publisher that starts again: the series is announced once more. Every frame is the
    /// one that an uninterrupted run would have sent.
    pub fn resume_at(&mut self, seq: u64) {
        self.microscope.seek(seq.saturating_mul(self.every()));
        self.next_seq = seq;
        self.in_tile = None;
    }

    /// Sends the next frame, with what has to be said before it. `None` at the end of the recording: then
    /// [`Player::end`].
    pub fn step(&mut self, now_unix_ns: u64) -> Option<Step<'_>> {
        let (mut info, pixels) = self.next_frame()?;
        self.announce(&info);
        info.send_unix_ns = now_unix_ns;
        info.dropped_by_publisher = self.line.sent().queue_full;
        let pause = self.line.frame(&info, pixels);
        self.captured += 1;
        self.next_seq += 1;
        Some(Step { info, truth: &self.truth, pause })
    }

    /// Closes the tile and the series. Returns the publisher's totals and the line with its counts.
    pub fn end(mut self, reason: EndReason) -> (Totals, FaultyLine<O>) {
        self.end_tile();
        let series = self.microscope.settings().series;
        // A frame held back is sent by the next control message; its fate belongs in the totals.
        self.line.release();
        let totals = self.totals();
        self.line.control(&Control::SeriesEnd { series, reason, totals });
        (totals, self.line)
    }

    /// The publisher's own account so far.
    pub fn totals(&self) -> Totals {
        let sent = self.line.sent();
        let last_seq = self.next_seq.saturating_sub(1);
        Totals { captured: self.captured, sent: sent.frames, dropped: sent.queue_full, last_seq }
    }

    /// The line with its counts and outlet.
    pub fn line(&mut self) -> &mut FaultyLine<O> {
        &mut self.line
    }

    /// Plays at `frames_per_second` until the recording ends or `each` breaks off, then closes the series. A late
    /// frame is not skipped: the camera's next ones follow at once until time is caught up.
    ///
    /// At 0 frames per second it goes as fast as the outlet takes frames, and loses none unless the outlet gives
    /// up, which ends the series with [`EndReason::Error`].
    pub fn play(
        mut self,
        frames_per_second: f64,
        clock: &impl Clock,
        mut each: impl FnMut(&Step<'_>) -> ControlFlow<()>,
    ) -> (Totals, FaultyLine<O>) {
        let period_ns = if frames_per_second > 0.0 { (1e9 / frames_per_second) as u64 } else { 0 };
        let mut due = clock.now_unix_ns();
        let reason = loop {
            let early = due.saturating_sub(clock.now_unix_ns());
            if period_ns == 0 && !self.line.outlet().make_room() {
                break EndReason::Error;
            }
            if period_ns > 0 && early > 0 {
                self.line.outlet().wait(Duration::from_nanos(early));
            }
            let Some(step) = self.step(clock.now_unix_ns()) else { break EndReason::Completed };
            let (pause, stop) = (step.pause, each(&step).is_break());
            if stop {
                break EndReason::Aborted;
            }
            if !pause.is_zero() {
                self.line.outlet().wait(pause);
            }
            due += period_ns;
        };
        self.end(reason)
    }

    fn every(&self) -> u64 {
        self.playing.live_sampled.map_or(1, u64::from)
    }

    /// The next frame of the stream, and its truth in `self.truth`.
    fn next_frame(&mut self) -> Option<(FrameInfo, Bytes)> {
        let image = self.next_seq.checked_mul(self.every())?;
        let mut info = self.microscope.info(image)?;
        let pixels = if self.bank.is_empty() {
            while self.microscope.next_seq() < image {
                self.microscope.next_frame(&mut self.counts, &mut self.truth)?;
            }
            self.microscope.next_frame(&mut self.counts, &mut self.truth)?;
            little_endian(&self.counts)
        } else {
            let (pixels, truth) = &self.bank[(image % self.bank.len() as u64) as usize];
            self.truth.clone_from(truth);
            pixels.clone()
        };
        info.id.seq = Seq(self.next_seq);
        self.truth.seq = self.next_seq;
        self.truth.tile = info.tile.index;
        if self.playing.live_sampled.is_some() {
            info.continuity = Continuity::LiveSampled;
        }
        Some((info, pixels))
    }

    fn fill_bank(&mut self) -> Result<(), BadSettings> {
        let Some(frames) = self.playing.bank else { return Ok(()) };
        let bytes = self.microscope.settings().shape.pixels() * 2;
        if bytes.saturating_mul(frames as usize) > BANK_BYTES_MAX {
            let most = BANK_BYTES_MAX / bytes;
            return Err(BadSettings(vec![format!("bank is {frames} frames and at most {most} of them fit")]));
        }
        for _ in 0..frames {
            let made = self.microscope.next_frame(&mut self.counts, &mut self.truth);
            if made.is_none() {
                break;
            }
            self.bank.push((little_endian(&self.counts), self.truth.clone()));
        }
        Ok(())
    }

    /// Ends the tile before and starts the frame's, where they differ.
    fn announce(&mut self, info: &FrameInfo) {
        if self.in_tile.is_some_and(|tile| tile.index == info.tile.index) {
            return;
        }
        self.end_tile();
        self.line.control(&Control::SeriesStart(Box::new(self.microscope.series())));
        let (captured, dropped) = (self.captured, self.line.sent().queue_full);
        self.in_tile = Some(InTile { index: info.tile.index, captured, dropped });
    }

    fn end_tile(&mut self) {
        let Some(tile) = self.in_tile.take() else { return };
        self.line.release();
        let series = self.microscope.settings().series;
        let captured = self.captured - tile.captured;
        let dropped = self.line.sent().queue_full - tile.dropped;
        self.line.control(&Control::TileEnd { series, tile_index: tile.index, captured, dropped });
    }
}

fn little_endian(counts: &[u16]) -> Bytes {
    counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests;
