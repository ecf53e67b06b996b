//! Engines that need no bundle: Gaussian fits, and two for tests and measurements.
//!
//! In: the configuration. Out: an engine, `None` where a bundle is named, or a refusal with the remedy.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use infer::fake::{Fake, FakeSettings};
use infer::{Crew, Engine, Gaussian, GaussianSettings};

use crate::config::{Config, Model};

/// Finds round spots.
pub const GAUSSIAN: &str = "gaussian";
/// Finds elliptic spots and their depth.
pub const ASTIGMATIC: &str = "gaussian-astigmatic";
/// Those a person may want to run, and what they are.
pub const LISTED: [(&str, &str); 2] = [
    (
        GAUSSIAN,
        "Wavelet detection and Gaussian fits for sparse round spots; settings in [gaussian]; needs no training",
    ),
    (ASTIGMATIC, "The same with free widths and z; needs [gaussian.astigmatism], a calibration"),
];

/// Whether no bundle is needed for this name.
pub fn is(name: &str) -> bool {
    [GAUSSIAN, ASTIGMATIC, "fake", "null"].contains(&name)
}

/// The engine that `model.bundle` names.
pub fn open(config: &Config, crew: Arc<dyn Crew>) -> Option<anyhow::Result<Box<dyn Engine>>> {
    let model = &config.model;
    match model.bundle.as_str() {
        GAUSSIAN | ASTIGMATIC => Some(gaussian(config, crew)),
        "fake" => Some(Ok(Box::new(fake(model)))),
        "null" => Some(Ok(Box::new(Fake::null()))),
        _ => None,
    }
}

fn gaussian(config: &Config, crew: Arc<dyn Crew>) -> anyhow::Result<Box<dyn Engine>> {
    let (model, table) = (&config.model, &config.gaussian);
    let astigmatic = model.bundle == ASTIGMATIC;
    if astigmatic && table.astigmatism.is_none() {
        bail!(
            "model.bundle = \"{ASTIGMATIC}\" needs [gaussian.astigmatism]: how a spot's widths depend on z \
             (reference.toml shows one)"
        );
    }
    let settings = GaussianSettings {
        recipe: table.recipe(astigmatic),
        read_noise_e: table.read_noise_e,
        max_batch: model.max_batch,
        memory_bytes: usize::try_from(model.memory_mib << 20).unwrap_or(usize::MAX),
    };
    Ok(Box::new(Gaussian::new(settings, crew)?))
}

fn fake(model: &Model) -> Fake {
    let delay = (model.fake_delay_ms > 0.0).then(|| Duration::from_secs_f64(model.fake_delay_ms / 1e3));
    Fake::new(FakeSettings {
        window_frames: model.fake_window_frames,
        // Three frames are there to be compared: a torn one must not pass.
        verify: model.fake_window_frames == 3,
        max_batch: model.max_batch,
        delay,
        ..FakeSettings::default()
    })
}

/// What `model.bundle` is and how it is set, as TOML; `None` for bundles and for the engines of tests.
pub fn describe(config: &Config) -> Option<String> {
    let name = config.model.bundle.as_str();
    let (_, description) = LISTED.iter().find(|(listed, _)| *listed == name)?;
    let head = [
        ("name", name),
        ("version", env!("CARGO_PKG_VERSION")),
        ("engine", GAUSSIAN),
        ("description", description),
    ];
    let mut table: toml::Table =
        head.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    table.insert("gaussian".into(), toml::Value::try_from(config.gaussian).ok()?);
    toml::to_string(&table).ok()
}
