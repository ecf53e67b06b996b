//! The fit of one spot: an elliptic Gaussian, integrated over pixels, on an even background.
//!
//! Comes in: a square of pixels in counts and how noise grows with light. Goes out: place, light, background and two
//! widths, with their deviations and how well they describe the pixels. Never: a second emitter.
//!
//! Maximum likelihood by Levenberg–Marquardt (Laurence and Chromy 2010) with `μ = light · Gx · Gy + background`. Counts
//! are shifted and scaled so that variance equals mean, as read noise and gain of a camera allow (Huang et al. 2013);
//! then they are taken for Poisson counts.

use super::gaussian::{Share, shares};

const UNKNOWNS: usize = 6;
type Matrix = [[f64; UNKNOWNS]; UNKNOWNS];
const MAX_SIDE: usize = 17;
const STEPS: usize = 30;

/// How the variance of a pixel, in counts², grows with its counts: `variance + slope · (counts − level)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseLine {
    pub level: f64,
    pub variance: f64,
    pub slope: f64,
}

impl NoiseLine {
    pub fn at(&self, counts: f64) -> f64 {
        (self.variance + self.slope * (counts - self.level)).max(0.3 * self.variance)
    }

    /// Counts as a number whose variance is itself.
    fn poisson(&self, counts: f64) -> f64 {
        (self.variance + self.slope * (counts - self.level)) / (self.slope * self.slope)
    }
}

/// A fitted spot. Positions are within the square, pixel centres at integers from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub x_px: f64,
    pub y_px: f64,
    /// Counts above the background, summed.
    pub light: f64,
    pub background: f64,
    pub sigma_x_px: f64,
    pub sigma_y_px: f64,
    pub light_sd: f64,
    /// Relative, of the mean of both widths.
    pub sigma_sd: f64,
    /// Of ln(σx / σy).
    pub elongation_sd: f64,
    /// χ² per degree of freedom: 1 where one Gaussian describes all.
    pub misfit: f64,
}

/// Fits `pixels` (`side`² counts, row-major). `sigma_px`: where to begin. `None`: it does not settle on a spot.
pub fn fit(pixels: &[f64], side: usize, sigma_px: f64, noise: &NoiseLine) -> Option<Fit> {
    debug_assert!(side <= MAX_SIDE && pixels.len() == side * side);
    let mut at = start(pixels, side, sigma_px);
    let (mut cost, mut normal, mut slope) = system(pixels, side, &at, noise);
    let mut damping = 1e-2;
    for _ in 0..STEPS {
        let mut damped = normal;
        (0..UNKNOWNS).for_each(|i| damped[i][i] *= 1.0 + damping);
        let Some(step) = solve(&damped, &slope) else {
            damping *= 10.0;
            continue;
        };
        let mut next = at;
        next.iter_mut().zip(step).for_each(|(value, change)| *value += change);
        let better = plausible(&next, side).then(|| system(pixels, side, &next, noise));
        match better.filter(|(c, _, _)| *c < cost) {
            Some((c, n, s)) => {
                let settled = cost - c < 1e-4;
                (at, cost, normal, slope) = (next, c, n, s);
                damping = (damping * 0.2).max(1e-7);
                if settled {
                    break;
                }
            }
            None if damping > 1e6 => break,
            None => damping *= 6.0,
        }
    }
    result(pixels, side, &at, noise)
}

/// x, y, light, background, σx, σy.
type Unknowns = [f64; UNKNOWNS];

fn start(pixels: &[f64], side: usize, sigma_px: f64) -> Unknowns {
    let border = (0..side).flat_map(|i| [i, (side - 1) * side + i, i * side, i * side + side - 1]);
    let mut rim: Vec<f64> = border.map(|at| pixels[at]).collect();
    let background = crate::order::quantile(&mut rim, 0.4).unwrap_or(0.0);
    let middle = (side / 2) as f64;
    let peak = pixels[side / 2 * side + side / 2] - background;
    let light = (peak * std::f64::consts::TAU * sigma_px * sigma_px).max(1.0);
    [middle, middle, light, background, sigma_px, sigma_px]
}

fn plausible(at: &Unknowns, side: usize) -> bool {
    let [x, y, light, _, sigma_x, sigma_y] = *at;
    let inside = |v: f64| (1.0..=side as f64 - 2.0).contains(&v);
    let width = |s: f64| (0.35..=side as f64 / 2.0).contains(&s);
    inside(x) && inside(y) && light > 0.0 && width(sigma_x) && width(sigma_y)
}

/// Deviance, the lower half of Fisher's matrix, and right-hand side.
fn system(pixels: &[f64], side: usize, at: &Unknowns, noise: &NoiseLine) -> (f64, Matrix, Unknowns) {
    let [x, y, light, background, sigma_x, sigma_y] = *at;
    let (mut across, mut down) = ([Share::default(); MAX_SIDE], [Share::default(); MAX_SIDE]);
    shares(x, sigma_x, &mut across[..side]);
    shares(y, sigma_y, &mut down[..side]);
    let (mut cost, mut normal, mut slope) = (0.0, [[0.0; UNKNOWNS]; UNKNOWNS], [0.0; UNKNOWNS]);
    for (row, v) in pixels.chunks_exact(side).zip(&down) {
        for (pixel, u) in row.iter().zip(&across) {
            let share = u.part * v.part;
            let model = light * share + background;
            let weight = 1.0 / noise.at(model);
            let left = pixel - model;
            let by = [
                light * u.by_centre * v.part,
                light * u.part * v.by_centre,
                share,
                1.0,
                light * u.by_sigma * v.part,
                light * u.part * v.by_sigma,
            ];
            let (seen, expected) = (noise.poisson(*pixel).max(0.0), noise.poisson(model).max(1e-3));
            cost += 2.0 * (expected - seen + if seen > 0.0 { seen * (seen / expected).ln() } else { 0.0 });
            for i in 0..UNKNOWNS {
                slope[i] += weight * left * by[i];
                for j in 0..=i {
                    normal[i][j] += weight * by[i] * by[j];
                }
            }
        }
    }
    (cost, normal, slope)
}

/// By Cholesky's decomposition, from the lower half. `None`: not positive definite.
fn solve(matrix: &Matrix, right: &Unknowns) -> Option<Unknowns> {
    let mut lower = [[0.0; UNKNOWNS]; UNKNOWNS];
    for i in 0..UNKNOWNS {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - known;
            lower[i][j] = if i == j { (rest > 0.0).then(|| rest.sqrt())? } else { rest / lower[j][j] };
        }
    }
    let mut x = *right;
    for i in 0..UNKNOWNS {
        let known: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i][i];
    }
    for i in (0..UNKNOWNS).rev() {
        let known: f64 = (i + 1..UNKNOWNS).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i][i];
    }
    Some(x)
}

fn result(pixels: &[f64], side: usize, at: &Unknowns, noise: &NoiseLine) -> Option<Fit> {
    let (_, normal, _) = system(pixels, side, at, noise);
    let unit = |i: usize| std::array::from_fn(|j| f64::from(u8::from(i == j)));
    let column = |i: usize| solve(&normal, &unit(i));
    let (light, sx, sy) = (column(2)?, column(4)?, column(5)?);
    let [x_px, y_px, light_counts, background, sigma_x_px, sigma_y_px] = *at;
    let (var_x, var_y) = (sx[4] / sigma_x_px.powi(2), sy[5] / sigma_y_px.powi(2));
    let both = sx[5] / (sigma_x_px * sigma_y_px);
    let fit = Fit {
        x_px,
        y_px,
        light: light_counts,
        background,
        sigma_x_px,
        sigma_y_px,
        light_sd: light[2].sqrt(),
        sigma_sd: (0.25 * (var_x + var_y + 2.0 * both)).max(0.0).sqrt(),
        elongation_sd: (var_x + var_y - 2.0 * both).max(0.0).sqrt(),
        misfit: misfit(pixels, side, at, noise),
    };
    [fit.light_sd, fit.misfit, fit.sigma_sd].iter().all(|value| value.is_finite()).then_some(fit)
}

fn misfit(pixels: &[f64], side: usize, at: &Unknowns, noise: &NoiseLine) -> f64 {
    let [x, y, light, background, sigma_x, sigma_y] = *at;
    let (mut across, mut down) = ([Share::default(); MAX_SIDE], [Share::default(); MAX_SIDE]);
    shares(x, sigma_x, &mut across[..side]);
    shares(y, sigma_y, &mut down[..side]);
    let mut sum = 0.0;
    for (row, v) in pixels.chunks_exact(side).zip(&down) {
        for (pixel, u) in row.iter().zip(&across) {
            let model = light * u.part * v.part + background;
            sum += (pixel - model).powi(2) / noise.at(model);
        }
    }
    sum / (pixels.len() - UNKNOWNS) as f64
}

/// Light and its deviation of a spot whose place is that of `fit` and whose width is known: least squares, weighted.
pub fn photometry(
    pixels: &[f64],
    side: usize,
    fit: &Fit,
    sigma_px: f64,
    noise: &NoiseLine,
) -> Option<(f64, f64)> {
    let (mut across, mut down) = ([Share::default(); MAX_SIDE], [Share::default(); MAX_SIDE]);
    shares(fit.x_px, sigma_px, &mut across[..side]);
    shares(fit.y_px, sigma_px, &mut down[..side]);
    let (mut ss, mut s1, mut n, mut sd, mut d1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (row, v) in pixels.chunks_exact(side).zip(&down) {
        for (pixel, u) in row.iter().zip(&across) {
            let share = u.part * v.part;
            let weight = 1.0 / noise.at(fit.light * share + fit.background);
            ss += weight * share * share;
            s1 += weight * share;
            n += weight;
            sd += weight * share * pixel;
            d1 += weight * pixel;
        }
    }
    let determinant = ss * n - s1 * s1;
    (determinant > 0.0).then(|| ((sd * n - s1 * d1) / determinant, (n / determinant).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 11;
    const NOISE: NoiseLine = NoiseLine { level: 100.0, variance: 40.0, slope: 2.0 };

    fn spot(sigma_x: f64, sigma_y: f64) -> Vec<f64> {
        let (mut across, mut down) = ([Share::default(); SIDE], [Share::default(); SIDE]);
        shares(5.3, sigma_x, &mut across);
        shares(4.8, sigma_y, &mut down);
        down.iter().flat_map(|v| across.iter().map(|u| 100.0 + 3000.0 * u.part * v.part)).collect()
    }

    #[test]
    fn a_spot_without_noise_is_found_exactly() {
        let fit = fit(&spot(1.2, 1.9), SIDE, 1.5, &NOISE).unwrap();
        let found = [fit.x_px, fit.y_px, fit.light, fit.background, fit.sigma_x_px, fit.sigma_y_px];
        for (found, truth) in found.into_iter().zip([5.3, 4.8, 3000.0, 100.0, 1.2, 1.9]) {
            assert!((found / truth - 1.0).abs() < 1e-3, "{found}, not {truth}: {fit:?}");
        }
        assert!(fit.misfit < 1e-3, "{fit:?}");
    }

    #[test]
    fn two_emitters_do_not_pass_for_one() {
        let other = spot(1.2, 1.2);
        let both: Vec<f64> = spot(1.2, 1.2)
            .iter()
            .enumerate()
            .map(|(at, value)| value + if at % SIDE >= 3 { other[at - 3] - 100.0 } else { 0.0 })
            .collect();
        let misfit = fit(&both, SIDE, 1.2, &NOISE).map_or(f64::INFINITY, |fit| fit.misfit);
        assert!(misfit > 0.3, "{misfit} of what noise alone leaves");
    }

    #[test]
    fn a_known_width_gives_the_light_and_less_of_its_noise() {
        let pixels = spot(1.4, 1.4);
        let free = fit(&pixels, SIDE, 1.4, &NOISE).unwrap();
        let (light, sd) = photometry(&pixels, SIDE, &free, 1.4, &NOISE).unwrap();
        assert!((light / 3000.0 - 1.0).abs() < 1e-3 && sd < free.light_sd, "{light} {sd} {free:?}");
    }

    #[test]
    fn what_is_flat_is_no_spot() {
        let found = fit(&[100.0; SIDE * SIDE], SIDE, 1.3, &NOISE);
        assert!(found.is_none_or(|fit| fit.light < 0.5 * fit.light_sd), "{found:?}");
    }
}
