//! The whole path without a socket: µs per frame around the network, and the share of a replay that is not the network.
//!
//! `cargo bench -p blinkd --bench path`; the last line is one JSON object. What is measured begins when the first
//! frame is offered and ends when the last one's localizations are in the journal.
#![allow(clippy::unwrap_used)] // a measurement that cannot go on says so by panicking

mod memory;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use blinkd::config::Config;
use blinkd::pipeline::{self, Input};
use crossbeam_channel::bounded;
use memory::{Memory, SERIES};
use serde_json::{Value, json};
use sim::microscope::VirtualMicroscope;
use sim::settings::Settings;
use sim::truth::FrameTruth;
use smlm::frame::Shape;

const REPEATS: usize = 5;

struct Measured {
    seconds: f64,
    /// Busy seconds: in the network, in the engine around it, reading emitters off its output, the thread's turns.
    network: f64,
    engine: f64,
    localize: f64,
    turns: f64,
    localizations: u64,
}

fn run(config: &Config, shape: Shape, frames: &[Vec<u8>], wanted: u64) -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config.clone();
    config.store.dir = dir.path().join("store");
    config.store.files = Vec::new();
    let (room, has_room) = bounded(1);
    let (stop, stopped) = bounded(0);
    let (began, begins) = bounded(1);
    let frames = frames.to_vec();
    let source = Memory { shape, frames, wanted, room: has_room, stop: Some(stop), next: 0, began };
    let input = Input { source: Box::new(source), stop: stopped, room };
    let daemon = pipeline::start(&config, input, false).unwrap();
    let live = daemon.live.clone();
    let began = begins.recv().unwrap();
    let tick = crossbeam_channel::tick(Duration::from_micros(200));
    let series = loop {
        tick.recv().unwrap();
        if let Some(series) = live.find(SERIES)
            && series.door().account.processed() == wanted
        {
            break series;
        }
    };
    let seconds = Instant::now().duration_since(began).as_secs_f64();
    daemon.join(Duration::from_secs(60)).unwrap();
    let _ = std::fs::remove_dir(pipeline::ring_settings(&config).dir); // in shared memory, empty by now
    assert_eq!(series.door().account.lost_total(), 0, "a file waits");
    let busy = |ns: &std::sync::atomic::AtomicU64| ns.load(Ordering::Relaxed) as f64 / 1e9;
    let (network, engine) = (busy(&live.busy.network), busy(&live.busy.engine));
    let (localize, turns) = (busy(&live.busy.localize), busy(&live.busy.turns));
    let localizations = series.exit().localizations;
    Measured { seconds, network, engine, localize, turns, localizations }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn simulated(shape: Shape, frames: usize) -> Vec<Vec<u8>> {
    let mut microscope = VirtualMicroscope::new(Settings { shape, ..Settings::default() }).unwrap();
    let (mut counts, mut truth) = (Vec::new(), FrameTruth::default());
    let mut stack = Vec::new();
    for _ in 0..frames {
        microscope.next_frame(&mut counts, &mut truth).unwrap();
        stack.push(counts.iter().flat_map(|count| count.to_le_bytes()).collect());
    }
    stack
}

fn without_network() -> Vec<Value> {
    let mut rows = Vec::new();
    println!("{:8} {:>6} {:>12} {:>12}", "engine", "side", "us/frame", "frames/s");
    for (side, wanted) in [(128, 8000), (512, 1500), (2048, 120)] {
        let shape = Shape { width: side, height: side };
        let frames = simulated(shape, 4);
        for engine in ["null", "fake"] {
            let mut config = Config::default();
            config.model.bundle = engine.into();
            let once = |_| run(&config, shape, &frames, wanted).seconds / wanted as f64;
            let seconds = median((0..REPEATS).map(once).collect());
            println!("{engine:8} {side:>6} {:>12.1} {:>12.0}", 1e6 * seconds, 1.0 / seconds);
            rows.push(json!({"engine": engine, "side_px": side, "us_per_frame": 1e6 * seconds}));
        }
    }
    rows
}

/// One lane, so that time in the network and the time of the clock are of one kind.
fn with_network() -> Option<Value> {
    let shape = Shape { width: 128, height: 128 };
    let frames = simulated(shape, 200);
    let mut config = Config::default();
    config.model.provider = "cpu".into();
    config.model.lanes = 1;
    let bundle = blinkd::engines::find(&config.model).map_err(|error| eprintln!("SKIPPED: {error}"));
    let runtime = infer::runtime::load(None).map_err(|error| eprintln!("SKIPPED: {error}"));
    if bundle.is_err() || runtime.is_err() {
        return None;
    }
    let runs: Vec<_> = (0..REPEATS).map(|_| run(&config, shape, &frames, 200)).collect();
    let part = |of: fn(&Measured) -> f64| median(runs.iter().map(|m| of(m) / m.seconds).collect());
    let share = part(|m| m.seconds - m.network);
    let (pixels, localize) = (part(|m| m.engine - m.network), part(|m| m.localize));
    let (rest, idle) = (part(|m| m.turns - m.engine - m.localize), part(|m| m.seconds - m.turns));
    let ms = median(runs.iter().map(|m| 1e3 * m.seconds / 200.0).collect());
    println!(
        "replay of 200 frames of 128 x 128 with '{}' on one lane: {ms:.2} ms per frame, {} localizations",
        config.model.bundle, runs[0].localizations
    );
    println!("not in the network: {:.2} % of the time", 100.0 * share);
    println!(
        "  pixels to photons and copies {:.2} %, localize {:.2} %, rest of the thread {:.2} %, waiting {:.2} %",
        100.0 * pixels,
        100.0 * localize,
        100.0 * rest,
        100.0 * idle
    );
    Some(json!({"ms_per_frame": ms, "not_network_share": share, "localize_share": localize}))
}

/// What the first frame of a series waits for, with and without a file made before.
fn first_frame() -> Value {
    use blinkd::store::ring::{Spare, create_from};
    let mut config = Config::default();
    let dir = tempfile::tempdir().unwrap();
    config.store.dir = dir.path().join("store");
    let settings = pipeline::ring_settings(&config);
    let (mut made, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let began = Instant::now();
        let spare = Spare::prepare(&settings).unwrap();
        made.push(1e3 * began.elapsed().as_secs_f64());
        for (spare, times) in [(Some(spare), &mut with), (None, &mut without)] {
            let began = Instant::now();
            let (writer, reader) = create_from(&settings, SERIES, 512 * 512 * 2, spare).unwrap();
            times.push(1e3 * began.elapsed().as_secs_f64());
            drop(writer);
            reader.remove().unwrap();
        }
    }
    let _ = std::fs::remove_dir(&settings.dir); // empty by now
    let (made, with, without) = (median(made), median(with), median(without));
    println!(
        "a ring of {} MiB: {with:.2} ms from a file made before (in {made:.0} ms), {without:.0} ms without",
        settings.bytes >> 20
    );
    json!({"from_spare_ms": with, "without_ms": without, "spare_made_ms": made})
}

fn main() {
    let ring = first_frame();
    let path = without_network();
    let replay = with_network();
    println!("{}", json!({"ring": ring, "path": path, "replay": replay}));
}
