//! `[gaussian]`: what the engine of the same name looks for, and what it keeps.
//!
//! In: the table as it is written. Out: settings of the recipe, or what is wrong with them. Never: a pixel size;
//! widths are in px of the camera.

use serde::{Deserialize, Serialize};
use smlm::gaussian::{Calibration, Curve, Recipe, Settings, SettingsError};

/// Settings of `model.bundle = "gaussian"` and `"gaussian-astigmatic"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianTable {
    /// In standard deviations of the first wavelet plane.
    pub threshold_factor: f64,
    /// A spot is fitted in a square of 2 · radius + 1 pixels.
    pub radius_px: usize,
    /// The width (standard deviation) that fits begin with.
    pub sigma_start_px: f64,
    pub sigma_min_px: f64,
    pub sigma_max_px: f64,
    /// From the maximum a fit began at to where it ended.
    pub moved_max_px: f64,
    /// Deviance (χ² of the likelihood) per degree of freedom; `None` sets no limit.
    pub deviance_max: Option<f64>,
    /// On the larger lateral Cramér–Rao deviation.
    pub sigma_lateral_max_px: f64,
    pub photons_min: f64,
    /// Of the camera's readout, behind the gain register.
    pub read_noise_e: f64,
    /// Needed by `gaussian-astigmatic`.
    pub astigmatism: Option<Astigmatism>,
}

/// How the widths of a spot depend on its depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Astigmatism {
    pub z_min_nm: f64,
    pub z_max_nm: f64,
    pub x: CurveTable,
    pub y: CurveTable,
}

/// `w0 · √(1 + t² + a·t³ + b·t⁴)` with `t = (z − c)/d`: a width (standard deviation) along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveTable {
    pub w0_px: f64,
    pub c_nm: f64,
    pub d_nm: f64,
    #[serde(default)]
    pub a: f64,
    #[serde(default)]
    pub b: f64,
}

impl Default for GaussianTable {
    fn default() -> Self {
        let recipe = Settings::default();
        Self {
            threshold_factor: recipe.threshold_factor,
            radius_px: recipe.radius_px,
            sigma_start_px: recipe.sigma_start_px,
            sigma_min_px: recipe.sigma_min_px,
            sigma_max_px: recipe.sigma_max_px,
            moved_max_px: recipe.moved_max_px,
            deviance_max: None,
            sigma_lateral_max_px: recipe.sigma_lateral_max_px,
            photons_min: recipe.photons_min,
            read_noise_e: 0.0,
            astigmatism: None,
        }
    }
}

impl GaussianTable {
    /// The recipe; with depth where `astigmatic`, and then there must be a calibration.
    pub fn recipe(&self, astigmatic: bool) -> Settings {
        Settings {
            threshold_factor: self.threshold_factor,
            radius_px: self.radius_px,
            sigma_start_px: self.sigma_start_px,
            sigma_min_px: self.sigma_min_px,
            sigma_max_px: self.sigma_max_px,
            moved_max_px: self.moved_max_px,
            deviance_max: self.deviance_max.unwrap_or(f64::INFINITY),
            sigma_lateral_max_px: self.sigma_lateral_max_px,
            photons_min: self.photons_min,
            calibration: self.astigmatism.filter(|_| astigmatic).map(Astigmatism::calibration),
        }
    }

    /// The key that is wrong, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if !(0.0..=1e4).contains(&self.read_noise_e) {
            return Some(("read_noise_e", "must be 0 to 10000 electrons".into()));
        }
        match Recipe::new(self.recipe(true)) {
            Ok(_) => None,
            Err(SettingsError::Value { name, range, .. }) => Some((name, format!("must be {range}"))),
            Err(error) => Some(("astigmatism", error.to_string())),
        }
    }
}

impl Astigmatism {
    fn calibration(self) -> Calibration {
        let curve = |c: CurveTable| Curve { w0_px: c.w0_px, c_nm: c.c_nm, d_nm: c.d_nm, a: c.a, b: c.b };
        Calibration { x: curve(self.x), y: curve(self.y), z_min_nm: self.z_min_nm, z_max_nm: self.z_max_nm }
    }
}
