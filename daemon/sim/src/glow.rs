//! The light of a tile when everything shines: what a widefield pass sees.
//!
//! In: a [`View`] of the sample. Out: expected photons per pixel, the same in every frame of the tile. Never: noise,
//! background, blinking.

use crate::emitters::Projection;
use crate::optics;
use crate::settings::Settings;
use crate::structure::View;
use crate::truth::TrueEmitter;

/// Of the first tile's brightest pixel: 3,000 ADU with the sCMOS camera, 9,000 with the EMCCD.
pub const PEAK_PHOTONS: f64 = 1500.0;

/// Photons per pixel from all of the structure.
#[derive(Clone, Debug)]
pub(crate) struct Glow {
    /// The same in all tiles: what two of them see is equally bright in both.
    photons_per_site: f64,
    light: Vec<f32>,
}

impl Glow {
    /// How bright the sample is follows from what the first tile sees; an empty one leaves the sample dark.
    pub fn new(settings: &Settings, view: &View, projection: Projection) -> Self {
        let mut glow = Self { photons_per_site: 1.0, light: vec![0.0; settings.shape.pixels()] };
        glow.look_at(settings, view, projection);
        let peak = f64::from(glow.light.iter().copied().fold(0.0, f32::max));
        glow.photons_per_site = if peak > 0.0 { PEAK_PHOTONS / peak } else { 0.0 };
        glow.look_at(settings, view, projection);
        glow
    }

    /// Another tile.
    pub fn look_at(&mut self, settings: &Settings, view: &View, projection: Projection) {
        let Self { photons_per_site: photons, light } = self;
        light.fill(0.0);
        view.each(|site| {
            let (x_px, y_px) = projection.px(&site);
            let emitter = TrueEmitter { x_px, y_px, z_nm: site.z_nm, photons: *photons };
            optics::add(settings.psf, &emitter, settings.pixel_size, settings.shape, light);
        });
    }

    /// Row by row.
    pub fn light(&self) -> &[f32] {
        &self.light
    }
}
