//! How long engines take: split graphs against one graph, lanes, threads inside a session, tiles, batches.
//!
//!     cargo bench -p infer --bench engine -- [--seconds 60] [--json FILE]
//!
//! Everything is measured in turn, one call of each variant after the other, so that a busy machine slows all
//! alike; medians per frame are printed, and ratios are what to look at. Needs ONNX Runtime and the bundles
//! `decode-2d-lite` and `decode-2d-lite-single` of `onnx-models` (or the folder in `BLINKD_MODELS`).
#![allow(clippy::unwrap_used)] // a measurement that cannot go on says so by panicking

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use infer::fake::{Fake, FakeSettings};
use infer::pixels::{Cut, fill};
use infer::{
    Alone, Bundle, Crew, Decode, DecodeSettings, Engine, FrameRef, Lanes, Pixels, Provider, ProviderSettings,
    WindowRef,
};
use smlm::frame::{FrameId, Seq, SeriesId, Shape};
use smlm::units::{Adu, Camera};

const BATCHES: [usize; 4] = [1, 2, 4, 8];
const SIDES: [u32; 3] = [64, 128, 256];
const CAMERA: Camera = Camera { offset: Adu(100.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 0.9 };

fn main() {
    infer::forbid_telemetry();
    let option = |name: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1)
    };
    let seconds: f64 = option("--seconds").map_or(60.0, |text| text.parse().unwrap());
    let mut rows = without_network();
    let lanes = Arc::new(Lanes::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| lanes.work(1));
        for side in SIDES {
            rows.extend(networks(side, Duration::from_secs_f64(seconds / SIDES.len() as f64), &lanes));
        }
        lanes.close();
    });
    print(&rows);
    if let Some(file) = option("--json") {
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        std::fs::write(&file, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
        println!("written to {file}");
    }
}

/// One measured variant.
struct Row {
    name: &'static str,
    side: u32,
    batch: usize,
    runs: usize,
    median_us_per_frame: f64,
    /// Of the calling thread: what other processes do counts less. Meaningless with more than one lane.
    cpu_us_per_frame: f64,
}

impl Row {
    fn new(name: &'static str, side: u32, batch: usize, times: Vec<Took>) -> Self {
        let median = |of: fn(&Took) -> Duration| {
            let mut times: Vec<Duration> = times.iter().map(of).collect();
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e6 / batch as f64
        };
        let (wall, cpu) = (median(|took| took.wall), median(|took| took.cpu));
        Self { name, side, batch, runs: times.len(), median_us_per_frame: wall, cpu_us_per_frame: cpu }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "variant": self.name, "side_px": self.side, "batch": self.batch, "runs": self.runs,
            "median_us_per_frame": self.median_us_per_frame, "cpu_us_per_frame": self.cpu_us_per_frame,
        })
    }
}

/// How long something took by the clock, and on the calling thread's processor.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

fn took(work: impl FnOnce()) -> Took {
    let (start, cpu) = (Instant::now(), cpu_time());
    work();
    Took { wall: start.elapsed(), cpu: cpu_time() - cpu }
}

/// Processor time of this thread so far; 0 where the system does not tell.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn print(rows: &[Row]) {
    println!(
        "{:<26} {:>5} {:>6} {:>6} {:>12} {:>10} {:>12}",
        "variant", "side", "batch", "runs", "us/frame", "frames/s", "cpu us/frame"
    );
    for row in rows {
        let Row { name, side, batch, runs, median_us_per_frame: us, cpu_us_per_frame: cpu } = row;
        println!("{name:<26} {side:>5} {batch:>6} {runs:>6} {us:>12.1} {:>10.1} {cpu:>12.1}", 1e6 / us);
    }
    let mut ratios = Vec::new();
    for side in SIDES {
        for batch in BATCHES {
            let of = |name| rows.iter().find(|r| r.name == name && r.side == side && r.batch == batch);
            if let (Some(split), Some(single)) = (of("split, 1 lane"), of("single, 1 lane")) {
                let wall = single.median_us_per_frame / split.median_us_per_frame;
                let cpu = single.cpu_us_per_frame / split.cpu_us_per_frame;
                ratios.push(if cpu.is_finite() { cpu } else { wall });
                println!(
                    "split against single, {side} px, batch {batch}: {wall:.2} times faster, {cpu:.2} in processor time"
                );
            }
        }
    }
    ratios.sort_unstable_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("split against single, median of {}: {median:.2} times faster (budget 1.6)", ratios.len());
    }
}

/// An endless movie of a few frames of noise.
struct Movie {
    shape: Shape,
    frames: Vec<Vec<u8>>,
    at: usize,
}

impl Movie {
    fn new(side: u32) -> Self {
        let shape = Shape { width: side, height: side };
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (140 + (state >> 58)) as u16
        };
        let mut frame = || (0..shape.pixels()).flat_map(|_| next().to_le_bytes()).collect();
        Self { shape, frames: (0..11).map(|_| frame()).collect(), at: 0 }
    }

    fn frame(&self, at: usize) -> FrameRef<'_> {
        let key = FrameId { series: SeriesId([9; 16]), seq: Seq(at as u64) };
        let pixels = Pixels::U16Le(&self.frames[at % self.frames.len()]);
        FrameRef { key, shape: self.shape, pixels, camera: CAMERA, maps: None }
    }

    /// Runs the next `batch` windows through `engine`.
    fn run(&mut self, engine: &mut dyn Engine, batch: usize) -> Took {
        let windows: Vec<WindowRef<'_>> = (self.at..self.at + batch)
            .map(|at| WindowRef {
                previous: self.frame(at),
                this: self.frame(at + 1),
                next: self.frame(at + 2),
            })
            .collect();
        let took = took(|| {
            engine
                .run(&windows, &mut |_, output| {
                    std::hint::black_box(output);
                })
                .unwrap();
        });
        self.at += batch;
        took
    }
}

fn without_network() -> Vec<Row> {
    let mut rows = Vec::new();
    for side in [512, 2048] {
        let mut movie = Movie::new(side);
        let mut fake = Fake::new(FakeSettings::default());
        fake.warm_up(movie.shape).unwrap();
        let times = (0..101).map(|_| movie.run(&mut fake, 1)).collect();
        rows.push(Row::new("fake", side, 1, times));
        let mut out = vec![0.0; movie.shape.pixels()];
        let cut = Cut { x: 0, y: 0, width: side as usize, height: side as usize };
        let scaling = infer::pixels::Scaling { offset_photons: 40.0, scale_photons: 100.0 };
        let frame = movie.frame(0);
        let times = (0..101).map(|_| took(|| fill(&frame, scaling, cut, std::hint::black_box(&mut out))));
        rows.push(Row::new("counts to input", side, 1, times.collect()));
    }
    rows
}

/// An engine under test, with a movie of its own so that its remembered features stay its own.
struct Variant {
    name: &'static str,
    engine: Decode,
    movie: Movie,
    batches: &'static [usize],
}

fn networks(side: u32, time: Duration, lanes: &Arc<Lanes>) -> Vec<Row> {
    let Some(mut variants) = variants(side, lanes) else { return Vec::new() };
    let mut times: Vec<Vec<Vec<Took>>> = variants.iter().map(|v| vec![Vec::new(); v.batches.len()]).collect();
    let end = Instant::now() + time;
    while Instant::now() < end || times[0][0].len() < 5 {
        for (variant, times) in variants.iter_mut().zip(&mut times) {
            for (&batch, times) in variant.batches.iter().zip(times) {
                times.push(variant.movie.run(&mut variant.engine, batch));
            }
        }
    }
    let rows = variants.iter().zip(times).flat_map(|(variant, times)| {
        variant.batches.iter().zip(times).map(|(&batch, times)| Row::new(variant.name, side, batch, times))
    });
    rows.collect()
}

fn variants(side: u32, lanes: &Arc<Lanes>) -> Option<Vec<Variant>> {
    let runtime = infer::runtime::load(None).inspect_err(|error| println!("SKIPPED: {error}")).ok()?;
    let models = std::env::var_os("BLINKD_MODELS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../onnx-models"), PathBuf::from);
    let open =
        |name: &str| Bundle::open(&models.join(name)).inspect_err(|error| println!("SKIPPED: {error}")).ok();
    let (split, single) = (open("decode-2d-lite")?, open("decode-2d-lite-single")?);
    let make = |name, bundle: &Bundle, crew: Arc<dyn Crew>, intra_threads, core_px, batches| {
        let providers =
            ProviderSettings { require: Some(Provider::Cpu), intra_threads, ..ProviderSettings::default() };
        let settings = DecodeSettings { max_batch: 8, core_px, providers, ..DecodeSettings::default() };
        let mut engine = Decode::new(runtime, bundle.clone(), settings, crew).unwrap();
        let movie = Movie::new(side);
        engine.warm_up(movie.shape).unwrap();
        Variant { name, engine, movie, batches }
    };
    let all: &[usize] = &BATCHES;
    Some(vec![
        make("split, 1 lane", &split, Arc::new(Alone), 1, 512, all),
        make("single, 1 lane", &single, Arc::new(Alone), 1, 512, all),
        make("split, 2 lanes", &split, lanes.clone(), 1, 512, all),
        make("single, 2 lanes", &single, lanes.clone(), 1, 512, &[8]),
        make("split, 2 threads inside", &split, Arc::new(Alone), 2, 512, &[1, 8]),
        make("split, 2 lanes, 4 tiles", &split, lanes.clone(), 1, side / 2, &[1]),
    ])
}
