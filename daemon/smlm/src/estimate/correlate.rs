//! Width and on-time from how the light flickers: no emitter has to be found, so crowding does no harm.
//!
//! Comes in: a movie in counts. Goes out: PSF widths, mean on-time and flicker power, each with its deviation.
//! Never: a constant of the camera; noise is independent from frame to frame and drops out.
//!
//! Flashes start at random and independently. Of the light x_t(r) in frame t the covariance at a lag of k ≥ 1 frames
//! and a shift d is `C(k, d) = S ⟨N²⟩ q^(k−1) τ² (1 − q)² · (h ⋆ h)(d)`, q = e^(−1/τ), with S emitters that shine at a
//! time per pixel, N photons per full frame, exponential on-times of mean τ frames, and the PSF h (Campbell's theorem).
//! Whatever does not change drops out of differences: of `a_t = x_t − x_(t+m)`, `⟨a_t(r) a_(t+1)(r+d)⟩ = 2C(1) − C(m+1) − C(m−1)`,
//! and of `D(k) = ⟨(x_t − x_(t+k))²⟩ / 2 = const − C(k)` the decay with k is that of q^k. The covariance of three
//! frames in a row is `S ⟨N³⟩ q τ² (1 − q)² ∫h³`: per C(2) it is the light of one emitter.

use super::Measured;
use super::gaussian::autocorrelation;
use super::sample::Movie;
use super::shape::Flickering;

/// Shifts along each axis that are looked at, in px.
const REACH_PX: usize = 7;
/// Shifts along the diagonals.
const DIAGONAL_PX: usize = 4;
/// The field is cut into so many bands of rows; leaving out one after the other says how sure the result is.
const BANDS: usize = 8;
/// Lags in frames at which the decay is measured.
const LAGS: [usize; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 24];
/// Frames of a burst, at least.
pub const FRAMES_MIN: usize = 8;

/// The PSF as the flicker shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub shape: Flickering,
    /// 2C(1) − C(m+1) − C(m−1) at no shift, counts².
    amplitude: Measured,
    lag: usize,
}

/// Products of neighbouring differences, summed per band: along x, then along y.
#[derive(Clone, Copy, Default)]
struct Products {
    along_x: [f64; REACH_PX + 1],
    along_y: [f64; REACH_PX + 1],
    /// Along both diagonals, from a shift of one pixel in x and y on; the mean of both.
    diagonal: [f64; DIAGONAL_PX],
    terms: f64,
}

/// Width and strength of the flicker. `None`: too few frames, or nothing that flickers.
pub fn spread(movie: &Movie) -> Option<Spread> {
    if movie.longest_burst() < FRAMES_MIN || movie.width.min(movie.height) < 4 * REACH_PX {
        return None;
    }
    let lag = (movie.longest_burst() / 3).clamp(2, 8);
    let bands = products(movie, lag);
    let whole = fit_widths(&total(&bands, None))?;
    let parts: Vec<[f64; 3]> = (0..BANDS).filter_map(|out| fit_widths(&total(&bands, Some(out)))).collect();
    let sure = |which: usize| jackknife(whole[which], parts.iter().map(|part| part[which]));
    let [sigma_x_px, sigma_y_px, amplitude] = [sure(0), sure(1), sure(2)];
    let cross = jackknife(cross(&total(&bands, None)), (0..BANDS).map(|out| cross(&total(&bands, Some(out)))));
    let seen = amplitude.value > 4.0 * amplitude.sd && parts.len() == BANDS;
    seen.then_some(Spread { shape: Flickering { sigma_x_px, sigma_y_px, cross }, amplitude, lag })
}

impl Spread {
    /// S ⟨N²⟩: light squared per pixel, in counts², for a mean on-time.
    pub fn power(&self, on_time_frames: f64) -> f64 {
        let kept = (-1.0 / on_time_frames).exp();
        let (m, tau) = (self.lag as i32, on_time_frames);
        let first_lag = self.amplitude.value / (2.0 - kept.powi(m) - kept.powi(m - 2));
        let overlap = autocorrelation(0.0, self.shape.sigma_x_px.value) * autocorrelation(0.0, self.shape.sigma_y_px.value);
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

fn products(movie: &Movie, lag: usize) -> [Products; BANDS] {
    let mut bands = [Products::default(); BANDS];
    let (width, height) = (movie.width, movie.height);
    let difference = |t: usize| -> Vec<f32> {
        movie.frame(t).iter().zip(movie.frame(t + lag)).map(|(a, b)| a - b).collect()
    };
    let mut kept: Option<(usize, Vec<f32>)> = None;
    for t in (0..movie.frames()).filter(|&t| movie.joined(t, lag + 1)) {
        let before = kept.take().filter(|(at, _)| *at == t).map_or_else(|| difference(t), |(_, d)| d);
        let after = difference(t + 1);
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
                band.diagonal[d - 1] += 0.5 * (dot(from, right) + dot(here, left));
            }
            band.terms += from.len() as f64;
        }
        kept = Some((t + 1, after));
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

fn total(bands: &[Products; BANDS], without: Option<usize>) -> Products {
    let mut sum = Products::default();
    for (_, band) in bands.iter().enumerate().filter(|(at, _)| Some(*at) != without) {
        for d in 0..=REACH_PX {
            sum.along_x[d] += band.along_x[d];
            sum.along_y[d] += band.along_y[d];
        }
        sum.diagonal.iter_mut().zip(band.diagonal).for_each(|(sum, part)| *sum += part);
        sum.terms += band.terms;
    }
    sum
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

/// What [`Flickering::cross`] says: at each diagonal shift the axes' value at the same distance, interpolated in the square
/// of the distance, less the diagonal's; the mean.
fn cross(sum: &Products) -> f64 {
    let axes = |d: usize| 0.5 * (sum.along_x[d] + sum.along_y[d]);
    let zero = axes(0);
    let more = (1..=DIAGONAL_PX).map(|d| {
        let square = (2 * d * d) as f64;
        let low = square.sqrt() as usize;
        let part = (square - (low * low) as f64) / (2 * low + 1) as f64;
        // Logarithms would be straight lines for a Gaussian, but the values may be below 0 far out.
        let (near, far) = (axes(low).max(0.0), axes(low + 1).max(0.0));
        let between = if far > 0.0 { near.powf(1.0 - part) * far.powf(part) } else { near * (1.0 - part) };
        (between - sum.diagonal[d - 1]) / zero
    });
    more.sum::<f64>() / DIAGONAL_PX as f64
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
pub(super) fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let (mean_x, mean_y) =
        points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / n, sy + y / n));
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in points {
        xx += (x - mean_x).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    (slope, mean_y - slope * mean_x)
}

/// Where `f`, which has one minimum between, is smallest; by golden section.
fn minimum(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
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
fn jackknife(value: f64, parts: impl Iterator<Item = f64>) -> Measured {
    let parts: Vec<f64> = parts.collect();
    let n = parts.len() as f64;
    let mean = parts.iter().sum::<f64>() / n.max(1.0);
    let spread: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
    Measured { value, sd: ((n - 1.0) / n * spread).sqrt() }
}

/// Frames around a frame that do not count for its pixels' means: what they share with it would bias the covariance.
const APART: usize = 12;

/// ⟨N³⟩ / ⟨N²⟩, the light of an emitter in a full frame in counts, from three and two frames.
pub fn brightness(movie: &Movie, shape: &Flickering) -> Option<Measured> {
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
    let overlap = |sigma: f64| cube(sigma) / autocorrelation(0.0, sigma);
    let ratio = |without: Option<usize>| {
        let within = bands.iter().enumerate().filter(|(at, _)| Some(*at) != without);
        let (three, two) = within.fold((0.0, 0.0), |sum, (_, band)| (sum.0 + band.0, sum.1 + band.1));
        three / two / overlap(shape.sigma_x_px.value) / overlap(shape.sigma_y_px.value)
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

/// The sum of the cubes of a pixel-integrated Gaussian's shares along one axis, averaged over its place.
fn cube(sigma_px: f64) -> f64 {
    const STEPS: i32 = 16;
    let mut sum = 0.0;
    for step in 0..STEPS {
        let mut line = [super::gaussian::Share::default(); 41];
        super::gaussian::shares(20.0 + (f64::from(step) + 0.5) / f64::from(STEPS), sigma_px, &mut line);
        sum += line.iter().map(|share| share.part.powi(3)).sum::<f64>();
    }
    sum / f64::from(STEPS)
}

/// Mean on-time from the decay. `filtered`: a movie in which spots stand out of the noise.
pub fn decay(filtered: &Movie) -> Option<Measured> {
    let lags: Vec<usize> = LAGS.into_iter().filter(|lag| 2 * lag < filtered.longest_burst()).collect();
    if lags.len() < 4 {
        return None;
    }
    let bands: Vec<[f64; BANDS]> = lags.iter().map(|&lag| differences(filtered, lag)).collect();
    let kept = |without: Option<usize>| {
        let sum = |band: &[f64; BANDS]| {
            let within = band.iter().enumerate().filter(|(at, _)| Some(*at) != without);
            within.map(|(_, value)| value).sum::<f64>()
        };
        let points: Vec<(f64, f64)> =
            lags.iter().zip(&bands).map(|(&lag, band)| (lag as f64, sum(band))).collect();
        let residual = |on_time: f64| {
            let decayed: Vec<_> = points.iter().map(|(lag, d)| ((-lag / on_time).exp(), *d)).collect();
            let (slope, intercept) = line(&decayed);
            decayed.iter().map(|(e, d)| (d - slope * e - intercept).powi(2)).sum::<f64>()
        };
        // In logarithms: a frame more matters for short times.
        minimum(-1.6, 4.0, |ln| residual(ln.exp())).exp()
    };
    let on_time_frames = jackknife(kept(None), (0..BANDS).map(|out| kept(Some(out))));
    let inside = (0.22..50.0).contains(&on_time_frames.value);
    (inside && on_time_frames.sd < 0.5 * on_time_frames.value).then_some(on_time_frames)
}

/// Mean squared difference at a lag, in each band of rows.
fn differences(movie: &Movie, lag: usize) -> [f64; BANDS] {
    let mut sums = [0.0; BANDS];
    let mut pairs = 0.0;
    for t in (0..movie.frames()).filter(|&t| movie.joined(t, lag)) {
        let rows = movie.frame(t).chunks_exact(movie.width).zip(movie.frame(t + lag).chunks_exact(movie.width));
        for (y, (a, b)) in rows.enumerate() {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
            sums[y * BANDS / movie.height] += f64::from(sum);
        }
        pairs += 1.0;
    }
    sums.map(|sum| sum / (2.0 * pairs * movie.width as f64))
}
