//! `blinkd simulate`: the virtual microscope, sending to a daemon over real ZeroMQ.

use std::fmt::Write as _;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use sim::faults::FaultPlan;
use sim::microscope::VirtualMicroscope;
use sim::publish::{Clock, Player, Playing, SystemClock};
use sim::settings::{Scan, Settings};
use sim::structure::Structure;
use sim::truth::TruthCsv;
use smlm::frame::{SeriesId, Shape};
use smlm::series::Channel;
use smlm::units::{Nm, PixelSize};
use wire::publisher::{Publisher, PublisherSettings};

use super::Failure;
use super::optics::PsfOptions;

/// Example: blinkd simulate --connect tcp://127.0.0.1:5766 --fps 100 --seconds 20 --truth truth.csv
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The daemon's frame socket.
    #[arg(long, default_value = "tcp://127.0.0.1:5766", value_name = "ENDPOINT")]
    pub connect: String,
    /// Frames per second; 0: as fast as the daemon receives them, nothing dropped on the way. What its frame ring has no
    /// room for is lost, and counted.
    #[arg(long, default_value_t = 100.0)]
    pub fps: f64,
    /// How long to send; 0: until stopped, or until the scan ends.
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// Width of a frame in px.
    #[arg(long, default_value_t = 128)]
    pub width: u32,
    /// Height of a frame in px.
    #[arg(long, default_value_t = 128)]
    pub height: u32,
    #[arg(long, default_value_t = 100.0, value_name = "NM")]
    pub pixel_size_nm: f64,
    /// Mean number of visible emitters per µm² and frame.
    #[arg(long, default_value_t = 1.0)]
    pub density_per_um2: f64,
    /// Mean photons of an emitter in a full frame.
    #[arg(long, default_value_t = 2000.0)]
    pub photons: f64,
    /// Background photons per pixel and frame.
    #[arg(long, default_value_t = 20.0)]
    pub background: f64,
    /// `mesh` of filaments, `uniform`, `rings` of nuclear pores.
    #[arg(long, default_value = "mesh")]
    pub structure: String,
    #[command(flatten)]
    pub psf: PsfOptions,
    /// Emitters lie within ± this around z = 0; else 0 for a round PSF and 600 for an astigmatic one.
    #[arg(long, value_name = "NM")]
    pub z_half_range_nm: Option<f64>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Rows of a tile scan.
    #[arg(long, default_value_t = 1)]
    pub rows: u32,
    /// Columns of a tile scan.
    #[arg(long, default_value_t = 1)]
    pub columns: u32,
    /// Of neighbouring tiles, of a field's side.
    #[arg(long, default_value_t = 10.0)]
    pub overlap_percent: f64,
    /// A field lies up to so far from where the stage says, in x and in y.
    #[arg(long, default_value_t = 0.0, value_name = "UM")]
    pub stage_error_um: f64,
    /// Write where the fields really are: tile, row, column, x_um, y_um of their centres on the stage.
    #[arg(long, value_name = "FILE")]
    pub fields: Option<PathBuf>,
    /// Frames per tile; needed for a scan.
    #[arg(long)]
    pub frames_per_tile: Option<u32>,
    /// Send a widefield pass of so many frames per tile first, as a series of its own.
    #[arg(long, value_name = "FRAMES")]
    pub widefield: Option<u32>,
    /// Render so many frames before the start and repeat them: for rates no simulation reaches.
    #[arg(long)]
    pub bank: Option<u32>,
    /// Write the truth: frame, x_nm, y_nm, z_nm, photons; nm from the corner of the first pixel.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Probability per frame that it is dropped on the way.
    #[arg(long, default_value_t = 0.0)]
    pub fault_drop: f64,
    /// Probability per frame that its header is destroyed.
    #[arg(long, default_value_t = 0.0)]
    pub fault_header: f64,
    /// Probability per frame that pixels are missing.
    #[arg(long, default_value_t = 0.0)]
    pub fault_truncate: f64,
    /// Probability per frame that it is sent twice.
    #[arg(long, default_value_t = 0.0)]
    pub fault_duplicate: f64,
    /// Play as Micro-Manager's Live button does: only every n-th image.
    #[arg(long, value_name = "N")]
    pub live_sampled: Option<u32>,
    /// Begin at this frame, as a publisher that goes on.
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub resume_at: u64,
    /// CRC32C of the pixels in every header.
    #[arg(long)]
    pub checksums: bool,
    /// The series' id; else made from the time.
    #[arg(long, value_name = "32 HEX DIGITS")]
    pub series: Option<SeriesId>,
    #[arg(long)]
    pub json: bool,
}

impl Options {
    fn settings(&self, now_unix_ns: u64) -> Result<Settings, Failure> {
        let default = Settings::default();
        let structure = match self.structure.as_str() {
            "mesh" => Structure::MESH,
            "uniform" => Structure::Uniform,
            "rings" => Structure::PORES,
            other => {
                return Err(Failure::Usage(format!("--structure {other}: choose mesh, uniform or rings")));
            }
        };
        let psf = self.psf.to_draw()?;
        let emitters = sim::settings::EmitterSettings {
            density_per_um2: self.density_per_um2,
            photons_mean: self.photons,
            photons_sd: self.photons * 0.15,
            photons_min: (self.photons * 0.1).min(200.0),
            ..default.emitters
        };
        Ok(Settings {
            seed: self.seed,
            series: self.series.unwrap_or_else(|| series_from(*b"blinkd-simulate.", now_unix_ns)),
            shape: Shape { width: self.width, height: self.height },
            pixel_size: PixelSize::square(Nm(self.pixel_size_nm)),
            psf,
            structure,
            z_half_range_nm: self.z_half_range_nm.unwrap_or(if psf.tells_z() {
                Z_HALF_RANGE_NM
            } else {
                0.0
            }),
            emitters,
            background_photons: self.background,
            exposure_ms: if self.fps > 0.0 { 1000.0 / self.fps } else { default.exposure_ms },
            scan: Scan {
                rows: self.rows,
                columns: self.columns,
                overlap_percent: self.overlap_percent,
                stage_error_um: self.stage_error_um,
                frames_per_tile: self.frames_per_tile.or_else(|| self.frames_of_one_tile()),
                ..default.scan
            },
            start_unix_ns: now_unix_ns,
            ..default
        })
    }

    /// A recording of known length ends as completed and not as broken off.
    fn frames_of_one_tile(&self) -> Option<u32> {
        let frames = (self.seconds * self.fps).round();
        (frames >= 1.0 && self.rows * self.columns == 1).then_some(frames as u32)
    }

    fn playing(&self) -> Playing {
        Playing {
            faults: FaultPlan {
                seed: self.seed,
                drop: self.fault_drop,
                corrupt_header: self.fault_header,
                truncated_pixels: self.fault_truncate,
                duplicate: self.fault_duplicate,
                ..FaultPlan::NONE
            },
            checksums: self.checksums,
            live_sampled: self.live_sampled,
            bank: self.bank,
        }
    }
}

/// The widefield pass of a scan: the same tiles and the same sample, everything shining.
fn pass(scan: &Settings, frames: u32, now_unix_ns: u64) -> Settings {
    Settings {
        series: series_from(*b"blinkd-widefield", now_unix_ns),
        name: format!("{}, widefield", scan.name),
        scan: Scan { frames_per_tile: Some(frames), ..scan.scan },
        channel: Channel::Widefield,
        widefield_of: Some(scan.series),
        start_unix_ns: now_unix_ns,
        ..scan.clone()
    }
}

/// Sends the widefield pass and waits until the daemon has it.
fn send_pass(options: &Options, scan: &Settings, frames: u32, clock: &SystemClock) -> Result<(), Failure> {
    let pass = pass(scan, frames, clock.now_unix_ns());
    let microscope = VirtualMicroscope::new(pass)?;
    let playing = Playing { checksums: options.checksums, ..Playing::default() };
    let player = Player::new(microscope, playing, connect(&options.connect)?)?;
    let (totals, mut line) = player.play(options.fps, clock, |_| ControlFlow::Continue(()));
    line.outlet().flush(PATIENCE).map_err(|error| Failure::Loss(error.to_string()))?;
    match totals.dropped {
        0 => Ok(()),
        dropped => Err(Failure::Loss(format!("{dropped} widefield frames found no room and were dropped"))),
    }
}

fn write_fields(path: &Path, microscope: &VirtualMicroscope) -> anyhow::Result<()> {
    let mut text = String::from("tile,row,column,x_um,y_um\n");
    for (tile, (x, y)) in microscope.fields_um() {
        let _ = writeln!(text, "{},{},{},{x},{y}", tile.index, tile.row, tile.column);
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn series_from(name: [u8; 16], now_unix_ns: u64) -> SeriesId {
    let mut id = name;
    id[8..].copy_from_slice(&now_unix_ns.to_be_bytes());
    SeriesId(id)
}

/// Depth of a recording whose PSF tells z.
const Z_HALF_RANGE_NM: f64 = 600.0;
/// How long the daemon may take to appear, and to take what is left at the end.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(options: &Options) -> Result<(), Failure> {
    let clock = SystemClock;
    let mut settings = options.settings(clock.now_unix_ns())?;
    if let Some(frames) = options.widefield {
        send_pass(options, &settings, frames, &clock)?;
        settings.start_unix_ns = clock.now_unix_ns();
    }
    let microscope = VirtualMicroscope::new(settings.clone())?;
    if let Some(path) = &options.fields {
        write_fields(path, &microscope)?;
    }
    let publisher = connect(&options.connect)?;
    let mut truth = open_truth(options, &settings)?;
    let mut player = Player::new(microscope, options.playing(), publisher)?;
    player.resume_at(options.resume_at);
    let started = Instant::now();
    let mut failed = None;
    let (totals, mut line) = player.play(options.fps, &clock, |step| {
        if let Some(truth) = &mut truth
            && let Err(error) = truth.write(step.truth)
        {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        let over =
            options.fps == 0.0 && options.seconds > 0.0 && started.elapsed().as_secs_f64() >= options.seconds;
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let seconds = started.elapsed().as_secs_f64();
    if let Some(error) = failed {
        return Err(anyhow::Error::new(error).context("the truth cannot be written further").into());
    }
    if let Some(truth) = truth {
        truth.finish().context("the truth cannot be written")?;
    }
    let flushed = line.outlet().flush(PATIENCE);
    let counts = line.outlet().counts();
    let said = json!({
        "series": settings.series.to_string(),
        "captured": totals.captured, "sent": counts.sent_frames, "dropped": counts.dropped_frames,
        "seconds": seconds, "frames_per_second": totals.captured as f64 / seconds,
    });
    if options.json {
        println!("{said}");
    } else {
        println!(
            "captured {}, sent {}, dropped {}, {:.1} frames per second",
            totals.captured,
            counts.sent_frames,
            counts.dropped_frames,
            totals.captured as f64 / seconds
        );
    }
    flushed.map_err(|error| Failure::Loss(error.to_string()))?;
    match counts.dropped_frames {
        0 => Ok(()),
        dropped => Err(Failure::Loss(format!("{dropped} frames found no room and were dropped"))),
    }
}

fn connect(endpoint: &str) -> anyhow::Result<Publisher> {
    let settings = PublisherSettings { camera: "virtual".into(), ..PublisherSettings::default() };
    let mut publisher = Publisher::new(endpoint, settings)?;
    let began = Instant::now();
    while !publisher.is_connected() && began.elapsed() < PATIENCE {
        publisher.drive(Duration::from_millis(20));
    }
    if !publisher.is_connected() {
        eprintln!("no daemon at {endpoint} yet: frames that find no room are dropped and counted");
    }
    Ok(publisher)
}

type Truth = TruthCsv<BufWriter<std::fs::File>>;

fn open_truth(options: &Options, settings: &Settings) -> anyhow::Result<Option<Truth>> {
    let Some(path) = &options.truth else { return Ok(None) };
    let file =
        std::fs::File::create(path).with_context(|| format!("--truth: cannot make {}", path.display()))?;
    Ok(Some(TruthCsv::new(BufWriter::new(file), settings.pixel_size)?))
}
