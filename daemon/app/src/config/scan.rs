//! `[scan]`: what is done with each tile of a scan once its last frame is done.

use serde::{Deserialize, Serialize};

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
            a_net: String::new(),
            structure: "filaments".into(),
        }
    }
}
