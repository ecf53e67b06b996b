//! The engines without a network: what `fake` finds, and what it refuses.

use smlm::frame::{FrameId, Seq, SeriesId};
use smlm::units::Camera;

use super::*;

const SHAPE: Shape = Shape { width: 130, height: 70 };

/// A dark frame with bright pixels.
fn counts(bright: &[(usize, usize, u16)]) -> Vec<u16> {
    let mut adu = vec![10; SHAPE.pixels()];
    bright.iter().for_each(|&(x, y, value)| adu[y * SHAPE.width as usize + x] = value);
    adu
}

fn frame(pixels: Pixels<'_>, seq: u64) -> FrameRef<'_> {
    let key = FrameId { series: SeriesId([1; 16]), seq: Seq(seq) };
    FrameRef { key, shape: SHAPE, pixels, camera: Camera::IDENTITY, maps: None }
}

fn found(engine: &mut Fake, pixels: Pixels<'_>) -> Vec<Localization> {
    let frame = frame(pixels, 0);
    let mut found = Vec::new();
    let mut emit = |_: usize, output: Output<'_>| match output {
        Output::Found(localizations) => found.extend_from_slice(localizations),
        Output::Decode(_) => panic!("a fake has no tensor"),
    };
    engine.run(&[WindowRef { previous: frame, this: frame, next: frame }], &mut emit).unwrap();
    found
}

#[test]
fn the_brightest_pixel_of_each_block_is_found_at_its_sub_pixel_place() {
    // Blocks are 64 px: these lie in four of them, one at the very corner of the frame.
    let adu = counts(&[(5, 6, 1000), (6, 6, 505), (5, 7, 505), (100, 3, 900), (20, 64, 800), (129, 69, 700)]);
    let bytes: Vec<u8> = adu.iter().flat_map(|adu| adu.to_le_bytes()).collect();
    let found = found(&mut Fake::new(FakeSettings::default()), Pixels::U16Le(&bytes));
    let places: Vec<_> = found.iter().map(|l| (l.x_px, l.y_px)).collect();
    assert_eq!(places, [(5.25, 6.25), (100.0, 3.0), (20.0, 64.0), (129.0, 69.0)]);
    assert_eq!(found[1].photons, 890.0);
    assert_eq!(found[1].background, 10.0);
}

#[test]
fn eight_and_sixteen_bit_pixels_give_the_same() {
    let adu = counts(&[(40, 40, 250), (70, 10, 249)]);
    let wide: Vec<u8> = adu.iter().flat_map(|adu| adu.to_le_bytes()).collect();
    let narrow: Vec<u8> = adu.iter().map(|adu| *adu as u8).collect();
    let mut engine = Fake::new(FakeSettings::default());
    let expected = found(&mut engine, Pixels::U16Le(&wide));
    assert_eq!(expected.len(), 2);
    assert_eq!(found(&mut engine, Pixels::U8(&narrow)), expected);
}

#[test]
fn what_is_dim_is_not_found_and_null_finds_nothing() {
    let bytes: Vec<u8> = counts(&[(40, 40, 149)]).iter().map(|adu| *adu as u8).collect();
    assert_eq!(found(&mut Fake::new(FakeSettings::default()), Pixels::U8(&bytes)), []);
    let bright: Vec<u8> = counts(&[(40, 40, 255)]).iter().map(|adu| *adu as u8).collect();
    assert_eq!(found(&mut Fake::null(), Pixels::U8(&bright)), []);
}

#[test]
fn a_frame_that_changes_between_two_windows_is_refused() {
    let settings = FakeSettings { verify: true, ..FakeSettings::default() };
    let mut engine = Fake::new(settings);
    let stack: Vec<Vec<u8>> = (0..20u8).map(|value| vec![value; SHAPE.pixels()]).collect();
    let at = |seq: usize| frame(Pixels::U8(&stack[seq]), seq as u64);
    let window = |seq: usize| WindowRef { previous: at(seq), this: at(seq + 1), next: at(seq + 2) };
    for seq in 0..17 {
        engine.run(&[window(seq)], &mut |_, _| ()).unwrap();
    }
    let mut torn = stack[18].clone();
    torn[5000] ^= 1;
    let mut last = window(17);
    last.this.pixels = Pixels::U8(&torn);
    let error = engine.run(&[last], &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, EngineError::Torn { .. }), "{error}");
}
