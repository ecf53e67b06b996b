use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Blobs and noise, values from 0 to 1.
fn scene(side: u32, noise: f32, seed: u64) -> Grey {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let spots: Vec<(f32, f32)> = (0..side / 4)
        .map(|_| (random.random_range(0.0..side as f32), random.random_range(0.0..side as f32)))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let value = |x: f32, y: f32| {
        let near = |(a, b): &(f32, f32)| (-((x - a).powi(2) + (y - b).powi(2)) / 32.0).exp();
        (spots.iter().map(near).sum::<f32>() + noise * random.random_range(-1.0..1.0)).clamp(0.0, 1.0)
    };
    let places = (0..side * side).map(|i| ((i % side) as f32, (i / side) as f32));
    let values = places.map({
        let mut value = value;
        move |(x, y)| value(x, y)
    });
    Grey::new(Shape { width: side, height: side }, values.collect()).unwrap()
}

/// Every sum of the definition, one window after the other, in f64.
fn by_definition(one: &Grey, other: &Grey, sigma: f64, (row, column): (i64, i64)) -> (f64, f64) {
    let radius = moments::radius_px(sigma) as i64;
    let (mut weights, mut sums) = (0.0, [0.0f64; 5]);
    for (i, j) in (-radius..=radius).flat_map(|i| (-radius..=radius).map(move |j| (i, j))) {
        let weight = (-((i * i + j * j) as f64) / (2.0 * sigma * sigma)).exp();
        weights += weight;
        let (y, x) = (row + i, column + j);
        let (width, height) = (one.width() as i64, one.height() as i64);
        if !(0..height).contains(&y) || !(0..width).contains(&x) {
            continue;
        }
        let at = (y * width + x) as usize;
        let (a, b) = (f64::from(one.values()[at]), f64::from(other.values()[at]));
        for (sum, value) in sums.iter_mut().zip([a, b, a * a, b * b, a * b]) {
            *sum += weight * value;
        }
    }
    let [a, b, aa, bb, ab] = sums.map(|sum| sum / weights);
    let contrast = (2.0 * (ab - a * b) + 9e-4) / (aa - a * a + bb - b * b + 9e-4);
    let luminance = (2.0 * a * b + 1e-4) / (a * a + b * b + 1e-4);
    (luminance * contrast, contrast)
}

#[test]
fn every_scale_is_the_sum_of_its_definition_also_at_the_border() {
    let (one, other) = (scene(48, 0.1, 1), scene(48, 0.1, 2));
    for sigma in SIGMAS_PX {
        let maps = similar(&one, &other, sigma).unwrap();
        for (row, column) in [(0, 0), (2, 40), (24, 24), (47, 13)] {
            let (ssim, contrast) = by_definition(&one, &other, sigma, (row, column));
            let at = (row * 48 + column) as usize;
            // Moments in f32, divided by C2 at least.
            assert!((f64::from(maps.ssim.values()[at]) - ssim).abs() < 2e-3, "{sigma} {row} {column}");
            assert!(
                (f64::from(maps.contrast.values()[at]) - contrast).abs() < 2e-3,
                "{sigma} {row} {column}"
            );
        }
    }
}

#[test]
fn a_picture_is_like_itself() {
    let picture = scene(192, 0.1, 1);
    assert!((ms_ssim(&picture, &picture).unwrap() - 1.0).abs() < 1e-4);
    assert!(product_map(&picture, &picture).unwrap().values().iter().all(|m| (m - 1.0).abs() < 1e-3));
}

#[test]
fn more_noise_is_less_alike() {
    let clean = scene(192, 0.0, 1);
    let at = |noise| ms_ssim(&clean, &scene(192, noise, 2)).unwrap();
    let course: Vec<f64> = [0.02, 0.05, 0.1, 0.2, 0.4].into_iter().map(at).collect();
    assert!(course.windows(2).all(|pair| pair[1] < pair[0]), "{course:?}");
    assert!(course[0] > 0.98 && course[4] < 0.8, "{course:?}");
}

#[test]
fn a_brighter_picture_is_as_well_structured() {
    let dim = scene(192, 0.1, 1).map(|v| 0.5 * v);
    let bright = dim.map(|v| v + 0.2);
    let maps = similar(&dim, &bright, 1.5).unwrap();
    let at = 96 * 192 + 96;
    assert!((maps.contrast.values()[at] - 1.0).abs() < 1e-3 && maps.ssim.values()[at] < 0.95);
}

#[test]
fn opposed_structures_are_nothing_alike() {
    let picture = scene(192, 0.1, 1);
    let opposite = picture.map(|v| 1.0 - v);
    assert_eq!(ms_ssim(&picture, &opposite), Ok(0.0));
    assert!(product_map(&picture, &opposite).unwrap().values().iter().all(|m| (0.0..0.01).contains(m)));
}

#[test]
fn pictures_that_do_not_fit_are_refused() {
    let (small, large) = (scene(32, 0.0, 1), scene(176, 0.0, 1));
    assert_eq!(
        similar(&small, &large, 1.5),
        Err(SimilarityError::Shapes { one: small.shape(), other: large.shape() })
    );
    assert_eq!(
        product_map(&small, &small),
        Err(SimilarityError::TooSmall { shape: small.shape(), least: 33 })
    );
    assert_eq!(ms_ssim(&small, &small), Err(SimilarityError::TooSmall { shape: small.shape(), least: 176 }));
    assert!(ms_ssim(&large, &large).is_ok());
}
