//! `blinkd demo`: a virtual microscope in a process of its own, this daemon, and what came of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use crossbeam_channel::bounded;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use smlm::localization::Localization;
use smlm::metrics::{Gate, Point, Scores, evaluate};
use smlm::units::{PixelSize, Px};
use wire::files::tables::{ReadOptions, read_emitters};

use super::optics::PsfOptions;
use super::{Common, Failure, serve, start_log};
use crate::config::Config;
use crate::live::{Live, Series, State};
use crate::pipeline::Daemon;
use crate::store::journal::{self, JournalReader};

/// Example: blinkd demo --seconds 60 --stay
#[derive(Args)]
pub struct Options {
    /// How long the virtual microscope records.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Keep the live view open afterwards, until Ctrl-C.
    #[arg(long)]
    stay: bool,
    /// The last line is one JSON object.
    #[arg(long)]
    json: bool,
    /// Frames per second.
    #[arg(long, default_value_t = 50.0)]
    fps: f64,
    /// Side of the field in px of 100 nm.
    #[arg(long, default_value_t = 128)]
    side: u32,
    /// Mean number of visible emitters per µm² and frame.
    #[arg(long, default_value_t = 1.0)]
    density_per_um2: f64,
    #[command(flatten)]
    psf: PsfOptions,
    /// Emitters lie within ± this around z = 0; else 0 for a round PSF and 600 for an astigmatic one.
    #[arg(long, value_name = "NM")]
    z_half_range_nm: Option<f64>,
    /// Folder for journal, picture and tables; else a new one among the temporary files.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Until everything that was sent is processed, at most this.
const DRAIN: Duration = Duration::from_secs(120);

pub fn run(options: &Options) -> Result<(), Failure> {
    start_quietly(options);
    let psf = options.psf.to_draw()?;
    let mut config = options.common.load()?;
    let folder = folder(options)?;
    arrange(&mut config, &folder);
    let (stop, stopped) = bounded::<()>(0);
    let daemon = serve::start(&config, stopped)?;
    let address = daemon.grpc.context("the demo serves clients")?;
    eprintln!("live view: http://{address}/");
    let engine = daemon.live.engine();
    for attempt in &engine.attempts {
        eprintln!("not used: {attempt}");
    }
    eprintln!("engine: {} on {}", engine.model, engine.provider);
    let truth = folder.join("truth.csv");
    let publisher = publish(options, &daemon, &truth)?;
    let series = watch(options, &daemon, publisher)?;
    let gate = if psf.tells_z() { Gate::VOLUME } else { Gate::LATERAL };
    let said = judge(&series, &folder, &truth, &daemon, gate)?;
    if options.stay {
        eprintln!("the live view stays at http://{address}/ until Ctrl-C");
        serve::Signals::listen()?.wait();
    }
    drop(stop);
    daemon.join(Duration::from_secs(config.serve.drain_s))?;
    report(options, &said);
    match said["lost"].as_u64() {
        Some(0) => Ok(()),
        lost => Err(Failure::Loss(format!("{} frames were lost", lost.unwrap_or(0)))),
    }
}

/// A person watches a bar, not log lines; warnings are still shown.
fn start_quietly(options: &Options) {
    if std::env::var_os("BLINKD_LOG").is_none() {
        // SAFETY: no other thread exists yet.
        unsafe { std::env::set_var("BLINKD_LOG", "warn") };
    }
    start_log(options.common.log_json);
}

fn folder(options: &Options) -> anyhow::Result<PathBuf> {
    let folder = options
        .out
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("blinkd-demo-{}", std::process::id())));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// Free ports, and everything in one folder: a demo disturbs no daemon that runs.
fn arrange(config: &mut Config, folder: &Path) {
    config.store.dir = folder.to_path_buf();
    config.store.files = ["parquet", "csv", "png", "summary"].map(String::from).to_vec();
    config.frames.endpoint = "tcp://127.0.0.1:0".into();
    let free = std::net::TcpListener::bind(config.serve.listen).is_ok();
    if !free {
        config.serve.listen.set_port(0);
    }
}

fn publish(options: &Options, daemon: &Daemon, truth: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe().context("where is this program?")?);
    command.args(["simulate", "--json", "--connect", &daemon.frame_endpoint]);
    command.args(["--fps", &options.fps.to_string(), "--seconds", &options.seconds.to_string()]);
    command.args(["--width", &options.side.to_string(), "--height", &options.side.to_string()]);
    command.args(["--density-per-um2", &options.density_per_um2.to_string()]);
    command.args(options.psf.again());
    command.args(options.z_half_range_nm.map(|nm| format!("--z-half-range-nm={nm}")));
    command.arg("--truth").arg(truth).stdout(Stdio::null());
    command.spawn().context("cannot start the virtual microscope")
}

/// Shows progress until the microscope has ended and everything is processed.
fn watch(options: &Options, daemon: &Daemon, mut publisher: Child) -> anyhow::Result<std::sync::Arc<Series>> {
    let expected = (options.seconds * options.fps).round() as u64;
    let bar = ProgressBar::new(expected);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} frames  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let tick = crossbeam_channel::tick(Duration::from_millis(100));
    let mut ended: Option<Instant> = None;
    let series = loop {
        tick.recv().context("the clock has stopped")?;
        if ended.is_none() && publisher.try_wait()?.is_some() {
            ended = Some(Instant::now());
        }
        let series = daemon.live.newest();
        if let Some(series) = &series {
            let (account, found) = (series.door().account, series.exit().localizations);
            bar.set_position(account.processed());
            bar.set_message(format!("{found} localizations, {} waiting", account.waiting()));
            if ended.is_some() && matches!(series.door().state, State::Done(_)) && files_are_written(series) {
                break series.clone();
            }
        }
        if ended.is_some_and(|at| at.elapsed() > DRAIN) {
            anyhow::bail!("{}", not_drained(&daemon.live));
        }
    };
    bar.finish_and_clear();
    Ok(series)
}

fn files_are_written(series: &Series) -> bool {
    let exit = series.exit();
    exit.files.iter().any(|file| file.ends_with("summary.json")) || !exit.files_failed.is_empty()
}

fn not_drained(live: &Live) -> String {
    match live.newest() {
        None => "no frame arrived from the virtual microscope".into(),
        Some(series) => {
            format!("{} frames still wait after {} s", series.door().account.waiting(), DRAIN.as_secs())
        }
    }
}

/// Scores the journal against the truth and collects the numbers.
fn judge(series: &Series, folder: &Path, truth: &Path, daemon: &Daemon, gate: Gate) -> anyhow::Result<Value> {
    let home = journal::folder(folder, series.id);
    let scores = score(&home, truth, gate)?;
    let (account, exit) = (series.door().account, series.exit().clone());
    use smlm::frame::GapCause::{Camera, Transport};
    let missing = account.missing(Transport) + account.missing(Camera);
    let span = exit.span_s();
    Ok(json!({
        "received": account.received(),
        "processed": account.processed(),
        "waiting": account.waiting(),
        "lost": account.lost_total() + missing,
        "frames_per_second": if span > 0.0 { account.processed() as f64 / span } else { 0.0 },
        "latency_ms": {"p50": exit.latency.p50_ms, "p99": exit.latency.p99_ms},
        "localizations": exit.localizations,
        "ji": scores.jaccard,
        "rmse_lateral_nm": scores.rmse_lateral_nm,
        "rmse_axial_nm": scores.rmse_axial_nm,
        "picture": home.join("render.png"),
        "localization_file": home.join("localizations.parquet"),
        "_provider": daemon.live.engine().provider,
    }))
}

fn score(home: &Path, truth: &Path, gate: Gate) -> anyhow::Result<Scores> {
    let (rows, _) = read_emitters(truth, &ReadOptions::default())?;
    let mut truth: Vec<Point> = rows.iter().map(|emitter| emitter.at).collect();
    let reader = JournalReader::open(home)?;
    let pixel = reader.pixel_size();
    let mut found: Vec<Point> =
        reader.blocks().flat_map(|block| points(block.localizations, pixel)).collect();
    Ok(evaluate(&mut truth, &mut found, gate)?)
}

/// Localizations in nm from the corner.
fn points(rows: &[Localization], pixel: PixelSize) -> Vec<Point> {
    let point = |l: &Localization| {
        let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
        Point { frame: l.frame, x_nm: x.0, y_nm: y.0, z_nm: l.z_nm.into() }
    };
    rows.iter().map(point).collect()
}

fn report(options: &Options, said: &Value) {
    let number = |value: &Value, digits: usize| match value.as_f64() {
        Some(number) => format!("{number:.digits$}"),
        None => "-".into(),
    };
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
    let rows = [
        ("frames received", said["received"].to_string()),
        ("frames processed", said["processed"].to_string()),
        ("frames lost", said["lost"].to_string()),
        ("frames per second", number(&said["frames_per_second"], 1)),
        ("latency, median", format!("{} ms", number(&said["latency_ms"]["p50"], 1))),
        ("latency, 99 %", format!("{} ms", number(&said["latency_ms"]["p99"], 1))),
        ("localizations", said["localizations"].to_string()),
        ("JI", number(&said["ji"], 3)),
        ("r.m.s.e. lateral", format!("{} nm", number(&said["rmse_lateral_nm"], 1))),
        ("r.m.s.e. axial", format!("{} nm", number(&said["rmse_axial_nm"], 1))),
        ("engine runs on", text("_provider")),
        ("picture", text("picture")),
        ("localizations in", text("localization_file")),
    ];
    let volume = said["rmse_axial_nm"].is_number();
    for (name, value) in rows.into_iter().filter(|(name, _)| volume || *name != "r.m.s.e. axial") {
        eprintln!("{name:20} {value}");
    }
    if options.json {
        let keys = [
            "received",
            "processed",
            "waiting",
            "lost",
            "frames_per_second",
            "latency_ms",
            "localizations",
            "ji",
            "rmse_lateral_nm",
            "rmse_axial_nm",
            "picture",
            "localization_file",
        ];
        let object: serde_json::Map<String, Value> = keys
            .iter()
            .filter(|key| volume || **key != "rmse_axial_nm")
            .map(|key| ((*key).to_owned(), said[*key].clone()))
            .collect();
        println!("{}", Value::Object(object));
    }
}
