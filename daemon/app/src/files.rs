//! The files stage: when a series ends, its tables, picture and summary are written.
//!
//! In: ended series, one at a time. Out: files in the series' folder, each whole or not there. Never: a wait of
//! the picture stage for a file; a failed file harms no journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use smlm::localization::Filter;
use smlm::render::RgbImage;
use wire::files::png;

use crate::archive::Archive;
use crate::drifting;
use crate::estimating::{self, Job};
use crate::export::{self, Format};
use crate::live::Series;
use crate::resolving;
use crate::store::ring::{RingReader, RingSettings, Spare};
use crate::summary;
use crate::widefield;

/// What the stage needs to know.
pub struct Settings {
    pub store: PathBuf,
    /// Any of `parquet`, `csv`, `picasso`, `png`, `summary`.
    pub wanted: Vec<String>,
    pub ring: RingSettings,
    /// Where a file for the next ring goes; full: there is one.
    pub spares: Sender<Spare>,
    /// The localizer's: it looks whether a mean is written.
    pub bell: Sender<()>,
}

/// What is to be done.
pub enum FileJob {
    /// A series whose files are due; its whole field, or `None` when nothing was found.
    Write { series: Arc<Series>, image: Option<RgbImage> },
    /// A journal that should reach the disk itself.
    Sync(PathBuf),
    /// A ring whose frames are all in the journal.
    RemoveRing(RingReader),
    /// A file for the next ring is to be made.
    SpareRing,
    /// The beginning of a series, to be looked at.
    Estimate(Job),
    /// Localizations of some frames, to be compared with earlier ones.
    Drift(drifting::Job),
    /// Two halves of a series, to be compared.
    Resolution(resolving::Job),
    /// The mean of a widefield tile, to be written.
    Widefield(widefield::Job),
}

/// Works until the picture stage has gone.
pub fn run(settings: &Settings, inbox: &Receiver<FileJob>, mut archive: Archive) {
    let mut earlier = true;
    loop {
        // Earlier recordings are looked at one by one, whenever nothing else is to be done.
        let job = match inbox.try_recv() {
            Err(TryRecvError::Empty) if earlier => {
                earlier = archive.look_at_one();
                continue;
            }
            Err(TryRecvError::Empty) => inbox.recv().ok(),
            job => job.ok(),
        };
        let Some(job) = job else { return };
        match job {
            FileJob::Write { series, image } => write_all(settings, &series, image.as_ref()),
            FileJob::RemoveRing(ring) => {
                let path = ring.path().to_owned();
                if let Err(error) = ring.remove() {
                    tracing::error!(ring = %path.display(), %error, "a ring that is done with stays");
                }
            }
            FileJob::SpareRing => spare_ring(settings),
            FileJob::Estimate(job) => estimating::run(&job),
            FileJob::Drift(job) => drifting::run(&job),
            FileJob::Resolution(job) => resolving::run(&job),
            FileJob::Widefield(job) => {
                widefield::run(&job);
                let _ = settings.bell.try_send(()); // full: the localizer is awake
            }
            FileJob::Sync(journal) => {
                let synced = std::fs::File::open(&journal).and_then(|file| file.sync_data());
                if let Err(error) = synced {
                    tracing::error!(journal = %journal.display(), %error, "the journal is not on the disk itself yet");
                }
            }
        }
    }
}

fn spare_ring(settings: &Settings) {
    if settings.spares.is_full() {
        return;
    }
    match Spare::prepare(&settings.ring) {
        Ok(spare) => drop(settings.spares.try_send(spare)), // ingest has gone: the spare removes itself
        Err(error) => tracing::warn!(%error, "the next series' first frame will wait for its ring"),
    }
}

fn write_all(settings: &Settings, series: &Series, image: Option<&RgbImage>) {
    let folder = settings.store.join(series.id.to_string());
    // The summary comes last: it lists the others.
    let (last, first): (Vec<_>, Vec<_>) = settings.wanted.iter().partition(|kind| *kind == "summary");
    for kind in first.into_iter().chain(last) {
        match write(kind, &folder, series, image) {
            Ok(Some(path)) => {
                let mut exit = series.exit();
                if !exit.files.contains(&path) {
                    exit.files.push(path);
                }
            }
            Ok(None) => {}
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(series = %series.id, kind, error, "a file was not written; the journal holds everything, export it again");
                series.exit().files_failed.push(format!("{kind} not written: {error}"));
            }
        }
    }
}

fn write(
    kind: &str,
    folder: &Path,
    series: &Series,
    image: Option<&RgbImage>,
) -> anyhow::Result<Option<PathBuf>> {
    let table = |format: Format| {
        let to = folder.join(format!("localizations.{}", format.extension()));
        export::write(folder, &to, format, &Filter::default()).map(|written| Some(written.path))
    };
    match kind {
        "parquet" => table(Format::Parquet),
        "csv" => table(Format::Csv),
        "picasso" => table(Format::Picasso),
        "png" => image.map(|image| picture(&folder.join("render.png"), image)).transpose(),
        "summary" => {
            let to = folder.join("summary.json");
            let text = serde_json::to_string_pretty(&summary::series(series))?;
            put(&to, text.as_bytes()).map(Some)
        }
        other => anyhow::bail!("there is no kind of file named '{other}'"),
    }
}

/// Writes a picture with its pixel size.
pub fn picture(to: &Path, image: &RgbImage) -> anyhow::Result<PathBuf> {
    let notes = png::PngNotes { pixel_nm: Some(image.pixel.0), text: Vec::new() };
    let mut bytes = Vec::new();
    png::encode_rgb_with(image.width, image.height, &image.rgb, &notes, &mut bytes)?;
    put(to, &bytes)
}

/// Whole under its name, or not there.
pub fn put(to: &Path, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    let part = to.with_extension("part");
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, to));
    if written.is_err() {
        let _ = std::fs::remove_file(&part); // half a file helps nobody; the error below is the news
    }
    written.with_context(|| format!("cannot write {}: free some space and export again", to.display()))?;
    Ok(to.to_path_buf())
}
