//! Spots: where a frame is brighter than its surroundings by more than noise, and which frames show the same one.
//!
//! Comes in: a movie in counts and the width of a spot. Goes out: spots with their place to a fraction of a pixel,
//! linked from frame to frame. Never: a threshold in counts; the noise of the filtered movie is the unit.

use super::sample::Movie;
use crate::order::quantile;

/// A spot counts from so many standard deviations of the noise on: one in 30,000 places is noise.
pub const SEEN_SD: f64 = 4.0;
/// Differences from which the noise is read.
const NOISE_VALUES: usize = 200_000;
/// Spots within this distance in consecutive frames are one emitter.
const LINK_PX: f64 = 1.0;

/// A local maximum of a filtered frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub frame: usize,
    pub x_px: f64,
    pub y_px: f64,
    /// In standard deviations of the noise.
    pub height_sd: f64,
    /// The same emitter's spot in the frame before and after, as an index into [`Spots::all`].
    pub before: Option<usize>,
    pub after: Option<usize>,
}

/// All spots of a movie, in the order of frames.
pub struct Spots {
    pub all: Vec<Spot>,
    /// First spot of each frame, and the end.
    first: Vec<usize>,
}

impl Spots {
    pub fn of_frame(&self, frame: usize) -> &[Spot] {
        &self.all[self.first[frame]..self.first[frame + 1]]
    }

    /// No other spot is within `reach_px` in the same frame.
    pub fn alone(&self, spot: &Spot, reach_px: f64) -> bool {
        let near = |other: &&Spot| distance_px(other, spot) <= reach_px;
        self.of_frame(spot.frame).iter().filter(near).count() <= 1
    }
}

fn distance_px(a: &Spot, b: &Spot) -> f64 {
    (a.x_px - b.x_px).hypot(a.y_px - b.y_px)
}

/// The movie seen through a difference of Gaussians, σ and 2σ: spots of width σ stand out, what is even is gone.
pub fn filtered(movie: &Movie, sigma_px: f64) -> Movie {
    let (narrow, wide) = (Kernel::new(sigma_px), Kernel::new(2.0 * sigma_px));
    let mut values = Vec::with_capacity(movie.values.len());
    let (mut spare, mut background) = (Vec::new(), Vec::new());
    for frame in 0..movie.frames() {
        let mut smooth = Vec::new();
        narrow.blur(movie.frame(frame), movie.width, &mut spare, &mut smooth);
        wide.blur(movie.frame(frame), movie.width, &mut spare, &mut background);
        values.extend(smooth.iter().zip(&background).map(|(a, b)| a - b));
    }
    movie.with_values(values)
}

/// Standard deviation of a filtered pixel for independent pixels of deviation 1.
pub fn noise_gain(sigma_px: f64) -> f64 {
    let (narrow, wide) = (Kernel::new(sigma_px).0, Kernel::new(2.0 * sigma_px).0);
    let aside = (wide.len() - narrow.len()) / 2;
    let dot = |a: &[f32], b: &[f32]| f64::from(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>());
    let (nn, ww, nw) = (dot(&narrow, &narrow), dot(&wide, &wide), dot(&narrow, &wide[aside..]));
    (nn * nn + ww * ww - 2.0 * nw * nw).max(0.0).sqrt()
}

/// A sampled Gaussian whose weights add up to 1.
struct Kernel(Vec<f32>);

impl Kernel {
    fn new(sigma_px: f64) -> Self {
        let reach = (3.0 * sigma_px).ceil() as i32;
        let weight = |at: i32| (-0.5 * (f64::from(at) / sigma_px).powi(2)).exp();
        let sum: f64 = (-reach..=reach).map(weight).sum();
        Self((-reach..=reach).map(|at| (weight(at) / sum) as f32).collect())
    }

    /// Along rows, then along columns; beyond the border the last pixel goes on.
    fn blur(&self, image: &[f32], width: usize, spare: &mut Vec<f32>, out: &mut Vec<f32>) {
        let height = image.len() / width;
        let reach = self.0.len() / 2;
        spare.clear();
        let mut padded = vec![0.0f32; width + 2 * reach];
        for row in image.chunks_exact(width) {
            padded[..reach].fill(row[0]);
            padded[reach..reach + width].copy_from_slice(row);
            padded[reach + width..].fill(row[width - 1]);
            spare.extend(
                padded.windows(self.0.len()).map(|w| w.iter().zip(&self.0).map(|(a, b)| a * b).sum::<f32>()),
            );
        }
        out.clear();
        out.resize(image.len(), 0.0);
        for y in 0..height {
            let to = &mut out[y * width..(y + 1) * width];
            for (k, weight) in self.0.iter().enumerate() {
                let from = (y + k).saturating_sub(reach).min(height - 1);
                let row = &spare[from * width..(from + 1) * width];
                to.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
}

/// Standard deviation of the noise in a filtered movie, from the quietest quarter of the differences of neighbouring
/// frames: blinking touches it last. `None`: no two frames are neighbours, or nothing ever changes.
pub fn noise(filtered: &Movie) -> Option<f64> {
    const QUARTER: f64 = 0.318_639_363_964_375;
    let every = (filtered.values.len() / NOISE_VALUES).max(1);
    let joined = (0..filtered.frames()).filter(|&t| filtered.joined(t, 1));
    let differences = joined.flat_map(|t| {
        let (a, b) = (filtered.frame(t), filtered.frame(t + 1));
        // Another phase in each frame, or the same pixels would be asked again and again.
        (t % every..a.len()).step_by(every).map(move |at| f64::from((a[at] - b[at]).abs()))
    });
    let mut values: Vec<f64> = differences.collect();
    let noise = quantile(&mut values, 0.25)? / (QUARTER * std::f64::consts::SQRT_2);
    (noise > 0.0).then_some(noise)
}

/// Every local maximum above [`SEEN_SD`] that does not touch the border, at most `most`.
pub fn spots(filtered: &Movie, noise: f64, most: usize) -> Spots {
    let (width, height) = (filtered.width, filtered.height);
    let (mut all, mut first) = (Vec::new(), vec![0]);
    let threshold = (SEEN_SD * noise) as f32;
    for frame in 0..filtered.frames() {
        let image = filtered.frame(frame);
        for y in 1..height - 1 {
            for x in 1..width - 1 {
                let at = y * width + x;
                if image[at] > threshold && all.len() < most && is_peak(image, width, at) {
                    let (dx, dy) = (summit(image, at, 1), summit(image, at, width));
                    all.push(Spot {
                        frame,
                        x_px: x as f64 + dx,
                        y_px: y as f64 + dy,
                        height_sd: f64::from(image[at]) / noise,
                        before: None,
                        after: None,
                    });
                }
            }
        }
        first.push(all.len());
    }
    let mut spots = Spots { all, first };
    (1..filtered.frames()).filter(|&t| filtered.joined(t - 1, 1)).for_each(|t| link(&mut spots, t));
    spots
}

/// Larger than its eight neighbours; of equals the first.
fn is_peak(image: &[f32], width: usize, at: usize) -> bool {
    let here = image[at];
    let before = [at - width - 1, at - width, at - width + 1, at - 1];
    let behind = [at + 1, at + width - 1, at + width, at + width + 1];
    before.iter().all(|&other| image[other] < here) && behind.iter().all(|&other| image[other] <= here)
}

/// The top of the parabola through three values, relative to the middle one.
fn summit(image: &[f32], at: usize, step: usize) -> f64 {
    let [left, here, right] = [image[at - step], image[at], image[at + step]].map(f64::from);
    let bend = left - 2.0 * here + right;
    if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Joins each spot of `frame` with the nearest one of the frame before, if each is the other's nearest.
fn link(spots: &mut Spots, frame: usize) {
    let (old, new) = (spots.first[frame - 1]..spots.first[frame], spots.first[frame]..spots.first[frame + 1]);
    let nearest = |to: &Spot, among: std::ops::Range<usize>| {
        let near = among.map(|at| (at, distance_px(&spots.all[at], to))).filter(|(_, d)| *d <= LINK_PX);
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    };
    let pairs: Vec<(usize, usize)> = new
        .clone()
        .filter_map(|at| {
            let before = nearest(&spots.all[at], old.clone())?;
            (nearest(&spots.all[before], new.clone()) == Some(at)).then_some((before, at))
        })
        .collect();
    for (before, at) in pairs {
        spots.all[before].after = Some(at);
        spots.all[at].before = Some(before);
    }
}
