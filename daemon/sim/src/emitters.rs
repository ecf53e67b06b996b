//! When fluorophores shine: independent flashes at a constant rate, of exponential length.
//!
//! In: a [`View`] of the sample. Out: the light of frame after frame, for ever, with memory for those that shine
//! now and no more. A flash belongs to the frame in which it starts, and each frame has its own random stream: so
//! [`Blinking::seek`] makes any frame again exactly. Never: pixels.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, Poisson, StandardNormal};

use crate::seeds::{Purpose, stream};
use crate::settings::EmitterSettings;
use crate::structure::{Site, View};
use crate::truth::{FrameTruth, TrueEmitter, VISIBLE_PHOTONS};

/// A flash is cut after this many mean on-times: one in 7e10 would be longer.
const LONGEST_MEANS: f64 = 25.0;

/// From a place in the sample to a pixel of the field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Corner of the first pixel, in µm of the stage.
    pub corner_um: (f64, f64),
    pub pixel_um: (f64, f64),
}

impl Projection {
    /// x and y on the field; pixel centres are whole numbers.
    pub fn px(&self, site: &Site) -> (f64, f64) {
        let (corner, pixel) = (self.corner_um, self.pixel_um);
        ((site.x_um - corner.0) / pixel.0 - 0.5, (site.y_um - corner.1) / pixel.1 - 0.5)
    }
}

#[derive(Clone, Copy, Debug)]
struct Flash {
    x_px: f64,
    y_px: f64,
    z_nm: f64,
    photons_per_frame: f64,
    /// In frames of the tile; a frame lasts from its number to the next.
    start: f64,
    end: f64,
}

/// The flashes of one tile, frame by frame.
#[derive(Clone, Debug)]
pub struct Blinking {
    settings: EmitterSettings,
    view: View,
    projection: Projection,
    flashes_per_frame: f64,
    seed: u64,
    tile: u32,
    next_frame: u64,
    /// Frames that a flash can last: how far back a frame depends on others.
    longest: u64,
    active: Vec<Flash>,
}

impl Blinking {
    /// Starts at frame 0 of the tile, in the steady state: flashes that began before it are there.
    pub fn new(
        settings: EmitterSettings,
        view: View,
        area_um2: f64,
        projection: Projection,
        seed: u64,
        tile: u32,
    ) -> Self {
        let per_flash = visible_frames_per_flash(&settings);
        let flashes_per_frame = settings.density_per_um2 * area_um2 / per_flash.max(1e-6);
        let longest = (LONGEST_MEANS * settings.on_time_mean_frames).ceil() as u64 + 1;
        let active = Vec::new();
        let mut blinking = Self {
            settings,
            view,
            projection,
            flashes_per_frame,
            seed,
            tile,
            next_frame: 0,
            longest,
            active,
        };
        blinking.seek(0);
        blinking
    }

    /// Makes `frame` the next one. Costs the flashes of 25 mean on-times.
    pub fn seek(&mut self, frame: u64) {
        self.active.clear();
        self.next_frame = frame;
        for back in (1..=self.longest).rev() {
            self.ignite(frame as i64 - back as i64);
        }
        let now = frame as f64;
        self.active.retain(|flash| flash.end > now);
    }

    /// The light of the next frame; `truth.emitters` is overwritten, the rest left to the caller.
    pub fn advance(&mut self, truth: &mut FrameTruth) {
        self.ignite(self.next_frame as i64);
        let (open, close) = (self.next_frame as f64, (self.next_frame + 1) as f64);
        truth.emitters.clear();
        truth.emitters.extend(self.active.iter().map(|flash| TrueEmitter {
            x_px: flash.x_px,
            y_px: flash.y_px,
            z_nm: flash.z_nm,
            photons: flash.photons_per_frame * (flash.end.min(close) - flash.start.max(open)),
        }));
        self.active.retain(|flash| flash.end > close);
        self.next_frame += 1;
    }

    /// Flashes that shine now: the whole state.
    pub fn active(&self) -> usize {
        self.active.len()
    }

    /// Flashes that start within the frame; frames before the first are negative.
    fn ignite(&mut self, frame: i64) {
        let mut rng = stream(self.seed, Purpose::Emitters, self.tile, (frame + self.longest as i64) as u64);
        // The rate is finite and bounded with the settings; 0 makes no distribution and no flash.
        let count = Poisson::new(self.flashes_per_frame).map_or(0.0, |poisson| poisson.sample(&mut rng));
        for _ in 0..count as u64 {
            let Some(site) = self.view.draw(&mut rng) else { continue };
            let start = frame as f64 + rng.random::<f64>();
            let on: f64 = Exp1.sample(&mut rng);
            let normal: f64 = StandardNormal.sample(&mut rng);
            let (x_px, y_px) = self.projection.px(&site);
            self.active.push(Flash {
                x_px,
                y_px,
                z_nm: site.z_nm,
                photons_per_frame: (self.settings.photons_mean + self.settings.photons_sd * normal)
                    .max(self.settings.photons_min),
                start,
                end: start + on.min(LONGEST_MEANS) * self.settings.on_time_mean_frames,
            });
        }
    }
}

/// Mean number of frames in which a flash is visible.
///
/// A flash of length d, started anywhere in a frame, gives at least a part τ of a full frame's light to
/// `1 + d − 2τ` frames on average if `d ≥ τ`, and to none otherwise. With d exponential of mean m that is
/// `exp(−τ/m) · (1 + m − τ)`. τ is the visible limit over the flash's photons per frame, averaged over flashes.
pub fn visible_frames_per_flash(settings: &EmitterSettings) -> f64 {
    const STEPS: u32 = 2_000;
    const REACH_SD: f64 = 6.0;
    let m = settings.on_time_mean_frames;
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in 0..STEPS {
        let deviation = REACH_SD * (2.0 * (f64::from(i) + 0.5) / f64::from(STEPS) - 1.0);
        let weight = (-0.5 * deviation * deviation).exp();
        let photons = (settings.photons_mean + settings.photons_sd * deviation).max(settings.photons_min);
        let tau = VISIBLE_PHOTONS / photons;
        weights += weight;
        if tau <= 1.0 {
            sum += weight * (-tau / m).exp() * (1.0 + m - tau);
        }
    }
    sum / weights
}

#[cfg(test)]
mod tests;
