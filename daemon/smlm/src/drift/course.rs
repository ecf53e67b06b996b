//! The drift of one tile, for every frame. In: its localizations. Out: a course, and localizations moved back along it.
//! Never: a tile with another one's.

use super::{Follower, Moved, Segment};
use crate::localization::Localization;
use crate::merge::{Rule, merged};
use crate::units::{Nm, PixelSize, Px};

/// A segment has so many emitters where a tile has them: fewer err by more than a few nm in a whole field.
const SEGMENT: usize = 2000;
/// Segments of a tile; within one the drift blurs.
const SEGMENTS_MAX: usize = 10;
/// Localizations of a tile, at least.
const ENOUGH: usize = 1000;

/// What lies so near to an emitter of the last frames is taken for it: some 3 σ.
const SAME: Nm = Nm(60.0);
/// Frames in a row in which it may be missing.
const DARK: u32 = 2;
/// How often a sample that stands still may be said to drift.
const MISTAKEN: f64 = 0.01;

/// Why no drift of a tile is known.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[must_use]
pub enum NoDrift {
    #[error("{0} localizations say nothing of the drift: {ENOUGH} are needed at least")]
    TooFew(usize),
    #[error("the localizations of different times share no structure")]
    NoStructure,
    #[error(
        "it cannot be told from standing still: {farthest_nm:.0} nm with a standard deviation of {sd_nm:.0} nm"
    )]
    NotSeen { farthest_nm: f64, sd_nm: f64 },
}

/// Where the sample was at every time, straight from one segment's middle to the next and on beyond the outer ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// Two at least, in order of time.
    moved: Vec<Moved>,
    /// First and last frame.
    frames: (u64, u64),
}

impl Drift {
    /// Of the localizations of one tile, in any order; `pixel` is the camera's. Takes up to some seconds of a crowded
    /// tile.
    ///
    /// # Errors
    /// There are too few localizations, those of different times share no structure, or they lie where they would if the
    /// sample stood still.
    pub fn of_tile(localizations: &[Localization], pixel: PixelSize) -> Result<Self, NoDrift> {
        let frames = || localizations.iter().map(|l| u64::from(l.frame));
        let (Some(first), Some(last)) = (frames().min(), frames().max()) else {
            return Err(NoDrift::TooFew(0));
        };
        if localizations.len() < ENOUGH {
            return Err(NoDrift::TooFew(localizations.len()));
        }
        let segments = segments(&once(localizations, pixel), pixel, (first, last));
        let mut follower = Follower::default();
        let moved: Vec<Moved> = segments.iter().filter_map(|segment| follower.follow(segment)).collect();
        if moved.len() < 2 {
            return Err(NoDrift::NoStructure);
        }
        seen(&moved)?;
        Ok(Self { moved, frames: (first, last) })
    }

    /// As it was measured before; `None` where that is no course of a tile. `frames`: first and last.
    pub fn of_moved(moved: Vec<Moved>, frames: (u64, u64)) -> Option<Self> {
        let rising = moved.windows(2).all(|pair| pair[0].seq < pair[1].seq);
        let finite = moved.iter().all(|one| one.x_nm.is_finite() && one.y_nm.is_finite());
        (moved.len() >= 2 && rising && finite && frames.0 <= frames.1).then_some(Self { moved, frames })
    }

    /// Where the sample is in a frame, compared with the middle of the first segment.
    pub fn at(&self, frame: u64) -> (Nm, Nm) {
        let after = self.moved.partition_point(|moved| moved.seq < frame).clamp(1, self.moved.len() - 1);
        let (from, to) = (self.moved[after - 1], self.moved[after]);
        let frame = frame.clamp(self.frames.0, self.frames.1) as f64;
        let part = (frame - from.seq as f64) / (to.seq as f64 - from.seq as f64);
        let between = |from: f64, to: f64| Nm(from + part * (to - from));
        (between(from.x_nm, to.x_nm), between(from.y_nm, to.y_nm))
    }

    /// How far the sample was away from where it began, at most.
    pub fn farthest(&self) -> Nm {
        let (x, y) = self.at(self.frames.0);
        let ends = [self.frames.0, self.frames.1].map(|frame| self.at(frame));
        let places = self.moved.iter().map(|moved| (Nm(moved.x_nm), Nm(moved.y_nm))).chain(ends);
        Nm(places.map(|(a, b)| (a.0 - x.0).hypot(b.0 - y.0)).fold(0.0, f64::max))
    }

    /// What it was measured at: segments of the tile, in order of time.
    pub fn moved(&self) -> &[Moved] {
        &self.moved
    }
}

/// Whether a sample that stands still would seem to move so far, by what each place errs.
fn seen(moved: &[Moved]) -> Result<(), NoDrift> {
    let far = |one: &&Moved| one.x_nm.hypot(one.y_nm) / one.sd_nm;
    let later = &moved[1..];
    let Some(most) = later.iter().max_by(|a, b| far(a).total_cmp(&far(b))) else { return Ok(()) };
    // Rayleigh: the farthest of n places is farther than this in one case of 1 / MISTAKEN.
    let limit = (2.0 * (later.len() as f64 / MISTAKEN).ln()).sqrt();
    let (farthest_nm, sd_nm) = (most.x_nm.hypot(most.y_nm), most.sd_nm);
    if farthest_nm > limit * sd_nm { Ok(()) } else { Err(NoDrift::NotSeen { farthest_nm, sd_nm }) }
}

/// Moves localizations to where they would be without the drift; `pixel` is the camera's.
pub fn correct(localizations: &mut [Localization], drift: &Drift, pixel: PixelSize) {
    for l in localizations {
        let (x, y) = drift.at(u64::from(l.frame));
        l.x_px -= (x.0 / pixel.x.0) as f32;
        l.y_px -= (y.0 / pixel.y.0) as f32;
    }
}

/// Every emitter where it was first seen: one that shines across the end of a segment would say that nothing moves, and what
/// it shows in successive frames would look like several that agree.
fn once(localizations: &[Localization], pixel: PixelSize) -> Vec<Localization> {
    let mut ordered = localizations.to_vec();
    ordered.sort_by_key(|l| (l.tile, l.frame));
    let rule = Rule { distance: SAME, depth: None, dark_frames_max: DARK, pixel_size: pixel };
    // They are in order: none is refused.
    merged(&ordered, rule).unwrap_or(ordered)
}

/// Stretches of equally many frames; those without localizations are left out.
fn segments(localizations: &[Localization], pixel: PixelSize, (first, last): (u64, u64)) -> Vec<Segment> {
    let frames = last - first + 1;
    let n = (localizations.len() / SEGMENT).clamp(2, SEGMENTS_MAX) as u64;
    let middle = |i: u64| first + (2 * i + 1) * frames / (2 * n);
    let mut segments: Vec<Segment> =
        (0..n).map(|i| Segment { middle_seq: middle(i), points: Vec::new() }).collect();
    for l in localizations {
        let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
        if x.0.is_finite() && y.0.is_finite() {
            let at = (u64::from(l.frame) - first) * n / frames;
            segments[at as usize].points.push((x.0 as f32, y.0 as f32));
        }
    }
    // A tile of one frame has one middle only.
    segments.dedup_by_key(|segment| segment.middle_seq);
    segments.retain(|segment| !segment.points.is_empty());
    segments
}
