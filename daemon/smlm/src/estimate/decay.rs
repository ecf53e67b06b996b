//! Mean on-time from how the flicker decays.
//!
//! Comes in: a filtered movie. Goes out: the mean of the exponential on-time, with its deviation. Never: a track; in a
//! crowd these break.
//!
//! Of light that flashes as [`super::correlate`] says, `D(k) = ⟨(x_t − x_(t+k))²⟩ / 2 = const − C(k)` grows with the lag
//! k ≥ 1 as `const − e^(−k/τ)`, whatever stands still and however bright and crowded the emitters are.

use super::Measured;
use super::correlate::{BANDS, jackknife, line, minimum};
use super::sample::Movie;

/// Lags in frames at which the decay is measured.
const LAGS: [usize; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 24];
/// Mean on-time. `filtered`: a movie in which spots stand out of the noise.
pub fn on_time(filtered: &Movie) -> Option<Measured> {
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
        let rows =
            movie.frame(t).chunks_exact(movie.width).zip(movie.frame(t + lag).chunks_exact(movie.width));
        for (y, (a, b)) in rows.enumerate() {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
            sums[y * BANDS / movie.height] += f64::from(sum);
        }
        pairs += 1.0;
    }
    sums.map(|sum| sum / (2.0 * pairs * movie.width as f64))
}
