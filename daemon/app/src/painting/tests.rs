use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::grey::quarter;
use smlm::units::PixelSize;

/// A network that draws an eighth of each count, and expects it as the widefield.
struct Copyist {
    windows: Windows,
    /// How often it was asked, and how often with a widefield.
    asked: (usize, usize),
}

impl Copyist {
    fn new(side_px: u32, overlap_px: u32) -> Self {
        let windows = Windows { side_px, overlap_px, pixel: Nm(20.0), widefield: WidefieldUnit::Fraction };
        Self { windows, asked: (0, 0) }
    }
}

impl Brush for Copyist {
    fn windows(&self) -> Windows {
        self.windows
    }

    fn paint(&mut self, counts: &[f32], widefield: Option<&[f32]>) -> Result<Painted, PainterError> {
        self.asked.0 += 1;
        self.asked.1 += usize::from(widefield.is_some());
        let side = self.windows.side_px;
        let picture: Vec<f32> = counts.iter().map(|count| count / 8.0).collect();
        let estimate = quarter(&Grey::new(Shape { width: side, height: side }, picture.clone()).unwrap());
        Ok(Painted { picture, estimate: estimate.values().to_vec() })
    }
}

fn field(width: u32, height: u32) -> Field {
    Field { shape: Shape { width, height }, pixel: PixelSize::square(Nm(100.0)) }
}

/// At the centre of a picture pixel of a camera with 100 nm pixels.
fn at(x: u32, y: u32) -> Localization {
    let px = |at: u32| (f64::from(at) + 0.5) as f32 * 0.2 - 0.5;
    Localization { x_px: px(x), y_px: px(y), ..Localization::default() }
}

fn sit<'a>(field: Field, localizations: &'a [Localization], widefield: Option<&'a Grey>) -> Sitting<'a> {
    Sitting { localizations, field, widefield }
}

/// Lines of light on a dark ground with the noise of a camera.
fn lines(field: Field, seed: u64) -> Grey {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let Shape { width, height } = field.shape;
    let values = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| {
        let along = f64::from(x) * 0.6 + f64::from(y) * 0.8;
        let distance = (along.rem_euclid(16.0) - 8.0) / 1.5;
        let noise: f64 = random.random_range(-10.0..10.0);
        (200.0 + 600.0 * (-0.5 * distance * distance).exp() + noise) as f32
    });
    Grey::new(field.shape, values.collect()).unwrap()
}

#[test]
fn a_tile_of_any_size_is_painted_whole_and_without_seams() {
    for (width, height) in [(3, 2), (12, 30), (13, 13), (40, 25), (64, 64)] {
        let field = field(width, height);
        let (right, low) = (5 * width - 1, 5 * height - 1);
        let found = [at(0, 0), at(right, 0), at(0, low), at(right, low), at(right / 2, low / 3)];
        let mut brush = Copyist::new(64, 16);
        let painted = paint(&mut brush, &sit(field, &found, None), || true).unwrap();
        assert_eq!(painted.picture.shape(), Shape { width: 5 * width, height: 5 * height });
        let counts = Canvas::of(field, Nm(20.0)).counts(&found);
        for (place, value) in painted.picture.values().iter().enumerate() {
            let count = counts.at(place % (5 * width as usize), place / (5 * width as usize));
            assert_eq!(*value, f32::from(count) / 8.0, "{width} x {height}, pixel {place}");
        }
        assert_eq!(painted.windows, brush.asked.0);
    }
}

#[test]
fn as_few_windows_are_drawn_as_cover_the_tile_with_full_weight() {
    let drawn = |width: u32, side, overlap| {
        let field = Field { shape: Shape { width, height: 1 }, pixel: PixelSize::square(Nm(108.0)) };
        let canvas = Canvas::of(field, Nm(20.0));
        let one = [Localization::default()];
        let mut brush = Copyist::new(side, overlap);
        let painted = paint(&mut brush, &sit(field, &one, None), || true).unwrap();
        (canvas.shape().width, painted.windows)
    };
    // Seven along a camera's side of 512 px, and one across.
    assert_eq!(drawn(512, 512, 64), (2765, 7));
    // What is between two shared strips takes one.
    assert_eq!(drawn(71, 512, 64), (384, 1));
    assert_eq!(drawn(72, 512, 64), (389, 2));
}

#[test]
fn beyond_the_border_the_network_sees_the_tile_mirrored() {
    let shape = Shape { width: 3, height: 2 };
    let counts = canvas::Counts::new(shape, vec![1, 2, 3, 4, 5, 6]);
    let mut window = vec![0.0; 64];
    counts.cut((-3, -1), 8, &mut window);
    assert_eq!(window[..8], [3.0, 2.0, 1.0, 1.0, 2.0, 3.0, 3.0, 2.0]);
    assert_eq!(window[8..16], window[..8]);
    assert_eq!(window[16..24], [6.0, 5.0, 4.0, 4.0, 5.0, 6.0, 6.0, 5.0]);
}

#[test]
fn a_tile_without_localizations_is_black_and_no_network_is_asked() {
    let field = field(40, 40);
    let outside = [Localization { x_px: -3.0, ..Localization::default() }];
    let mut brush = Copyist::new(64, 16);
    let painted = paint(&mut brush, &sit(field, &outside, None), || true).unwrap();
    assert_eq!((painted.windows, brush.asked, painted.judged), (0, (0, 0), None));
    assert_eq!(painted.picture, Grey::even(Shape { width: 200, height: 200 }, 0.0));
}

#[test]
fn an_empty_picture_of_a_bright_tile_is_not_to_be_trusted() {
    let field = field(40, 40);
    let widefield = lines(field, 1);
    let mut brush = Copyist::new(64, 16);
    let painted = paint(&mut brush, &sit(field, &[], Some(&widefield)), || true).unwrap();
    let judged = painted.judged.unwrap();
    assert_eq!((brush.asked.0, judged.rsp), (0, None));
    assert!(judged.not_to_be_trusted.is_some() && judged.share > 0.5, "{}", judged.share);
}

#[test]
fn without_a_widefield_nothing_judges_the_picture() {
    let field = field(40, 40);
    let mut brush = Copyist::new(64, 16);
    let painted = paint(&mut brush, &sit(field, &[at(20, 20)], None), || true).unwrap();
    assert_eq!((painted.judged, painted.widefield, brush.asked.1), (None, None, 0));
    let of_another_field = Grey::even(Shape { width: 41, height: 40 }, 100.0);
    let other = paint(&mut brush, &sit(field, &[at(20, 20)], Some(&of_another_field)), || true).unwrap();
    assert!(other.judged.is_none() && other.widefield.is_none());
}

#[test]
fn a_widefield_that_shows_nothing_but_noise_is_even_and_not_shown_to_the_network() {
    let field = field(40, 40);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let noise: Vec<f32> = (0..1600).map(|_| 300.0 + random.random_range(-60.0..60.0)).collect();
    for widefield in [Grey::even(field.shape, 300.0), Grey::new(field.shape, noise).unwrap()] {
        let mut brush = Copyist::new(64, 16);
        let painted = paint(&mut brush, &sit(field, &[at(20, 20)], Some(&widefield)), || true).unwrap();
        let judged = painted.judged.unwrap();
        assert!(judged.even && judged.not_to_be_trusted.is_none());
        assert_eq!((judged.rsp, judged.rse_adu, brush.asked.1), (None, None, 0));
        assert!(judged.error.unwrap().values().iter().all(|error| *error == 0.0));
    }
}

/// Eight localizations where it is brightest.
fn as_bright(field: Field, widefield: &Grey) -> Vec<Localization> {
    let light = Taken::of(widefield, &Canvas::of(field, Nm(20.0))).fraction();
    let width = light.width();
    let many = light.values().iter().enumerate().flat_map(|(place, value)| {
        let one = at((place % width) as u32, (place / width) as u32);
        std::iter::repeat_n(one, (8.0 * value).round() as usize)
    });
    many.collect()
}

#[test]
fn a_picture_that_lets_expect_the_widefield_is_trusted_and_another_one_is_not() {
    let field = field(64, 50);
    let widefield = lines(field, 2);
    let found = as_bright(field, &widefield);
    let mut brush = Copyist::new(64, 16);
    let painted = paint(&mut brush, &sit(field, &found, Some(&widefield)), || true).unwrap();
    // Once without the widefield, which judges that, and once with it.
    assert!(brush.asked.1 == painted.windows && brush.asked.0 == 2 * painted.windows);
    let judged = painted.judged.unwrap();
    assert_eq!((judged.not_to_be_trusted, judged.share), (None, 0.0));
    assert!(judged.rsp.unwrap() > 0.99, "{:?}", judged.rsp);
    assert_eq!(judged.error.unwrap().shape(), Shape { width: 80, height: 62 });
    // Light where nothing was localized.
    let gone: Vec<_> = found.into_iter().filter(|l| l.x_px < 32.0).collect();
    let judged = paint(&mut brush, &sit(field, &gone, Some(&widefield)), || true).unwrap().judged.unwrap();
    let reason = judged.not_to_be_trusted.unwrap();
    assert!(reason.contains('%') && reason.contains("error map"), "{reason}");
    assert!(
        (0.3..0.6).contains(&judged.share) && judged.rsp.unwrap() < 0.9,
        "{} {:?}",
        judged.share,
        judged.rsp
    );
}

#[test]
fn the_widefield_lies_where_the_localizations_lie() {
    let field = field(30, 20);
    let mut values = vec![100.0; 600];
    // A camera pixel is five of the picture's; three beside each other are no hot pixel.
    for (x, y) in [(11, 7), (12, 7), (13, 7), (12, 6), (12, 8)] {
        values[y * 30 + x] = 1100.0;
    }
    let canvas = Canvas::of(field, Nm(20.0));
    let taken = Taken::of(&Grey::new(field.shape, values).unwrap(), &canvas);
    let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for (place, value) in taken.adu.values().iter().enumerate() {
        let light = f64::from(value - 100.0);
        (sum, x_sum, y_sum) =
            (sum + light, x_sum + light * (place % 150) as f64, y_sum + light * (place / 150) as f64);
    }
    let emitter = Localization { x_px: 12.0, y_px: 7.0, ..Localization::default() };
    let counts = canvas.counts(&[emitter]);
    let (x, y) = (x_sum / sum, y_sum / sum);
    assert!((x - 62.0).abs() < 1e-3 && (y - 37.0).abs() < 1e-3, "{x} {y}");
    assert_eq!(counts.at(62, 37), 1);
}

#[test]
fn a_hot_pixel_does_not_darken_the_rest() {
    let field = field(64, 64);
    let widefield = lines(field, 4);
    let mut hot = widefield.values().to_vec();
    hot[2000] = 60_000.0;
    let canvas = Canvas::of(field, Nm(20.0));
    let clean = Taken::of(&widefield, &canvas).fraction();
    let found = Taken::of(&Grey::new(field.shape, hot).unwrap(), &canvas).fraction();
    let apart: f64 = clean.values().iter().zip(found.values()).map(|(a, b)| f64::from((a - b).abs())).sum();
    assert!(apart / (clean.values().len() as f64) < 0.01, "{apart}");
}

#[test]
fn a_tile_too_small_for_an_error_map_has_none_and_says_no_word_against_itself() {
    let field = field(20, 20);
    let mut brush = Copyist::new(64, 16);
    let widefield = lines(field, 5);
    let painted = paint(&mut brush, &sit(field, &[at(20, 20)], Some(&widefield)), || true).unwrap();
    let judged = painted.judged.unwrap();
    assert!(judged.error.is_none() && judged.not_to_be_trusted.is_none() && judged.rsp.is_some());
}

#[test]
fn who_does_not_want_it_any_more_waits_for_one_window_only() {
    let field = field(64, 64);
    let mut brush = Copyist::new(64, 16);
    let mut left = 3;
    let go_on = || {
        left -= 1;
        left >= 0
    };
    let painted = paint(&mut brush, &sit(field, &[at(20, 20)], None), go_on);
    assert!(matches!(painted, Err(PaintError::Left)));
    assert_eq!(brush.asked.0, 3);
}

#[test]
fn a_tile_that_is_too_large_is_refused() {
    let field = field(4000, 4);
    let mut brush = Copyist::new(64, 16);
    let refused = paint(&mut brush, &sit(field, &[at(20, 15)], None), || true);
    assert!(matches!(refused, Err(PaintError::Blend(BlendError::Region { .. }))), "{refused:?}");
}
