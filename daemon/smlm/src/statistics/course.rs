//! A series in the course of time. In: frames and what was found in them. Out: at most [`BINS`] equal spans of frames
//! with their means, and the counts of the last [`RECENT`] frames. Memory is fixed: spans double when they do not
//! suffice. Never: medians (those of the last second are [`super::RecentStatistics`]').

use std::collections::VecDeque;

use crate::localization::Localization;
use crate::units::PixelSize;

/// Spans of a course.
pub const BINS: usize = 512;
/// Frames whose counts are kept one by one.
pub const RECENT: usize = 512;

/// Sums over the frames of a span.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Span {
    pub frames: u32,
    pub localizations: u64,
    /// Of all its frames together.
    pub area_um2: f64,
    pub photons: f64,
    pub background: f64,
    pub sigma_lateral_nm: f64,
}

impl Span {
    fn join(&mut self, other: &Self) {
        self.frames += other.frames;
        self.localizations += other.localizations;
        self.area_um2 += other.area_um2;
        self.photons += other.photons;
        self.background += other.background;
        self.sigma_lateral_nm += other.sigma_lateral_nm;
    }

    pub fn localizations_per_frame(&self) -> f64 {
        per(self.localizations as f64, f64::from(self.frames))
    }

    pub fn density_per_um2(&self) -> f64 {
        per(self.localizations as f64, self.area_um2)
    }

    pub fn photons_mean(&self) -> f64 {
        per(self.photons, self.localizations as f64)
    }

    pub fn background_mean(&self) -> f64 {
        per(self.background, self.localizations as f64)
    }

    pub fn sigma_lateral_mean_nm(&self) -> f64 {
        per(self.sigma_lateral_nm, self.localizations as f64)
    }
}

fn per(sum: f64, of: f64) -> f64 {
    if of > 0.0 { sum / of } else { 0.0 }
}

/// The course of one series.
#[derive(Clone, Debug, Default)]
pub struct Course {
    first_seq: Option<u64>,
    /// `log2` of the frames of a span.
    doubled: u32,
    spans: Vec<Span>,
    recent: VecDeque<u32>,
    last_seq: u64,
}

impl Course {
    /// A frame was processed; its localizations follow with [`Self::add`].
    pub fn frame(&mut self, seq: u64, area_um2: f64) {
        let first = *self.first_seq.get_or_insert(seq);
        let offset = seq.saturating_sub(first);
        while offset >> self.doubled >= BINS as u64 {
            self.double();
        }
        let at = (offset >> self.doubled) as usize;
        if self.spans.len() <= at {
            self.spans.resize(at + 1, Span::default());
        }
        self.spans[at].frames += 1;
        self.spans[at].area_um2 += area_um2;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(0);
        self.last_seq = seq;
    }

    /// Localizations of the last frame.
    pub fn add(&mut self, found: &[Localization], pixel: PixelSize) {
        let Some(first) = self.first_seq else { return };
        let at = (self.last_seq.saturating_sub(first) >> self.doubled) as usize;
        let span = &mut self.spans[at];
        span.localizations += found.len() as u64;
        for l in found {
            span.photons += f64::from(l.photons);
            span.background += f64::from(l.background);
            span.sigma_lateral_nm += sigma_lateral_nm(l, pixel);
        }
        if let Some(last) = self.recent.back_mut() {
            *last += found.len() as u32;
        }
    }

    fn double(&mut self) {
        self.doubled += 1;
        let half = self.spans.len().div_ceil(2);
        for at in 0..half {
            let mut joined = self.spans[2 * at];
            if let Some(second) = self.spans.get(2 * at + 1) {
                joined.join(second);
            }
            self.spans[at] = joined;
        }
        self.spans.truncate(half);
    }

    pub fn first_seq(&self) -> u64 {
        self.first_seq.unwrap_or(0)
    }

    pub fn frames_per_bin(&self) -> u64 {
        1 << self.doubled
    }

    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Counts of the last frames, the oldest first.
    pub fn recent(&self) -> impl Iterator<Item = u32> + '_ {
        self.recent.iter().copied()
    }

    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

/// Mean of σx and σy.
pub(super) fn sigma_lateral_nm(l: &Localization, pixel: PixelSize) -> f64 {
    (f64::from(l.sigma_x_px) * pixel.x.0 + f64::from(l.sigma_y_px) * pixel.y.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nm;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn found(photons: f32) -> Localization {
        Localization {
            photons,
            background: 20.0,
            sigma_x_px: 0.1,
            sigma_y_px: 0.3,
            ..Localization::default()
        }
    }

    #[test]
    fn spans_double_and_lose_nothing() {
        let mut course = Course::default();
        for seq in 0..2000 {
            course.frame(100 + seq, 2.0);
            course.add(&[found(100.0), found(300.0)], PIXEL);
        }
        assert_eq!((course.frames_per_bin(), course.spans().len(), course.first_seq()), (4, 500, 100));
        assert_eq!(course.spans().iter().map(|span| span.localizations).sum::<u64>(), 4000);
        let span = course.spans()[17];
        assert_eq!((span.frames, span.localizations_per_frame(), span.density_per_um2()), (4, 2.0, 1.0));
        assert_eq!((span.photons_mean(), span.background_mean()), (200.0, 20.0));
        assert!((span.sigma_lateral_mean_nm() - 20.0).abs() < 1e-5);
        assert_eq!((course.recent().count(), course.last_seq()), (RECENT, 2099));
    }

    #[test]
    fn an_absurd_jump_of_the_frame_number_costs_no_memory() {
        let mut course = Course::default();
        course.frame(0, 1.0);
        course.frame(u64::MAX, 1.0);
        assert!(course.spans().len() <= BINS);
        assert_eq!(course.spans().iter().map(|span| span.frames).sum::<u32>(), 2);
    }

    #[test]
    fn frames_without_localizations_count_as_0() {
        let mut course = Course::default();
        course.frame(5, 1.0);
        course.add(&[], PIXEL);
        assert_eq!(course.spans()[0].photons_mean(), 0.0);
        assert_eq!(course.recent().collect::<Vec<_>>(), [0]);
    }
}
