//! What the microscope is told: one typed struct, checked as a whole before anything is allocated.
//!
//! In: a caller's wishes. Out: the same, or every problem at once. Never: files or environment variables.

use smlm::frame::{SeriesId, Shape};
use smlm::series::Channel;
use smlm::units::{Nm, PixelSize};

use crate::camera::CameraModel;
use crate::optics::{self, Psf};
use crate::structure::Structure;

/// Largest side of a field in pixels.
pub const SIDE_MAX_PX: u32 = 4096;
/// Most tiles of a scan.
pub const TILES_MAX: u32 = 100_000;
/// Most emitters shining at a time.
pub const ACTIVE_MAX: f64 = 1e6;

/// When fluorophores shine and how brightly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmitterSettings {
    /// Mean number of visible emitters (see [`crate::truth::VISIBLE_PHOTONS`]) per µm² of the whole field and
    /// frame. A structure gets the same number on its own, smaller area: it is locally denser.
    pub density_per_um2: f64,
    /// Mean of the exponential on-time, in frames.
    pub on_time_mean_frames: f64,
    /// Photons of a full frame of light: normal over emitters, raised to at least `photons_min`.
    pub photons_mean: f64,
    pub photons_sd: f64,
    pub photons_min: f64,
    /// Light also comes from emitters up to this far outside the field. They are not in the truth.
    pub margin_px: f64,
}

/// A grid of fields of view, visited one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    pub rows: u32,
    pub columns: u32,
    pub overlap_percent: f64,
    /// Every other row is visited backwards.
    pub snake: bool,
    /// `None`: the only tile goes on for ever.
    pub frames_per_tile: Option<u32>,
    /// A field lies up to so far from where the stage says it is, in x and in y, evenly distributed; the first one does
    /// not.
    pub stage_error_um: f64,
}

/// A recording with the virtual microscope.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub seed: u64,
    pub series: SeriesId,
    pub name: String,
    pub shape: Shape,
    pub pixel_size: PixelSize,
    pub psf: Psf,
    pub structure: Structure,
    /// Emitters lie within ± this around the focal plane; 0 makes a 2D recording.
    pub z_half_range_nm: f64,
    pub emitters: EmitterSettings,
    /// Photons per pixel and frame.
    pub background_photons: f64,
    pub camera: CameraModel,
    pub exposure_ms: f64,
    pub scan: Scan,
    /// A widefield pass shows everything at once; its settings are otherwise those of its scan.
    pub channel: Channel,
    /// Of a widefield pass: its scan.
    pub widefield_of: Option<SeriesId>,
    /// When the recording started; frame k was captured k + 1 exposures later.
    pub start_unix_ns: u64,
}

impl Default for Settings {
    /// The demo: a mesh of filaments at one visible emitter per µm², 2,000 photons over a background of 20.
    fn default() -> Self {
        Self {
            seed: 1,
            series: SeriesId(*b"virtual-microsc."),
            name: "virtual microscope".into(),
            shape: Shape { width: 128, height: 128 },
            pixel_size: PixelSize::square(Nm(100.0)),
            psf: Psf::Gaussian { sigma_nm: 135.0 },
            structure: Structure::MESH,
            z_half_range_nm: 0.0,
            emitters: EmitterSettings {
                density_per_um2: 1.0,
                on_time_mean_frames: 2.5,
                photons_mean: 2000.0,
                photons_sd: 300.0,
                photons_min: 200.0,
                margin_px: 0.0,
            },
            background_photons: 20.0,
            camera: CameraModel::SCMOS,
            exposure_ms: 10.0,
            scan: Scan {
                rows: 1,
                columns: 1,
                overlap_percent: 10.0,
                snake: true,
                frames_per_tile: None,
                stage_error_um: 0.0,
            },
            channel: Channel::Localization,
            widefield_of: None,
            start_unix_ns: 0,
        }
    }
}

/// What is wrong with settings, all of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the virtual microscope cannot be set up: {}", .0.join("; "))]
pub struct BadSettings(pub Vec<String>);

impl Settings {
    /// Area of the field of view in µm².
    pub fn area_um2(&self) -> f64 {
        self.width_um() * self.height_um()
    }

    pub fn width_um(&self) -> f64 {
        f64::from(self.shape.width) * self.pixel_size.x.0 / 1000.0
    }

    pub fn height_um(&self) -> f64 {
        f64::from(self.shape.height) * self.pixel_size.y.0 / 1000.0
    }

    /// Tiles of the scan.
    pub fn tiles(&self) -> u32 {
        self.scan.rows.saturating_mul(self.scan.columns)
    }

    /// Frames of the recording; `None` when it goes on for ever.
    pub fn frames(&self) -> Option<u64> {
        self.scan.frames_per_tile.map(|frames| u64::from(frames) * u64::from(self.tiles()))
    }

    /// Finds every problem before anything is allocated.
    pub fn check(&self) -> Result<(), BadSettings> {
        let mut problems = Vec::new();
        let mut number = |name: &str, value: f64, low: f64, high: f64| {
            if !(value >= low && value <= high) {
                problems.push(format!("{name} is {value} and must be from {low} to {high}"));
            }
        };
        let side_max = f64::from(SIDE_MAX_PX);
        number("shape.width", self.shape.width.into(), 4.0, side_max);
        number("shape.height", self.shape.height.into(), 4.0, side_max);
        number("pixel_size.x", self.pixel_size.x.0, 10.0, 10_000.0);
        number("pixel_size.y", self.pixel_size.y.0, 10.0, 10_000.0);
        number("z_half_range_nm", self.z_half_range_nm, 0.0, 5_000.0);
        number("background_photons", self.background_photons, 0.0, 60_000.0);
        number("exposure_ms", self.exposure_ms, 0.01, 3_600_000.0);
        let e = &self.emitters;
        number("emitters.density_per_um2", e.density_per_um2, 0.0, 100.0);
        number("emitters.on_time_mean_frames", e.on_time_mean_frames, 0.05, 1_000.0);
        number("emitters.photons_mean", e.photons_mean, 60.0, 1e6);
        number("emitters.photons_sd", e.photons_sd, 0.0, 1e6);
        number("emitters.photons_min", e.photons_min, 0.0, e.photons_mean);
        number("emitters.margin_px", e.margin_px, 0.0, 100.0);
        let active = e.density_per_um2 * self.area_um2() * 2.0;
        number("emitters.density_per_um2 × twice the area in µm²", active, 0.0, ACTIVE_MAX);
        number("scan.rows × scan.columns", self.tiles().into(), 1.0, TILES_MAX.into());
        number("scan.overlap_percent", self.scan.overlap_percent, 0.0, 90.0);
        number("scan.stage_error_um", self.scan.stage_error_um, 0.0, 100.0);
        if let Some(frames) = self.scan.frames_per_tile {
            number("scan.frames_per_tile", frames.into(), 1.0, u32::MAX.into());
        } else {
            number("scan.rows × scan.columns, without scan.frames_per_tile,", self.tiles().into(), 1.0, 1.0);
        }
        optics::check(self.psf, &mut number);
        self.structure.check(&mut number);
        self.camera.check(&mut number);
        if problems.is_empty() { Ok(()) } else { Err(BadSettings(problems)) }
    }
}
