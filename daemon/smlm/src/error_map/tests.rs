use super::*;
use crate::frame::Shape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Side of the picture, whose pixel is 20 nm.
const SIDE: usize = 768;
/// Points of a filament that are cut out: 3 µm.
const PIECE: usize = 150;

struct Scene {
    random: ChaCha8Rng,
    filaments: Vec<Vec<(f64, f64)>>,
}

impl Scene {
    /// Gently bent filaments through the field, a point per pixel of their length.
    fn new(seed: u64, n: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let filaments = (0..n)
            .map(|_| {
                let side = SIDE as f64;
                let (mut x, mut y) = (random.random_range(0.0..side), random.random_range(0.0..side));
                let (mut angle, bend) =
                    (random.random_range(0.0..std::f64::consts::TAU), random.random_range(-1e-3..1e-3));
                let mut points = Vec::new();
                while (0.0..side).contains(&x) && (0.0..side).contains(&y) {
                    points.push((x, y));
                    (x, y, angle) = (x + angle.cos(), y + angle.sin(), angle + bend);
                }
                points
            })
            .collect();
        Self { random, filaments }
    }

    /// A number of photons or localizations; normal where there are many.
    fn poisson(&mut self, mean: f64) -> f32 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).max(0.0).round() as f32;
        }
        let at = self.random.random_range(0.0..1.0f64);
        let (mut n, mut term) = (0.0, (-mean).exp());
        let mut below = term;
        while at > below && n < 200.0 {
            n += 1.0;
            term *= mean / n;
            below += term;
        }
        n as f32
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.random_range(0.0..1.0f64)).sum::<f64>() - 6.0
    }

    /// Localizations with an error of 20 nm, `per_point` of each point.
    fn picture(&mut self, filaments: &[Vec<(f64, f64)>], per_point: f64) -> Grey {
        let mut values = vec![0.0f32; SIDE * SIDE];
        for (x, y) in filaments.iter().flatten() {
            for _ in 0..self.poisson(per_point) as usize {
                let (x, y) = (x + self.normal(), y + self.normal());
                if (0.0..SIDE as f64).contains(&x) && (0.0..SIDE as f64).contains(&y) {
                    values[y as usize * SIDE + x as usize] += 1.0;
                }
            }
        }
        Grey::new(shape(), values).unwrap()
    }

    /// A widefield of 8 bits: σ of 160 nm, a background, shot noise of `photons` at the brightest.
    fn widefield(&mut self, photons: f64) -> Grey {
        let dense = self.filaments.clone();
        let sharp = self.picture(&dense, 20.0);
        let blurred = blur(&sharp, 8.0, Border::Repeat);
        let top = f64::from(blurred.range().1);
        let noisy: Vec<f32> = blurred
            .values()
            .iter()
            .map(|v| self.poisson(photons * (f64::from(*v) / top + 0.1)) * (200.0 / photons) as f32)
            .collect();
        // The camera's pixel is five of the picture's.
        blur(&Grey::new(shape(), noisy).unwrap(), 2.0, Border::Repeat)
    }
}

fn shape() -> Shape {
    Shape { width: SIDE as u32, height: SIDE as u32 }
}

fn compare(picture: &Grey, widefield: &Grey) -> ErrorMap {
    let taken = taken(widefield);
    error_map(&expected(picture, &taken).unwrap(), &taken, &Limits::default()).unwrap()
}

/// Doubt where a point of the picture lies.
fn doubt_at(map: &ErrorMap, (x, y): (f64, f64)) -> f32 {
    map.doubt.values()[(y / 4.0) as usize * map.doubt.width() + (x / 4.0) as usize]
}

#[test]
fn a_picture_that_shows_what_the_widefield_shows_is_trusted() {
    for (seed, filaments) in [(1, 12), (2, 12), (3, 30)] {
        for photons in [30.0, 100.0, 1000.0] {
            let mut scene = Scene::new(seed, filaments);
            let (widefield, whole) = (scene.widefield(photons), scene.filaments.clone());
            let map = compare(&scene.picture(&whole, 5.0), &widefield);
            assert!(map.trusted && map.share < 0.005, "{seed} {photons}: {} {:?}", map.share, map.worst);
            assert!(map.summary < 0.2, "{seed} {photons}: {}", map.summary);
        }
    }
}

#[test]
fn where_a_piece_of_a_filament_is_missing_the_map_lights_up() {
    for (seed, filaments) in [(1, 12), (2, 12), (3, 30)] {
        let mut scene = Scene::new(seed, filaments);
        let (widefield, whole) = (scene.widefield(100.0), scene.filaments.clone());
        let mut cut = whole.clone();
        let longest = cut.iter_mut().max_by_key(|filament| filament.len()).unwrap();
        let from = (longest.len() - PIECE) / 2;
        let piece: Vec<_> = longest.drain(from..from + PIECE).collect();
        let whole = compare(&scene.picture(&whole, 5.0), &widefield);
        let map = compare(&scene.picture(&cut, 5.0), &widefield);
        let (before, after) = (doubt_at(&whole, piece[PIECE / 2]), doubt_at(&map, piece[PIECE / 2]));
        assert!(after > 0.35 && after > 3.0 * before, "{seed}: {before} {after}");
        // Among twelve filaments it stands alone; among thirty others cross it, and the whole is still mostly right.
        assert!(map.trusted == (filaments > 12), "{seed}: {} {:?}", map.share, map.worst);
    }
}

#[test]
fn where_a_filament_is_invented_the_map_lights_up() {
    for (seed, filaments) in [(1, 12), (2, 12), (3, 30)] {
        let mut scene = Scene::new(seed, filaments);
        let (widefield, whole) = (scene.widefield(100.0), scene.filaments.clone());
        let invented = Scene::new(seed + 50, 1).filaments.remove(0);
        let map = compare(&scene.picture(&[whole, vec![invented.clone()]].concat(), 5.0), &widefield);
        let worst = invented.iter().map(|point| doubt_at(&map, *point)).fold(0.0, f32::max);
        assert!(worst > 0.7 && !map.trusted, "{seed}: {worst}, {} {:?}", map.share, map.worst);
    }
}

#[test]
fn a_picture_of_nothing_is_not_trusted() {
    let widefield = Scene::new(1, 12).widefield(100.0);
    let map = compare(&Grey::even(shape(), 0.0), &widefield);
    assert!(!map.trusted && map.share > 0.5 && map.summary > 0.8, "{} {}", map.share, map.summary);
}

#[test]
fn without_a_widefield_there_is_no_error() {
    let shape = Shape { width: 64, height: 64 };
    let expected = Scene::new(1, 12).picture(&[(0..500).map(|i| (f64::from(i), 300.0)).collect()], 5.0);
    let expected = Grey::new(shape, expected.values()[..shape.pixels()].to_vec()).unwrap();
    let map = error_map(&expected, &Grey::even(shape, 0.5), &Limits::default()).unwrap();
    assert_eq!((map.error, map.summary, map.trusted), (Grey::even(shape, 0.0), 0.0, true));
}

#[test]
fn the_error_is_light_where_nothing_is_alike() {
    let shape = Shape { width: 40, height: 40 };
    let stripes = |phase: f32| {
        let value = |i: u32| 0.5 + 0.5 * ((i % 40) as f32 * 0.9 + phase).sin();
        Grey::new(shape, (0..40 * 40).map(value).collect()).unwrap()
    };
    let (one, other) = (stripes(0.0), stripes(std::f32::consts::PI));
    let map = error_map(&one, &other, &Limits::default()).unwrap();
    for (error, (f, l)) in map.error.values().iter().zip(one.values().iter().zip(other.values())) {
        assert!((error - (f + l)).abs() < 0.05, "{error} {f} {l}");
    }
}
