//! Which engine runs: the configuration's word becomes an engine, its rule and its scale.
//!
//! In: `[model]` of the configuration. Out: an engine that has its graphs open, or a refusal with the remedy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use infer::bundle::{Bundle, read_card};
use infer::card::{Card, Setup, check_fit};
use infer::decode::{Decode, DecodeSettings};
use infer::{Crew, Engine, Provider, ProviderSettings, runtime};
use smlm::frame::Shape;
use smlm::localize::{OutputScale, Rule};

use crate::config::{Config, Model};
use crate::live::EngineStatus;

pub mod built_in;
pub mod painter;

/// An engine, ready for the pipeline.
pub struct Opened {
    pub engine: Box<dyn Engine>,
    pub rule: Rule,
    pub scale: OutputScale,
    pub status: EngineStatus,
    /// What the network was trained for, nm; `None` for engines that do not care.
    pub pixel_range_nm: Option<(f64, f64)>,
    /// Of the network; `None` for engines without one.
    pub card: Option<Arc<Card>>,
}

/// The field that a network is tried on at start.
const WARM_UP: Shape = Shape { width: 64, height: 64 };

/// Opens what `[model]` asks for.
pub fn open(config: &Config, crew: Arc<dyn Crew>) -> anyhow::Result<Opened> {
    let model = &config.model;
    if let Some(engine) = built_in::open(config, crew.clone()) {
        return Ok(without_network(engine?, model));
    }
    let folder = find(model)?;
    if painter::paints(&folder) {
        bail!(
            "model.bundle: '{}' paints pictures and finds no localizations: name it in scan.a_net, and here a network \
             that does",
            model.bundle
        );
    }
    let bundle = Bundle::open(&folder)?;
    fits(&bundle.card, config)?;
    let (rule, scale) = (rule(&bundle.card, model), bundle.card.output);
    let range = (bundle.card.range.pixel_size_nm.low, bundle.card.range.pixel_size_nm.high);
    let card = Some(Arc::new(bundle.card.clone()));
    let mut engine = decode(bundle, model, crew)?;
    // Before the first frame, so that a provider that fails late falls back now, and visibly.
    engine.warm_up(WARM_UP)?;
    let about = engine.about();
    let runtime = runtime(model)?;
    let status = EngineStatus {
        rule: Some(rule),
        model: format!("{} {}", about.name, about.version),
        provider: about.provider.clone(),
        attempts: about.attempts.clone(),
        onnxruntime: format!("1.{} at {}", runtime.minor, runtime.library.display()),
        window_frames: about.window_frames,
    };
    Ok(Opened { engine: Box::new(engine), rule, scale, status, pixel_range_nm: Some(range), card })
}

/// An engine that finds localizations by itself: nothing is read off an output.
fn without_network(engine: Box<dyn Engine>, model: &Model) -> Opened {
    let status = EngineStatus {
        model: model.bundle.clone(),
        provider: engine.about().provider.clone(),
        window_frames: engine.about().window_frames,
        ..EngineStatus::default()
    };
    Opened {
        engine,
        rule: Rule::default(),
        scale: OutputScale { photons: 1.0, z_nm: 1.0, background: 1.0 },
        status,
        pixel_range_nm: None,
        card: None,
    }
}

/// A bundle's engine without a pipeline around it.
pub fn decode(bundle: Bundle, model: &Model, crew: Arc<dyn Crew>) -> anyhow::Result<Decode> {
    let settings = DecodeSettings {
        max_batch: model.max_batch,
        core_px: model.core_px,
        memory_bytes: usize::try_from(model.memory_mib << 20).unwrap_or(usize::MAX),
        providers: providers(model)?,
    };
    Ok(Decode::new(runtime(model)?, bundle, settings, crew)?)
}

fn runtime(model: &Model) -> anyhow::Result<&'static runtime::Runtime> {
    let named = Some(&*model.onnxruntime).filter(|path| !path.as_os_str().is_empty());
    Ok(runtime::load(named)?)
}

fn providers(model: &Model) -> anyhow::Result<ProviderSettings> {
    let first: Option<Provider> = match model.provider.as_str() {
        "auto" => None,
        name => Some(name.parse()?),
    };
    if model.require_provider && first.is_none() {
        bail!("model.require_provider needs model.provider to name one: tensorrt, cuda or cpu");
    }
    Ok(ProviderSettings {
        first,
        require: first.filter(|_| model.require_provider),
        engine_cache: runtime::cache_dir().map(|cache| cache.with_file_name("engines")),
        nvidia_libraries: Some(model.nvidia_libraries.clone()).filter(|path| !path.as_os_str().is_empty()),
        ..ProviderSettings::default()
    })
}

fn rule(card: &Card, model: &Model) -> Rule {
    if model.rule == "raw" {
        return Rule::RawThreshold(model.raw_th);
    }
    match card.rule {
        Rule::Paper { candidate, second, accept } => Rule::Paper {
            candidate: model.candidate.unwrap_or(candidate),
            second: model.second.unwrap_or(second),
            accept: model.accept.unwrap_or(accept),
        },
        raw @ Rule::RawThreshold(_) => raw,
    }
}

fn fits(card: &Card, config: &Config) -> anyhow::Result<()> {
    let known = list(&config.model);
    let others: Vec<&Card> = known.iter().map(|(_, card)| card).collect();
    let setup = Setup::of_pixel_size(config.camera.pixel_size());
    for warning in check_fit(card, &setup, &others, config.model.overrule)? {
        tracing::warn!(
            model = card.name,
            warning,
            "the model was made for something else and runs by your word"
        );
    }
    Ok(())
}

/// Folders that may hold bundles, in the order in which they are looked through.
pub fn places(model: &Model) -> Vec<PathBuf> {
    if !model.dir.as_os_str().is_empty() {
        return vec![model.dir.clone()];
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let installed = beside.iter().flat_map(|dir| [dir.join("models"), dir.join("../share/blinkd/models")]);
    let source_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../onnx-models");
    installed.chain([source_tree]).filter(|place| place.is_dir()).collect()
}

/// Every bundle whose card can be read.
pub fn list(model: &Model) -> Vec<(PathBuf, Card)> {
    let folders = places(model).into_iter().filter_map(|place| std::fs::read_dir(place).ok());
    let entries = folders.flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> =
        entries.filter_map(|folder| Some((folder.clone(), read_card(&folder).ok()?))).collect();
    found.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    found
}

/// A bundle's folder, of its own path or of its name.
fn named(model: &Model, name: &str) -> Option<PathBuf> {
    let is_bundle = |folder: &PathBuf| folder.join(infer::bundle::CARD).is_file();
    let folders = places(model).into_iter().map(|place| place.join(name));
    std::iter::once(PathBuf::from(name)).chain(folders).filter(|_| !name.is_empty()).find(is_bundle)
}

/// A bundle by its folder or by its name.
pub fn find(model: &Model) -> anyhow::Result<PathBuf> {
    named(model, &model.bundle).with_context(|| {
        let names: Vec<String> = list(model).into_iter().map(|(_, card)| card.name).collect();
        format!(
            "model.bundle: there is no bundle '{}'; these exist: gaussian, gaussian-astigmatic, fake, null, {}. Give a folder, or set model.dir",
            model.bundle,
            names.join(", ")
        )
    })
}
