//! The `decode` engine on tiny and on shipped networks: split, single, tiled and laned give one result; providers fall
//! back in sight; wrong input is refused.

use std::path::Path;

use smlm::frame::{FrameId, Seq, SeriesId};
use smlm::localize::DecodeTensor;
use smlm::units::{Adu, Camera};

use super::*;
use crate::crew::{Alone, Lanes};
use crate::engine::{FrameRef, Pixels};
use crate::npy::{Npy, Values};
use crate::testing::runtime;

const CAMERA: Camera = Camera { offset: Adu(100.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 0.9 };

fn bundle(kind: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("tiny-{kind}"));
    Bundle::open(&folder).unwrap()
}

fn engine(kind: &str, settings: DecodeSettings, crew: Arc<dyn Crew>) -> Option<Decode> {
    Some(Decode::new(runtime()?, bundle(kind), settings, crew).unwrap())
}

/// Frames of counts that differ everywhere, the same on every machine.
struct Movie {
    shape: Shape,
    frames: Vec<Vec<u8>>,
    series: u8,
}

impl Movie {
    fn new(width: u32, height: u32, frames: usize) -> Self {
        let shape = Shape { width, height };
        let mut state = 7u64 + u64::from(width);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (100 + (state >> 40) % 500) as u16
        };
        let mut frame = || (0..shape.pixels()).flat_map(|_| next().to_le_bytes()).collect();
        Self { shape, frames: (0..frames).map(|_| frame()).collect(), series: 1 }
    }

    /// A field papered with the bundle's golden frames: what the network was made for, unlike noise.
    fn papered(bundle: &Bundle, width: u32, height: u32, frames: usize) -> Self {
        let golden = Npy::read(&bundle.golden("frames.npy").unwrap().unwrap()).unwrap();
        let (&[_, rows, columns], Values::U16(adu)) = (golden.shape.as_slice(), &golden.values) else {
            panic!("golden frames are [frames, height, width] of u16");
        };
        let at = |frame: usize, y: usize, x: usize| adu[(frame * rows + y % rows) * columns + x % columns];
        let shape = Shape { width, height };
        let places = || (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| (y, x)));
        let paper = |frame| places().flat_map(|(y, x)| at(frame, y, x).to_le_bytes()).collect();
        Self { shape, frames: (0..frames).map(paper).collect(), series: 1 }
    }

    fn frame(&self, at: usize) -> FrameRef<'_> {
        let key = FrameId { series: SeriesId([self.series; 16]), seq: Seq(at as u64) };
        FrameRef {
            key,
            shape: self.shape,
            pixels: Pixels::U16Le(&self.frames[at]),
            camera: CAMERA,
            maps: None,
        }
    }

    fn windows(&self) -> Vec<WindowRef<'_>> {
        let last = self.frames.len() - 1;
        let window = |at: usize| WindowRef {
            previous: self.frame(at.saturating_sub(1)),
            this: self.frame(at),
            next: self.frame((at + 1).min(last)),
        };
        (0..=last).map(window).collect()
    }
}

/// The ten planes of each window, assembled from the cores of whatever tiles came.
fn planes(engine: &mut Decode, movie: &Movie, batch: usize) -> Vec<Vec<f32>> {
    let pixels = movie.shape.pixels();
    let mut whole = vec![vec![f32::NAN; 10 * pixels]; movie.frames.len()];
    for (number, windows) in movie.windows().chunks(batch).enumerate() {
        engine
            .run(windows, &mut |window, output| {
                let Output::Decode(tensor) = output else { panic!("not a tensor") };
                paste(&tensor, &mut whole[number * batch + window]);
            })
            .unwrap();
    }
    assert!(whole.iter().flatten().all(|value| value.is_finite()), "a pixel was left out");
    whole
}

fn paste(tensor: &DecodeTensor<'_>, whole: &mut [f32]) {
    let (height, width) = (tensor.height as usize, tensor.width as usize);
    let frame = (tensor.frame.height as usize, tensor.frame.width as usize);
    let core = tensor.core;
    for channel in 0..10 {
        for row in core.row as usize..core.end_row() as usize {
            for column in core.column as usize..core.end_column() as usize {
                let (y, x) = (row as i32 + tensor.origin.0, column as i32 + tensor.origin.1);
                let value = tensor.data[(channel * height + row) * width + column];
                whole[(channel * frame.0 + y as usize) * frame.1 + x as usize] = value;
            }
        }
    }
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    a.iter().flatten().zip(b.iter().flatten()).fold(0.0, |worst, (a, b)| worst.max((a - b).abs()))
}

#[test]
fn split_graphs_say_what_the_single_graph_says_for_any_batch_and_odd_sizes() {
    for (width, height) in [(64, 48), (61, 75), (1, 3)] {
        let movie = Movie::new(width, height, 9);
        let Some(mut single) = engine("single", DecodeSettings::default(), Arc::new(Alone)) else { return };
        let Some(mut split) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
        let expected = planes(&mut single, &movie, 9);
        for batch in [1, 2, 4, 9] {
            let difference = largest_difference(&expected, &planes(&mut split, &movie, batch));
            assert!(difference <= 1e-6, "{width} x {height}, batch {batch}: {difference}");
        }
    }
}

#[test]
fn no_emitter_is_claimed_outside_the_frame() {
    // On a grid of 4 px: one column and three rows of padding.
    let movie = Movie::new(63, 45, 2);
    for (kind, core_px) in [("split", 512), ("split", 20), ("single", 512)] {
        let settings = DecodeSettings { core_px, ..DecodeSettings::default() };
        let Some(mut engine) = engine(kind, settings, Arc::new(Alone)) else { return };
        let (mut padding, mut inside) = (0, 0);
        let mut look = |_: usize, output: Output<'_>| {
            let Output::Decode(tensor) = output else { panic!("not a tensor") };
            for row in 0..tensor.height {
                for column in 0..tensor.width {
                    let p = tensor.data[(row * tensor.width + column) as usize];
                    let (y, x) = (row as i32 + tensor.origin.0, column as i32 + tensor.origin.1);
                    let within = y < 45 && x < 63;
                    assert_eq!(p > 0.0, within, "row {y}, column {x}");
                    *(if within { &mut inside } else { &mut padding }) += 1;
                }
            }
        };
        engine.run(&movie.windows(), &mut look).unwrap();
        assert!(padding > 0 && inside >= 2 * 63 * 45);
    }
}

#[test]
fn a_tiled_field_gives_what_the_whole_field_gives_in_any_memory() {
    let movie = Movie::new(203, 149, 4);
    let Some(mut whole) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    let expected = planes(&mut whole, &movie, 4);
    for kind in ["split", "single"] {
        for memory_kib in [900, 2000, 100_000] {
            let settings =
                DecodeSettings { core_px: 40, memory_bytes: memory_kib << 10, ..DecodeSettings::default() };
            let Some(mut tiled) = engine(kind, settings, Arc::new(Alone)) else { return };
            for batch in [1, 3] {
                let difference = largest_difference(&expected, &planes(&mut tiled, &movie, batch));
                assert!(difference <= 1e-5, "{kind}, {memory_kib} KiB, batch {batch}: {difference}");
            }
            assert!(tiled.plans[0].tiles.len() > 4);
        }
    }
}

#[test]
fn a_tiled_field_gives_what_the_whole_field_gives_with_the_shipped_network() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../onnx-models/decode-2d-lite");
    let Some(runtime) = runtime() else { return };
    if !folder.join("card.toml").exists() {
        return eprintln!("SKIPPED: there is no {}", folder.display());
    }
    let movie = Movie::papered(&Bundle::open(&folder).unwrap(), 221, 165, 3);
    let of = |core_px| {
        let settings = DecodeSettings { core_px, ..DecodeSettings::default() };
        let bundle = Bundle::open(&folder).unwrap();
        let mut engine = Decode::new(runtime, bundle, settings, Arc::new(Alone)).unwrap();
        (planes(&mut engine, &movie, 3), engine.plans[0].input)
    };
    let ((whole, all), (tiled, tile)) = (of(512), of(56));
    assert!(tile.width < all.width && tile.height < all.height, "{tile:?} {all:?}");
    let likeliest = whole[1][..movie.shape.pixels()].iter().filter(|p| **p > 0.5).count();
    assert!(likeliest > 100, "emitters must be in sight, or nothing is compared: {likeliest}");
    let difference = largest_difference(&whole, &tiled);
    assert!(difference <= 2e-5, "{difference}");
}

#[test]
fn lanes_change_nothing_but_the_time() {
    let movie = Movie::new(96, 64, 12);
    let Some(mut alone) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    let expected = planes(&mut alone, &movie, 12);
    let lanes = Arc::new(Lanes::new(3));
    let Some(mut engine) = engine("split", DecodeSettings::default(), lanes.clone()) else { return };
    std::thread::scope(|scope| {
        for lane in 1..3 {
            let lanes = &lanes;
            scope.spawn(move || lanes.work(lane));
        }
        for _ in 0..5 {
            assert_eq!(largest_difference(&expected, &planes(&mut engine, &movie, 12)), 0.0);
        }
        lanes.close();
    });
}

#[test]
fn frames_of_another_series_or_shape_do_not_meet_old_features() {
    let Some(mut engine) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    let first = Movie::new(64, 64, 3);
    let mut other = Movie::new(32, 40, 3);
    let expected = planes(&mut engine, &first, 3);
    let small = planes(&mut engine, &other, 3);
    other.series = 2;
    assert_eq!(planes(&mut engine, &other, 3), small);
    assert_eq!(planes(&mut engine, &first, 3), expected);
    // The same keys, brighter camera: other photons, other answers.
    let mut windows = first.windows();
    for window in &mut windows {
        for frame in [&mut window.previous, &mut window.this, &mut window.next] {
            frame.camera.e_per_adu = 2.0;
        }
    }
    let mut seen = Vec::new();
    engine
        .run(&windows, &mut |_, output| {
            let Output::Decode(tensor) = output else { panic!("not a tensor") };
            seen.push(tensor.data.to_vec());
        })
        .unwrap();
    assert!(largest_difference(&expected, &seen) > 1e-3);
}

#[test]
fn more_shapes_than_plans_still_work_and_the_number_of_plans_stays() {
    let Some(mut engine) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    for round in 0..2 {
        for side in [16, 20, 24, 28, 32, 36] {
            let planes = planes(&mut engine, &Movie::new(side, side, 2), 2);
            assert_eq!(planes.len(), 2, "{round}");
            assert!(engine.plans.len() <= MAX_PLANS);
        }
    }
}

#[test]
fn the_cpu_runs_where_no_gpu_is_and_says_what_was_tried() {
    let Some(engine) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    let about = engine.about();
    if about.provider != "CPUExecutionProvider" {
        return eprintln!("SKIPPED: this machine runs on {}", about.provider);
    }
    assert_eq!(about.attempts.len(), 2, "{:?}", about.attempts);
    assert!(about.attempts[0].starts_with("TensorrtExecutionProvider: "), "{:?}", about.attempts);
    assert!(about.attempts[1].starts_with("CUDAExecutionProvider: "), "{:?}", about.attempts);
    assert!(about.placement.contains("CPUExecutionProvider"), "{}", about.placement);
}

#[test]
fn a_provider_that_fails_late_is_replaced_visibly_and_no_window_is_lost_or_doubled() {
    let movie = Movie::new(48, 48, 6);
    let cpu = ProviderSettings { first: Some(Provider::Cpu), ..ProviderSettings::default() };
    let settings = DecodeSettings { providers: cpu, ..DecodeSettings::default() };
    let Some(mut healthy) = engine("split", settings, Arc::new(Alone)) else { return };
    let expected = planes(&mut healthy, &movie, 3);
    let Some(mut engine) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    if engine.provider() != Provider::Cpu {
        return eprintln!("SKIPPED: this machine runs on {}", engine.provider().name());
    }
    // As if CUDA had taken the graphs and had no memory: what warm-up finds out.
    engine.candidate = 1;
    engine.warm_up(movie.shape).unwrap();
    assert_eq!(engine.about().attempts.len(), 3, "{:?}", engine.about().attempts);
    assert_eq!(engine.provider(), Provider::Cpu);
    // As if it died while running: its graph fails from now on.
    engine.candidate = 1;
    let single = bundle("single");
    let other =
        Station::open(engine.runtime, &single, Provider::Cpu, &ProviderSettings::default()).ok().unwrap();
    engine.stations[0].lock().unwrap().frame = Some(other.window);
    let mut emitted = vec![0; 3];
    engine.run(&movie.windows()[..3], &mut |window, _| emitted[window] += 1).unwrap();
    assert_eq!(emitted, [1, 1, 1]);
    assert_eq!(engine.about().attempts.len(), 4, "{:?}", engine.about().attempts);
    assert_eq!(largest_difference(&expected, &planes(&mut engine, &movie, 3)), 0.0);
}

#[test]
fn a_required_provider_is_refused_instead_of_replaced() {
    let Some(runtime) = runtime() else { return };
    let providers = ProviderSettings { require: Some(Provider::Cuda), ..ProviderSettings::default() };
    let settings = DecodeSettings { providers, ..DecodeSettings::default() };
    match Decode::new(runtime, bundle("split"), settings, Arc::new(Alone)) {
        Ok(engine) => eprintln!("SKIPPED: this machine has {}", engine.about().provider),
        Err(error) => {
            assert!(matches!(error, EngineError::NoProvider { .. }), "{error}");
            assert!(error.to_string().contains("CUDAExecutionProvider: "), "{error}");
        }
    }
}

#[test]
fn a_card_that_does_not_match_its_graph_is_refused() {
    let Some(runtime) = runtime() else { return };
    let refused = |bundle: Bundle| {
        let error = Decode::new(runtime, bundle, DecodeSettings::default(), Arc::new(Alone)).err().unwrap();
        assert!(matches!(error, EngineError::Bundle(crate::BundleError::Mismatch { .. })), "{error}");
        error.to_string()
    };
    let mut more_features = bundle("split");
    more_features.card.network.features = 5;
    assert!(refused(more_features).contains("'features' has 4 channels where the card says 5"));
    let mut exchanged = bundle("split");
    exchanged.models.reverse();
    assert!(refused(exchanged).contains("its inputs are"));
    let mut one_frame = bundle("single");
    one_frame.card.network.window_frames = 1;
    assert!(refused(one_frame).contains("'frames' has 3 channels where the card says 1"));
}

#[test]
fn wrong_frames_are_refused_before_the_network() {
    let Some(mut engine) = engine("split", DecodeSettings::default(), Arc::new(Alone)) else { return };
    let movie = Movie::new(16, 16, 2);
    let mut window = movie.windows()[0];
    let mut refused =
        |window: WindowRef<'_>| engine.run(&[window], &mut |_, _| panic!("emitted")).unwrap_err();
    window.next.pixels = Pixels::U16Le(&movie.frames[0][..100]);
    assert!(matches!(refused(window), EngineError::WrongPixelCount { .. }));
    let mut window = movie.windows()[0];
    window.this.shape = Shape { width: 0, height: 16 };
    assert!(matches!(refused(window), EngineError::Shape { .. }));
    window.this.shape = Shape { width: 32, height: 8 };
    assert!(matches!(refused(window), EngineError::ShapesDiffer));
    let windows = vec![movie.windows()[0]; 17];
    let error = engine.run(&windows, &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, EngineError::BatchTooLarge { .. }), "{error}");
}
