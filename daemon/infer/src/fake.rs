//! Two engines without a network: `fake` finds bright pixels, `null` finds nothing.
//!
//! In: windows. Out: [`Output::Found`], the same for the same pixels on every machine. Never: a model file,
//! an allocation per frame. `fake` serves tests, demonstrations and the measurement of everything that is
//! not the network: one pass over the pixels, brightest pixel of each block, sub-pixel centroid around it.

use std::time::Duration;

use smlm::frame::Shape;
use smlm::localization::Localization;

use crate::engine::{About, Engine, EngineError, FrameKey, FrameRef, Output, Pixels, WindowRef};

/// Side of the squares of which each yields at most one localization.
const BLOCK_PX: usize = 64;
/// Frames whose checksum is remembered: more than the distance at which a frame comes again.
const REMEMBERED: usize = 8;

/// How the fake engine behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FakeSettings {
    /// 1 or 3. Only the frame in the middle is searched.
    pub window_frames: u32,
    /// A block whose brightest pixel has fewer photons above the camera's zero yields nothing.
    pub threshold_photons: f32,
    /// Pretends that the network takes this long per frame.
    pub delay: Option<Duration>,
    pub max_batch: usize,
    /// Sums up every frame of a window, and fails where a frame comes again with other pixels.
    pub verify: bool,
    /// `false` makes the `null` engine.
    pub finds: bool,
}

impl Default for FakeSettings {
    fn default() -> Self {
        Self {
            window_frames: 3,
            threshold_photons: 150.0,
            delay: None,
            max_batch: 64,
            verify: false,
            finds: true,
        }
    }
}

/// The engine of the same name. See the module's text.
pub struct Fake {
    about: About,
    settings: FakeSettings,
    found: Vec<Localization>,
    /// Of the blocks side by side that are being searched.
    brightest: Vec<Brightest>,
    /// Checksums of the last frames, for `verify`.
    seen: [(FrameKey, u64); REMEMBERED],
    next_seen: usize,
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
        Self {
            about,
            settings,
            found: Vec::new(),
            brightest: Vec::new(),
            seen: [(FrameKey::default(), 0); REMEMBERED],
            next_seen: 0,
        }
    }

    /// The engine that looks at every pixel's frame and finds nothing.
    pub fn null() -> Self {
        Self::new(FakeSettings { finds: false, ..FakeSettings::default() })
    }

    /// One pass in the order of memory; the brightest pixel of each block of a row of blocks is kept aside.
    fn search(&mut self, frame: &FrameRef<'_>) {
        let Shape { width, height } = frame.shape;
        let (width, height) = (width as usize, height as usize);
        let (gain, bias) = frame.camera.line();
        for top in (0..height).step_by(BLOCK_PX) {
            self.brightest.clear();
            self.brightest.resize(width.div_ceil(BLOCK_PX), Brightest::default());
            for y in top..(top + BLOCK_PX).min(height) {
                match frame.pixels {
                    Pixels::U8(bytes) => scan(&bytes[y * width..][..width], y, &mut self.brightest),
                    Pixels::U16Le(bytes) => {
                        scan(bytes[2 * y * width..][..2 * width].as_chunks().0, y, &mut self.brightest);
                    }
                }
            }
            for &Brightest { x, y, adu } in &self.brightest {
                let photons = (gain * f64::from(adu) + bias) as f32;
                if photons >= self.settings.threshold_photons {
                    self.found.push(centroid(frame, x, y, photons));
                }
            }
        }
    }

    /// Refuses a frame that comes again with other pixels: torn, overwritten in the ring, or misnamed.
    fn verify(&mut self, frame: &FrameRef<'_>) -> Result<(), EngineError> {
        let bytes = match frame.pixels {
            Pixels::U8(bytes) | Pixels::U16Le(bytes) => bytes,
        };
        let sum = bytes.chunks(8).fold(bytes.len() as u64, |sum, word| {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            (sum.rotate_left(5) ^ u64::from_le_bytes(padded)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        match self.seen.iter().find(|(key, _)| *key == frame.key) {
            Some((_, before)) if *before != sum => {
                Err(EngineError::Torn { key: format!("{}/{}", frame.key.series, frame.key.seq.0) })
            }
            Some(_) => Ok(()),
            None => {
                self.seen[self.next_seen] = (frame.key, sum);
                self.next_seen = (self.next_seen + 1) % REMEMBERED;
                Ok(())
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
        self.found.clear();
        self.found.reserve(blocks(shape.width) * blocks(shape.height));
        self.brightest.reserve(blocks(shape.width));
        Ok(())
    }

    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError> {
        self.about.check_batch(windows.len())?;
        for (index, window) in windows.iter().enumerate() {
            window.check()?;
            self.found.clear();
            if self.settings.verify {
                for frame in [&window.previous, &window.this, &window.next] {
                    self.verify(frame)?;
                }
            }
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

/// The first brightest pixel of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Brightest {
    x: usize,
    y: usize,
    adu: u16,
}

/// A pixel as it lies in the ring.
trait Stored: Copy {
    fn adu(self) -> u16;
}

impl Stored for u8 {
    fn adu(self) -> u16 {
        u16::from(self)
    }
}

impl Stored for [u8; 2] {
    fn adu(self) -> u16 {
        u16::from_le_bytes(self)
    }
}

/// Updates each block's brightest pixel by those of row `y`.
fn scan<P: Stored>(row: &[P], y: usize, brightest: &mut [Brightest]) {
    for (block, (pixels, best)) in row.chunks(BLOCK_PX).zip(brightest).enumerate() {
        // The largest value first: a plain maximum vectorizes, a search for its place does not.
        let highest = pixels.iter().fold(0, |high, pixel| pixel.adu().max(high));
        if highest > best.adu {
            let place = pixels.iter().position(|pixel| pixel.adu() == highest).unwrap_or(0);
            *best = Brightest { x: block * BLOCK_PX + place, y, adu: highest };
        }
    }
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

#[cfg(test)]
#[path = "fake/tests.rs"]
mod tests;
