//! ANNA-PALM's picture of a tile: seconds for a camera's whole field, and what the widefield says of right and of wrong
//! pictures, from which the limits of `painting::LIMITS` are chosen.
//!
//! `cargo bench -p blinkd --bench painting`; the last line is one JSON object. `QUICK=1` leaves the judgements out, `JUDGE=1` the time.
#![allow(clippy::unwrap_used)] // a measurement that cannot go on says so by panicking

#[path = "painting/scene.rs"]
mod scene;

use std::time::Instant;

use blinkd::config::Config;
use blinkd::engines;
use blinkd::painting::{Judged, Sitting, paint};
use infer::Painter;
use scene::{Scene, field};
use serde_json::{Value, json};
use smlm::grey::Grey;
use smlm::localization::Localization;

const BUNDLE: &str = "a-net-filaments-lite";
/// Camera pixels along a side: 13.8 µm, and the whole camera.
const SIDE: u32 = 128;
const WHOLE: u32 = 512;

fn main() {
    infer::forbid_telemetry();
    let config = Config::default();
    let mut painter = engines::painter::open(&config.model, BUNDLE, "filaments", "the bench").unwrap();
    let cost = if std::env::var_os("JUDGE").is_some() { Value::Null } else { cost(&mut painter) };
    let judgements = if std::env::var_os("QUICK").is_some() { Vec::new() } else { judgements(&mut painter) };
    println!("{}", json!({"bundle": BUNDLE, "cost": cost, "judgements": judgements}));
}

/// A tile of 512 x 512 px of 108 nm.
fn cost(painter: &mut Painter) -> Value {
    let mut scene = Scene::new(7, WHOLE, 60);
    let (found, light) = (scene.localizations(20.0, None), scene.widefield(300.0));
    let field = field(WHOLE);
    let mut timed = |widefield: Option<&Grey>| {
        let began = Instant::now();
        let painted = paint(painter, &Sitting { localizations: &found, field, widefield }, || true).unwrap();
        (began.elapsed().as_secs_f64(), painted.windows)
    };
    let ((alone, windows), (both, _)) = (timed(None), timed(Some(&light)));
    println!(
        "{WHOLE} x {WHOLE} px: {windows} windows, {alone:.1} s from localizations, {both:.1} s with a widefield"
    );
    json!({"windows": windows, "alone_s": alone, "with_widefield_s": both, "provider": painter.provider()})
}

fn judgements(painter: &mut Painter) -> Vec<Value> {
    let mut all = Vec::new();
    println!(
        "{:28} {:>5} {:>8} {:>7} {:>7} {:>7} {:>7}",
        "case", "seed", "per um", "error", "share", "RSP", "trusted"
    );
    for seed in 1..=3 {
        for per_um in [2.0, 10.0, 50.0] {
            for (name, found, light) in cases(seed, per_um) {
                let sitting = Sitting { localizations: &found, field: field(SIDE), widefield: Some(&light) };
                let judged = paint(painter, &sitting, || true).unwrap().judged.unwrap();
                let Judged { summary, share, rsp, not_to_be_trusted, .. } = judged;
                let trusted = not_to_be_trusted.is_none();
                let rsp = rsp.unwrap_or(f64::NAN);
                println!("{name:28} {seed:5} {per_um:8} {summary:7.3} {share:7.3} {rsp:7.3} {trusted:>7}");
                all.push(json!({"case": name, "seed": seed, "per_um": per_um, "error": summary, "share": share, "rsp": rsp, "trusted": trusted}));
            }
        }
    }
    all
}

/// Name, localizations, widefield.
fn cases(seed: u64, per_um: f64) -> Vec<(&'static str, Vec<Localization>, Grey)> {
    let mut scene = Scene::new(seed, SIDE, 8);
    let mut other = Scene::new(seed + 100, SIDE, 8);
    let bright = scene.widefield(1000.0);
    let invented = Scene::new(seed + 200, SIDE, 1);
    let mut more = scene.localizations(per_um, None);
    more.extend(Scene::localizations(&mut invented.clone(), per_um.max(10.0), None));
    vec![
        ("right, faint widefield", scene.localizations(per_um, None), scene.widefield(100.0)),
        ("right, bright widefield", scene.localizations(per_um, None), bright.clone()),
        ("right, other blur", scene.localizations(per_um, None), scene.blurred_widefield(300.0, 190.0)),
        ("no localizations, 1/4", scene.quarter_missing(per_um), bright.clone()),
        ("3 um missing", scene.localizations(per_um, Some(3.0)), bright.clone()),
        ("a filament invented", more, bright.clone()),
        ("widefield 0.3 um aside", scene.localizations(per_um, None), scene.shifted_widefield(1000.0, 300.0)),
        ("widefield 1 um aside", scene.localizations(per_um, None), scene.shifted_widefield(1000.0, 1000.0)),
        ("widefield of another tile", scene.localizations(per_um, None), other.widefield(1000.0)),
        ("background alone", scene.background(per_um), bright),
    ]
}
