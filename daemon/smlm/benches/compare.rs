//! How long it takes to compare pictures, and to judge a tile. Prints medians; `cargo bench -p smlm --bench compare`.

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::blend::{Blend, Windows};
use smlm::drift::Drift;
use smlm::error_map::{Limits, error_map, expected, taken};
use smlm::frame::{FrameId, FrameInfo, PixelType, Seq, Shape};
use smlm::grey::{Border, Grey, blur};
use smlm::localization::Localization;
use smlm::looks::Looks;
use smlm::map::PixelBox;
use smlm::sharpness::blinking_width;
use smlm::similarity::ms_ssim;
use smlm::units::{Nm, PixelSize};

/// A field of 55 µm at 20 nm.
const SIDE_PX: u32 = 2768;
const ROUNDS: usize = 5;

fn main() {
    let shape = Shape { width: SIDE_PX, height: SIDE_PX };
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let values = (0..shape.pixels()).map(|_| f32::from(u8::from(random.random_range(0..50) == 0)));
    let Ok(picture) = Grey::new(shape, values.collect()) else { return };
    let widefield = blur(&picture, 8.0, Border::Repeat).map(|value| 2000.0 * value);
    let quarter = taken(&widefield);
    let Ok(estimate) = expected(&picture, &quarter) else { return };
    let (width, height) = (quarter.width(), quarter.height());
    println!("widefield to {width} x {height}: {:6.1} ms", median(|| taken(&widefield)));
    println!("its fit to the picture:  {:6.1} ms", median(|| expected(&picture, &quarter)));
    println!(
        "error map:               {:6.1} ms",
        median(|| error_map(&estimate, &quarter, &Limits::default()))
    );
    println!("MS-SSIM {SIDE_PX} x {SIDE_PX}:     {:6.1} ms", median(|| ms_ssim(&picture, &picture)));
    blending();
    judging();
}

/// Windows of 512 px over the field.
fn blending() {
    let Ok(windows) = Windows::new(512, 32, 96) else { return };
    let window = vec![0.5; 512 * 512];
    let region = PixelBox { x: 0, y: 0, width: SIDE_PX, height: SIDE_PX };
    let task = || {
        let mut blend = Blend::new(&windows, region)?;
        while blend.next_place().is_some() {
            blend.add(&window)?;
        }
        blend.finish()
    };
    println!("blend to {SIDE_PX} x {SIDE_PX}:    {:6.1} ms", median(task));
}

/// 100,000 localizations of 1,000 frames on circles in a field of 25 µm; 100 frames of 256 x 256 pixels.
fn judging() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut on_circle = |frame: u32| {
        let (circle, angle) =
            (random.random_range(1..20u16), random.random_range(0.0..std::f32::consts::TAU));
        let radius = 6.0 * f32::from(circle) + random.random_range(-0.2..0.2f32);
        let (x_px, y_px) = (125.0 + radius * angle.cos() + 1e-3 * frame as f32, 125.0 + radius * angle.sin());
        Localization { frame, x_px, y_px, ..Localization::default() }
    };
    let found: Vec<Localization> = (0..100_000).map(|i| on_circle(i / 100)).collect();
    let pixel = PixelSize::square(Nm(100.0));
    println!("drift of a tile:         {:6.1} ms", median(|| Drift::of_tile(&found, pixel)));
    let shape = Shape { width: 256, height: 256 };
    let frames: Vec<Vec<f32>> =
        (0..100).map(|_| (0..shape.pixels()).map(|_| random.random_range(0.0..100.0)).collect()).collect();
    let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
    println!("width of what blinks:    {:6.1} ms", median(|| blinking_width(&frames, shape)));
    looking();
}

/// What a tile's focus and light cost, spread over all its frames.
fn looking() {
    let shape = Shape { width: 512, height: 512 };
    let bytes: Vec<u8> = (0..2 * shape.pixels()).map(|at| (at * 7919 % 251) as u8).collect();
    let frame = |seq: u32| FrameInfo {
        id: FrameId { seq: Seq(seq.into()), ..FrameId::default() },
        shape,
        pixel_type: PixelType::U16,
        frames_per_tile: 1000,
        ..FrameInfo::default()
    };
    let all = |looks: &mut Looks| (0..1000).for_each(|seq| looks.take(&frame(seq), &bytes, 0));
    let took = median(|| all(&mut Looks::default()));
    println!("looks at {} x {}:     {took:6.3} us per frame", shape.width, shape.height);
}

fn median<T>(task: impl Fn() -> T) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(task());
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}
