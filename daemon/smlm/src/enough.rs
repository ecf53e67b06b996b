//! When a tile that is being taken has shown enough.
//!
//! In: what was found in its frames, in order. Out: where the targets were reached, once. Never: more work between two
//! checks than counting; a check that costs more the longer the tile is; an answer that depends on when one asks.
//!
//! Of two targets both must be reached. The resolution is that of the busiest part of the field, by two halves of the data
//! (100 frames to one, 100 to the other); drift is still in it, so that it is rather called too coarse than too fine.

use crate::frc::Halves;
use crate::localization::Localization;
use crate::units::{Nm, PixelSize, Px};

/// Localizations among which the busiest place is looked for.
const SCOUTS: usize = 4000;

/// What is enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets {
    /// Fourier ring resolution.
    pub frc: Option<Nm>,
    pub localizations: Option<u64>,
    /// Before so many frames nothing is enough.
    pub least_frames: u64,
    /// Between two checks.
    pub every_frames: u64,
}

/// Where it was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enough {
    /// The latest frame that was known then.
    pub seq: u64,
    pub frames: u64,
    pub localizations: u64,
    /// Where it is a target.
    pub frc: Option<Nm>,
}

/// Watches one visit of a tile.
pub struct Watch {
    targets: Targets,
    pixel: PixelSize,
    frames: u64,
    localizations: u64,
    next: u64,
    scouts: Vec<(u64, Nm, Nm)>,
    halves: Option<Halves>,
    reached: Option<Enough>,
}

impl Watch {
    /// Nothing was seen yet; `None`: there is no target. `pixel` is the camera's.
    pub fn new(targets: Targets, pixel: PixelSize) -> Option<Self> {
        (targets.frc.is_some() || targets.localizations.is_some()).then(|| Self {
            targets,
            pixel,
            frames: 0,
            localizations: 0,
            next: targets.every_frames.max(1),
            scouts: Vec::new(),
            halves: None,
            reached: None,
        })
    }

    /// Takes more frames in, with what was found in them. A check takes some tens of milliseconds.
    pub fn take(&mut self, frames: u64, last_seq: u64, found: &[Localization]) {
        if self.reached.is_some() {
            return;
        }
        self.frames += frames;
        self.localizations += found.len() as u64;
        if self.targets.frc.is_some() {
            found.iter().for_each(|l| self.place(l));
        }
        if self.frames < self.next {
            return;
        }
        let every = self.targets.every_frames.max(1);
        self.next = (self.frames / every + 1) * every;
        self.check(last_seq);
    }

    /// Where the targets were reached.
    pub const fn reached(&self) -> Option<Enough> {
        self.reached
    }

    fn place(&mut self, l: &Localization) {
        let (x, y) = self.pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
        if let Some(halves) = &mut self.halves {
            halves.add(l.frame.into(), x, y);
            return;
        }
        self.scouts.push((l.frame.into(), x, y));
        if self.scouts.len() == SCOUTS {
            let mut halves = Halves::around_busiest(self.scouts.iter().map(|(_, x, y)| (*x, *y)));
            self.scouts.drain(..).for_each(|(seq, x, y)| halves.add(seq, x, y));
            self.halves = Some(halves);
        }
    }

    fn check(&mut self, seq: u64) {
        let Targets { frc: target, localizations, least_frames, .. } = self.targets;
        let few = localizations.is_some_and(|least| self.localizations < least);
        if few || self.frames < least_frames {
            return;
        }
        let found = |halves: &Halves| halves.resolution().ok();
        let frc = target.and_then(|_| self.halves.as_ref().and_then(found));
        // Written so that what is not known is not enough.
        if target.is_none_or(|target| frc.is_some_and(|frc| frc <= target)) {
            let (frames, localizations) = (self.frames, self.localizations);
            self.reached = Some(Enough { seq, frames, localizations, frc });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn targets() -> Targets {
        Targets { frc: None, localizations: None, least_frames: 0, every_frames: 100 }
    }

    /// A tile of sites that come again and again, ten in each frame, localized to 8 nm; in blocks of `block` frames.
    fn watched(targets: Targets, frames: u64, block: u64) -> Option<Enough> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let sites: Vec<(f32, f32)> =
            (0..400).map(|_| (random.random_range(0.0..40.0), random.random_range(0.0..40.0))).collect();
        let mut watch = Watch::new(targets, PIXEL)?;
        for first in (0..frames).step_by(block as usize) {
            let mut found = Vec::new();
            for frame in first..first + block {
                for _ in 0..10 {
                    let (x, y) = sites[random.random_range(0..sites.len())];
                    let mut off = || (0..12).map(|_| random.random_range(0.0..1.0f32)).sum::<f32>() - 6.0;
                    let (x_px, y_px) = (x + 0.08 * off(), y + 0.08 * off());
                    found.push(Localization { frame: frame as u32, x_px, y_px, ..Localization::default() });
                }
            }
            watch.take(block, first + block - 1, &found);
        }
        watch.reached()
    }

    #[test]
    fn without_a_target_nothing_is_watched() {
        assert!(Watch::new(targets(), PIXEL).is_none());
    }

    #[test]
    fn enough_localizations_are_told_at_the_next_check() {
        let wanted = Targets { localizations: Some(3001), ..targets() };
        let enough = Enough { seq: 399, frames: 400, localizations: 4000, frc: None };
        assert_eq!(watched(wanted, 1000, 10), Some(enough));
        assert_eq!(watched(wanted, 300, 10), None);
        let later = Targets { least_frames: 650, ..wanted };
        assert_eq!(watched(later, 1000, 10).map(|enough| enough.seq), Some(699));
    }

    #[test]
    fn a_resolution_is_told_when_it_is_reached_and_one_that_is_out_of_reach_never() {
        let fine = |nm: f64| Targets { frc: Some(Nm(nm)), ..targets() };
        let enough = watched(fine(60.0), 3000, 20).expect("sites are localized to 8 nm");
        assert!(enough.frc.is_some_and(|frc| frc.0 <= 60.0) && enough.frames < 3000, "{enough:?}");
        assert_eq!(watched(fine(15.0), 3000, 20), None);
        // Both must be reached.
        let both = Targets { localizations: Some(29_000), ..fine(60.0) };
        assert_eq!(watched(both, 3000, 20).map(|enough| enough.frames), Some(2900));
    }
}
