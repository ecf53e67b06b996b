//! Pictures: the right pixel, the right colour, the same every time, never too large.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::localization::Localization;
use crate::map::{Layers, MapSettings, Viewport};
use crate::units::{Nm, PixelSize};

const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

fn empty(layers: Layers) -> LiveMap {
    LiveMap::new(MapSettings { layers, ..MapSettings::default() }).expect("the default settings are sound")
}

fn at(x_px: f32, y_px: f32) -> Localization {
    Localization { x_px, y_px, sigma_x_px: 0.1, sigma_y_px: 0.1, ..Localization::default() }
}

fn square(side_nm: f64) -> Viewport {
    Viewport { x_min: Nm(0.0), y_min: Nm(0.0), x_max: Nm(side_nm), y_max: Nm(side_nm) }
}

fn pixel(image: &RgbImage, x: usize, y: usize) -> [u8; 3] {
    let at = 3 * (y * image.width as usize + x);
    [image.rgb[at], image.rgb[at + 1], image.rgb[at + 2]]
}

fn draw(map: &LiveMap, side_nm: f64, pixel_nm: f64, look: &Look) -> RgbImage {
    render_region(map, &square(side_nm), Nm(pixel_nm), look).expect("the region is small")
}

#[test]
fn one_localization_lights_one_pixel_of_a_histogram() {
    let mut map = empty(Layers::ALL);
    map.add(&[at(2.53, 1.07)], PIXEL); // 303 nm, 157 nm
    let image = draw(&map, 1000.0, 10.0, &Look::default());
    assert_eq!((image.width, image.height, image.pixel, image.tone.white), (100, 100, Nm(10.0), 1.0));
    let lit: Vec<_> = (0..10_000).filter(|i| pixel(&image, i % 100, i / 100) != [0; 3]).collect();
    assert_eq!(lit, [15 * 100 + 30]);
    assert_eq!(pixel(&image, 30, 15), fire(1.0));
}

#[test]
fn a_region_may_start_anywhere() {
    let mut map = empty(Layers::ALL);
    map.add(&[at(25.03, 26.07), at(-0.57, -0.57)], PIXEL); // 2553 nm, 2657 nm; -7 nm: either side of a tile border
    let viewport = Viewport { x_min: Nm(-50.0), y_min: Nm(-50.0), x_max: Nm(5000.0), y_max: Nm(2700.0) };
    let image = render_region(&map, &viewport, Nm(9.0), &Look::default()).expect("the region is small");
    assert_eq!((image.width, image.height, image.x_min), (505, 275, Nm(-50.0)));
    assert_eq!(pixel(&image, 255 + 5, 265 + 5), fire(1.0));
    assert_eq!(pixel(&image, 4, 4), fire(1.0));
}

#[test]
fn two_planes_have_two_colours() {
    let mut map = empty(Layers::ALL);
    let plane = |y_px: f32, z_nm: f32| {
        (0..400u16).map(move |i| Localization { z_nm, ..at(f32::from(i) / 40.0, y_px) }).collect::<Vec<_>>()
    };
    map.add(&plane(2.0, -300.0), PIXEL);
    map.add(&plane(6.0, 300.0), PIXEL);
    for rendering in [Rendering::Histogram, Rendering::Gaussian] {
        for (range, exact) in [(Some((-300.0, 300.0)), true), (None, false)] {
            let look = Look { rendering, colour_by: ColourBy::Z, range, percentile: 50.0, ..Look::default() };
            let image = draw(&map, 1000.0, 10.0, &look);
            let brightest = |row: usize| {
                (0..100)
                    .map(|x| pixel(&image, x, row))
                    .max_by_key(|rgb| rgb.iter().map(|part| u32::from(*part)).sum::<u32>())
            };
            let (low, high) = (brightest(25).expect("a row"), brightest(65).expect("a row"));
            if exact {
                assert_eq!((low, high), (ramp(0.0), ramp(1.0)), "{rendering:?}");
            }
            assert!(
                low[2] > low[0] + 60 && high[0] > high[2] + 60,
                "blue below, yellow above: {low:?} {high:?}"
            );
        }
    }
}

#[test]
fn time_and_sigma_run_from_the_data_s_lowest_to_its_highest() {
    let mut map = empty(Layers::ALL);
    let wide = Localization { frame: 900, sigma_x_px: 0.3, sigma_y_px: 0.3, ..at(6.0, 6.0) };
    map.add(&[Localization { frame: 100, ..at(2.0, 2.0) }, wide], PIXEL);
    for colour_by in [ColourBy::Time, ColourBy::Sigma] {
        let image = draw(&map, 1000.0, 10.0, &Look { colour_by, ..Look::default() });
        let ends = (pixel(&image, 25, 25), pixel(&image, 65, 65));
        assert!(
            ends.0[2] > 200 && ends.0[0] < 120 && ends.1[0] > 200 && ends.1[2] < 120,
            "{colour_by:?} {ends:?}"
        );
    }
}

#[test]
fn the_same_map_is_drawn_the_same_twice_and_in_any_order() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let emitters: Vec<_> =
        (0..3000).map(|_| at(random.random_range(0.0..90.0), random.random_range(0.0..90.0))).collect();
    let (mut one, mut other) = (empty(Layers::ALL), empty(Layers::ALL));
    one.add(&emitters, PIXEL);
    emitters.rchunks(7).for_each(|batch| other.add(batch, PIXEL));
    let look = Look { gamma: 0.7, ..Look::default() };
    let gaussian = Look { rendering: Rendering::Gaussian, ..look };
    assert_eq!(draw(&one, 9000.0, 20.0, &look), draw(&other, 9000.0, 20.0, &look));
    assert_eq!(draw(&one, 9000.0, 10.0, &gaussian), draw(&one, 9000.0, 10.0, &gaussian));
}

#[test]
fn coarse_gaussian_pictures_are_drawn_from_counts() {
    let mut map = empty(Layers::ALL);
    map.add(&[at(2.5, 2.5)], PIXEL);
    let gaussian = Look { rendering: Rendering::Gaussian, ..Look::default() };
    assert_eq!(draw(&map, 10_000.0, 320.0, &gaussian), draw(&map, 10_000.0, 320.0, &Look::default()));
}

#[test]
fn white_is_the_asked_percentile_of_the_filled_pixels() {
    let mut map = empty(Layers::ALL);
    for i in 1..=100u8 {
        map.add(&vec![at(f32::from(i), 3.0); i.into()], PIXEL);
    }
    let white = |percentile: f32| white_level(&map, 0, &Look { percentile, ..Look::default() });
    assert_eq!((white(50.0), white(99.0), white(100.0), white(-3.0)), (50.0, 99.0, 100.0, 1.0));
    let gaussian = Look { rendering: Rendering::Gaussian, percentile: 100.0, ..Look::default() };
    // The middle pixel of a centred σ of one pixel holds 0.383² of the localizations.
    let peak = white_level(&map, 0, &gaussian) / 100.0;
    assert!((0.10..0.16).contains(&peak), "{peak}");
}

#[test]
fn a_growing_picture_keeps_its_tone_until_the_data_have_moved() {
    let shown = Tone { white: 12.0, range: (0.0, 100.0) };
    let near = Tone { white: 13.0, range: (5.0, 110.0) };
    let far = Tone { white: 15.0, range: (0.0, 100.0) };
    assert_eq!(Tone::follow(shown, near), (shown, false));
    assert_eq!(Tone::follow(shown, far), (far, true));
}

#[test]
fn a_picture_that_would_be_too_large_is_refused_with_the_remedy() {
    let map = empty(Layers::NONE);
    let error = render_region(&map, &square(1e6), Nm(10.0), &Look::default()).expect_err("100000 pixels");
    assert_eq!(error, RenderError::TooLarge { width: 100_000, height: 100_000, pixel_nm: 10.0 });
    assert!(error.to_string().contains("pixel_size_nm"));
    let empty = render_region(&map, &square(0.0), Nm(10.0), &Look::default());
    assert_eq!(empty, Err(RenderError::Empty));
    let nan = render_region(&map, &square(f64::NAN), Nm(10.0), &Look::default());
    assert_eq!(nan, Err(RenderError::Empty));
    let absurd = render_region(&map, &square(1e300), Nm(1e-300), &Look::default());
    assert!(matches!(absurd, Err(RenderError::TooLarge { .. })));
    assert_eq!(
        render_region(&map, &square(1.0), Nm(0.0), &Look::default()),
        Err(RenderError::PixelSize(0.0))
    );
}

#[test]
fn a_scale_bar_has_a_round_length() {
    let mut image = draw(&empty(Layers::NONE), 5120.0, 10.0, &Look::default());
    assert_eq!(image.scale_bar(), Some(Nm(1000.0)));
    let white = image.rgb.as_chunks::<3>().0.iter().filter(|rgb| **rgb == [255; 3]).count();
    assert_eq!(white, 100 * 4);
    assert_eq!(draw(&empty(Layers::NONE), 50.0, 10.0, &Look::default()).scale_bar(), None);
}
