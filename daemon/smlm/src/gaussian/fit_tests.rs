//! The fit against the Cramér–Rao bound, on spots with simulated noise.

use std::iter;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::crlb::{Spot as Known, Width, crlb};
use crate::gaussian::profile::Profile;

const SIDE: usize = 7;
const HOW: How = How { outline: Outline::Round, radius_px: 3, sigma_px: 1.3, noise: Noise::IDEAL };
const PEAK: Peak = Peak { column: 3, row: 3, dx_px: 0.0, dy_px: 0.0 };

/// Exact for small means, by waiting times; rounded normal above, where the difference is below 0.3 % of the noise.
fn poisson(mean: f32, dice: &mut StdRng) -> f32 {
    let mut uniform = || 1.0 - dice.random::<f64>();
    if mean > 300.0 {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        return (f64::from(mean) + f64::from(mean).sqrt() * normal).round().max(0.0) as f32;
    }
    let (mut count, mut time) = (0.0, -uniform().ln());
    while time < f64::from(mean) {
        count += 1.0;
        time -= uniform().ln();
    }
    count
}

fn image(spot: &Spot, dice: &mut StdRng) -> Vec<f32> {
    let (x, y) =
        (Profile::<8>::new(spot.x, spot.sigma_x, SIDE), Profile::<8>::new(spot.y, spot.sigma_y, SIDE));
    let mean = |row: usize, column: usize| spot.light * x.part[column] * y.part[row] + spot.background;
    (0..SIDE * SIDE).map(|at| poisson(mean(at / SIDE, at % SIDE), dice)).collect()
}

/// What many fits of one spot at many places gave.
#[derive(Default)]
struct Errors {
    /// Of x, y, photons, background, σ_x, σ_y, in units of what each fit said.
    z_scores: Vec<[f64; UNKNOWNS]>,
    x_px: Vec<f64>,
    deviance: Vec<f64>,
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

fn errors(photons: f32, background: f32, sigmas: [f32; 2], how: &How, spots: usize) -> Errors {
    let mut dice = StdRng::seed_from_u64(17);
    let mut errors = Errors::default();
    for _ in 0..spots {
        let place = |dice: &mut StdRng| 3.0 + dice.random_range(-0.5..0.5f32);
        let truth = Spot {
            x: place(&mut dice),
            y: place(&mut dice),
            light: photons,
            background,
            sigma_x: sigmas[0],
            sigma_y: sigmas[1],
        };
        let fit =
            fit(&image(&truth, &mut dice), SIDE, &PEAK, how, iter::empty()).expect("every spot settles");
        let found = [fit.x_px, fit.y_px, fit.photons, fit.background, fit.sigma_x_px, fit.sigma_y_px];
        let truth = [truth.x, truth.y, photons, background, sigmas[0], sigmas[1]].map(f64::from);
        let score = |i: usize| (found[i] - truth[i]) / fit.covariance[i][i].sqrt();
        errors.z_scores.push(std::array::from_fn(score));
        errors.x_px.push(fit.x_px - truth[0]);
        errors.deviance.push(fit.deviance);
    }
    errors
}

const SPOTS: usize = 6000;

/// Biases below 4 standard errors (or a small part of a deviation), spreads as said within 5 %: 6000 spots know a
/// spread to 0.9 %.
fn judge(errors: &Errors, photons: f32, parts: f64) {
    for i in 0..UNKNOWNS {
        let scores = || errors.z_scores.iter().map(|scores| scores[i]);
        let bias = mean(scores());
        let spread = mean(scores().map(|score| (score - bias).powi(2))).sqrt();
        assert!(bias.abs() < parts, "{photons}: unknown {i} is off by {bias} of its deviation");
        assert!((spread - 1.0).abs() < 0.05, "{photons}: unknown {i} varies {spread} times what is said");
    }
}

#[test]
fn round_spots_reach_the_bound() {
    for (photons, background) in [(500.0, 5.0), (1000.0, 10.0), (5000.0, 30.0)] {
        let errors = errors(photons, background, [1.3, 1.3], &HOW, SPOTS);
        // Widths of dim spots are skewed: their mean is off by a part of a deviation that falls with 1/√photons.
        judge(&errors, photons, 0.05 + 2.5 / f64::from(photons).sqrt());
        let x_bias = mean(errors.x_px.iter().copied());
        let rmse = mean(errors.x_px.iter().map(|x| x * x)).sqrt();
        let width = Width { sigma_px: 1.3, slope_px_per_nm: 0.0 };
        let bound = |x_px: f64, y_px: f64| {
            let known = Known {
                x_px,
                y_px,
                side_px: SIDE as u32,
                x: width,
                y: width,
                ..Known::ideal(1.3, f64::from(photons), f64::from(background))
            };
            crlb(&known).unwrap().sigma_x_px.powi(2)
        };
        let grid = (0..25).map(|i| (f64::from(i % 5) * 0.2 + 2.6, f64::from(i / 5) * 0.2 + 2.6));
        let best = mean(grid.map(|(x, y)| bound(x, y))).sqrt();
        println!("{photons} photons: rmse {rmse:.5} px, bound {best:.5} px, bias {x_bias:.6} px");
        assert!((rmse / best - 1.0).abs() < 0.05, "{photons}: {rmse} px where {best} px can be");
        assert!(x_bias.abs() < 4.0 * best / (SPOTS as f64).sqrt(), "{photons}: off by {x_bias} px");
        let deviance = mean(errors.deviance.iter().copied());
        assert!((deviance - 1.0).abs() < 0.05, "{photons}: {deviance}");
    }
}

#[test]
fn elliptic_spots_vary_as_said() {
    let how = How { outline: Outline::Elliptic, ..HOW };
    for photons in [1000.0, 5000.0] {
        let errors = errors(photons, 10.0, [1.1, 1.5], &how, SPOTS);
        judge(&errors, photons, 0.05 + 2.5 / f64::from(photons).sqrt());
    }
}

#[test]
fn a_camera_that_multiplies_electrons_and_reads_with_noise_is_told_so() {
    // Variance 2 μ / qe + floor, as a normal distribution has it: it is the variance that counts.
    let noise = Noise { per_photon: 2.2, floor: 3.0 };
    let how = How { noise, ..HOW };
    let mut dice = StdRng::seed_from_u64(5);
    let (mut scores, mut photons) = (Vec::new(), Vec::new());
    for _ in 0..3000 {
        let x = 3.0 + dice.random_range(-0.5..0.5f32);
        let truth = Spot { x, y: 3.0, light: 3000.0, background: 30.0, sigma_x: 1.3, sigma_y: 1.3 };
        let counts =
            Spot { light: truth.light / 2.2, background: (truth.background + 3.0 / 2.2) / 2.2, ..truth };
        let seen: Vec<f32> = image(&counts, &mut dice).iter().map(|count| count * 2.2 - 3.0 / 2.2).collect();
        let fit = fit(&seen, SIDE, &PEAK, &how, iter::empty()).unwrap();
        scores.push((fit.x_px - f64::from(x)) / fit.covariance[0][0].sqrt());
        photons.push((fit.photons - 3000.0) / fit.covariance[2][2].sqrt());
    }
    for scores in [scores, photons] {
        let spread = mean(scores.iter().map(|score| score * score)).sqrt();
        assert!((spread - 1.0).abs() < 0.06, "{spread}"); // 3000 spots: 1.3 % each.
    }
}

#[test]
fn a_spot_at_the_border_is_fitted_in_a_square_that_stays_inside() {
    let mut dice = StdRng::seed_from_u64(3);
    let truth = Spot { x: 1.0, y: 5.8, light: 20_000.0, background: 5.0, sigma_x: 1.2, sigma_y: 1.2 };
    let peak = Peak { column: 1, row: 6, dx_px: 0.1, dy_px: -0.1 };
    let fit = fit(&image(&truth, &mut dice), SIDE, &peak, &HOW, iter::empty()).unwrap();
    assert!((fit.x_px - 1.0).abs() < 0.1 && (fit.y_px - 5.8).abs() < 0.1, "{fit:?}");
}

#[test]
fn images_smaller_than_the_square_and_pixels_that_are_no_numbers_give_none() {
    let peak = Peak { column: 1, row: 1, dx_px: 0.0, dy_px: 0.0 };
    assert_eq!(fit(&[1.0; 36], 6, &peak, &HOW, iter::empty()), None);
    let mut image = [1.0; 49];
    for bad in [f32::NAN, f32::INFINITY] {
        image[20] = bad;
        assert_eq!(fit(&image, 7, &PEAK, &HOW, iter::empty()), None);
    }
}
