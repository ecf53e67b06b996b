//! Background and camera noise: the photon-transfer curve of pixels in which nothing blinks.
//!
//! Comes in: a movie in counts and the spots in it. Goes out: background by blocks, and the line of variance against
//! mean. Never: a pixel near a spot taken for background.
//!
//! `variance = gain · excess · (mean − offset) + read²` (Janesick 2007): the slope is gain times excess noise, and gain,
//! offset and read noise cannot all be told from it. Quiet pixels give one end of the line; the pixels of spots that
//! shine on through two frames give the other.

use super::Measured;
use super::detect::{Spot, Spots};
use super::sample::Movie;
use super::spot_fit::NoiseLine;
use crate::order::{median, quantile};

/// Side of the blocks in which the background counts as even.
const BLOCK_PX: usize = 16;
/// Quiet pixels that a block needs.
const QUIET_MIN: usize = 60;
/// Spots for the upper end of the line.
const PAIRS_MIN: usize = 40;
const PAIRS_MAX: usize = 3000;

/// What quiet pixels say.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// Mean and variance of each block with enough quiet pixels.
    pub blocks: Vec<Block>,
    /// Part of all pixels that is quiet.
    pub share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    pub mean: f64,
    pub mean_sd: f64,
    pub variance: f64,
}

/// The pixels that no spot is near of, in blocks.
pub fn quiet(movie: &Movie, spots: &Spots, reach_px: f64) -> Option<Quiet> {
    let (width, height) = (movie.width, movie.height);
    let columns = width.div_ceil(BLOCK_PX);
    let mut values = vec![Vec::new(); columns * height.div_ceil(BLOCK_PX)];
    let mut changes = vec![Vec::new(); values.len()];
    let mut before: Option<Vec<bool>> = None;
    for t in 0..movie.frames() {
        let free = free(movie, spots, t, reach_px);
        let linked = before.take().filter(|_| t > 0 && movie.joined(t - 1, 1));
        let image = movie.frame(t);
        for (at, _) in free.iter().enumerate().filter(|(_, free)| **free) {
            let block = at / width / BLOCK_PX * columns + at % width / BLOCK_PX;
            values[block].push(f64::from(image[at]));
            if linked.as_ref().is_some_and(|linked| linked[at]) {
                changes[block].push(f64::from(image[at] - movie.frame(t - 1)[at]));
            }
        }
        before = Some(free);
    }
    let seen: usize = values.iter().map(Vec::len).sum();
    let blocks: Vec<Block> =
        values.iter_mut().zip(&mut changes).filter_map(|(values, changes)| block(values, changes)).collect();
    let share = seen as f64 / movie.values.len() as f64;
    (!blocks.is_empty()).then_some(Quiet { blocks, share })
}

/// Pixels of a frame that are further than `reach_px` from each spot.
fn free(movie: &Movie, spots: &Spots, frame: usize, reach_px: f64) -> Vec<bool> {
    let mut free = vec![true; movie.pixels()];
    // A flash that has just begun or is just over is dim in this frame and bright in the next or the last.
    let before = (frame > 0 && movie.joined(frame - 1, 1)).then(|| spots.of_frame(frame - 1));
    let after = movie.joined(frame, 1).then(|| spots.of_frame(frame + 1));
    let near = before.into_iter().chain(after).flatten();
    for spot in spots.of_frame(frame).iter().chain(near) {
        let rows = (spot.y_px - reach_px).ceil().max(0.0) as usize..=(spot.y_px + reach_px) as usize;
        for y in rows.filter(|y| *y < movie.height) {
            let half = (reach_px.powi(2) - (y as f64 - spot.y_px).powi(2)).max(0.0).sqrt();
            let from = (spot.x_px - half).ceil().max(0.0) as usize;
            let to = ((spot.x_px + half) as usize).min(movie.width - 1);
            free[y * movie.width + from..=y * movie.width + to].fill(false);
        }
    }
    free
}

/// Mean, and variance from differences in time, so that pixels that differ for good do not count as noise.
fn block(values: &mut [f64], changes: &mut [f64]) -> Option<Block> {
    if values.len() < QUIET_MIN || changes.len() < QUIET_MIN {
        return None;
    }
    let variance = clipped(changes, 0.0).1 / 2.0;
    let middle = median(values)?;
    let limit = 4.0 * variance.sqrt();
    let kept: Vec<f64> = values.iter().copied().filter(|v| (v - middle).abs() <= limit).collect();
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    (variance > 0.0).then_some(Block { mean, mean_sd: (variance / n).sqrt(), variance })
}

/// Mean and mean square of what lies within four standard deviations of `centre`, found in rounds.
fn clipped(values: &mut [f64], centre: f64) -> (f64, f64) {
    let mut off: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    let mut limit = 4.0 * crate::order::SD_PER_MAD * median(&mut off).unwrap_or(0.0);
    let mut found = (0.0, 0.0);
    for _ in 0..4 {
        let kept = values.iter().filter(|v| (**v - centre).abs() <= limit);
        let (n, sum, squares) =
            kept.fold((0.0, 0.0, 0.0), |(n, s, q), v| (n + 1.0, s + v, q + (v - centre).powi(2)));
        if n < 1.0 {
            break;
        }
        found = (sum / n, squares / n);
        limit = 4.0 * found.1.sqrt();
    }
    found
}

/// The photon-transfer line through quiet pixels and steady spots, and the deviation of its slope. Without enough spots
/// the slope is `None`.
///
/// Of each spot that shines on from one frame to the next, the changes of its pixels give a slope of its own. Among
/// those the fifth part that is lowest is taken, as of χ² numbers: what a second emitter does can only add to it.
pub fn transfer(movie: &Movie, spots: &Spots, quiet: &Quiet, sigma_px: f64) -> (NoiseLine, Option<Measured>) {
    let level = middle(quiet, |block| block.mean);
    let variance = middle(quiet, |block| block.variance);
    let flat = NoiseLine { level, variance, slope: 0.0 };
    let steady: Vec<&Spot> = steady(spots, sigma_px).collect();
    let reach = (1.5 * sigma_px).round().max(1.0) as usize;
    let every = steady.len().div_ceil(PAIRS_MAX).max(1);
    let changes = steady.iter().step_by(every).filter_map(|spot| change(movie, spot, level, reach));
    let changes: Vec<Change> = changes.collect();
    if changes.len() < PAIRS_MIN {
        return (flat, None);
    }
    // As much variance per light as makes the lowest fifth what it should be; more of it makes each ratio smaller.
    let (mut low, mut high) = (0.0, 100.0 * variance.max(1.0));
    for _ in 0..60 {
        let slope = f64::midpoint(low, high);
        let mut excess: Vec<f64> = changes.iter().map(|change| change.excess(variance, slope)).collect();
        match quantile(&mut excess, 0.2) {
            Some(excess) if excess > 0.0 => low = slope,
            _ => high = slope,
        }
    }
    let light = changes.iter().map(|change| change.light / change.pixels).sum::<f64>() / changes.len() as f64;
    let freedom = changes[0].pixels;
    let total = variance + low * light;
    let sd = 1.43 * total * (2.0 / freedom).sqrt() / (changes.len() as f64).sqrt() / light;
    let found = low > 3.0 * sd;
    (NoiseLine { slope: low, ..flat }, found.then_some(Measured { value: low, sd }))
}

pub fn middle(quiet: &Quiet, of: impl Fn(&Block) -> f64) -> f64 {
    let mut values: Vec<f64> = quiet.blocks.iter().map(of).collect();
    median(&mut values).unwrap_or(0.0)
}

/// Spots without a neighbour that were there in the frame before, are in the next, and in the one after that.
fn steady(spots: &Spots, sigma_px: f64) -> impl Iterator<Item = &Spot> {
    spots.all.iter().filter(move |spot| {
        let Some(after) = spot.after.map(|at| &spots.all[at]) else { return false };
        let alone = |s: &Spot| spots.alone(s, 4.5 * sigma_px);
        spot.height_sd > 6.0 && spot.before.is_some() && after.after.is_some() && alone(spot) && alone(after)
    })
}

/// What changes in the pixels around a spot from one frame to the next, except what may be light that came or went
/// there: the spot as a whole, the same a little aside, or wider.
struct Change {
    /// Half the sum of squared changes: the variances, summed.
    variances: f64,
    /// Pixels, less what was taken out.
    pixels: f64,
    /// Above the background, summed likewise, and its squares.
    light: f64,
    squares: f64,
}

/// Shapes that are taken out of each change.
const TAKEN_OUT: usize = 4;

impl Change {
    fn expected(&self, variance: f64, slope: f64) -> f64 {
        self.pixels * variance + slope * self.light
    }

    /// By how much the seen variances exceed the lowest fifth of χ², relative to what is expected.
    fn excess(&self, variance: f64, slope: f64) -> f64 {
        const FIFTH_Z: f64 = -0.841_621_233_572_914;
        let all = self.expected(variance, slope);
        let crossed = 2.0 * variance * slope * self.light;
        let freedom = all * all / (self.pixels * variance.powi(2) + crossed + slope.powi(2) * self.squares);
        // Wilson and Hilferty 1931.
        let part = 2.0 / (9.0 * freedom);
        self.variances / all - (1.0 - part + FIFTH_Z * part.sqrt()).powi(3)
    }
}

fn change(movie: &Movie, spot: &Spot, level: f64, reach: usize) -> Option<Change> {
    let (x, y) = (spot.x_px.round() as usize, spot.y_px.round() as usize);
    let (left, top) = (x.checked_sub(reach)?, y.checked_sub(reach)?);
    if x + reach >= movie.width || y + reach >= movie.height {
        return None;
    }
    let (now, then) = (movie.frame(spot.frame), movie.frame(spot.frame + 1));
    let (mut shapes, mut light, mut change) = (<[Vec<f64>; TAKEN_OUT]>::default(), Vec::new(), Vec::new());
    for row in top..=y + reach {
        for column in left..=x + reach {
            let at = row * movie.width + column;
            let (before, after) = (f64::from(now[at]), f64::from(then[at]));
            let above = f64::midpoint(before, after) - level;
            let (dx, dy) = (column as f64 - spot.x_px, row as f64 - spot.y_px);
            let weights = [1.0, dx, dy, dx * dx + dy * dy];
            shapes.iter_mut().zip(weights).for_each(|(shape, weight)| shape.push(weight * above));
            light.push(above);
            change.push(after - before);
        }
    }
    let kept = take_out(shapes, &mut change)?;
    let sum =
        |of: &dyn Fn(f64) -> f64| light.iter().zip(&kept).map(|(light, kept)| kept * of(*light)).sum::<f64>();
    let found = Change {
        variances: 0.5 * change.iter().map(|change| change * change).sum::<f64>(),
        pixels: kept.iter().sum(),
        light: sum(&|light| light),
        squares: sum(&|light| light * light),
    };
    (found.light > 0.0).then_some(found)
}

/// Makes the change orthogonal to all shapes (Gram and Schmidt). Out: of each pixel's variance, the part that is kept.
fn take_out(mut shapes: [Vec<f64>; TAKEN_OUT], change: &mut [f64]) -> Option<Vec<f64>> {
    let mut kept = vec![1.0; change.len()];
    for k in 0..TAKEN_OUT {
        let (done, rest) = shapes.split_at_mut(k);
        let shape = &mut rest[0];
        done.iter().for_each(|unit| subtract(shape, unit));
        let norm = dot(shape, shape).sqrt();
        if norm <= 0.0 {
            return None;
        }
        shape.iter_mut().for_each(|value| *value /= norm);
        subtract(change, shape);
        kept.iter_mut().zip(shape.iter()).for_each(|(kept, value)| *kept -= value * value);
    }
    Some(kept)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Takes out of `from` what lies along `unit`.
fn subtract(from: &mut [f64], unit: &[f64]) {
    let along = dot(from, unit);
    from.iter_mut().zip(unit).for_each(|(value, unit)| *value -= along * unit);
}
