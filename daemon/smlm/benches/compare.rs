//! How long comparing pictures takes. Prints medians; `cargo bench -p smlm --bench compare`.

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::error_map::{Limits, error_map, expected, taken};
use smlm::frame::Shape;
use smlm::grey::{Border, Grey, blur};
use smlm::similarity::ms_ssim;

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
