//! For how many frames emitters shine. In: localizations frame by frame. Out: the length of each run of frames through
//! which an emitter was found at one place, once it has ended. Never: a run whose beginning or end was not seen.
//!
//! Two localizations of consecutive frames are one emitter when they are nearest to each other within three standard
//! deviations of their distance, and within a pixel. Where emitters stand closer than that, runs are too long.

use crate::localization::Localization;

/// No two localizations further apart are ever one emitter.
const REACH_PX: f32 = 1.0;
const DEVIATIONS: f32 = 3.0;
/// A network that says no σ.
const SIGMA_UNKNOWN_PX: f32 = 0.15;

/// An emitter that shines.
#[derive(Clone, Copy, Debug)]
struct Run {
    x_px: f32,
    y_px: f32,
    sigma_px: f32,
    frames: u32,
    /// Its beginning was seen.
    whole: bool,
    found_again: bool,
}

impl Run {
    fn begin(l: &Localization, whole: bool) -> Self {
        let sigma = (l.sigma_x_px + l.sigma_y_px) / 2.0;
        let sigma_px = if sigma > 0.0 { sigma } else { SIGMA_UNKNOWN_PX };
        Self { x_px: l.x_px, y_px: l.y_px, sigma_px, frames: 1, whole, found_again: false }
    }

    /// Squared distance in squared standard deviations of it; `None` out of reach.
    fn distance(&self, other: &Self) -> Option<f32> {
        let (dx, dy) = (self.x_px - other.x_px, self.y_px - other.y_px);
        let apart = dx * dx + dy * dy;
        let variance = self.sigma_px * self.sigma_px + other.sigma_px * other.sigma_px;
        let near = apart <= REACH_PX * REACH_PX && apart <= DEVIATIONS * DEVIATIONS * variance;
        near.then(|| apart / variance)
    }
}

/// Follows emitters from frame to frame.
#[derive(Clone, Debug, Default)]
pub struct OnTimes {
    last_seq: Option<u64>,
    /// Of the last frame, by rising y.
    before: Vec<Run>,
    now: Vec<Run>,
}

impl OnTimes {
    /// The next frame, its localizations sorted by y. `follows`: its neighbour before is the last frame given.
    /// `ended` is told the length of every run that ended, in frames.
    pub fn frame(&mut self, seq: u64, follows: bool, found: &[Localization], mut ended: impl FnMut(u32)) {
        let follows = follows && self.last_seq.is_some_and(|last| last + 1 == seq);
        self.last_seq = Some(seq);
        self.now.clear();
        if !follows {
            // What shone at a gap has no known end.
            self.before.clear();
        }
        let mut from = 0;
        for l in found {
            let mut run = Run::begin(l, follows);
            while self.before.get(from).is_some_and(|b| b.y_px < run.y_px - REACH_PX) {
                from += 1;
            }
            if let Some(place) = nearest(&self.before[from..], &run) {
                let earlier = &mut self.before[from + place];
                earlier.found_again = true;
                (run.frames, run.whole) = (earlier.frames + 1, earlier.whole);
            }
            self.now.push(run);
        }
        self.before.iter().filter(|run| run.whole && !run.found_again).for_each(|run| ended(run.frames));
        std::mem::swap(&mut self.before, &mut self.now);
    }
}

fn nearest(before: &[Run], run: &Run) -> Option<usize> {
    let near = before.iter().enumerate().take_while(|(_, b)| b.y_px <= run.y_px + REACH_PX);
    let free = near.filter(|(_, b)| !b.found_again);
    let reached = free.filter_map(|(place, b)| run.distance(b).map(|apart| (place, apart)));
    reached.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x_px: f32, y_px: f32) -> Localization {
        Localization { x_px, y_px, sigma_x_px: 0.1, sigma_y_px: 0.1, ..Localization::default() }
    }

    fn ends(frames: &[&[Localization]]) -> Vec<u32> {
        let (mut on_times, mut ended) = (OnTimes::default(), Vec::new());
        for (seq, found) in frames.iter().enumerate() {
            on_times.frame(seq as u64, true, found, |frames| ended.push(frames));
        }
        ended
    }

    #[test]
    fn a_run_ends_when_its_emitter_is_not_found_again() {
        let shines = [at(5.0, 5.0)];
        let again = [at(5.1, 4.9)];
        assert_eq!(ends(&[&[], &shines, &again, &shines, &[]]), [3]);
    }

    #[test]
    fn neighbours_do_not_take_each_others_place() {
        let both = [at(5.0, 5.0), at(5.5, 5.0)];
        let one = [at(5.45, 5.02)];
        assert_eq!(ends(&[&[], &both, &one, &[]]), [1, 2]);
    }

    #[test]
    fn runs_without_a_seen_beginning_or_end_are_left_out() {
        let shines = [at(5.0, 5.0)];
        assert_eq!(ends(&[&shines, &shines, &[]]), [0; 0]);
        assert_eq!(ends(&[&[], &shines, &shines]), [0; 0]);
        let (mut on_times, mut ended) = (OnTimes::default(), Vec::new());
        for seq in [0, 1, 5, 6] {
            let found = if seq == 0 { &[][..] } else { &shines };
            on_times.frame(seq, true, found, |frames| ended.push(frames));
        }
        assert_eq!(ended, [0; 0]);
    }
}
