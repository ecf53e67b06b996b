//! Reading the network's output: the published code's reference vectors, both rules, crops, padding and tiles.

use super::*;
use crate::frame::{FrameId, Seq};
use crate::tiling::{Tiling, padded};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const UNIT: OutputScale = OutputScale { photons: 1.0, z_nm: 1.0, background: 1.0 };

fn shape(width: u32, height: u32) -> Shape {
    Shape { width, height }
}

/// A tensor with these probabilities and zero everywhere else.
fn values(p: &[f32]) -> Vec<f32> {
    let mut data = p.to_vec();
    data.resize(p.len() * CHANNELS, 0.0);
    data
}

fn whole(data: &[f32], size: Shape) -> DecodeTensor<'_> {
    let Shape { width, height } = size;
    DecodeTensor { data, height, width, frame: size, origin: (0, 0), core: Rect::whole(size) }
}

fn find(tensor: &DecodeTensor<'_>, rule: Rule) -> Vec<Localization> {
    let mut out = vec![];
    let info = FrameInfo::default();
    localize(tensor, &UNIT, rule, &Filter::default(), &info, &mut out).unwrap();
    out
}

/// (row, column, probability) of what is found among these pixels, given in the middle of an empty field.
fn found(pixels: &[(usize, usize, f32)], rule: Rule) -> Vec<(i32, i32, f32)> {
    let mut p = vec![0.000_335; 64];
    for &(row, column, value) in pixels {
        p[row * 8 + column] = value;
    }
    find(&whole(&values(&p), shape(8, 8)), rule)
        .iter()
        .map(|l| (l.y_px as i32, l.x_px as i32, (l.probability * 1000.0).round() / 1000.0))
        .collect()
}

#[test]
fn reference_vectors_of_the_published_code() {
    let raw = |raw_th, pixels: &[(usize, usize, f32)]| found(pixels, Rule::RawThreshold(raw_th));
    let isolated = [(3, 3, 0.25)];
    assert_eq!(raw(0.1, &isolated), [(3, 3, 0.251)]);
    assert_eq!(raw(0.3, &isolated), []);
    assert_eq!(raw(0.5, &isolated), []);
    let beside = [(3, 3, 0.35), (3, 4, 0.30)];
    assert_eq!(raw(0.1, &beside), [(3, 3, 0.651)]);
    assert_eq!(raw(0.3, &beside), [(3, 3, 0.651)]);
    assert_eq!(raw(0.5, &beside), []);
    let diagonal = [(3, 3, 0.35), (4, 4, 0.30)];
    assert_eq!(raw(0.1, &diagonal), [(3, 3, 0.351)]);
    assert_eq!(raw(0.3, &diagonal), [(3, 3, 0.351)]);
    let bright = [(3, 3, 0.9), (3, 4, 0.8)];
    assert_eq!(raw(0.5, &bright), [(3, 3, 1.0), (3, 4, 1.0)]);
    let tie = [(3, 3, 0.4), (3, 4, 0.4)];
    assert_eq!(raw(0.1, &tie), [(3, 3, 0.801), (3, 4, 0.801)]);
    assert_eq!(raw(0.3, &tie), [(3, 3, 0.801), (3, 4, 0.801)]);
}

#[test]
fn the_papers_rule_has_three_thresholds_and_all_are_strict() {
    let paper = |pixels: &[(usize, usize, f32)]| found(pixels, Rule::default());
    assert_eq!(paper(&[(3, 3, 0.71)]), [(3, 3, 0.711)]);
    assert_eq!(paper(&[(3, 3, 0.69)]), []);
    assert_eq!(paper(&[(3, 3, 0.35), (3, 4, 0.30)]), []);
    assert_eq!(paper(&[(3, 3, 0.45), (3, 4, 0.30)]), [(3, 3, 0.751)]);
    assert_eq!(paper(&[(3, 3, 0.3), (3, 4, 0.29), (3, 2, 0.29)]), [], "0.3 is not above 0.3");
    assert_eq!(paper(&[(3, 3, 0.61), (3, 4, 0.62)]), [(3, 3, 1.0), (3, 4, 1.0)]);
    assert_eq!(paper(&[(3, 3, 0.6), (3, 4, 0.62)]), [(3, 4, 1.0)], "0.6 is not above 0.6");
    let exact = Rule::Paper { candidate: 0.25, second: 0.6, accept: 0.5 };
    let field = values(&[0.5, 0.0, 0.0, 0.0]);
    assert_eq!(find(&whole(&field, shape(2, 2)), exact).len(), 0, "0.5 is not above 0.5");
    assert_eq!(find(&whole(&field, shape(2, 2)), Rule::RawThreshold(0.5)).len(), 0, "nor is a candidate");
    let alone = values(&[0.75, 0.0, 0.0, 0.0]);
    let split = Rule::RawThreshold(0.75);
    assert_eq!(
        find(&whole(&alone, shape(2, 2)), split).len(),
        1,
        "no candidate, but above 0.6 and P >= 0.75"
    );
    let at_limit = values(&[0.3, 0.2, 0.0, 0.0]);
    assert_eq!(find(&whole(&at_limit, shape(2, 2)), Rule::RawThreshold(0.25)).len(), 1);
}

/// The published code as it is written: whole maps, clip, pool, convolve, clamp.
fn by_maps(p: &[f32], size: Shape, rule: Rule) -> Vec<(usize, f32)> {
    let (w, h) = (size.width as i64, size.height as i64);
    let (candidate, second) = rule.thresholds();
    let at = |map: &[f32], r: i64, c: i64| {
        if (0..h).contains(&r) && (0..w).contains(&c) { map[(r * w + c) as usize] } else { 0.0 }
    };
    let clipped: Vec<f32> = p.iter().map(|&p| if p > candidate { p } else { 0.0 }).collect();
    let mut kept = vec![];
    for (i, &value) in p.iter().enumerate() {
        let (r, c) = (i as i64 / w, i as i64 % w);
        let pool = (0..9).map(|k| at(&clipped, r + k / 3 - 1, c + k % 3 - 1)).fold(0.0, f32::max);
        let plus = at(p, r - 1, c) + at(p, r, c - 1) + value + at(p, r, c + 1) + at(p, r + 1, c);
        let first = f32::from(value == pool);
        let other = f32::from(value * (1.0 - first) > second);
        let sum = first * plus + other * plus;
        if rule.accepts(sum) {
            kept.push((i, sum.min(1.0)));
        }
    }
    kept
}

/// Blobs, plateaus and ties: probabilities on a coarse ladder, dense enough that most rules matter.
fn random_map(dice: &mut StdRng, size: Shape) -> Vec<f32> {
    (0..size.pixels())
        .map(|_| match dice.random_range(0..4) {
            0 => dice.random_range(1..20) as f32 * 0.05,
            1 => dice.random_range(0.0..0.9997f32),
            _ => 0.000_335,
        })
        .collect()
}

#[test]
fn random_maps_give_what_the_published_code_gives_for_both_rules() {
    let mut total = 0;
    for seed in 0..200 {
        let mut dice = StdRng::seed_from_u64(seed);
        let size = shape(dice.random_range(1..40), dice.random_range(1..24));
        let p = random_map(&mut dice, size);
        let rules =
            [Rule::default(), Rule::RawThreshold(0.1), Rule::RawThreshold(0.5), Rule::RawThreshold(0.8)];
        for rule in rules {
            let expected = by_maps(&p, size, rule);
            let got: Vec<_> = find(&whole(&values(&p), size), rule)
                .iter()
                .map(|l| (l.y_px as usize * size.width as usize + l.x_px as usize, l.probability))
                .collect();
            let places = |list: &[(usize, f32)]| list.iter().map(|entry| entry.0).collect::<Vec<_>>();
            assert_eq!(places(&got), places(&expected), "seed {seed} {rule:?}");
            assert!(got.iter().zip(&expected).all(|(a, b)| (a.1 - b.1).abs() < 1e-6));
            total += got.len();
        }
    }
    assert!(total > 10_000, "{total}: the maps must not be empty");
}

/// One emitter at (row 3, column 5) of a 6 x 9 tensor, each channel another number.
fn one_emitter() -> Vec<f32> {
    let mut data = vec![0.0; CHANNELS * 54];
    let numbers = [0.9, 0.5, 0.25, -0.125, 0.5, 0.01, 0.02, 0.04, 0.05, 0.1];
    for (channel, value) in numbers.into_iter().enumerate() {
        data[channel * 54 + 3 * 9 + 5] = value;
    }
    data
}

#[test]
fn decodes_x_runs_along_rows_and_outputs_are_scaled() {
    let data = one_emitter();
    let scale = OutputScale { photons: 2000.0, z_nm: 800.0, background: 50.0 };
    let mut info = FrameInfo { id: FrameId { seq: Seq(42), ..FrameId::default() }, ..FrameInfo::default() };
    info.tile.index = 7;
    let mut out = vec![];
    let tensor = whole(&data, shape(9, 6));
    localize(&tensor, &scale, Rule::default(), &Filter::default(), &info, &mut out).unwrap();
    let expected = Localization {
        frame: 42,
        tile: 7,
        x_px: 4.875,
        y_px: 3.25,
        z_nm: 400.0,
        photons: 1000.0,
        background: 5.0,
        sigma_x_px: 0.04,
        sigma_y_px: 0.02,
        sigma_z_nm: 40.0,
        sigma_photons: 20.0,
        probability: 0.9,
    };
    assert_eq!(out, [expected]);
}

#[test]
fn crop_and_padding_are_undone() {
    let data = one_emitter();
    let at = |origin, frame| {
        let tensor = DecodeTensor { origin, frame, ..whole(&data, shape(9, 6)) };
        find(&tensor, Rule::default()).first().map(|l| (l.x_px, l.y_px))
    };
    assert_eq!(at((100, 20), shape(512, 512)), Some((24.875, 103.25)), "a crop or tile");
    assert_eq!(at((-2, -3), shape(4, 3)), Some((1.875, 1.25)), "padding all around");
    assert_eq!(at((0, 0), shape(5, 6)), None, "its pixel is padding");
    assert_eq!(at((0, 0), shape(6, 4)), Some((4.875, 3.25)), "the last pixel is not");
    assert_eq!(at((-4, 0), shape(9, 6)), None);
    assert_eq!(at((600, 0), shape(9, 6)), None);
}

#[test]
fn padding_takes_part_in_maxima_and_sums_but_yields_nothing() {
    let mut p = vec![0.0; 16];
    (p[4 + 1], p[4 + 2]) = (0.5, 0.55);
    let data = values(&p);
    let padded = DecodeTensor { frame: shape(2, 4), ..whole(&data, shape(4, 4)) };
    assert_eq!(find(&padded, Rule::default()).len(), 0, "the emitter's maximum lies outside the frame");
    p[4 + 2] = 0.4;
    let data = values(&p);
    let padded = DecodeTensor { frame: shape(2, 4), ..whole(&data, shape(4, 4)) };
    assert_eq!(find(&padded, Rule::default())[0].probability, 0.9);
}

/// Cuts the tile's input out of a whole tensor.
fn cut(data: &[f32], size: Shape, input: Rect) -> Vec<f32> {
    let mut part = vec![];
    for channel in data.chunks(size.pixels()) {
        for row in input.row..input.end_row() {
            let start = (row * size.width + input.column) as usize;
            part.extend_from_slice(&channel[start..start + input.width as usize]);
        }
    }
    part
}

#[test]
fn tiles_give_the_localizations_of_the_whole_field() {
    for seed in 0..60 {
        let mut dice = StdRng::seed_from_u64(seed);
        let field = shape(dice.random_range(1..80), dice.random_range(1..80));
        let size = padded(field, 4).unwrap();
        let mut data = random_map(&mut dice, size);
        data.extend((0..size.pixels() * 9).map(|_| dice.random_range(-1.0..1.0f32)));
        let key = |l: &Localization| (l.y_px.to_bits(), l.x_px.to_bits());
        let mut expected = find(&DecodeTensor { frame: field, ..whole(&data, size) }, Rule::default());
        let mut got = vec![];
        for tile in Tiling::new(field, dice.random_range(1..30), 0, 4).unwrap().iter() {
            let part = cut(&data, size, tile.input);
            let tensor = DecodeTensor {
                frame: field,
                origin: (tile.input.row as i32, tile.input.column as i32),
                core: tile.core_in_input(),
                ..whole(&part, tile.input.shape())
            };
            got.extend(find(&tensor, Rule::default()));
        }
        expected.sort_by_key(key);
        got.sort_by_key(key);
        assert_eq!(got, expected, "seed {seed}");
    }
}

#[test]
fn filtered_and_broken_values_are_counted_not_lost_silently() {
    let mut p = vec![0.0; 64];
    (p[0], p[20], p[40]) = (0.9, 0.8, 0.95);
    let mut data = values(&p);
    data[64 + 20] = f32::NAN;
    data[6 * 64 + 40] = 0.5;
    let filter = Filter { sigma_lateral_max_px: Some(0.2), ..Filter::default() };
    let (mut out, info) = (vec![], FrameInfo::default());
    let tensor = whole(&data, shape(8, 8));
    let found = localize(&tensor, &UNIT, Rule::default(), &filter, &info, &mut out).unwrap();
    assert_eq!(found, Found { kept: 1, filtered: 1, not_finite: 1 });
    assert_eq!(out.len(), 1);
    let nothing = vec![f32::NAN; CHANNELS * 64];
    for rule in [Rule::default(), Rule::RawThreshold(0.1)] {
        let tensor = whole(&nothing, shape(8, 8));
        let found = localize(&tensor, &UNIT, rule, &filter, &info, &mut out).unwrap();
        assert_eq!(
            found,
            Found { not_finite: 64, ..Found::default() },
            "a dead network is not an empty field"
        );
    }
}

#[test]
fn a_tensor_that_does_not_fit_its_shape_is_refused() {
    let data = vec![0.0; CHANNELS * 12];
    let refuse = |tensor: DecodeTensor<'_>| {
        let (mut out, info) = (vec![], FrameInfo::default());
        localize(&tensor, &UNIT, Rule::default(), &Filter::default(), &info, &mut out).unwrap_err()
    };
    let good = whole(&data, shape(4, 3));
    assert!(refuse(DecodeTensor { height: 4, ..good }).to_string().contains("120 values"));
    let core = Rect { row: u32::MAX, column: 0, height: 2, width: 1 };
    assert_eq!(refuse(DecodeTensor { core, ..good }), BadTensor::Core { core, height: 3, width: 4 });
    assert!(matches!(
        refuse(DecodeTensor { height: u32::MAX, width: u32::MAX, ..good }),
        BadTensor::Length { .. }
    ));
}
