//! The whole recipe on simulated frames, and on what no camera should send.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::profile::Profile;
use super::*;

/// Poisson noise of a mean above some ten photons, as a normal distribution has it.
fn noisy(mean: f32, dice: &mut StdRng) -> f32 {
    let mut uniform = || 1.0 - dice.random::<f32>();
    let normal = (-2.0 * uniform().ln()).sqrt() * (std::f32::consts::TAU * uniform()).cos();
    (mean + mean.sqrt() * normal).round().max(0.0)
}

/// An emitter: x, y, photons.
type Emitter = [f32; 3];

/// A frame with a background of 20 photons.
fn frame(width: usize, height: usize, emitters: &[Emitter], sigmas: [f32; 2], dice: &mut StdRng) -> Vec<f32> {
    let mut image = vec![20.0; width * height];
    for &[x, y, photons] in emitters {
        let (left, top) = (x.round() as isize - 7, y.round() as isize - 7);
        let across = Profile::<16>::new(x - left as f32, sigmas[0], 15);
        let down = Profile::<16>::new(y - top as f32, sigmas[1], 15);
        for row in 0..15 {
            for column in 0..15 {
                let (x, y) = (left + column as isize, top + row as isize);
                if (0..width as isize).contains(&x) && (0..height as isize).contains(&y) {
                    image[y as usize * width + x as usize] +=
                        photons * across.part[column as usize] * down.part[row as usize];
                }
            }
        }
    }
    image.iter_mut().for_each(|value| *value = noisy(*value, dice));
    image
}

/// The rows `own` of a frame, with their halo.
fn strip(image: &[f32], width: usize, own: Rows) -> Strip {
    let height = image.len().checked_div(width).unwrap_or(0);
    let mut strip = Strip::default();
    strip.cover(Shape { width: width as u32, height: height as u32 }, own, Settings::default().halo_px());
    let rows = strip.rows();
    strip.image.copy_from_slice(&image[rows.first * width..rows.end * width]);
    strip
}

fn found(settings: Settings, image: &[f32], width: usize) -> Vec<Localization> {
    let recipe = Recipe::new(settings).unwrap();
    let mut strip = strip(image, width, Rows { first: 0, end: image.len() });
    let spread = recipe.filter(&mut strip);
    recipe.find(&mut strip, recipe.threshold(&spread), Noise::IDEAL);
    strip.found
}

/// On a grid, so that none is near another, each at its own place in its pixel.
fn grid(side: usize, step: usize, photons: f32, dice: &mut StdRng) -> Vec<Emitter> {
    let places = (0..side / step).flat_map(|row| (0..side / step).map(move |column| (column, row)));
    let place =
        |at: usize, dice: &mut StdRng| (at * step + step / 2) as f32 + dice.random_range(-0.5..0.5f32);
    places.map(|(column, row)| [place(column, dice), place(row, dice), photons]).collect()
}

fn nearest(found: &[Localization], emitter: &Emitter) -> Option<(f32, Localization)> {
    let distance = |l: &Localization| (l.x_px - emitter[0]).hypot(l.y_px - emitter[1]);
    found.iter().map(|l| (distance(l), *l)).min_by(|a, b| a.0.total_cmp(&b.0))
}

#[test]
fn every_spot_that_stands_alone_is_found_once_and_noise_is_not() {
    let mut dice = StdRng::seed_from_u64(1);
    let emitters = grid(256, 16, 1000.0, &mut dice);
    let image = frame(256, 256, &emitters, [1.3, 1.3], &mut dice);
    let found = found(Settings::default(), &image, 256);
    for emitter in &emitters {
        let (distance, l) = nearest(&found, emitter).unwrap();
        assert!(distance < 5.0 * l.sigma_x_px, "{emitter:?}: {l:?}");
        assert!((l.photons - 1000.0).abs() < 5.0 * l.sigma_photons, "{emitter:?}: {l:?}");
    }
    assert!(found.len() <= emitters.len() + 1, "{} for {}", found.len(), emitters.len());
}

#[test]
fn strips_find_what_the_whole_frame_shows() {
    let mut dice = StdRng::seed_from_u64(2);
    let (width, height) = (90, 75);
    let emitters: Vec<Emitter> =
        (0..60).map(|_| [dice.random_range(0.0..90.0), dice.random_range(0.0..75.0), 2000.0]).collect();
    let image = frame(width, height, &emitters, [1.3, 1.3], &mut dice);
    let expected = found(Settings::default(), &image, width);
    assert!(expected.len() > 30);
    let recipe = Recipe::new(Settings::default()).unwrap();
    let (mut strips, mut spread) = (Vec::new(), Spread::default());
    for first in (0..height).step_by(20) {
        let mut strip = strip(&image, width, Rows { first, end: first + 20 });
        spread.add(recipe.filter(&mut strip));
        strips.push(strip);
    }
    let mut seen = Vec::new();
    for strip in &mut strips {
        recipe.find(strip, recipe.threshold(&spread), Noise::IDEAL);
        seen.extend_from_slice(&strip.found);
    }
    assert_eq!(seen.len(), expected.len());
    for (a, b) in seen.iter().zip(&expected) {
        assert_eq!(a, b);
    }
}

#[test]
fn both_widths_tell_the_depth_as_well_as_is_said() {
    let curve = |c_nm: f64| Curve { w0_px: 1.2, c_nm, d_nm: 400.0, a: 0.0, b: 0.0 };
    let calibration = Calibration { x: curve(200.0), y: curve(-200.0), z_min_nm: -600.0, z_max_nm: 600.0 };
    let settings = Settings { calibration: Some(calibration), radius_px: 5, ..Settings::default() };
    let mut dice = StdRng::seed_from_u64(3);
    let mut scores = Vec::new();
    for z in [-300.0f32, -150.0, 0.0, 100.0, 250.0] {
        let sigmas = [calibration.x, calibration.y].map(|curve| curve.sigma_px(f64::from(z)) as f32);
        let emitters = grid(240, 20, 5000.0, &mut dice);
        let image = frame(240, 240, &emitters, sigmas, &mut dice);
        let found = found(settings, &image, 240);
        for emitter in &emitters {
            let (distance, l) = nearest(&found, emitter).unwrap();
            assert!(distance < 0.3, "{z}");
            scores.push(f64::from((l.z_nm - z) / l.sigma_z_nm));
        }
    }
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let spread =
        (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / scores.len() as f64).sqrt();
    // 720 spots know a mean to 0.037 and a spread to 2.6 %.
    assert!(mean.abs() < 0.15 && (spread - 1.0).abs() < 0.1, "{mean} {spread}");
}

#[test]
fn a_neighbours_light_does_not_pull_a_spot() {
    let mut dice = StdRng::seed_from_u64(6);
    let left = grid(240, 24, 3000.0, &mut dice);
    let right: Vec<Emitter> = left.iter().map(|[x, y, photons]| [x + 4.5, *y, *photons]).collect();
    let both: Vec<Emitter> = left.iter().chain(&right).copied().collect();
    let image = frame(240, 240, &both, [1.3, 1.3], &mut dice);
    let found = found(Settings::default(), &image, 240);
    let nearest = |emitter: &Emitter| nearest(&found, emitter).filter(|(distance, _)| *distance < 1.0);
    let errors: Vec<f32> = left.iter().filter_map(|e| nearest(e).map(|(_, l)| l.x_px - e[0])).collect();
    assert!(errors.len() > 95, "{} of 100", errors.len());
    let mean = errors.iter().sum::<f32>() / errors.len() as f32;
    // Alone, each fit goes half a pixel astray.
    assert!(mean.abs() < 0.1, "{mean} px");
}

#[test]
fn limits_drop_what_is_outside_them() {
    let mut dice = StdRng::seed_from_u64(4);
    let image = frame(64, 64, &grid(64, 16, 1000.0, &mut dice), [1.3, 1.3], &mut dice);
    let count = |settings: Settings| found(settings, &image, 64).len();
    let all = Settings::default();
    assert_eq!(count(all), 16);
    assert_eq!(count(Settings { photons_min: 2000.0, ..all }), 0);
    assert_eq!(count(Settings { sigma_max_px: 0.9, ..all }), 0);
    assert_eq!(count(Settings { sigma_min_px: 1.8, ..all }), 0);
    assert_eq!(count(Settings { sigma_lateral_max_px: 0.01, ..all }), 0);
    assert_eq!(count(Settings { deviance_max: 0.3, ..all }), 0);
    assert_eq!(count(Settings { moved_max_px: 1e-6, ..all }), 0);
    assert_eq!(count(Settings { threshold_factor: 50.0, ..all }), 0);
}

#[test]
fn settings_that_find_nothing_are_refused_by_name() {
    let refused = |settings: Settings| Recipe::new(settings).unwrap_err().to_string();
    let all = Settings::default();
    assert!(refused(Settings { threshold_factor: f64::NAN, ..all }).contains("threshold_factor"));
    assert!(refused(Settings { radius_px: 1, ..all }).contains("radius_px"));
    assert!(refused(Settings { radius_px: 8, ..all }).contains("radius_px"));
    assert!(refused(Settings { sigma_max_px: 0.1, ..all }).contains("sigma_max_px"));
    assert!(refused(Settings { deviance_max: 0.0, ..all }).contains("deviance_max"));
}

#[test]
fn no_frame_makes_it_panic_or_give_what_is_no_number() {
    let mut dice = StdRng::seed_from_u64(5);
    let curve = |c_nm: f64| Curve { w0_px: 1.2, c_nm, d_nm: 400.0, a: 0.0, b: 0.0 };
    let calibration = Calibration { x: curve(200.0), y: curve(-200.0), z_min_nm: -600.0, z_max_nm: 600.0 };
    for round in 0..600 {
        let (width, height) = (dice.random_range(1..40usize), dice.random_range(1..40usize));
        let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 65_535.0, -1e6, 0.0];
        let kind = dice.random_range(0..5);
        let mut pixel = |_: usize| match kind {
            0 => 20.0,
            1 => 65_535.0,
            2 => dice.random_range(-50.0..100.0),
            3 => {
                if dice.random::<f32>() < 0.03 {
                    65_535.0
                } else {
                    0.0
                }
            }
            _ if dice.random::<f32>() < 0.02 => strange[dice.random_range(0..strange.len())],
            _ => dice.random_range(0.0..1000.0),
        };
        let image: Vec<f32> = (0..width * height).map(&mut pixel).collect();
        let settings = Settings {
            threshold_factor: 0.1,
            radius_px: 2 + round % 6,
            calibration: (round % 2 == 0).then_some(calibration),
            ..Settings::default()
        };
        for l in found(settings, &image, width) {
            let values = [
                l.x_px,
                l.y_px,
                l.z_nm,
                l.photons,
                l.background,
                l.sigma_x_px,
                l.sigma_y_px,
                l.sigma_z_nm,
                l.sigma_photons,
            ];
            assert!(values.iter().all(|value| value.is_finite()), "{width} {height} {kind}: {l:?}");
        }
        if kind < 2 {
            assert_eq!(found(settings, &image, width), [], "what is flat has no spot");
        }
    }
    assert_eq!(found(Settings::default(), &[], 0), []);
}
