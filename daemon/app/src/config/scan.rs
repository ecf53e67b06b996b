//! `[scan]`: what is done with each tile of a scan once its last frame is done, and when a tile may end early.

use serde::{Deserialize, Serialize};
use smlm::enough::Targets;
use smlm::units::Nm;

/// Tiles of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanTable {
    /// Work each tile through: drift, merging, resolution, verdict, seams.
    pub finish: bool,
    /// Take each tile's drift out.
    pub drift: bool,
    /// Localizations of one emitter in successive frames become one where they are nearer than this; 0: never.
    pub merge_nm: f64,
    /// How far the stage's step from a tile to the next may be off.
    pub stage_error_um: f64,
    /// Write the scan's picture (OME-Zarr, while it grows and once more when all places are known) and the data set of
    /// its localizations.
    pub mosaic: bool,
    /// Side of a pixel of that picture.
    pub mosaic_pixel_nm: f64,
    pub early_stop: EarlyStop,
    /// A bundle of the engine `a-net`, by name or folder: every finished tile gets its picture. Empty: none.
    pub a_net: String,
    /// What the tiles show: one of the structures that the bundle's card lists.
    pub structure: String,
}

impl Default for ScanTable {
    fn default() -> Self {
        Self {
            finish: true,
            drift: true,
            merge_nm: 20.0,
            stage_error_um: 3.0,
            mosaic: true,
            mosaic_pixel_nm: 20.0,
            early_stop: EarlyStop::default(),
            a_net: String::new(),
            structure: "filaments".into(),
        }
    }
}

/// `[scan.early_stop]`: what is enough of a tile. Whoever drives the scan is told and ends the tile. Without a target
/// nothing is looked for; of two, both must be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStop {
    /// Fourier ring resolution.
    pub target_frc_nm: Option<f64>,
    pub target_localizations: Option<u64>,
    /// No tile has enough before so many frames.
    pub least_frames: u64,
    /// Frames between two looks.
    pub check_every_frames: u64,
}

impl Default for EarlyStop {
    fn default() -> Self {
        Self { target_frc_nm: None, target_localizations: None, least_frames: 0, check_every_frames: 500 }
    }
}

impl EarlyStop {
    /// `None`: no tile ends early.
    pub fn targets(&self) -> Option<Targets> {
        let Self { target_frc_nm, target_localizations, least_frames, check_every_frames } = *self;
        (target_frc_nm.is_some() || target_localizations.is_some()).then(|| Targets {
            frc: target_frc_nm.map(Nm),
            localizations: target_localizations,
            least_frames,
            every_frames: check_every_frames,
        })
    }

    /// The key that cannot be, and what it must be.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let frc = self.target_frc_nm.unwrap_or(50.0);
        if !(20.0..=1000.0).contains(&frc) {
            return Some(("target_frc_nm", "must be 20 to 1000 nm"));
        }
        if self.target_localizations == Some(0) {
            return Some(("target_localizations", "must be 1 or more"));
        }
        let every = self.check_every_frames;
        (!(10..=1_000_000).contains(&every)).then_some(("check_every_frames", "must be 10 to 1000000 frames"))
    }
}
