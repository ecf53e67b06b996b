//! Merging: localizations of one emitter in successive frames become one.
//!
//! In: localizations in order of tile and frame, in batches of any size. Out: merged ones, as soon as nothing can join
//! them any more. Never: a merge across tiles, two localizations of one frame in one, a second look at the past.
//!
//! ThunderSTORM's rule (Ovesny et al. 2014, supplement): what lies within a distance of an emitter that was seen at most
//! `dark_frames_max` + 1 frames ago is that emitter again. Photons are summed, positions weighted, the frame is the
//! first one. Pairs are made nearest first. Open emitters lie in a grid of cells, so a localization costs the same
//! however many there are.

use std::collections::HashMap;

use crate::localization::Localization;
use crate::units::{Nm, PixelSize};

/// What counts as the same emitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Across.
    pub distance: Nm,
    /// In depth; `None` does not look at it.
    pub depth: Option<Nm>,
    /// Frames in a row in which an emitter may be missing.
    pub dark_frames_max: u32,
    pub pixel_size: PixelSize,
}

impl Rule {
    /// 20 nm across and no dark frame.
    pub const fn usual(pixel_size: PixelSize) -> Self {
        Self { distance: Nm(20.0), depth: None, dark_frames_max: 0, pixel_size }
    }
}

/// An emitter's localizations, merged.
///
/// `frame` is the first one. Positions are weighted by one over their variance (by photons where a deviation is not
/// known), their deviations are those of the weighted mean. Photons and their variances are summed, `background` is the
/// mean, `probability` the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merged {
    pub localization: Localization,
    /// Number of localizations in it.
    pub detections: u32,
    pub last_frame: u32,
}

/// Merges a stream. Allocates only where more emitters are open than ever before.
#[derive(Debug)]
pub struct Merger {
    rule: Rule,
    open: Vec<Open>,
    /// The last open emitter of each cell; the others hang on it.
    cells: HashMap<(i64, i64), usize>,
    pairs: Vec<Pair>,
    /// Localizations of the frame that are part of an emitter now.
    joined: Vec<bool>,
    /// Tile and number of the last frame.
    now: Option<(u32, u32)>,
}

/// An emitter that may be seen again.
#[derive(Clone, Copy, Debug)]
struct Open {
    merged: Merged,
    /// Sums of weights, along x, y, z.
    weights: [f64; 3],
    /// Sums of weight times position.
    sums: [f64; 3],
    background: f64,
    /// Another open emitter in the same cell.
    next: Option<usize>,
    /// Seen in the frame at hand.
    taken: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    distance: f64,
    localization: usize,
    open: usize,
}

/// A stream that cannot be merged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[must_use]
pub enum MergeError {
    #[error(
        "frame {frame} of tile {tile} came after frame {after} of tile {after_tile}; sort by tile and frame"
    )]
    Unsorted { tile: u32, frame: u32, after_tile: u32, after: u32 },
}

/// All localizations of a tile at once, in order of frame, merged; in the order of their first frames.
///
/// # Errors
/// They are not in order.
pub fn merged(localizations: &[Localization], rule: Rule) -> Result<Vec<Localization>, MergeError> {
    let mut merger = Merger::new(rule);
    let mut ended = Vec::with_capacity(localizations.len());
    merger.push(localizations, &mut ended)?;
    merger.finish(&mut ended);
    ended.sort_by_key(|merged| merged.localization.frame);
    Ok(ended.into_iter().map(|merged| merged.localization).collect())
}

impl Merger {
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            open: Vec::new(),
            cells: HashMap::new(),
            pairs: Vec::new(),
            joined: Vec::new(),
            now: None,
        }
    }

    /// Takes the next localizations, in order of tile and frame, and adds emitters that have ended to `ended`, in the
    /// order in which they ended. A frame may be spread over calls: what comes later joins nothing of its own frame.
    ///
    /// On an error what came before the wrong localization is taken.
    pub fn push(
        &mut self,
        localizations: &[Localization],
        ended: &mut Vec<Merged>,
    ) -> Result<(), MergeError> {
        for frame in localizations.chunk_by(|a, b| (a.tile, a.frame) == (b.tile, b.frame)) {
            self.step_to(frame[0].tile, frame[0].frame, ended)?;
            self.pair(frame);
            self.join(frame);
        }
        Ok(())
    }

    /// The end of the stream: everything that is open has ended.
    pub fn finish(&mut self, ended: &mut Vec<Merged>) {
        ended.extend(self.open.drain(..).map(|open| open.merged));
        self.now = None;
    }

    /// Lets go of what cannot be seen again, and sorts the rest into cells.
    fn step_to(&mut self, tile: u32, frame: u32, ended: &mut Vec<Merged>) -> Result<(), MergeError> {
        let (after_tile, after) = self.now.unwrap_or((tile, frame));
        if (tile, frame) < (after_tile, after) {
            return Err(MergeError::Unsorted { tile, frame, after_tile, after });
        }
        if self.now.replace((tile, frame)) == Some((tile, frame)) {
            return Ok(());
        }
        let reach = u64::from(self.rule.dark_frames_max) + 1;
        self.open.retain(|open| {
            let gap = u64::from(frame).saturating_sub(u64::from(open.merged.last_frame));
            let stays = open.merged.localization.tile == tile && gap <= reach;
            if !stays {
                ended.push(open.merged);
            }
            stays
        });
        self.cells.clear();
        for (index, open) in self.open.iter_mut().enumerate() {
            open.taken = false;
            let cell = cell(&self.rule, &open.merged.localization);
            open.next = self.cells.insert(cell, index);
        }
        Ok(())
    }

    /// Every pair that is near enough, nearest first.
    fn pair(&mut self, frame: &[Localization]) {
        self.pairs.clear();
        for (localization, found) in frame.iter().enumerate() {
            let (column, row) = cell(&self.rule, found);
            for beside in (0..9).map(|i| (column + i % 3 - 1, row + i / 3 - 1)) {
                let mut at = self.cells.get(&beside).copied();
                while let Some(open) = at {
                    let there = &self.open[open];
                    at = there.next;
                    let near = distance(&self.rule, found, &there.merged.localization);
                    if let Some(distance) = near.filter(|_| !there.taken) {
                        self.pairs.push(Pair { distance, localization, open });
                    }
                }
            }
        }
        let order = |pair: &Pair| (pair.localization, pair.open);
        self.pairs.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(order(a).cmp(&order(b))));
    }

    fn join(&mut self, frame: &[Localization]) {
        self.joined.clear();
        self.joined.resize(frame.len(), false);
        for pair in &self.pairs {
            let open = &mut self.open[pair.open];
            if !self.joined[pair.localization] && !open.taken {
                self.joined[pair.localization] = true;
                open.add(&frame[pair.localization]);
            }
        }
        let alone = frame.iter().zip(&self.joined).filter(|(_, joined)| !**joined);
        self.open.extend(alone.map(|(found, _)| Open::new(found)));
    }
}

/// Cells are as wide as the distance, so that neighbours are in neighbouring cells.
fn cell(rule: &Rule, l: &Localization) -> (i64, i64) {
    let side = rule.distance.0.max(1e-3);
    let at = |px: f32, nm: f64| (f64::from(px) * nm / side).floor() as i64;
    // A cell has neighbours on both sides, even that of a number that is no place.
    let (column, row) = (at(l.x_px, rule.pixel_size.x.0), at(l.y_px, rule.pixel_size.y.0));
    (column.clamp(-1 << 60, 1 << 60), row.clamp(-1 << 60, 1 << 60))
}

/// In nm across, where both are near enough.
fn distance(rule: &Rule, a: &Localization, b: &Localization) -> Option<f64> {
    let x = f64::from(a.x_px - b.x_px) * rule.pixel_size.x.0;
    let y = f64::from(a.y_px - b.y_px) * rule.pixel_size.y.0;
    let deep = rule.depth.is_none_or(|depth| f64::from((a.z_nm - b.z_nm).abs()) <= depth.0);
    Some(x.hypot(y)).filter(|distance| deep && *distance <= rule.distance.0)
}

impl Open {
    fn new(first: &Localization) -> Self {
        let merged = Merged {
            localization: Localization { photons: 0.0, sigma_photons: 0.0, ..*first },
            detections: 0,
            last_frame: first.frame,
        };
        let mut open =
            Self { merged, weights: [0.0; 3], sums: [0.0; 3], background: 0.0, next: None, taken: false };
        open.add(first);
        open
    }

    fn add(&mut self, l: &Localization) {
        let (places, sigmas) = ([l.x_px, l.y_px, l.z_nm], [l.sigma_x_px, l.sigma_y_px, l.sigma_z_nm]);
        for (axis, (place, sigma)) in places.into_iter().zip(sigmas).enumerate() {
            let known = sigma > 0.0 && sigma.is_finite();
            let weight = if known { 1.0 / f64::from(sigma).powi(2) } else { f64::from(l.photons).max(1e-6) };
            self.weights[axis] += weight;
            self.sums[axis] += weight * f64::from(place);
        }
        self.background += f64::from(l.background);
        let merged = &mut self.merged;
        merged.detections += 1;
        merged.last_frame = l.frame;
        let into = &mut merged.localization;
        let mean = |axis: usize| (self.sums[axis] / self.weights[axis]) as f32;
        (into.x_px, into.y_px, into.z_nm) = (mean(0), mean(1), mean(2));
        let deviation = |axis: usize, sigma: f32| {
            if sigma > 0.0 { (1.0 / self.weights[axis]).sqrt() as f32 } else { sigma }
        };
        into.sigma_x_px = deviation(0, l.sigma_x_px);
        into.sigma_y_px = deviation(1, l.sigma_y_px);
        into.sigma_z_nm = deviation(2, l.sigma_z_nm);
        into.photons += l.photons;
        into.sigma_photons = into.sigma_photons.hypot(l.sigma_photons);
        into.background = (self.background / f64::from(merged.detections)) as f32;
        into.probability = into.probability.max(l.probability);
        self.taken = true;
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
