//! The virtual microscope: frames with their truth, tile after tile.
//!
//! In: [`Settings`]. Out: each frame's [`FrameInfo`], counts and truth, and what a publisher says of the series.
//! Any frame can be made again with [`VirtualMicroscope::seek`]. Never: a clock, files, sockets, threads.

use rand::RngExt;
use smlm::frame::{Continuity, FrameId, FrameInfo, PixelType, Seq, StagePosition, Tile};
use smlm::series::{Channel, Grid, Overlap, SeriesInfo};

use crate::camera::Sensor;
use crate::emitters::{Blinking, Projection};
use crate::glow::Glow;
use crate::optics;
use crate::seeds::{Purpose, fast_stream, stream};
use crate::settings::{BadSettings, Scan, Settings};
use crate::structure::{Area, Sample, View};
use crate::truth::FrameTruth;

/// What the publisher calls itself.
pub const SOURCE: &str = concat!("blinkd virtual microscope ", env!("CARGO_PKG_VERSION"));

/// Makes the frames of one recording in order. Memory: a field of expected photons, the structure, and the
/// emitters that shine now.
#[derive(Clone, Debug)]
pub struct VirtualMicroscope {
    settings: Settings,
    sample: Sample,
    sensor: Sensor,
    light: Light,
    tile: Tile,
    photons: Vec<f32>,
    next_seq: u64,
}

/// What shines in the tile.
#[derive(Clone, Debug)]
enum Light {
    Blinking(Box<Blinking>),
    All(Glow),
}

impl VirtualMicroscope {
    pub fn new(settings: Settings) -> Result<Self, BadSettings> {
        settings.check()?;
        let sample =
            Sample::new(settings.structure, settings.z_half_range_nm, scan_area(&settings), settings.seed)?;
        let sensor = Sensor::new(settings.camera, settings.shape, settings.seed);
        let tile = tile(&settings, 0);
        let (view, projection) = (sample.view(tile_area(&settings, tile)), projection(&settings, tile));
        let light = match settings.channel {
            Channel::Localization => Light::Blinking(Box::new(blinking(&settings, view, projection, tile))),
            Channel::Widefield => Light::All(Glow::new(&settings, &view, projection)),
        };
        let photons = vec![0.0; settings.shape.pixels()];
        Ok(Self { settings, sample, sensor, light, tile, photons, next_seq: 0 })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What a publisher says at the start of the series and of each tile.
    pub fn series(&self) -> SeriesInfo {
        let s = &self.settings;
        let overlap = s.scan.overlap_percent;
        let (x_um, y_um) = (s.pixel_size.x.0 / 1000.0, s.pixel_size.y.0 / 1000.0);
        SeriesInfo {
            id: s.series,
            name: s.name.clone(),
            source: SOURCE.into(),
            grid: Some(Grid {
                rows: s.scan.rows,
                columns: s.scan.columns,
                overlap: Some(Overlap::Percent(overlap, overlap)),
                snake: s.scan.snake,
            }),
            expected_tiles: s.tiles(),
            expected_frames: s.frames().unwrap_or(0),
            pixel_size: Some(s.pixel_size),
            affine: Some([x_um, 0.0, 0.0, 0.0, y_um, 0.0]),
            camera: Some(s.camera.calibration),
            channel: s.channel,
            widefield_of: s.widefield_of,
            widefield_skip_frames: None,
            exposure_ms: s.exposure_ms,
            bit_depth: u16::BITS - s.camera.adu_max.leading_zeros(),
            metadata_json: String::new(),
            start_unix_ns: s.start_unix_ns,
        }
    }

    /// Makes `seq` the next frame.
    pub fn seek(&mut self, seq: u64) {
        let (tile_index, frame) = self.place(seq);
        self.enter(tile_index);
        if let Light::Blinking(blinking) = &mut self.light {
            blinking.seek(frame);
        }
        self.next_seq = seq;
    }

    /// Number of the frame that comes next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The next frame: its counts go to `counts` and its emitters to `truth`, both overwritten; a widefield frame has
    /// none that could be told apart. `None` at the end of the recording.
    pub fn next_frame(&mut self, counts: &mut Vec<u16>, truth: &mut FrameTruth) -> Option<FrameInfo> {
        let info = self.info(self.next_seq)?;
        let (tile_index, frame) = self.place(self.next_seq);
        self.enter(tile_index);
        match &mut self.light {
            Light::Blinking(blinking) => blinking.advance(truth),
            Light::All(_) => truth.emitters.clear(),
        }
        truth.seq = self.next_seq;
        truth.tile = tile_index;
        self.expose(frame, truth, counts);
        let (width, height) = (f64::from(self.settings.shape.width), f64::from(self.settings.shape.height));
        let in_field = |at: f64, side: f64| (-0.5..side - 0.5).contains(&at);
        truth.emitters.retain(|e| in_field(e.x_px, width) && in_field(e.y_px, height));
        self.next_seq += 1;
        Some(info)
    }

    fn expose(&mut self, frame: u64, truth: &FrameTruth, counts: &mut Vec<u16>) {
        let s = &self.settings;
        self.photons.fill(s.background_photons as f32);
        for emitter in &truth.emitters {
            optics::add(s.psf, emitter, s.pixel_size, s.shape, &mut self.photons);
        }
        let mut purpose = Purpose::Camera;
        if let Light::All(glow) = &self.light {
            self.photons.iter_mut().zip(glow.light()).for_each(|(photons, light)| *photons += light);
            purpose = Purpose::Widefield;
        }
        let mut rng = fast_stream(s.seed, purpose, self.tile.index, frame);
        self.sensor.expose(&self.photons, &mut rng, counts);
    }

    /// Index of the tile and frame within it.
    fn place(&self, seq: u64) -> (u32, u64) {
        match self.settings.scan.frames_per_tile {
            // The quotient is below the number of tiles, a u32, wherever a frame is made.
            Some(frames) => ((seq / u64::from(frames)) as u32, seq % u64::from(frames)),
            None => (0, seq),
        }
    }

    fn enter(&mut self, tile_index: u32) {
        if tile_index != self.tile.index {
            let s = &self.settings;
            self.tile = tile(s, tile_index);
            let (view, projection) = (self.sample.view(tile_area(s, self.tile)), projection(s, self.tile));
            match &mut self.light {
                Light::Blinking(light) => **light = blinking(s, view, projection, self.tile),
                Light::All(glow) => glow.look_at(s, &view, projection),
            }
        }
    }

    /// Every tile in the order of acquisition, with where the centre of its field really is, in µm of the stage.
    pub fn fields_um(&self) -> impl Iterator<Item = (Tile, (f64, f64))> {
        let tiles =
            (0..self.settings.scan.rows * self.settings.scan.columns).map(|at| tile(&self.settings, at));
        tiles.map(|tile| (tile, field_um(&self.settings, tile)))
    }

    /// What is said of frame `seq`, without making it. `None` behind the end of the recording.
    pub fn info(&self, seq: u64) -> Option<FrameInfo> {
        let s = &self.settings;
        if s.frames().is_some_and(|frames| seq >= frames) {
            return None;
        }
        let (tile_index, frame) = self.place(seq);
        let tile = tile(s, tile_index);
        let (x_um, y_um) = stage_um(s, tile);
        let exposure_ns = (s.exposure_ms * 1e6) as u64;
        Some(FrameInfo {
            id: FrameId { series: s.series, seq: Seq(seq) },
            tile,
            // Only an endless recording can pass 2³² frames; the number then starts again.
            frame_in_tile: frame as u32,
            frames_per_tile: s.scan.frames_per_tile.unwrap_or(0),
            shape: s.shape,
            pixel_type: PixelType::U16,
            binning: 1,
            exposure_ms: s.exposure_ms,
            stage: Some(StagePosition { x_um, y_um, z_um: 0.0, measured: false }),
            image_number: Some(seq as i64),
            capture_unix_ns: s.start_unix_ns + (seq + 1).saturating_mul(exposure_ns),
            continuity: Continuity::Burst,
            ..FrameInfo::default()
        })
    }
}

/// Row and column of a tile in the order of acquisition.
fn tile(settings: &Settings, index: u32) -> Tile {
    let columns = settings.scan.columns.max(1);
    let (row, along) = (index / columns, index % columns);
    let backwards = settings.scan.snake && row % 2 == 1;
    Tile { index, row, column: if backwards { columns - 1 - along } else { along } }
}

/// What the stage says of the centre of the tile's field; stage axes are those of the image.
fn stage_um(settings: &Settings, tile: Tile) -> (f64, f64) {
    let step = 1.0 - settings.scan.overlap_percent / 100.0;
    (f64::from(tile.column) * settings.width_um() * step, f64::from(tile.row) * settings.height_um() * step)
}

/// Where the centre of the tile's field really is.
fn field_um(settings: &Settings, tile: Tile) -> (f64, f64) {
    let (x, y) = stage_um(settings, tile);
    let off = settings.scan.stage_error_um;
    if off == 0.0 || tile.index == 0 {
        return (x, y);
    }
    let mut rng = stream(settings.seed, Purpose::Stage, tile.index, 0);
    (x + off * rng.random_range(-1.0..=1.0), y + off * rng.random_range(-1.0..=1.0))
}

/// The field of a tile with the margin around it.
fn tile_area(settings: &Settings, tile: Tile) -> Area {
    let (x, y) = field_um(settings, tile);
    let margin = settings.emitters.margin_px / 1000.0;
    let half_x = settings.width_um() / 2.0 + margin * settings.pixel_size.x.0;
    let half_y = settings.height_um() / 2.0 + margin * settings.pixel_size.y.0;
    Area { x_um: (x - half_x, x + half_x), y_um: (y - half_y, y + half_y) }
}

fn scan_area(settings: &Settings) -> Area {
    // The first tile is where the stage says; others are off to all sides.
    let off = settings.scan.stage_error_um;
    let planned = Settings { scan: Scan { stage_error_um: 0.0, ..settings.scan }, ..settings.clone() };
    let first = tile_area(&planned, Tile::default());
    let (row, column) = (settings.scan.rows - 1, settings.scan.columns - 1);
    let last = tile_area(&planned, Tile { index: 0, row, column });
    Area { x_um: (first.x_um.0 - off, last.x_um.1 + off), y_um: (first.y_um.0 - off, last.y_um.1 + off) }
}

fn projection(settings: &Settings, tile: Tile) -> Projection {
    let (x, y) = field_um(settings, tile);
    Projection {
        corner_um: (x - settings.width_um() / 2.0, y - settings.height_um() / 2.0),
        pixel_um: (settings.pixel_size.x.0 / 1000.0, settings.pixel_size.y.0 / 1000.0),
    }
}

fn blinking(settings: &Settings, view: View, projection: Projection, tile: Tile) -> Blinking {
    let area_um2 = tile_area(settings, tile).um2();
    Blinking::new(settings.emitters, view, area_um2, projection, settings.seed, tile.index)
}

#[cfg(test)]
mod tests;
