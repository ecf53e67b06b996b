//! Follows the drift of each series.
//!
//! Comes in: localizations, on the picture thread; later the segments they make, on the files thread. Goes out: where
//! the sample was, in the series. Never: more on the picture thread than copying at most [`POINTS`] places of a
//! segment; a wait; a correction.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, TrySendError};
use smlm::drift::{Follower, Moved, Segment};
use smlm::frame::FrameInfo;
use smlm::localization::Localization;
use smlm::units::{PixelSize, Px};

use crate::files::FileJob;
use crate::live::Series;

/// A segment has at least so many frames and localizations.
const FRAMES: u64 = 200;
const LOCALIZATIONS: usize = 3000;
/// Places that are kept of a segment; of more, evenly chosen ones.
const POINTS: usize = 16_384;
/// So many segments later they become twice as long: a series of any length has few.
const DOUBLE_AFTER: usize = 256;

/// Where the sample was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    pub moved: Vec<Moved>,
    /// Why there is none.
    pub missing: Option<&'static str>,
}

const OF_A_SCAN: &str = "of a scan: its tiles show different places";
const NOT_YET: &str = "not enough localizations yet";
const NO_STRUCTURE: &str = "the localizations of different times share no structure";

/// Collects segments of a series.
pub struct Collector {
    points: Vec<(f32, f32)>,
    frames: Option<(u64, u64)>,
    seen: usize,
    every: usize,
    segments: usize,
    tile: Option<u32>,
    given_up: bool,
    follower: Arc<Mutex<Follower>>,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            frames: None,
            seen: 0,
            every: 1,
            segments: 0,
            tile: None,
            given_up: false,
            follower: Arc::default(),
        }
    }
}

impl Collector {
    /// Takes localizations of consecutive frames of one tile in; hands a complete segment over. Where the files stage
    /// is busy the segment goes on growing.
    pub fn take(
        &mut self,
        series: &Arc<Series>,
        frames: &[FrameInfo],
        found: &[Localization],
        pixel: PixelSize,
        jobs: &Sender<FileJob>,
    ) {
        let Some((first, last)) = frames.first().zip(frames.last()).filter(|_| !self.given_up) else {
            return;
        };
        if self.tile.replace(first.tile.index).is_some_and(|tile| tile != first.tile.index) {
            self.give_up(series);
            return;
        }
        let from = self.frames.map_or(first.id.seq.0, |(from, _)| from);
        self.frames = Some((from, last.id.seq.0));
        found.iter().for_each(|l| self.push(l, pixel));
        let frames = last.id.seq.0.saturating_sub(from) + 1;
        let long = FRAMES << (self.segments / DOUBLE_AFTER).min(32);
        if frames >= long && self.seen >= LOCALIZATIONS {
            self.hand_over(series, from + frames / 2, jobs);
        }
    }

    fn push(&mut self, l: &Localization, pixel: PixelSize) {
        if self.seen.is_multiple_of(self.every) {
            if self.points.len() == POINTS {
                let mut at = 0;
                self.points.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.every *= 2;
            }
            let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            if x.0.is_finite() && y.0.is_finite() {
                self.points.push((x.0 as f32, y.0 as f32));
            }
        }
        self.seen += 1;
    }

    fn hand_over(&mut self, series: &Arc<Series>, middle_seq: u64, jobs: &Sender<FileJob>) {
        if jobs.is_full() {
            return;
        }
        let points = std::mem::take(&mut self.points);
        let segment = Segment { middle_seq, points };
        let job = Job { series: series.clone(), segment, follower: self.follower.clone() };
        match jobs.try_send(FileJob::Drift(job)) {
            Ok(()) => {
                (self.frames, self.seen, self.every) = (None, 0, 1);
                self.segments += 1;
            }
            Err(TrySendError::Full(FileJob::Drift(job))) => self.points = job.segment.points,
            Err(_) => self.given_up = true, // the daemon stops
        }
    }

    fn give_up(&mut self, series: &Series) {
        (self.given_up, self.points) = (true, Vec::new());
        series.exit().drift = Some(Arc::new(Drift { moved: Vec::new(), missing: Some(OF_A_SCAN) }));
    }
}

/// A segment that is to be compared with the earlier ones.
pub struct Job {
    series: Arc<Series>,
    segment: Segment,
    /// The files thread's; the collector only passes it on.
    follower: Arc<Mutex<Follower>>,
}

/// Compares and publishes with the series. Takes a fraction of a second of one core.
pub fn run(job: &Job) {
    let moved = job.follower.lock().unwrap_or_else(PoisonError::into_inner).follow(&job.segment);
    let mut exit = job.series.exit();
    let mut drift = exit.drift.as_deref().cloned().unwrap_or_default();
    if drift.missing == Some(OF_A_SCAN) {
        return;
    }
    drift.moved.extend(moved);
    drift.missing = match (moved, drift.moved.len()) {
        (None, _) => Some(NO_STRUCTURE),
        (Some(_), ..=1) => Some(NOT_YET),
        (Some(_), _) => None,
    };
    exit.drift = Some(Arc::new(drift));
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::{FrameId, Seq, Tile};
    use smlm::localization::Filter;
    use smlm::series::SeriesInfo;
    use smlm::units::Nm;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn frames(from: u64, n: u64, tile: u32) -> Vec<FrameInfo> {
        let frame = |seq| FrameInfo {
            id: FrameId { seq: Seq(seq), ..FrameId::default() },
            tile: Tile { index: tile, ..Tile::default() },
            ..FrameInfo::default()
        };
        (from..from + n).map(frame).collect()
    }

    /// Sixty places, moved along.
    fn found(dx_px: f32) -> Vec<Localization> {
        let at = |i: u16| Localization {
            x_px: 5.0 + f32::from(i * 37 % 61) + dx_px,
            y_px: 5.0 + f32::from(i * 11 % 59),
            ..Localization::default()
        };
        (0..60).map(at).collect()
    }

    fn series() -> Arc<Series> {
        Arc::new(Series::new(SeriesInfo::default(), Filter::default()))
    }

    #[test]
    fn segments_become_a_course_of_drift() {
        let (series, mut collector) = (series(), Collector::default());
        let (jobs, inbox) = crossbeam_channel::bounded(4);
        for batch in 0..120u16 {
            let moved = f32::from(batch / 20) * 0.2;
            let frames = frames(u64::from(batch) * 10, 10, 0);
            collector.take(&series, &frames, &found(moved).repeat(3), PIXEL, &jobs);
            inbox.try_iter().for_each(|job| {
                if let FileJob::Drift(job) = job {
                    run(&job)
                }
            });
        }
        let drift = series.exit().drift.clone().expect("six segments");
        let shifts: Vec<i32> = drift.moved.iter().map(|moved| moved.x_nm.round() as i32).collect();
        assert_eq!((shifts.as_slice(), drift.missing), (&[0, 20, 40, 60, 80, 100][..], None));
    }

    #[test]
    fn a_scan_has_no_drift_and_says_why() {
        let (series, mut collector) = (series(), Collector::default());
        let (jobs, _inbox) = crossbeam_channel::bounded(4);
        collector.take(&series, &frames(0, 10, 0), &found(0.0), PIXEL, &jobs);
        collector.take(&series, &frames(10, 10, 1), &found(0.0), PIXEL, &jobs);
        let drift = series.exit().drift.clone().expect("a reason");
        assert_eq!((drift.moved.len(), drift.missing), (0, Some(OF_A_SCAN)));
    }

    #[test]
    fn while_the_files_stage_is_busy_a_segment_grows_within_its_bound() {
        let (series, mut collector) = (series(), Collector::default());
        let (jobs, inbox) = crossbeam_channel::bounded(0);
        for batch in 0..1000 {
            collector.take(&series, &frames(batch * 10, 10, 0), &found(0.0), PIXEL, &jobs);
        }
        assert!(collector.points.len() <= POINTS && collector.seen == 60_000);
        drop(inbox);
    }
}
