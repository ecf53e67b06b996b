//! A widefield series on the infer thread: frames of a tile become their mean instead of going through the network.
//!
//! In: windows that wait in a lane. Out: a mean per tile to the files stage; and, once its file is there, the tile's
//! frames to the picture stage as a batch in which nothing was found. Never: a wait, a frame whose mean is not safe
//! counted as processed, more than one mean in hand and one on its way to its file.
//!
//! Until its mean is in a file, a tile's frames stay in the ring and count as waiting: after `kill -9`, or a stop in
//! the middle of a tile, they are averaged again. So that the ring has room, a mean is of at most
//! [`smlm::widefield::MOST_FRAMES`] frames, and of no more than a third of the ring; what the tile has beyond that
//! passes by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::TrySendError;
use smlm::frame::{FrameInfo, Shape};
use smlm::widefield::{MOST_FRAMES, Mean};

use super::{Batch, Lane};
use crate::files::FileJob;
use crate::widefield::{Job, Outcome, Outlet, Progress, path};

/// Between two attempts to write a mean.
const RETRY: Duration = Duration::from_millis(500);

/// What a widefield series has on its way.
pub struct Averaging {
    /// Of a tile, averaged.
    most: usize,
    hand: Option<Hand>,
    writing: Option<Writing>,
    /// The tile whose mean is full: its other frames pass by.
    full: Option<(u32, Shape)>,
    /// The last attempt to write a mean failed.
    failing: bool,
}

/// The tile whose frames come.
struct Hand {
    mean: Option<Mean>,
    batch: Box<Batch>,
    /// No frame of it will come any more.
    complete: bool,
}

/// The tile whose file is not there yet.
struct Writing {
    job: Job,
    batch: Box<Batch>,
    /// When the files stage may be asked (again); `None`: it has the job.
    due: Option<Instant>,
}

impl Averaging {
    /// For a ring of so many slots.
    pub fn new(slots: u64) -> Self {
        let most = (slots / 3).clamp(1, MOST_FRAMES.into()) as usize;
        Self { most, hand: None, writing: None, full: None, failing: false }
    }

    /// Nothing is on its way to a file. What is in hand lies in the ring, too.
    pub fn is_settled(&self) -> bool {
        self.writing.is_none()
    }

    pub fn is_empty(&self) -> bool {
        self.writing.is_none() && self.hand.is_none()
    }

    pub const fn is_failing(&self) -> bool {
        self.failing
    }

    /// No frame will come any more: what is in hand is the whole tile.
    pub fn end(&mut self) {
        self.hand.iter_mut().for_each(|hand| hand.complete = true);
    }

    /// Frames of a tile whose mean is written.
    fn written(&mut self) -> Option<Box<Batch>> {
        let written = |writing: &mut Writing| writing.job.progress.get() == Outcome::Written;
        let writing = self.writing.take_if(written)?;
        self.failing = false;
        Some(writing.batch)
    }

    /// Hands the job to the files stage where it is due.
    fn offer(&mut self, outlet: &Outlet) {
        let Some(writing) = &mut self.writing else { return };
        if writing.due.is_none() && writing.job.progress.get() == Outcome::Failed {
            writing.due = Some(Instant::now() + RETRY);
            self.failing = true;
        }
        if writing.due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        let again = Job { progress: Arc::new(Progress::default()), ..writing.job.clone() };
        match outlet.jobs.try_send(FileJob::Widefield(again.clone())) {
            Ok(()) => (writing.job, writing.due) = (again, None),
            Err(TrySendError::Full(_)) => {} // asked again in the next turn
            Err(TrySendError::Disconnected(_)) => {
                tracing::error!("no widefield is written: the files stage has gone");
                writing.due = Some(Instant::now() + RETRY);
            }
        }
    }
}

impl Lane {
    /// One turn of a widefield series. Returns a batch that is done, and whether anything was done; `spare` gives an
    /// empty batch.
    pub fn average(
        &mut self,
        outlet: &Outlet,
        max_batch: usize,
        spare: impl FnOnce() -> Box<Batch>,
    ) -> (Option<Box<Batch>>, bool) {
        let Some(averaging) = &mut self.averaging else { return (None, false) };
        let done = averaging.written();
        averaging.offer(outlet);
        if done.is_some() {
            return (done, true);
        }
        let took = self.collect(outlet, max_batch, spare);
        (self.pass_on(outlet), took)
    }

    /// Adds windows of one tile to what is in hand.
    fn collect(&mut self, outlet: &Outlet, max_batch: usize, spare: impl FnOnce() -> Box<Batch>) -> bool {
        let Some(mut averaging) = self.averaging.take() else { return false };
        let took = self.collect_into(&mut averaging, outlet, max_batch, spare);
        self.averaging = Some(averaging);
        took
    }

    fn collect_into(
        &mut self,
        averaging: &mut Averaging,
        outlet: &Outlet,
        max_batch: usize,
        spare: impl FnOnce() -> Box<Batch>,
    ) -> bool {
        let Some(first) = self.pending.front().map(|window| window.this) else { return false };
        let belongs = |hand: &Hand| hand.batch.frames.last().is_none_or(|last| alike(last, &first));
        if averaging.hand.as_ref().is_some_and(|hand| hand.complete || !belongs(hand)) {
            averaging.end();
            return false;
        }
        averaging.full = averaging.full.filter(|full| *full == (first.tile.index, first.shape));
        let skip = self.series.info().widefield_skip_frames.unwrap_or(outlet.skip_frames);
        let hand = averaging.hand.get_or_insert_with(|| Hand {
            mean: averaging.full.is_none().then(|| Mean::new(first.shape, skip)),
            batch: spare(),
            complete: false,
        });
        let windows = self.batch_len(max_batch).min(averaging.most - hand.batch.frames.len());
        let last = self.pending.iter().take(windows).position(|window| ends_tile(&window.this));
        let windows = last.map_or(windows, |last| last + 1);
        self.show(windows, &mut hand.batch);
        for window in self.pending.drain(..windows) {
            let (info, bytes) = (window.this, self.reader.pixels(window.this_slot));
            let added = hand.mean.as_mut().map(|mean| mean.add(info.frame_in_tile, bytes, info.pixel_type));
            if let Some(Err(error)) = added {
                tracing::error!(series = %self.series.id, frame = info.id.seq.0, %error, "a frame is not averaged");
            }
            hand.batch.frames.push(info);
            hand.batch.last_slot = window.this_slot;
        }
        if last.is_some() {
            (hand.complete, averaging.full) = (true, None);
        } else if hand.batch.frames.len() >= averaging.most {
            (hand.complete, averaging.full) = (true, Some((first.tile.index, first.shape)));
        }
        true
    }

    /// A tile that is complete goes on: its mean to its file, or, where it has none, its frames to the journal. They
    /// follow each other: a ring is freed from its oldest frame on.
    fn pass_on(&mut self, outlet: &Outlet) -> Option<Box<Batch>> {
        let averaging = self.averaging.as_mut()?;
        // Of a full tile nothing more is averaged: its frames need not wait for its end.
        let ready = |hand: &mut Hand| hand.complete || hand.mean.is_none();
        if averaging.writing.is_some() {
            return None;
        }
        let Hand { mean, batch, .. } = averaging.hand.take_if(ready)?;
        let Some(picture) = mean.and_then(Mean::picture) else { return Some(batch) };
        let Some(tile) = batch.frames.first().map(|frame| frame.tile) else { return Some(batch) };
        let job = Job {
            series: self.series.clone(),
            tile,
            mean: Arc::new(picture),
            pixel: self.series.info().pixel_size_or(outlet.pixel_size),
            to: path(&outlet.store, self.series.id, tile.index),
            progress: Arc::default(),
        };
        averaging.writing = Some(Writing { job, batch, due: Some(Instant::now()) });
        averaging.offer(outlet);
        None
    }
}

const fn ends_tile(info: &FrameInfo) -> bool {
    info.frames_per_tile > 0 && info.frame_in_tile + 1 >= info.frames_per_tile
}

fn alike(one: &FrameInfo, other: &FrameInfo) -> bool {
    one.tile.index == other.tile.index && one.shape == other.shape
}
