//! How fast the picture grows and is drawn. Prints medians; `cargo bench -p smlm --bench render`.

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::frame::{FrameId, FrameInfo, Seq, Shape};
use smlm::localization::Localization;
use smlm::map::{Layers, LiveMap, MapSettings, Viewport};
use smlm::render::{ColourBy, Look, Painter, Rendering, render_region, tone};
use smlm::statistics::History;
use smlm::units::{Nm, PixelSize};

const LOCALIZATIONS: usize = 1_000_000;
const FIELD_PX: f32 = 512.0;
const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };
const ROUNDS: usize = 5;

fn main() {
    let uniform = emitters(|random| (random.random_range(0.0..FIELD_PX), random.random_range(0.0..FIELD_PX)));
    let filaments = emitters(|random| {
        // Forty arcs of one camera pixel's tenth in width.
        let (arc, along) = (random.random_range(0..40u16), random.random_range(0.0..1.0f32));
        let (radius, width) = (60.0 + 11.0 * f32::from(arc), random.random_range(-0.1..0.1f32));
        let (sin, cos) = (std::f32::consts::FRAC_PI_2 * along).sin_cos();
        ((radius + width) * cos % FIELD_PX, (radius + width) * sin % FIELD_PX)
    });
    for (name, emitters) in [("uniform", &uniform), ("filaments", &filaments)] {
        adding(name, emitters);
    }
    drawing(&uniform);
    counting(&uniform);
}

/// Distributions, the course of time and on-times: 1,000 localizations in each of 1,000 frames.
fn counting(emitters: &[Localization]) {
    let mut sorted = emitters.to_vec();
    sorted.sort_by(|a, b| a.frame.cmp(&b.frame).then(a.y_px.total_cmp(&b.y_px)));
    let seconds = median(|| {
        let mut history = History::default();
        let start = Instant::now();
        for (seq, found) in (0..).zip(sorted.chunk_by(|a, b| a.frame == b.frame)) {
            let id = FrameId { seq: Seq(seq), ..FrameId::default() };
            let shape = Shape { width: 512, height: 512 };
            history.record(&[FrameInfo { id, shape, ..FrameInfo::default() }], found, PIXEL);
        }
        start.elapsed().as_secs_f64()
    });
    println!(
        "statistics of 1e6 in frames of 1000: {:6.0} ms ({:.2} M/s)",
        1e3 * seconds,
        1e-6 * LOCALIZATIONS as f64 / seconds
    );
}

fn emitters(place: impl Fn(&mut ChaCha8Rng) -> (f32, f32)) -> Vec<Localization> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    (0..LOCALIZATIONS)
        .map(|i| {
            let ((x_px, y_px), sigma_px) = (place(&mut random), random.random_range(0.08..0.2));
            let z_nm = random.random_range(-400.0..400.0);
            let frame = (i / 1000) as u32;
            Localization {
                frame,
                x_px,
                y_px,
                z_nm,
                sigma_x_px: sigma_px,
                sigma_y_px: sigma_px,
                ..Localization::default()
            }
        })
        .collect()
}

fn map(layers: Layers) -> LiveMap {
    LiveMap::new(MapSettings { layers, max_bytes: 4 << 30, ..MapSettings::default() })
        .expect("the settings are sound")
}

fn adding(name: &str, emitters: &[Localization]) {
    for (kept, layers) in [
        ("counts", Layers::NONE),
        ("counts, gaussian", Layers { gaussian: true, colours: false }),
        ("all layers", Layers::ALL),
    ] {
        let mut bytes = 0;
        let batches = median(|| {
            let mut map = map(layers);
            let start = Instant::now();
            emitters.chunks(1000).for_each(|batch| map.add(batch, PIXEL));
            bytes = map.bytes();
            start.elapsed().as_secs_f64()
        });
        let rebuilt = median(|| {
            let mut map = map(layers);
            let start = Instant::now();
            map.rebuild(emitters.iter().copied(), PIXEL);
            start.elapsed().as_secs_f64()
        });
        println!(
            "{name:10} {kept:17} add 1e6 in batches of 1000: {:6.0} ms ({:.2} M/s); rebuild: {:6.0} ms; {} MiB",
            1e3 * batches,
            1e-6 * LOCALIZATIONS as f64 / batches,
            1e3 * rebuilt,
            bytes >> 20
        );
    }
}

fn drawing(emitters: &[Localization]) {
    let mut map = map(Layers::ALL);
    map.rebuild(emitters.iter().copied(), PIXEL);
    let side = Nm(10_240.0);
    let viewport = Viewport { x_min: Nm(0.0), y_min: Nm(0.0), x_max: side, y_max: side };
    for rendering in [Rendering::Histogram, Rendering::Gaussian] {
        for colour_by in [ColourBy::Intensity, ColourBy::Z] {
            let look = Look { rendering, colour_by, ..Look::default() };
            let toned = median(|| timed(|| std::hint::black_box(tone(&map, 0, &look))));
            let region = median(|| timed(|| render_region(&map, &viewport, Nm(10.0), &look)));
            let painter = Painter::new(look, tone(&map, 0, &look));
            let tiles = map.changed_since(0, Some(&viewport), 0);
            let mut rgb = Vec::new();
            let tile = median(|| timed(|| tiles.iter().for_each(|t| painter.tile(&map, 0, *t, &mut rgb))));
            println!(
                "{rendering:?} by {colour_by:?}: tone {:.2} ms; tile of 256² {:.3} ms; region of 1024² {:.1} ms",
                1e3 * toned,
                1e3 * tile / tiles.len() as f64,
                1e3 * region
            );
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed().as_secs_f64()
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS).map(|_| run()).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}
