//! How long the engine `gaussian` takes for a frame of 512 × 512 pixels, by stage, on one lane and on two.
//!
//!     cargo bench -p infer --bench gaussian -- [--emitters 600] [--radius 3] [--seconds 10]
//!
//! Frames are simulated: pixels of 108 nm, emitters of σ = 1.25 px and 500 to 3000 photons anywhere, 20 photons of
//! background, Poisson noise. The clock's median and the calling thread's mean processor time are printed: on a busy
//! machine the latter is what to look at, with one lane.
#![allow(clippy::unwrap_used)] // a measurement that cannot go on says so by panicking

use std::sync::Arc;
use std::time::{Duration, Instant};

use infer::pixels::{Cut, Scaling, fill};
use infer::{Alone, Crew, Engine, FrameRef, Gaussian, GaussianSettings, Lanes, Output, Pixels, WindowRef};
use smlm::crlb::Noise;
use smlm::frame::{FrameId, Seq, SeriesId, Shape};
use smlm::gaussian::{Recipe, Rows, Settings, Strip};
use smlm::units::{Adu, Camera};

const SHAPE: Shape = Shape { width: 512, height: 512 };
const CAMERA: Camera = Camera { offset: Adu(100.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 1.0 };
const FRAMES: usize = 16;
const BATCH: usize = 4;

fn main() {
    let option = |name: &str, default: f64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).map_or(default, |text| text.parse().unwrap())
    };
    let emitters = option("--emitters", 600.0) as usize;
    let recipe = Settings { radius_px: option("--radius", 3.0) as usize, ..Settings::default() };
    let seconds = Duration::from_secs_f64(option("--seconds", 10.0) / 3.0);
    let mut dice = Dice(42);
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|_| frame(emitters, &mut dice)).collect();
    println!("512 x 512 px, {emitters} emitters, squares of {} px", 2 * recipe.radius_px + 1);
    println!("{:<34} {:>10} {:>10} {:>8}", "", "ms/frame", "cpu ms", "found");
    stages(&frames, recipe, seconds);
    let lanes = Arc::new(Lanes::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| lanes.work(1));
        for (name, crew) in [("1 lane", Arc::new(Alone) as Arc<dyn Crew>), ("2 lanes", lanes.clone())] {
            let settings = GaussianSettings { recipe, ..GaussianSettings::default() };
            let mut engine = Gaussian::new(settings, crew).unwrap();
            for batch in [1, BATCH] {
                let label = format!("engine, {name}, {batch} at once");
                measure(&label, batch, seconds / 2, |at| run(&mut engine, &frames, at, batch));
            }
        }
        lanes.close();
    });
}

/// One stage after the other, on whole frames.
fn stages(frames: &[Vec<u8>], recipe: Settings, seconds: Duration) {
    let recipe = Recipe::new(recipe).unwrap();
    let own = Rows { first: 0, end: SHAPE.height as usize };
    let mut strip = Strip::default();
    strip.cover(SHAPE, own, 0);
    let whole = Cut { x: 0, y: 0, width: SHAPE.width as usize, height: SHAPE.height as usize };
    let photons = Scaling { offset_photons: 0.0, scale_photons: 1.0 };
    let load = |strip: &mut Strip, at: usize| {
        fill(&window(&frames[at % FRAMES]).this, photons, whole, &mut strip.image);
        0
    };
    measure("counts to photons", 1, seconds / 4, |at| load(&mut strip, at));
    measure("wavelet filter", 1, seconds / 4, |_| {
        recipe.filter(&mut strip);
        0
    });
    let threshold = recipe.threshold(&recipe.filter(&mut strip));
    measure("search without a find", 1, seconds / 4, |_| {
        recipe.find(&mut strip, f32::MAX, Noise::IDEAL);
        strip.found.len()
    });
    measure("search and fits", 1, seconds / 4, |_| {
        recipe.find(&mut strip, threshold, Noise::IDEAL);
        strip.found.len()
    });
}

fn run(engine: &mut Gaussian, frames: &[Vec<u8>], at: usize, batch: usize) -> usize {
    let windows: [WindowRef<'_>; BATCH] =
        std::array::from_fn(|place| window(&frames[(at * batch + place) % FRAMES]));
    let mut found = 0;
    let mut emit = |_: usize, output: Output<'_>| {
        if let Output::Found(localizations) = output {
            found += localizations.len();
        }
    };
    engine.run(&windows[..batch], &mut emit).unwrap();
    found / batch
}

fn window(bytes: &[u8]) -> WindowRef<'_> {
    let key = FrameId { series: SeriesId([1; 16]), seq: Seq(0) };
    let frame = FrameRef { key, shape: SHAPE, pixels: Pixels::U16Le(bytes), camera: CAMERA, maps: None };
    WindowRef { previous: frame, this: frame, next: frame }
}

fn measure(label: &str, frames: usize, seconds: Duration, mut work: impl FnMut(usize) -> usize) {
    let (mut wall, mut found) = (Vec::new(), 0);
    let (end, before) = (Instant::now() + seconds, cpu_time());
    for round in 0.. {
        let start = Instant::now();
        found = work(round);
        wall.push(start.elapsed().as_secs_f64() * 1e3 / frames as f64);
        if round >= 20 && Instant::now() > end {
            break;
        }
    }
    let cpu = (cpu_time() - before).as_secs_f64() * 1e3 / (wall.len() * frames) as f64;
    wall.sort_by(f64::total_cmp);
    println!("{label:<34} {:>10.3} {cpu:>10.3} {found:>8}", wall[wall.len() / 2]);
}

/// Processor time of this thread so far; 0 where the system does not tell.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// Numbers from 0 to 1, the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.next().ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

fn frame(emitters: usize, dice: &mut Dice) -> Vec<u8> {
    let (width, height) = (SHAPE.width as usize, SHAPE.height as usize);
    let mut mean = vec![20.0f64; SHAPE.pixels()];
    for _ in 0..emitters {
        let (x, y) = (dice.next() * width as f64 - 0.5, dice.next() * height as f64 - 0.5);
        let photons = 500.0 + 2500.0 * dice.next();
        let around = |at: f64, end: usize| {
            (at.round() as isize - 6).max(0) as usize..((at.round() as isize + 7).max(0) as usize).min(end)
        };
        for row in around(y, height) {
            for column in around(x, width) {
                let square = (column as f64 - x).powi(2) + (row as f64 - y).powi(2);
                let variance = 1.25 * 1.25;
                mean[row * width + column] +=
                    photons * (-0.5 * square / variance).exp() / (std::f64::consts::TAU * variance);
            }
        }
    }
    let mut counts = |mean: f64| (100.0 + 2.0 * (mean + mean.sqrt() * dice.normal()).max(0.0)) as u16;
    mean.into_iter().flat_map(|mean| counts(mean).to_le_bytes()).collect()
}
