//! The engine around the recipe: strips, lanes, batches, refusals.

use smlm::frame::{FrameId, Seq, SeriesId};
use smlm::units::{Adu, Camera};

use super::*;
use crate::crew::{Alone, Lanes};
use crate::engine::{FrameRef, Pixels};

const CAMERA: Camera = Camera { offset: Adu(100.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 0.8 };

/// Counts of spots of σ = 1.3 px on a grid, one of every 12 × 12 pixels, brighter with `seed`.
fn counts(shape: Shape, seed: usize) -> Vec<u8> {
    let (width, height) = (shape.width as usize, shape.height as usize);
    let mut state = seed as u32 * 7919 + 1;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 20) / 4096.0 - 0.5
    };
    let light = |x: usize, y: usize| {
        let off = |at: usize| (at % 12) as f64 - 6.0;
        let square = (off(x) - 0.2).powi(2) + (off(y) + 0.3).powi(2);
        (150.0 + 10.0 * seed as f64) * (-0.5 * square / 1.69).exp()
    };
    let pixels = (0..width * height).map(|at| light(at % width, at / width) + 140.0 + 12.0 * noise());
    pixels.flat_map(|adu| (adu as u16).to_le_bytes()).collect()
}

fn window(shape: Shape, bytes: &[u8]) -> WindowRef<'_> {
    let key = FrameId { series: SeriesId([1; 16]), seq: Seq(0) };
    let frame = FrameRef { key, shape, pixels: Pixels::U16Le(bytes), camera: CAMERA, maps: None };
    WindowRef { previous: frame, this: frame, next: frame }
}

fn found(engine: &mut Gaussian, windows: &[WindowRef<'_>]) -> Vec<Vec<Localization>> {
    let mut found = Vec::new();
    let mut emit = |index: usize, output: Output<'_>| match output {
        Output::Found(localizations) => {
            assert_eq!(index, found.len(), "windows come in order");
            found.push(localizations.to_vec());
        }
        Output::Decode(_) => panic!("this engine has no tensor"),
    };
    engine.run(windows, &mut emit).unwrap();
    found
}

fn engine(crew: Arc<dyn Crew>) -> Gaussian {
    Gaussian::new(GaussianSettings::default(), crew).unwrap()
}

#[test]
fn spots_are_found_in_photons_at_their_places() {
    let shape = Shape { width: 120, height: 96 };
    let found = found(&mut engine(Arc::new(Alone)), &[window(shape, &counts(shape, 3))]);
    assert_eq!(found[0].len(), 80);
    // 180 ADU high and 1.3 px wide, at 0.5 electrons per ADU and 0.8 electrons per photon.
    let photons = 180.0 * std::f64::consts::TAU * 1.69 * 0.5 / 0.8;
    for l in &found[0] {
        assert!((l.x_px % 12.0 - 6.2).abs() < 0.1 && (l.y_px % 12.0 - 5.7).abs() < 0.1, "{l:?}");
        assert!((f64::from(l.photons) / photons - 1.0).abs() < 0.1, "{l:?}, not {photons}");
        assert!((l.background - 25.0).abs() < 3.0, "{l:?}");
    }
}

#[test]
fn lanes_and_batches_change_nothing() {
    let shape = Shape { width: 75, height: 200 };
    let stack: Vec<Vec<u8>> = (0..5).map(|seed| counts(shape, seed)).collect();
    let windows: Vec<_> = stack.iter().map(|bytes| window(shape, bytes)).collect();
    let mut alone = engine(Arc::new(Alone));
    let expected: Vec<_> = windows.iter().map(|w| found(&mut alone, &[*w]).remove(0)).collect();
    assert!(expected.iter().all(|found| found.len() > 60));
    assert_eq!(found(&mut alone, &windows), expected);
    let lanes = Arc::new(Lanes::new(3));
    std::thread::scope(|scope| {
        (1..3).for_each(|lane| {
            let lanes = lanes.clone();
            scope.spawn(move || lanes.work(lane));
        });
        let mut engine = engine(lanes.clone());
        let seen = found(&mut engine, &windows);
        lanes.close();
        // Other strips round the wavelet's sums differently at their borders, and nothing else.
        for (seen, expected) in seen.iter().zip(&expected) {
            assert_eq!(seen.len(), expected.len());
            for (a, b) in seen.iter().zip(expected) {
                assert!((a.x_px - b.x_px).abs() < 1e-3 && (a.y_px - b.y_px).abs() < 1e-3, "{a:?} {b:?}");
            }
        }
    });
}

#[test]
fn frames_of_changing_and_of_tiny_shapes_are_taken() {
    let mut engine = engine(Arc::new(Alone));
    for (width, height) in [(64, 64), (1, 1), (200, 300), (7, 7), (3, 400), (64, 64)] {
        let shape = Shape { width, height };
        let seen = found(&mut engine, &[window(shape, &counts(shape, 2))]);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].len() > 15, width > 60, "{width} {height}");
    }
}

#[test]
fn a_frame_that_needs_too_much_memory_is_refused() {
    let settings = GaussianSettings { memory_bytes: 1 << 20, ..GaussianSettings::default() };
    let mut engine = Gaussian::new(settings, Arc::new(Alone)).unwrap();
    let refused = engine.warm_up(Shape { width: 2048, height: 2048 });
    assert!(matches!(refused, Err(EngineError::Memory { allowed_mib: 1, .. })), "{refused:?}");
}

#[test]
fn more_windows_than_agreed_are_refused() {
    let shape = Shape { width: 8, height: 8 };
    let bytes = counts(shape, 1);
    let windows = [window(shape, &bytes); 17];
    let refused = engine(Arc::new(Alone)).run(&windows, &mut |_, _| ());
    assert!(matches!(refused, Err(EngineError::BatchTooLarge { windows: 17, max: 16, .. })), "{refused:?}");
}
