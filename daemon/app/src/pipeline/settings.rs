//! The configuration's word for each stage.
//!
//! In: the checked configuration. Out: each stage's own settings, in its own units. Never: a choice of its own.

use std::time::Duration;

use crossbeam_channel::Sender;
use infer::Painter;
use smlm::enough::Targets;
use smlm::localization::Filter;
use smlm::map::{Layers, MapSettings};
use smlm::units::Nm;
use smlm::verdict::Limits;

use crate::clock::Clock;
use crate::config::{Config, PreviewTable, ScanTable};
use crate::engines::{self, Opened};
use crate::estimating::SampleOutlet;
use crate::files::FileJob;
use crate::store::ring::{Policy, RingSettings, Spare};
use crate::{files, finish, ingest, localizer, painting, picture, widefield};

/// The frame rings' folder and size.
pub fn ring_settings(config: &Config) -> RingSettings {
    let policy = match config.ring.policy {
        crate::config::Policy::Lossless => Policy::Lossless,
        crate::config::Policy::Live => Policy::Live,
    };
    RingSettings { dir: config.ring.folder(&config.store.dir), bytes: config.ring.mib << 20, policy }
}

/// The filter of the configuration; nm become pixels of the configured size.
pub fn filter(config: &Config) -> Filter {
    let table = &config.filter;
    Filter {
        sigma_lateral_max_px: table.sigma_lateral_max_nm.map(|nm| (nm / config.camera.pixel_size_nm) as f32),
        sigma_z_max_nm: table.sigma_z_max_nm,
        photons_min: table.photons_min,
        photons_max: table.photons_max,
        probability_min: table.probability_min,
    }
}

pub(super) fn lanes(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if config.model.lanes == 0 { cores.min(8) } else { config.model.lanes }
}

/// The most that is held for frames, maps and batches, as configured.
pub fn memory_budget_bytes(config: &Config) -> u64 {
    let series = config.frames.max_series as u64;
    // One ring more: the file that is made before it is needed.
    series * ((config.ring.mib << 20) + (config.picture.max_mib << 20)) + (config.ring.mib << 20)
}

pub(super) fn ingest(config: &Config, clock: Clock) -> ingest::Settings {
    ingest::Settings {
        store: config.store.dir.clone(),
        clock,
        ring: ring_settings(config),
        filter: filter(config),
        max_series: config.frames.max_series,
        idle_close: Duration::from_secs(config.frames.idle_close_s),
    }
}

pub(super) fn localizer(config: &Config, opened: &Opened) -> localizer::Settings {
    localizer::Settings {
        rule: opened.rule,
        scale: opened.scale,
        camera: config.camera.camera(),
        max_batch: config.model.max_batch,
        idle_flush: Duration::from_millis(config.frames.idle_flush_ms),
        pixel_range_nm: opened.pixel_range_nm,
        looks: config.scan.finish,
    }
}

pub(super) fn samples(config: &Config, opened: &Opened, jobs: Sender<FileJob>) -> SampleOutlet {
    SampleOutlet {
        wanted: config.model.estimate,
        pixel_size: config.camera.pixel_size(),
        card: opened.card.clone(),
        jobs,
    }
}

pub(super) fn widefield(config: &Config, jobs: Sender<FileJob>) -> widefield::Outlet {
    widefield::Outlet {
        store: config.store.dir.clone(),
        skip_frames: config.widefield.skip_frames,
        pixel_size: config.camera.pixel_size(),
        jobs,
    }
}

pub(super) fn files(config: &Config, spares: Sender<Spare>, bell: Sender<()>) -> files::Settings {
    files::Settings {
        store: config.store.dir.clone(),
        wanted: config.store.files.clone(),
        ring: ring_settings(config),
        spares,
        bell,
    }
}

pub(super) fn picture(config: &Config) -> picture::Settings {
    picture::Settings {
        store: config.store.dir.clone(),
        map: MapSettings {
            base_pixel: Nm(config.picture.base_pixel_nm),
            max_bytes: (config.picture.max_mib << 20) as usize,
            layers: Layers::ALL,
        },
        pixel_size: config.camera.pixel_size(),
        tick: Duration::from_millis(config.picture.tick_ms),
        check_every: enough(config).map(|targets| targets.every_frames),
        max_previews: config.picture.max_previews,
        max_subscriptions: config.serve.max_clients,
    }
}

/// When the tile in hand may end; `None`: nobody looks.
fn enough(config: &Config) -> Option<Targets> {
    config.scan.early_stop.targets().filter(|_| config.scan.finish)
}

pub(super) fn finish(config: &Config, clock: Clock) -> finish::Settings {
    let scan = &config.scan;
    finish::Settings {
        store: config.store.dir.clone(),
        clock,
        steps: steps(config),
        limits: Limits::default(),
        enough: enough(config),
        stage_error: Nm(scan.stage_error_um * 1e3),
        painted: !scan.a_net.is_empty(),
        assembly: scan.mosaic.then_some(finish::AssemblySettings { pixel: Nm(scan.mosaic_pixel_nm) }),
    }
}

fn steps(config: &Config) -> finish::Steps {
    let merge_nm = config.scan.merge_nm;
    finish::Steps { drift: config.scan.drift, merge: (merge_nm > 0.0).then_some(Nm(merge_nm)) }
}

pub(super) fn painting(config: &Config, clock: Clock) -> painting::Settings {
    let structure = config.scan.structure.clone();
    painting::Settings { store: config.store.dir.clone(), clock, structure, steps: steps(config) }
}

/// The network that paints finished tiles, where one is wanted.
///
/// # Errors
/// There is none of this name, it knows no such structure, or it cannot be opened.
pub(super) fn painter(config: &Config) -> anyhow::Result<Option<Painter>> {
    let ScanTable { a_net, structure, .. } = &config.scan;
    let open = || engines::painter::open(&config.model, a_net, structure, "scan.a_net");
    (!a_net.is_empty()).then(open).transpose()
}

/// The network that paints the growing picture, where one is wanted.
///
/// # Errors
/// As [`painter`].
pub(super) fn live_painter(config: &Config) -> anyhow::Result<Option<Painter>> {
    let PreviewTable { a_net, structure, .. } = &config.preview;
    let open = || engines::painter::open(&config.model, a_net, structure, "preview.a_net");
    (!a_net.is_empty()).then(open).transpose()
}

/// How far a thread steps back for the others, as in `nice`.
pub(super) const FINISHING: i32 = 10;
pub(super) const PAINTING: i32 = 19;

/// The thread that calls this runs when the others leave it time.
pub(super) fn step_back(nice: i32) {
    // On Linux the number belongs to the thread, elsewhere to the process, which it must not slow.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::warn!(%error, "tiles are finished or painted with the priority of everything else");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}
