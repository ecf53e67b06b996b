//! The engine `gaussian`: wavelet detection and Gaussian fits, spread over the lanes of a crew.
//!
//! In: windows, of which only the frame in the middle is looked at. Out: [`Output::Found`] for each window, in order,
//! rows from top to bottom. Never: a model file, a post-processing, an allocation once a shape and its number of spots
//! were seen. What is found is `smlm::gaussian`'s matter.
//!
//! A frame is cut into strips of rows that overlap, so that one frame keeps every lane busy. Two steps:
//! all strips of a round are filtered; then, with the threshold of each whole frame, all are searched and fitted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smlm::crlb::Noise;
use smlm::frame::Shape;
use smlm::gaussian::wavelet::Spread;
use smlm::gaussian::{Recipe, Rows, Settings, SettingsError, Strip};
use smlm::localization::Localization;

use crate::crew::Crew;
use crate::engine::{About, Engine, EngineError, Output, WindowRef};
use crate::pixels::{Cut, Scaling, fill};

/// How the engine behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianSettings {
    pub recipe: Settings,
    /// Readout noise of the camera in electrons, behind the gain register. It widens the deviations.
    pub read_noise_e: f64,
    /// Windows in one call, at most.
    pub max_batch: usize,
    /// For the strips of one frame, at most.
    pub memory_bytes: usize,
}

impl Default for GaussianSettings {
    fn default() -> Self {
        Self { recipe: Settings::default(), read_noise_e: 0.0, max_batch: 16, memory_bytes: 1 << 30 }
    }
}

/// Rows of a strip without its halo: fewer make more strips for many lanes, and more rows that are filtered twice.
const STRIP_ROWS: std::ops::RangeInclusive<usize> = 32..=128;
/// Small frames are worked on together until their strips fill this.
const ROUND_BYTES: usize = 64 << 20;
/// Image, smooth image and filtered image.
const PLANES: usize = 3;
/// Localizations a strip has room for from the start.
const ROOM: usize = 512;
/// Photons as they are.
const PHOTONS: Scaling = Scaling { offset_photons: 0.0, scale_photons: 1.0 };

/// The engine. See the module's text.
pub struct Gaussian {
    about: About,
    recipe: Recipe,
    settings: GaussianSettings,
    crew: Arc<dyn Crew>,
    layout: Layout,
    /// Of the windows of a round, strip after strip.
    pieces: Vec<Mutex<Piece>>,
    thresholds: Vec<f32>,
    found: Vec<Localization>,
}

#[derive(Default)]
struct Piece {
    strip: Strip,
    spread: Spread,
}

/// How frames of a shape are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Layout {
    shape: Shape,
    strip_rows: usize,
    strips: usize,
    /// Windows of a round.
    windows: usize,
}

impl Gaussian {
    /// Refuses settings that find nothing.
    pub fn new(settings: GaussianSettings, crew: Arc<dyn Crew>) -> Result<Self, SettingsError> {
        let recipe = Recipe::new(settings.recipe)?;
        let about = About {
            name: "gaussian".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            window_frames: 1,
            max_batch: settings.max_batch.max(1),
            provider: "cpu".to_owned(),
            placement: String::new(),
            attempts: Vec::new(),
            halo_px: settings.recipe.halo_px() as u32,
            grid_px: 1,
        };
        Ok(Self {
            settings: GaussianSettings { max_batch: about.max_batch, ..settings },
            about,
            recipe,
            crew,
            layout: Layout::default(),
            pieces: Vec::new(),
            thresholds: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Cuts frames of `shape` into strips.
    fn lay_out(&mut self, shape: Shape) -> Result<(), EngineError> {
        if self.layout.shape == shape {
            return Ok(());
        }
        let (width, height) = (shape.width as usize, shape.height as usize);
        let (least, most) = (*STRIP_ROWS.start(), *STRIP_ROWS.end());
        let strip_rows = height.div_ceil(2 * self.crew.width()).clamp(least, most);
        let strips = height.div_ceil(strip_rows);
        let halo_px = self.settings.recipe.halo_px();
        let bytes = (height + 2 * halo_px * (strips - 1)) * width * PLANES * size_of::<f32>();
        if bytes > self.settings.memory_bytes {
            return Err(EngineError::Memory {
                width: shape.width,
                height: shape.height,
                needed_mib: bytes >> 20,
                allowed_mib: self.settings.memory_bytes >> 20,
            });
        }
        let windows = (ROUND_BYTES / bytes.max(1)).clamp(1, self.settings.max_batch);
        self.layout = Layout { shape, strip_rows, strips, windows };
        self.pieces.resize_with((windows * strips).max(self.pieces.len()), Mutex::default);
        for (index, piece) in self.pieces.iter_mut().enumerate() {
            let strip = &mut piece.get_mut().unwrap_or_else(PoisonError::into_inner).strip;
            strip.reserve(ROOM);
            let first = index % strips * strip_rows;
            strip.cover(shape, Rows { first, end: first + strip_rows }, halo_px);
        }
        self.thresholds.resize(windows, 0.0);
        self.found.reserve(ROOM * strips);
        Ok(())
    }

    /// Photons and wavelet filter of one strip.
    fn filter(&self, window: &WindowRef<'_>, piece: &mut Piece) {
        let rows = piece.strip.rows();
        let width = window.this.shape.width as usize;
        let cut = Cut { x: 0, y: rows.first, width, height: rows.end - rows.first };
        fill(&window.this, PHOTONS, cut, &mut piece.strip.image);
        piece.spread = self.recipe.filter(&mut piece.strip);
    }

    /// Windows that are worked on together.
    fn round(&mut self, windows: &[WindowRef<'_>]) {
        let strips = self.layout.strips;
        let pieces = windows.len() * strips;
        self.crew.each(pieces, &|index, _| {
            self.filter(&windows[index / strips], &mut lock(&self.pieces[index]));
        });
        for (threshold, pieces) in self.thresholds.iter_mut().zip(self.pieces.chunks(strips)) {
            let mut frame = Spread::default();
            pieces.iter().for_each(|piece| frame.add(lock(piece).spread));
            *threshold = self.recipe.threshold(&frame);
        }
        self.crew.each(pieces, &|index, _| {
            let window = index / strips;
            let noise = Noise::of(&windows[window].this.camera, self.settings.read_noise_e);
            self.recipe.find(&mut lock(&self.pieces[index]).strip, self.thresholds[window], noise);
        });
    }
}

impl Engine for Gaussian {
    fn about(&self) -> &About {
        &self.about
    }

    fn warm_up(&mut self, shape: Shape) -> Result<(), EngineError> {
        self.lay_out(shape)?;
        // A frame without light: every buffer gets its size.
        for piece in &mut self.pieces {
            let piece = piece.get_mut().unwrap_or_else(PoisonError::into_inner);
            piece.strip.image.fill(0.0);
            self.recipe.filter(&mut piece.strip);
        }
        Ok(())
    }

    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError> {
        let Some(shape) = self.about.check_windows(windows)? else { return Ok(()) };
        self.lay_out(shape)?;
        let mut index = 0;
        for round in windows.chunks(self.layout.windows) {
            self.round(round);
            for pieces in self.pieces.chunks(self.layout.strips).take(round.len()) {
                self.found.clear();
                pieces.iter().for_each(|piece| self.found.extend_from_slice(&lock(piece).strip.found));
                emit(index, Output::Found(&self.found));
                index += 1;
            }
        }
        Ok(())
    }
}

fn lock(piece: &Mutex<Piece>) -> MutexGuard<'_, Piece> {
    // What a panicking job leaves behind is overwritten by the next one.
    piece.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "gaussian/tests.rs"]
mod tests;
