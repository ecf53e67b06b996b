//! In steady state no engine asks the heap for anything: counted per thread, by an allocator that counts.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use infer::fake::{Fake, FakeSettings};
use infer::{
    Alone, Bundle, Crew, Decode, DecodeSettings, Engine, FrameRef, Gaussian, GaussianSettings, Lanes, Output,
    Pixels, WindowRef,
};
use smlm::frame::{FrameId, Seq, SeriesId, Shape};
use smlm::units::Camera;

struct Counting;

thread_local! {
    // Not lazy and without a destructor, so that counting itself allocates nothing.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread while `work` runs.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

const SHAPE: Shape = Shape { width: 100, height: 64 };

fn frames(count: usize) -> Vec<Vec<u8>> {
    let value = |frame: usize, at: usize| (100 + (at * 7919 + frame * 104_729) % 400) as u16;
    (0..count).map(|f| (0..SHAPE.pixels()).flat_map(|at| value(f, at).to_le_bytes()).collect()).collect()
}

fn window(frames: &[Vec<u8>], at: usize) -> WindowRef<'_> {
    let frame = |at: usize| FrameRef {
        key: FrameId { series: SeriesId([3; 16]), seq: Seq(at as u64) },
        shape: SHAPE,
        pixels: Pixels::U16Le(&frames[at % frames.len()]),
        camera: Camera::IDENTITY,
        maps: None,
    };
    WindowRef { previous: frame(at), this: frame(at + 1), next: frame(at + 2) }
}

/// Warms up, runs some batches of changing size, then counts over many more.
fn steady_state(engine: &mut dyn Engine) -> usize {
    let frames = frames(7);
    let mut at = 0;
    let mut outputs = 0;
    let mut run = |engine: &mut dyn Engine, batches: usize| {
        for batch in 0..batches {
            let windows: [WindowRef<'_>; 5] = std::array::from_fn(|index| window(&frames, at + index));
            let windows = &windows[..1 + batch % 5];
            at += windows.len();
            let mut emit = |_: usize, output: Output<'_>| {
                outputs += match output {
                    Output::Decode(tensor) => usize::from(!tensor.data.is_empty()),
                    Output::Found(_) => 1,
                };
            };
            engine.run(windows, &mut emit).unwrap();
        }
    };
    engine.warm_up(SHAPE).unwrap();
    run(engine, 10);
    let count = allocations(|| run(engine, 50));
    assert!(outputs >= 60 * 3, "{outputs}");
    count
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn fake_and_null_allocate_nothing_per_frame() {
    assert_eq!(steady_state(&mut Fake::new(FakeSettings::default())), 0);
    assert_eq!(steady_state(&mut Fake::null()), 0);
}

#[test]
fn gaussian_allocates_nothing_per_frame_on_any_thread() {
    let engine = |crew: Arc<dyn Crew>| Gaussian::new(GaussianSettings::default(), crew).unwrap();
    assert_eq!(steady_state(&mut engine(Arc::new(Alone))), 0);
    let lanes = Arc::new(Lanes::new(2));
    std::thread::scope(|scope| {
        let helper = scope.spawn(|| allocations(|| lanes.work(1)));
        assert_eq!(steady_state(&mut engine(lanes.clone())), 0);
        lanes.close();
        assert_eq!(helper.join().unwrap(), 0);
    });
}

fn decode(kind: &str, settings: DecodeSettings, crew: Arc<dyn Crew>) -> Option<Decode> {
    infer::forbid_telemetry();
    let runtime = infer::runtime::load(None).inspect_err(|error| eprintln!("SKIPPED: {error}")).ok()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(kind);
    Some(Decode::new(runtime, Bundle::open(&folder).unwrap(), settings, crew).unwrap())
}

#[test]
fn decode_allocates_nothing_per_frame() {
    let whole = DecodeSettings::default();
    let tiled = DecodeSettings { core_px: 32, memory_bytes: 700 << 10, ..DecodeSettings::default() };
    for kind in ["tiny-split", "tiny-single"] {
        for settings in [&whole, &tiled] {
            let Some(mut engine) = decode(kind, settings.clone(), Arc::new(Alone)) else { return };
            assert_eq!(steady_state(&mut engine), 0, "{kind} {settings:?}");
        }
    }
}

#[test]
fn decode_on_lanes_allocates_nothing_per_frame_on_any_thread() {
    let lanes = Arc::new(Lanes::new(2));
    let Some(mut engine) = decode("tiny-split", DecodeSettings::default(), lanes.clone()) else { return };
    std::thread::scope(|scope| {
        let helper = scope.spawn(|| allocations(|| lanes.work(1)));
        assert_eq!(steady_state(&mut engine), 0);
        lanes.close();
        assert_eq!(helper.join().unwrap(), 0);
    });
}
