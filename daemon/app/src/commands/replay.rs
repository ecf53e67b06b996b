//! `blinkd replay`: a recorded stack through the same path as live frames.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use crossbeam_channel::bounded;
use indicatif::{ProgressBar, ProgressStyle};
use smlm::estimate::{Estimate, Trouble};
use smlm::frame::SeriesId;
use smlm::series::SeriesInfo;
use smlm::units::{Nm, PixelSize};
use wire::files::{Stack, StackOptions, open_stack_with};

use super::{Common, Failure, axis_and_value, start_log};
use crate::clock::Clock;
use crate::config::Config;
use crate::pipeline::{self, Input};
use crate::replay::{Play, StackSource};
use crate::summary;

/// Example: blinkd replay tubes.tif --out result --set camera.pixel_size_nm=100
#[derive(Args)]
pub struct Options {
    /// TIFF, OME-TIFF, BigTIFF, ImageJ, Picasso .raw, .dax, NDTiff folder, .npy.
    stack: PathBuf,
    /// Folder for localizations.parquet, localizations.csv, render.png and summary.json; made if missing.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Frames per second; without it, as fast as it goes.
    #[arg(long)]
    fps: Option<f64>,
    /// At most so many frames.
    #[arg(long)]
    frames: Option<u64>,
    /// A bundle's name or folder, `gaussian`, `gaussian-astigmatic`, `fake` or `null`.
    #[arg(long)]
    model: Option<String>,
    /// Pixel size in nm; else what the file says, else the configuration's.
    #[arg(long, value_name = "NM")]
    pixel_size_nm: Option<f64>,
    /// Read the whole frames of a file that was cut short.
    #[arg(long)]
    allow_short: bool,
    /// Which channel or position of a stack of several, as `channel=0`.
    #[arg(long, value_name = "AXIS=VALUE")]
    select: Vec<String>,
    /// Serve clients and the live view meanwhile.
    #[arg(long)]
    serve: bool,
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: Common,
}

impl Options {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = self.common.load()?;
        if let Some(model) = &self.model {
            config.model.bundle.clone_from(model);
        }
        config.store.dir = self.out.join(".journal");
        config.ring.dir = self.out.join(".journal").join("spool");
        config.ring.mib = config.ring.mib.min(256);
        config.store.files = ["parquet", "csv", "png", "summary"].map(String::from).to_vec();
        config.frames.idle_close_s = u64::MAX / 2;
        Ok(config)
    }

    fn stack_options(&self) -> Result<StackOptions, Failure> {
        let select = self.select.iter().map(|text| axis_and_value(text)).collect::<Result<_, _>>()?;
        Ok(StackOptions { allow_short: self.allow_short, select })
    }
}

/// What a file yields is this series, whatever ran before in the folder.
const SERIES: SeriesId = SeriesId(*b"replay-of-a-file");

pub fn run(options: &Options) -> Result<(), Failure> {
    start_log(options.common.log_json);
    let mut config = options.config()?;
    let stack = open_stack_with(&options.stack, &options.stack_options()?)?;
    if options.fps.is_some_and(|fps| fps.is_nan() || fps <= 0.0) {
        return Err(Failure::Usage("--fps must be above 0; leave it out to go as fast as it goes".into()));
    }
    prepare(options)?;
    if let Some(nm) = options.pixel_size_nm.or(stack.meta().pixel_size_nm) {
        config.camera.pixel_size_nm = nm;
    }
    let pixel = PixelSize::square(Nm(config.camera.pixel_size_nm));
    let frames = options.frames.map_or(stack.frames(), |most| most.min(stack.frames()));
    let series =
        SeriesInfo { expected_frames: frames, pixel_size: Some(pixel), ..described(options, &*stack) };
    let (room, has_room) = bounded(1);
    let (stop, stopped) = bounded(0);
    let play = Play {
        stack,
        series,
        fps: options.fps,
        frames,
        clock: Clock::start(),
        room: has_room,
        stop: Some(stop),
    };
    let started = Instant::now();
    let source = Box::new(StackSource::new(play));
    let daemon = pipeline::start(&config, Input { source, stop: stopped, room }, options.serve)?;
    let ready = started.elapsed();
    if let Some(address) = daemon.grpc {
        eprintln!("live view: http://{address}/");
    }
    let live = daemon.live.clone();
    show_progress(&live, frames, options.json);
    daemon.join(Duration::from_secs(24 * 3600))?;
    let series = live.find(SERIES).context("the stack held no frame")?;
    let engine = live.engine();
    let mut said = summary::series(&series);
    said["model"] = engine.model.into();
    said["provider"] = engine.provider.into();
    said["seconds"] = (started.elapsed() - ready).as_secs_f64().into();
    said["stack_frames"] = frames.into();
    said["busy"] = summary::busy(&live);
    gather(options, &mut said)?;
    let estimate = series.exit().estimate.clone();
    report(options, &said, estimate.as_deref());
    let (account, failed) = (series.door().account, series.exit().files_failed.clone());
    if account.processed() != frames || !failed.is_empty() {
        let text =
            format!("{} of {frames} frames were processed; {}", account.processed(), failed.join("; "));
        return Err(Failure::Loss(text));
    }
    Ok(())
}

/// What the file says of itself.
fn described(options: &Options, stack: &dyn Stack) -> SeriesInfo {
    SeriesInfo {
        id: SERIES,
        name: options.stack.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        source: format!("replay of {}", stack.meta().source),
        exposure_ms: stack.meta().exposure_ms.unwrap_or(0.0),
        ..SeriesInfo::default()
    }
}

/// The folder is there, can be written, and holds no journal of an earlier replay.
fn prepare(options: &Options) -> anyhow::Result<()> {
    let out = &options.out;
    std::fs::create_dir_all(out)
        .with_context(|| format!("--out: cannot make the folder {}", out.display()))?;
    let journal = out.join(".journal");
    if journal.exists() {
        std::fs::remove_dir_all(&journal)
            .with_context(|| format!("--out: cannot remove an earlier replay's {}", journal.display()))?;
    }
    Ok(())
}

fn show_progress(live: &crate::live::Live, frames: u64, json: bool) {
    let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(frames) };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} frames  {per_sec}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let tick = crossbeam_channel::tick(Duration::from_millis(100));
    while tick.recv().is_ok() {
        let Some(series) = live.find(SERIES) else { continue };
        let account = series.door().account;
        let found = series.exit().localizations;
        bar.set_position(account.processed() + account.lost_total());
        bar.set_message(format!("{found} localizations"));
        let state = series.door().state.clone();
        let settled = account.waiting() == 0 && matches!(state, crate::live::State::Done(_));
        if settled || (state != crate::live::State::Receiving && account.received() == 0) {
            break;
        }
    }
    bar.finish_and_clear();
}

/// Moves the files to where the user wants them and lets the journal go.
fn gather(options: &Options, said: &mut serde_json::Value) -> anyhow::Result<()> {
    let from = crate::store::journal::folder(&options.out.join(".journal"), SERIES);
    let mut files = Vec::new();
    for name in ["localizations.parquet", "localizations.csv", "render.png"] {
        let to = options.out.join(name);
        if from.join(name).is_file() {
            std::fs::rename(from.join(name), &to)
                .with_context(|| format!("cannot write {}", to.display()))?;
            files.push(to.display().to_string());
        } else if to.is_file() {
            std::fs::remove_file(&to).with_context(|| format!("cannot remove the old {}", to.display()))?;
        }
    }
    let to = options.out.join("summary.json");
    files.push(to.display().to_string());
    said["files"] = files.into();
    crate::files::put(&to, serde_json::to_string_pretty(said)?.as_bytes())?;
    if said["files"].as_array().is_some_and(|files| files.len() >= 3) {
        std::fs::remove_dir_all(options.out.join(".journal"))?;
    }
    Ok(())
}

fn report(options: &Options, said: &serde_json::Value, estimate: Option<&Result<Estimate, Trouble>>) {
    if options.json {
        println!("{said}");
        return;
    }
    println!("frames          {} of {}", said["account"]["processed"], said["stack_frames"]);
    println!("localizations   {}", said["localizations"]);
    println!("time            {:.2} s", said["seconds"].as_f64().unwrap_or(0.0));
    println!("engine          {} on {}", said["model"], said["provider"]);
    if let Some(Ok(estimate)) = estimate {
        print!("{}", summary::estimate::lines(estimate, 15));
    }
    for warning in said["warnings"].as_array().into_iter().flatten() {
        println!("warning         {}", warning.as_str().unwrap_or_default());
    }
    for file in said["files"].as_array().into_iter().flatten() {
        println!("                {}", file.as_str().unwrap_or_default());
    }
}
