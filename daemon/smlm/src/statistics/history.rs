//! All that is counted of a series. In: batches of frames with their localizations, in order. Out: distributions, the
//! course of time, on-times. Memory is fixed but for the emitters of one frame. Never: reads a clock.

use super::course::{Course, sigma_lateral_nm};
use super::distribution::{Distribution, Quantity};
use super::on_time::OnTimes;
use crate::frame::{Continuity, FrameInfo};
use crate::localization::Localization;
use crate::units::PixelSize;

/// A series' statistics from its beginning on.
#[derive(Clone, Debug)]
pub struct History {
    distributions: [Distribution; Quantity::ALL.len()],
    course: Course,
    on_times: OnTimes,
    tile: Option<u32>,
    localizations: u64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            distributions: Quantity::ALL.map(Distribution::new),
            course: Course::default(),
            on_times: OnTimes::default(),
            tile: None,
            localizations: 0,
        }
    }
}

impl History {
    /// Frames of one tile that were processed. `found` is sorted by frame, then y.
    pub fn record(&mut self, frames: &[FrameInfo], found: &[Localization], pixel: PixelSize) {
        let mut rest = found;
        for info in frames {
            let seq = info.id.seq.0;
            let here = rest.partition_point(|l| u64::from(l.frame) <= seq & u64::from(u32::MAX));
            let (now, later) = rest.split_at(here);
            rest = later;
            self.frame(info, now, pixel);
        }
    }

    fn frame(&mut self, info: &FrameInfo, found: &[Localization], pixel: PixelSize) {
        let (width, height) = (f64::from(info.shape.width), f64::from(info.shape.height));
        let area_um2 = width * pixel.x.0 * height * pixel.y.0 / 1e6;
        let seq = info.id.seq.0;
        self.course.frame(seq, area_um2);
        self.course.add(found, pixel);
        let [photons, background, sigma, sigma_z, z, probability, on_time] = &mut self.distributions;
        for l in found {
            photons.add(l.photons);
            background.add(l.background);
            sigma.add(sigma_lateral_nm(l, pixel) as f32);
            probability.add(l.probability);
            // A network for round PSFs says 0, and a σ that means nothing.
            if l.z_nm != 0.0 {
                sigma_z.add(l.sigma_z_nm);
                z.add(l.z_nm);
            }
        }
        let same = self.tile.replace(info.tile.index) == Some(info.tile.index);
        let follows = same && info.continuity == Continuity::Burst;
        self.on_times.frame(seq, follows, found, |frames| on_time.add(frames as f32));
        self.localizations += found.len() as u64;
    }

    /// In the order of [`Quantity::ALL`].
    pub fn distributions(&self) -> &[Distribution] {
        &self.distributions
    }

    pub fn course(&self) -> &Course {
        &self.course
    }

    pub fn localizations(&self) -> u64 {
        self.localizations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameId, Seq, Shape, Tile};
    use crate::units::Nm;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn frame(seq: u64, tile: u32) -> FrameInfo {
        FrameInfo {
            id: FrameId { seq: Seq(seq), ..FrameId::default() },
            tile: Tile { index: tile, ..Tile::default() },
            shape: Shape { width: 100, height: 100 },
            ..FrameInfo::default()
        }
    }

    fn found(frame: u32, photons: f32) -> Localization {
        Localization { frame, photons, x_px: 4.0, y_px: 4.0, ..Localization::default() }
    }

    fn total(history: &History, quantity: Quantity) -> u64 {
        history.distributions().iter().find(|d| d.quantity() == quantity).map_or(0, Distribution::total)
    }

    #[test]
    fn every_localization_is_counted_in_its_own_frame() {
        let mut history = History::default();
        let localizations = [found(1, 100.0), found(1, 200.0), found(3, 300.0)];
        history.record(&[frame(0, 0), frame(1, 0), frame(2, 0), frame(3, 0)], &localizations, PIXEL);
        assert_eq!(history.course().recent().collect::<Vec<_>>(), [0, 2, 0, 1]);
        assert_eq!((history.localizations(), total(&history, Quantity::Photons)), (3, 3));
        assert_eq!(total(&history, Quantity::Z), 0, "a network for round PSFs has no z");
    }

    #[test]
    fn a_run_of_frames_does_not_cross_a_tiles_border() {
        let mut history = History::default();
        history.record(&[frame(0, 0), frame(1, 0)], &[found(1, 9.0)], PIXEL);
        history.record(&[frame(2, 1), frame(3, 1)], &[found(2, 9.0)], PIXEL);
        assert_eq!(total(&history, Quantity::OnTime), 0);
        history.record(&[frame(4, 1), frame(5, 1)], &[found(4, 9.0)], PIXEL);
        assert_eq!(total(&history, Quantity::OnTime), 1);
    }
}
