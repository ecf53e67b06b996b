//! The PSF from how the light flickers: no emitter has to be found, so crowding does no harm.
//!
//! Comes in: a movie in counts. Goes out: PSF widths, shape and the power of the flicker, each with its deviation. Never:
//! a constant of the camera; noise is independent from frame to frame and pixel to pixel and drops out.
//!
//! Flashes start at random and independently. Of the light x_t(r) in frame t the covariance at a lag of k ≥ 1 frames
//! and a shift d is `C(k, d) = S ⟨N²⟩ q^(k−1) τ² (1 − q)² · (h ⋆ h)(d)`, q = e^(−1/τ), with S emitters that shine at a
//! time per pixel, N photons per full frame, exponential on-times of mean τ frames, and the PSF h (Campbell's theorem).
//! Whatever does not change drops out of differences: of `a_t = x_t − x_(t+m)`,
//! `⟨a_t(r) a_(t+1)(r+d)⟩ = 2C(1) − C(m+1) − C(m−1)`. Where emitters do not last from one frame to the next,
//! `⟨a_t(r) a_t(r+d)⟩ = 2C(0)` takes its place, without d = 0, where the noise is.

use super::Measured;
use super::gaussian::autocorrelation;
use super::sample::Movie;
use super::shape::Flickering;

/// Shifts along each axis that are looked at, in px.
const REACH_PX: usize = 7;
/// Shifts along the diagonals.
const DIAGONAL_PX: usize = 4;
/// The field is cut into so many bands of rows; leaving out one after the other says how sure the result is.
pub const BANDS: usize = 8;
/// Frames of a burst, at least.
pub const FRAMES_MIN: usize = 8;

/// The PSF as the flicker shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub shape: Flickering,
    /// Emitters do not last from one frame to the next.
    pub fleeting: bool,
    /// 2C(1) − C(m+1) − C(m−1) at no shift, counts²; of fleeting emitters 2C(0).
    amplitude: Measured,
    lag: usize,
}

/// Products of neighbouring differences, summed per band.
#[derive(Clone, Copy, Default)]
struct Products {
    along_x: [f64; REACH_PX + 1],
    along_y: [f64; REACH_PX + 1],
    /// Along both diagonals, from a shift of one pixel in x and y on.
    falling: [f64; DIAGONAL_PX],
    rising: [f64; DIAGONAL_PX],
    terms: f64,
}

/// Width and strength of the flicker. `None`: too few frames, or nothing that flickers.
pub fn spread(movie: &Movie) -> Option<Spread> {
    if movie.longest_burst() < FRAMES_MIN || movie.width.min(movie.height) < 4 * REACH_PX {
        return None;
    }
    let lag = (movie.longest_burst() / 3).clamp(2, 8);
    let lasting = Bands::new(movie, lag, 1);
    if let Some((shape, amplitude)) = lasting.fit() {
        return Some(Spread { shape, fleeting: false, amplitude, lag });
    }
    let (shape, amplitude) = Bands::new(movie, lag, 0).fit()?;
    let next = lasting.at_no_shift();
    let fleeting = next.value + 3.0 * next.sd < 0.1 * amplitude.value;
    fleeting.then_some(Spread { shape, fleeting, amplitude, lag })
}

impl Spread {
    /// S ⟨N²⟩: light squared per pixel, in counts², for a mean on-time, which fleeting emitters do not need.
    pub fn power(&self, on_time_frames: f64) -> f64 {
        let widths = [self.shape.sigma_x_px, self.shape.sigma_y_px];
        let overlap: f64 = widths.map(|sigma| autocorrelation(0.0, sigma.value)).iter().product();
        if self.fleeting {
            return self.amplitude.value / (2.0 * overlap);
        }
        let kept = (-1.0 / on_time_frames).exp();
        let (m, tau) = (self.lag as i32, on_time_frames);
        let first_lag = self.amplitude.value / (2.0 - kept.powi(m) - kept.powi(m - 2));
        first_lag / (overlap * (tau * (1.0 - kept)).powi(2))
    }

    /// Relative deviation of the power, from band to band.
    pub fn power_relative_sd(&self) -> f64 {
        self.amplitude.sd / self.amplitude.value
    }

    pub fn sigma_px(&self) -> f64 {
        (self.shape.sigma_x_px.value * self.shape.sigma_y_px.value).sqrt()
    }
}

/// Products of all bands, and of all but one.
struct Bands([Products; BANDS]);

impl Bands {
    fn new(movie: &Movie, lag: usize, step: usize) -> Self {
        let mut bands = products(movie, lag, step);
        if step == 0 {
            bands.iter_mut().for_each(Products::without_noise);
        }
        Self(bands)
    }

    fn total(&self, without: Option<usize>) -> Products {
        let mut sum = Products::default();
        for (_, band) in self.0.iter().enumerate().filter(|(at, _)| Some(*at) != without) {
            let pairs =
                sum.along_x.iter_mut().zip(band.along_x).chain(sum.along_y.iter_mut().zip(band.along_y));
            let diagonals =
                sum.falling.iter_mut().zip(band.falling).chain(sum.rising.iter_mut().zip(band.rising));
            pairs.chain(diagonals).for_each(|(sum, part)| *sum += part);
            sum.terms += band.terms;
        }
        sum
    }

    /// What `of` says of all, and how sure that is.
    fn measured(&self, of: impl Fn(&Products) -> f64) -> Measured {
        jackknife(of(&self.total(None)), (0..BANDS).map(|out| of(&self.total(Some(out)))))
    }

    fn at_no_shift(&self) -> Measured {
        self.measured(|sum| sum.along_x[0] / sum.terms.max(1.0))
    }

    fn fit(&self) -> Option<(Flickering, Measured)> {
        let whole = fit_widths(&self.total(None))?;
        let parts: Vec<[f64; 3]> = (0..BANDS).filter_map(|out| fit_widths(&self.total(Some(out)))).collect();
        let sure = |which: usize| jackknife(whole[which], parts.iter().map(|part| part[which]));
        let [sigma_x_px, sigma_y_px, amplitude] = [sure(0), sure(1), sure(2)];
        let cross = self.measured(Products::cross);
        let slanted = self.measured(Products::slanted).value;
        let seen = amplitude.value > 4.0 * amplitude.sd && parts.len() == BANDS;
        seen.then_some((Flickering { sigma_x_px, sigma_y_px, cross, slanted }, amplitude))
    }
}

impl Products {
    /// Puts in place of what noise adds at no shift what the next two shifts lead to, as a Gaussian.
    fn without_noise(&mut self) {
        for line in [&mut self.along_x, &mut self.along_y] {
            let [one, two] = [line[1].max(0.0), line[2].max(0.0)];
            line[0] = if two > 0.0 { one * (one / two).powf(1.0 / 3.0) } else { one };
        }
    }

    fn axes(&self, d: usize) -> f64 {
        0.5 * (self.along_x[d] + self.along_y[d])
    }

    /// What [`Flickering::cross`] says: at each diagonal shift the axes' value at the same distance, interpolated in the
    /// square of the distance, less the diagonals'; the mean.
    fn cross(&self) -> f64 {
        let more = (1..=DIAGONAL_PX).map(|d| {
            let square = (2 * d * d) as f64;
            let low = square.sqrt() as usize;
            let part = (square - (low * low) as f64) / (2 * low + 1) as f64;
            // Logarithms would be straight lines for a Gaussian, but the values may be below 0 far out.
            let (near, far) = (self.axes(low).max(0.0), self.axes(low + 1).max(0.0));
            let between =
                if far > 0.0 { near.powf(1.0 - part) * far.powf(part) } else { near * (1.0 - part) };
            between - 0.5 * (self.falling[d - 1] + self.rising[d - 1])
        });
        more.sum::<f64>() / (DIAGONAL_PX as f64 * self.axes(0))
    }

    /// What [`Flickering::slanted`] says.
    fn slanted(&self) -> f64 {
        let both = self.falling.iter().zip(self.rising);
        both.map(|(falling, rising)| falling - rising).sum::<f64>() / (DIAGONAL_PX as f64 * self.axes(0))
    }
}

/// `step`: frames between both factors, 0 or 1.
fn products(movie: &Movie, lag: usize, step: usize) -> [Products; BANDS] {
    let mut bands = [Products::default(); BANDS];
    let (width, height) = (movie.width, movie.height);
    let difference = |t: usize| -> Vec<f32> {
        movie.frame(t).iter().zip(movie.frame(t + lag)).map(|(a, b)| a - b).collect()
    };
    let mut kept: Option<(usize, Vec<f32>)> = None;
    for t in (0..movie.frames()).filter(|&t| movie.joined(t, lag + step)) {
        let before = kept.take().filter(|(at, _)| *at == t).map_or_else(|| difference(t), |(_, d)| d);
        let after = difference(t + step);
        // Of every line the same pixels at each shift, so that all shifts share what chance brought.
        for y in 0..height - REACH_PX {
            let band = &mut bands[y * BANDS / height];
            let from = &before[y * width..(y + 1) * width - REACH_PX];
            for d in 0..=REACH_PX {
                let right = &after[y * width + d..(y + 1) * width - REACH_PX + d];
                band.along_x[d] += dot(from, right);
                let below = &after[(y + d) * width..(y + d + 1) * width - REACH_PX];
                band.along_y[d] += dot(from, below);
            }
            for d in 1..=DIAGONAL_PX {
                let here = &before[y * width + d..(y + 1) * width - REACH_PX + d];
                let right = &after[(y + d) * width + d..(y + d + 1) * width - REACH_PX + d];
                let left = &after[(y + d) * width..(y + d + 1) * width - REACH_PX];
                band.falling[d - 1] += dot(from, right);
                band.rising[d - 1] += dot(here, left);
            }
            band.terms += from.len() as f64;
        }
        kept = Some((t + step, after));
    }
    bands
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    // In eights: the sums are short, and the compiler makes vectors of them.
    let mut sums = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    f64::from(sums.iter().sum::<f32>() + rest)
}

/// σx, σy and the amplitude at no shift, above a pedestal that anything broad leaves.
fn fit_widths(sum: &Products) -> Option<[f64; 3]> {
    if sum.terms <= 0.0 || sum.along_x[0] <= 0.0 {
        return None;
    }
    let (mut sigma_x, mut sigma_y) = (1.3, 1.3);
    for _ in 0..12 {
        sigma_x = minimum(0.4, 5.0, |sigma| linear(sum, sigma, sigma_y).0);
        sigma_y = minimum(0.4, 5.0, |sigma| linear(sum, sigma_x, sigma).0);
    }
    let (_, amplitude) = linear(sum, sigma_x, sigma_y);
    let inside = |sigma: f64| (0.42..4.9).contains(&sigma);
    (inside(sigma_x) && inside(sigma_y)).then_some([sigma_x, sigma_y, amplitude / sum.terms])
}

/// Squared residual and amplitude of the best `amplitude · shape + pedestal` for given widths.
fn linear(sum: &Products, sigma_x: f64, sigma_y: f64) -> (f64, f64) {
    let ratio = |d: usize, sigma: f64| autocorrelation(d as f64, sigma) / autocorrelation(0.0, sigma);
    let x = (0..=REACH_PX).map(|d| (ratio(d, sigma_x), sum.along_x[d]));
    let y = (0..=REACH_PX).map(|d| (ratio(d, sigma_y), sum.along_y[d]));
    let points: Vec<(f64, f64)> = x.chain(y).collect();
    let (slope, intercept) = line(&points);
    let residual = points.iter().map(|(s, v)| (v - slope * s - intercept).powi(2)).sum();
    (residual, slope)
}

/// Least squares: slope and intercept.
pub fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in points {
        xx += (x - mean_x).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    (slope, mean_y - slope * mean_x)
}

/// Where `f`, which has one minimum between, is smallest; by golden section.
pub fn minimum(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let (mut a, mut b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    for _ in 0..28 {
        if fa < fb {
            (high, b, fb) = (b, a, fa);
            a = high - GOLDEN * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + GOLDEN * (high - low);
            fb = f(b);
        }
    }
    f64::midpoint(low, high)
}

/// The deviation of a result from what it is without one band after the other.
pub fn jackknife(value: f64, parts: impl Iterator<Item = f64>) -> Measured {
    let parts: Vec<f64> = parts.collect();
    let n = parts.len() as f64;
    let mean = parts.iter().sum::<f64>() / n.max(1.0);
    let spread: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
    Measured { value, sd: ((n - 1.0) / n * spread).sqrt() }
}
