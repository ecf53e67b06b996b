//! Two engines without a network: `fake` finds bright pixels, `null` finds nothing.
//!
//! In: windows. Out: [`Output::Found`], the same for the same pixels on every machine. Never: a model file,
//! an allocation per frame. `fake` serves tests, demonstrations and the measurement of everything that is
//! not the network: one pass over the pixels, brightest pixel of each block, sub-pixel centroid around it.

use std::time::Duration;

use smlm::frame::Shape;
use smlm::localization::Localization;

use crate::engine::{About, Engine, EngineError, FrameRef, Output, Pixels, WindowRef};

/// Side of the squares of which each yields at most one localization.
const BLOCK_PX: usize = 64;

/// How the fake engine behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FakeSettings {
    /// 1 or 3; with 3, all frames of the window are checked, and only `this` is searched.
    pub window_frames: u32,
    /// A block whose brightest pixel has fewer photons above the camera's zero yields nothing.
    pub threshold_photons: f32,
    /// Pretends that the network takes this long per frame.
    pub delay: Option<Duration>,
    pub max_batch: usize,
    /// `false` makes the `null` engine.
    pub finds: bool,
}

impl Default for FakeSettings {
    fn default() -> Self {
        Self { window_frames: 3, threshold_photons: 150.0, delay: None, max_batch: 32, finds: true }
    }
}

/// The engine of the same name. See the module's text.
pub struct Fake {
    about: About,
    settings: FakeSettings,
    found: Vec<Localization>,
}

impl Fake {
    pub fn new(settings: FakeSettings) -> Self {
        let name = if settings.finds { "fake" } else { "null" };
        let about = About {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            window_frames: settings.window_frames,
            max_batch: settings.max_batch,
            provider: "none".to_owned(),
            placement: String::new(),
            attempts: Vec::new(),
            halo_px: 0,
            grid_px: 1,
        };
        Self { about, settings, found: Vec::new() }
    }

    /// The engine that looks at every pixel's frame and finds nothing.
    pub fn null() -> Self {
        Self::new(FakeSettings { finds: false, ..FakeSettings::default() })
    }

    fn search(&mut self, frame: &FrameRef<'_>) {
        let Shape { width, height } = frame.shape;
        let (width, height) = (width as usize, height as usize);
        let (gain, bias) = frame.camera.line();
        for top in (0..height).step_by(BLOCK_PX) {
            for left in (0..width).step_by(BLOCK_PX) {
                let bottom = (top + BLOCK_PX).min(height);
                let right = (left + BLOCK_PX).min(width);
                let (x, y, adu) = brightest(frame.pixels, width, left..right, top..bottom);
                let photons = (gain * f64::from(adu) + bias) as f32;
                if photons >= self.settings.threshold_photons {
                    self.found.push(centroid(frame, x, y, photons));
                }
            }
        }
    }
}

impl Engine for Fake {
    fn about(&self) -> &About {
        &self.about
    }

    fn warm_up(&mut self, shape: Shape) -> Result<(), EngineError> {
        let blocks = |side: u32| (side as usize).div_ceil(BLOCK_PX);
        self.found.reserve(blocks(shape.width) * blocks(shape.height));
        Ok(())
    }

    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError> {
        if windows.len() > self.settings.max_batch {
            let engine = self.about.name.clone();
            return Err(EngineError::BatchTooLarge {
                engine,
                windows: windows.len(),
                max: self.settings.max_batch,
            });
        }
        for (index, window) in windows.iter().enumerate() {
            window.check()?;
            self.found.clear();
            if self.settings.finds {
                self.search(&window.this);
            }
            if let Some(delay) = self.settings.delay {
                std::thread::sleep(delay);
            }
            emit(index, Output::Found(&self.found));
        }
        Ok(())
    }
}

/// Column, row and counts of the first brightest pixel of a block.
fn brightest(
    pixels: Pixels<'_>,
    width: usize,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
) -> (usize, usize, u16) {
    // The largest value of a row first: a plain maximum vectorizes, a search for its place does not.
    let mut best = (columns.start, rows.start, 0u16);
    for y in rows {
        let line = y * width + columns.start..y * width + columns.end;
        let highest = match pixels {
            Pixels::U8(bytes) => u16::from(bytes[line.clone()].iter().copied().max().unwrap_or(0)),
            Pixels::U16Le(bytes) => {
                let bytes = &bytes[2 * line.start..2 * line.end];
                bytes.chunks_exact(2).fold(0, |high, b| high.max(u16::from_le_bytes([b[0], b[1]])))
            }
        };
        if highest > best.2 {
            let x = line.clone().position(|at| adu_at(pixels, at) == highest).unwrap_or(0);
            best = (columns.start + x, y, highest);
        }
    }
    best
}

/// Counts of the pixel at `index`.
fn adu_at(pixels: Pixels<'_>, index: usize) -> u16 {
    match pixels {
        Pixels::U8(bytes) => u16::from(bytes[index]),
        Pixels::U16Le(bytes) => u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]),
    }
}

/// Centre of mass of the 3 x 3 pixels around a maximum, above their smallest value.
fn centroid(frame: &FrameRef<'_>, x: usize, y: usize, peak_photons: f32) -> Localization {
    let (width, height) = (frame.shape.width as usize, frame.shape.height as usize);
    let columns = x.saturating_sub(1)..(x + 2).min(width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    let (gain, bias) = frame.camera.line();
    let photons = |x: usize, y: usize| (gain * f64::from(adu_at(frame.pixels, y * width + x)) + bias) as f32;
    let around = || rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y)));
    let floor = around().map(|(x, y)| photons(x, y)).fold(peak_photons, f32::min);
    let (mut sum, mut sum_x, mut sum_y) = (0.0f32, 0.0f32, 0.0f32);
    for (cx, cy) in around() {
        let weight = photons(cx, cy) - floor;
        sum += weight;
        sum_x += weight * (cx as f32 - x as f32);
        sum_y += weight * (cy as f32 - y as f32);
    }
    let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
    Localization {
        x_px: x as f32 + sum_x * scale,
        y_px: y as f32 + sum_y * scale,
        photons: sum.max(1.0),
        background: floor,
        sigma_x_px: 0.1,
        sigma_y_px: 0.1,
        sigma_photons: sum.max(1.0).sqrt(),
        probability: 1.0,
        ..Localization::default()
    }
}
