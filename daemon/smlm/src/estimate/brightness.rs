//! Light of an emitter from the covariance of three frames in a row: no emitter has to be found.
//!
//! Comes in: a movie, the shape of the PSF. Goes out: ⟨N³⟩ / ⟨N²⟩ over emitters of N counts per full frame. Never: the
//! background, which drops out.
//!
//! A flash that is seen in frames t and t + 2 fills frame t + 1: `⟨x_t x_(t+1) x_(t+2)⟩ = S ⟨N³⟩ E ∫h³` where
//! `⟨x_t x_(t+2)⟩ = S ⟨N²⟩ E ∫h²` (both as cumulants), with the same share E of frames. Of emitters that shine in one
//! frame, three and two pixels of that frame take the place of frames; they share no noise either.

use super::Measured;
use super::correlate::{BANDS, jackknife};
use super::gaussian::{Share, autocorrelation, shares};
use super::sample::Movie;
use super::shape::Flickering;

/// Frames around a frame that do not count for its pixels' means: what they share with it would bias the covariance.
const APART: usize = 12;

/// ⟨N³⟩ / ⟨N²⟩, the light of an emitter in a full frame in counts, from three and two frames.
pub fn of_emitters(movie: &Movie, shape: &Flickering) -> Option<Measured> {
    if movie.frames() < 4 * APART {
        return None;
    }
    let mut bands = [(0.0, 0.0); BANDS];
    let mut far = FarMean::new(movie);
    for t in (0..movie.frames()).filter(|&t| movie.joined(t, 2)) {
        far.leave_out(movie, t);
        let [a, b, c] = [t, t + 1, t + 2].map(|t| movie.frame(t).chunks_exact(movie.width));
        let means = far.means.chunks_exact(movie.width).zip(far.whole.chunks_exact(movie.width));
        for (y, (((a, b), c), (mean, whole))) in a.zip(b).zip(c).zip(means).enumerate() {
            let (mut three, mut two) = (0.0f32, 0.0f32);
            for (((a, b), c), (mean, whole)) in a.iter().zip(b).zip(c).zip(mean.iter().zip(whole)) {
                three += (a - mean) * (b - mean) * (c - mean);
                // The chance by which the far frames are bright would come in squared: another mean for one of both.
                two += (a - mean) * (c - whole);
            }
            let band = &mut bands[y * BANDS / movie.height];
            *band = (band.0 + f64::from(three), band.1 + f64::from(two));
        }
    }
    let overlap = |sigma: f64| triple(0, sigma) / autocorrelation(0.0, sigma);
    ratio_of(&bands, overlap(shape.sigma_x_px.value) * overlap(shape.sigma_y_px.value))
}

/// As [`of_emitters`], of emitters that shine in one frame: from a pixel, its right and its lower neighbour.
pub fn of_fleeting(movie: &Movie, shape: &Flickering) -> Option<Measured> {
    if movie.frames() < 4 * APART {
        return None;
    }
    let mut bands = [(0.0, 0.0); BANDS];
    let mut far = FarMean::new(movie);
    let width = movie.width;
    for t in 0..movie.frames() {
        far.leave_out(movie, t);
        let (image, mean, whole) = (movie.frame(t), &far.means, &far.whole);
        for y in 0..movie.height - 1 {
            let (mut three, mut two) = (0.0f32, 0.0f32);
            for here in y * width..(y + 1) * width - 1 {
                let (right, below) = (here + 1, here + width);
                let light = image[here] - mean[here];
                three += light * (image[right] - mean[right]) * (image[below] - mean[below]);
                two += light * 0.5 * (image[right] - whole[right] + image[below] - whole[below]);
            }
            let band = &mut bands[y * BANDS / movie.height];
            *band = (band.0 + f64::from(three), band.1 + f64::from(two));
        }
    }
    let (x, y) = (shape.sigma_x_px.value, shape.sigma_y_px.value);
    let pairs = [(1.0, 0.0), (0.0, 1.0)].map(|(dx, dy)| autocorrelation(dx, x) * autocorrelation(dy, y));
    ratio_of(&bands, triple(1, x) * triple(1, y) / f64::midpoint(pairs[0], pairs[1]))
}

/// Sums of three and two factors per band, and what one emitter of one count gives of them.
fn ratio_of(bands: &[(f64, f64); BANDS], overlap: f64) -> Option<Measured> {
    let ratio = |without: Option<usize>| {
        let within = bands.iter().enumerate().filter(|(at, _)| Some(*at) != without);
        let (three, two) = within.fold((0.0, 0.0), |sum, (_, band)| (sum.0 + band.0, sum.1 + band.1));
        three / two / overlap
    };
    let found = jackknife(ratio(None), (0..BANDS).map(|out| ratio(Some(out))));
    (found.value > 3.0 * found.sd).then_some(found)
}

/// Mean of each pixel over the frames that are far from one frame.
struct FarMean {
    sums: Vec<f32>,
    left_out: std::ops::Range<usize>,
    means: Vec<f32>,
    /// Over all frames.
    whole: Vec<f32>,
}

impl FarMean {
    fn new(movie: &Movie) -> Self {
        let mut sums = vec![0.0; movie.pixels()];
        (0..movie.frames()).for_each(|t| add(&mut sums, movie.frame(t), 1.0));
        let whole: Vec<f32> = sums.iter().map(|sum| sum / movie.frames() as f32).collect();
        Self { means: whole.clone(), sums, left_out: 0..0, whole }
    }

    /// For frames in their order.
    fn leave_out(&mut self, movie: &Movie, frame: usize) {
        let wanted = frame.saturating_sub(APART)..(frame + 2 + APART).min(movie.frames());
        (self.left_out.end..wanted.end).for_each(|t| add(&mut self.sums, movie.frame(t), -1.0));
        (self.left_out.start..wanted.start).for_each(|t| add(&mut self.sums, movie.frame(t), 1.0));
        let frames = (movie.frames() - wanted.len()) as f32;
        self.means.iter_mut().zip(&self.sums).for_each(|(mean, sum)| *mean = sum / frames);
        self.left_out = wanted;
    }
}

fn add(sums: &mut [f32], frame: &[f32], sign: f32) {
    sums.iter_mut().zip(frame).for_each(|(sum, value)| *sum += sign * value);
}

/// The sum over pixels of the squared share of a Gaussian times that of the pixel `aside` further on, along one axis,
/// averaged over its place.
fn triple(aside: usize, sigma_px: f64) -> f64 {
    const STEPS: i32 = 16;
    let mut sum = 0.0;
    for step in 0..STEPS {
        let mut line = [Share::default(); 41];
        shares(20.0 + (f64::from(step) + 0.5) / f64::from(STEPS), sigma_px, &mut line);
        sum += line.iter().zip(&line[aside..]).map(|(a, b)| a.part.powi(2) * b.part).sum::<f64>();
    }
    sum / f64::from(STEPS)
}
